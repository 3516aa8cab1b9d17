/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Norms in training. Sums are made in double. Batch norm over several workers: with M and Q the pooled
 * mean and mean of squares, worker k's pixels each have the share a_k = weight_k / (pixels_k × Σ weight)
 * in both, whatever the way of pooling; then
 *   dx = γ r (dy - a_k (Σ dy + (x - M) r² Σ dy (x - M)))        r = 1 / sqrt (Q - M² + ε)
 * with sums over all workers: torch's formula where a_k is 1 / all pixels.
 */
#include "ops.h"

#include <string.h>

/* --- Batch norm ------------------------------------------------------------------------------- */

typedef struct {
  Var *x, *y;
  Weight gamma, beta;
  gboolean relu;       /* follows */
  double *mean, *rstd; /* per channel */
  double share;        /* of one pixel in the statistics; 0: they are stored, not this batch's */
  Group *group;        /* NULL: this worker alone */
  guint thread;
  double *sums; /* 2 c: room for the way back */
} NormStep;

/* sum[i] += x[i], sum[c + i] += x[i]² over all pixels. */
TRAIN_LOOP static void
sum_squares (double *restrict sum, const Real *restrict x, gsize pixels, gsize c)
{
  for (gsize p = 0; p < pixels; p++) {
    for (gsize i = 0; i < c; i++) {
      const double v = (double) x[p * c + i];
      sum[i] += v;
      sum[c + i] += v * v;
    }
  }
}

/* sum[i] += dy[i], sum[c + i] += dy[i] (x[i] - mean[i]). */
TRAIN_LOOP static void
sum_products (double *restrict sum, const Real *restrict dy, const Real *restrict x,
    const double *restrict mean, gsize pixels, gsize c)
{
  for (gsize p = 0; p < pixels; p++) {
    for (gsize i = 0; i < c; i++) {
      const double d = (double) dy[p * c + i];
      sum[i] += d;
      sum[c + i] += d * ((double) x[p * c + i] - mean[i]);
    }
  }
}

/* y = a x + b per channel, not below `floor`. */
TRAIN_LOOP static void
affine_set (Real *restrict y, const Real *restrict x, const Real *restrict a,
    const Real *restrict b, Real floor, gsize pixels, gsize c)
{
  for (gsize p = 0; p < pixels; p++) {
    for (gsize i = 0; i < c; i++) {
      const Real v = x[p * c + i] * a[i] + b[i];
      y[p * c + i] = v < floor ? floor : v;
    }
  }
}

/* Nothing comes back through a ReLU that is closed. */
TRAIN_LOOP static void
close_relus (Real *restrict dy, const Real *restrict y, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dy[i] = y[i] > 0 ? dy[i] : 0;
}

/* dx += a dy + b x + d per channel. */
TRAIN_LOOP static void
affine_add (Real *restrict dx, const Real *restrict dy, const Real *restrict x,
    const Real *restrict a, const Real *restrict b, const Real *restrict d, gsize pixels, gsize c)
{
  for (gsize p = 0; p < pixels; p++) {
    for (gsize i = 0; i < c; i++)
      dx[p * c + i] += dy[p * c + i] * a[i] + (x[p * c + i] * b[i] + d[i]);
  }
}

static void
norm_forward (const NormStep *s)
{
  const gsize c = s->x->c;
  Real *a = g_new (Real, 2 * c), *b = a + c;

  for (gsize i = 0; i < c; i++) {
    a[i] = (Real) ((double) s->gamma.value[i] * s->rstd[i]);
    b[i] =
        (Real) ((double) s->beta.value[i] - s->mean[i] * s->rstd[i] * (double) s->gamma.value[i]);
  }
  affine_set (s->y->value, s->x->value, a, b, s->relu ? 0 : -(Real) INFINITY, var_pixels (s->x), c);
  g_free (a);
}

