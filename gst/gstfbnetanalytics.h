/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections and classifications as GstAnalytics metadata, where GStreamer has it: docs/metadata.md.
 */
#ifndef GST_FBNET_ANALYTICS_H
#define GST_FBNET_ANALYTICS_H

#include "gstfbnetresult.h"

G_BEGIN_DECLS

/* Adds what was found to the buffer's one GstAnalyticsRelationMeta, which is made if there is none,
 * and stays empty if nothing was found. `buffer` must be writable.
 * Returns: the id of the first detection, or of the classification; those of the other detections
 * follow in order. */
guint gst_fbnet_analytics_attach (const GstFbnetResult *result, GstBuffer *buffer);

/* Calls `func` for every box (GstAnalyticsODMtd) on the buffer, in pixels. `label` may be NULL. */
typedef void (
    *GstFbnetBoxFunc) (guint id, const char *label, const GstVideoRectangle *box, gpointer data);
void gst_fbnet_analytics_foreach_box (GstBuffer *buffer, GstFbnetBoxFunc func, gpointer data);

/* Whoever attaches both kinds of metadata gives them one id: whether that box is there as a region too. */
gboolean gst_fbnet_analytics_is_region_too (GstBuffer *buffer, guint id, const char *label);

/* A buffer that comes back from its pool still has the metadata, emptied: "looked and saw nothing",
 * which it must not say of a frame that was not looked at. */
void gst_fbnet_analytics_take_off_empty (GstBuffer *buffer);

G_END_DECLS

#endif
