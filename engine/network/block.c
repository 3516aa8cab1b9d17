/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Inverted residual blocks: expand (pw), depthwise (dw), squeeze and excite, project (pwl).
 *
 * Where no layer needs a whole image's statistics the block is fused: a thread expands a few rows,
 * runs the depthwise rows they allow, projects them, and goes on, so that the expanded tensor, the
 * largest of the network, never leaves the cache. Small images (ROIs) are taken several at a time,
 * large ones in bands of rows with a ring of expanded rows.
 */
#include "arithmetic.h"
#include "base/claims.h"
#include "plan.h"

/* Expanded pixels that a thread keeps at hand: half of a usual second-level cache. */
#define FUSED_BYTES (256u << 10)

#define MAX_KERNEL 8

static gboolean
has (const PackedConv *conv)
{
  return conv->layer != NULL;
}

static Tensor
depthwise_output (const PackedBlock *block, const Tensor *in)
{
  const ConvLayer *layer = block->dw.layer;
  const guint u = block->block->upsample;
  Tensor out = { .n = in->n,
    .h = arch_conv_output (in->h, layer, u),
    .w = arch_conv_output (in->w, layer, u),
    .c = layer->out };

  if (block->dw.q != NULL)
    out.quant = layer->q_out;
  return out;
}

static gboolean
can_fuse (const Planner *planner, const PackedBlock *block)
{
  return planner->workspace->observe == NULL && block->block->shuffle_groups <= 1
      && !(has (&block->pw) && (block->pw.layer->groups > 1 || conv_has_norm (&block->pw)))
      && !conv_has_norm (&block->dw);
}

/* Projecting at once needs the depthwise output to be final and the product to be plain. */
static gboolean
can_project (const PackedBlock *block)
{
  return !has (&block->se_squeeze) && block->pwl.layer->groups == 1 && !conv_has_norm (&block->pwl);
}

/* --- The pieces of a tile --------------------------------------------------------------------- */

static void *
pixel_at (const Tensor *t, const Arithmetic *arithmetic, gsize pixel)
{
  return (guint8 *) tensor_native (t) + pixel * t->c * arithmetic->size;
}

/* Where a block and its layer have the same arithmetic, what lies between the block's layers is in its inner
 * form. */
static gboolean
is_inner (const StepCall *call, const PackedConv *conv)
{
  return call->step->block->arithmetic == conv->arithmetic;
}

static void
expand (const StepCall *call, gsize m, gsize first_pixel, void *room, void *out)
{
  const PackedConv *conv = &call->step->block->pw;
  const Product product = { .conv = conv,
    .m = m,
    .taps = 1,
    .in = pixel_at (&call->in, conv->arithmetic, first_pixel),
    .room = room,
    .out = out,
    .inner_out = is_inner (call, conv),
    .act = conv->layer->act };

  conv->arithmetic->multiply (workspace_kernels (call->workspace), &product);
}

/* Where the block does not project at once, the depthwise output lies in a tensor of its own, and there is
 * nothing to do. */
static gboolean
projects (const StepCall *call)
{
  return tensor_native (&call->out) != NULL;
}

static void
project (const StepCall *call, gsize m, gsize first_pixel, const void *dw, void *room)
{
  const PackedBlock *block = call->step->block;
  const PackedConv *conv = &block->pwl;
  const Product product = { .conv = conv,
    .m = m,
    .taps = 1,
    .in = dw,
    .residual = block->block->residual ? pixel_at (&call->in, conv->arithmetic, first_pixel) : NULL,
    .room = room,
    .out = pixel_at (&call->out, conv->arithmetic, first_pixel),
    .inner_in = is_inner (call, conv),
    .act = conv->layer->act };

  conv->arithmetic->multiply (workspace_kernels (call->workspace), &product);
}

/* Output row y of the depthwise convolution over `source`, an image of in's height and width, numbers of `size`
 * bytes; its row r lies at r % ring_rows. */
static void
depthwise_row (const StepCall *call, void *out, const guint8 *source, gsize size, gsize ring_rows,
    gsize y)
{
  const PackedConv *conv = &call->step->block->dw;
  const ConvLayer *layer = conv->layer;
  const guint upsample = call->step->block->block->upsample;
  const gsize row_bytes = call->in.w * layer->out * size;
  const void *rows[MAX_KERNEL];

  for (guint r = 0; r < layer->kernel; r++) {
    const gsize v = y * layer->stride + r - layer->pad; /* wraps to huge above the image */
    const gsize slot = v / upsample % ring_rows;
    rows[r] = v < call->in.h * upsample ? source + slot * row_bytes : NULL;
  }
  const DepthwiseRow row = { .conv = conv,
    .out = out,
    .rows = rows,
    .in_width = call->in.w,
    .out_width = call->other.w,
    .upsample = upsample,
    .act = call->step->act,
    .inner = size == conv->arithmetic->inner_size };
  conv->arithmetic->depthwise_row (workspace_kernels (call->workspace), &row);
}

