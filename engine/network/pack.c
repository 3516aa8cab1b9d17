/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making layers ready to run; see pack.h. Folding is done in double, rounded once. The numbers of bytes
 * are worked out as QNNPACK works them out.
 */
#include "pack.h"

#include <math.h>
#include <string.h>

#include "arithmetic.h"
#include "kernels/activation.h"

static gpointer
aligned (gsize bytes)
{
  return g_aligned_alloc (MAX (bytes, 1), 1, 64);
}

static gsize
weights_per_channel (const ConvLayer *layer)
{
  return (gsize) layer->in / layer->groups * layer->kernel * layer->kernel;
}

/* --- Folding ---------------------------------------------------------------------------------- */

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
  const gsize per_channel = weights_per_channel (layer);
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
pack_read_folded (const FbnetModel *model, const ConvLayer *layer, float **bias)
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

/* --- Weights ---------------------------------------------------------------------------------- */

/* Numbers of `size` bytes from [a][b][c] to [a][c][b]. */
static gpointer
exchange (const void *from, gsize size, gsize a, gsize b, gsize c)
{
  guint8 *to = g_malloc_n (a * b * c, size);

  for (gsize i = 0; i < a; i++) {
    for (gsize j = 0; j < b; j++) {
      for (gsize k = 0; k < c; k++)
        memcpy (to + ((i * c + k) * b + j) * size,
            (const guint8 *) from + ((i * b + j) * c + k) * size, size);
    }
  }
  return to;
}

/* [c][1][k][k] to [k][k][c] */
static void
pack_depthwise (PackedConv *conv, const Kernels *kernels, const void *weights)
{
  const ConvLayer *layer = conv->layer;
  const Arithmetic *arithmetic = conv->arithmetic;
  g_autofree gpointer rows =
      exchange (weights, arithmetic->size, 1, layer->out, weights_per_channel (layer));

  conv->weights = aligned (arithmetic->depthwise_packed_bytes (kernels, layer->kernel, layer->out));
  arithmetic->depthwise_pack (kernels, conv->weights, rows, layer->kernel, layer->out);
}

/* [out][in][k][k] to [out][k][k][in], as conv.c lays out its patches, then the kernel's packing, one
 * group after the other. */
static void
pack_gemm (PackedConv *conv, const Kernels *kernels, const void *weights)
{
  const ConvLayer *layer = conv->layer;
  const Arithmetic *arithmetic = conv->arithmetic;
  const gsize in = layer->in / layer->groups, out = layer->out / layer->groups;
  const gsize taps = (gsize) layer->kernel * layer->kernel;
  g_autofree guint8 *rows = exchange (weights, arithmetic->size, layer->out, in, taps);

  conv->group_size = (arithmetic->gemm_packed_bytes (kernels, out, taps * in) + 63) & ~(gsize) 63;
  conv->weights = aligned (conv->group_size * layer->groups);
  for (guint g = 0; g < layer->groups; g++)
    arithmetic->gemm_pack (kernels, conv->weights + g * conv->group_size,
        rows + g * out * taps * in * arithmetic->size, out, taps * in);
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
  conv->weights = aligned (conv->arithmetic->gemm_packed_bytes (kernels, taps * out, in));
  conv->arithmetic->gemm_pack (kernels, conv->weights, rows, taps * out, in);
}

static void
pack_weights (PackedConv *conv, const Kernels *kernels, const void *weights)
{
  if (conv->layer->transposed)
    pack_transposed (conv, kernels, weights);
  else if (conv->layer->depthwise)
    pack_depthwise (conv, kernels, weights);
  else
    pack_gemm (conv, kernels, weights);
}

/* --- Floats ----------------------------------------------------------------------------------- */

