/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element's properties, and one struct of their values: those of the engine's table of parameters,
 * and the element's own.
 */
#ifndef GST_FBNET_SETTINGS_H
#define GST_FBNET_SETTINGS_H

#include <fbnet/fbnet.h>
#include <gst/gst.h>

#include "gstfbnetoverlay.h"

G_BEGIN_DECLS

typedef enum {
  GST_FBNET_SCHEDULING_SYNC,
} GstFbnetScheduling;

#define GST_FBNET_MAX_PROPERTIES 96

/* Values as the application set them; gst_fbnet_settings_apply() makes parameters of them. */
typedef struct {
  FbnetParams params; /* without class_thresholds */
  FbnetDetectorOptions options;
  char *model_file;
  char *label_file;
  char *include_classes;
  char *exclude_classes;
  GstStructure *class_thresholds;
  guint top_classes;
  gboolean enable;
  gboolean evaluate;
  gint scheduling;
  guint meta_types; /* GstFbnetMetaTypes */
  gboolean overlay;
  gint overlay_mode; /* GstFbnetOverlayMode */
  GstFbnetOverlayStyle style;
  guint8 was_set[GST_FBNET_MAX_PROPERTIES]; /* by id: its default is no longer meant */
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

/* Puts what was set in place of the model's values in `params`, but for what this model has no use for:
 * of that, a sentence goes to `moot`, where the model is called `path`. */
void gst_fbnet_settings_apply (const GstFbnetSettings *settings, const FbnetModel *model,
    const char *path, FbnetParams *params, GPtrArray *moot);

G_END_DECLS

#endif
