/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operations without parameters: activations, residual sums, up-sampling, channel shuffle, means, gates.
 */
#include "ops.h"

#include <math.h>
#include <string.h>

#include "kernels/activation.h"

typedef struct {
  Var *x, *other, *y;
  Activation act;
  guint factor; /* of up-sampling; groups of a shuffle */
} ShapeStep;

/* Of act (x) by x; torch's choice at the corners: 0. */
static double
slope_at (Activation act, double x)
{
  const double sigmoid = activation_at (ACT_SIGMOID, x);

  switch (act) {
    case ACT_NONE:
      return 1;
    case ACT_RELU:
      return x > 0 ? 1 : 0;
    case ACT_HSWISH:
      return x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6;
    case ACT_SWISH:
      return sigmoid * (1 + x * (1 - sigmoid));
    case ACT_SIGMOID:
      return sigmoid * (1 - sigmoid);
    case ACT_HSIGMOID:
      return x > -3 && x < 3 ? 1.0 / 6 : 0;
  }
  g_assert_not_reached ();
}

/* By far the most frequent, in loops that the compiler can widen. */
TRAIN_LOOP static void
relu_forward (Real *restrict y, const Real *restrict x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = x[i] > 0 ? x[i] : 0;
}

TRAIN_LOOP static void
relu_backward (Real *restrict dx, const Real *restrict dy, const Real *restrict y, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dx[i] += y[i] > 0 ? dy[i] : 0;
}

TRAIN_LOOP static void
add_to (Real *restrict sum, const Real *restrict x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    sum[i] += x[i];
}

/* y holds act (x + residual); where that hides its argument it is added again. */
static double
argument_of (const ShapeStep *s, gsize i)
{
  return (double) s->x->value[i] + (s->other != NULL ? (double) s->other->value[i] : 0);
}

static void
activate_backward (gpointer data)
{
  const ShapeStep *s = data;
  Var *const inputs[] = { s->x, s->other };
  const gsize n = var_size (s->y);

  for (guint k = 0; k < G_N_ELEMENTS (inputs); k++) {
    if (inputs[k] == NULL || inputs[k]->grad == NULL)
      continue;
    var_gradient (inputs[k]);
    if (s->act == ACT_NONE)
      add_to (inputs[k]->grad, s->y->grad, n);
    else if (s->act == ACT_RELU)
      relu_backward (inputs[k]->grad, s->y->grad, s->y->value, n);
    else
      for (gsize i = 0; i < n; i++)
        inputs[k]->grad[i] += s->y->grad[i] * (Real) slope_at (s->act, argument_of (s, i));
  }
}

Var *
op_activate (Tape *tape, Var *x, Var *residual, Activation act)
{
  if (act == ACT_NONE && residual == NULL)
    return x;

  const gboolean wants_grad = x->wants_grad || (residual != NULL && residual->wants_grad);
  Var *y = tape_var (tape, x->n, x->h, x->w, x->c, wants_grad);
  ShapeStep *s = tape_push (tape, sizeof *s, wants_grad ? activate_backward : NULL, y, x, residual);
  const gsize n = var_size (x);

  *s = (ShapeStep){ x, residual, y, act };
  if (residual == NULL && act == ACT_RELU) {
    relu_forward (y->value, x->value, n);
    return y;
  }
  memcpy (y->value, x->value, n * sizeof (Real));
  if (residual != NULL)
    add_to (y->value, residual->value, n);
  for (gsize i = 0; act != ACT_NONE && i < n; i++)
    y->value[i] = (Real) activation_at (act, (double) y->value[i]);
  return y;
}

static void
upsample_backward (gpointer data)
{
  const ShapeStep *s = data;
  const Var *x = s->x, *y = s->y;

  var_gradient (s->x);
  for (gsize row = 0; row < y->n * y->h; row++) {
    const gsize source = row / y->h * x->h + row % y->h / s->factor;
    for (gsize ox = 0; ox < y->w; ox++)
      add_to (x->grad + (source * x->w + ox / s->factor) * x->c, y->grad + (row * y->w + ox) * y->c,
          y->c);
  }
}