static void
norm_to_input (const NormStep *s)
{
  const gsize c = s->x->c;
  Real *a = g_new (Real, 3 * c), *b = a + c, *d = b + c;

  for (gsize i = 0; i < c; i++) {
    const double scale = (double) s->gamma.value[i] * s->rstd[i];
    const double bend = s->share * s->rstd[i] * s->rstd[i] * s->sums[c + i];
    a[i] = (Real) scale;
    b[i] = (Real) (-scale * bend);
    d[i] = (Real) (-scale * (s->share * s->sums[i] - s->mean[i] * bend));
  }
  affine_add (s->x->grad, s->y->grad, s->x->value, a, b, d, var_pixels (s->x), c);
  g_free (a);
}

static void
norm_backward (gpointer data)
{
  const NormStep *s = data;
  const gsize c = s->x->c;

  if (s->relu)
    close_relus (s->y->grad, s->y->value, var_size (s->y));
  memset (s->sums, 0, 2 * c * sizeof (double));
  sum_products (s->sums, s->y->grad, s->x->value, s->mean, var_pixels (s->x), c);
  for (gsize i = 0; i < c; i++) {
    if (s->beta.grad != NULL)
      s->beta.grad[i] += (Real) s->sums[i];
    if (s->gamma.grad != NULL)
      s->gamma.grad[i] += (Real) (s->sums[c + i] * s->rstd[i]);
  }
  if (s->group != NULL)
    group_sum_doubles (s->group, s->thread, s->sums, 2 * c);
  if (s->x->grad != NULL)
    norm_to_input (s);
}

static NormStep *
push_norm (Tape *tape, Var *x, Weight gamma, Weight beta, gboolean relu, gboolean collective)
{
  const gboolean wants_grad =
      collective || x->wants_grad || gamma.grad != NULL || beta.grad != NULL;
  Var *y = tape_var (tape, x->n, x->h, x->w, x->c, wants_grad);
  NormStep *s = tape_push (tape, sizeof *s, wants_grad ? norm_backward : NULL, y, x, NULL);

  *s = (NormStep){ .x = x, .y = y, .gamma = gamma, .beta = beta, .relu = relu };
  s->mean = tape_alloc (tape, x->c * sizeof (double));
  s->rstd = tape_alloc (tape, x->c * sizeof (double));
  s->sums = tape_alloc (tape, 2 * x->c * sizeof (double));
  return s;
}

/* Variance to 1 / standard deviation, in place. */
static void
invert (double *variance, gsize c)
{
  for (gsize i = 0; i < c; i++)
    variance[i] = 1 / sqrt (variance[i] + NORM_EPSILON);
}

Var *
op_stored_norm (Tape *tape, Var *x, const Real *mean, const Real *variance, Weight gamma,
    Weight beta, gboolean relu)
{
  NormStep *s = push_norm (tape, x, gamma, beta, relu, FALSE);

  for (gsize i = 0; i < x->c; i++) {
    s->mean[i] = (double) mean[i];
    s->rstd[i] = (double) variance[i];
  }
  invert (s->rstd, x->c);
  norm_forward (s);
  return s->y;
}

Var *
op_batch_norm (Tape *tape, Var *x, Weight gamma, Weight beta, gboolean relu, NormPooling pooling,
    Group *group, guint thread, double *stats)
{
  NormStep *s = push_norm (tape, x, gamma, beta, relu, group != NULL);
  const gsize pixels = var_pixels (x), c = x->c;

  s->group = group;
  s->thread = thread;
  memset (s->sums, 0, 2 * c * sizeof (double));
  sum_squares (s->sums, x->value, pixels, c);
  norm_stats_set (stats, s->sums, s->sums + c, pixels, x->n, c, pooling);
  const double weight = stats[0];
  if (group != NULL)
    group_sum_doubles (group, thread, stats, norm_stats_size (c));
  norm_stats_finish (stats, c, s->mean, s->rstd);
  invert (s->rstd, c);
  s->share = pixels > 0 ? weight / ((double) pixels * stats[0]) : 0;
  norm_forward (s);
  return s->y;
}

