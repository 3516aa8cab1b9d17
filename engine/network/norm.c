/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What needs numbers of a whole image before it can go on: group norm, batch norm that follows a
 * stream, squeeze and excite, global average. Sums are made in double over chunks of pixels whose
 * size is fixed, then added in order: the number of threads does not show.
 */
#include "network.h"

#include <math.h>

#define CHUNK_PIXELS 512

typedef struct {
  const Runner *runner;
  const Tensor *x;
  const Tensor *residual;
  gsize chunks; /* per image */
  gboolean squares;
  const float *scale, *shift; /* [n][c] */
  Activation act;
  gboolean shared; /* scale and shift are [c], for all images */
} NormJob;

static gsize
chunks_per_image (const Tensor *x)
{
  return (x->h * x->w + CHUNK_PIXELS - 1) / CHUNK_PIXELS;
}

static gsize
chunk_pixels (const NormJob *job, guint item)
{
  const gsize begin = item % job->chunks * CHUNK_PIXELS;

  return MIN (CHUNK_PIXELS, job->x->h * job->x->w - begin);
}

static gsize
chunk_offset (const NormJob *job, guint item)
{
  const gsize image = item / job->chunks, begin = item % job->chunks * CHUNK_PIXELS;

  return (image * job->x->h * job->x->w + begin) * job->x->c;
}

/* Per chunk: c sums, then c sums of squares. */
static double *
chunk_sums (const NormJob *job, guint item)
{
  return (double *) job->runner->sums.data + (gsize) item * 2 * job->x->c;
}

static void
sums_item (gpointer data, guint item, guint thread)
{
  const NormJob *job = data;
  const gsize c = job->x->c;
  double *sums = chunk_sums (job, item);

  for (gsize i = 0; i < 2 * c; i++)
    sums[i] = 0;
  job->runner->kernels->floats.channel_sums (sums, job->squares ? sums + c : NULL,
      job->x->data + chunk_offset (job, item), chunk_pixels (job, item), c);
}

/* Leaves each image's sums in its first chunk. */
static void
sum_pixels (NormJob *job)
{
  workers_run (job->runner->workers, sums_item, job, job->x->n * job->chunks);
  for (gsize image = 0; image < job->x->n; image++) {
    double *total = chunk_sums (job, image * job->chunks);
    for (gsize chunk = 1; chunk < job->chunks; chunk++) {
      const double *part = chunk_sums (job, image * job->chunks + chunk);
      for (gsize i = 0; i < 2 * job->x->c; i++)
        total[i] += part[i];
    }
  }
}

static void
affine_item (gpointer data, guint item, guint thread)
{
  const NormJob *job = data;
  const gsize image = job->shared ? 0 : item / job->chunks, c = job->x->c;
  const gsize offset = chunk_offset (job, item);

  job->runner->kernels->floats.channel_affine (job->x->data + offset, job->scale + image * c,
      job->shift != NULL ? job->shift + image * c : NULL,
      job->residual != NULL ? job->residual->data + offset : NULL, chunk_pixels (job, item), c,
      job->act);
}

gboolean
runner_reserve_sums (Runner *runner, const Tensor *x, GError **error)
{
  gsize bytes;

  if (!tensor_size (x->n, chunks_per_image (x), x->c, 2 * sizeof (double), &bytes)) {
    g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "sums: too many channels");
    return FALSE;
  }
  return buffer_reserve (&runner->sums, bytes, error)
      && buffer_reserve (&runner->gates, x->n * x->c * 4 * sizeof (float), error);
}

/* One image's group norm as scale and shift per channel (torch GroupNorm: biased variance). */
static void
group_affine (const PackedConv *conv, const double *sums, gsize c, double pixels, float *scale,
    float *shift)
{
  const gsize n_groups = conv->layer->norm.n_groups, size = c / n_groups;

  for (gsize g = 0; g < n_groups; g++) {
    double sum = 0, sum_sq = 0;
    for (gsize i = g * size; i < (g + 1) * size; i++) {
      sum += sums[i];
      sum_sq += sums[c + i];
    }
    const double mean = sum / (pixels * size);
    const double var = MAX (0.0, sum_sq / (pixels * size) - mean * mean);
    const double rstd = 1 / sqrt (var + NORM_EPSILON);
    for (gsize i = g * size; i < (g + 1) * size; i++) {
      scale[i] = (float) (conv->gamma[i] * rstd);
      shift[i] = (float) (conv->beta[i] - mean * rstd * conv->gamma[i]);
    }
  }
}

