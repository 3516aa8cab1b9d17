/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Convolutions that are matrix products: 1×1 straight over the pixels, larger ones over patches
 * gathered a few rows at a time.
 */
#include <string.h>

#include "arithmetic.h"
#include "plan.h"

static gboolean
is_pointwise (const ConvLayer *layer)
{
  return layer->kernel == 1 && layer->stride == 1 && layer->pad == 0;
}

/* Rows of `other` are the residual's; `at` is a pixel. */
static void
multiply (const StepCall *call, gsize m, const void *in, gsize taps, gsize at, void *room)
{
  const Step *step = call->step;
  const Arithmetic *arithmetic = step->conv->arithmetic;
  const gsize offset = at * call->out.c * arithmetic->size;
  const guint8 *residual = tensor_native (&call->other);
  const Product product = { .conv = step->conv,
    .m = m,
    .taps = taps,
    .in = in,
    .residual = residual != NULL ? residual + offset : NULL,
    .room = room,
    .out = (guint8 *) tensor_native (&call->out) + offset,
    .act = step->act };

  arithmetic->multiply (workspace_kernels (call->workspace), &product);
}

static void
pointwise_item (gpointer data, guint item, guint thread)
{
  const StepCall *call = data;
  const Arithmetic *arithmetic = call->step->conv->arithmetic;
  const gsize pixels = tensor_pixels (&call->in);
  const gsize begin = item * arithmetic->product_rows;
  const guint8 *in = tensor_native (&call->in);

  multiply (call, MIN (arithmetic->product_rows, pixels - begin),
      in + begin * call->in.c * arithmetic->size, 1, begin,
      workspace_scratch (call->workspace, thread));
}

static void
run_pointwise (const StepCall *call)
{
  const gsize rows = call->step->conv->arithmetic->product_rows;

  workers_run (call->workspace->workers, pointwise_item, (gpointer) call,
      (tensor_pixels (&call->in) + rows - 1) / rows);
}

/* --- Patches ---------------------------------------------------------------------------------- */

/* One kernel row of a patch: `kernel` pixels of one group's channels, padding outside the image. */
static void
gather_row (guint8 *patch, const StepCall *call, const guint8 *row, gsize first, gsize bytes)
{
  const PackedConv *conv = call->step->conv;
  const gsize pixel = call->in.c * conv->arithmetic->size;

  for (guint kx = 0; kx < conv->layer->kernel; kx++, patch += bytes) {
    const gsize x = first + kx; /* wraps to huge left of the image */
    if (x < call->in.w)
      memcpy (patch, row + x * pixel, bytes);
    else
      memset (patch, conv->padding, bytes);
  }
}

/* One pixel's patch: [group][ky][kx][channels of the group]. */
static void
gather_patch (guint8 *patch, const StepCall *call, gsize n, gsize y, gsize x)
{
  const PackedConv *conv = call->step->conv;
  const ConvLayer *layer = conv->layer;
  const Tensor *in = &call->in;
  const gsize pixel = in->c * conv->arithmetic->size;
  const gsize channels = pixel / layer->groups, size = layer->kernel * channels;
  const gsize first = x * layer->stride - layer->pad;
  /* Without groups a kernel row's pixels lie in the image as they do in the patch. */
  const gboolean whole = layer->groups == 1 && first < in->w && first + layer->kernel <= in->w;
  const guint8 *image = (const guint8 *) tensor_native (in) + n * in->h * in->w * pixel;

  for (guint g = 0; g < layer->groups; g++) {
    for (guint ky = 0; ky < layer->kernel; ky++, patch += size) {
      const gsize sy = y * layer->stride + ky - layer->pad; /* wraps to huge above the image */
      if (sy >= in->h) {
        memset (patch, conv->padding, size);
        continue;
      }
      const guint8 *row = image + sy * in->w * pixel + g * channels;
      if (whole)
        memcpy (patch, row + first * pixel, size);
      else
        gather_row (patch, call, row, first, channels);
    }
  }
}

static gsize
patch_row_bytes (const PackedConv *conv, const Tensor *out)
{
  const ConvLayer *layer = conv->layer;

  return out->w * layer->kernel * layer->kernel * layer->in * conv->arithmetic->size;
}

static gsize
rows_at_once (const PackedConv *conv, const Tensor *out)
{
  return MAX (1, conv->arithmetic->patch_bytes / patch_row_bytes (conv, out));
}

static void
patches_item (gpointer data, guint item, guint thread)
{
  const StepCall *call = data;
  const ConvLayer *layer = call->step->conv->layer;
  const Tensor *out = &call->out;
  const gsize rows = call->step->factor, items = (out->h + rows - 1) / rows;
  const gsize taps = (gsize) layer->kernel * layer->kernel;
  const gsize patch_bytes = taps * call->in.c * call->step->conv->arithmetic->size;
  const gsize n = item / items, begin = item % items * rows;
  const gsize end = MIN (begin + rows, out->h);
  guint8 *patches = workspace_scratch (call->workspace, thread), *patch = patches;

  for (gsize y = begin; y < end; y++) {
    for (gsize x = 0; x < out->w; x++, patch += patch_bytes)
      gather_patch (patch, call, n, y, x);
  }
  multiply (call, (end - begin) * out->w, patches, taps, (n * out->h + begin) * out->w,
      patches + rows * patch_row_bytes (call->step->conv, out));
}