/* --- Fused ------------------------------------------------------------------------------------ */

/* The depthwise output has the tensor `other`; its memory, or where there is none a place in the thread's
 * scratch. */
static guint8 *
depthwise_place (const StepCall *call, const Tile *tile, guint8 *scratch, gsize first_pixel)
{
  return tensor_native (&call->other) != NULL
      ? pixel_at (&call->other, call->step->block->arithmetic, first_pixel)
      : scratch + tile->dw_at;
}

typedef struct {
  const StepCall *call;
  const Tile *tile;
  gsize images; /* at a time; or */
  gsize bands;  /* per image */
} FusedJob;

/* Several whole images. */
static void
images_item (gpointer data, guint item, guint thread)
{
  const FusedJob *job = data;
  const StepCall *call = job->call;
  const PackedBlock *block = call->step->block;
  const Tensor *in = &call->in, *dw = &call->other;
  const gsize size = block->arithmetic->inner_size;
  const gsize first = item * job->images, n = MIN (job->images, in->n - first);
  const gsize in_pixels = in->h * in->w, out_pixels = dw->h * dw->w;
  guint8 *scratch = workspace_scratch (call->workspace, thread);
  guint8 *room = scratch + job->tile->room_at;
  const guint8 *source = pixel_at (in, block->arithmetic, first * in_pixels);
  guint8 *rows = depthwise_place (call, job->tile, scratch, first * out_pixels);

  if (has (&block->pw)) {
    expand (call, n * in_pixels, first * in_pixels, room, scratch);
    source = scratch;
  }
  for (gsize i = 0; i < n; i++) {
    for (gsize y = 0; y < dw->h; y++)
      depthwise_row (call, rows + (i * dw->h + y) * dw->w * dw->c * size,
          source + i * in_pixels * dw->c * size, size, in->h, y);
  }
  if (projects (call))
    project (call, n * out_pixels, first * out_pixels, rows, room);
}

/* Expands source rows [begin, end) into their places in the ring, which begins the scratch. */
static void
expand_rows (const FusedJob *job, guint8 *scratch, gsize image, gsize begin, gsize end)
{
  const StepCall *call = job->call;
  const Tensor *in = &call->in;
  const gsize row_bytes = in->w * call->other.c * call->step->block->arithmetic->inner_size;

  while (begin < end) {
    const gsize slot = begin % job->tile->ring_rows;
    const gsize n = MIN (end - begin, job->tile->ring_rows - slot);
    expand (call, n * in->w, (image * in->h + begin) * in->w, scratch + job->tile->room_at,
        scratch + slot * row_bytes);
    begin += n;
  }
}

/* Source rows that output row y reads: [first, end). */
static void
source_rows (const StepCall *call, gsize y, gsize *first, gsize *end)
{
  const ConvLayer *layer = call->step->block->dw.layer;
  const guint upsample = call->step->block->block->upsample;
  const gsize height = call->in.h, top = y * layer->stride, bottom = top + layer->kernel;

  *first = top < layer->pad ? 0 : MIN ((top - layer->pad) / upsample, height);
  *end = bottom <= layer->pad ? 0 : MIN ((bottom - 1 - layer->pad) / upsample + 1, height);
}

