/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a model file becomes inside an element: the shared model, a detector or classifier of its
 * own, labels.
 */
#ifndef GST_FBNET_NETWORK_H
#define GST_FBNET_NETWORK_H

#include <fbnet/fbnet.h>

#include "gstfbnetresult.h"

G_BEGIN_DECLS

/* One of `detector` and `classifier` is there, by the model's task. */
typedef struct {
  char *path;
  FbnetModel *model;
  FbnetDetector *detector;
  FbnetClassifier *classifier;
  FbnetParams defaults; /* as the model was exported */
  FbnetParams params;   /* as set; before it was, as the model was exported */
  guint n_classes;
  GQuark *labels;          /* n_classes; a number where there is no name */
  float *class_thresholds; /* n_classes: scratch for FbnetParams */

  FbnetDetections *found; /* in the last frame; always empty for a classifier */
  float *probabilities;   /* n_classes, of a classifier */
  GstFbnetClass
      *ranking; /* n_classes, of a classifier: the best first, without those switched off */
  guint n_ranked;
} GstFbnetNetwork;

/* `label_file` (nullable) stands in for the labels stored in the model: UTF-8 text, a line per
 * class. Slow: reads files, packs weights. Any thread.
 * Returns: (transfer full): or NULL with a sentence in `error`. */
GstFbnetNetwork *gst_fbnet_network_open (const char *model_file, const char *label_file,
    const FbnetDetectorOptions *options, GError **error);
void gst_fbnet_network_close (GstFbnetNetwork *network); /* NULL is allowed */

const char *gst_fbnet_network_get_kernels (const GstFbnetNetwork *network);
guint gst_fbnet_network_get_n_threads (const GstFbnetNetwork *network);

/* As fbnet_detector_set_params(). Of a classifier only the thresholds matter. */
gboolean gst_fbnet_network_set_params (GstFbnetNetwork *network, const FbnetParams *params,
    GError **error);

/* One frame. What was found is in `network` until the next one. */
gboolean gst_fbnet_network_run (GstFbnetNetwork *network, const FbnetImage *image, GError **error);
void gst_fbnet_network_get_timings (const GstFbnetNetwork *network, FbnetTimings *timings);

/* What the last frame gave, at most `n_top` classes of a classifier; frame and time are the caller's.
 * Valid until the next frame. */
void gst_fbnet_network_get_result (const GstFbnetNetwork *network, guint n_top,
    GstFbnetResult *result);

/* The class that `text` means: a label (spaces may be written '_' or '-'), or a number.
 * FALSE if there is none. */
gboolean gst_fbnet_network_find_class (const GstFbnetNetwork *network, const char *text,
    guint *class_id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstFbnetNetwork, gst_fbnet_network_close)

G_END_DECLS

#endif
