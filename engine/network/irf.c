/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Inverted residual blocks: expand (pw), depthwise (dw), squeeze and excite, project (pwl).
 *
 * Where no layer needs a whole image's statistics the block is fused: a thread expands a few rows,
 * runs the depthwise rows they allow, projects them, and goes on, so that the expanded tensor, the
 * largest of the network, never leaves the cache. Small images (ROIs) are taken several at a time,
 * large ones in bands of rows with a ring of expanded rows.
 */
#include "network.h"

#include <string.h>

/* Expanded pixels that a thread keeps at hand: half of a usual second-level cache. */
#define FUSED_BYTES (256u << 10)

/* Bands of a map where the kernel set wants the same division for any number of threads. */
#define FIXED_SHARES 4

#define MAX_KERNEL 8

typedef enum {
  LAYER_BY_LAYER, /* each layer over the whole tensor */
  WHOLE_IMAGES,   /* fused, `tile` images at a time */
  ROW_BANDS,      /* fused, `tile` output rows at a time */
} IrfMode;

typedef struct {
  IrfMode mode;
  gsize tile;
  gsize ring_rows;      /* ROW_BANDS: expanded source rows kept */
  gsize bands;          /* ROW_BANDS: per image */
  gsize expanded_bytes; /* of a thread's scratch; the depthwise rows follow */
  gsize scratch_bytes;
} IrfPlan;

typedef struct {
  Runner *runner;
  const PackedBlock *block;
  const Tensor *in, *out;
  Tensor dw; /* depthwise output; data is NULL when it is projected at once */
  IrfPlan plan;
} IrfJob;

static gboolean
has (const PackedConv *conv)
{
  return conv->layer->out != 0;
}

static Tensor
depthwise_shape (const PackedBlock *block, const Tensor *in)
{
  const guint u = block->block->upsample;

  return (Tensor){ NULL, in->n, arch_conv_output (in->h, block->dw.layer, u),
    arch_conv_output (in->w, block->dw.layer, u), block->dw.layer->out };
}

static gboolean
can_fuse (const PackedBlock *block)
{
  return block->block->kind == BLOCK_IRF && block->block->shuffle_groups <= 1
      && block->pw.layer->groups <= 1 && !conv_has_norm (&block->pw) && !conv_has_norm (&block->dw);
}

/* Projecting at once needs the depthwise output to be final and the product to be plain. */
static gboolean
can_project (const PackedBlock *block)
{
  return !has (&block->se_squeeze) && block->pwl.layer->groups == 1 && !conv_has_norm (&block->pwl);
}

static void
plan_images (IrfPlan *plan, const Tensor *in, const Tensor *dw, gsize expanded, gsize projected)
{
  plan->mode = WHOLE_IMAGES;
  plan->tile = CLAMP (FUSED_BYTES / (expanded + projected), 1, in->n);
  plan->expanded_bytes = plan->tile * expanded;
  plan->scratch_bytes = plan->tile * (expanded + projected);
}

/* Threads to divide a map for: results must not depend on their number. */
static guint
n_shares (const Runner *runner)
{
  return runner->kernels->floats.split_shows ? FIXED_SHARES : workers_count (runner->workers);
}

static void
plan_rows (IrfPlan *plan, const PackedBlock *block, const Tensor *in, const Tensor *dw,
    guint n_threads)
{
  const ConvLayer *layer = block->dw.layer;
  const gsize in_row = has (&block->pw) ? in->w * dw->c * sizeof (float) : 0;
  const gsize dw_row = dw->w * dw->c * sizeof (float);

  plan->mode = ROW_BANDS;
  for (gsize tile = 1; tile <= dw->h; tile++) {
    const gsize span = (tile - 1) * layer->stride + layer->kernel;
    const gsize ring_rows = (span - 1) / block->block->upsample + 2;
    const gsize bytes = ring_rows * in_row + tile * dw_row;
    if (tile > 1 && bytes > FUSED_BYTES)
      break;
    plan->tile = tile;
    plan->ring_rows = ring_rows;
    plan->expanded_bytes = ring_rows * in_row;
    plan->scratch_bytes = bytes;
  }
  plan->bands = in->n >= n_threads ? 1 : MIN (dw->h, (n_threads + in->n - 1) / in->n);
}