static NormPooling
pooling_of (const Runner *runner, const PackedConv *conv)
{
  switch (runner->normalization) {
    case FBNET_NORMALIZATION_SYNC_BN:
      return POOL_PIXELS;
    case FBNET_NORMALIZATION_NAIVE_SYNC_BN:
      return POOL_EQUALLY;
    default:
      return conv->layer->norm.pooling;
  }
}

/* The sums of all images, in the place of the first one's. */
static double *
add_images (NormJob *job)
{
  double *total = chunk_sums (job, 0);

  for (gsize image = 1; image < job->x->n; image++) {
    const double *sums = chunk_sums (job, image * job->chunks);
    for (gsize i = 0; i < 2 * job->x->c; i++)
      total[i] += sums[i];
  }
  return total;
}

/* The stream's statistics with this frame's in them, as scale and shift per channel. */
static void
batch_affine (const Runner *runner, const PackedConv *conv, const double *sums, const Tensor *x,
    float *scale, float *shift)
{
  double *frame = runner->norm_scratch, *mean = frame + norm_stats_size (x->c);
  double *variance = mean + x->c, *running = runner->norm_stats + conv->norm_at;

  norm_stats_set (frame, sums, sums + x->c, x->n * x->h * x->w, x->n, x->c,
      pooling_of (runner, conv));
  norm_stats_follow (running, frame, x->c, runner->norm_momentum);
  norm_stats_finish (running, x->c, mean, variance);
  for (gsize c = 0; c < x->c; c++) {
    const double factor = conv->gamma[c] / sqrt (variance[c] + NORM_EPSILON);
    scale[c] = (float) factor;
    shift[c] = (float) (conv->beta[c] - mean[c] * factor);
  }
}

void
runner_norm (Runner *runner, const PackedConv *conv, const Tensor *x, const Tensor *residual)
{
  float *scale = runner->gates.data, *shift = scale + x->n * x->c;
  NormJob job = { runner, x, residual, chunks_per_image (x), TRUE, scale, shift, conv->layer->act };

  job.shared = conv->layer->norm.kind == NORM_BATCH;
  sum_pixels (&job);
  if (job.shared)
    batch_affine (runner, conv, add_images (&job), x, scale, shift);
  for (gsize image = 0; !job.shared && image < x->n; image++)
    group_affine (conv, chunk_sums (&job, image * job.chunks), x->c, (double) x->h * x->w,
        scale + image * x->c, shift + image * x->c);
  workers_run (runner->workers, affine_item, &job, x->n * job.chunks);
}

void
runner_global_average (Runner *runner, const Tensor *in, const Tensor *out)
{
  NormJob job = { runner, in, NULL, chunks_per_image (in), FALSE };
  const double pixels = (double) in->h * in->w;

  if (in->bytes != NULL) {
    runner_average_bytes (runner, in, out);
    return;
  }
  sum_pixels (&job);
  for (gsize image = 0; image < in->n; image++) {
    const double *sums = chunk_sums (&job, image * job.chunks);
    for (gsize c = 0; c < in->c; c++)
      out->data[image * in->c + c] = (float) (sums[c] / pixels);
  }
}

/* gates holds, one after the other: means [n][c], gates [n][c], squeezed [n][s] with s <= 2c. */
gboolean
runner_reserve_se (Runner *runner, const PackedBlock *block, const Tensor *x, GError **error)
{
  const gsize squeezed = block->block->se_squeeze.out;

  return runner_reserve_sums (runner, x, error)
      && buffer_reserve (&runner->gates, x->n * (2 * x->c + squeezed) * sizeof (float), error);
}

void
runner_squeeze_excite (Runner *runner, const PackedBlock *block, const Tensor *x)
{
  float *means = runner->gates.data, *gates = means + x->n * x->c;
  const Tensor mean = { means, x->n, 1, 1, x->c };
  const Tensor squeezed = { gates + x->n * x->c, x->n, 1, 1, block->block->se_squeeze.out };
  const Tensor gate = { gates, x->n, 1, 1, x->c };
  NormJob job = { runner, x, NULL, chunks_per_image (x), FALSE, gates, NULL, ACT_NONE };

  runner_global_average (runner, x, &mean);
  runner_run_conv (runner, &block->se_squeeze, &mean, &squeezed, NULL);
  runner_run_conv (runner, &block->se_excite, &squeezed, &gate, NULL);
  workers_run (runner->workers, affine_item, &job, x->n * job.chunks);
}
