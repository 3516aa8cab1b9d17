/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the labels' plates go: beside their boxes, inside the frame, on no other plate, and on no object of
 * which they would hide much.
 */
#ifndef GST_FBNET_PLATES_H
#define GST_FBNET_PLATES_H

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef struct {
  gint width, height;             /* of the frame */
  const GstVideoRectangle *boxes; /* of all objects */
  guint n_boxes;
  GArray *plates; /* of GstVideoRectangle: those that have their places */
} GstFbnetPlates;

/* A place for a plate of this size, for the box of that number; it is then taken. FALSE: there is none. */
gboolean gst_fbnet_plates_place (GstFbnetPlates *plates, guint box, gint width, gint height,
    GstVideoRectangle *place);

G_END_DECLS

#endif
