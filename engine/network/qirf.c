/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Inverted residual blocks on bytes: fused as in irf.c, whole small images or bands of rows at a time,
 * with the residual added to the projected rows while they are at hand.
 */
#include "network.h"

/* Expanded pixels that a thread keeps at hand: half of a usual second-level cache. */
#define FUSED_BYTES (256u << 10)

#define MAX_KERNEL 8

/* How a block is divided. Images follow each other in memory: `images` whole ones at a time, or bands
 * of one image's rows. */
typedef struct {
  gboolean fused;
  gsize images;              /* at a time; 0: bands of rows */
  gsize rows;                /* output rows at a time */
  gsize ring_rows;           /* expanded source rows kept */
  gsize bands;               /* per image */
  gsize dw_at, projected_at; /* places in a thread's scratch; the expanded rows come first */
  gsize scratch_bytes;
} QIrfPlan;

typedef struct {
  Runner *runner;
  const PackedBlock *block;
  const Tensor *in, *out;
  Tensor dw; /* depthwise output; bytes are NULL when it is projected at once */
  QIrfPlan plan;
} QIrfJob;

static gboolean
has (const PackedConv *conv)
{
  return conv->layer->out != 0;
}

static Tensor
depthwise_shape (const PackedBlock *block, const Tensor *in)
{
  const ConvLayer *layer = block->dw.layer;
  const guint u = block->block->upsample;

  return (Tensor){ .n = in->n,
    .h = arch_conv_output (in->h, layer, u),
    .w = arch_conv_output (in->w, layer, u),
    .c = layer->out,
    .quant = layer->q_out };
}

/* Projecting at once needs the depthwise output to be final and the product to be plain. */
static gboolean
can_project (const PackedBlock *block)
{
  return !has (&block->se_squeeze) && block->pwl.layer->groups == 1;
}

/* --- The plan --------------------------------------------------------------------------------- */

static void
place_scratch (QIrfPlan *plan, gsize expanded, gsize dw, gsize projected)
{
  plan->dw_at = expanded + Q_SLACK;
  plan->projected_at = plan->dw_at + dw + Q_SLACK;
  plan->scratch_bytes = plan->projected_at + projected;
}

static void
plan_rows (QIrfPlan *plan, const PackedBlock *block, const Tensor *in, const Tensor *dw,
    guint n_threads)
{
  const ConvLayer *layer = block->dw.layer;
  const gsize in_row = has (&block->pw) ? in->w * dw->c : 0;
  const gsize out_row = dw->w * block->pwl.layer->out;

  for (gsize rows = 1; rows <= dw->h; rows++) {
    const gsize span = (rows - 1) * layer->stride + layer->kernel;
    const gsize ring_rows = (span - 1) / block->block->upsample + 2;
    if (rows > 1 && ring_rows * in_row + rows * dw->w * dw->c > FUSED_BYTES)
      break;
    plan->rows = rows;
    plan->ring_rows = ring_rows;
    place_scratch (plan, ring_rows * in_row, rows * dw->w * dw->c, rows * out_row);
  }
  plan->bands = in->n >= n_threads ? 1 : MIN (dw->h, (n_threads + in->n - 1) / in->n);
}

static QIrfPlan
make_plan (const Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *dw)
{
  const guint n_threads = workers_count (runner->workers);
  const gsize expanded = has (&block->pw) ? in->h * in->w * dw->c : 0;
  const gsize pixels = dw->h * dw->w, out = block->pwl.layer->out;
  QIrfPlan plan = { .fused = runner->observe == NULL && block->pw.layer->groups <= 1 };

  if (in->n > 1 && expanded + pixels * dw->c <= FUSED_BYTES) {
    const gsize fair = (in->n + n_threads - 1) / n_threads;
    plan.images = CLAMP (FUSED_BYTES / (expanded + pixels * dw->c), 1, fair);
    place_scratch (&plan, plan.images * expanded, plan.images * pixels * dw->c,
        plan.images * pixels * out);
  } else {
    plan_rows (&plan, block, in, dw, n_threads);
  }
  return plan;
}

/* Scratch for up to in's images: a lone one goes by rows even where several go whole, and its ring may
 * be longer than the image. */
static gsize
scratch_bytes (const Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *dw)
{
  Tensor lone_in = *in, lone_dw = *dw;

  lone_in.n = lone_dw.n = 1;
  return MAX (make_plan (runner, block, in, dw).scratch_bytes,
      make_plan (runner, block, &lone_in, &lone_dw).scratch_bytes);
}

/* --- The pieces of a tile ---------------------------------------------------------------------- */

static void
multiply (const QIrfJob *job, const QConv *conv, gsize m, const guint8 *a, guint8 *c)
{
  const QGemmArgs args = { .m = m,
    .n = conv->layer->out,
    .k = conv->layer->in,
    .a = a,
    .lda = conv->layer->in,
    .packed = conv->packed,
    .c = c,
    .ldc = conv->layer->out,
    .output = qconv_output (conv, 0) };

  job->runner->qkernels->gemm (&args);
  qconv_activate (job->runner->qkernels, conv, c, m * conv->layer->out);
}

