/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections and classifications as metadata on buffers, of whichever kinds are asked for:
 * docs/metadata.md.
 */
#ifndef GST_FBNET_META_H
#define GST_FBNET_META_H

#include "gstfbnetresult.h"

G_BEGIN_DECLS

/* Kinds of metadata, of which the element attaches one or both. */
typedef enum {
  GST_FBNET_META_ROI = 1 << 0,
  GST_FBNET_META_ANALYTICS = 1 << 1, /* only where GStreamer has it: HAVE_ANALYTICS */
} GstFbnetMetaTypes;

#ifdef HAVE_ANALYTICS
#  define GST_FBNET_META_ALL (GST_FBNET_META_ROI | GST_FBNET_META_ANALYTICS)
#else
#  define GST_FBNET_META_ALL GST_FBNET_META_ROI
#endif

GType gst_fbnet_meta_types_get_type (void);

/* What was found, as the kinds in `types` (GstFbnetMetaTypes). With both, the regions' ids are those of
 * GstAnalytics. `buffer` must be writable. */
void gst_fbnet_meta_attach (const GstFbnetResult *result, GstBuffer *buffer, guint types);

G_END_DECLS

#endif
