/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Blocks in double; see blocks.h.
 */
#include "blocks.h"

#include <math.h>
#include <string.h>

#include "model/model.h"
#include "base/tensor.h"

Reference
reference_new (gsize n, gsize h, gsize w, gsize c)
{
  return (Reference){ n, h, w, c, g_new0 (double, n *h *w *c) };
}

double *
reference_at (const Reference *t, gsize n, gsize y, gsize x)
{
  return t->data + ((n * t->h + y) * t->w + x) * t->c;
}

static Reference
copy (const Reference *in)
{
  Reference out = *in;

  out.data = g_memdup2 (in->data, in->n * in->h * in->w * in->c * sizeof *in->data);
  return out;
}

static double
activate (double x, Activation act)
{
  const double relu6 = fmin (fmax (x + 3, 0), 6) / 6;

  switch (act) {
    case ACT_NONE:
      return x;
    case ACT_RELU:
      return fmax (x, 0);
    case ACT_HSWISH:
      return x * relu6;
    case ACT_SWISH:
      return x / (1 + exp (-x));
    case ACT_SIGMOID:
      return 1 / (1 + exp (-x));
    case ACT_HSIGMOID:
      return relu6;
  }
  g_assert_not_reached ();
}

/* torch GroupNorm: mean and biased variance of one image's group of channels. */
static void
group_statistics (const Reference *t, gsize n, gsize first, gsize size, double *mean, double *var)
{
  const gsize pixels = t->h * t->w;
  double sum = 0, squares = 0;

  for (gsize p = 0; p < pixels; p++)
    for (gsize c = first; c < first + size; c++)
      sum += reference_at (t, n, 0, p)[c];
  *mean = sum / (pixels * size);
  for (gsize p = 0; p < pixels; p++)
    for (gsize c = first; c < first + size; c++)
      squares += pow (reference_at (t, n, 0, p)[c] - *mean, 2);
  *var = squares / (pixels * size);
}

/* Stored, unless somebody else knows better. */
static void
batch_statistics (const FbnetModel *model, const ConvLayer *layer, const Reference *t,
    const ReferenceNorm *norm, double *means, double *vars)
{
  if (norm != NULL) {
    norm->statistics (layer, t, means, vars, norm->data);
    return;
  }
  g_autofree float *mean = model_read_floats (model, layer, TRUE, "running_mean", NULL);
  g_autofree float *var = model_read_floats (model, layer, TRUE, "running_var", NULL);
  for (gsize c = 0; c < t->c; c++) {
    means[c] = mean[c];
    vars[c] = var[c];
  }
}

static void
normalize (const FbnetModel *model, const ConvLayer *layer, Reference *t, const ReferenceNorm *norm)
{
  if (layer->norm.kind == NORM_NONE)
    return;
  const Reference in = copy (t);
  const gboolean batch = layer->norm.kind == NORM_BATCH;
  g_autofree float *gamma = model_read_floats (model, layer, TRUE, "weight", NULL);
  g_autofree float *beta = model_read_floats (model, layer, TRUE, "bias", NULL);
  g_autofree double *means = g_new0 (double, t->c);
  g_autofree double *vars = g_new0 (double, t->c);

  if (batch)
    batch_statistics (model, layer, &in, norm, means, vars);
  for (gsize n = 0; n < t->n; n++) {
    for (gsize c = 0; c < t->c; c++) {
      double mean = means[c], var = batch ? vars[c] : 1 - NORM_EPSILON;
      if (layer->norm.kind == NORM_GROUP) {
        const gsize size = t->c / layer->norm.n_groups;
        group_statistics (&in, n, c / size * size, size, &mean, &var);
      }
      for (gsize p = 0; p < t->h * t->w; p++)
        reference_at (t, n, 0, p)[c] =
            (reference_at (&in, n, 0, p)[c] - mean) / sqrt (var + NORM_EPSILON) * gamma[c]
            + beta[c];
    }
  }
  g_free (in.data);
}

