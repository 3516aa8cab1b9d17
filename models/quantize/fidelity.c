/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Both models side by side, part by part.
 */
#include "fidelity.h"

#include <math.h>

#include "detect/classifier.h"
#include "detect/detector.h"
#include "network/network.h"
#include "model/model.h"

/* Of a tensor every so many numbers are compared (a prime: no channel is left out), and so many at
 * most. */
#define SAMPLE_STEP 31
#define MAX_SAMPLES (64u << 10)

/* Regions that go through a head together. */
#define BATCH 64

typedef struct {
  GArray *samples; /* floats of the picture at hand */
  gsize n_given;   /* numbers of the float model, and of the int8 model */
  gsize n_taken;
  double signal, noise; /* of the picture */
  double all_signal, all_noise, worst;
  guint n_pictures;
} Channel;

struct Fidelity {
  FbnetDetector *detector; /* the float model, or */
  FbnetClassifier *classifier;
  FbnetDetections *detections;
  float *probabilities;
  FbnetModel *int8;
  Runner runner; /* of the int8 model */
  const Network *network;
  Buffer maps[MAX_LEVELS], levels[MAX_LEVELS], out, second, averages;
  GHashTable *channels; /* name → Channel */
};

/* --- Numbers of both -------------------------------------------------------------------------- */

static void
channel_free (gpointer data)
{
  Channel *channel = data;

  g_array_unref (channel->samples);
  g_free (channel);
}

static void
observe_float (const char *name, const Tensor *tensor, gpointer data)
{
  Fidelity *self = data;
  Channel *channel = g_hash_table_lookup (self->channels, name);
  const gsize n = tensor->n * tensor->h * tensor->w * tensor->c;

  if (channel == NULL) {
    channel = g_new0 (Channel, 1);
    channel->samples = g_array_new (FALSE, FALSE, sizeof (float));
    channel->worst = INFINITY;
    g_hash_table_insert (self->channels, g_strdup (name), channel);
  }
  for (gsize i = (SAMPLE_STEP - channel->n_given % SAMPLE_STEP) % SAMPLE_STEP;
       i < n && channel->samples->len < MAX_SAMPLES; i += SAMPLE_STEP)
    g_array_append_val (channel->samples, tensor->data[i]);
  channel->n_given += n;
}

static void
observe_int8 (const char *name, const Tensor *tensor, gpointer data)
{
  Fidelity *self = data;
  Channel *channel = g_hash_table_lookup (self->channels, name);
  const gsize n = tensor->n * tensor->h * tensor->w * tensor->c;

  if (channel == NULL)
    return;
  for (gsize i = (SAMPLE_STEP - channel->n_taken % SAMPLE_STEP) % SAMPLE_STEP; i < n;
       i += SAMPLE_STEP) {
    const gsize at = (channel->n_taken + i) / SAMPLE_STEP;
    if (at >= channel->samples->len)
      break;
    const double wanted = g_array_index (channel->samples, float, at);
    const double found = tensor->bytes != NULL
        ? (double) (tensor->bytes[i] - tensor->quant.zero) * tensor->quant.scale
        : tensor->data[i];
    channel->signal += wanted * wanted;
    channel->noise += (found - wanted) * (found - wanted);
  }
  channel->n_taken += n;
}

static double
decibels (double signal, double noise)
{
  return 10 * log10 (signal / noise);
}

/* The picture is done. */
static void
close_picture (Fidelity *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->channels);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Channel *channel = value;
    if (channel->n_taken > 0)
      channel->n_pictures++;
    if (channel->n_taken > 0 && channel->signal > 0)
      channel->worst = MIN (channel->worst, decibels (channel->signal, channel->noise));
    channel->all_signal += channel->signal;
    channel->all_noise += channel->noise;
    channel->signal = channel->noise = 0;
    channel->n_given = channel->n_taken = 0;
    g_array_set_size (channel->samples, 0);
  }
}

/* --- The int8 model's parts ------------------------------------------------------------------- */

