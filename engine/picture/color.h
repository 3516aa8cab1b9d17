/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rows of a frame, in whatever format, as three rows of R, G and B.
 *
 * Chroma is interpolated linearly to every pixel, and lies where GStreamer assumes it when caps say
 * nothing (gst_video_info_set_format): vertically between two rows; horizontally between two
 * columns up to 576 rows, on the even columns above.
 */
#ifndef FBNET_COLOR_H
#define FBNET_COLOR_H

#include "fbnet/fbnet.h"
#include "format.h"
#include "kernels/picture.h"

/* The integer form of Y'CbCr to R'G'B': within 1 of the exact one for every Y, Cb, Cr. */
ColorMatrix color_matrix (FbnetColorMatrix matrix, FbnetColorRange range);

/* One frame and how to read it. */
typedef struct {
  const FbnetImage *image;
  const PixelFormat *format;
  const PictureKernels *kernels;
  gint16 luma_scale, chroma_scale; /* narrow()'s, of more than 8 bits */
  ColorMatrix matrix;
  gboolean on_even_columns; /* where shared chroma lies */
} ColorReader;

void color_reader_init (ColorReader *reader, const FbnetImage *image, gsize frame_height,
    const PictureKernels *kernels);

/* Bytes of scratch that color_read_row() needs for frames of this width. */
gsize color_scratch_size (gsize width);

/* Writes row y of the frame: `width` bytes each of R, G, B. */
void color_read_row (const ColorReader *reader, guint8 *const rgb[3], gsize y, void *scratch);

#endif
