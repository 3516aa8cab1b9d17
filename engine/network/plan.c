/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making plans and running them; see plan.h.
 */
#include "plan.h"

#include "arithmetic.h"
#include "base/memory.h"

static void
clear_steps (Plan *plan)
{
  for (gsize i = 0; i < plan->n_steps; i++)
    g_free (plan->steps[i].name);
  plan->n_steps = 0;
}

void
plan_clear (Plan *plan)
{
  clear_steps (plan);
  g_clear_pointer (&plan->steps, g_free);
  plan->room = 0;
}

/* --- Running ---------------------------------------------------------------------------------- */

typedef struct {
  const Plan *plan;
  gsize n;
  const float *in;
  float *out;
} Run;

/* The step's tensor as it is in this run. */
static Tensor
bind (const Run *run, const Tensor *planned)
{
  Tensor tensor = *planned;

  tensor.n = MIN (run->n, planned->n);
  if (tensor.data == NULL)
    return tensor;
  if (tensor.data == run->plan->in_port)
    tensor.data = (float *) run->in;
  else if (tensor.data == run->plan->out_port)
    tensor.data = run->out;
  return tensor;
}

gboolean
plan_run (const Plan *plan, Workspace *workspace, gsize n, const float *in, float *out)
{
  const Run run = { plan, n, in, out };

  for (gsize i = 0; n > 0 && i < plan->n_steps; i++) {
    const Step *step = &plan->steps[i];
    if (g_atomic_int_get (&workspace->cancelled))
      return FALSE;
    const StepCall call = { step, workspace, bind (&run, &step->in), bind (&run, &step->out),
      bind (&run, &step->other) };
    step->run (&call);
  }
  return TRUE;
}

/* --- Planning --------------------------------------------------------------------------------- */

void
planner_use (Planner *planner, Plan *plan)
{
  clear_steps (plan);
  planner->plan = plan;
}

Step *
planner_add (Planner *planner, StepFunc run, const Tensor *in, const Tensor *out)
{
  Plan *plan = planner->plan;
  Step *steps = planner->error == NULL
      ? memory_grow (plan->steps, &plan->room, plan->n_steps + 1, sizeof *steps, &planner->error)
      : NULL;

  if (steps == NULL) {
    g_free (planner->spare.name);
    planner->spare = (Step){ 0 };
    return &planner->spare;
  }
  plan->steps = steps;
  steps[plan->n_steps] = (Step){ .run = run, .in = *in, .out = *out };
  return &steps[plan->n_steps++];
}

/* 0 when the planner has failed. */
static gsize
count_elements (Planner *planner, const Tensor *t)
{
  gsize count;

  if (planner->error != NULL)
    return 0;
  if (tensor_size (t->n, t->h, t->w, t->c, &count) && count > 0)
    return count;
  g_set_error (&planner->error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "expected sizes that leave pixels in every layer and fit memory, found %" G_GSIZE_FORMAT
      " × %" G_GSIZE_FORMAT " × %" G_GSIZE_FORMAT " × %" G_GSIZE_FORMAT,
      t->n, t->h, t->w, t->c);
  return 0;
}

gboolean
planner_accepts (Planner *planner, const Tensor *in, const Tensor *out)
{
  return count_elements (planner, in) > 0 && count_elements (planner, out) > 0;
}

static gpointer
take (Planner *planner, gsize bytes, gboolean keep)
{
  Arena *arena = &planner->workspace->arena;

  return keep ? arena_keep (arena, bytes) : arena_pass (arena, bytes);
}

void
planner_place_floats (Planner *planner, Tensor *tensor, gboolean keep)
{
  tensor->data = take (planner, count_elements (planner, tensor) * sizeof (float), keep);
}

void
planner_place (Planner *planner, Tensor *tensor, gboolean keep)
{
  if (quant_is_set (tensor->quant))
    tensor->bytes = take (planner, count_elements (planner, tensor) + arithmetic_bytes.slack, keep);
  else
    planner_place_floats (planner, tensor, keep);
}

void
planner_need_scratch (Planner *planner, gsize bytes)
{
  planner->thread_bytes = MAX (planner->thread_bytes, bytes);
}

/* Threads' scratch comes last: only then is it known how much they need. */
static gboolean
lay_out_once (Planner *planner, LayOutFunc lay_out, gpointer data, GError **error)
{
  Workspace *workspace = planner->workspace;
  gsize bytes;

  planner->thread_bytes = 0;
  lay_out (planner, data);
  g_clear_pointer (&planner->spare.name, g_free);
  if (planner->error != NULL) {
    g_propagate_error (error, planner->error);
    return FALSE;
  }
  workspace->thread_bytes = (planner->thread_bytes + 63) & ~(gsize) 63;
  if (!g_size_checked_mul (&bytes, workspace->thread_bytes, workers_count (workspace->workers)))
    bytes = G_MAXSIZE; /* which the arena refuses */
  workspace->scratch = arena_keep (&workspace->arena, bytes);
  return TRUE;
}

gboolean
planner_lay_out (Workspace *workspace, LayOutFunc lay_out, gpointer data, GError **error)
{
  Planner planner = { .workspace = workspace };

  arena_begin (&workspace->arena);
  return lay_out_once (&planner, lay_out, data, error) && arena_settle (&workspace->arena, error)
      && lay_out_once (&planner, lay_out, data, error);
}
