/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drawings that travel beside the pixels, for a sink to blend: offered in the caps, taken up in the
 * allocation query.
 */
#ifndef GST_FBNET_ATTACH_H
#define GST_FBNET_ATTACH_H

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef enum {
  GST_FBNET_OVERLAY_MODE_AUTO,
  GST_FBNET_OVERLAY_MODE_ATTACH,
  GST_FBNET_OVERLAY_MODE_BLEND,
} GstFbnetOverlayMode;

GType gst_fbnet_overlay_mode_get_type (void);

/* (transfer full): what caps on one side may become on the other. With `offer` the source pad has also, and
 * first, the caps with meta:GstVideoOverlayComposition. */
GstCaps *gst_fbnet_attach_transform_caps (GstPadDirection direction, GstCaps *caps, gboolean offer);

/* (transfer full): of the caps that are possible those with the feature, if there are some; `caps` is taken
 * over. */
GstCaps *gst_fbnet_attach_prefer (GstCaps *caps);

/* Whether the caps say that compositions may come. */
gboolean gst_fbnet_attach_in_caps (GstCaps *caps);

/* Whether those behind the pad, whose caps they know, look at compositions: asks them. */
gboolean gst_fbnet_attach_is_taken (GstPad *pad);

/* Behind what somebody has attached to the buffer before. Takes the composition over. */
void gst_fbnet_attach_add (GstBuffer *buffer, GstVideoOverlayComposition *composition);

G_END_DECLS

#endif