static IrfPlan
make_plan (const Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *dw)
{
  IrfPlan plan = { LAYER_BY_LAYER };

  if (runner->observe != NULL || !can_fuse (block))
    return plan;
  const gsize expanded = has (&block->pw) ? in->h * in->w * dw->c * sizeof (float) : 0;
  const gsize projected = dw->h * dw->w * dw->c * sizeof (float);
  if (in->n > 1 && expanded + projected <= FUSED_BYTES)
    plan_images (&plan, in, dw, expanded, projected);
  else
    plan_rows (&plan, block, in, dw, n_shares (runner));
  return plan;
}

/* Scratch for up to in's images. A lone one goes by rows even where several go whole, and its ring may
 * be longer than the image. */
static gsize
scratch_bytes (const Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *dw)
{
  Tensor lone_in = *in, lone_dw = *dw;
  lone_in.n = lone_dw.n = 1;
  const IrfPlan all = make_plan (runner, block, in, dw);
  const IrfPlan lone = make_plan (runner, block, &lone_in, &lone_dw);

  return MAX (all.scratch_bytes, lone.scratch_bytes);
}

/* --- The pieces of a tile --------------------------------------------------------------------- */

static void
multiply (const IrfJob *job, const PackedConv *conv, gsize m, const float *a, float *c,
    const float *residual)
{
  const GemmArgs args = { .m = m,
    .n = conv->layer->out,
    .k = conv->layer->in,
    .a = a,
    .lda = conv->layer->in,
    .packed = conv->weights,
    .bias = conv->bias,
    .residual = residual,
    .ldr = conv->layer->out,
    .c = c,
    .ldc = conv->layer->out,
    .act = conv->layer->act };

  job->runner->kernels->floats.gemm (&args);
}

static void
project (const IrfJob *job, gsize m, const float *dw, gsize first_pixel)
{
  const gsize offset = first_pixel * job->out->c;

  multiply (job, &job->block->pwl, m, dw, job->out->data + offset,
      job->block->block->residual ? job->in->data + offset : NULL);
}

/* Output row y of the depthwise convolution; `rows` has where each source row r lies, at
 * r % ring_rows. */
static void
depthwise_row (const IrfJob *job, float *out, const float *source, gsize ring_rows, gsize y)
{
  const PackedConv *conv = &job->block->dw;
  const ConvLayer *layer = conv->layer;
  const guint upsample = job->block->block->upsample;
  const float *rows[MAX_KERNEL];

  for (guint r = 0; r < layer->kernel; r++) {
    const gsize v = y * layer->stride + r - layer->pad; /* wraps to huge above the image */
    const gsize slot = v / upsample % ring_rows;
    rows[r] = v < job->in->h * upsample ? source + slot * job->in->w * layer->out : NULL;
  }
  const DepthwiseArgs args = { .out = out,
    .rows = rows,
    .weight = conv->weights,
    .bias = conv->bias,
    .channels = layer->out,
    .in_width = job->in->w,
    .out_width = job->dw.w,
    .kernel = layer->kernel,
    .stride = layer->stride,
    .pad = layer->pad,
    .upsample = upsample,
    .act = conv_has_norm (conv) || job->runner->observe != NULL ? ACT_NONE : layer->act };
  job->runner->kernels->floats.depthwise_row (&args);
}

/* --- Several whole images at a time ----------------------------------------------------------- */

static void
images_item (gpointer data, guint item, guint thread)
{
  const IrfJob *job = data;
  const gsize first = item * job->plan.tile;
  const gsize n = MIN (job->plan.tile, job->in->n - first);
  const gsize in_pixels = job->in->h * job->in->w, out_pixels = job->dw.h * job->dw.w;
  const gsize row = job->dw.w * job->dw.c;
  guint8 *scratch = runner_scratch (job->runner, thread);
  const float *source = tensor_pixel (job->in, first, 0, 0);
  float *dw = (float *) (scratch + job->plan.expanded_bytes);

  if (has (&job->block->pw)) {
    multiply (job, &job->block->pw, n * in_pixels, source, (float *) scratch, NULL);
    source = (float *) scratch;
  }
  if (job->dw.data != NULL)
    dw = tensor_pixel (&job->dw, first, 0, 0);
  for (gsize i = 0; i < n; i++) {
    for (gsize y = 0; y < job->dw.h; y++)
      depthwise_row (job, dw + (i * job->dw.h + y) * row, source + i * in_pixels * job->dw.c,
          job->in->h, y);
  }
  if (job->dw.data == NULL)
    project (job, n * out_pixels, dw, first * out_pixels);
}

/* --- Bands of rows ---------------------------------------------------------------------------- */

