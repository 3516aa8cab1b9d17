/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From samples to a batch; see batch.h.
 */
#include "batch.h"

#include <string.h>

static gsize
padded (gsize side, gsize divisibility)
{
  const gsize d = MAX (divisibility, 1);

  return (side + d - 1) / d * d;
}

static void
normalize_into (Var *batch, guint image, const TrainSample *sample, const Description *d)
{
  for (gsize y = 0; y < sample->height; y++) {
    const guint8 *row = sample->pixels + y * sample->width * 3;
    Real *out = batch->value + (image * batch->h + y) * batch->w * 3;
    for (gsize i = 0; i < (gsize) sample->width * 3; i++)
      out[i] = ((Real) row[i] - (Real) d->mean[i % 3]) / (Real) d->std[i % 3];
  }
}

Var *
batch_new (Tape *tape, const Description *d, const TrainSample *const *samples, guint n)
{
  gsize h = 0, w = 0;

  for (guint i = 0; i < n; i++) {
    h = MAX (h, samples[i]->height);
    w = MAX (w, samples[i]->width);
  }
  Var *batch = tape_var (tape, n, padded (h, d->size_divisibility),
      padded (w, d->size_divisibility), 3, FALSE);
  memset (batch->value, 0, var_size (batch) * sizeof (Real));
  for (guint i = 0; i < n; i++)
    normalize_into (batch, i, samples[i], d);
  return batch;
}
