/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ROIAlign with a gradient for the features. Semantics as engine/roi.h, which samples faster; here every
 * sample is four taps whose weights serve both ways.
 */
#include "ops.h"

#include <string.h>

G_STATIC_ASSERT (MAX_LEVELS <= TAPE_INPUTS);

typedef struct {
  RoiFeature features[TAPE_INPUTS];
  guint n_features;
  Var *y;
  RoiArgs args; /* its arrays are copies on the tape */
} RoiStep;

/* One axis of a sample: two source positions and their weights; both 0 outside the feature. */
typedef struct {
  gsize at[2];
  Real weight[2];
} Tap;

/* torchvision ops/cpu/roi_align_common.h pre_calc_for_bilinear_interpolate, one axis. */
static Tap
tap_at (double position, gsize size)
{
  if (position < -1 || position > (double) size)
    return (Tap){ { 0, 0 }, { 0, 0 } };

  const double inside = MAX (position, 0.0);
  const gsize low = (gsize) inside;
  if (low >= size - 1)
    return (Tap){ { size - 1, size - 1 }, { 1, 0 } };
  const double part = inside - (double) low;
  return (Tap){ { low, low + 1 }, { (Real) (1 - part), (Real) part } };
}

/* One axis of a box: start, bin size and samples per bin, in feature pixels. */
typedef struct {
  double start, bin;
  gsize grid;
} Axis;

static Axis
axis_of (double low, double high, double scale, const RoiArgs *args)
{
  const double size = (high - low) * scale, bin = size / args->resolution;
  const double grid = args->sampling_ratio > 0 ? args->sampling_ratio : ceil (bin);

  return (Axis){ low * scale - 0.5, bin, grid > 0 ? (gsize) grid : 0 };
}

static Tap
sample (const Axis *axis, gsize bin, gsize i, gsize size)
{
  return tap_at (axis->start + (double) bin * axis->bin
          + ((double) i + 0.5) * axis->bin / (double) axis->grid,
      size);
}

TRAIN_LOOP static void
add_scaled (Real *restrict sum, const Real *restrict x, Real factor, gsize c)
{
  for (gsize i = 0; i < c; i++)
    sum[i] += factor * x[i];
}

/* One sample of one bin: out of the feature, or back into its gradient. */
static void
walk_sample (const RoiStep *s, const Var *x, gsize image, const Tap *ty, const Tap *tx, gsize out,
    Real share, gboolean forward)
{
  for (guint k = 0; k < 4; k++) {
    const Real weight = ty->weight[k / 2] * tx->weight[k % 2] * share;
    const gsize at = ((image * x->h + ty->at[k / 2]) * x->w + tx->at[k % 2]) * x->c;
    if (weight == 0)
      continue;
    if (forward)
      add_scaled (s->y->value + out, x->value + at, weight, x->c);
    else
      add_scaled (x->grad + at, s->y->grad + out, weight, x->c);
  }
}

static void
walk_roi (const RoiStep *s, gsize roi, gboolean forward)
{
  const RoiArgs *args = &s->args;
  const Box *box = &args->boxes[roi];
  const RoiFeature *feature = &s->features[args->levels != NULL ? args->levels[roi] : 0];
  const Var *x = feature->map;
  const Axis ay = axis_of ((double) box->y0, (double) box->y1, feature->scale, args);
  const Axis ax = axis_of ((double) box->x0, (double) box->x1, feature->scale, args);
  const gsize side = args->resolution;
  if (!forward && x->grad == NULL)
    return;
  const Real share = 1 / (Real) MAX (ay.grid * ax.grid, 1);

  for (gsize bin = 0; bin < side * side; bin++) {
    for (gsize i = 0; i < ay.grid * ax.grid; i++) {
      const Tap ty = sample (&ay, bin / side, i / ax.grid, x->h);
      const Tap tx = sample (&ax, bin % side, i % ax.grid, x->w);
      walk_sample (s, x, args->images[roi], &ty, &tx, (roi * side * side + bin) * x->c, share,
          forward);
    }
  }
}

static void
roi_backward (gpointer data)
{
  const RoiStep *s = data;

  for (guint i = 0; i < s->n_features; i++) {
    if (s->features[i].map->grad != NULL)
      var_gradient (s->features[i].map);
  }
  for (gsize roi = 0; roi < s->args.n; roi++)
    walk_roi (s, roi, FALSE);
}

static gconstpointer
keep (Tape *tape, gconstpointer data, gsize bytes)
{
  gpointer copy = tape_alloc (tape, bytes);

  if (bytes > 0)
    memcpy (copy, data, bytes);
  return copy;
}

Var *
op_roi_align (Tape *tape, const RoiFeature *features, guint n_features, const RoiArgs *args)
{
  const guint side = args->resolution;
  gboolean wants_grad = FALSE;

  for (guint i = 0; i < n_features; i++)
    wants_grad = wants_grad || features[i].map->wants_grad;
  Var *y = tape_var (tape, args->n, side, side, features[0].map->c, wants_grad);
  RoiStep *s = tape_push (tape, sizeof *s, y->wants_grad ? roi_backward : NULL, y, NULL, NULL);

  *s = (RoiStep){ .n_features = n_features, .y = y, .args = *args };
  for (guint i = 0; i < n_features; i++) {
    s->features[i] = features[i];
    tape_also_reads (tape, i, features[i].map);
  }
  if (args->levels != NULL)
    s->args.levels = keep (tape, args->levels, args->n * sizeof *args->levels);
  s->args.boxes = keep (tape, args->boxes, args->n * sizeof *args->boxes);
  s->args.images = keep (tape, args->images, args->n * sizeof *args->images);
  memset (y->value, 0, var_size (y) * sizeof (Real));
  for (gsize roi = 0; roi < args->n; roi++)
    walk_roi (s, roi, TRUE);
  return y;
}
