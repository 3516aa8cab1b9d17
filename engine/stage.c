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

  if (block->kind == BLOCK_POOL) {
    out.h = out.w = 1;
  } else if (block->kind == BLOCK_CONV) {
    out.h = conv_output (in->h, &block->pwl, 1) * block->upsample;
    out.w = conv_output (in->w, &block->pwl, 1) * block->upsample;
  } else if (block->kind == BLOCK_IRF) {
    out.h = conv_output (in->h, &block->dw, block->upsample);
    out.w = conv_output (in->w, &block->dw, block->upsample);
  }
  return out;
}

static gboolean
reserve_conv_block (Runner *runner, const PackedBlock *block, const Tensor *in, GError **error)
{
  Tensor out;

  return runner_reserve_conv (runner, &block->pwl, in, &out, error)
      && (block->block->upsample == 1 || tensor_reserve (&out, &runner->mid, error));
}

static gboolean
reserve_block (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out,
    GError **error)
{
  if (block->block->kind == BLOCK_SKIP)
    return TRUE;
  if (block->block->kind == BLOCK_CONV)
    return reserve_conv_block (runner, block, in, error);
  return runner_reserve_irf (runner, block, in, out, error);
}

gboolean
runner_reserve_stage (Runner *runner, const PackedStage *stage, const Tensor *in, Tensor *out,
    GError **error)
{
  Tensor current = *in;

  for (guint b = 0; b < stage->n_blocks; b++) {
    Tensor next = block_output (&stage->blocks[b], &current);
    if (!tensor_reserve (&next, &runner->activations[b % 2], error)
        || !reserve_block (runner, &stage->blocks[b], &current, &next, error)) {
      g_prefix_error (error, "%s: ", stage->blocks[b].block->name);
      return FALSE;
    }
    current = next;
  }
  *out = current;
  return TRUE;
}

static void
upsample_nearest (const Tensor *in, const Tensor *out, guint factor)
{
  for (gsize n = 0; n < out->n; n++) {
    for (gsize y = 0; y < out->h; y++) {
      for (gsize x = 0; x < out->w; x++)
        memcpy (tensor_pixel (out, n, y, x), tensor_pixel (in, n, y / factor, x / factor),
            out->c * sizeof (float));
    }
  }
}

static void
run_conv_block (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out)
{
  const guint factor = block->block->upsample;

  if (factor == 1) {
    runner_run_conv (runner, &block->pwl, in, out, NULL);
    return;
  }
  const Tensor small = { runner->mid.data, out->n, out->h / factor, out->w / factor, out->c };
  runner_run_conv (runner, &block->pwl, in, &small, NULL);
  upsample_nearest (&small, out, factor);
}

static void
run_block (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out)
{
  if (block->block->kind == BLOCK_SKIP)
    memcpy (out->data, in->data, out->n * out->h * out->w * out->c * sizeof (float));
  else if (block->block->kind == BLOCK_CONV)
    run_conv_block (runner, block, in, out);
  else
    runner_run_irf (runner, block, in, out);
}

void
runner_run_stage (Runner *runner, const PackedStage *stage, const Tensor *in, const Tensor *out)
{
  Tensor current = *in;

  for (guint b = 0; b < stage->n_blocks; b++) {
    Tensor next = block_output (&stage->blocks[b], &current);
    next.data = b + 1 == stage->n_blocks ? out->data : runner->activations[b % 2].data;
    run_block (runner, &stage->blocks[b], &current, &next);
    current = next;
  }
}
