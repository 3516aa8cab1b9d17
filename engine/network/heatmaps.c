/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The keypoint predictors: from the head's map to heat maps of twice or four times its side.
 * Semantics: d2go modeling/backbone/modules.py KeypointRCNN…Predictor….
 */
#include <string.h>

#include "plan.h"

/* --- Transposed convolution, 4×4, stride 2, padding 1 ----------------------------------------- */

enum { DECONV_KERNEL = 4, DECONV_TAPS = 16 };

/* Adds what input row `row` of the products gives to output row y through kernel row ky. */
static void
gather_row (const StepCall *call, float *out, const float *products, guint ky)
{
  const gsize c = call->out.c;

  for (gsize x = 0; x < call->out.w; x++, out += c) {
    for (guint kx = (x + 1) % 2; kx < DECONV_KERNEL; kx += 2) {
      const gsize column = (x + 1 - kx) / 2; /* wraps to huge left of the map */
      if (column >= call->in.w)
        continue;
      const float *from = products + (column * DECONV_TAPS + ky * DECONV_KERNEL + kx) * c;
      for (gsize i = 0; i < c; i++)
        out[i] += from[i];
    }
  }
}

static void
deconv_image (gpointer data, guint image, guint thread)
{
  const StepCall *call = data;
  const Tensor *in = &call->in, *out = &call->out;
  const PackedConv *conv = call->step->conv;
  const gsize n = DECONV_TAPS * out->c;
  float *products = workspace_scratch (call->workspace, thread);
  const GemmArgs args = { .m = in->h * in->w,
    .n = n,
    .k = in->c,
    .a = tensor_pixel (in, image, 0, 0),
    .lda = in->c,
    .packed = (const float *) conv->weights,
    .c = products,
    .ldc = n };

  workspace_kernels (call->workspace)->floats.gemm (&args);
  for (gsize y = 0; y < out->h; y++) {
    for (gsize x = 0; x < out->w; x++)
      memcpy (tensor_pixel (out, image, y, x), conv->bias, out->c * sizeof (float));
    for (guint ky = (y + 1) % 2; ky < DECONV_KERNEL; ky += 2) {
      const gsize row = (y + 1 - ky) / 2;
      if (row < in->h)
        gather_row (call, tensor_pixel (out, image, y, 0), products + row * in->w * n, ky);
    }
  }
}

static void
run_deconv (const StepCall *call)
{
  workers_run (call->workspace->workers, deconv_image, (gpointer) call, call->in.n);
}

static void
plan_deconv (Planner *planner, const PackedConv *conv, const Tensor *in, const Tensor *out)
{
  planner_add (planner, run_deconv, in, out)->conv = conv;
  planner_need_scratch (planner, in->h * in->w * DECONV_TAPS * out->c * sizeof (float));
}

/* --- Bilinear up-sampling by two -------------------------------------------------------------- */

/* One axis of torch's bilinear interpolation, align_corners False, scale 2. */
static void
bilinear_axis (gsize at, gsize length, gsize *low, gsize *high, float *fraction)
{
  const float position = MAX (0.0f, ((float) at + 0.5f) * 0.5f - 0.5f);

  *low = (gsize) position;
  *high = MIN (*low + 1, length - 1);
  *fraction = position - (float) *low;
}

static void
bilinear_image (gpointer data, guint image, guint thread)
{
  const StepCall *call = data;
  const Tensor *in = &call->in, *out = &call->out;

  for (gsize y = 0; y < out->h; y++) {
    gsize y0, y1;
    float fy;
    bilinear_axis (y, in->h, &y0, &y1, &fy);
    for (gsize x = 0; x < out->w; x++) {
      gsize x0, x1;
      float fx;
      bilinear_axis (x, in->w, &x0, &x1, &fx);
      const float *corners[] = { tensor_pixel (in, image, y0, x0), tensor_pixel (in, image, y0, x1),
        tensor_pixel (in, image, y1, x0), tensor_pixel (in, image, y1, x1) };
      const float weights[] = { (1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx };
      workspace_kernels (call->workspace)
          ->floats.weighted_sum (tensor_pixel (out, image, y, x), corners, weights, 4, out->c);
    }
  }
}

static void
run_bilinear (const StepCall *call)
{
  workers_run (call->workspace->workers, bilinear_image, (gpointer) call, call->in.n);
}

/* --- The predictors --------------------------------------------------------------------------- */

static Tensor
doubled (const Tensor *in, gsize channels)
{
  return (Tensor){ .n = in->n, .h = 2 * in->h, .w = 2 * in->w, .c = channels };
}

Tensor
heatmaps_output (const Network *network, KeypointPredictor predictor, const Tensor *in)
{
  const PackedConv *conv = network_conv (network, ROLE_KEYPOINT_LOGITS, 0);
  const Tensor large = doubled (in, conv != NULL ? conv->layer->out : in->c);

  switch (predictor) {
    case KEYPOINTS_IRF:
      return stage_output (network_stage (network, ROLE_KEYPOINT_BLOCK, 0), in);
    case KEYPOINTS_CONV_UPSAMPLE:
      return conv_output (conv, &large);
    case KEYPOINTS_DECONV:
      return large;
    case KEYPOINTS_DECONV_UPSCALE:
      return doubled (&large, large.c);
  }
  g_assert_not_reached ();
}

/* Only the predictor that is a block can go on with bytes. */
void
plan_heatmaps (Planner *planner, KeypointPredictor predictor, const Tensor *in, const Tensor *out)
{
  const Network *network = planner->workspace->network;
  const PackedConv *conv = network_conv (network, ROLE_KEYPOINT_LOGITS, 0);
  const gsize mark = arena_mark (&planner->workspace->arena);
  const gboolean deconv = predictor != KEYPOINTS_CONV_UPSAMPLE;
  Tensor large = doubled (in, deconv ? out->c : in->c);

  if (predictor == KEYPOINTS_IRF) {
    plan_stage (planner, network_stage (network, ROLE_KEYPOINT_BLOCK, 0), in, out);
    return;
  }
  const Tensor source = plan_as_floats (planner, in);
  if (predictor == KEYPOINTS_DECONV) {
    plan_deconv (planner, conv, &source, out);
  } else {
    planner_place_floats (planner, &large, FALSE);
    if (predictor == KEYPOINTS_CONV_UPSAMPLE) {
      plan_upsample (planner, &source, &large, 2);
      plan_conv (planner, conv, &large, out, NULL);
    } else {
      plan_deconv (planner, conv, &source, &large);
      planner_add (planner, run_bilinear, &large, out);
    }
  }
  arena_release (&planner->workspace->arena, mark);
}