/* A norm that is done when the frame's numbers are known. */
static void
keep_norm (PackedConv *conv, const FbnetModel *model, Network *network)
{
  const ConvLayer *layer = conv->layer;

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

/* The weights as the layer has them, its norm folded into them unless it is to follow a stream. */
static float *
read_floats (PackedConv *conv, const FbnetModel *model, Network *network)
{
  const ConvLayer *layer = conv->layer;
  const gboolean follows = layer->norm.kind == NORM_BATCH && network->follows;

  if (follows || layer->norm.kind == NORM_GROUP)
    keep_norm (conv, model, network);
  if (!follows)
    return pack_read_folded (model, layer, &conv->bias);
  if (layer->bias)
    conv->bias = model_read_floats (model, layer, FALSE, "bias");
  return model_read_floats (model, layer, FALSE, "weight");
}

/* --- Bytes: biases and scales ----------------------------------------------------------------- */

static gint32
saturate (float value)
{
  if (value >= 0x1p31f)
    return G_MAXINT32;
  return value < -0x1p31f ? G_MININT32 : (gint32) value;
}

/* As qnnpack's callers do it: aten/src/ATen/native/quantized/cpu/qconv.cpp, apply_impl. In steps of
 * the sum; all in float32 but the product of the scales. */
static float
bias_steps (float bias, float weight_scale, float in_scale)
{
  const float step = (float) ((double) weight_scale * (double) in_scale);

  return rintf (bias * (1.0f / step));
}

/* A bias that leaves room for every sum of this layer. */
static gboolean
has_room (const ConvLayer *layer, float steps)
{
  return fabsf (steps) <= 0x1p31f - 256.0f - 255.0f * 128.0f * weights_per_channel (layer);
}

/* The sum is of bytes, not of what they stand for: the difference is zero point × sum of weights.
 * It wraps as the sum itself does. */
static gint32
without_zero (gint32 bias, const gint8 *weights, gsize n, gint32 zero)
{
  gint32 sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += weights[i];
  return (gint32) ((guint32) bias - (guint32) sum * (guint32) zero);
}

/* Steps of a byte, far beyond all of them. */
#define MAX_OFFSET 1e9f

static void
pack_outputs (QNumbers *q, const ConvLayer *layer, const gint8 *weights, const float *weight_scale,
    const float *bias, gboolean exact_bias)
{
  const gsize n = weights_per_channel (layer);
  const float in_scale = layer->q_in.scale, out_scale = layer->q_sum.scale;

  q->bias = g_new (gint32, layer->out);
  q->scale = g_new (float, layer->out);
  q->offset = g_new0 (float, layer->out);
  for (gsize c = 0; c < layer->out; c++) {
    const float wanted = bias != NULL ? bias[c] : 0;
    float steps = bias_steps (wanted, weight_scale[c], in_scale);
    if (!exact_bias && !has_room (layer, steps)) {
      q->offset[c] = CLAMP (wanted / out_scale, -MAX_OFFSET, MAX_OFFSET);
      steps = 0;
    }
    q->bias[c] = without_zero (saturate (steps), weights + c * n, n, layer->q_in.zero);
    q->scale[c] = weight_scale[c] * in_scale * (1.0f / out_scale);
  }
}

/* There are only 256 inputs. A ReLU needs no table: it is the lower bound of the byte. */
static void
make_table (QNumbers *q, const ConvLayer *layer)
{
  q->low = layer->act == ACT_RELU ? layer->q_sum.zero : 0;
  if (!conv_has_table (layer))
    return;
  q->table = g_new (guint8, 256);
  for (gint32 byte = 0; byte < 256; byte++) {
    const double x = (double) (byte - layer->q_sum.zero) * layer->q_sum.scale;
    const double y = rint (activation_at (layer->act, x) / layer->q_out.scale) + layer->q_out.zero;
    q->table[byte] = (guint8) CLAMP (y, 0, 255);
  }
}

/* aten qnnpack/src/add.c, pytorch_qnnp_create_add_nc_q8: factors of 22 bits. */
static QAdd
make_add (Quant a, Quant b, Quant sum)
{
  const float ratio_a = a.scale / sum.scale, ratio_b = b.scale / sum.scale;
  const gint shift = 21 - ilogbf (MAX (ratio_a, ratio_b));
  const gint32 factor_a = (gint32) rintf (ldexpf (ratio_a, shift));
  const gint32 factor_b = (gint32) rintf (ldexpf (ratio_b, shift));

  return (QAdd){ factor_a, factor_b, -(factor_a * a.zero + factor_b * b.zero), (guint) shift,
    sum.zero };
}

static const gint8 *
read_bytes (PackedConv *conv, const FbnetModel *model, gboolean exact_bias)
{
  const ConvLayer *layer = conv->layer;
  const float *weight_scale;
  const gint8 *weights = model_get_int8_weights (model, layer, &weight_scale);
  g_autofree float *bias = layer->bias ? model_read_floats (model, layer, FALSE, "bias") : NULL;

  conv->q = g_new0 (QNumbers, 1);
  conv->padding = (guint8) layer->q_in.zero;
  pack_outputs (conv->q, layer, weights, weight_scale, bias, exact_bias);
  make_table (conv->q, layer);
  return weights;
}

static void
numbers_free (QNumbers *q)
{
  if (q == NULL)
    return;
  g_free (q->bias);
  g_free (q->scale);
  g_free (q->offset);
  g_free (q->table);
  g_free (q);
}

/* --- Layers and blocks ------------------------------------------------------------------------ */

static void
pack_conv (PackedConv *conv, const FbnetModel *model, const ConvLayer *layer, Network *network)
{
  if (layer->out == 0)
    return;
  conv->layer = layer;
  if (network->int8 && quant_is_set (layer->q_out)) {
    conv->arithmetic = &arithmetic_bytes;
    pack_weights (conv, network->kernels, read_bytes (conv, model, network->exact_bias));
    return;
  }
  conv->arithmetic = &arithmetic_floats;
  g_autofree float *weights = read_floats (conv, model, network);
  pack_weights (conv, network->kernels, weights);
}

/* A layer of which a row at a time is packed when it runs. */
static void
keep_rows (PackedConv *conv, const FbnetModel *model, const ConvLayer *layer)
{
  const gsize bytes = layer->out * weights_per_channel (layer) * sizeof (float);
  g_autofree float *weights = pack_read_folded (model, layer, &conv->bias);

  conv->layer = layer;
  conv->arithmetic = &arithmetic_floats;
  conv->weights = aligned (bytes);
  memcpy (conv->weights, weights, bytes);
}

static void
clear_conv (PackedConv *conv)
{
  g_aligned_free (conv->weights);
  g_free (conv->bias);
  g_free (conv->gamma);
  g_free (conv->beta);
  numbers_free (conv->q);
}

static void
pack_block (PackedBlock *packed, const FbnetModel *model, const Block *block, Network *network)
{
  const gboolean bytes = network->int8 && block->quantized;

  packed->block = block;
  packed->arithmetic = bytes ? &arithmetic_bytes : &arithmetic_floats;
  for (guint i = 0; i < N_BLOCK_LAYERS; i++)
    pack_conv (&packed->convs[i], model, &block->layers[i], network);
  if (bytes && block->residual)
    packed->pwl.q->add = make_add (block->pwl.q_out, block->q_in, block->q_out);
}

static void
pack_stage (PackedStage *packed, const FbnetModel *model, const Stage *stage, Network *network)
{
  packed->n_blocks = stage->n_blocks;
  packed->blocks = g_new0 (PackedBlock, stage->n_blocks);
  for (guint b = 0; b < stage->n_blocks; b++)
    pack_block (&packed->blocks[b], model, &stage->blocks[b], network);
}

static void
clear_stage (PackedStage *stage)
{
  for (guint b = 0; b < stage->n_blocks; b++) {
    for (guint i = 0; i < N_BLOCK_LAYERS; i++)
      clear_conv (&stage->blocks[b].convs[i]);
  }
  g_free (stage->blocks);
}

/* --- The network ------------------------------------------------------------------------------ */

static void
pack_entry (PackedEntry *packed, const FbnetModel *model, const LayerEntry *entry, Network *network)
{
  if (entry->stage != NULL)
    pack_stage (&packed->stage, model, entry->stage, network);
  else if (entry->use == USE_PER_CLASS)
    keep_rows (&packed->conv, model, entry->conv);
  else
    pack_conv (&packed->conv, model, entry->conv, network);
}

Network *
network_new (const FbnetModel *model, const PackOptions *options)
{
  Network *network = g_new0 (Network, 1);

  network->kernels = options->kernels;
  network->int8 = options->int8;
  network->exact_bias = options->exact_bias;
  network->follows = options->follows;
  network->layers = model->layers;
  network->norm_stats = g_array_new (FALSE, FALSE, sizeof (double));
  network->entries = g_new0 (PackedEntry, model->layers->n);
  for (guint i = 0; i < model->layers->n; i++)
    pack_entry (&network->entries[i], model, &model->layers->entries[i], network);
  return network;
}

void
network_free (Network *network)
{
  if (network == NULL)
    return;
  for (guint i = 0; i < network->layers->n; i++) {
    clear_stage (&network->entries[i].stage);
    clear_conv (&network->entries[i].conv);
  }
  g_free (network->entries);
  g_array_unref (network->norm_stats);
  g_free (network);
}

static const PackedEntry *
find_entry (const Network *network, Role role, guint index)
{
  const LayerEntry *entry = layers_find (network->layers, role, index);

  return entry != NULL ? &network->entries[entry - network->layers->entries] : NULL;
}

const PackedStage *
network_stage (const Network *network, Role role, guint index)
{
  const PackedEntry *entry = find_entry (network, role, index);

  return entry != NULL ? &entry->stage : NULL;
}

const PackedConv *
network_conv (const Network *network, Role role, guint index)
{
  const PackedEntry *entry = find_entry (network, role, index);

  return entry != NULL ? &entry->conv : NULL;
}

const char *
network_input_name (const Network *network, Role role)
{
  const LayerEntry *entry = layers_find (network->layers, role, 0);

  return entry != NULL ? entry->input : NULL;
}
