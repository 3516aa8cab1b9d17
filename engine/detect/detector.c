/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One frame through all stages: image, trunk and pyramid, RPN, proposals, box head, detections,
 * masks, keypoints.
 */
#include "detector.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "picture/image.h"
#include "keypoint.h"
#include "mask.h"
#include "model/model.h"
#include "model/quantization.h"
#include "roi.h"
#include "rpn.h"

/* ROIs that go through a head together: enough for full matrix products, few enough that the
 * activations between two blocks stay in the cache. */
#define BOX_BATCH      64
#define MASK_BATCH     8
#define KEYPOINT_BATCH 32

#define MAX_SIDE 32767

enum {
  BUFFER_RESIZED,
  BUFFER_INPUT,
  BUFFER_RPN_FEATURE,
  BUFFER_PROPOSALS,
  BUFFER_PROPOSAL_LOGITS,
  BUFFER_BOX_ROIS,
  BUFFER_BOX_MAP, /* the box head's output before the average */
  BUFFER_BOX_FEATURES,
  BUFFER_CLS_LOGITS,
  BUFFER_BOX_DELTAS,
  BUFFER_DETECTIONS,
  BUFFER_FRAME_BOXES,
  BUFFER_NETWORK_BOXES,
  BUFFER_MASK_ROIS,
  BUFFER_MASK_MAP, /* the mask head's output before the logits */
  BUFFER_MASK_LOGITS,
  BUFFER_MASK_PROBABILITIES,
  BUFFER_KEYPOINT_ROIS,
  BUFFER_KEYPOINT_MAP, /* the keypoint head's output before the heat maps */
  BUFFER_HEATMAPS,
  BUFFER_KEYPOINTS,
  BUFFER_SCRATCH, /* of one stage at a time */
  N_BUFFERS,
};

struct _FbnetDetector {
  FbnetModel *model;
  const Network *network;
  const Network *stored_network; /* the one that follows no stream */
  Runner runner;
  ImageResizer *resizer;

  FbnetParams params;
  float *class_thresholds; /* copy of the caller's, or NULL */

  gboolean prepared; /* for this frame size and these params */
  gsize frame_height, frame_width;
  Buffer buffers[N_BUFFERS];
  Buffer stage_buffers[MAX_LEVELS];
  Buffer stage_floats[MAX_LEVELS]; /* of stages that are computed as bytes */
  Buffer pyramid_buffers[MAX_LEVELS];
  Buffer level_buffers[MAX_LEVELS][2];
  RpnLevel rpn_levels[MAX_LEVELS];
  Tensor rpn_features[MAX_LEVELS];
  Tensor box_map, mask_map, keypoint_map; /* shapes for a whole batch */
  DetectorTaps taps;
  FbnetTimings timings;
};

typedef struct {
  FbnetDetections public;
  FbnetDetection *items;
  gsize capacity;
  Buffer masks;
  FbnetKeypoint *keypoints;
  gsize n_keypoints; /* room */
} DetectionsPrivate;

/* --- Detections ------------------------------------------------------------------------------- */

FbnetDetections *
fbnet_detections_new (void)
{
  DetectionsPrivate *self = g_new0 (DetectionsPrivate, 1);

  return &self->public;
}

void
fbnet_detections_free (FbnetDetections *detections)
{
  DetectionsPrivate *self = (DetectionsPrivate *) detections;

  if (self == NULL)
    return;
  buffer_clear (&self->masks);
  g_free (self->keypoints);
  g_free (self->items);
  g_free (self);
}

static void
detections_reserve (DetectionsPrivate *self, gsize capacity, gsize n_keypoints)
{
  if (capacity > self->capacity) {
    self->items = g_renew (FbnetDetection, self->items, capacity);
    self->capacity = capacity;
  }
  if (capacity * n_keypoints > self->n_keypoints) {
    self->keypoints = g_renew (FbnetKeypoint, self->keypoints, capacity * n_keypoints);
    self->n_keypoints = capacity * n_keypoints;
  }
  self->public.items = self->items;
}

/* --- Life ------------------------------------------------------------------------------------- */

FbnetDetector *
fbnet_detector_new (FbnetModel *model, const FbnetDetectorOptions *options, GError **error)
{
  g_return_val_if_fail (model != NULL, NULL);

  if (fbnet_model_get_task (model) != FBNET_TASK_DETECTION) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected a detection model, found a classifier", fbnet_model_get_name (model));
    return NULL;
  }

  FbnetDetector *detector = g_new0 (FbnetDetector, 1);
  detector->model = fbnet_model_ref (model);
  detector->network = runner_open (&detector->runner, model, options, error);
  if (detector->network == NULL) {
    fbnet_detector_free (detector);
    return NULL;
  }
  detector->stored_network = detector->network;
  detector->resizer = image_resizer_new ();
  image_resizer_set_kernels (detector->resizer,
      resize_kernels_best (detector->runner.kernels->cpu_flags));
  fbnet_model_get_params (model, &detector->params);
  return detector;
}

void
fbnet_detector_free (FbnetDetector *detector)
{
  if (detector == NULL)
    return;
  for (guint i = 0; i < N_BUFFERS; i++)
    buffer_clear (&detector->buffers[i]);
  for (guint i = 0; i < MAX_LEVELS; i++) {
    buffer_clear (&detector->stage_buffers[i]);
    buffer_clear (&detector->stage_floats[i]);
    buffer_clear (&detector->pyramid_buffers[i]);
    buffer_clear (&detector->level_buffers[i][0]);
    buffer_clear (&detector->level_buffers[i][1]);
  }
  runner_close (&detector->runner);
  image_resizer_free (detector->resizer);
  g_free (detector->class_thresholds);
  fbnet_model_unref (detector->model);
  g_free (detector);
}

