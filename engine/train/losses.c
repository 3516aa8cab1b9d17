/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Losses. Each is summed in double; its gradient by the logits or deltas is made at once and added on
 * the way back.
 */
#include "ops.h"

typedef struct {
  Var *x;
  gsize n;
  guint32 *at; /* places in x */
  Real *slope; /* of the loss by x there */
} LossStep;

static void
loss_backward (gpointer data)
{
  const LossStep *s = data;

  var_gradient (s->x);
  for (gsize i = 0; i < s->n; i++)
    s->x->grad[s->at[i]] += s->slope[i];
}

static LossStep *
push_loss (Tape *tape, Var *x, gsize n)
{
  LossStep *s = tape_push (tape, sizeof *s, x->wants_grad ? loss_backward : NULL, NULL, x, NULL);

  *s = (LossStep){ x, n, tape_alloc (tape, n * sizeof (guint32)),
    tape_alloc (tape, n * sizeof (Real)) };
  return s;
}

/* max (x, 0) - x t + log (1 + exp (-|x|)): no exponential overflows. */
double
op_loss_bce (Tape *tape, Var *logits, const guint32 *index, const Real *target, gsize n,
    double scale)
{
  LossStep *s = push_loss (tape, logits, n);
  double loss = 0;

  for (gsize i = 0; i < n; i++) {
    const double x = (double) logits->value[index[i]], t = (double) target[i];
    loss += MAX (x, 0.0) - x * t + log1p (exp (-fabs (x)));
    s->at[i] = index[i];
    s->slope[i] = (Real) ((1 / (1 + exp (-x)) - t) * scale);
  }
  return loss * scale;
}

double
op_loss_smooth_l1 (Tape *tape, Var *deltas, const guint32 *index, const Real *target, gsize n,
    double beta, double scale)
{
  LossStep *s = push_loss (tape, deltas, 4 * n);
  double loss = 0;

  for (gsize i = 0; i < 4 * n; i++) {
    const guint32 at = index[i / 4] + (guint32) (i % 4);
    const double d = (double) deltas->value[at] - (double) target[i], size = fabs (d);
    loss += size < beta ? 0.5 * d * d / beta : size - 0.5 * beta;
    s->at[i] = at;
    s->slope[i] = (Real) ((size < beta ? d / beta : d > 0 ? 1 : d < 0 ? -1 : 0) * scale);
  }
  return loss * scale;
}

/* Of n numbers, `step` apart. */
static double
log_sum_exp (const Real *x, gsize n, gsize step)
{
  double max = (double) x[0], sum = 0;

  for (gsize i = 1; i < n; i++)
    max = MAX (max, (double) x[i * step]);
  for (gsize i = 0; i < n; i++)
    sum += exp ((double) x[i * step] - max);
  return max + log (sum);
}

double
op_loss_softmax (Tape *tape, Var *logits, const Real *targets, double scale)
{
  const gsize rows = var_pixels (logits), c = logits->c;
  LossStep *s = push_loss (tape, logits, rows * c);
  double loss = 0;

  for (gsize row = 0; row < rows; row++) {
    const Real *x = logits->value + row * c;
    const double whole = log_sum_exp (x, c, 1);
    for (gsize i = row * c; i < (row + 1) * c; i++) {
      const double log_probability = (double) logits->value[i] - whole;
      loss -= (double) targets[i] * log_probability;
      s->at[i] = (guint32) i;
      s->slope[i] = (Real) ((exp (log_probability) - (double) targets[i]) * scale);
    }
  }
  return loss * scale;
}

double
op_loss_place (Tape *tape, Var *logits, const guint32 *maps, const guint32 *pixels, gsize n,
    double scale)
{
  const gsize area = logits->h * logits->w, c = logits->c;
  LossStep *s = push_loss (tape, logits, n * area);
  double loss = 0;

  for (gsize i = 0; i < n; i++) {
    const gsize first = maps[i] / c * area * c + maps[i] % c;
    const double whole = log_sum_exp (logits->value + first, area, c);
    loss += whole - (double) logits->value[first + pixels[i] * c];
    for (gsize p = 0; p < area; p++) {
      const double probability = exp ((double) logits->value[first + p * c] - whole);
      s->at[i * area + p] = (guint32) (first + p * c);
      s->slope[i * area + p] = (Real) ((probability - (p == pixels[i] ? 1 : 0)) * scale);
    }
  }
  return loss * scale;
}
