/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections and classifications as GstVideoRegionOfInterestMeta: docs/metadata.md.
 */
#ifndef GST_FBNET_ROI_H
#define GST_FBNET_ROI_H

#include "gstfbnetresult.h"

G_BEGIN_DECLS

/* Regions that came with the buffer keep their ids: the first one above those. */
gint gst_fbnet_roi_first_free_id (GstBuffer *buffer);

/* One region per detection, in their order, and one of the whole frame for its class, with ids counted up
 * from `first_id`. `buffer` must be writable. */
void gst_fbnet_roi_attach (const GstFbnetResult *result, GstBuffer *buffer, gint first_id);

G_END_DECLS

#endif