static void
project (const QIrfJob *job, gsize m, guint8 *scratch, gsize first_pixel)
{
  const QConv *conv = job->block->pwl.q;
  const gsize offset = first_pixel * job->out->c;
  const guint8 *dw = scratch + job->plan.dw_at;
  guint8 *out = job->out->bytes + offset, *projected = scratch + job->plan.projected_at;

  if (!job->block->block->residual) {
    multiply (job, conv, m, dw, out);
    return;
  }
  multiply (job, conv, m, dw, projected);
  job->runner->qkernels->add (out, projected, job->in->bytes + offset, m * job->out->c,
      &job->block->q->add);
}

/* Output row y of the depthwise convolution; source row r lies at r % ring_rows. */
static void
depthwise_row (const QIrfJob *job, guint8 *out, const guint8 *source, gsize ring_rows, gsize y)
{
  const QConv *conv = job->block->dw.q;
  const ConvLayer *layer = conv->layer;
  const guint upsample = job->block->block->upsample;
  const guint8 *rows[MAX_KERNEL];

  for (guint r = 0; r < layer->kernel; r++) {
    const gsize v = y * layer->stride + r - layer->pad; /* wraps to huge above the image */
    const gsize slot = v / upsample % ring_rows;
    rows[r] = v < job->in->h * upsample ? source + slot * job->in->w * layer->out : NULL;
  }
  const QDepthwiseArgs args = { .out = out,
    .rows = rows,
    .packed = conv->packed,
    .channels = layer->out,
    .in_width = job->in->w,
    .out_width = job->dw.w,
    .kernel = layer->kernel,
    .stride = layer->stride,
    .pad = layer->pad,
    .upsample = upsample,
    .zero_in = (guint8) layer->q_in.zero,
    .output = qconv_output (conv, 0) };
  job->runner->qkernels->depthwise_row (&args);
  qconv_activate (job->runner->qkernels, conv, out, job->dw.w * layer->out);
}

/* --- Several whole images at a time ------------------------------------------------------------ */

static void
images_item (gpointer data, guint item, guint thread)
{
  const QIrfJob *job = data;
  const gsize first = item * job->plan.images;
  const gsize n = MIN (job->plan.images, job->in->n - first);
  const gsize in_pixels = job->in->h * job->in->w, out_pixels = job->dw.h * job->dw.w;
  guint8 *scratch = runner_scratch (job->runner, thread);
  const guint8 *source = tensor_byte (job->in, first, 0, 0);
  guint8 *dw =
      job->dw.bytes != NULL ? tensor_byte (&job->dw, first, 0, 0) : scratch + job->plan.dw_at;

  if (has (&job->block->pw)) {
    multiply (job, job->block->pw.q, n * in_pixels, source, scratch);
    source = scratch;
  }
  for (gsize i = 0; i < n; i++) {
    for (gsize y = 0; y < job->dw.h; y++)
      depthwise_row (job, dw + (i * job->dw.h + y) * job->dw.w * job->dw.c,
          source + i * in_pixels * job->dw.c, job->in->h, y);
  }
  if (job->dw.bytes == NULL)
    project (job, n * out_pixels, scratch, first * out_pixels);
}

/* --- Bands of rows ----------------------------------------------------------------------------- */

/* Expands source rows [begin, end) into their places in the ring. */
static void
expand_rows (const QIrfJob *job, guint8 *ring, gsize image, gsize begin, gsize end)
{
  while (begin < end) {
    const gsize slot = begin % job->plan.ring_rows;
    const gsize n = MIN (end - begin, job->plan.ring_rows - slot);
    multiply (job, job->block->pw.q, n * job->in->w, tensor_byte (job->in, image, begin, 0),
        ring + slot * job->in->w * job->dw.c);
    begin += n;
  }
}

/* Source rows that output row y reads: [first, end). */
static void
source_rows (const QIrfJob *job, gsize y, gsize *first, gsize *end)
{
  const ConvLayer *layer = job->block->dw.layer;
  const guint upsample = job->block->block->upsample;
  const gsize top = y * layer->stride, bottom = top + layer->kernel;

  *first = top < layer->pad ? 0 : MIN ((top - layer->pad) / upsample, job->in->h);
  *end = bottom <= layer->pad ? 0 : MIN ((bottom - 1 - layer->pad) / upsample + 1, job->in->h);
}