FbnetPrecision
fbnet_detector_get_precision (const FbnetDetector *detector)
{
  g_return_val_if_fail (detector != NULL, FBNET_PRECISION_FLOAT32);
  return detector->runner.qkernels != NULL ? FBNET_PRECISION_INT8 : FBNET_PRECISION_FLOAT32;
}

FbnetInt8Bias
fbnet_detector_get_int8_bias (const FbnetDetector *detector)
{
  g_return_val_if_fail (detector != NULL, FBNET_INT8_BIAS_AUTO);
  if (detector->runner.qkernels == NULL)
    return FBNET_INT8_BIAS_AUTO;
  return detector->stored_network->exact_bias ? FBNET_INT8_BIAS_EXACT : FBNET_INT8_BIAS_WIDE;
}

const char *
fbnet_detector_get_kernels (const FbnetDetector *detector)
{
  g_return_val_if_fail (detector != NULL, NULL);
  return detector->runner.kernels->name;
}

guint
fbnet_detector_get_n_threads (const FbnetDetector *detector)
{
  g_return_val_if_fail (detector != NULL, 0);
  return workers_count (detector->runner.workers);
}

void
fbnet_detector_get_timings (const FbnetDetector *detector, FbnetTimings *timings)
{
  g_return_if_fail (detector != NULL && timings != NULL);
  *timings = detector->timings;
}

void
detector_get_taps (const FbnetDetector *detector, DetectorTaps *taps)
{
  *taps = detector->taps;
}

const double *
detector_get_norm_stats (const FbnetDetector *detector)
{
  return detector->runner.norm_stats;
}

void
detector_observe (FbnetDetector *detector, RunnerObserver observe, gpointer data)
{
  detector->runner.observe = observe;
  detector->runner.observer_data = data;
  detector->prepared = FALSE;
}

/* --- Parameters ------------------------------------------------------------------------------- */

static gboolean
check_ratio (const char *name, float value, GError **error)
{
  if (value >= 0 && value <= 1)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT, "%s: expected 0 … 1, found %g", name,
      value);
  return FALSE;
}

static gboolean
check_count (const char *name, guint value, guint min, guint max, GError **error)
{
  if (value >= min && value <= max)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT, "%s: expected %u … %u, found %u", name,
      min, max, value);
  return FALSE;
}

static gboolean
check_class_thresholds (const FbnetModel *model, const float *thresholds, GError **error)
{
  for (guint c = 0; thresholds != NULL && c < fbnet_model_get_n_classes (model); c++) {
    if (!(thresholds[c] >= 0)) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
          "class_thresholds[%u]: expected 0 or more, found %g", c, thresholds[c]);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check_iou_bounds (const FbnetParams *p, GError **error)
{
  if (!check_ratio ("iou_lower", p->iou_lower, error)
      || !check_ratio ("iou_upper", p->iou_upper, error))
    return FALSE;
  if (p->iou_lower <= p->iou_upper)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "iou_lower: expected at most iou_upper, which is %g, found %g", p->iou_upper, p->iou_lower);
  return FALSE;
}

static gboolean
check_norm_statistics (const FbnetModel *model, const FbnetParams *p, GError **error)
{
  if (p->norm_statistics != FBNET_NORM_STATISTICS_STORED
      && p->norm_statistics != FBNET_NORM_STATISTICS_STREAM) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "norm_statistics: expected stored or stream, found the number %d", p->norm_statistics);
    return FALSE;
  }
  const gboolean folded =
      fbnet_model_get_normalization (model) > FBNET_NORMALIZATION_GN && !model->has_norm_statistics;
  if (p->norm_statistics == FBNET_NORM_STATISTICS_STREAM
      && (folded || fbnet_model_is_quantized (model))) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "norm_statistics: expected stored, as %s was exported with its statistics folded into its "
        "weights, found stream",
        fbnet_model_get_name (model));
    return FALSE;
  }
  return check_ratio ("norm_momentum", p->norm_momentum, error);
}

static gboolean
check_params (const FbnetModel *model, const FbnetParams *p, GError **error)
{
  if (p->masks && !fbnet_model_has_masks (model)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "masks: expected FALSE, as %s has no mask head, found TRUE", fbnet_model_get_name (model));
    return FALSE;
  }
  if (p->keypoints && fbnet_model_get_n_keypoints (model) == 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "keypoints: expected FALSE, as %s has no keypoint head, found TRUE",
        fbnet_model_get_name (model));
    return FALSE;
  }
  return check_ratio ("score_threshold", p->score_threshold, error)
      && check_ratio ("iou_threshold", p->iou_threshold, error)
      && check_ratio ("rpn_iou_threshold", p->rpn_iou_threshold, error)
      && check_ratio ("mask_threshold", p->mask_threshold, error)
      && check_count ("pre_nms_count", p->pre_nms_count, 1, 100000, error)
      && check_count ("post_nms_count", p->post_nms_count, 1, 100000, error)
      && check_count ("max_detections", p->max_detections, 1, 100000, error)
      && check_count ("min_size", p->min_size, 1, 8192, error)
      && check_count ("max_size", p->max_size, 1, 8192, error)
      && check_count ("box_pooler_resolution", p->box_pooler_resolution, 1, 56, error)
      && check_count ("mask_pooler_resolution", p->mask_pooler_resolution, 1, 56, error)
      && check_iou_bounds (p, error) && check_norm_statistics (model, p, error)
      && check_class_thresholds (model, p->class_thresholds, error);
}

