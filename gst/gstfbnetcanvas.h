/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Something to draw on: a frame in its own format, or a picture of an overlay composition. What is drawn
 * costs what it covers. Colours are 0xAARRGGBB, not premultiplied; places are the frame's pixels, and what
 * lies outside is left out.
 */
#ifndef GST_FBNET_CANVAS_H
#define GST_FBNET_CANVAS_H

#include <gst/video/video.h>

G_BEGIN_DECLS

/* One component of a colour. */
typedef struct {
  guint place; /* of its first byte in a group of samples */
  guint bits,
      shift; /* where it is in a word of 16 bits that others share; bits 0: it has its own */
  double offset, scale; /* from 0…1, or from -0.5…0.5, to its code in the word */
  double most;          /* such code */
} GstFbnetComponent;

/* Components whose samples lie side by side. */
typedef struct {
  guint8 *data;
  gint stride, step;   /* bytes to the next row, to the next group of samples */
  guint columns, rows; /* binary logarithms of the pixels that share a group */
  guint bytes;         /* of a sample: 1 or 2 */
  guint n;             /* of its components */
  guint first;         /* of them, in the canvas's list */
} GstFbnetLayer;

typedef struct {
  gint x, y, width, height; /* the part of the frame that it shows */
  guint n_components, n_layers;
  GstFbnetComponent components[4];
  GstFbnetLayer layers[4];
  gboolean yuv;  /* components are Y, Cb, Cr, or Y alone; otherwise R, G, B, and A */
  double kr, kb; /* luma's weights */
} GstFbnetCanvas;

/* The whole of a frame that is mapped for reading and writing, in any of GST_FBNET_VIDEO_FORMATS. The
 * alpha of a format that has it becomes opaque where something is drawn. */
void gst_fbnet_canvas_init_frame (GstFbnetCanvas *canvas, const GstVideoFrame *frame);

/* Transparent pixels of premultiplied native-endian ARGB, rows without padding, that show the part of the
 * frame at (x, y). */
void gst_fbnet_canvas_init_pixels (GstFbnetCanvas *canvas, guint32 *pixels, gint x, gint y,
    gint width, gint height);

void gst_fbnet_canvas_fill (const GstFbnetCanvas *canvas, gint x, gint y, gint width, gint height,
    guint32 color);

/* As much of the colour as `cover` says, 0…255 a pixel, `stride` bytes from a row to the next. */
void gst_fbnet_canvas_cover (const GstFbnetCanvas *canvas, gint x, gint y, gint width, gint height,
    const guint8 *cover, gsize stride, guint32 color);

/* The same, faster where most of the mask is 0 or 255 as what stands beside it, and slower where it is not. */
void gst_fbnet_canvas_mask (const GstFbnetCanvas *canvas, gint x, gint y, gint width, gint height,
    const guint8 *cover, gsize stride, guint32 color);

G_END_DECLS

#endif