/* Expands source rows [begin, end) into their places in the ring. */
static void
expand_rows (const IrfJob *job, float *ring, gsize image, gsize begin, gsize end)
{
  const gsize row = job->in->w * job->dw.c;

  while (begin < end) {
    const gsize slot = begin % job->plan.ring_rows;
    const gsize n = MIN (end - begin, job->plan.ring_rows - slot);
    multiply (job, &job->block->pw, n * job->in->w, tensor_pixel (job->in, image, begin, 0),
        ring + slot * row, NULL);
    begin += n;
  }
}

/* Source rows that output row y reads: [first, end). */
static void
source_rows (const IrfJob *job, gsize y, gsize *first, gsize *end)
{
  const ConvLayer *layer = job->block->dw.layer;
  const guint upsample = job->block->block->upsample;
  const gsize top = y * layer->stride;

  *first = top < layer->pad ? 0 : MIN ((top - layer->pad) / upsample, job->in->h);
  *end = top + layer->kernel < layer->pad + 1u
      ? 0
      : MIN ((top + layer->kernel - 1 - layer->pad) / upsample + 1, job->in->h);
}

static void
band_item (gpointer data, guint item, guint thread)
{
  const IrfJob *job = data;
  const gsize image = item / job->plan.bands, band = item % job->plan.bands;
  const gsize begin = job->dw.h * band / job->plan.bands;
  const gsize end = job->dw.h * (band + 1) / job->plan.bands;
  const gsize row = job->dw.w * job->dw.c;
  const gboolean expands = has (&job->block->pw);
  guint8 *scratch = runner_scratch (job->runner, thread);
  const float *source = expands ? (float *) scratch : tensor_pixel (job->in, image, 0, 0);
  const gsize ring_rows = expands ? job->plan.ring_rows : job->in->h;
  gsize expanded, needed;

  source_rows (job, begin, &expanded, &needed);
  for (gsize y = begin; y < end; y += job->plan.tile) {
    const gsize n = MIN (job->plan.tile, end - y);
    const gsize first_pixel = (image * job->dw.h + y) * job->dw.w;
    float *dw = job->dw.data != NULL ? job->dw.data + first_pixel * job->dw.c
                                     : (float *) (scratch + job->plan.expanded_bytes);
    gsize unused;
    source_rows (job, y + n - 1, &unused, &needed);
    if (expands && needed > expanded) {
      expand_rows (job, (float *) scratch, image, expanded, needed);
      expanded = needed;
    }
    for (gsize i = 0; i < n; i++)
      depthwise_row (job, dw + i * row, source, ring_rows, y + i);
    if (job->dw.data == NULL)
      project (job, n * job->dw.w, dw, first_pixel);
  }
}

static void
run_fused (IrfJob *job)
{
  Workers *workers = job->runner->workers;

  if (job->plan.mode == WHOLE_IMAGES)
    workers_run (workers, images_item, job, (job->in->n + job->plan.tile - 1) / job->plan.tile);
  else
    workers_run (workers, band_item, job, job->in->n * job->plan.bands);
}

/* --- Layer by layer --------------------------------------------------------------------------- */

static void
depthwise_item (gpointer data, guint item, guint thread)
{
  const IrfJob *job = data;
  const gsize image = item / job->dw.h, y = item % job->dw.h;

  depthwise_row (job, tensor_pixel (&job->dw, image, y, 0), tensor_pixel (job->in, image, 0, 0),
      job->in->h, y);
}

/* torch channel_shuffle: [groups][size] becomes [size][groups]. */
static void
shuffle_item (gpointer data, guint item, guint thread)
{
  const IrfJob *job = data;
  const gsize groups = job->block->block->shuffle_groups, c = job->in->c, size = c / groups;
  float *copy = runner_scratch (job->runner, thread);

  for (gsize x = 0; x < job->in->w; x++) {
    float *pixel = tensor_pixel (job->in, 0, item, 0) + x * c;
    memcpy (copy, pixel, c * sizeof *copy);
    for (gsize i = 0; i < c; i++)
      pixel[i] = copy[i % groups * size + i / groups];
  }
}

/* The expanded tensor in runner->mid; the input itself where there is nothing to do. A shuffle comes
 * even without a pw layer, and must not touch the input, which the residual still needs. */
