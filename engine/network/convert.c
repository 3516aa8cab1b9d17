/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What stands between layers: floats to bytes and back, copies, up-sampling, shuffles, sums.
 */
#include <string.h>

#include "arithmetic.h"
#include "plan.h"

/* Elements that one thread takes at a time. */
#define CHUNK (32u << 10)

static gsize
count_elements (const Tensor *t)
{
  return tensor_pixels (t) * t->c;
}

static void
run_chunks (const StepCall *call, WorkFunc item)
{
  workers_run (call->workspace->workers, item, (gpointer) call,
      (count_elements (&call->out) + CHUNK - 1) / CHUNK);
}

static gsize
chunk_length (const StepCall *call, gsize at)
{
  return MIN (CHUNK, count_elements (&call->out) - at);
}

/* --- Floats and bytes ------------------------------------------------------------------------- */

static void
quantize_item (gpointer data, guint item, guint thread)
{
  const StepCall *call = data;
  const Tensor *out = &call->out;
  const gsize at = (gsize) item * CHUNK;

  workspace_kernels (call->workspace)
      ->bytes.quantize (out->bytes + at, call->in.data + at, chunk_length (call, at),
          1.0f / out->quant.scale, out->quant.zero);
}

static void
run_quantize (const StepCall *call)
{
  run_chunks (call, quantize_item);
}

static void
dequantize_item (gpointer data, guint item, guint thread)
{
  const StepCall *call = data;
  const Tensor *in = &call->in;
  const gsize at = (gsize) item * CHUNK;

  workspace_kernels (call->workspace)
      ->bytes.dequantize (call->out.data + at, in->bytes + at, chunk_length (call, at),
          in->quant.scale, in->quant.zero);
}

static void
run_dequantize (const StepCall *call)
{
  run_chunks (call, dequantize_item);
}

void
plan_dequantize (Planner *planner, const Tensor *bytes, const Tensor *floats)
{
  planner_add (planner, run_dequantize, bytes, floats);
}

Tensor
plan_as_bytes (Planner *planner, const Tensor *tensor, Quant quant)
{
  Tensor converted = *tensor;

  if (tensor_has_bytes (tensor, quant)) {
    converted.data = NULL;
    return converted;
  }
  converted.data = NULL;
  converted.quant = quant;
  planner_place (planner, &converted, FALSE);
  planner_add (planner, run_quantize, tensor, &converted);
  return converted;
}

Tensor
plan_as_floats (Planner *planner, const Tensor *tensor)
{
  Tensor converted = *tensor;

  converted.bytes = NULL; /* nobody shall take them for those of what becomes of the floats */
  converted.quant = (Quant){ 0 };
  if (converted.data != NULL)
    return converted;
  planner_place_floats (planner, &converted, FALSE);
  plan_dequantize (planner, tensor, &converted);
  return converted;
}

/* --- Copies, in the tensor's own form --------------------------------------------------------- */

static gsize
pixel_bytes (const Tensor *t)
{
  return t->c * (t->bytes != NULL ? 1 : sizeof (float));
}

static guint8 *
native_row (const Tensor *t, gsize n, gsize y)
{
  return (guint8 *) tensor_native (t) + (n * t->h + y) * t->w * pixel_bytes (t);
}

static void
run_copy (const StepCall *call)
{
  memcpy (tensor_native (&call->out), tensor_native (&call->in),
      tensor_pixels (&call->out) * pixel_bytes (&call->out));
}

void
plan_copy (Planner *planner, const Tensor *in, const Tensor *out)
{
  planner_add (planner, run_copy, in, out);
}

/* One row of an image. */
static void
upsample_item (gpointer data, guint item, guint thread)
{
  const StepCall *call = data;
  const Tensor *out = &call->out;
  const gsize factor = call->step->factor, size = pixel_bytes (out);
  const gsize n = item / out->h, y = item % out->h;
  const guint8 *from = native_row (&call->in, n, y / factor);
  guint8 *to = native_row (out, n, y);

  for (gsize x = 0; x < out->w; x++)
    memcpy (to + x * size, from + x / factor * size, size);
}

static void
run_upsample (const StepCall *call)
{
  workers_run (call->workspace->workers, upsample_item, (gpointer) call, call->out.n * call->out.h);
}

void
plan_upsample (Planner *planner, const Tensor *in, const Tensor *out, guint factor)
{
  planner_add (planner, run_upsample, in, out)->factor = factor;
}

/* torch channel_shuffle: [groups][size] becomes [size][groups]. */
static void
shuffle_item (gpointer data, guint item, guint thread)
{
  const StepCall *call = data;
  const Tensor *in = &call->in;
  const gsize groups = call->step->factor, size = in->c / groups;
  const gsize n = item / in->h, y = item % in->h;

  for (gsize x = 0; x < in->w; x++) {
    const float *from = tensor_pixel (in, n, y, x);
    float *to = tensor_pixel (&call->out, n, y, x);
    for (gsize i = 0; i < in->c; i++)
      to[i] = from[i % groups * size + i / groups];
  }
}

static void
run_shuffle (const StepCall *call)
{
  workers_run (call->workspace->workers, shuffle_item, (gpointer) call, call->in.n * call->in.h);
}

void
plan_shuffle (Planner *planner, const Tensor *in, const Tensor *out, guint groups)
{
  planner_add (planner, run_shuffle, in, out)->factor = groups;
}

/* --- Sums and activations --------------------------------------------------------------------- */

static void
add_item (gpointer data, guint item, guint thread)
{
  const StepCall *call = data;
  const Arithmetic *arithmetic = call->step->conv->arithmetic;
  const gsize at = (gsize) item * CHUNK, offset = at * arithmetic->size;

  arithmetic->add (workspace_kernels (call->workspace), call->step->conv,
      (guint8 *) tensor_native (&call->out) + offset,
      (const guint8 *) tensor_native (&call->in) + offset,
      (const guint8 *) tensor_native (&call->other) + offset, chunk_length (call, at));
}

static void
run_add (const StepCall *call)
{
  run_chunks (call, add_item);
}

void
plan_add (Planner *planner, const PackedConv *conv, const Tensor *a, const Tensor *b,
    const Tensor *out)
{
  Step *step = planner_add (planner, run_add, a, out);

  step->conv = conv;
  step->other = *b;
}

static void
run_activate (const StepCall *call)
{
  workspace_kernels (call->workspace)
      ->floats.activate (call->out.data, count_elements (&call->out), call->step->act);
}

void
plan_activate (Planner *planner, const Tensor *x, Activation act)
{
  planner_add (planner, run_activate, x, x)->act = act;
}

/* --- Observers -------------------------------------------------------------------------------- */

static void
run_observe (const StepCall *call)
{
  const Workspace *workspace = call->workspace;

  if (workspace->observe != NULL)
    workspace->observe (call->step->name, &call->in, workspace->observer_data);
}

void
plan_observe (Planner *planner, const char *name, const char *suffix, const Tensor *tensor)
{
  if (planner->workspace->observe != NULL)
    planner_add (planner, run_observe, tensor, tensor)->name = g_strconcat (name, suffix, NULL);
}