/* Runs a stage; `out` has its memory in `buffer`, as bytes or as floats. */
static gboolean
run_stage (Fidelity *self, const PackedStage *stage, const Tensor *in, Tensor *out, Buffer *buffer,
    GError **error)
{
  if (!runner_reserve_stage (&self->runner, stage, in, out, error)
      || !tensor_reserve_native (out, buffer, error))
    return FALSE;
  runner_run_stage (&self->runner, stage, in, out);
  return TRUE;
}

static gboolean
run_layer (Fidelity *self, const PackedConv *conv, const Tensor *in, GError **error)
{
  Tensor out;

  if (!runner_reserve_conv (&self->runner, conv, in, &out, error)
      || !tensor_reserve (&out, &self->second, error))
    return FALSE;
  runner_run_conv (&self->runner, conv, in, &out, NULL);
  return TRUE;
}

static gboolean
run_average (Fidelity *self, const Tensor *map, Tensor *average, const char *name, GError **error)
{
  *average = (Tensor){ NULL, map->n, 1, 1, map->c };
  if (!runner_reserve_sums (&self->runner, map, error)
      || !tensor_reserve (average, &self->averages, error))
    return FALSE;
  runner_global_average (&self->runner, map, average);
  runner_observe (&self->runner, name, ".input", average);
  return TRUE;
}

