/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Convolutions of bytes that are matrix products: as conv.c, with the input's zero point around the
 * image.
 */
#include "network.h"

#include <string.h>

/* Patches gathered at a time: enough rows for the kernel's tiles, little enough for the cache. */
#define PATCH_BYTES (64u << 10)

/* Rows of a product that one thread takes at a time. */
#define PRODUCT_ROWS 192

typedef struct {
  const Runner *runner;
  const QConv *conv;
  const Tensor *in, *out;
  gsize rows_at_once; /* output pixels (1×1) or output rows per item */
} QConvJob;

static gboolean
is_pointwise (const ConvLayer *layer)
{
  return layer->kernel == 1 && layer->stride == 1 && layer->pad == 0;
}

void
qconv_activate (const ByteKernels *kernels, const QConv *conv, guint8 *bytes, gsize n)
{
  if (conv->table != NULL)
    kernels->lookup (bytes, n, conv->table);
}

/* c[m] = a[m] × weights for m pixels; groups one after the other. */
static void
multiply (const QConvJob *job, gsize m, const guint8 *a, gsize taps, guint8 *c)
{
  const ConvLayer *layer = job->conv->layer;
  const gsize in = layer->in / layer->groups * taps, out = layer->out / layer->groups;

  for (guint g = 0; g < layer->groups; g++) {
    const QGemmArgs args = { .m = m,
      .n = out,
      .k = in,
      .a = a + g * in,
      .lda = in * layer->groups,
      .packed = job->conv->packed + g * job->conv->group_size,
      .c = c + g * out,
      .ldc = layer->out,
      .output = qconv_output (job->conv, g * out) };
    job->runner->qkernels->gemm (&args);
  }
  qconv_activate (job->runner->qkernels, job->conv, c, m * layer->out);
}

static void
pointwise_item (gpointer data, guint item, guint thread)
{
  const QConvJob *job = data;
  const gsize pixels = job->in->n * job->in->h * job->in->w;
  const gsize begin = item * job->rows_at_once;

  multiply (job, MIN (job->rows_at_once, pixels - begin), job->in->bytes + begin * job->in->c, 1,
      job->out->bytes + begin * job->out->c);
}

/* One kernel row of a patch: `kernel` pixels of one group's channels. */
static void
gather_row (guint8 *patch, const QConvJob *job, const guint8 *row, gsize first, gsize channels)
{
  const ConvLayer *layer = job->conv->layer;

  for (guint kx = 0; kx < layer->kernel; kx++, patch += channels) {
    const gsize x = first + kx; /* wraps to huge left of the image */
    if (x < job->in->w)
      memcpy (patch, row + x * job->in->c, channels);
    else
      memset (patch, layer->q_in.zero, channels);
  }
}

/* One pixel's patch: [group][ky][kx][channels of the group]. */
static void
gather_patch (guint8 *patch, const QConvJob *job, gsize n, gsize y, gsize x)
{
  const ConvLayer *layer = job->conv->layer;
  const Tensor *in = job->in;
  const gsize channels = in->c / layer->groups, size = layer->kernel * channels;
  const gsize first = x * layer->stride - layer->pad;
  const gboolean whole = layer->groups == 1 && first < in->w && first + layer->kernel <= in->w;

  for (guint g = 0; g < layer->groups; g++) {
    for (guint ky = 0; ky < layer->kernel; ky++, patch += size) {
      const gsize sy = y * layer->stride + ky - layer->pad; /* wraps to huge above the image */
      const guint8 *row = tensor_byte (in, n, sy, 0) + g * channels;
      if (sy >= in->h)
        memset (patch, layer->q_in.zero, size);
      else if (whole)
        memcpy (patch, row + first * in->c, size);
      else
        gather_row (patch, job, row, first, channels);
    }
  }
}

static void
patches_item (gpointer data, guint item, guint thread)
{
  const QConvJob *job = data;
  const ConvLayer *layer = job->conv->layer;
  const Tensor *out = job->out;
  const gsize taps = (gsize) layer->kernel * layer->kernel;
  const gsize items_per_image = (out->h + job->rows_at_once - 1) / job->rows_at_once;
  const gsize n = item / items_per_image;
  const gsize begin = item % items_per_image * job->rows_at_once;
  const gsize end = MIN (begin + job->rows_at_once, out->h);
  guint8 *patches = runner_scratch (job->runner, thread);
  guint8 *patch = patches;

  for (gsize y = begin; y < end; y++) {
    for (gsize x = 0; x < out->w; x++, patch += taps * job->in->c)
      gather_patch (patch, job, n, y, x);
  }
  multiply (job, (end - begin) * out->w, patches, taps, tensor_byte (out, n, begin, 0));
}

static gsize
patch_row_bytes (const ConvLayer *layer, const Tensor *out)
{
  return out->w * layer->kernel * layer->kernel * layer->in;
}

gboolean
runner_reserve_qconv (Runner *runner, const PackedConv *conv, const Tensor *out, GError **error)
{
  const ConvLayer *layer = conv->layer;

  return is_pointwise (layer)
      || runner_reserve_threads (runner, MAX (PATCH_BYTES, patch_row_bytes (layer, out)) + Q_SLACK,
          error);
}

void
runner_run_qconv (Runner *runner, const PackedConv *conv, const Tensor *in, const Tensor *out)
{
  const ConvLayer *layer = conv->layer;
  QConvJob job = { runner, conv->q, in, out, PRODUCT_ROWS };

  if (is_pointwise (layer)) {
    const gsize pixels = in->n * in->h * in->w;
    workers_run (runner->workers, pointwise_item, &job,
        (pixels + job.rows_at_once - 1) / job.rows_at_once);
  } else {
    job.rows_at_once = MAX (1, PATCH_BYTES / patch_row_bytes (layer, out));
    workers_run (runner->workers, patches_item, &job,
        in->n * ((out->h + job.rows_at_once - 1) / job.rows_at_once));
  }
  runner_observe_layer (runner, layer, out);
}
