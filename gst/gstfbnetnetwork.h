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

/* Reference-counted. What stands before `detector` never changes and may be read by any thread; the
 * rest is for one thread at a time, the one that looks. One of `detector` and `classifier` is there, by
 * the model's task. */
typedef struct {
  gint n_refs;
  char *path, *model_file, *model_sha256,
      *label_file; /* the last three as asked for: NULL where nothing was */
  FbnetModel *model;
  FbnetParams defaults; /* as the model was exported */
  guint n_classes;
  GQuark *labels;               /* n_classes; a number where there is no name */
  GBytes *label_bytes;          /* they lie in it */
  FbnetDetectorOptions options; /* kernels is the network's own copy */

  FbnetDetector *detector;
  FbnetZoom *zoom;              /* beside a detector, as these: */
  FbnetDetector *part_detector; /* of parts of frames, which stays planned for them */
  FbnetInput *part;
  FbnetClassifier *classifier;
  float *probabilities; /* n_classes, of a classifier */
  float *thresholds;    /* n_classes: room for those that whoever opened the network asks for */
  guint applied;        /* the revision of the parameters that the detector has */
} GstFbnetNetwork;

/* `model_sha256` (nullable) is what the file must have. `label_file` (nullable) stands in for the labels stored in
 * the model: UTF-8 text, a line per class. Slow: reads files, packs weights. Any thread. Returns: (transfer full): or
 * NULL with a sentence in `error`. */
GstFbnetNetwork *gst_fbnet_network_open (const char *model_file, const char *model_sha256,
    const char *label_file, const FbnetDetectorOptions *options, GError **error);
GstFbnetNetwork *gst_fbnet_network_ref (GstFbnetNetwork *network);
void gst_fbnet_network_unref (GstFbnetNetwork *network); /* NULL is allowed */

/* Ends the look that is going on. Any thread. */
void gst_fbnet_network_cancel (GstFbnetNetwork *network);

const char *gst_fbnet_network_get_kernels (const GstFbnetNetwork *network);
guint gst_fbnet_network_get_n_threads (const GstFbnetNetwork *network);

/* As fbnet_detector_set_params(), once per `revision`, which is never 0. Nothing for a classifier. */
gboolean gst_fbnet_network_set_params (GstFbnetNetwork *network, const FbnetParams *params,
    guint revision, GError **error);

/* What a score has to exceed. */
float gst_fbnet_network_get_threshold (const FbnetParams *params, guint class_id);

/* Classes into `ranking`, which has room for all of them: the most probable first, without those
 * switched off. At most `n_top` are counted, and none where the best is not probable enough. */
gboolean gst_fbnet_network_classify (GstFbnetNetwork *network, const FbnetImage *image,
    const FbnetParams *params, guint n_top, GstFbnetClass *ranking, guint *n_ranked,
    GError **error);

void gst_fbnet_network_get_timings (const GstFbnetNetwork *network, FbnetTimings *timings);

/* The class that `text` means: a label (spaces may be written '_' or '-'), or a number.
 * FALSE if there is none. */
gboolean gst_fbnet_network_find_class (const GstFbnetNetwork *network, const char *text,
    guint *class_id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstFbnetNetwork, gst_fbnet_network_unref)

G_END_DECLS

#endif
