/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making layers ready to run: batch norm folded into the convolution (unless the network is to
 * follow a stream), weights packed for the kernel set. Folding is done in double, rounded once.
 * What runs on bytes is packed by qnetwork.c.
 */
#include "network.h"

#include <math.h>

#include "model/model.h"

static float *
aligned_floats (gsize n)
{
  return g_aligned_alloc (n, sizeof (float), 64);
}

/* out[c] = x[c] * scale[c] + shift[c] is what the norm does. */
static void
norm_as_affine (const FbnetModel *model, const ConvLayer *layer, double *scale, double *shift)
{
  g_autofree float *gamma = model_read_floats (model, layer, TRUE, "weight");
  g_autofree float *beta = model_read_floats (model, layer, TRUE, "bias");

  for (guint c = 0; c < layer->out; c++) {
    scale[c] = gamma[c];
    shift[c] = beta[c];
  }
  if (layer->norm.kind != NORM_BATCH)
    return;
  g_autofree float *mean = model_read_floats (model, layer, TRUE, "running_mean");
  g_autofree float *var = model_read_floats (model, layer, TRUE, "running_var");
  for (guint c = 0; c < layer->out; c++) {
    scale[c] = gamma[c] / sqrt ((double) var[c] + NORM_EPSILON);
    shift[c] = beta[c] - mean[c] * scale[c];
  }
}

static void
fold_norm (const FbnetModel *model, const ConvLayer *layer, float *weights, float *bias)
{
  const gsize per_channel = (gsize) layer->in / layer->groups * layer->kernel * layer->kernel;
  g_autofree double *scale = g_new (double, layer->out);
  g_autofree double *shift = g_new (double, layer->out);

  norm_as_affine (model, layer, scale, shift);
  for (guint c = 0; c < layer->out; c++) {
    for (gsize i = 0; i < per_channel; i++)
      weights[c * per_channel + i] = (float) (weights[c * per_channel + i] * scale[c]);
    bias[c] = (float) (bias[c] * scale[c] + shift[c]);
  }
}

float *
network_read_folded (const FbnetModel *model, const ConvLayer *layer, float **bias)
{
  const gboolean folds = layer->norm.kind == NORM_BATCH || layer->norm.kind == NORM_FROZEN;
  float *weights = model_read_floats (model, layer, FALSE, "weight");

  *bias = NULL;
  if (layer->bias)
    *bias = model_read_floats (model, layer, FALSE, "bias");
  else if (folds)
    *bias = g_new0 (float, layer->out);
  if (folds)
    fold_norm (model, layer, weights, *bias);
  return weights;
}

/* [c][1][k][k] to [k][k][c] */
static void
pack_depthwise (PackedConv *conv, const float *weights)
{
  const gsize channels = conv->layer->out;
  const gsize taps = (gsize) conv->layer->kernel * conv->layer->kernel;

  conv->weights = aligned_floats (taps * channels);
  for (gsize c = 0; c < channels; c++) {
    for (gsize t = 0; t < taps; t++)
      conv->weights[t * channels + c] = weights[c * taps + t];
  }
}

/* [out][in][k][k] to [out][k][k][in], as conv.c lays out its patches, then the kernel's packing, one
 * group after the other. */
static void
pack_gemm (PackedConv *conv, const Kernels *kernels, const float *weights)
{
  const ConvLayer *layer = conv->layer;
  const gsize in = layer->in / layer->groups, out = layer->out / layer->groups;
  const gsize taps = (gsize) layer->kernel * layer->kernel;
  g_autofree float *rows = g_new (float, out *taps *in);

  conv->group_size = (kernels->floats.gemm_packed_size (out, taps * in) + 15) & ~(gsize) 15;
  conv->weights = aligned_floats (conv->group_size * layer->groups);
  for (guint g = 0; g < layer->groups; g++) {
    const float *group = weights + g * out * in * taps;
    for (gsize o = 0; o < out; o++) {
      for (gsize i = 0; i < in; i++) {
        for (gsize t = 0; t < taps; t++)
          rows[(o * taps + t) * in + i] = group[(o * in + i) * taps + t];
      }
    }
    kernels->floats.gemm_pack (conv->weights + g * conv->group_size, rows, out, taps * in);
  }
}

/* [in][out][k][k] to a product of in by k·k·out: what every input pixel adds to the k × k output
 * pixels it touches. */