/* From stored statistics to the stream's, which begin there, or back. A model without batch norm
 * has nothing to follow with. */
static void
choose_statistics (FbnetDetector *d, FbnetNormStatistics statistics)
{
  d->network = d->stored_network;
  runner_end_stream (&d->runner);
  if (statistics != FBNET_NORM_STATISTICS_STREAM)
    return;
  const Network *following = model_get_following_network (d->model, d->runner.kernels);
  if (following->norm_stats->len == 0)
    return;
  d->network = following;
  runner_begin_stream (&d->runner, following);
}

void
fbnet_detector_reset_norm_statistics (FbnetDetector *detector)
{
  g_return_if_fail (detector != NULL);

  if (detector->runner.norm_stats != NULL)
    runner_begin_stream (&detector->runner, detector->network);
}

gboolean
fbnet_detector_set_params (FbnetDetector *detector, const FbnetParams *params, GError **error)
{
  g_return_val_if_fail (detector != NULL && params != NULL, FALSE);

  if (!check_params (detector->model, params, error))
    return FALSE;
  const FbnetParams *old = &detector->params;
  detector->prepared = detector->prepared && params->pre_nms_count == old->pre_nms_count
      && params->post_nms_count == old->post_nms_count
      && params->max_detections == old->max_detections && params->min_size == old->min_size
      && params->max_size == old->max_size && params->masks == old->masks
      && params->keypoints == old->keypoints && params->norm_statistics == old->norm_statistics
      && params->box_pooler_resolution == old->box_pooler_resolution
      && params->mask_pooler_resolution == old->mask_pooler_resolution;
  if (params->norm_statistics != old->norm_statistics)
    choose_statistics (detector, params->norm_statistics);
  detector->runner.norm_momentum = params->norm_momentum;
  float *thresholds = params->class_thresholds == NULL
      ? NULL
      : g_memdup2 (params->class_thresholds,
          fbnet_model_get_n_classes (detector->model) * sizeof (float));
  g_free (detector->class_thresholds);
  detector->class_thresholds = thresholds;
  detector->params = *params;
  detector->params.class_thresholds = thresholds;
  return TRUE;
}

void
fbnet_detector_get_params (const FbnetDetector *detector, FbnetParams *params)
{
  g_return_if_fail (detector != NULL && params != NULL);
  *params = detector->params;
}

/* --- Making room ------------------------------------------------------------------------------ */

/* ROIs of n that go through a head together. Where batch norms follow the stream they need the
 * numbers of the whole frame: then all of them. */
static gsize
batch_size (const FbnetDetector *d, gsize n, gsize usual)
{
  return d->runner.norm_stats != NULL ? n : MIN (n, usual);
}

static gsize
round_up (gsize value, gsize multiple)
{
  return multiple > 1 ? (value + multiple - 1) / multiple * multiple : value;
}

static gboolean
prepare_input (FbnetDetector *d, GError **error)
{
  DetectorTaps *taps = &d->taps;
  const guint multiple = d->model->description->size_divisibility;

  image_network_size (d->frame_height, d->frame_width, d->params.min_size, d->params.max_size,
      &taps->height, &taps->width);
  taps->input =
      (Tensor){ NULL, 1, round_up (taps->height, multiple), round_up (taps->width, multiple), 3 };
  if (!image_resizer_prepare (d->resizer, d->frame_height, d->frame_width, taps->height,
          taps->width, workers_count (d->runner.workers), error)
      || !buffer_reserve (&d->buffers[BUFFER_RESIZED], 3 * taps->height * taps->width, error))
    return FALSE;
  taps->resized = d->buffers[BUFFER_RESIZED].data;
  return tensor_reserve (&taps->input, &d->buffers[BUFFER_INPUT], error);
}

/* Heads and pyramid read floats. */
static gboolean
is_feature (const FbnetDetector *d, guint stage)
{
  const Description *description = d->model->description;
  gboolean found = description->has_fpn && stage >= description->fpn_first_stage;

  for (guint i = 0; i < description->n_levels; i++)
    found |= description->rpn_features[i] == stage;
  for (guint i = 0; i < description->n_roi_levels; i++)
    found |= description->roi_features[i] == stage;
  return found;
}

static gboolean
prepare_trunk (FbnetDetector *d, GError **error)
{
  const Tensor *in = &d->taps.input;

  d->taps.n_stages = d->network->n_trunk;
  for (guint s = 0; s < d->taps.n_stages; s++) {
    Tensor *out = &d->taps.stages[s];
    if (!runner_reserve_stage (&d->runner, &d->network->trunk[s], in, out, error)
        || !tensor_reserve_native (out, &d->stage_buffers[s], error))
      return FALSE;
    if (quant_is_set (out->quant) && is_feature (d, s)
        && !tensor_reserve (out, &d->stage_floats[s], error))
      return FALSE;
    in = out;
  }
  return TRUE;
}

static gboolean
prepare_features (FbnetDetector *d, GError **error)
{
  const Network *network = d->network;

  if (network->n_fpn == 0) {
    d->taps.n_features = d->taps.n_stages;
    memcpy (d->taps.features, d->taps.stages, sizeof d->taps.features);
    return TRUE;
  }
  d->taps.n_features = network->n_fpn + 1;
  return runner_reserve_fpn (&d->runner, network, d->taps.stages, d->taps.features,
      d->pyramid_buffers, error);
}