/* Convolution, norm, activation, with nearest up-sampling in front; frees the input. */
static Reference
convolve (const FbnetModel *model, const ConvLayer *layer, Reference in, guint upsample,
    const ReferenceNorm *norm)
{
  const gsize h = arch_conv_output (in.h, layer, upsample),
              w = arch_conv_output (in.w, layer, upsample);
  const gsize in_size = layer->in / layer->groups, out_size = layer->out / layer->groups;
  Reference out = reference_new (in.n, h, w, layer->out);
  g_autofree float *weights = model_read_floats (model, layer, FALSE, "weight", NULL);
  g_autofree float *bias =
      layer->bias ? model_read_floats (model, layer, FALSE, "bias", NULL) : NULL;

  for (gsize n = 0; n < in.n; n++)
    for (gsize y = 0; y < h; y++)
      for (gsize x = 0; x < w; x++)
        for (gsize o = 0; o < layer->out; o++) {
          double sum = bias != NULL ? bias[o] : 0;
          for (gsize ky = 0; ky < layer->kernel; ky++)
            for (gsize kx = 0; kx < layer->kernel; kx++) {
              const gssize sy = (gssize) (y * layer->stride + ky) - layer->pad;
              const gssize sx = (gssize) (x * layer->stride + kx) - layer->pad;
              if (sy < 0 || sx < 0 || sy >= (gssize) (in.h * upsample)
                  || sx >= (gssize) (in.w * upsample))
                continue;
              const double *pixel = reference_at (&in, n, sy / upsample, sx / upsample);
              for (gsize i = 0; i < in_size; i++)
                sum += pixel[o / out_size * in_size + i]
                    * weights[((o * in_size + i) * layer->kernel + ky) * layer->kernel + kx];
            }
          reference_at (&out, n, y, x)[o] = sum;
        }
  normalize (model, layer, &out, norm);
  for (gsize i = 0; i < out.n * h * w * out.c; i++)
    out.data[i] = activate (out.data[i], layer->act);
  g_free (in.data);
  return out;
}

static void
shuffle (Reference *t, gsize groups)
{
  const Reference old = copy (t);

  for (gsize p = 0; p < t->n * t->h * t->w; p++)
    for (gsize c = 0; c < t->c; c++)
      t->data[p * t->c + c] = old.data[p * t->c + c % groups * (t->c / groups) + c / groups];
  g_free (old.data);
}

static Reference
average (const Reference *in)
{
  Reference out = reference_new (in->n, 1, 1, in->c);

  for (gsize n = 0; n < in->n; n++)
    for (gsize p = 0; p < in->h * in->w; p++)
      for (gsize c = 0; c < in->c; c++)
        reference_at (&out, n, 0, 0)[c] += reference_at (in, n, 0, p)[c] / (in->h * in->w);
  return out;
}

Reference
reference_run_block (const FbnetModel *model, const Block *block, Reference in,
    const ReferenceNorm *norm)
{
  Reference t = copy (&in);

  if (block->kind == BLOCK_SKIP) {
    g_free (in.data);
    return t;
  }
  if (block->pw.out != 0)
    t = convolve (model, &block->pw, t, 1, norm);
  if (block->shuffle_groups > 1)
    shuffle (&t, block->shuffle_groups);
  if (block->kind == BLOCK_POOL) {
    const Reference mean = average (&t);
    g_free (t.data);
    t = mean;
  }
  if (block->dw.out != 0)
    t = convolve (model, &block->dw, t, block->upsample, norm);
  if (block->se_squeeze.out != 0) {
    Reference gate = average (&t);
    gate = convolve (model, &block->se_squeeze, gate, 1, norm);
    gate = convolve (model, &block->se_excite, gate, 1, norm);
    for (gsize n = 0; n < t.n; n++)
      for (gsize p = 0; p < t.h * t.w; p++)
        for (gsize c = 0; c < t.c; c++)
          reference_at (&t, n, 0, p)[c] *= reference_at (&gate, n, 0, 0)[c];
    g_free (gate.data);
  }
  t = convolve (model, &block->pwl, t, 1, norm);
  for (gsize i = 0; block->residual && i < t.n * t.h * t.w * t.c; i++)
    t.data[i] += in.data[i];
  if (block->kind == BLOCK_CONV && block->upsample > 1) {
    const guint u = block->upsample;
    Reference large = reference_new (t.n, t.h * u, t.w * u, t.c);
    for (gsize n = 0; n < large.n; n++)
      for (gsize y = 0; y < large.h; y++)
        for (gsize x = 0; x < large.w; x++)
          memcpy (reference_at (&large, n, y, x), reference_at (&t, n, y / u, x / u),
              t.c * sizeof (double));
    g_free (t.data);
    t = large;
  }
  g_free (in.data);
  return t;
}
