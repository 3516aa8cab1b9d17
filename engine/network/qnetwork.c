/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Packing of quantised layers: weights for the kernel set, biases and scales as QNNPACK computes them
 * (SPEC section 12), the zero point of the input moved into the bias.
 */
#include "qnetwork.h"

#include <math.h>

#include "kernels/activation.h"
#include "model/model.h"

static gpointer
aligned_bytes (gsize n)
{
  return g_aligned_alloc (n, 1, 64);
}

static gboolean
is_depthwise (const ConvLayer *layer)
{
  return layer->groups == layer->in && layer->groups == layer->out && layer->groups > 1;
}

static gsize
weights_per_channel (const ConvLayer *layer)
{
  return (gsize) layer->in / layer->groups * layer->kernel * layer->kernel;
}

/* --- Weights ---------------------------------------------------------------------------------- */

/* [c][1][k][k] to [k][k][c] */
static void
pack_depthwise (QConv *conv, const ByteKernels *kernels, const gint8 *weights)
{
  const ConvLayer *layer = conv->layer;
  const gsize channels = layer->out, taps = weights_per_channel (layer);
  g_autofree gint8 *rows = g_new (gint8, taps * channels);

  for (gsize c = 0; c < channels; c++) {
    for (gsize t = 0; t < taps; t++)
      rows[t * channels + c] = weights[c * taps + t];
  }
  conv->packed = aligned_bytes (kernels->depthwise_packed_size (layer->kernel, channels));
  kernels->depthwise_pack (conv->packed, rows, layer->kernel, channels);
}

/* [out][in][k][k] to [out][k][k][in], as qconv.c lays out its patches, one group after the other. */
static void
pack_gemm (QConv *conv, const ByteKernels *kernels, const gint8 *weights)
{
  const ConvLayer *layer = conv->layer;
  const gsize in = layer->in / layer->groups, out = layer->out / layer->groups;
  const gsize taps = (gsize) layer->kernel * layer->kernel;
  g_autofree gint8 *rows = g_new (gint8, out * taps * in);

  conv->group_size = (kernels->gemm_packed_size (out, taps * in) + 63) & ~(gsize) 63;
  conv->packed = aligned_bytes (conv->group_size * layer->groups);
  for (guint g = 0; g < layer->groups; g++) {
    const gint8 *group = weights + g * out * in * taps;
    for (gsize o = 0; o < out; o++) {
      for (gsize i = 0; i < in; i++) {
        for (gsize t = 0; t < taps; t++)
          rows[(o * taps + t) * in + i] = group[(o * in + i) * taps + t];
      }
    }
    kernels->gemm_pack (conv->packed + g * conv->group_size, rows, out, taps * in);
  }
}

/* --- Biases and scales ------------------------------------------------------------------------ */

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
pack_outputs (QConv *conv, const gint8 *weights, const float *weight_scale, const float *bias,
    gboolean exact_bias)
{
  const ConvLayer *layer = conv->layer;
  const gsize n = weights_per_channel (layer);
  const float in_scale = layer->q_in.scale, out_scale = layer->q_sum.scale;

  conv->bias = g_new (gint32, layer->out);
  conv->scale = g_new (float, layer->out);
  conv->offset = g_new0 (float, layer->out);
  for (gsize c = 0; c < layer->out; c++) {
    const float wanted = bias != NULL ? bias[c] : 0;
    float steps = bias_steps (wanted, weight_scale[c], in_scale);
    if (!exact_bias && !has_room (layer, steps)) {
      conv->offset[c] = CLAMP (wanted / out_scale, -MAX_OFFSET, MAX_OFFSET);
      steps = 0;
    }
    conv->bias[c] = without_zero (saturate (steps), weights + c * n, n, layer->q_in.zero);
    conv->scale[c] = weight_scale[c] * in_scale * (1.0f / out_scale);
  }
}

/* --- Activations ------------------------------------------------------------------------------ */

/* There are only 256 inputs. A ReLU needs no table: it is the lower bound of the byte. */
static void
make_table (QConv *conv)
{
  const ConvLayer *layer = conv->layer;

  conv->low = layer->act == ACT_RELU ? layer->q_sum.zero : 0;
  if (!conv_has_table (layer))
    return;
  conv->table = g_new (guint8, 256);
  for (gint32 byte = 0; byte < 256; byte++) {
    const double x = (double) (byte - layer->q_sum.zero) * layer->q_sum.scale;
    const double y = rint (activation_at (layer->act, x) / layer->q_out.scale) + layer->q_out.zero;
    conv->table[byte] = (guint8) CLAMP (y, 0, 255);
  }
}

/* --- Layers and blocks ------------------------------------------------------------------------ */

QConv *
qconv_new (const FbnetModel *model, const ConvLayer *layer, const ByteKernels *kernels,
    gboolean exact_bias)
{
  QConv *conv = g_new0 (QConv, 1);
  const float *weight_scale;
  const gint8 *weights = model_get_int8_weights (model, layer, &weight_scale);
  g_autofree float *bias = layer->bias ? model_read_floats (model, layer, FALSE, "bias") : NULL;

  conv->layer = layer;
  if (is_depthwise (layer))
    pack_depthwise (conv, kernels, weights);
  else
    pack_gemm (conv, kernels, weights);
  pack_outputs (conv, weights, weight_scale, bias, exact_bias);
  make_table (conv);
  return conv;
}

void
qconv_free (QConv *conv)
{
  if (conv == NULL)
    return;
  g_aligned_free (conv->packed);
  g_free (conv->bias);
  g_free (conv->scale);
  g_free (conv->offset);
  g_free (conv->table);
  g_free (conv);
}

QOutput
qconv_output (const QConv *conv, gsize first)
{
  return (QOutput){ conv->bias + first, conv->scale + first, conv->offset + first,
    conv->layer->q_sum.zero, conv->low };
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

QBlock *
qblock_new (const Block *block)
{
  QBlock *q = g_new0 (QBlock, 1);

  if (block->residual)
    q->add = make_add (block->pwl.q_out, block->q_in, block->q_out);
  return q;
}

void
qblock_free (QBlock *block)
{
  g_free (block);
}
