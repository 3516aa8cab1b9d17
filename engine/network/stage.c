/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stage: its blocks one after the other, between two buffers.
 */
#include "network.h"

#include <string.h>

static Tensor
block_output (const PackedBlock *packed, const Tensor *in)
{
  const Block *block = packed->block;
  Tensor out = { NULL, in->n, in->h, in->w, block->out };

  if (packed->q != NULL)
    out.quant = block->q_out;
  if (block->kind == BLOCK_POOL) {
    out.h = out.w = 1;
  } else if (block->kind == BLOCK_CONV) {
    out.h = arch_conv_output (in->h, &block->pwl, 1) * block->upsample;
    out.w = arch_conv_output (in->w, &block->pwl, 1) * block->upsample;
  } else if (block->kind == BLOCK_IRF) {
    out.h = arch_conv_output (in->h, &block->dw, block->upsample);
    out.w = arch_conv_output (in->w, &block->dw, block->upsample);
  }
  return out;
}

static gboolean
reserve_conv_block (Runner *runner, const PackedBlock *block, const Tensor *in, GError **error)
{
  Tensor out;

  if (!runner_reserve_conv (runner, &block->pwl, in, &out, error))
    return FALSE;
  if (block->q != NULL)
    out.quant = block->block->q_out;
  return block->block->upsample == 1 || tensor_reserve_native (&out, &runner->mid, error);
}

static gboolean
reserve_block (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out,
    GError **error)
{
  if (block->block->kind == BLOCK_SKIP)
    return TRUE;
  if (block->block->kind == BLOCK_CONV)
    return reserve_conv_block (runner, block, in, error);
  return block->q != NULL ? runner_reserve_qirf (runner, block, in, out, error)
                          : runner_reserve_irf (runner, block, in, out, error);
}

/* A block reads what the one before it wrote, or that in the other form. */
static gboolean
reserve_input (Runner *runner, const PackedBlock *block, const Tensor *in, GError **error)
{
  const gboolean to_bytes = block->q != NULL && !tensor_has_bytes (in, block->block->q_in);
  const gboolean to_floats = block->q == NULL && in->bytes != NULL && in->data == NULL;

  return !(to_bytes || to_floats) || runner_reserve_conversion (runner, in, to_bytes, error);
}

gboolean
runner_reserve_stage (Runner *runner, const PackedStage *stage, const Tensor *in, Tensor *out,
    GError **error)
{
  Tensor current = *in;

  for (guint b = 0; b < stage->n_blocks; b++) {
    Tensor next = block_output (&stage->blocks[b], &current);
    if (!tensor_reserve_native (&next, &runner->activations[b % 2], error)
        || !reserve_input (runner, &stage->blocks[b], &current, error)
        || !reserve_block (runner, &stage->blocks[b], &current, &next, error)) {
      g_prefix_error (error, "%s: ", stage->blocks[b].block->name);
      return FALSE;
    }
    current = next;
  }
  *out = current;
  out->data = NULL;
  out->bytes = NULL;
  return TRUE;
}

static gsize
pixel_bytes (const Tensor *t)
{
  return t->c * (t->bytes != NULL ? 1 : sizeof (float));
}

/* Of bytes where there are some, else of floats. */
static gpointer
native_pixel (const Tensor *t, gsize n, gsize y, gsize x)
{
  return t->bytes != NULL ? (gpointer) tensor_byte (t, n, y, x)
                          : (gpointer) tensor_pixel (t, n, y, x);
}

static void
upsample_nearest (const Tensor *in, const Tensor *out, guint factor)
{
  for (gsize n = 0; n < out->n; n++) {
    for (gsize y = 0; y < out->h; y++) {
      for (gsize x = 0; x < out->w; x++)
        memcpy (native_pixel (out, n, y, x), native_pixel (in, n, y / factor, x / factor),
            pixel_bytes (out));
    }
  }
}

static void
run_conv (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out)
{
  if (block->q != NULL)
    runner_run_qconv (runner, &block->pwl, in, out);
  else
    runner_run_conv (runner, &block->pwl, in, out, NULL);
}

static void
run_conv_block (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out)
{
  const guint factor = block->block->upsample;
  Tensor small = { NULL, out->n, out->h / factor, out->w / factor, out->c, NULL, out->quant };

  if (factor == 1) {
    run_conv (runner, block, in, out);
    return;
  }
  if (block->q != NULL)
    small.bytes = runner->mid.data;
  else
    small.data = runner->mid.data;
  run_conv (runner, block, in, &small);
  upsample_nearest (&small, out, factor);
}

static void
run_block (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out)
{
  if (block->block->kind == BLOCK_SKIP)
    memcpy (native_pixel (out, 0, 0, 0), native_pixel (in, 0, 0, 0),
        out->n * out->h * out->w * pixel_bytes (out));
  else if (block->block->kind == BLOCK_CONV)
    run_conv_block (runner, block, in, out);
  else if (block->q != NULL)
    runner_run_qirf (runner, block, in, out);
  else
    runner_run_irf (runner, block, in, out);
}

/* Where a block writes to: what the stage's caller gave for its last one. */
static void
place_output (Tensor *next, const PackedBlock *block, void *between, const Tensor *out)
{
  if (out != NULL && (block->q == NULL || out->bytes != NULL)) {
    next->data = block->q == NULL ? out->data : NULL;
    next->bytes = out->bytes;
  } else if (block->q != NULL) {
    next->bytes = between;
  } else {
    next->data = between;
  }
}

void
runner_run_stage (Runner *runner, const PackedStage *stage, const Tensor *in, const Tensor *out)
{
  Tensor current = *in;

  for (guint b = 0; b < stage->n_blocks; b++) {
    const PackedBlock *block = &stage->blocks[b];
    const Tensor source = block->q != NULL ? runner_as_bytes (runner, &current, block->block->q_in)
                                           : runner_as_floats (runner, &current);
    Tensor next = block_output (block, &current);
    runner_observe (runner, block->block->name, ".input", &source);
    place_output (&next, block, runner->activations[b % 2].data,
        b + 1 == stage->n_blocks ? out : NULL);
    run_block (runner, block, &source, &next);
    current = next;
  }
  if (current.data == NULL && out->data != NULL) {
    current.data = out->data;
    runner_dequantize (runner, &current);
  }
}