/* A band of one image's rows. */
static void
band_item (gpointer data, guint item, guint thread)
{
  const FusedJob *job = data;
  const StepCall *call = job->call;
  const Tile *tile = job->tile;
  const PackedBlock *block = call->step->block;
  const Tensor *in = &call->in, *dw = &call->other;
  const gsize image = item / job->bands, band = item % job->bands;
  const gsize begin = dw->h * band / job->bands, end = dw->h * (band + 1) / job->bands;
  const gsize size = block->arithmetic->inner_size, row_bytes = dw->w * dw->c * size;
  const gboolean expands = has (&block->pw);
  guint8 *scratch = workspace_scratch (call->workspace, thread);
  const guint8 *source =
      expands ? scratch : pixel_at (in, block->arithmetic, image * in->h * in->w);
  const gsize ring_rows = expands ? tile->ring_rows : in->h;
  gsize expanded, needed, unused;

  source_rows (call, begin, &expanded, &needed);
  for (gsize y = begin; y < end; y += tile->at_once) {
    const gsize n = MIN (tile->at_once, end - y), first_pixel = (image * dw->h + y) * dw->w;
    guint8 *rows = depthwise_place (call, tile, scratch, first_pixel);
    claims_make_way ();
    source_rows (call, y + n - 1, &unused, &needed);
    if (expands && needed > expanded) {
      expand_rows (job, scratch, image, expanded, needed);
      expanded = needed;
    }
    for (gsize i = 0; i < n; i++)
      depthwise_row (call, rows + i * row_bytes, source, size, ring_rows, y + i);
    if (projects (call))
      project (call, n * dw->w, first_pixel, rows, scratch + tile->room_at);
  }
}

static gsize
divide_up (gsize a, gsize b)
{
  return (a + b - 1) / b;
}

static void
run_fused (const StepCall *call)
{
  const gsize n = call->in.n, shares = workspace_shares (call->workspace);
  const Tile *tile = n == 1 ? &call->step->lone : &call->step->several;
  FusedJob job = { call, tile };

  if (tile->whole_images) {
    job.images = MIN (tile->at_once, divide_up (n, shares));
    workers_run (call->workspace->workers, images_item, &job, divide_up (n, job.images));
  } else {
    job.bands = n >= shares ? 1 : MIN (call->other.h, divide_up (shares, n));
    workers_run (call->workspace->workers, band_item, &job, n * job.bands);
  }
}

/* --- Tiles ------------------------------------------------------------------------------------ */

static gsize
place_scratch (Tile *tile, const Arithmetic *arithmetic, gsize expanded, gsize dw, gsize room)
{
  tile->dw_at = expanded + arithmetic->slack;
  tile->room_at = tile->dw_at + dw + arithmetic->slack;
  return tile->room_at + room;
}

/* Bytes that the products of so many pixels want, one after the other. */
static gsize
room_of (const PackedBlock *block, gsize in_pixels, gsize out_pixels)
{
  const PackedConv *pw = &block->pw, *pwl = &block->pwl;
  const gsize expands = has (pw) ? pw->arithmetic->product_room (pw, in_pixels, FALSE) : 0;

  return MAX (expands, pwl->arithmetic->product_room (pwl, out_pixels, block->block->residual));
}

/* Bytes of an image, or of a row: expanded, and behind the depthwise layer. */
typedef struct {
  gsize expanded, dw;
} Sizes;

static Sizes
sizes_of (const PackedBlock *block, gsize in_pixels, gsize out_pixels)
{
  const gsize size = block->arithmetic->inner_size, mid = block->dw.layer->out;

  return (Sizes){ has (&block->pw) ? in_pixels * mid * size : 0, out_pixels * mid * size };
}

/* Bytes of scratch. */
static gsize
tile_rows (Tile *tile, const PackedBlock *block, const Tensor *in, const Tensor *dw)
{
  const ConvLayer *layer = block->dw.layer;
  const Sizes row = sizes_of (block, in->w, dw->w);
  gsize bytes = 0;

  for (gsize rows = 1; rows <= dw->h; rows++) {
    const gsize span = (rows - 1) * layer->stride + layer->kernel;
    const gsize ring_rows = (span - 1) / block->block->upsample + 2;
    if (rows > 1 && ring_rows * row.expanded + rows * row.dw > FUSED_BYTES)
      break;
    tile->at_once = rows;
    tile->ring_rows = ring_rows;
    bytes = place_scratch (tile, block->arithmetic, ring_rows * row.expanded, rows * row.dw,
        room_of (block, ring_rows * in->w, rows * dw->w));
  }
  return bytes;
}

/* As many small images as the cache holds, or rows. */
static gsize
tile_images (Tile *tile, const PackedBlock *block, const Tensor *in, const Tensor *dw)
{
  const Sizes image = sizes_of (block, in->h * in->w, dw->h * dw->w);

  if (image.expanded + image.dw > FUSED_BYTES)
    return tile_rows (tile, block, in, dw);
  tile->whole_images = TRUE;
  tile->at_once = CLAMP (FUSED_BYTES / (image.expanded + image.dw), 1, in->n);
  return place_scratch (tile, block->arithmetic, tile->at_once * image.expanded,
      tile->at_once * image.dw,
      room_of (block, tile->at_once * in->h * in->w, tile->at_once * dw->h * dw->w));
}