static Tensor
run_expand (IrfJob *job)
{
  const gboolean shuffles = job->block->block->shuffle_groups > 1;
  Tensor expanded = *job->in;

  if (!has (&job->block->pw) && !shuffles)
    return expanded;
  expanded.data = job->runner->mid.data;
  if (has (&job->block->pw)) {
    expanded.c = job->block->pw.layer->out;
    runner_run_conv (job->runner, &job->block->pw, job->in, &expanded, NULL);
  } else {
    memcpy (expanded.data, job->in->data,
        expanded.n * expanded.h * expanded.w * expanded.c * sizeof (float));
  }
  if (shuffles) {
    IrfJob shuffle = { job->runner, job->block, &expanded };
    workers_run (job->runner->workers, shuffle_item, &shuffle, expanded.n * expanded.h);
  }
  return expanded;
}

static void
run_layers (IrfJob *job)
{
  const Tensor expanded = run_expand (job);
  IrfJob depthwise = *job;

  depthwise.in = &expanded;
  workers_run (job->runner->workers, depthwise_item, &depthwise, job->dw.n * job->dw.h);
  if (conv_has_norm (&job->block->dw))
    runner_norm (job->runner, &job->block->dw, &job->dw, NULL);
  else if (job->runner->observe != NULL)
    runner_activate_observed (job->runner, job->block->dw.layer, &job->dw);
}

static void
run_pool (IrfJob *job)
{
  const Tensor expanded = run_expand (job);
  const Tensor mean = { job->runner->mid2.data, expanded.n, 1, 1, expanded.c };

  runner_global_average (job->runner, &expanded, &mean);
  runner_run_conv (job->runner, &job->block->pwl, &mean, job->out, NULL);
}

/* --- The block -------------------------------------------------------------------------------- */

static gboolean
reserve_expand (Runner *runner, const PackedBlock *block, const Tensor *in, GError **error)
{
  Tensor expanded = *in;

  if (has (&block->pw) && !runner_reserve_conv (runner, &block->pw, in, &expanded, error))
    return FALSE;
  return tensor_reserve (&expanded, &runner->mid, error)
      && runner_reserve_threads (runner, expanded.c * sizeof (float), error);
}

static gboolean
reserve_pool (Runner *runner, const PackedBlock *block, const Tensor *in, GError **error)
{
  const Tensor expanded = { NULL, in->n, in->h, in->w, block->pwl.layer->in };
  Tensor mean = { NULL, in->n, 1, 1, expanded.c };
  Tensor out;

  return reserve_expand (runner, block, in, error) && runner_reserve_sums (runner, &expanded, error)
      && tensor_reserve (&mean, &runner->mid2, error)
      && runner_reserve_conv (runner, &block->pwl, &mean, &out, error);
}

gboolean
runner_reserve_irf (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out,
    GError **error)
{
  if (block->block->kind == BLOCK_POOL)
    return reserve_pool (runner, block, in, error);

  Tensor dw = depthwise_shape (block, in);
  const IrfPlan plan = make_plan (runner, block, in, &dw);
  Tensor projected;
  if (plan.mode == LAYER_BY_LAYER && !reserve_expand (runner, block, in, error))
    return FALSE;
  if (conv_has_norm (&block->dw) && !runner_reserve_sums (runner, &dw, error))
    return FALSE;
  if (has (&block->se_squeeze) && !runner_reserve_se (runner, block, &dw, error))
    return FALSE;
  if (!runner_reserve_threads (runner, scratch_bytes (runner, block, in, &dw), error))
    return FALSE;
  if (plan.mode != LAYER_BY_LAYER && can_project (block))
    return TRUE;
  return tensor_reserve (&dw, &runner->mid2, error)
      && runner_reserve_conv (runner, &block->pwl, &dw, &projected, error);
}

void
runner_run_irf (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out)
{
  IrfJob job = { runner, block, in, out };

  if (block->block->kind == BLOCK_POOL) {
    run_pool (&job);
    return;
  }
  job.dw = depthwise_shape (block, in);
  job.plan = make_plan (runner, block, in, &job.dw);
  const gboolean projects = job.plan.mode != LAYER_BY_LAYER && can_project (block);
  if (!projects)
    job.dw.data = runner->mid2.data;
  if (job.plan.mode == LAYER_BY_LAYER)
    run_layers (&job);
  else
    run_fused (&job);
  if (projects)
    return;
  if (has (&block->se_squeeze)) {
    runner_squeeze_excite (runner, block, &job.dw);
    runner_observe (runner, block->block->name, ".se", &job.dw);
  }
  runner_run_conv (runner, &block->pwl, &job.dw, out, block->block->residual ? in : NULL);
  if (block->block->residual)
    runner_observe (runner, block->block->name, ".add", out);
}
