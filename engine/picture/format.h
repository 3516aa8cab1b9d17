/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pixel formats: a row of a table says all that is to be known of one.
 */
#ifndef FBNET_FORMAT_H
#define FBNET_FORMAT_H

#include "fbnet/fbnet.h"

/* In what way a frame's planes hold its pixels: there is a row fetcher for each (color.c). */
typedef enum {
  PIXELS_TRIPLES, /* R, G, B in some order, a byte each */
  PIXELS_QUADS,   /* the same and a byte that does not count */
  PIXELS_565,     /* words of 5, 6 and 5 bits */
  PIXELS_GRAY,
  PIXELS_PLANAR,       /* Y; Cb; Cr */
  PIXELS_SEMI_PLANAR,  /* Y; Cb and Cr in turn */
  PIXELS_PACKED,       /* Y and Cb, Y and Cr in turn */
  N_PIXEL_ARRANGEMENTS /* not one itself */
} PixelArrangement;

typedef struct {
  PixelArrangement arrangement;
  guint8 bytes;    /* of a pixel in the first plane; PACKED: of two */
  guint8 order[4]; /* of R'G'B': which of R, G, B (0, 1, 2) each part is, from the first byte or
                         * the highest bits on; 3: none of them */
  guint8 columns, rows; /* of pixels that share a chroma sample */
  guint8 luma;          /* PACKED: whether the first (0) or the second (1) of two bytes is luma */
  guint8 cr;            /* SEMI_PLANAR, PACKED: whether Cr comes before Cb */
  guint8 bits;          /* of a sample; more than 8: in a little-endian word */
  guint8 shift;         /* of the word, to have them lowest */
} PixelFormat;

const PixelFormat *pixel_format (FbnetPixelFormat format);
guint pixel_format_n_planes (const PixelFormat *format);

/* So many bytes of a plane stand for so many columns and rows of the frame. */
typedef struct {
  guint bytes, columns, rows;
} PlaneLayout;

PlaneLayout pixel_format_plane (const PixelFormat *format, guint plane);

#endif