Var *
op_upsample (Tape *tape, Var *x, guint factor)
{
  if (factor == 1)
    return x;

  Var *y = tape_var (tape, x->n, x->h * factor, x->w * factor, x->c, x->wants_grad);
  ShapeStep *s = tape_push (tape, sizeof *s, y->wants_grad ? upsample_backward : NULL, y, x, NULL);

  *s = (ShapeStep){ .x = x, .y = y, .factor = factor };
  for (gsize row = 0; row < y->n * y->h; row++) {
    const gsize source = row / y->h * x->h + row % y->h / factor;
    for (gsize ox = 0; ox < y->w; ox++)
      memcpy (y->value + (row * y->w + ox) * y->c, x->value + (source * x->w + ox / factor) * x->c,
          y->c * sizeof (Real));
  }
  return y;
}

/* The two pixels that pixel `at` of twice the side lies between, and how near it is to the second. */
static double
between (gsize at, gsize side, gsize pair[2])
{
  const double position = fmax (0, ((double) at + 0.5) / 2 - 0.5);

  pair[0] = (gsize) position;
  pair[1] = MIN (pair[0] + 1, side - 1);
  return position - (double) pair[0];
}

typedef void (*CornerFunc) (const ShapeStep *s, gsize from, gsize to, Real weight);

/* Every pixel of y with each of its four of x, as numbers of values. */
static void
for_corners (const ShapeStep *s, CornerFunc func)
{
  const Var *x = s->x, *y = s->y;

  for (gsize p = 0; p < var_pixels (y); p++) {
    gsize rows[2], columns[2];
    const double down = between (p / y->w % y->h, x->h, rows);
    const double right = between (p % y->w, x->w, columns);
    for (guint i = 0; i < 4; i++) {
      const double weight = (i / 2 == 0 ? 1 - down : down) * (i % 2 == 0 ? 1 - right : right);
      const gsize row = p / (y->h * y->w) * x->h + rows[i / 2];
      func (s, (row * x->w + columns[i % 2]) * x->c, p * y->c, (Real) weight);
    }
  }
}

static void
corner_forward (const ShapeStep *s, gsize from, gsize to, Real weight)
{
  for (gsize i = 0; i < s->x->c; i++)
    s->y->value[to + i] += weight * s->x->value[from + i];
}

static void
corner_backward (const ShapeStep *s, gsize from, gsize to, Real weight)
{
  for (gsize i = 0; i < s->x->c; i++)
    s->x->grad[from + i] += weight * s->y->grad[to + i];
}

static void
bilinear_backward (gpointer data)
{
  const ShapeStep *s = data;

  var_gradient (s->x);
  for_corners (s, corner_backward);
}

Var *
op_bilinear (Tape *tape, Var *x)
{
  Var *y = tape_var (tape, x->n, 2 * x->h, 2 * x->w, x->c, x->wants_grad);
  ShapeStep *s = tape_push (tape, sizeof *s, y->wants_grad ? bilinear_backward : NULL, y, x, NULL);

  *s = (ShapeStep){ .x = x, .y = y };
  memset (y->value, 0, var_size (y) * sizeof (Real));
  for_corners (s, corner_forward);
  return y;
}

static void
subsample_backward (gpointer data)
{
  const ShapeStep *s = data;
  const Var *x = s->x, *y = s->y;

  var_gradient (s->x);
  for (gsize row = 0; row < y->n * y->h; row++) {
    const gsize source = row / y->h * x->h + 2 * (row % y->h);
    for (gsize ox = 0; ox < y->w; ox++)
      add_to (x->grad + (source * x->w + 2 * ox) * x->c, y->grad + (row * y->w + ox) * y->c, y->c);
  }
}

Var *
op_subsample (Tape *tape, Var *x)
{
  Var *y = tape_var (tape, x->n, (x->h + 1) / 2, (x->w + 1) / 2, x->c, x->wants_grad);
  ShapeStep *s = tape_push (tape, sizeof *s, y->wants_grad ? subsample_backward : NULL, y, x, NULL);

  *s = (ShapeStep){ .x = x, .y = y };
  for (gsize row = 0; row < y->n * y->h; row++) {
    const gsize source = row / y->h * x->h + 2 * (row % y->h);
    for (gsize ox = 0; ox < y->w; ox++)
      memcpy (y->value + (row * y->w + ox) * y->c, x->value + (source * x->w + 2 * ox) * x->c,
          y->c * sizeof (Real));
  }
  return y;
}