static RpnParams
rpn_params (const FbnetDetector *d)
{
  RpnParams params = { .pre_nms_count = d->params.pre_nms_count,
    .post_nms_count = d->params.post_nms_count,
    .iou_threshold = d->params.rpn_iou_threshold,
    .min_box_size = d->model->description->min_box_size,
    .torch_ties = d->network->exact_bias };

  memcpy (params.weights, d->model->description->rpn_weights, sizeof params.weights);
  return params;
}

static gboolean
prepare_rpn_level (FbnetDetector *d, guint level, GError **error)
{
  const Description *description = d->model->description;
  const guint index = description->rpn_features[level];
  Tensor *feature = &d->rpn_features[level];
  Tensor *logits = &d->taps.rpn_logits[level], *deltas = &d->taps.rpn_deltas[level];

  if (!runner_reserve_stage (&d->runner, &d->network->rpn, &d->taps.features[index], feature, error)
      || !tensor_reserve_native (feature, &d->buffers[BUFFER_RPN_FEATURE], error)
      || !runner_reserve_conv (&d->runner, &d->network->rpn_logits, feature, logits, error)
      || !tensor_reserve (logits, &d->level_buffers[level][0], error)
      || !runner_reserve_conv (&d->runner, &d->network->rpn_deltas, feature, deltas, error)
      || !tensor_reserve (deltas, &d->level_buffers[level][1], error))
    return FALSE;
  d->rpn_levels[level] = (RpnLevel){ .logits = logits->data,
    .deltas = deltas->data,
    .height = logits->h,
    .width = logits->w,
    .cells = description->anchors[level].cells,
    .n_cells = description->anchors[level].n_cells,
    .stride = model_feature_stride (d->model, index),
    .offset = description->anchor_offset };
  return TRUE;
}

static gboolean
prepare_rpn (FbnetDetector *d, GError **error)
{
  const RpnParams params = rpn_params (d);

  d->taps.n_levels = d->model->description->n_levels;
  for (guint level = 0; level < d->taps.n_levels; level++) {
    if (!prepare_rpn_level (d, level, error))
      return FALSE;
  }
  if (!buffer_reserve (&d->buffers[BUFFER_SCRATCH],
          rpn_scratch_size (d->rpn_levels, d->taps.n_levels, &params), error)
      || !buffer_reserve (&d->buffers[BUFFER_PROPOSALS], params.post_nms_count * sizeof (Box),
          error)
      || !buffer_reserve (&d->buffers[BUFFER_PROPOSAL_LOGITS],
          params.post_nms_count * sizeof (float), error))
    return FALSE;
  d->taps.proposals = d->buffers[BUFFER_PROPOSALS].data;
  d->taps.proposal_logits = d->buffers[BUFFER_PROPOSAL_LOGITS].data;
  return TRUE;
}

static RoiPooler
make_pooler (const FbnetDetector *d, RoiLevel levels[MAX_LEVELS], guint resolution,
    guint sampling_ratio)
{
  const Description *description = d->model->description;

  for (guint i = 0; i < description->n_roi_levels; i++) {
    const guint feature = description->roi_features[i];
    levels[i] =
        (RoiLevel){ d->taps.features[feature], 1.0f / model_feature_stride (d->model, feature) };
  }
  return (RoiPooler){ .levels = levels,
    .n_levels = description->n_roi_levels,
    .min_level = g_bit_nth_msf (model_feature_stride (d->model, description->roi_features[0]), -1),
    .resolution = resolution,
    .sampling_ratio = sampling_ratio };
}

static gboolean
reserve_pooler (FbnetDetector *d, const RoiPooler *pooler, Tensor *rois, gsize n, gint rois_buffer,
    GError **error)
{
  *rois = (Tensor){ NULL, n, pooler->resolution, pooler->resolution, pooler->levels->feature.c };
  return tensor_reserve (rois, &d->buffers[rois_buffer], error)
      && runner_reserve_threads (&d->runner, roi_scratch_size (pooler), error);
}

static gboolean
prepare_box_head (FbnetDetector *d, GError **error)
{
  const Description *description = d->model->description;
  const gsize n = d->params.post_nms_count;
  DetectorTaps *taps = &d->taps;
  RoiLevel levels[MAX_LEVELS];
  const RoiPooler pooler =
      make_pooler (d, levels, d->params.box_pooler_resolution, description->box_sampling_ratio);

  if (!reserve_pooler (d, &pooler, &taps->box_rois, n, BUFFER_BOX_ROIS, error))
    return FALSE;
  Tensor batch = taps->box_rois;
  batch.n = batch_size (d, n, BOX_BATCH);
  if (!runner_reserve_stage (&d->runner, &d->network->box, &batch, &d->box_map, error)
      || !tensor_reserve_native (&d->box_map, &d->buffers[BUFFER_BOX_MAP], error)
      || !runner_reserve_sums (&d->runner, &d->box_map, error))
    return FALSE;
  taps->box_features = (Tensor){ NULL, n, 1, 1, d->box_map.c };
  return tensor_reserve (&taps->box_features, &d->buffers[BUFFER_BOX_FEATURES], error)
      && runner_reserve_conv (&d->runner, &d->network->cls_score, &taps->box_features,
          &taps->cls_logits, error)
      && tensor_reserve (&taps->cls_logits, &d->buffers[BUFFER_CLS_LOGITS], error)
      && runner_reserve_conv (&d->runner, &d->network->bbox_pred, &taps->box_features,
          &taps->box_deltas, error)
      && tensor_reserve (&taps->box_deltas, &d->buffers[BUFFER_BOX_DELTAS], error);
}