static void
run_patches (const StepCall *call)
{
  const gsize rows = call->step->factor;

  workers_run (call->workspace->workers, patches_item, (gpointer) call,
      call->in.n * ((call->out.h + rows - 1) / rows));
}

/* --- Planning --------------------------------------------------------------------------------- */

Tensor
conv_output (const PackedConv *conv, const Tensor *in)
{
  const ConvLayer *layer = conv->layer;

  return (Tensor){ .n = in->n,
    .h = arch_conv_output (in->h, layer, 1),
    .w = arch_conv_output (in->w, layer, 1),
    .c = layer->out };
}

/* Bytes are activated within their product always. */
Activation
act_within (const Planner *planner, const PackedConv *conv)
{
  return conv_has_norm (conv) || planner->workspace->observe != NULL ? ACT_NONE : conv->layer->act;
}

/* An observer sees a float layer after a ReLU, before and after any other activation; one of bytes behind
 * its activation. */
static void
plan_observed (Planner *planner, const PackedConv *conv, const Tensor *x)
{
  const ConvLayer *layer = conv->layer;

  if (conv->q != NULL) {
    plan_observe (planner, layer->conv_name, conv_has_table (layer) ? ".act" : "", x);
    return;
  }
  if (layer->act == ACT_RELU)
    plan_activate (planner, x, ACT_RELU);
  plan_observe (planner, layer->conv_name, "", x);
  if (!conv_has_table (layer))
    return;
  plan_activate (planner, x, layer->act);
  plan_observe (planner, layer->conv_name, ".act", x);
}

void
plan_behind (Planner *planner, const PackedConv *conv, const Tensor *x, const Tensor *out,
    const Tensor *residual)
{
  if (conv_has_norm (conv)) {
    plan_norm (planner, conv, x, residual);
    return;
  }
  if (planner->workspace->observe == NULL)
    return;
  plan_observed (planner, conv, x);
  if (residual != NULL)
    plan_add (planner, conv, x, residual, out);
}

static void
plan_product (Planner *planner, const PackedConv *conv, const Tensor *in, const Tensor *out,
    const Tensor *residual)
{
  const Arithmetic *arithmetic = conv->arithmetic;
  const gboolean pointwise = is_pointwise (conv->layer);
  const gsize rows = pointwise ? 0 : rows_at_once (conv, out);
  const gsize pixels = pointwise ? arithmetic->product_rows : rows * out->w;
  Step *step = planner_add (planner, pointwise ? run_pointwise : run_patches, in, out);

  step->conv = conv;
  step->act = act_within (planner, conv);
  step->factor = rows;
  if (residual != NULL)
    step->other = *residual;
  planner_need_scratch (planner,
      rows * patch_row_bytes (conv, out) + arithmetic->slack
          + arithmetic->product_room (conv, pixels, residual != NULL));
}

/* Where nothing comes between a product and its residual they are one step. */
static void
plan_sums (Planner *planner, const PackedConv *conv, const Tensor *in, const Tensor *out,
    const Tensor *residual)
{
  const gboolean together = !conv_has_norm (conv) && planner->workspace->observe == NULL;
  Tensor sums = *out;

  if (residual != NULL && !together && conv->q != NULL) {
    sums.quant = conv->layer->q_out;
    planner_place (planner, &sums, FALSE);
  }
  plan_product (planner, conv, in, &sums, together ? residual : NULL);
  plan_behind (planner, conv, &sums, out, residual);
}

/* A layer on bytes, of which the caller may see floats. */
static void
plan_on_bytes (Planner *planner, const PackedConv *conv, const Tensor *in, const Tensor *out,
    const Tensor *residual)
{
  const Tensor source = plan_as_bytes (planner, in, conv->layer->q_in);
  Tensor result = *out;

  result.data = NULL;
  if (result.bytes == NULL) {
    result.quant = conv->layer->q_out;
    planner_place (planner, &result, FALSE);
  }
  plan_sums (planner, conv, &source, &result, residual);
  if (out->data != NULL)
    plan_dequantize (planner, &result, out);
}

void
plan_conv (Planner *planner, const PackedConv *conv, const Tensor *in, const Tensor *out,
    const Tensor *residual)
{
  if (!planner_accepts (planner, in, out))
    return;
  if (conv->q != NULL) {
    plan_on_bytes (planner, conv, in, out, residual);
    return;
  }
  const Tensor source = plan_as_floats (planner, in);
  plan_sums (planner, conv, &source, out, residual);
}