static gboolean
run_trunk (Fidelity *self, const Tensor *input, Tensor *last, GError **error)
{
  *last = *input;
  for (guint s = 0; s < self->network->n_trunk; s++) {
    const Tensor in = *last;
    if (!run_stage (self, &self->network->trunk[s], &in, last, &self->maps[s % 2], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
run_pyramid (Fidelity *self, const DetectorTaps *taps, GError **error)
{
  Tensor levels[MAX_LEVELS];

  if (self->network->n_fpn == 0)
    return TRUE;
  if (!runner_reserve_fpn (&self->runner, self->network, taps->stages, levels, self->levels, error))
    return FALSE;
  runner_run_fpn (&self->runner, self->network, taps->stages, levels);
  return TRUE;
}

static gboolean
run_rpn (Fidelity *self, const DetectorTaps *taps, GError **error)
{
  const Description *description = self->int8->description;

  for (guint level = 0; level < taps->n_levels; level++) {
    const Tensor *in = &taps->features[description->rpn_features[level]];
    Tensor map;
    if (!run_stage (self, &self->network->rpn, in, &map, &self->out, error))
      return FALSE;
    runner_observe (&self->runner, self->network->rpn_input, ".input", &map);
    if (!run_layer (self, &self->network->rpn_logits, &map, error)
        || !run_layer (self, &self->network->rpn_deltas, &map, error))
      return FALSE;
  }
  return TRUE;
}

/* Regions [first, …) of at most BATCH. */
static Tensor
batch_of (const Tensor *rois, gsize first)
{
  Tensor batch = *rois;

  batch.n = MIN (BATCH, rois->n - first);
  batch.data = tensor_pixel (rois, first, 0, 0);
  return batch;
}

static gboolean
run_box_head (Fidelity *self, const Tensor *rois, GError **error)
{
  for (gsize first = 0; first < rois->n; first += BATCH) {
    const Tensor in = batch_of (rois, first);
    Tensor map, average;
    if (!run_stage (self, &self->network->box, &in, &map, &self->out, error)
        || !run_average (self, &map, &average, self->network->box_input, error)
        || !run_layer (self, &self->network->cls_score, &average, error)
        || !run_layer (self, &self->network->bbox_pred, &average, error))
      return FALSE;
  }
  return TRUE;
}

/* Mask or keypoint head; `predictor` may have no block. */
static gboolean
run_head (Fidelity *self, const PackedStage *head, const PackedStage *predictor, const Tensor *rois,
    gsize n, GError **error)
{
  Tensor all = *rois;

  all.n = n;
  for (gsize first = 0; first < n; first += BATCH) {
    const Tensor in = batch_of (&all, first);
    Tensor map, heat;
    if (!run_stage (self, head, &in, &map, &self->out, error)
        || (predictor->n_blocks > 0
            && !run_stage (self, predictor, &map, &heat, &self->second, error)))
      return FALSE;
  }
  return TRUE;
}

static gboolean
run_detector (Fidelity *self, GError **error)
{
  const Network *network = self->network;
  const PackedStage none = { 0 };
  DetectorTaps taps;
  Tensor last;

  detector_get_taps (self->detector, &taps);
  return run_trunk (self, &taps.input, &last, error) && run_pyramid (self, &taps, error)
      && run_rpn (self, &taps, error) && run_box_head (self, &taps.box_rois, error)
      && run_head (self, &network->mask, &none, &taps.mask_rois, taps.n_masks, error)
      && run_head (self, &network->keypoints, &network->keypoint_block, &taps.keypoint_rois,
          taps.n_keypoint_boxes, error);
}

static gboolean
run_classifier (Fidelity *self, GError **error)
{
  ClassifierTaps taps;
  Tensor last, average;

  classifier_get_taps (self->classifier, &taps);
  return run_trunk (self, &taps.input, &last, error)
      && run_average (self, &last, &average, self->network->class_input, error)
      && run_layer (self, &self->network->class_logits, &average, error);
}

/* --- Life ------------------------------------------------------------------------------------- */

static gboolean
open_float (Fidelity *self, FbnetModel *model, GError **error)
{
  const FbnetDetectorOptions options = { .precision = FBNET_PRECISION_FLOAT32 };

  if (fbnet_model_get_task (model) == FBNET_TASK_DETECTION) {
    self->detector = fbnet_detector_new (model, &options, error);
    if (self->detector != NULL)
      detector_observe (self->detector, observe_float, self);
  } else {
    self->classifier = fbnet_classifier_new (model, &options, error);
    if (self->classifier != NULL)
      classifier_observe (self->classifier, observe_float, self);
  }
  return self->detector != NULL || self->classifier != NULL;
}

Fidelity *
fidelity_new (FbnetModel *model, FbnetModel *int8, GError **error)
{
  const FbnetDetectorOptions options = { .precision = FBNET_PRECISION_INT8 };
  Fidelity *self = g_new0 (Fidelity, 1);

  self->channels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, channel_free);
  self->detections = fbnet_detections_new ();
  self->probabilities = g_new (float, fbnet_model_get_n_classes (model));
  self->int8 = fbnet_model_ref (int8);
  if (open_float (self, model, error))
    self->network = runner_open (&self->runner, int8, &options, error);
  if (self->network == NULL)
    g_clear_pointer (&self, fidelity_free);
  else {
    self->runner.observe = observe_int8;
    self->runner.observer_data = self;
  }
  return self;
}

void
fidelity_free (Fidelity *self)
{
  if (self == NULL)
    return;
  fbnet_detector_free (self->detector);
  fbnet_classifier_free (self->classifier);
  fbnet_detections_free (self->detections);
  g_free (self->probabilities);
  runner_close (&self->runner);
  for (guint i = 0; i < MAX_LEVELS; i++) {
    buffer_clear (&self->maps[i]);
    buffer_clear (&self->levels[i]);
  }
  buffer_clear (&self->out);
  buffer_clear (&self->second);
  buffer_clear (&self->averages);
  fbnet_model_unref (self->int8);
  g_hash_table_unref (self->channels);
  g_free (self);
}

gboolean
fidelity_add_image (Fidelity *self, const FbnetImage *image, GError **error)
{
  const gboolean done = self->detector != NULL
      ? fbnet_detector_run (self->detector, image, self->detections, error)
          && run_detector (self, error)
      : fbnet_classifier_run (self->classifier, image, self->probabilities, error)
          && run_classifier (self, error);

  close_picture (self);
  return done;
}

gboolean
fidelity_get (const Fidelity *self, const char *name, double *mean, double *worst)
{
  const Channel *channel = g_hash_table_lookup (self->channels, name);

  if (channel == NULL || channel->n_pictures == 0)
    return FALSE;
  *mean = decibels (channel->all_signal, channel->all_noise);
  *worst = channel->worst;
  return TRUE;
}
