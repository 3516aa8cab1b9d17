/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Convolutions that are matrix products: 1×1 straight over the pixels, larger ones over patches
 * gathered a few rows at a time.
 */
#include "network.h"

#include <string.h>

/* Patches gathered at a time: enough rows for the kernel's tiles, little enough for the cache. */
#define PATCH_BYTES (128u << 10)

/* Rows of a product that one thread takes at a time. */
#define PRODUCT_ROWS 96

typedef struct {
  const Runner *runner;
  const PackedConv *conv;
  const Tensor *in, *out, *residual;
  Activation act;     /* NONE when a norm comes between */
  gsize rows_at_once; /* output pixels (1×1) or output rows per item */
} ConvJob;

static gboolean
is_pointwise (const ConvLayer *layer)
{
  return layer->kernel == 1 && layer->stride == 1 && layer->pad == 0;
}

/* c[m] = a[m] × weights for m pixels; groups one after the other. `a` holds, per pixel and group,
 * `taps` times the group's channels, groups side by side. */
static void
multiply (const ConvJob *job, gsize m, const float *a, gsize taps, float *c, const float *residual)
{
  const ConvLayer *layer = job->conv->layer;
  const gsize in = layer->in / layer->groups * taps, out = layer->out / layer->groups;

  for (guint g = 0; g < layer->groups; g++) {
    const GemmArgs args = { .m = m,
      .n = out,
      .k = in,
      .a = a + g * in,
      .lda = in * layer->groups,
      .packed = job->conv->weights + g * job->conv->group_size,
      .bias = job->conv->bias != NULL ? job->conv->bias + g * out : NULL,
      .residual = residual != NULL ? residual + g * out : NULL,
      .ldr = layer->out,
      .c = c + g * out,
      .ldc = layer->out,
      .act = job->act };
    job->runner->kernels->floats.gemm (&args);
  }
}

static void
pointwise_item (gpointer data, guint item, guint thread)
{
  const ConvJob *job = data;
  const gsize pixels = job->in->n * job->in->h * job->in->w;
  const gsize begin = item * job->rows_at_once;
  const gsize m = MIN (job->rows_at_once, pixels - begin);
  const gsize c = job->out->c;

  multiply (job, m, job->in->data + begin * job->in->c, 1, job->out->data + begin * c,
      job->residual != NULL ? job->residual->data + begin * c : NULL);
}

/* One kernel row of a patch: `kernel` pixels of one group's channels, zeros outside the image. */
static void
gather_row (float *patch, const ConvJob *job, const float *row, gsize first, gsize channels)
{
  const ConvLayer *layer = job->conv->layer;

  for (guint kx = 0; kx < layer->kernel; kx++, patch += channels) {
    const gsize x = first + kx; /* wraps to huge left of the image */
    if (x < job->in->w)
      memcpy (patch, row + x * job->in->c, channels * sizeof *patch);
    else
      memset (patch, 0, channels * sizeof *patch);
  }
}

/* One pixel's patch: [group][ky][kx][channels of the group]. */
static void
gather_patch (float *patch, const ConvJob *job, gsize n, gsize y, gsize x)
{
  const ConvLayer *layer = job->conv->layer;
  const Tensor *in = job->in;
  const gsize channels = in->c / layer->groups, size = layer->kernel * channels;
  const gsize first = x * layer->stride - layer->pad;
  /* Without groups a kernel row's pixels lie in the image as they do in the patch. */
  const gboolean whole = layer->groups == 1 && first < in->w && first + layer->kernel <= in->w;

  for (guint g = 0; g < layer->groups; g++) {
    for (guint ky = 0; ky < layer->kernel; ky++, patch += size) {
      const gsize sy = y * layer->stride + ky - layer->pad; /* wraps to huge above the image */
      const float *row = tensor_pixel (in, n, sy, 0) + g * channels;
      if (sy >= in->h)
        memset (patch, 0, size * sizeof *patch);
      else if (whole)
        memcpy (patch, row + first * in->c, size * sizeof *patch);
      else
        gather_row (patch, job, row, first, channels);
    }
  }
}

static void
patches_item (gpointer data, guint item, guint thread)
{
  const ConvJob *job = data;
  const ConvLayer *layer = job->conv->layer;
  const Tensor *out = job->out;
  const gsize taps = (gsize) layer->kernel * layer->kernel;
  const gsize items_per_image = (out->h + job->rows_at_once - 1) / job->rows_at_once;
  const gsize n = item / items_per_image;
  const gsize begin = item % items_per_image * job->rows_at_once;
  const gsize end = MIN (begin + job->rows_at_once, out->h);
  float *patches = runner_scratch (job->runner, thread);
  const gsize offset = (n * out->h + begin) * out->w * out->c;
  float *patch = patches;

  for (gsize y = begin; y < end; y++) {
    for (gsize x = 0; x < out->w; x++, patch += taps * job->in->c)
      gather_patch (patch, job, n, y, x);
  }
  multiply (job, (end - begin) * out->w, patches, taps, out->data + offset,
      job->residual != NULL ? job->residual->data + offset : NULL);
}