static gboolean
prepare_detections (FbnetDetector *d, GError **error)
{
  const gsize max = d->params.max_detections;

  if (!buffer_reserve (&d->buffers[BUFFER_SCRATCH],
          box_head_scratch_size (d->params.post_nms_count, d->model->description->n_classes), error)
      || !buffer_reserve (&d->buffers[BUFFER_DETECTIONS], max * sizeof (BoxHeadDetection), error)
      || !buffer_reserve (&d->buffers[BUFFER_FRAME_BOXES], max * sizeof (Box), error)
      || !buffer_reserve (&d->buffers[BUFFER_NETWORK_BOXES], max * sizeof (Box), error))
    return FALSE;
  d->taps.detections = d->buffers[BUFFER_DETECTIONS].data;
  return TRUE;
}

static gboolean
prepare_masks (FbnetDetector *d, GError **error)
{
  const gsize n = d->params.max_detections;
  DetectorTaps *taps = &d->taps;
  RoiLevel levels[MAX_LEVELS];
  const RoiPooler pooler = make_pooler (d, levels, d->params.mask_pooler_resolution,
      d->model->description->mask_sampling_ratio);

  taps->n_masks = 0;
  if (!d->params.masks)
    return TRUE;
  if (!reserve_pooler (d, &pooler, &taps->mask_rois, n, BUFFER_MASK_ROIS, error))
    return FALSE;
  Tensor batch = taps->mask_rois;
  batch.n = batch_size (d, n, MASK_BATCH);
  if (!runner_reserve_stage (&d->runner, &d->network->mask, &batch, &d->mask_map, error)
      || !tensor_reserve (&d->mask_map, &d->buffers[BUFFER_MASK_MAP], error))
    return FALSE;
  const gsize packed = d->network->kernels->gemm_packed_size (1, d->mask_map.c) * sizeof (float);
  const gsize paste = mask_scratch_size (d->frame_width, d->frame_height);
  taps->mask_logits = (Tensor){ NULL, n, d->mask_map.h, d->mask_map.w, 1 };
  taps->mask_probabilities = taps->mask_logits;
  return runner_reserve_threads (&d->runner, MAX (packed, paste), error)
      && tensor_reserve (&taps->mask_logits, &d->buffers[BUFFER_MASK_LOGITS], error)
      && tensor_reserve (&taps->mask_probabilities, &d->buffers[BUFFER_MASK_PROBABILITIES], error);
}

/* Only the predictor that is a block can go on with bytes. */
static gboolean
reserve_keypoint_map (FbnetDetector *d, GError **error)
{
  Buffer *buffer = &d->buffers[BUFFER_KEYPOINT_MAP];

  return d->model->description->keypoint_predictor == KEYPOINTS_IRF
      ? tensor_reserve_native (&d->keypoint_map, buffer, error)
      : tensor_reserve (&d->keypoint_map, buffer, error);
}

static gboolean
prepare_keypoints (FbnetDetector *d, GError **error)
{
  const Description *description = d->model->description;
  const gsize n = d->params.max_detections;
  DetectorTaps *taps = &d->taps;
  RoiLevel levels[MAX_LEVELS];

  taps->n_keypoint_boxes = 0;
  if (!d->params.keypoints)
    return TRUE;
  const RoiPooler pooler = make_pooler (d, levels, description->keypoint_resolution,
      description->keypoint_sampling_ratio);
  if (!reserve_pooler (d, &pooler, &taps->keypoint_rois, n, BUFFER_KEYPOINT_ROIS, error))
    return FALSE;
  Tensor batch = taps->keypoint_rois;
  batch.n = batch_size (d, n, KEYPOINT_BATCH);
  if (!runner_reserve_stage (&d->runner, &d->network->keypoints, &batch, &d->keypoint_map, error)
      || !reserve_keypoint_map (d, error)
      || !runner_reserve_heatmaps (&d->runner, d->network, description->keypoint_predictor,
          &d->keypoint_map, &taps->heatmaps, error))
    return FALSE;
  taps->heatmaps.n = n;
  const gsize scratch = keypoint_scratch_size (taps->heatmaps.h, taps->heatmaps.c, taps->width + 1);
  if (!tensor_reserve (&taps->heatmaps, &d->buffers[BUFFER_HEATMAPS], error)
      || !runner_reserve_threads (&d->runner, scratch, error)
      || !buffer_reserve (&d->buffers[BUFFER_KEYPOINTS],
          n * description->n_keypoints * sizeof (FbnetKeypoint), error))
    return FALSE;
  taps->keypoints = d->buffers[BUFFER_KEYPOINTS].data;
  return TRUE;
}

static gboolean
prepare (FbnetDetector *d, const FbnetImage *image, GError **error)
{
  if (d->prepared && image->width == d->frame_width && image->height == d->frame_height)
    return TRUE;
  d->prepared = FALSE;
  d->frame_width = image->width;
  d->frame_height = image->height;
  d->prepared = prepare_input (d, error) && prepare_trunk (d, error) && prepare_features (d, error)
      && prepare_rpn (d, error) && prepare_box_head (d, error) && prepare_detections (d, error)
      && prepare_masks (d, error) && prepare_keypoints (d, error);
  if (!d->prepared)
    g_prefix_error (error, "frame of %u × %u: ", image->width, image->height);
  return d->prepared;
}

/* --- The stages ------------------------------------------------------------------------------- */