/* --- Layer by layer --------------------------------------------------------------------------- */

static void
depthwise_item (gpointer data, guint item, guint thread)
{
  const StepCall *call = data;
  const Arithmetic *arithmetic = call->step->block->arithmetic;
  const Tensor *in = &call->in, *dw = &call->other;
  const gsize image = item / dw->h, y = item % dw->h;

  depthwise_row (call, pixel_at (dw, arithmetic, item * dw->w),
      pixel_at (in, arithmetic, image * in->h * in->w), arithmetic->size, in->h, y);
}

static void
run_depthwise (const StepCall *call)
{
  workers_run (call->workspace->workers, depthwise_item, (gpointer) call,
      call->other.n * call->other.h);
}

/* A shuffle comes even without a pw layer, and must not touch the input, which the residual still
 * needs. */
static Tensor
plan_expand (Planner *planner, const PackedBlock *block, const Tensor *in)
{
  const guint groups = block->block->shuffle_groups;
  Tensor expanded = *in;

  if (has (&block->pw)) {
    expanded = conv_output (&block->pw, in);
    if (block->pw.q != NULL)
      expanded.quant = block->pw.layer->q_out;
    planner_place (planner, &expanded, FALSE);
    plan_conv (planner, &block->pw, in, &expanded, NULL);
  }
  if (groups <= 1)
    return expanded;
  Tensor shuffled = expanded;
  planner_place_floats (planner, &shuffled, FALSE);
  plan_shuffle (planner, &expanded, &shuffled, groups);
  return shuffled;
}

static void
plan_depthwise (Planner *planner, const PackedBlock *block, const Tensor *in, const Tensor *dw)
{
  const Tensor expanded = plan_expand (planner, block, in);
  Step *step = planner_add (planner, run_depthwise, &expanded, dw);

  step->block = block;
  step->other = *dw;
  step->act = act_within (planner, &block->dw);
  plan_behind (planner, &block->dw, dw, dw, NULL);
}

static void
plan_pool (Planner *planner, const PackedBlock *block, const Tensor *in, const Tensor *out)
{
  const Tensor expanded = plan_expand (planner, block, in);
  Tensor mean = { .n = in->n, .h = 1, .w = 1, .c = expanded.c };

  planner_place_floats (planner, &mean, FALSE);
  plan_average (planner, &expanded, &mean);
  plan_conv (planner, &block->pwl, &mean, out, NULL);
}

/* --- The block -------------------------------------------------------------------------------- */

/* Up to the depthwise output, or with `out` to the end. */
static void
plan_fused (Planner *planner, const PackedBlock *block, const Tensor *in, const Tensor *dw,
    const Tensor *out)
{
  static const Tensor nowhere = { 0 };
  Step *step = planner_add (planner, run_fused, in, out != NULL ? out : &nowhere);

  step->block = block;
  step->other = *dw;
  step->act = block->dw.layer->act;
  planner_need_scratch (planner, tile_rows (&step->lone, block, in, dw));
  planner_need_scratch (planner, tile_images (&step->several, block, in, dw));
}

/* The depthwise output has its whole tensor: what is left is done on it. Bytes are gated into another. */
static void
plan_rest (Planner *planner, const PackedBlock *block, const Tensor *in, const Tensor *dw,
    const Tensor *out)
{
  const Block *b = block->block;
  Tensor gated = *dw;

  if (has (&block->se_squeeze)) {
    if (dw->bytes != NULL) {
      gated.quant = b->q_gated;
      planner_place (planner, &gated, FALSE);
    }
    plan_squeeze_excite (planner, block, dw, &gated);
    plan_observe (planner, b->name, ".se", &gated);
  }
  plan_conv (planner, &block->pwl, &gated, out, b->residual ? in : NULL);
  if (b->residual)
    plan_observe (planner, b->name, ".add", out);
}

void
plan_irf (Planner *planner, const PackedBlock *block, const Tensor *in, const Tensor *out)
{
  if (block->block->kind == BLOCK_POOL) {
    plan_pool (planner, block, in, out);
    return;
  }
  const gboolean fuses = can_fuse (planner, block);
  Tensor dw = depthwise_output (block, in);
  if (fuses && can_project (block)) {
    plan_fused (planner, block, in, &dw, out);
    return;
  }
  planner_place (planner, &dw, FALSE);
  if (fuses)
    plan_fused (planner, block, in, &dw, NULL);
  else
    plan_depthwise (planner, block, in, &dw);
  plan_rest (planner, block, in, &dw, out);
}