/* Channel of the output that channel `c` of the input goes to. */
static gsize
shuffled (gsize c, gsize groups, gsize size)
{
  return c % size * groups + c / size;
}

static void
shuffle_backward (gpointer data)
{
  const ShapeStep *s = data;
  const gsize c = s->x->c;

  var_gradient (s->x);
  for (gsize p = 0; p < var_pixels (s->x); p++) {
    for (gsize i = 0; i < c; i++)
      s->x->grad[p * c + i] += s->y->grad[p * c + shuffled (i, s->factor, c / s->factor)];
  }
}

Var *
op_shuffle (Tape *tape, Var *x, guint groups)
{
  if (groups <= 1)
    return x;

  Var *y = tape_var (tape, x->n, x->h, x->w, x->c, x->wants_grad);
  ShapeStep *s = tape_push (tape, sizeof *s, y->wants_grad ? shuffle_backward : NULL, y, x, NULL);

  *s = (ShapeStep){ .x = x, .y = y, .factor = groups };
  for (gsize p = 0; p < var_pixels (x); p++) {
    for (gsize i = 0; i < x->c; i++)
      y->value[p * x->c + shuffled (i, groups, x->c / groups)] = x->value[p * x->c + i];
  }
  return y;
}

static void
mean_backward (gpointer data)
{
  const ShapeStep *s = data;
  const gsize pixels = s->x->h * s->x->w, c = s->x->c;

  var_gradient (s->x);
  for (gsize p = 0; p < var_pixels (s->x); p++) {
    for (gsize i = 0; i < c; i++)
      s->x->grad[p * c + i] += s->y->grad[p / pixels * c + i] / (Real) pixels;
  }
}

Var *
op_mean (Tape *tape, Var *x)
{
  Var *y = tape_var (tape, x->n, 1, 1, x->c, x->wants_grad);
  ShapeStep *s = tape_push (tape, sizeof *s, y->wants_grad ? mean_backward : NULL, y, x, NULL);
  const gsize pixels = x->h * x->w;

  *s = (ShapeStep){ .x = x, .y = y };
  for (gsize n = 0; n < x->n; n++) {
    Real *mean = y->value + n * x->c;
    memset (mean, 0, x->c * sizeof (Real));
    for (gsize p = 0; p < pixels; p++)
      add_to (mean, x->value + (n * pixels + p) * x->c, x->c);
    for (gsize i = 0; i < x->c; i++)
      mean[i] /= (Real) pixels;
  }
  return y;
}

static void
gate_backward (gpointer data)
{
  const ShapeStep *s = data;
  const Var *x = s->x, *gate = s->other;
  const gsize pixels = x->h * x->w, c = x->c;

  if (x->grad != NULL)
    var_gradient (s->x);
  if (gate->grad != NULL)
    var_gradient (s->other);
  for (gsize p = 0; p < var_pixels (x); p++) {
    const gsize g = p / pixels * c;
    for (gsize i = 0; i < c; i++) {
      const Real dy = s->y->grad[p * c + i];
      if (x->grad != NULL)
        x->grad[p * c + i] += dy * gate->value[g + i];
      if (gate->grad != NULL)
        gate->grad[g + i] += dy * x->value[p * c + i];
    }
  }
}

Var *
op_gate (Tape *tape, Var *x, Var *gate)
{
  const gboolean wants_grad = x->wants_grad || gate->wants_grad;
  Var *y = tape_var (tape, x->n, x->h, x->w, x->c, wants_grad);
  ShapeStep *s = tape_push (tape, sizeof *s, wants_grad ? gate_backward : NULL, y, x, gate);
  const gsize pixels = x->h * x->w, c = x->c;

  *s = (ShapeStep){ .x = x, .other = gate, .y = y };
  for (gsize p = 0; p < var_pixels (x); p++) {
    for (gsize i = 0; i < c; i++)
      y->value[p * c + i] = x->value[p * c + i] * gate->value[p / pixels * c + i];
  }
  return y;
}