static void
run_input (FbnetDetector *d, const FbnetImage *image)
{
  const Description *description = d->model->description;

  image_resize (d->resizer, d->buffers[BUFFER_RESIZED].data, image, description->bgr,
      d->runner.workers);
  image_normalize (&d->taps.input, d->taps.resized, d->taps.height, d->taps.width,
      description->mean, description->std);
}

static void
run_trunk (FbnetDetector *d)
{
  const Tensor *in = &d->taps.input;

  for (guint s = 0; s < d->taps.n_stages; s++) {
    runner_run_stage (&d->runner, &d->network->trunk[s], in, &d->taps.stages[s]);
    in = &d->taps.stages[s];
  }
  if (d->network->n_fpn > 0)
    runner_run_fpn (&d->runner, d->network, d->taps.stages, d->taps.features);
}

static void
run_rpn (FbnetDetector *d)
{
  for (guint level = 0; level < d->taps.n_levels; level++) {
    const Tensor *in = &d->taps.features[d->model->description->rpn_features[level]];
    Tensor *feature = &d->rpn_features[level];
    tensor_place_native (feature, &d->buffers[BUFFER_RPN_FEATURE]); /* shared by the levels */
    runner_run_stage (&d->runner, &d->network->rpn, in, feature);
    runner_observe (&d->runner, QUANTIZATION_RPN_INPUT, ".input", feature);
    runner_run_conv (&d->runner, &d->network->rpn_logits, feature, &d->taps.rpn_logits[level],
        NULL);
    runner_run_conv (&d->runner, &d->network->rpn_deltas, feature, &d->taps.rpn_deltas[level],
        NULL);
  }
}

static void
run_proposals (FbnetDetector *d)
{
  const RpnParams params = rpn_params (d);

  d->taps.n_proposals = rpn_proposals (d->buffers[BUFFER_PROPOSALS].data,
      d->buffers[BUFFER_PROPOSAL_LOGITS].data, d->rpn_levels, d->taps.n_levels, &params,
      d->taps.width, d->taps.height, d->buffers[BUFFER_SCRATCH].data);
}

static void
run_box_pooler (FbnetDetector *d)
{
  RoiLevel levels[MAX_LEVELS];
  const RoiPooler pooler = make_pooler (d, levels, d->params.box_pooler_resolution,
      d->model->description->box_sampling_ratio);

  d->taps.box_rois.n = d->taps.n_proposals;
  roi_align (d->taps.box_rois.data, &pooler, d->taps.proposals, d->taps.n_proposals,
      d->network->kernels, d->runner.workers, d->runner.scratch.data);
}

/* Images [first, first + n) of a tensor. */
static Tensor
slice (const Tensor *t, gsize first, gsize n)
{
  Tensor images = *t;

  images.n = n;
  if (t->data != NULL)
    images.data = tensor_pixel (t, first, 0, 0);
  if (t->bytes != NULL)
    images.bytes = tensor_byte (t, first, 0, 0);
  return images;
}

static void
run_box_head (FbnetDetector *d)
{
  DetectorTaps *taps = &d->taps;
  const gsize n = taps->n_proposals, batch = batch_size (d, n, BOX_BATCH);

  taps->box_features.n = taps->cls_logits.n = taps->box_deltas.n = n;
  for (gsize first = 0; first < n; first += batch) {
    const Tensor in = slice (&taps->box_rois, first, MIN (batch, n - first));
    const Tensor map = slice (&d->box_map, 0, in.n);
    const Tensor features = slice (&taps->box_features, first, in.n);
    runner_run_stage (&d->runner, &d->network->box, &in, &map);
    runner_global_average (&d->runner, &map, &features);
  }
  runner_observe (&d->runner, QUANTIZATION_BOX_INPUT, ".input", &taps->box_features);
  runner_run_conv (&d->runner, &d->network->cls_score, &taps->box_features, &taps->cls_logits,
      NULL);
  runner_run_conv (&d->runner, &d->network->bbox_pred, &taps->box_features, &taps->box_deltas,
      NULL);
}

static gboolean
has_wanted_size (const FbnetParams *p, const Box *box)
{
  const float width = box->x1 - box->x0, height = box->y1 - box->y0;

  return width >= p->min_object_width && height >= p->min_object_height
      && (p->max_object_width == 0 || width <= p->max_object_width)
      && (p->max_object_height == 0 || height <= p->max_object_height);
}

static void
run_detections (FbnetDetector *d, DetectionsPrivate *found)
{
  const Description *description = d->model->description;
  BoxHeadParams params = { .n_classes = description->n_classes,
    .class_agnostic_boxes = description->class_agnostic_boxes,
    .class_agnostic_nms = d->params.class_agnostic_nms,
    .score_threshold = d->params.score_threshold,
    .class_thresholds = d->params.class_thresholds,
    .iou_threshold = d->params.iou_threshold,
    .max_detections = d->params.max_detections };
  Box *network_boxes = d->buffers[BUFFER_NETWORK_BOXES].data;
  Box *frame_boxes = d->buffers[BUFFER_FRAME_BOXES].data;

  memcpy (params.weights, description->box_weights, sizeof params.weights);
  d->taps.n_detections = box_head_detections (d->buffers[BUFFER_DETECTIONS].data, d->taps.proposals,
      d->taps.cls_logits.data, d->taps.box_deltas.data, d->taps.n_proposals, &params, d->taps.width,
      d->taps.height, d->buffers[BUFFER_SCRATCH].data);
  for (gsize i = 0; i < d->taps.n_detections; i++) {
    const BoxHeadDetection *detection = &d->taps.detections[i];
    Box box;
    if (!box_to_frame (&box, &detection->box, d->taps.width, d->taps.height, d->frame_width,
            d->frame_height)
        || !has_wanted_size (&d->params, &box))
      continue;
    const guint n = found->public.n++;
    network_boxes[n] = detection->box;
    frame_boxes[n] = box;
    found->items[n] = (FbnetDetection){ .x0 = box.x0,
      .y0 = box.y0,
      .x1 = box.x1,
      .y1 = box.y1,
      .score = detection->score,
      .class_id = detection->class_id };
  }
}

