/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drawing of detections: boxes, labels, scores, masks, keypoints, where followed objects came from; and of a frame's
 * class.
 */
#ifndef GST_FBNET_OVERLAY_H
#define GST_FBNET_OVERLAY_H

#include "gstfbnetresult.h"

G_BEGIN_DECLS

typedef enum {
  GST_FBNET_COLOR_BY_CLASS,
  GST_FBNET_COLOR_BY_INSTANCE,
  GST_FBNET_COLOR_BY_TRACK,
} GstFbnetColorBy;

GType gst_fbnet_color_by_get_type (void);

typedef struct {
  gboolean draw_boxes, draw_labels, draw_scores, draw_masks, draw_keypoints;
  gint color_by;       /* GstFbnetColorBy */
  guint outline_color; /* 0xAARRGGBB, not premultiplied; 0: from the palette */
  guint labels_color;  /* the same for text; 0: black or white */
  guint line_width;    /* pixels, in a frame whose shorter side has 480 */
  double mask_alpha;   /* 0…1 */
} GstFbnetOverlayStyle;

/* Fonts, words and trails, kept from frame to frame. One thread at a time. */
typedef struct _GstFbnetOverlay GstFbnetOverlay;

GstFbnetOverlay *gst_fbnet_overlay_new (void);
void gst_fbnet_overlay_free (GstFbnetOverlay *overlay); /* NULL is allowed */

/* The detections into the frame, mapped for reading and writing: worst first, so that the best lie on top. */
void gst_fbnet_overlay_draw (GstFbnetOverlay *overlay, const GstFbnetResult *result,
    const GstFbnetOverlayStyle *style, const GstVideoFrame *frame);

/* The same as small ARGB pictures at their places, for a sink to blend.
 * Returns: (transfer full) (nullable): NULL if there is nothing to draw. */
GstVideoOverlayComposition *gst_fbnet_overlay_compose (GstFbnetOverlay *overlay,
    const GstFbnetResult *result, const GstFbnetOverlayStyle *style);

G_END_DECLS

#endif
