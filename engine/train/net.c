/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers and blocks in training; see net.h. The order of a block's layers is that of network/block.c.
 */
#include "net.h"

#include <string.h>

#include "detect/roi.h"

static Weight
weight_of (const Net *net, gint index)
{
  if (index < 0)
    return (Weight){ NULL, NULL };

  const Param *param = params_get (net->params->params, index);
  return (Weight){ net->params->values + param->begin,
    param->frozen ? NULL : net->gradient + param->begin };
}

static Real *
statistics_of (const Net *net, gint index)
{
  return net->params->statistics_values + params_get (net->params->statistics, index)->begin;
}

static NormPooling
pooling_of (const Net *net)
{
  if (group_size (net->group) == 1)
    return POOL_PIXELS;
  return net->statistics == STATISTICS_NAIVE  ? POOL_EQUALLY
      : net->statistics == STATISTICS_NAIVE_N ? POOL_IMAGES
                                              : POOL_PIXELS;
}

/* running += momentum × (batch - running). torch's batch norms keep the unbiased variance, detectron2's
 * NaiveSyncBatchNorm, which is torch's where there is one worker, the biased one. */
static void
update_statistics (const Net *net, const LayerParams *of, const double *stats, gsize c)
{
  Real *running_mean = statistics_of (net, of->mean);
  Real *running_var = statistics_of (net, of->variance);
  const gboolean naive = pooling_of (net) != POOL_PIXELS;
  const gboolean unbiased = !naive && stats[0] > 1;
  g_autofree double *mean = g_new (double, 2 * c);
  double *variance = mean + c;

  if (stats[0] <= 0)
    return;
  norm_stats_finish (stats, c, mean, variance);
  for (gsize i = 0; i < c; i++) {
    const double v = unbiased ? variance[i] * stats[0] / (stats[0] - 1) : variance[i];
    running_mean[i] += (Real) (net->momentum * (mean[i] - (double) running_mean[i]));
    running_var[i] += (Real) (net->momentum * (v - (double) running_var[i]));
  }
}

static Var *
batch_norm (Net *net, Var *x, const LayerParams *of, gboolean relu)
{
  const Weight gamma = weight_of (net, of->gamma), beta = weight_of (net, of->beta);
  const gboolean frozen = params_get (net->params->params, of->gamma)->frozen;

  if (net->statistics == STATISTICS_STORED || frozen)
    return op_stored_norm (net->tape, x, statistics_of (net, of->mean),
        statistics_of (net, of->variance), gamma, beta, relu);

  double *stats = tape_alloc (net->tape, norm_stats_size (x->c) * sizeof (double));
  Var *y = op_batch_norm (net->tape, x, gamma, beta, relu, pooling_of (net),
      net->statistics == STATISTICS_OWN ? NULL : net->group, net->thread, stats);
  if (net->updates_statistics)
    update_statistics (net, of, stats, x->c);
  return y;
}

/* x * weight + bias: mobile_cv's frozen_bn has no statistics. */
static Var *
frozen_norm (Net *net, Var *x, const LayerParams *of, gboolean relu)
{
  Real *mean = tape_alloc (net->tape, 2 * x->c * sizeof (Real)), *variance = mean + x->c;

  for (gsize i = 0; i < x->c; i++) {
    mean[i] = 0;
    variance[i] = (Real) (1 - NORM_EPSILON);
  }
  return op_stored_norm (net->tape, x, mean, variance, weight_of (net, of->gamma),
      weight_of (net, of->beta), relu);
}

Var *
net_conv (Net *net, Var *x, const ConvLayer *layer)
{
  const LayerParams *of = params_of_layer (net->params, layer);
  const gboolean relu = layer->act == ACT_RELU; /* a part of the norm, where there is one */
  const Weight weight = weight_of (net, of->weight), bias = weight_of (net, of->bias);
  Var *y = layer->transposed ? op_deconv (net->tape, x, layer, weight, bias)
                             : op_conv (net->tape, x, layer, weight, bias);

  switch (layer->norm.kind) {
    case NORM_NONE:
      return op_activate (net->tape, y, NULL, layer->act);
    case NORM_BATCH:
      y = batch_norm (net, y, of, relu);
      break;
    case NORM_FROZEN:
      y = frozen_norm (net, y, of, relu);
      break;
    case NORM_GROUP:
      y = op_group_norm (net->tape, y, layer->norm.n_groups, weight_of (net, of->gamma),
          weight_of (net, of->beta));
      return op_activate (net->tape, y, NULL, layer->act);
  }
  return op_activate (net->tape, y, NULL, relu ? ACT_NONE : layer->act);
}