static void
pack_transposed (PackedConv *conv, const Kernels *kernels, const float *weights)
{
  const gsize in = conv->layer->in, out = conv->layer->out;
  const gsize taps = (gsize) conv->layer->kernel * conv->layer->kernel;
  g_autofree float *rows = g_new (float, taps *out *in);

  for (gsize i = 0; i < in; i++) {
    for (gsize o = 0; o < out; o++) {
      for (gsize t = 0; t < taps; t++)
        rows[(t * out + o) * in + i] = weights[(i * out + o) * taps + t];
    }
  }
  conv->weights = aligned_floats (kernels->floats.gemm_packed_size (taps * out, in));
  kernels->floats.gemm_pack (conv->weights, rows, taps * out, in);
}

static gboolean
is_depthwise (const ConvLayer *layer)
{
  return layer->groups == layer->in && layer->groups == layer->out && layer->groups > 1;
}

/* A norm that is done when the frame's numbers are known. */
static void
keep_norm (PackedConv *conv, const FbnetModel *model, const ConvLayer *layer, Network *network)
{
  conv->gamma = model_read_floats (model, layer, TRUE, "weight");
  conv->beta = model_read_floats (model, layer, TRUE, "bias");
  if (layer->norm.kind != NORM_BATCH)
    return;
  g_autofree float *mean = model_read_floats (model, layer, TRUE, "running_mean");
  g_autofree float *var = model_read_floats (model, layer, TRUE, "running_var");
  conv->norm_at = network->norm_stats->len;
  g_array_set_size (network->norm_stats, conv->norm_at + norm_stats_size (layer->out));
  norm_stats_begin (&g_array_index (network->norm_stats, double, conv->norm_at), mean, var,
      layer->out);
  network->max_norm_channels = MAX (network->max_norm_channels, layer->out);
}

static void
pack_conv (PackedConv *conv, const FbnetModel *model, const ConvLayer *layer, Network *network)
{
  const Kernels *kernels = network->kernels;

  *conv = (PackedConv){ .layer = layer };
  if (layer->out == 0)
    return;
  if (network->qkernels != NULL && quant_is_set (layer->q_out)) {
    conv->q = qconv_new (model, layer, network->qkernels, network->exact_bias);
    return;
  }
  const gboolean follows = layer->norm.kind == NORM_BATCH && network->follows;
  g_autofree float *weights = follows ? model_read_floats (model, layer, FALSE, "weight")
                                      : network_read_folded (model, layer, &conv->bias);

  if (follows && layer->bias)
    conv->bias = model_read_floats (model, layer, FALSE, "bias");
  if (follows || layer->norm.kind == NORM_GROUP)
    keep_norm (conv, model, layer, network);
  if (layer->transposed)
    pack_transposed (conv, kernels, weights);
  else if (is_depthwise (layer))
    pack_depthwise (conv, weights);
  else
    pack_gemm (conv, kernels, weights);
}

static void
clear_conv (PackedConv *conv)
{
  g_aligned_free (conv->weights);
  g_free (conv->bias);
  g_free (conv->gamma);
  g_free (conv->beta);
  qconv_free (conv->q);
}

static void
pack_stage (PackedStage *packed, const FbnetModel *model, const Stage *stage, Network *network)
{
  packed->n_blocks = stage->n_blocks;
  packed->blocks = g_new0 (PackedBlock, stage->n_blocks);
  for (guint b = 0; b < stage->n_blocks; b++) {
    PackedBlock *block = &packed->blocks[b];
    block->block = &stage->blocks[b];
    pack_conv (&block->pw, model, &block->block->pw, network);
    pack_conv (&block->dw, model, &block->block->dw, network);
    pack_conv (&block->se_squeeze, model, &block->block->se_squeeze, network);
    pack_conv (&block->se_excite, model, &block->block->se_excite, network);
    pack_conv (&block->pwl, model, &block->block->pwl, network);
    if (network->qkernels != NULL && block->block->quantized)
      block->q = qblock_new (block->block);
  }
}

static void
clear_stage (PackedStage *stage)
{
  for (guint b = 0; b < stage->n_blocks; b++) {
    clear_conv (&stage->blocks[b].pw);
    clear_conv (&stage->blocks[b].dw);
    clear_conv (&stage->blocks[b].se_squeeze);
    clear_conv (&stage->blocks[b].se_excite);
    clear_conv (&stage->blocks[b].pwl);
    qblock_free (stage->blocks[b].q);
  }
  g_free (stage->blocks);
}

/* Of a stage that the model may not have. */
static void
pack_role (PackedStage *packed, const FbnetModel *model, Role role, Network *network)
{
  const Stage *stage = layers_stage (model->layers, role, 0);

  if (stage != NULL)
    pack_stage (packed, model, stage, network);
}

