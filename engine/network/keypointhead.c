/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The keypoint predictors: from the head's map to heat maps of twice or four times its side.
 * Semantics: d2go modeling/backbone/modules.py KeypointRCNN…Predictor….
 */
#include <string.h>

#include "network.h"

typedef struct {
  const Runner *runner;
  const PackedConv *conv;
  const Tensor *in, *out;
} Job;

/* --- Transposed convolution, 4×4, stride 2, padding 1 ----------------------------------------- */

enum { DECONV_KERNEL = 4, DECONV_TAPS = 16 };

/* Adds what input row `row` of the products gives to output row y through kernel row ky. */
static void
gather_row (const Job *job, float *out, const float *products, guint ky)
{
  const gsize c = job->out->c;

  for (gsize x = 0; x < job->out->w; x++, out += c) {
    for (guint kx = (x + 1) % 2; kx < DECONV_KERNEL; kx += 2) {
      const gsize column = (x + 1 - kx) / 2; /* wraps to huge left of the map */
      if (column >= job->in->w)
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
  const Job *job = data;
  const Tensor *in = job->in, *out = job->out;
  const gsize n = DECONV_TAPS * out->c;
  float *products = runner_scratch (job->runner, thread);
  const GemmArgs args = { .m = in->h * in->w,
    .n = n,
    .k = in->c,
    .a = tensor_pixel (in, image, 0, 0),
    .lda = in->c,
    .packed = job->conv->weights,
    .c = products,
    .ldc = n };

  job->runner->kernels->floats.gemm (&args);
  for (gsize y = 0; y < out->h; y++) {
    for (gsize x = 0; x < out->w; x++)
      memcpy (tensor_pixel (out, image, y, x), job->conv->bias, out->c * sizeof (float));
    for (guint ky = (y + 1) % 2; ky < DECONV_KERNEL; ky += 2) {
      const gsize row = (y + 1 - ky) / 2;
      if (row < in->h)
        gather_row (job, tensor_pixel (out, image, y, 0), products + row * in->w * n, ky);
    }
  }
}

/* --- Up-sampling by two ----------------------------------------------------------------------- */

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
  const Job *job = data;
  const Tensor *in = job->in, *out = job->out;

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
      job->runner->kernels->floats.weighted_sum (tensor_pixel (out, image, y, x), corners, weights,
          4, out->c);
    }
  }
}

static void
nearest_image (gpointer data, guint image, guint thread)
{
  const Job *job = data;

  for (gsize y = 0; y < job->out->h; y++) {
    for (gsize x = 0; x < job->out->w; x++)
      memcpy (tensor_pixel (job->out, image, y, x), tensor_pixel (job->in, image, y / 2, x / 2),
          job->out->c * sizeof (float));
  }
}

/* --- The predictors --------------------------------------------------------------------------- */

static Tensor
doubled (const Tensor *in, gsize channels)
{
  return (Tensor){ NULL, in->n, 2 * in->h, 2 * in->w, channels };
}

static gboolean
reserve_deconv (Runner *runner, const PackedConv *conv, const Tensor *in, GError **error)
{
  return runner_reserve_threads (runner,
      in->h * in->w * DECONV_TAPS * conv->layer->out * sizeof (float), error);
}

gboolean
runner_reserve_heatmaps (Runner *runner, const Network *network, KeypointPredictor predictor,
    const Tensor *in, Tensor *out, GError **error)
{
  const PackedConv *conv = &network->keypoint_logits;
  Tensor large = doubled (in, in->c);

  switch (predictor) {
    case KEYPOINTS_IRF:
      return runner_reserve_stage (runner, &network->keypoint_block, in, out, error);
    case KEYPOINTS_CONV_UPSAMPLE:
      return tensor_reserve (&large, &runner->mid, error)
          && runner_reserve_conv (runner, conv, &large, out, error);
    case KEYPOINTS_DECONV:
      *out = doubled (in, conv->layer->out);
      return reserve_deconv (runner, conv, in, error);
    case KEYPOINTS_DECONV_UPSCALE:
      large = doubled (in, conv->layer->out);
      *out = doubled (&large, large.c);
      return reserve_deconv (runner, conv, in, error)
          && tensor_reserve (&large, &runner->mid, error);
  }
  g_assert_not_reached ();
}

void
runner_run_heatmaps (Runner *runner, const Network *network, KeypointPredictor predictor,
    const Tensor *in, const Tensor *out)
{
  const PackedConv *conv = &network->keypoint_logits;
  Tensor large = doubled (in, predictor == KEYPOINTS_CONV_UPSAMPLE ? in->c : out->c);
  Job to_large = { runner, conv, in, &large }, from_large = { runner, conv, &large, out };
  Job direct = { runner, conv, in, out };

  large.data = runner->mid.data;
  switch (predictor) {
    case KEYPOINTS_IRF:
      runner_run_stage (runner, &network->keypoint_block, in, out);
      break;
    case KEYPOINTS_CONV_UPSAMPLE:
      workers_run (runner->workers, nearest_image, &to_large, in->n);
      runner_run_conv (runner, conv, &large, out, NULL);
      break;
    case KEYPOINTS_DECONV:
      workers_run (runner->workers, deconv_image, &direct, in->n);
      break;
    case KEYPOINTS_DECONV_UPSCALE:
      workers_run (runner->workers, deconv_image, &to_large, in->n);
      workers_run (runner->workers, bilinear_image, &from_large, in->n);
      break;
  }
}
