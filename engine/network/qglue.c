/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What stands between int8 layers: floats to bytes and back, residual sums, averages, squeeze and
 * excite.
 */
#include "network.h"

#include <math.h>

/* Elements that one thread takes at a time. */
#define CHUNK (32u << 10)

static gsize
count_elements (const Tensor *t)
{
  return t->n * t->h * t->w * t->c;
}

static guint
count_chunks (const Tensor *t)
{
  return (guint) ((count_elements (t) + CHUNK - 1) / CHUNK);
}

typedef struct {
  const Runner *runner;
  const Tensor *a, *b, *out;
  const QAdd *add;
} GlueJob;

static gsize
chunk_length (const GlueJob *job, guint item)
{
  return MIN (CHUNK, count_elements (job->out) - (gsize) item * CHUNK);
}

/* --- Floats and bytes ------------------------------------------------------------------------- */

static void
quantize_item (gpointer data, guint item, guint thread)
{
  const GlueJob *job = data;
  const Tensor *t = job->out;
  const gsize at = (gsize) item * CHUNK;

  job->runner->qkernels->quantize (t->bytes + at, t->data + at, chunk_length (job, item),
      1.0f / t->quant.scale, t->quant.zero);
}

static void
dequantize_item (gpointer data, guint item, guint thread)
{
  const GlueJob *job = data;
  const Tensor *t = job->out;
  const gsize at = (gsize) item * CHUNK;

  job->runner->qkernels->dequantize (t->data + at, t->bytes + at, chunk_length (job, item),
      t->quant.scale, t->quant.zero);
}

gboolean
runner_reserve_conversion (Runner *runner, const Tensor *tensor, gboolean to_bytes, GError **error)
{
  Tensor converted = *tensor;

  return to_bytes ? tensor_reserve_bytes (&converted, &runner->converted, error)
                  : tensor_reserve (&converted, &runner->converted, error);
}

Tensor
runner_as_bytes (Runner *runner, const Tensor *tensor, Quant quant)
{
  Tensor converted = *tensor;

  if (tensor_has_bytes (tensor, quant))
    return converted;
  converted.bytes = runner->converted.data;
  converted.quant = quant;
  GlueJob job = { .runner = runner, .out = &converted };
  workers_run (runner->workers, quantize_item, &job, count_chunks (&converted));
  return converted;
}

Tensor
runner_as_floats (Runner *runner, const Tensor *tensor)
{
  Tensor converted = *tensor;

  if (converted.data == NULL) {
    converted.data = runner->converted.data;
    runner_dequantize (runner, &converted);
  }
  converted.bytes = NULL; /* nobody shall take them for those of what becomes of the floats */
  return converted;
}

void
runner_dequantize (Runner *runner, const Tensor *tensor)
{
  GlueJob job = { .runner = runner, .out = tensor };

  workers_run (runner->workers, dequantize_item, &job, count_chunks (tensor));
}

/* --- Sums and averages ------------------------------------------------------------------------ */

static void
add_item (gpointer data, guint item, guint thread)
{
  const GlueJob *job = data;
  const gsize at = (gsize) item * CHUNK;

  job->runner->qkernels->add (job->out->bytes + at, job->a->bytes + at, job->b->bytes + at,
      chunk_length (job, item), job->add);
}

void
runner_add (Runner *runner, const QAdd *add, const Tensor *a, const Tensor *b, const Tensor *out)
{
  GlueJob job = { runner, a, b, out, add };

  workers_run (runner->workers, add_item, &job, count_chunks (out));
}

/* One image's sums of bytes over its pixels, in the gates' memory. */
static gint32 *
sum_image (const Runner *runner, const Tensor *in, gsize image)
{
  gint32 *sums = (gint32 *) runner->sums.data + image * in->c;

  for (gsize c = 0; c < in->c; c++)
    sums[c] = 0;
  runner->qkernels->channel_sums (sums, tensor_byte (in, image, 0, 0), in->h * in->w, in->c);
  return sums;
}

/* aten qadaptive_avg_pool2d to one pixel: the average has the input's scale and zero point. */
static void
average_item (gpointer data, guint image, guint thread)
{
  const GlueJob *job = data;
  const Tensor *in = job->a;
  const gint32 pixels = (gint32) (in->h * in->w), zero = in->quant.zero;
  const gint32 *sums = sum_image (job->runner, in, image);

  for (gsize c = 0; c < in->c; c++) {
    const float mean = rintf ((float) (sums[c] - pixels * zero) * (1.0f / (float) pixels));
    const float byte = CLAMP (mean + (float) zero, 0, 255);
    job->out->data[image * in->c + c] = (byte - (float) zero) * in->quant.scale;
  }
}

void
runner_average_bytes (Runner *runner, const Tensor *in, const Tensor *out)
{
  GlueJob job = { .runner = runner, .a = in, .out = out };

  workers_run (runner->workers, average_item, &job, in->n);
}

/* --- Squeeze and excite ------------------------------------------------------------------------ */

typedef struct {
  const Runner *runner;
  const Tensor *in, *out;
  float *means, *gates; /* [n][c] */
} GateJob;

static void
mean_item (gpointer data, guint image, guint thread)
{
  const GateJob *job = data;
  const Tensor *in = job->in;
  const double pixels = (double) in->h * in->w;
  const gint32 *sums = sum_image (job->runner, in, image);

  for (gsize c = 0; c < in->c; c++)
    job->means[image * in->c + c] = (float) ((sums[c] / pixels - in->quant.zero) * in->quant.scale);
}

static void
gate_item (gpointer data, guint row, guint thread)
{
  const GateJob *job = data;
  const Tensor *in = job->in;
  const gsize image = row / in->h, y = row % in->h;

  job->runner->qkernels->gate (tensor_byte (job->out, image, y, 0), tensor_byte (in, image, y, 0),
      job->gates + image * in->c, in->w, in->c, in->quant.zero, job->out->quant.zero);
}

/* The two small convolutions stay with floats: they see one number per channel and image. */
void
runner_gate_bytes (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out)
{
  float *means = runner->gates.data, *gates = means + in->n * in->c;
  const Tensor mean = { means, in->n, 1, 1, in->c };
  const Tensor squeezed = { gates + in->n * in->c, in->n, 1, 1, block->block->se_squeeze.out };
  const Tensor gate = { gates, in->n, 1, 1, in->c };
  const float steps = in->quant.scale / out->quant.scale;
  GateJob job = { runner, in, out, means, gates };

  workers_run (runner->workers, mean_item, &job, in->n);
  runner_run_conv (runner, &block->se_squeeze, &mean, &squeezed, NULL);
  runner_run_conv (runner, &block->se_excite, &squeezed, &gate, NULL);
  for (gsize i = 0; i < in->n * in->c; i++)
    gates[i] *= steps;
  workers_run (runner->workers, gate_item, &job, in->n * in->h);
}
