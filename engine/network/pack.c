/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making layers ready to run; see pack.h. Folding is done in double, rounded once. The numbers of bytes
 * are worked out as QNNPACK works them out.
 */
#include "pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arithmetic.h"
#include "base/memory.h"
#include "kernels/activation.h"

static gsize
weights_per_channel (const ConvLayer *layer)
{
  return (gsize) layer->in / layer->groups * layer->kernel * layer->kernel;
}

/* --- Folding ---------------------------------------------------------------------------------- */

/* A norm's numbers: those that its kind has not got are NULL. */
typedef struct {
  float *gamma, *beta, *mean, *var;
} NormNumbers;

static void
norm_clear (NormNumbers *norm)
{
  g_free (norm->gamma);
  g_free (norm->beta);
  g_free (norm->mean);
  g_free (norm->var);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (NormNumbers, norm_clear)

static gboolean
norm_read (NormNumbers *norm, const FbnetModel *model, const ConvLayer *layer, GError **error)
{
  const gboolean batch = layer->norm.kind == NORM_BATCH;

  return (norm->gamma = model_read_floats (model, layer, TRUE, "weight", error)) != NULL
      && (norm->beta = model_read_floats (model, layer, TRUE, "bias", error)) != NULL
      && (!batch
          || (norm->mean = model_read_floats (model, layer, TRUE, "running_mean", error)) != NULL)
      && (!batch
          || (norm->var = model_read_floats (model, layer, TRUE, "running_var", error)) != NULL);
}

/* x * *scale + *shift is what the norm does to channel c. */
static void
norm_as_affine (const NormNumbers *norm, guint c, double *scale, double *shift)
{
  *scale = norm->gamma[c];
  *shift = norm->beta[c];
  if (norm->var == NULL)
    return;
  *scale = norm->gamma[c] / sqrt ((double) norm->var[c] + NORM_EPSILON);
  *shift = norm->beta[c] - norm->mean[c] * *scale;
}

static gboolean
fold_norm (const FbnetModel *model, const ConvLayer *layer, float *weights, float *bias,
    GError **error)
{
  const gsize per_channel = weights_per_channel (layer);
  g_auto (NormNumbers) norm = { NULL };

  if (!norm_read (&norm, model, layer, error))
    return FALSE;
  for (guint c = 0; c < layer->out; c++) {
    double scale, shift;
    norm_as_affine (&norm, c, &scale, &shift);
    for (gsize i = 0; i < per_channel; i++)
      weights[c * per_channel + i] = (float) (weights[c * per_channel + i] * scale);
    bias[c] = (float) (bias[c] * scale + shift);
  }
  return TRUE;
}

float *
pack_read_folded (const FbnetModel *model, const ConvLayer *layer, float **bias, GError **error)
{
  const gboolean folds = layer->norm.kind == NORM_BATCH || layer->norm.kind == NORM_FROZEN;
  g_autofree float *weights = model_read_floats (model, layer, FALSE, "weight", error);
  g_autofree float *shift = NULL;

  *bias = NULL;
  if (weights == NULL)
    return NULL;
  if (layer->bias)
    shift = model_read_floats (model, layer, FALSE, "bias", error);
  else if (folds)
    shift = memory_new0 (float, layer->out, error);
  if ((layer->bias || folds) && shift == NULL)
    return NULL;
  if (folds && !fold_norm (model, layer, weights, shift, error))
    return NULL;
  *bias = g_steal_pointer (&shift);
  return g_steal_pointer (&weights);
}

/* --- Weights ---------------------------------------------------------------------------------- */

/* Numbers of `size` bytes from [a][b][c] to [a][c][b]. */
static gpointer
exchange (const void *from, gsize size, gsize a, gsize b, gsize c, GError **error)
{
  guint8 *to = memory_take (a * b * c, size, error);

  for (gsize i = 0; to != NULL && i < a; i++) {
    for (gsize j = 0; j < b; j++) {
      for (gsize k = 0; k < c; k++)
        memcpy (to + ((i * c + k) * b + j) * size,
            (const guint8 *) from + ((i * b + j) * c + k) * size, size);
    }
  }
  return to;
}

/* [c][1][k][k] to [k][k][c] */
static gboolean
pack_depthwise (PackedConv *conv, const Kernels *kernels, const void *weights, GError **error)
{
  const ConvLayer *layer = conv->layer;
  const Arithmetic *arithmetic = conv->arithmetic;
  g_autofree gpointer rows =
      exchange (weights, arithmetic->size, 1, layer->out, weights_per_channel (layer), error);

  if (rows == NULL)
    return FALSE;
  conv->weights =
      memory_take_aligned (arithmetic->depthwise_packed_bytes (kernels, layer->kernel, layer->out),
          error);
  if (conv->weights == NULL)
    return FALSE;
  arithmetic->depthwise_pack (kernels, conv->weights, rows, layer->kernel, layer->out);
  return TRUE;
}

/* [out][in][k][k] to [out][k][k][in], as conv.c lays out its patches, then the kernel's packing, one
 * group after the other. */
static gboolean
pack_gemm (PackedConv *conv, const Kernels *kernels, const void *weights, GError **error)
{
  const ConvLayer *layer = conv->layer;
  const Arithmetic *arithmetic = conv->arithmetic;
  const gsize in = layer->in / layer->groups, out = layer->out / layer->groups;
  const gsize taps = (gsize) layer->kernel * layer->kernel;
  g_autofree guint8 *rows = exchange (weights, arithmetic->size, layer->out, in, taps, error);

  if (rows == NULL)
    return FALSE;
  conv->group_size = (arithmetic->gemm_packed_bytes (kernels, out, taps * in) + 63) & ~(gsize) 63;
  conv->weights = memory_take_aligned (conv->group_size * layer->groups, error);
  if (conv->weights == NULL)
    return FALSE;
  for (guint g = 0; g < layer->groups; g++)
    arithmetic->gemm_pack (kernels, conv->weights + g * conv->group_size,
        rows + g * out * taps * in * arithmetic->size, out, taps * in);
  return TRUE;
}

/* [in][out][k][k] to a product of in by k·k·out: what every input pixel adds to the k × k output
 * pixels it touches. */
static gboolean
pack_transposed (PackedConv *conv, const Kernels *kernels, const float *weights, GError **error)
{
  const gsize in = conv->layer->in, out = conv->layer->out;
  const gsize taps = (gsize) conv->layer->kernel * conv->layer->kernel;
  g_autofree float *rows = memory_take (taps * out * in, sizeof *rows, error);

  if (rows == NULL)
    return FALSE;
  for (gsize i = 0; i < in; i++) {
    for (gsize o = 0; o < out; o++) {
      for (gsize t = 0; t < taps; t++)
        rows[(t * out + o) * in + i] = weights[(i * out + o) * taps + t];
    }
  }
  conv->weights =
      memory_take_aligned (conv->arithmetic->gemm_packed_bytes (kernels, taps * out, in), error);
  if (conv->weights == NULL)
    return FALSE;
  conv->arithmetic->gemm_pack (kernels, conv->weights, rows, taps * out, in);
  return TRUE;
}

static gboolean
pack_weights (PackedConv *conv, const Kernels *kernels, const void *weights, GError **error)
{
  if (conv->layer->transposed)
    return pack_transposed (conv, kernels, weights, error);
  if (conv->layer->depthwise)
    return pack_depthwise (conv, kernels, weights, error);
  return pack_gemm (conv, kernels, weights, error);
}

/* --- Floats ----------------------------------------------------------------------------------- */

/* Where a layer's statistics begin, behind those of the layers before it. */
static gboolean
keep_statistics (PackedConv *conv, const NormNumbers *norm, Network *network, GError **error)
{
  const guint channels = conv->layer->out;
  const gsize n = network->n_norm_stats + norm_stats_size (channels);
  double *stats = memory_resize (network->norm_stats, n, sizeof *stats, error);

  if (stats == NULL)
    return FALSE;
  conv->norm_at = network->n_norm_stats;
  network->norm_stats = stats;
  network->n_norm_stats = n;
  network->max_norm_channels = MAX (network->max_norm_channels, channels);
  norm_stats_begin (stats + conv->norm_at, norm->mean, norm->var, channels);
  return TRUE;
}

/* A norm that is done when the frame's numbers are known. */
static gboolean
keep_norm (PackedConv *conv, const FbnetModel *model, Network *network, GError **error)
{
  g_auto (NormNumbers) norm = { NULL };

  if (!norm_read (&norm, model, conv->layer, error)
      || (norm.mean != NULL && !keep_statistics (conv, &norm, network, error)))
    return FALSE;
  conv->gamma = g_steal_pointer (&norm.gamma);
  conv->beta = g_steal_pointer (&norm.beta);
  return TRUE;
}

/* The weights as the layer has them, its norm folded into them unless it is to follow a stream. */
static float *
read_floats (PackedConv *conv, const FbnetModel *model, Network *network, GError **error)
{
  const ConvLayer *layer = conv->layer;
  const gboolean follows = layer->norm.kind == NORM_BATCH && network->follows;

  if ((follows || layer->norm.kind == NORM_GROUP) && !keep_norm (conv, model, network, error))
    return NULL;
  if (!follows)
    return pack_read_folded (model, layer, &conv->bias, error);
  if (layer->bias) {
    conv->bias = model_read_floats (model, layer, FALSE, "bias", error);
    if (conv->bias == NULL)
      return NULL;
  }
  return model_read_floats (model, layer, FALSE, "weight", error);
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

static gboolean
pack_outputs (QNumbers *q, const ConvLayer *layer, const gint8 *weights, const float *weight_scale,
    const float *bias, gboolean exact_bias, GError **error)
{
  const gsize n = weights_per_channel (layer);
  const float in_scale = layer->q_in.scale, out_scale = layer->q_sum.scale;

  if ((q->bias = memory_new (gint32, layer->out, error)) == NULL
      || (q->scale = memory_new (float, layer->out, error)) == NULL
      || (q->offset = memory_new0 (float, layer->out, error)) == NULL)
    return FALSE;
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
  return TRUE;
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

/* NULL with error. */
static const gint8 *
read_bytes (PackedConv *conv, const FbnetModel *model, gboolean exact_bias, GError **error)
{
  const ConvLayer *layer = conv->layer;
  const float *weight_scale;
  const gint8 *weights = model_get_int8_weights (model, layer, &weight_scale);
  g_autofree float *bias = NULL;

  if (layer->bias) {
    bias = model_read_floats (model, layer, FALSE, "bias", error);
    if (bias == NULL)
      return NULL;
  }
  conv->q = g_new0 (QNumbers, 1);
  conv->padding = (guint8) layer->q_in.zero;
  if (!pack_outputs (conv->q, layer, weights, weight_scale, bias, exact_bias, error))
    return NULL;
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

/* `floats`: the arithmetic where it is not bytes. */
static gboolean
pack_conv (PackedConv *conv, const FbnetModel *model, const ConvLayer *layer,
    const Arithmetic *floats, Network *network, GError **error)
{
  if (layer->out == 0)
    return TRUE;
  conv->layer = layer;
  if (network->int8 && quant_is_set (layer->q_out)) {
    conv->arithmetic = &arithmetic_bytes;
    const gint8 *bytes = read_bytes (conv, model, network->exact_bias, error);
    return bytes != NULL && pack_weights (conv, network->kernels, bytes, error);
  }
  conv->arithmetic = floats;
  g_autofree float *weights = read_floats (conv, model, network, error);
  return weights != NULL && pack_weights (conv, network->kernels, weights, error);
}

/* A layer of which a row at a time is packed when it runs. */
static gboolean
keep_rows (PackedConv *conv, const FbnetModel *model, const ConvLayer *layer, GError **error)
{
  const gsize bytes = layer->out * weights_per_channel (layer) * sizeof (float);
  g_autofree float *weights = pack_read_folded (model, layer, &conv->bias, error);

  if (weights == NULL)
    return FALSE;
  conv->layer = layer;
  conv->arithmetic = &arithmetic_floats;
  conv->weights = memory_take_aligned (bytes, error);
  if (conv->weights != NULL)
    memcpy (conv->weights, weights, bytes);
  return conv->weights != NULL;
}

static void
clear_conv (PackedConv *conv)
{
  free (conv->weights);
  g_free (conv->bias);
  g_free (conv->gamma);
  g_free (conv->beta);
  numbers_free (conv->q);
}

/* Shallower products gain little by bfloat16, and they stand at the network's root: all that follows would see
 * their rounding. */
#define LEAST_INPUTS 32

/* What bfloat16 has products for. */
static gboolean
is_plain (const ConvLayer *layer)
{
  return layer->out > 0 && layer->in >= LEAST_INPUTS && layer->kernel == 1 && layer->stride == 1
      && layer->pad == 0 && layer->groups == 1 && !layer->depthwise && !layer->transposed;
}

static gboolean
waits_for_norm (const ConvLayer *layer)
{
  return layer->norm.kind == NORM_GROUP;
}

/* Whether nothing but a depthwise convolution stands between two products: then what lies between them can be
 * bfloat16 too. */
static gboolean
is_narrow (const Block *block)
{
  return block->kind == BLOCK_IRF && is_plain (&block->pw) && is_plain (&block->pwl)
      && block->se_squeeze.out == 0 && block->shuffle_groups <= 1 && !waits_for_norm (&block->pw)
      && !waits_for_norm (&block->dw) && !waits_for_norm (&block->pwl);
}

static const Arithmetic *
block_arithmetic (const Block *block, const Network *network)
{
  if (network->int8 && block->quantized)
    return &arithmetic_bytes;
  return network->bfloat16 && is_narrow (block) ? &arithmetic_bfloats : &arithmetic_floats;
}

/* Squeeze and excite sees one pixel, and gates much: it stays float. */
static const Arithmetic *
layer_arithmetic (const Block *block, const ConvLayer *layer, const Network *network)
{
  if (network->bfloat16 && (layer == &block->pw || layer == &block->pwl) && is_plain (layer))
    return &arithmetic_bfloats;
  return layer == &block->dw && network->bfloat16 && is_narrow (block) ? &arithmetic_bfloats
                                                                       : &arithmetic_floats;
}

static gboolean
pack_block (PackedBlock *packed, const FbnetModel *model, const Block *block, Network *network,
    GError **error)
{
  packed->block = block;
  packed->arithmetic = block_arithmetic (block, network);
  for (guint i = 0; i < N_BLOCK_LAYERS; i++) {
    const ConvLayer *layer = &block->layers[i];
    if (!pack_conv (&packed->convs[i], model, layer, layer_arithmetic (block, layer, network),
            network, error))
      return FALSE;
  }
  if (packed->arithmetic == &arithmetic_bytes && block->residual)
    packed->pwl.q->add = make_add (block->pwl.q_out, block->q_in, block->q_out);
  return TRUE;
}

static gboolean
pack_stage (PackedStage *packed, const FbnetModel *model, const Stage *stage, Network *network,
    GError **error)
{
  packed->blocks = memory_new0 (PackedBlock, stage->n_blocks, error);
  if (packed->blocks == NULL)
    return FALSE;
  packed->n_blocks = stage->n_blocks;
  for (guint b = 0; b < stage->n_blocks; b++) {
    if (!pack_block (&packed->blocks[b], model, &stage->blocks[b], network, error))
      return FALSE;
  }
  return TRUE;
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

static gboolean
pack_entry (PackedEntry *packed, const FbnetModel *model, const LayerEntry *entry, Network *network,
    GError **error)
{
  if (entry->stage != NULL)
    return pack_stage (&packed->stage, model, entry->stage, network, error);
  if (entry->use == USE_PER_CLASS)
    return keep_rows (&packed->conv, model, entry->conv, error);
  return pack_conv (&packed->conv, model, entry->conv, &arithmetic_floats, network, error);
}

static gboolean
pack_entries (Network *network, const FbnetModel *model, GError **error)
{
  network->entries = memory_new0 (PackedEntry, model->layers->n, error);
  if (network->entries == NULL)
    return FALSE;
  for (guint i = 0; i < model->layers->n; i++) {
    if (!pack_entry (&network->entries[i], model, &model->layers->entries[i], network, error))
      return FALSE;
  }
  return TRUE;
}

Network *
network_new (const FbnetModel *model, const PackOptions *options, GError **error)
{
  Network *network = g_new0 (Network, 1);

  network->kernels = options->kernels;
  network->int8 = options->int8;
  network->exact_bias = options->exact_bias;
  network->bfloat16 = options->bfloat16;
  network->follows = options->follows;
  network->layers = model->layers;
  if (!pack_entries (network, model, error)) {
    g_prefix_error (error, "weights of %s: ", model->description->name);
    g_clear_pointer (&network, network_free);
  }
  return network;
}

void
network_free (Network *network)
{
  if (network == NULL)
    return;
  for (guint i = 0; network->entries != NULL && i < network->layers->n; i++) {
    clear_stage (&network->entries[i].stage);
    clear_conv (&network->entries[i].conv);
  }
  g_free (network->entries);
  g_free (network->norm_stats);
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