/* --- Masks ------------------------------------------------------------------------------------ */

static void
run_mask_pooler (FbnetDetector *d)
{
  RoiLevel levels[MAX_LEVELS];
  const RoiPooler pooler = make_pooler (d, levels, d->params.mask_pooler_resolution,
      d->model->description->mask_sampling_ratio);

  d->taps.mask_rois.n = d->taps.n_masks;
  roi_align (d->taps.mask_rois.data, &pooler, d->buffers[BUFFER_NETWORK_BOXES].data,
      d->taps.n_masks, d->network->kernels, d->runner.workers, d->runner.scratch.data);
}

typedef struct {
  FbnetDetector *detector;
  const FbnetDetection *items; /* of this batch */
  Tensor map;
  gsize first;
} MaskBatch;

/* The last layer has a channel per class: only the predicted one is computed. */
static void
mask_logits_item (gpointer data, guint item, guint thread)
{
  const MaskBatch *batch = data;
  const FbnetDetector *d = batch->detector;
  const Kernels *kernels = d->network->kernels;
  const gsize pixels = batch->map.h * batch->map.w, c = batch->map.c;
  const gsize class_id =
      d->model->description->class_agnostic_masks ? 0 : batch->items[item].class_id;
  float *packed = runner_scratch (&d->runner, thread);
  float *logits = d->taps.mask_logits.data + (batch->first + item) * pixels;
  float *probabilities = d->taps.mask_probabilities.data + (batch->first + item) * pixels;

  kernels->gemm_pack (packed, d->network->mask_weight + class_id * c, 1, c);
  const GemmArgs args = { .m = pixels,
    .n = 1,
    .k = c,
    .a = tensor_pixel (&batch->map, item, 0, 0),
    .lda = c,
    .packed = packed,
    .bias = d->network->mask_bias + class_id,
    .c = logits,
    .ldc = 1 };
  kernels->gemm (&args);
  memcpy (probabilities, logits, pixels * sizeof *logits);
  kernels->activate (probabilities, pixels, ACT_SIGMOID);
}

static void
run_mask_head (FbnetDetector *d, const DetectionsPrivate *found)
{
  DetectorTaps *taps = &d->taps;
  const gsize n = taps->n_masks, at_once = batch_size (d, n, MASK_BATCH);

  taps->mask_logits.n = taps->mask_probabilities.n = n;
  for (gsize first = 0; first < n; first += at_once) {
    const Tensor in = slice (&taps->mask_rois, first, MIN (at_once, n - first));
    MaskBatch batch = { d, found->items + first, slice (&d->mask_map, 0, in.n), first };
    runner_run_stage (&d->runner, &d->network->mask, &in, &batch.map);
    workers_run (d->runner.workers, mask_logits_item, &batch, in.n);
  }
}

typedef struct {
  const FbnetDetector *detector;
  DetectionsPrivate *found;
} PasteJob;

static void
paste_item (gpointer data, guint item, guint thread)
{
  const PasteJob *job = data;
  const FbnetDetector *d = job->detector;
  const Box *boxes = d->buffers[BUFFER_FRAME_BOXES].data;
  const FbnetMask *mask = &job->found->items[item].mask;
  const MaskRect rect = { mask->x, mask->y, mask->width, mask->height };
  const gsize side = d->taps.mask_probabilities.h;

  mask_paste ((guint8 *) mask->data, &rect, d->taps.mask_probabilities.data + item * side * side,
      side, &boxes[item], d->params.mask_threshold, runner_scratch (&d->runner, thread));
}

static gboolean
run_mask_paste (FbnetDetector *d, DetectionsPrivate *found, GError **error)
{
  const Box *boxes = d->buffers[BUFFER_FRAME_BOXES].data;
  PasteJob job = { d, found };
  gsize total = 0;

  for (gsize i = 0; i < found->public.n; i++) {
    const MaskRect rect = mask_rect (&boxes[i], d->frame_width, d->frame_height);
    found->items[i].mask = (FbnetMask){ rect.x, rect.y, rect.width, rect.height, NULL };
    total += (gsize) rect.width * rect.height;
  }
  /* Grows by half more than asked, so that a scene with ever larger objects soon stops it. */
  if (total > found->masks.size && !buffer_reserve (&found->masks, total + total / 2, error))
    return FALSE;
  guint8 *pixels = found->masks.data;
  for (gsize i = 0; i < found->public.n; i++) {
    FbnetMask *mask = &found->items[i].mask;
    mask->data = pixels;
    pixels += (gsize) mask->width * mask->height;
  }
  workers_run (d->runner.workers, paste_item, &job, found->public.n);
  return TRUE;
}

/* --- Keypoints -------------------------------------------------------------------------------- */

