/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known of a frame → GstCustomMeta, which needs no header of ours to be read.
 */
#include "gstfbnettruth.h"

void
gst_fbnet_truth_register (void)
{
  /* No tags: it speaks of neither size nor pixels, and conversions may keep it. */
  static const gchar *tags[] = { NULL };

  if (gst_meta_get_info (GST_FBNET_TRUTH_NAME) == NULL)
    gst_meta_register_custom (GST_FBNET_TRUTH_NAME, tags, NULL, NULL, NULL);
}

void
gst_fbnet_truth_attach (const GstFbnetTruth *truth, GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, GST_FBNET_TRUTH_NAME);

  if (meta == NULL)
    meta = gst_buffer_add_custom_meta (buffer, GST_FBNET_TRUTH_NAME);
  gst_structure_set (gst_custom_meta_get_structure (meta), "looked", G_TYPE_BOOLEAN,
      truth->reason == GST_FBNET_REASON_LOOKED, "reason", G_TYPE_STRING,
      gst_fbnet_reason_get_name (truth->reason), "inference-pts", G_TYPE_UINT64,
      (guint64) truth->inferred_pts, "age", G_TYPE_UINT64, (guint64) truth->age, "repeated",
      G_TYPE_BOOLEAN, truth->repeated, "predicted", G_TYPE_BOOLEAN, truth->predicted, "generation",
      G_TYPE_UINT, truth->generation, NULL);
}
