/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What needs numbers of a whole image before it can go on: group norm, batch norm that follows a
 * stream, squeeze and excite, global average. Sums are made in double over chunks of pixels whose
 * size is fixed, then added in order: the number of threads does not show.
 */
#include <math.h>

#include "plan.h"

#define CHUNK_PIXELS 512

/* --- Sums over pixels ------------------------------------------------------------------------- */

static gsize
chunks_per_image (const Tensor *x)
{
  return (x->h * x->w + CHUNK_PIXELS - 1) / CHUNK_PIXELS;
}

/* A run of an image's pixels. */
typedef struct {
  gsize image, offset, pixels; /* offset: elements */
} Chunk;

static Chunk
chunk_at (const Tensor *x, guint item)
{
  const gsize chunks = chunks_per_image (x), begin = item % chunks * CHUNK_PIXELS;
  const gsize image = item / chunks, pixels = x->h * x->w;

  return (Chunk){ image, (image * pixels + begin) * x->c, MIN (CHUNK_PIXELS, pixels - begin) };
}

/* Per chunk: c sums, then c sums of squares. */
static double *
chunk_sums (const StepCall *call, gsize item)
{
  return (double *) call->step->memory + item * 2 * call->in.c;
}

static void
add_chunk (const StepCall *call, guint item, gboolean squares)
{
  const Tensor *x = &call->in;
  const Chunk chunk = chunk_at (x, item);
  double *sums = chunk_sums (call, item);

  for (gsize i = 0; i < 2 * x->c; i++)
    sums[i] = 0;
  workspace_kernels (call->workspace)
      ->floats.channel_sums (sums, squares ? sums + x->c : NULL, x->data + chunk.offset,
          chunk.pixels, x->c);
}

static void
sums_item (gpointer data, guint item, guint thread)
{
  add_chunk (data, item, FALSE);
}

static void
squares_item (gpointer data, guint item, guint thread)
{
  add_chunk (data, item, TRUE);
}

/* Leaves each image's sums in its first chunk. */
static void
sum_pixels (const StepCall *call, WorkFunc item)
{
  const Tensor *x = &call->in;
  const gsize chunks = chunks_per_image (x);

  workers_run (call->workspace->workers, item, (gpointer) call, x->n * chunks);
  for (gsize image = 0; image < x->n; image++) {
    double *total = chunk_sums (call, image * chunks);
    for (gsize chunk = 1; chunk < chunks; chunk++) {
      const double *part = chunk_sums (call, image * chunks + chunk);
      for (gsize i = 0; i < 2 * x->c; i++)
        total[i] += part[i];
    }
  }
}

static gpointer
place_sums (Planner *planner, const Tensor *x)
{
  /* Doubles as floats: two for one, and two sums per channel. */
  Tensor sums = { .n = x->n, .h = chunks_per_image (x), .w = 4, .c = x->c };

  planner_place_floats (planner, &sums, FALSE);
  return sums.data;
}

/* --- Scale and shift -------------------------------------------------------------------------- */

typedef struct {
  const StepCall *call;
  const float *scale, *shift; /* [n][c]; shift may be NULL */
  gboolean shared;            /* [c], for all images */
} Affine;

static void
affine_item (gpointer data, guint item, guint thread)
{
  const Affine *affine = data;
  const StepCall *call = affine->call;
  const Tensor *x = &call->in;
  const Chunk chunk = chunk_at (x, item);
  const gsize at = affine->shared ? 0 : chunk.image * x->c;
  const float *residual = call->step->factor ? call->other.data + chunk.offset : NULL;

  workspace_kernels (call->workspace)
      ->floats.channel_affine (x->data + chunk.offset, affine->scale + at,
          affine->shift != NULL ? affine->shift + at : NULL, residual, chunk.pixels, x->c,
          call->step->act);
}

static void
run_affine (const StepCall *call, const float *scale, const float *shift, gboolean shared)
{
  Affine affine = { call, scale, shift, shared };

  workers_run (call->workspace->workers, affine_item, &affine,
      call->in.n * chunks_per_image (&call->in));
}