/* --- Group norm ------------------------------------------------------------------------------- */

typedef struct {
  Var *x, *y;
  Weight gamma, beta;
  guint n_groups;
  double *mean, *rstd; /* per image and group */
} GroupStep;

/* Equivalent loop: for every number of image `n`, group `g`: its place in value and grad. */
#define FOR_GROUP(x, n, g, size, at, channel)                                                      \
  for (gsize p_ = 0; p_ < (x)->h * (x)->w; p_++)                                                   \
    for (gsize channel = (g) * (size), at = ((n) * (x)->h * (x)->w + p_) * (x)->c + channel;       \
         channel < ((g) + 1) * (size); channel++, at++)

static void
group_forward (GroupStep *s, gsize n, gsize g)
{
  const Var *x = s->x;
  const gsize size = x->c / s->n_groups;
  const double count = (double) (x->h * x->w * size);
  double sum = 0, sum_sq = 0;

  FOR_GROUP (x, n, g, size, at, channel)
  {
    sum += (double) x->value[at];
    sum_sq += (double) x->value[at] * (double) x->value[at];
  }
  const double mean = sum / count;
  const double rstd = 1 / sqrt (MAX (0.0, sum_sq / count - mean * mean) + NORM_EPSILON);
  FOR_GROUP (x, n, g, size, at, channel)
  {
    s->y->value[at] =
        (Real) (((double) x->value[at] - mean) * rstd * (double) s->gamma.value[channel]
            + (double) s->beta.value[channel]);
  }
  s->mean[n * s->n_groups + g] = mean;
  s->rstd[n * s->n_groups + g] = rstd;
}

static void
group_backward_one (const GroupStep *s, gsize n, gsize g)
{
  const Var *x = s->x;
  const gsize size = x->c / s->n_groups;
  const double count = (double) (x->h * x->w * size);
  const double mean = s->mean[n * s->n_groups + g], rstd = s->rstd[n * s->n_groups + g];
  double sum = 0, product = 0;

  FOR_GROUP (x, n, g, size, at, channel)
  {
    const double dy = (double) s->y->grad[at], unit = ((double) x->value[at] - mean) * rstd;
    if (s->gamma.grad != NULL)
      s->gamma.grad[channel] += (Real) (dy * unit);
    if (s->beta.grad != NULL)
      s->beta.grad[channel] += (Real) dy;
    sum += dy * (double) s->gamma.value[channel];
    product += dy * (double) s->gamma.value[channel] * unit;
  }
  if (x->grad == NULL)
    return;
  FOR_GROUP (x, n, g, size, at, channel)
  {
    const double unit = ((double) x->value[at] - mean) * rstd;
    const double d = (double) s->y->grad[at] * (double) s->gamma.value[channel];
    x->grad[at] += (Real) (rstd * (d - (sum + unit * product) / count));
  }
}

static void
group_backward (gpointer data)
{
  const GroupStep *s = data;

  for (gsize n = 0; n < s->x->n; n++) {
    for (gsize g = 0; g < s->n_groups; g++)
      group_backward_one (s, n, g);
  }
}

Var *
op_group_norm (Tape *tape, Var *x, guint n_groups, Weight gamma, Weight beta)
{
  const gboolean wants_grad = x->wants_grad || gamma.grad != NULL || beta.grad != NULL;
  Var *y = tape_var (tape, x->n, x->h, x->w, x->c, wants_grad);
  GroupStep *s = tape_push (tape, sizeof *s, wants_grad ? group_backward : NULL, y, x, NULL);

  *s = (GroupStep){ .x = x, .y = y, .gamma = gamma, .beta = beta, .n_groups = n_groups };
  s->mean = tape_alloc (tape, x->n * n_groups * sizeof (double));
  s->rstd = tape_alloc (tape, x->n * n_groups * sizeof (double));
  for (gsize n = 0; n < x->n; n++) {
    for (gsize g = 0; g < n_groups; g++)
      group_forward (s, n, g);
  }
  return s->y;
}