static void
run_keypoint_pooler (FbnetDetector *d)
{
  RoiLevel levels[MAX_LEVELS];
  const RoiPooler pooler = make_pooler (d, levels, d->model->description->keypoint_resolution,
      d->model->description->keypoint_sampling_ratio);

  d->taps.keypoint_rois.n = d->taps.n_keypoint_boxes;
  roi_align (d->taps.keypoint_rois.data, &pooler, d->buffers[BUFFER_NETWORK_BOXES].data,
      d->taps.n_keypoint_boxes, d->network->kernels, d->runner.workers, d->runner.scratch.data);
}

static void
run_keypoint_head (FbnetDetector *d)
{
  const gsize n = d->taps.n_keypoint_boxes, batch = batch_size (d, n, KEYPOINT_BATCH);

  d->taps.heatmaps.n = n;
  for (gsize first = 0; first < n; first += batch) {
    const Tensor in = slice (&d->taps.keypoint_rois, first, MIN (batch, n - first));
    const Tensor map = slice (&d->keypoint_map, 0, in.n);
    const Tensor out = slice (&d->taps.heatmaps, first, in.n);
    runner_run_stage (&d->runner, &d->network->keypoints, &in, &map);
    runner_run_heatmaps (&d->runner, d->network, d->model->description->keypoint_predictor, &map,
        &out);
  }
}

static void
decode_item (gpointer data, guint item, guint thread)
{
  const FbnetDetector *d = data;
  const Box *boxes = d->buffers[BUFFER_NETWORK_BOXES].data;
  FbnetKeypoint *keypoints = d->buffers[BUFFER_KEYPOINTS].data;

  keypoint_decode (keypoints + item * d->taps.heatmaps.c, &d->taps.heatmaps, item, &boxes[item],
      runner_scratch (&d->runner, thread));
}

/* Network pixels to frame pixels; unlike boxes they are not clipped. */
static void
run_keypoint_decode (FbnetDetector *d, DetectionsPrivate *found)
{
  const gsize n_keypoints = d->taps.heatmaps.c, total = found->public.n * n_keypoints;
  const float scale_x = (float) ((double) d->frame_width / d->taps.width);
  const float scale_y = (float) ((double) d->frame_height / d->taps.height);

  workers_run (d->runner.workers, decode_item, d, found->public.n);
  for (gsize i = 0; i < total; i++) {
    const FbnetKeypoint *from = &d->taps.keypoints[i];
    found->keypoints[i] = (FbnetKeypoint){ from->x * scale_x, from->y * scale_y, from->score };
  }
  for (gsize i = 0; i < found->public.n; i++)
    found->items[i].keypoints = found->keypoints + i * n_keypoints;
}

/* --- The frame -------------------------------------------------------------------------------- */

static double
now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec * 1e-6;
}

/* Milliseconds since *last, which becomes now. */
static double
lap (double *last)
{
  const double now = now_ms (), elapsed = now - *last;

  *last = now;
  return elapsed;
}

static gboolean
run_masks (FbnetDetector *d, DetectionsPrivate *found, double *last, GError **error)
{
  d->taps.n_masks = d->params.masks ? found->public.n : 0;
  if (d->taps.n_masks == 0)
    return TRUE;
  run_mask_pooler (d);
  d->timings.mask_pooler = lap (last);
  run_mask_head (d, found);
  d->timings.mask_head = lap (last);
  const gboolean good = run_mask_paste (d, found, error);
  d->timings.mask_paste = lap (last);
  return good;
}

static void
run_keypoints (FbnetDetector *d, DetectionsPrivate *found, double *last)
{
  d->taps.n_keypoint_boxes = d->params.keypoints ? found->public.n : 0;
  if (d->taps.n_keypoint_boxes == 0)
    return;
  run_keypoint_pooler (d);
  d->timings.keypoint_pooler = lap (last);
  run_keypoint_head (d);
  d->timings.keypoint_head = lap (last);
  run_keypoint_decode (d, found);
  d->timings.keypoint_decode = lap (last);
}

static gboolean
check_image (const FbnetImage *image, GError **error)
{
  if (image->width >= 1 && image->height >= 1 && image->width <= MAX_SIDE
      && image->height <= MAX_SIDE)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "frame: expected 1 … %d pixels a side, found %u × %u", MAX_SIDE, image->width, image->height);
  return FALSE;
}

gboolean
fbnet_detector_run (FbnetDetector *detector, const FbnetImage *image, FbnetDetections *detections,
    GError **error)
{
  g_return_val_if_fail (detector != NULL && image != NULL && detections != NULL, FALSE);

  DetectionsPrivate *found = (DetectionsPrivate *) detections;
  FbnetTimings *t = &detector->timings;
  const double start = now_ms ();
  double last = start;

  found->public.n = 0;
  *t = (FbnetTimings){ 0 };
  if (!check_image (image, error) || !prepare (detector, image, error))
    return FALSE;
  workers_begin_frame (detector->runner.workers);
  detections_reserve (found, detector->params.max_detections,
      detector->model->description->n_keypoints);
  t->prepare = lap (&last);
  run_input (detector, image);
  t->preprocess = lap (&last);
  run_trunk (detector);
  t->trunk = lap (&last);
  run_rpn (detector);
  t->rpn = lap (&last);
  run_proposals (detector);
  t->proposals = lap (&last);
  run_box_pooler (detector);
  t->box_pooler = lap (&last);
  run_box_head (detector);
  t->box_head = lap (&last);
  run_detections (detector, found);
  t->detections = lap (&last);
  const gboolean good = run_masks (detector, found, &last, error);
  run_keypoints (detector, found, &last);
  workers_end_frame (detector->runner.workers);
  t->total = last - start;
  if (!good)
    found->public.n = 0;
  return good;
}
