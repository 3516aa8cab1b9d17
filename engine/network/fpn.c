/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Feature pyramid. Semantics: detectron2 modeling/backbone/fpn.py FPN.forward and LastLevelMaxPool.
 */
#include <string.h>

#include "plan.h"

/* One row of out += nearest-neighbour up-sampling of in. */
static void
add_upsampled_row (gpointer data, guint item, guint thread)
{
  const StepCall *call = data;
  const gsize c = call->out.c;

  for (gsize x = 0; x < call->out.w; x++) {
    float *to = tensor_pixel (&call->out, 0, item, x);
    const float *from = tensor_pixel (&call->in, 0, item / 2, x / 2);
    for (gsize i = 0; i < c; i++)
      to[i] += from[i];
  }
}

static void
run_add_upsampled (const StepCall *call)
{
  workers_run (call->workspace->workers, add_upsampled_row, (gpointer) call, call->out.h);
}

/* max_pool with kernel 1 and stride 2: every second pixel. */
static void
run_subsample (const StepCall *call)
{
  const Tensor *out = &call->out;

  for (gsize y = 0; y < out->h; y++) {
    for (gsize x = 0; x < out->w; x++)
      memcpy (tensor_pixel (out, 0, y, x), tensor_pixel (&call->in, 0, 2 * y, 2 * x),
          out->c * sizeof (float));
  }
}

static void
plan_layer (Planner *planner, const PackedConv *conv, const Tensor *in, const Tensor *out)
{
  plan_observe (planner, conv->layer->conv_name, ".input", in);
  plan_conv (planner, conv, in, out, NULL);
}

guint
plan_fpn (Planner *planner, guint first_stage, const Tensor *stages, Tensor *levels)
{
  const Network *network = planner->workspace->network;
  const guint n = layers_count (network->layers, ROLE_FPN_OUTPUT);
  const gsize mark = arena_mark (&planner->workspace->arena);
  Tensor above = { NULL };

  for (guint i = n; i-- > 0;) {
    const PackedConv *lateral = network_conv (network, ROLE_FPN_LATERAL, i);
    Tensor sum = conv_output (lateral, &stages[first_stage + i]);
    planner_place_floats (planner, &sum, FALSE);
    plan_layer (planner, lateral, &stages[first_stage + i], &sum);
    if (above.data != NULL)
      planner_add (planner, run_add_upsampled, &above, &sum);
    const PackedConv *output = network_conv (network, ROLE_FPN_OUTPUT, i);
    levels[i] = conv_output (output, &sum);
    planner_place_floats (planner, &levels[i], TRUE);
    plan_layer (planner, output, &sum, &levels[i]);
    above = sum;
  }
  levels[n] = levels[n - 1];
  levels[n].h = (levels[n - 1].h + 1) / 2;
  levels[n].w = (levels[n - 1].w + 1) / 2;
  planner_place_floats (planner, &levels[n], TRUE);
  planner_add (planner, run_subsample, &levels[n - 1], &levels[n]);
  arena_release (&planner->workspace->arena, mark);
  return n + 1;
}
