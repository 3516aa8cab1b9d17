/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where drawings go: into the frame, or beside it where those downstream have said that they blend.
 */
#ifndef GST_FBNET_DRAWING_H
#define GST_FBNET_DRAWING_H

#include "gstfbnetsettings.h"

G_BEGIN_DECLS

/* All zero: before the first caps. Of the streaming thread. */
typedef struct {
  GstFbnetOverlay *overlay; /* NULL until something is drawn */
  gboolean offered;         /* by the caps of the source pad */
  gboolean asked;           /* those downstream, whether they take it; since caps were set */
  gboolean taken;           /* their answer */
} GstFbnetDrawing;

void gst_fbnet_drawing_clear (GstFbnetDrawing *drawing);

/* The caps of the source pad. */
void gst_fbnet_drawing_set_caps (GstFbnetDrawing *drawing, GstCaps *caps);

/* Draws what the buffer carries, a frame of `info` that leaves by `pad`. FALSE: it cannot be mapped. */
gboolean gst_fbnet_drawing_draw (GstFbnetDrawing *drawing, GstPad *pad, const GstVideoInfo *info,
    const GstFbnetSettings *settings, GstBuffer *buffer, const GstFbnetResult *result);

G_END_DECLS

#endif