static void
band_item (gpointer data, guint item, guint thread)
{
  const QIrfJob *job = data;
  const gsize image = item / job->plan.bands, band = item % job->plan.bands;
  const gsize begin = job->dw.h * band / job->plan.bands;
  const gsize end = job->dw.h * (band + 1) / job->plan.bands;
  const gboolean expands = has (&job->block->pw);
  guint8 *scratch = runner_scratch (job->runner, thread);
  const guint8 *source = expands ? scratch : tensor_byte (job->in, image, 0, 0);
  const gsize ring_rows = expands ? job->plan.ring_rows : job->in->h;
  gsize expanded, needed, unused;

  source_rows (job, begin, &expanded, &needed);
  for (gsize y = begin; y < end; y += job->plan.rows) {
    const gsize n = MIN (job->plan.rows, end - y);
    guint8 *dw =
        job->dw.bytes != NULL ? tensor_byte (&job->dw, image, y, 0) : scratch + job->plan.dw_at;
    source_rows (job, y + n - 1, &unused, &needed);
    if (expands && needed > expanded) {
      expand_rows (job, scratch, image, expanded, needed);
      expanded = needed;
    }
    for (gsize i = 0; i < n; i++)
      depthwise_row (job, dw + i * job->dw.w * job->dw.c, source, ring_rows, y + i);
    if (job->dw.bytes == NULL)
      project (job, n * job->dw.w, scratch, (image * job->dw.h + y) * job->dw.w);
  }
}

static void
run_fused (QIrfJob *job)
{
  const gsize images = job->plan.images;

  if (images > 0)
    workers_run (job->runner->workers, images_item, job, (job->in->n + images - 1) / images);
  else
    workers_run (job->runner->workers, band_item, job, job->in->n * job->plan.bands);
}

/* --- Layer by layer ---------------------------------------------------------------------------- */

static void
depthwise_item (gpointer data, guint item, guint thread)
{
  const QIrfJob *job = data;
  const gsize image = item / job->dw.h, y = item % job->dw.h;

  depthwise_row (job, tensor_byte (&job->dw, image, y, 0), tensor_byte (job->in, image, 0, 0),
      job->in->h, y);
}

static void
run_expand_and_depthwise (QIrfJob *job)
{
  Tensor expanded = *job->in;
  QIrfJob depthwise = *job;

  if (has (&job->block->pw)) {
    expanded.bytes = job->runner->mid.data;
    expanded.c = job->block->pw.layer->out;
    expanded.quant = job->block->pw.layer->q_out;
    runner_run_qconv (job->runner, &job->block->pw, job->in, &expanded);
  }
  depthwise.in = &expanded;
  workers_run (job->runner->workers, depthwise_item, &depthwise, job->dw.n * job->dw.h);
}

/* The depthwise output has its whole tensor: what is left is done on it. */
static void
run_rest (QIrfJob *job)
{
  Runner *runner = job->runner;
  const Block *block = job->block->block;
  Tensor projected = *job->out, dw = job->dw;

  runner_observe_layer (runner, &block->dw, &dw);
  if (has (&job->block->se_squeeze)) {
    dw.bytes = runner->mid.data;
    dw.quant = block->q_gated;
    runner_gate_bytes (runner, job->block, &job->dw, &dw);
    runner_observe (runner, block->name, ".se", &dw);
  }
  if (block->residual)
    projected.bytes = runner->projected.data;
  projected.quant = block->pwl.q_out;
  runner_run_qconv (runner, &job->block->pwl, &dw, &projected);
  if (!block->residual)
    return;
  runner_add (runner, &job->block->q->add, &projected, job->in, job->out);
  runner_observe (runner, block->name, ".add", job->out);
}

/* --- The block --------------------------------------------------------------------------------- */

static gboolean
reserve_whole (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out,
    Tensor *dw, gboolean fused, GError **error)
{
  const gboolean gates = has (&block->se_squeeze);
  Tensor expanded = *in, gated = *dw, projected = *out;

  expanded.c = block->dw.layer->in;
  return (fused || tensor_reserve_bytes (&expanded, &runner->mid, error))
      && (!gates || tensor_reserve_bytes (&gated, &runner->mid, error))
      && (!gates || runner_reserve_se (runner, block, dw, error))
      && tensor_reserve_bytes (dw, &runner->mid2, error)
      && tensor_reserve_bytes (&projected, &runner->projected, error);
}

gboolean
runner_reserve_qirf (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out,
    GError **error)
{
  Tensor dw = depthwise_shape (block, in);
  const gboolean fused = make_plan (runner, block, in, &dw).fused;

  if (fused && !runner_reserve_threads (runner, scratch_bytes (runner, block, in, &dw), error))
    return FALSE;
  return (fused && can_project (block))
      || reserve_whole (runner, block, in, out, &dw, fused, error);
}

void
runner_run_qirf (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out)
{
  QIrfJob job = { runner, block, in, out, depthwise_shape (block, in) };

  job.plan = make_plan (runner, block, in, &job.dw);
  const gboolean projects = job.plan.fused && can_project (block);
  if (!projects)
    job.dw.bytes = runner->mid2.data;
  if (job.plan.fused)
    run_fused (&job);
  else
    run_expand_and_depthwise (&job);
  if (!projects)
    run_rest (&job);
}