static Var *
squeeze_excite (Net *net, Var *x, const Block *block)
{
  Var *gate = net_conv (net, op_mean (net->tape, x), &block->se_squeeze);

  return op_gate (net->tape, x, net_conv (net, gate, &block->se_excite));
}

static Var *
irf_block (Net *net, Var *x, const Block *block)
{
  Var *y = block->pw.out != 0 ? net_conv (net, x, &block->pw) : x;

  y = op_shuffle (net->tape, y, block->shuffle_groups);
  y = op_upsample (net->tape, y, block->upsample);
  y = net_conv (net, y, &block->dw);
  if (block->se_squeeze.out != 0)
    y = squeeze_excite (net, y, block);
  y = net_conv (net, y, &block->pwl);
  return block->residual ? op_activate (net->tape, y, x, ACT_NONE) : y;
}

Var *
net_block (Net *net, Var *x, const Block *block)
{
  switch (block->kind) {
    case BLOCK_CONV:
      return op_upsample (net->tape, net_conv (net, x, &block->pwl), block->upsample);
    case BLOCK_IRF:
      return irf_block (net, x, block);
    case BLOCK_POOL:
      x = block->pw.out != 0 ? net_conv (net, x, &block->pw) : x;
      return net_conv (net, op_mean (net->tape, x), &block->pwl);
    case BLOCK_SKIP:
      return x;
  }
  g_assert_not_reached ();
}

Var *
net_stage (Net *net, Var *x, const Stage *stage)
{
  for (guint b = 0; b < stage->n_blocks; b++)
    x = net_block (net, x, &stage->blocks[b]);
  return x;
}

static guint
last_of (const guint *numbers, guint n)
{
  guint last = 0;

  for (guint i = 0; i < n; i++)
    last = MAX (last, numbers[i]);
  return last;
}

/* Of the trunk, that something is made of. */
static guint
last_stage (const Description *d)
{
  return d->has_fpn
      ? d->fpn_first_stage + d->n_fpn_stages - 1
      : MAX (last_of (d->rpn_features, d->n_levels), last_of (d->roi_features, d->n_roi_levels));
}

guint
net_first_stage (const FbnetModel *model)
{
  const Description *d = model->description;
  guint first = MAX_LEVELS;

  if (d->has_fpn)
    return d->fpn_first_stage;
  for (guint i = 0; i < d->n_levels; i++)
    first = MIN (first, d->rpn_features[i]);
  for (guint i = 0; i < d->n_roi_levels; i++)
    first = MIN (first, d->roi_features[i]);
  return first;
}

/* detectron2 modeling/backbone/fpn.py FPN.forward and LastLevelMaxPool. */
static void
run_pyramid (Net *net, Features *features)
{
  const FbnetModel *model = net->params->model;
  const Description *d = model->description;
  const guint n = d->n_fpn_stages;
  Var *above = NULL;

  for (guint i = n; i > 0; i--) {
    const LayerEntry *lateral = layers_find (model->layers, ROLE_FPN_LATERAL, i - 1);
    const LayerEntry *output = layers_find (model->layers, ROLE_FPN_OUTPUT, i - 1);
    Var *sum = net_conv (net, features->stages[d->fpn_first_stage + i - 1], lateral->conv);
    if (above != NULL)
      sum = op_activate (net->tape, sum, op_upsample (net->tape, above, 2), ACT_NONE);
    features->levels[i - 1] = net_conv (net, sum, output->conv);
    above = sum;
  }
  features->levels[n] = op_subsample (net->tape, features->levels[n - 1]);
}

