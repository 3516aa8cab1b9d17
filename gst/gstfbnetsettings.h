/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element's properties: one table, one struct of values, and what they mean for a network.
 */
#ifndef GST_FBNET_SETTINGS_H
#define GST_FBNET_SETTINGS_H

#include <fbnet/fbnet.h>
#include <gst/gst.h>

#include "gstfbnetnetwork.h"
#include "gstfbnetoverlay.h"

G_BEGIN_DECLS

typedef enum {
  GST_FBNET_SCHEDULING_SYNC,
} GstFbnetScheduling;

#define GST_TYPE_FBNET_SCHEDULING (gst_fbnet_scheduling_get_type ())
GType gst_fbnet_scheduling_get_type (void);

#define GST_TYPE_FBNET_PRECISION (gst_fbnet_precision_get_type ()) /* FbnetPrecision */
GType gst_fbnet_precision_get_type (void);

#define GST_TYPE_FBNET_NORMALIZATION (gst_fbnet_normalization_get_type ()) /* FbnetNormalization */
GType gst_fbnet_normalization_get_type (void);

#define GST_TYPE_FBNET_NORM_STATISTICS                                                             \
  (gst_fbnet_norm_statistics_get_type ()) /* FbnetNormStatistics */
GType gst_fbnet_norm_statistics_get_type (void);

/* Values as the application set them; gst_fbnet_settings_resolve() makes parameters of them. */
typedef struct {
  char *model_file;
  char *label_file;
  char *include_classes;
  char *exclude_classes;
  GstStructure *class_thresholds;
  float rpn_iou_threshold;
  float iou_threshold;
  float score_threshold;
  float mask_threshold;
  float norm_momentum;
  float iou_lower, iou_upper;
  guint threads;
  guint pre_nms_count, post_nms_count;
  guint box_pooler_resolution, mask_pooler_resolution;
  guint min_object_width, min_object_height;
  guint max_object_width, max_object_height;
  guint max_detections;
  guint top_classes;
  guint min_size, max_size;
  gboolean class_agnostic_nms;
  gboolean masks;
  gboolean keypoints;
  gboolean enable;
  gboolean evaluate;
  gint scheduling;
  guint meta_types; /* GstFbnetMetaTypes */
  gint precision;
  gint normalization;
  gint norm_statistics;
  gboolean overlay;
  GstFbnetOverlayStyle style;
  guint64 was_set; /* bit i: property i of the table was set, its default is no longer meant */
} GstFbnetSettings;

/* Ids from 1 on; returns the first free one. */
guint gst_fbnet_settings_install (GObjectClass *object_class);

void gst_fbnet_settings_init (GstFbnetSettings *settings);
void gst_fbnet_settings_clear (GstFbnetSettings *settings);
void gst_fbnet_settings_copy (GstFbnetSettings *to, const GstFbnetSettings *from);

/* The caller holds the lock that protects `settings`. FALSE: no such property.
 * `model` (nullable): where the values come from that the application has not set. */
gboolean gst_fbnet_settings_set (GstFbnetSettings *settings, guint id, const GValue *value);
gboolean gst_fbnet_settings_get (const GstFbnetSettings *settings, guint id,
    const FbnetParams *model, GValue *value);

/* TRUE if the property takes effect only when the element starts, or (file) names a file to read. */
gboolean gst_fbnet_settings_needs_start (guint id);
gboolean gst_fbnet_settings_names_file (guint id);

/* `params` for the network (class_thresholds point into it). A sentence goes to `unknown` for every
 * class that the network lacks and which is thus left out, and one to `moot` for every value that
 * can have no effect on this network. */
void gst_fbnet_settings_resolve (const GstFbnetSettings *settings, GstFbnetNetwork *network,
    FbnetParams *params, GPtrArray *unknown, GPtrArray *moot);

G_END_DECLS

#endif