static gsize
patch_row_bytes (const ConvLayer *layer, const Tensor *out)
{
  return out->w * layer->kernel * layer->kernel * layer->in * sizeof (float);
}

/* A layer on bytes, of which the caller sees floats. */
static gboolean
reserve_on_bytes (Runner *runner, const PackedConv *conv, const Tensor *in, const Tensor *out,
    GError **error)
{
  Tensor result = *out;

  return (tensor_has_bytes (in, conv->layer->q_in)
             || runner_reserve_conversion (runner, in, TRUE, error))
      && tensor_reserve_bytes (&result, &runner->mid, error)
      && runner_reserve_qconv (runner, conv, out, error);
}

static void
run_on_bytes (Runner *runner, const PackedConv *conv, const Tensor *in, const Tensor *out)
{
  const Tensor source = runner_as_bytes (runner, in, conv->layer->q_in);
  Tensor result = *out;

  result.bytes = runner->mid.data;
  result.quant = conv->layer->q_out;
  runner_run_qconv (runner, conv, &source, &result);
  runner_dequantize (runner, &result);
}

gboolean
runner_reserve_conv (Runner *runner, const PackedConv *conv, const Tensor *in, Tensor *out,
    GError **error)
{
  const ConvLayer *layer = conv->layer;
  gsize floats;

  *out = (Tensor){ NULL, in->n, arch_conv_output (in->h, layer, 1),
    arch_conv_output (in->w, layer, 1), layer->out };
  if (!tensor_size (out->n, out->h, out->w, out->c, &floats) || floats == 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected an input that leaves an output, found %" G_GSIZE_FORMAT "×%" G_GSIZE_FORMAT,
        layer->conv_name, in->h, in->w);
    return FALSE;
  }
  if (conv->q != NULL)
    return reserve_on_bytes (runner, conv, in, out, error);
  if (in->bytes != NULL && in->data == NULL
      && !runner_reserve_conversion (runner, in, FALSE, error))
    return FALSE;
  if (!is_pointwise (layer)
      && !runner_reserve_threads (runner, MAX (PATCH_BYTES, patch_row_bytes (layer, out)), error))
    return FALSE;
  return !conv_has_norm (conv) || runner_reserve_sums (runner, out, error);
}

static void
run_products (ConvJob *job)
{
  const ConvLayer *layer = job->conv->layer;
  const Tensor *in = job->in, *out = job->out;
  Workers *workers = job->runner->workers;

  if (is_pointwise (layer)) {
    const gsize pixels = in->n * in->h * in->w;
    job->rows_at_once = PRODUCT_ROWS;
    workers_run (workers, pointwise_item, job,
        (pixels + job->rows_at_once - 1) / job->rows_at_once);
  } else {
    job->rows_at_once = MAX (1, PATCH_BYTES / patch_row_bytes (layer, out));
    workers_run (workers, patches_item, job,
        in->n * ((out->h + job->rows_at_once - 1) / job->rows_at_once));
  }
}

/* An observer sees the layer before a residual is added. Layers with one have no activation (arch.c,
 * make_irf_block). */
static void
run_observed (const Runner *runner, const PackedConv *conv, const Tensor *in, const Tensor *out,
    const Tensor *residual)
{
  ConvJob job = { runner, conv, in, out, NULL, ACT_NONE, 1 };
  const gsize n = out->n * out->h * out->w * out->c;

  run_products (&job);
  runner_activate_observed (runner, conv->layer, out);
  for (gsize i = 0; residual != NULL && i < n; i++)
    out->data[i] += residual->data[i];
}

void
runner_run_conv (Runner *runner, const PackedConv *conv, const Tensor *in, const Tensor *out,
    const Tensor *residual)
{
  const ConvLayer *layer = conv->layer;
  const gboolean norm = conv_has_norm (conv);

  if (conv->q != NULL) {
    run_on_bytes (runner, conv, in, out);
    return;
  }
  const Tensor source = runner_as_floats (runner, in);
  if (runner->observe != NULL && !norm) {
    run_observed (runner, conv, &source, out, residual);
    return;
  }
  ConvJob job = { runner, conv, &source, out, norm ? NULL : residual, norm ? ACT_NONE : layer->act,
    1 };
  run_products (&job);
  if (norm)
    runner_norm (runner, conv, out, residual);
}