void
net_features (Net *net, Var *x, guint stage, Features *features)
{
  const FbnetModel *model = net->params->model;
  const guint last = last_stage (model->description);

  *features = (Features){ { NULL } };
  for (guint s = stage; s <= last; s++)
    features->stages[s] = x = net_stage (net, x, layers_stage (model->layers, ROLE_TRUNK, s));
  if (model->description->has_fpn)
    run_pyramid (net, features);
  else
    memcpy (features->levels, features->stages, sizeof features->levels);
}

Var *
net_pool (Net *net, const Features *features, const NetRois *rois, guint resolution,
    guint sampling_ratio)
{
  const FbnetModel *model = net->params->model;
  const Description *d = model->description;
  const Feature *numbers = model->layers->features;
  const RoiPooler pooler = { .n_levels = d->n_roi_levels,
    .min_level = g_bit_nth_msf (numbers[d->roi_features[0]].stride, -1) };
  g_autofree guint32 *levels = g_new (guint32, rois->n);
  const RoiArgs args = { rois->boxes, rois->images, levels, rois->n, resolution, sampling_ratio };
  RoiFeature maps[MAX_LEVELS];

  for (guint i = 0; i < d->n_roi_levels; i++) {
    const guint feature = d->roi_features[i];
    maps[i] = (RoiFeature){ features->levels[feature], 1.0 / numbers[feature].stride };
  }
  for (gsize i = 0; i < rois->n; i++)
    levels[i] = (guint32) roi_level (&pooler, &rois->boxes[i]);
  return op_roi_align (net->tape, maps, d->n_roi_levels, &args);
}

void
net_rpn (Net *net, Var *feature, Var **logits, Var **deltas)
{
  const Layers *layers = net->params->model->layers;
  Var *x = net_stage (net, feature, layers_stage (layers, ROLE_RPN, 0));

  *logits = net_conv (net, x, layers_conv (layers, ROLE_RPN_LOGITS));
  *deltas = net_conv (net, x, layers_conv (layers, ROLE_RPN_DELTAS));
}

/* What READS_MEAN reads. */
static Var *
mean_of (Net *net, Var *x)
{
  return x->h > 1 || x->w > 1 ? op_mean (net->tape, x) : x;
}

void
net_box_head (Net *net, Var *pooled, Var **logits, Var **deltas)
{
  const Layers *layers = net->params->model->layers;
  Var *x = mean_of (net, net_stage (net, pooled, layers_stage (layers, ROLE_BOX, 0)));

  *logits = net_conv (net, x, layers_conv (layers, ROLE_CLS_SCORE));
  *deltas = net_conv (net, x, layers_conv (layers, ROLE_BBOX_PRED));
}

/* What heatmaps.c of the engine does. */
Var *
net_keypoint_head (Net *net, Var *pooled)
{
  const FbnetModel *model = net->params->model;
  const ConvLayer *logits = layers_conv (model->layers, ROLE_KEYPOINT_LOGITS);
  Var *x = net_stage (net, pooled, layers_stage (model->layers, ROLE_KEYPOINTS, 0));

  switch (model->description->keypoint_predictor) {
    case KEYPOINTS_IRF:
      return net_stage (net, x, layers_stage (model->layers, ROLE_KEYPOINT_BLOCK, 0));
    case KEYPOINTS_CONV_UPSAMPLE:
      return net_conv (net, op_upsample (net->tape, x, 2), logits);
    case KEYPOINTS_DECONV:
      return net_conv (net, x, logits);
    case KEYPOINTS_DECONV_UPSCALE:
      return op_bilinear (net->tape, net_conv (net, x, logits));
  }
  g_assert_not_reached ();
}

Var *
net_classifier (Net *net, Var *x)
{
  const Layers *layers = net->params->model->layers;
  const guint n = layers_count (layers, ROLE_TRUNK);

  for (guint s = 0; s < n; s++)
    x = net_stage (net, x, layers_stage (layers, ROLE_TRUNK, s));
  return net_conv (net, mean_of (net, x), layers_conv (layers, ROLE_CLASS_LOGITS));
}