static void
pack_lone (PackedConv *packed, const FbnetModel *model, Role role, guint index, Network *network)
{
  static const ConvLayer absent = { 0 };
  const LayerEntry *entry = layers_find (model->layers, role, index);

  pack_conv (packed, model, entry != NULL ? entry->conv : &absent, network);
}

static void
pack_fpn (Network *network, const FbnetModel *model)
{
  network->n_fpn = model->description->n_fpn_stages;
  network->fpn_first_stage = model->description->fpn_first_stage;
  network->fpn_lateral = g_new0 (PackedConv, network->n_fpn);
  network->fpn_output = g_new0 (PackedConv, network->n_fpn);
  for (guint i = 0; i < network->n_fpn; i++) {
    pack_lone (&network->fpn_lateral[i], model, ROLE_FPN_LATERAL, i, network);
    pack_lone (&network->fpn_output[i], model, ROLE_FPN_OUTPUT, i, network);
  }
}

static void
pack_heads (Network *network, const FbnetModel *model)
{
  const ConvLayer *mask_logits = layers_conv (model->layers, ROLE_MASK_LOGITS);

  pack_fpn (network, model);
  pack_role (&network->rpn, model, ROLE_RPN, network);
  pack_role (&network->box, model, ROLE_BOX, network);
  pack_lone (&network->rpn_logits, model, ROLE_RPN_LOGITS, 0, network);
  pack_lone (&network->rpn_deltas, model, ROLE_RPN_DELTAS, 0, network);
  pack_lone (&network->cls_score, model, ROLE_CLS_SCORE, 0, network);
  pack_lone (&network->bbox_pred, model, ROLE_BBOX_PRED, 0, network);
  pack_role (&network->mask, model, ROLE_MASK, network);
  if (mask_logits != NULL) {
    network->mask_weight = model_read_floats (model, mask_logits, FALSE, "weight");
    network->mask_bias = model_read_floats (model, mask_logits, FALSE, "bias");
  }
  pack_role (&network->keypoints, model, ROLE_KEYPOINTS, network);
  pack_role (&network->keypoint_block, model, ROLE_KEYPOINT_BLOCK, network);
  pack_lone (&network->keypoint_logits, model, ROLE_KEYPOINT_LOGITS, 0, network);
}

static const char *
input_of (const FbnetModel *model, Role role)
{
  const LayerEntry *entry = layers_find (model->layers, role, 0);

  return entry != NULL ? entry->input : NULL;
}

Network *
network_new (const FbnetModel *model, const Kernels *kernels, const ByteKernels *qkernels,
    gboolean exact_bias, gboolean follows)
{
  Network *network = g_new0 (Network, 1);

  network->kernels = kernels;
  network->qkernels = qkernels;
  network->exact_bias = exact_bias;
  network->follows = follows;
  network->norm_stats = g_array_new (FALSE, FALSE, sizeof (double));
  network->rpn_input = input_of (model, ROLE_RPN_LOGITS);
  network->box_input = input_of (model, ROLE_CLS_SCORE);
  network->class_input = input_of (model, ROLE_CLASS_LOGITS);
  network->n_trunk = layers_count (model->layers, ROLE_TRUNK);
  network->trunk = g_new0 (PackedStage, network->n_trunk);
  for (guint s = 0; s < network->n_trunk; s++)
    pack_stage (&network->trunk[s], model, layers_stage (model->layers, ROLE_TRUNK, s), network);
  if (model->description->task == FBNET_TASK_DETECTION)
    pack_heads (network, model);
  else
    pack_lone (&network->class_logits, model, ROLE_CLASS_LOGITS, 0, network);
  return network;
}

void
network_free (Network *network)
{
  if (network == NULL)
    return;
  for (guint s = 0; s < network->n_trunk; s++)
    clear_stage (&network->trunk[s]);
  g_free (network->trunk);
  for (guint i = 0; i < network->n_fpn; i++) {
    clear_conv (&network->fpn_lateral[i]);
    clear_conv (&network->fpn_output[i]);
  }
  g_free (network->fpn_lateral);
  g_free (network->fpn_output);
  clear_stage (&network->rpn);
  clear_stage (&network->box);
  clear_stage (&network->mask);
  clear_stage (&network->keypoints);
  clear_stage (&network->keypoint_block);
  clear_conv (&network->keypoint_logits);
  clear_conv (&network->class_logits);
  clear_conv (&network->rpn_logits);
  clear_conv (&network->rpn_deltas);
  clear_conv (&network->cls_score);
  clear_conv (&network->bbox_pred);
  g_free (network->mask_weight);
  g_free (network->mask_bias);
  g_array_unref (network->norm_stats);
  g_free (network);
}
