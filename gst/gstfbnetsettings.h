/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element's properties, and one struct of their values: those of the engine's table of parameters,
 * and the element's own.
 */
#ifndef GST_FBNET_SETTINGS_H
#define GST_FBNET_SETTINGS_H

#include <fbnet/fbnet.h>
#include <gst/gst.h>

#include "gstfbnetdecision.h"
#include "gstfbnetmessages.h"
#include "gstfbnetoverlay.h"
#include "gstfbnetregions.h"

G_BEGIN_DECLS

typedef enum {
  GST_FBNET_SCHEDULING_AUTO,
  GST_FBNET_SCHEDULING_SYNC,
  GST_FBNET_SCHEDULING_LATEST,
} GstFbnetScheduling;

typedef enum {
  GST_FBNET_ON_SKIP_AUTO,
  GST_FBNET_ON_SKIP_NONE,
  GST_FBNET_ON_SKIP_REPEAT,
} GstFbnetOnSkip;

/* What the property roi holds: as many of x, y, width, height as were set. */
typedef struct {
  guint n;
  guint numbers[4];
} GstFbnetNumbers;

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
  gboolean evaluate;
  gboolean tracking;
  guint64 track_timeout;       /* ns */
  FbnetTrackerOptions tracker; /* of it what is a property */
  FbnetZoomOptions zoom;
  guint still_threshold;
  gint scheduling;        /* GstFbnetScheduling */
  GstFbnetRules rules;    /* which frames are looked at */
  gint on_skip;           /* GstFbnetOnSkip */
  guint64 repeat_timeout; /* ns */
  gint inference_region;  /* GstFbnetInferenceRegion */
  GstFbnetNumbers roi;
  char *object_class;
  gint post_messages; /* GstFbnetPostMessages */
  guint meta_types;   /* GstFbnetMetaTypes */
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

/* What the application would have set for these (nullable) files. */
void gst_fbnet_settings_set_files (GstFbnetSettings *settings, const char *model_file,
    const char *label_file);

/* Puts what was set in place of the model's values in `params`, one by one: what does not go with the
 * model or with the others is left out. Sentences that begin with a property's name go to `wrong`, and to
 * `moot` of what this model has no use for; there it is called `path`. */
void gst_fbnet_settings_apply (const GstFbnetSettings *settings, const FbnetModel *model,
    const char *path, FbnetParams *params, GPtrArray *moot, GPtrArray *wrong);

G_END_DECLS

#endif
