/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Both kinds of metadata: which there are, and that their ids agree.
 */
#include "gstfbnetmeta.h"

#ifdef HAVE_ANALYTICS
#  include "gstfbnetanalytics.h"
#endif
#include "gstfbnetroi.h"

GType
gst_fbnet_meta_types_get_type (void)
{
  static const GFlagsValue values[] = {
    { GST_FBNET_META_ROI, "GstVideoRegionOfInterestMeta", "roi" },
#ifdef HAVE_ANALYTICS
    { GST_FBNET_META_ANALYTICS, "GstAnalyticsRelationMeta", "analytics" },
#endif
    { 0, NULL, NULL },
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("GstFbnetMetaTypes", values));
  return type;
}

void
gst_fbnet_meta_attach (const GstFbnetResult *result, GstBuffer *buffer, guint types)
{
  gint first_id = gst_fbnet_roi_first_free_id (buffer);

#ifdef HAVE_ANALYTICS
  if (types & GST_FBNET_META_ANALYTICS)
    first_id = (gint) gst_fbnet_analytics_attach (result, buffer);
#endif
  if (types & GST_FBNET_META_ROI)
    gst_fbnet_roi_attach (result, buffer, first_id);
}