/* --- Norms ------------------------------------------------------------------------------------ */

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
pooling_of (const Workspace *workspace, const PackedConv *conv)
{
  switch (workspace->normalization) {
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
add_images (const StepCall *call)
{
  const Tensor *x = &call->in;
  const gsize chunks = chunks_per_image (x);
  double *total = chunk_sums (call, 0);

  for (gsize image = 1; image < x->n; image++) {
    const double *sums = chunk_sums (call, image * chunks);
    for (gsize i = 0; i < 2 * x->c; i++)
      total[i] += sums[i];
  }
  return total;
}

/* The stream's statistics with this frame's in them, as scale and shift per channel. Of a batch norm all
 * images are one contribution. */
static void
batch_affine (const StepCall *call, float *scale, float *shift)
{
  const Workspace *workspace = call->workspace;
  const PackedConv *conv = call->step->conv;
  const Tensor *x = &call->in;
  const double *sums = add_images (call);
  double *frame = workspace->norm_scratch, *mean = frame + norm_stats_size (x->c);
  double *variance = mean + x->c, *running = workspace->norm_stats + conv->norm_at;

  norm_stats_set (frame, sums, sums + x->c, x->n * x->h * x->w, x->n, x->c,
      pooling_of (workspace, conv));
  norm_stats_follow (running, frame, x->c, workspace->norm_momentum);
  norm_stats_finish (running, x->c, mean, variance);
  for (gsize c = 0; c < x->c; c++) {
    const double factor = conv->gamma[c] / sqrt (variance[c] + NORM_EPSILON);
    scale[c] = (float) factor;
    shift[c] = (float) (conv->beta[c] - mean[c] * factor);
  }
}

/* `out` has the room for scale and shift. */
static void
run_norm (const StepCall *call)
{
  const Tensor *x = &call->in;
  const gboolean batch = call->step->conv->layer->norm.kind == NORM_BATCH;
  const gsize chunks = chunks_per_image (x);
  float *scale = call->out.data, *shift = scale + x->n * x->c;

  sum_pixels (call, squares_item);
  if (batch)
    batch_affine (call, scale, shift);
  for (gsize image = 0; !batch && image < x->n; image++)
    group_affine (call->step->conv, chunk_sums (call, image * chunks), x->c, (double) x->h * x->w,
        scale + image * x->c, shift + image * x->c);
  run_affine (call, scale, shift, batch);
}

void
plan_norm (Planner *planner, const PackedConv *conv, const Tensor *x, const Tensor *residual)
{
  Tensor affine = { .n = x->n, .h = 2, .w = 1, .c = x->c };

  planner_place_floats (planner, &affine, FALSE);
  Step *step = planner_add (planner, run_norm, x, &affine);
  step->conv = conv;
  step->act = conv->layer->act;
  step->memory = place_sums (planner, x);
  step->factor = residual != NULL;
  if (residual != NULL)
    step->other = *residual;
}

/* --- Averages --------------------------------------------------------------------------------- */

static void
run_average (const StepCall *call)
{
  const Tensor *in = &call->in;
  const gsize chunks = chunks_per_image (in);
  const double pixels = (double) in->h * in->w;

  sum_pixels (call, sums_item);
  for (gsize image = 0; image < in->n; image++) {
    const double *sums = chunk_sums (call, image * chunks);
    for (gsize c = 0; c < in->c; c++)
      call->out.data[image * in->c + c] = (float) (sums[c] / pixels);
  }
}

/* One image's sums of bytes over its pixels. */
static const gint32 *
sum_bytes (const StepCall *call, gsize image)
{
  const Tensor *in = &call->in;
  gint32 *sums = (gint32 *) call->step->memory + image * in->c;

  for (gsize c = 0; c < in->c; c++)
    sums[c] = 0;
  workspace_kernels (call->workspace)
      ->bytes.channel_sums (sums, tensor_byte (in, image, 0, 0), in->h * in->w, in->c);
  return sums;
}

/* aten qadaptive_avg_pool2d to one pixel: the average has the input's scale and zero point. */
static void
rounded_item (gpointer data, guint image, guint thread)
{
  const StepCall *call = data;
  const Tensor *in = &call->in;
  const gint32 pixels = (gint32) (in->h * in->w), zero = in->quant.zero;
  const gint32 *sums = sum_bytes (call, image);

  for (gsize c = 0; c < in->c; c++) {
    const float mean = rintf ((float) (sums[c] - pixels * zero) * (1.0f / (float) pixels));
    const float byte = CLAMP (mean + (float) zero, 0, 255);
    call->out.data[image * in->c + c] = (byte - (float) zero) * in->quant.scale;
  }
}

static void
run_rounded (const StepCall *call)
{
  workers_run (call->workspace->workers, rounded_item, (gpointer) call, call->in.n);
}

static void
exact_item (gpointer data, guint image, guint thread)
{
  const StepCall *call = data;
  const Tensor *in = &call->in;
  const double pixels = (double) in->h * in->w;
  const gint32 *sums = sum_bytes (call, image);

  for (gsize c = 0; c < in->c; c++)
    call->out.data[image * in->c + c] =
        (float) ((sums[c] / pixels - in->quant.zero) * in->quant.scale);
}

static void
run_exact (const StepCall *call)
{
  workers_run (call->workspace->workers, exact_item, (gpointer) call, call->in.n);
}

static void
plan_mean (Planner *planner, const Tensor *in, const Tensor *out, StepFunc of_bytes)
{
  Step *step = planner_add (planner, in->bytes != NULL ? of_bytes : run_average, in, out);

  step->memory = place_sums (planner, in);
}

void
plan_average (Planner *planner, const Tensor *in, const Tensor *out)
{
  plan_mean (planner, in, out, run_rounded);
}

/* --- Squeeze and excite ----------------------------------------------------------------------- */

static void
run_gate (const StepCall *call)
{
  run_affine (call, call->other.data, NULL, FALSE);
}

static void
gate_item (gpointer data, guint row, guint thread)
{
  const StepCall *call = data;
  const Tensor *in = &call->in;
  const gsize image = row / in->h, y = row % in->h;

  workspace_kernels (call->workspace)
      ->bytes.gate (tensor_byte (&call->out, image, y, 0), tensor_byte (in, image, y, 0),
          call->other.data + image * in->c, in->w, in->c, in->quant.zero, call->out.quant.zero);
}

/* Gates in steps of the output. */
static void
run_gate_bytes (const StepCall *call)
{
  const Tensor *in = &call->in;
  const float steps = in->quant.scale / call->out.quant.scale;

  for (gsize i = 0; i < in->n * in->c; i++)
    call->other.data[i] *= steps;
  workers_run (call->workspace->workers, gate_item, (gpointer) call, in->n * in->h);
}

/* The two small convolutions stay with floats: they see one number per channel and image. */
void
plan_squeeze_excite (Planner *planner, const PackedBlock *block, const Tensor *in,
    const Tensor *out)
{
  Tensor mean = { .n = in->n, .h = 1, .w = 1, .c = in->c }, gates = mean, squeezed = mean;

  squeezed.c = block->se_squeeze.layer->out;
  planner_place_floats (planner, &mean, FALSE);
  planner_place_floats (planner, &squeezed, FALSE);
  planner_place_floats (planner, &gates, FALSE);
  plan_mean (planner, in, &mean, run_exact);
  plan_conv (planner, &block->se_squeeze, &mean, &squeezed, NULL);
  plan_conv (planner, &block->se_excite, &squeezed, &gates, NULL);
  Step *step = planner_add (planner, in->bytes != NULL ? run_gate_bytes : run_gate, in, out);
  step->act = ACT_NONE;
  step->other = gates;
}
