/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stage: its blocks one after the other, between two places in memory.
 */
#include "arithmetic.h"
#include "plan.h"

static Tensor
block_output (const PackedBlock *packed, const Tensor *in)
{
  const Block *block = packed->block;
  Tensor out = { .n = in->n, .h = in->h, .w = in->w, .c = block->out };

  if (packed->arithmetic == &arithmetic_bytes)
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

Tensor
stage_output (const PackedStage *stage, const Tensor *in)
{
  Tensor current = *in;

  for (guint b = 0; b < stage->n_blocks; b++)
    current = block_output (&stage->blocks[b], &current);
  return current;
}

static void
plan_conv_block (Planner *planner, const PackedBlock *block, const Tensor *in, const Tensor *out)
{
  const guint factor = block->block->upsample;
  Tensor small = *out;

  if (factor == 1) {
    plan_conv (planner, &block->pwl, in, out, NULL);
    return;
  }
  small.h /= factor;
  small.w /= factor;
  planner_place (planner, &small, FALSE);
  plan_conv (planner, &block->pwl, in, &small, NULL);
  plan_upsample (planner, &small, out, factor);
}

static void
plan_block (Planner *planner, const PackedBlock *block, const Tensor *in, const Tensor *out)
{
  if (!planner_accepts (planner, in, out))
    return;
  const Tensor source = block->arithmetic == &arithmetic_bytes
      ? plan_as_bytes (planner, in, block->block->q_in)
      : plan_as_floats (planner, in);

  plan_observe (planner, block->block->name, ".input", &source);
  switch (block->block->kind) {
    case BLOCK_SKIP:
      plan_copy (planner, &source, out);
      break;
    case BLOCK_CONV:
      plan_conv_block (planner, block, &source, out);
      break;
    case BLOCK_IRF:
    case BLOCK_POOL:
      plan_irf (planner, block, &source, out);
      break;
  }
}

/* Whether the last block can write where the stage's output is wanted. */
static gboolean
fits (const Tensor *wanted, const Tensor *last)
{
  return quant_is_set (last->quant) ? wanted->bytes != NULL : wanted->data != NULL;
}

static Tensor
place_of (const Tensor *wanted, const Tensor *last)
{
  Tensor place = *last;

  if (quant_is_set (last->quant))
    place.bytes = wanted->bytes;
  else
    place.data = wanted->data;
  return place;
}

/* Two places that outputs lie in by turns, each as large as its largest, in floats. */
static void
place_between (Planner *planner, const PackedStage *stage, const Tensor *in, Tensor places[2])
{
  Tensor current = *in;

  places[0] = places[1] = (Tensor){ .n = 1, .h = 1, .w = 1, .c = 1 };
  for (guint b = 0; b < stage->n_blocks; b++) {
    const Arithmetic *arithmetic = stage->blocks[b].arithmetic;
    gsize count;
    current = block_output (&stage->blocks[b], &current);
    if (!tensor_size (current.n, current.h, current.w, current.c, &count))
      continue; /* which the block's own planning will tell */
    const gsize floats =
        (count * arithmetic->size + arithmetic->slack + sizeof (float) - 1) / sizeof (float);
    places[b % 2].c = MAX (places[b % 2].c, floats);
  }
  planner_place_floats (planner, &places[0], FALSE);
  planner_place_floats (planner, &places[1], FALSE);
}

void
plan_stage (Planner *planner, const PackedStage *stage, const Tensor *in, const Tensor *out)
{
  Arena *arena = &planner->workspace->arena;
  const gsize mark = arena_mark (arena);
  Tensor current = *in, places[2];

  place_between (planner, stage, in, places);
  for (guint b = 0; b < stage->n_blocks; b++) {
    const gsize inner = arena_mark (arena);
    Tensor next = block_output (&stage->blocks[b], &current);
    if (b + 1 == stage->n_blocks && fits (out, &next))
      next = place_of (out, &next);
    else if (quant_is_set (next.quant))
      next.bytes = (guint8 *) places[b % 2].data;
    else
      next.data = places[b % 2].data;
    plan_block (planner, &stage->blocks[b], &current, &next);
    arena_release (arena, inner);
    current = next;
  }
  if (current.data == NULL && out->data != NULL)
    plan_dequantize (planner, &current, out);
  arena_release (arena, mark);
}
