/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The optimiser; see sgd.h.
 */
#include "sgd.h"

#include <string.h>

static const char *const falls[N_FALLS] = {
  [FALL_COSINE] = "cosine",
  [FALL_MULTI_STEP] = "multistep",
  [FALL_STEP] = "step",
  [FALL_EXPONENTIAL] = "exponential",
  [FALL_NONE] = "constant",
};

const char *
fall_name (Fall fall)
{
  return falls[fall];
}

Fall
fall_find (const char *name)
{
  guint fall = 0;

  while (fall < N_FALLS && strcmp (falls[fall], name) != 0)
    fall++;
  return (Fall) fall;
}

static double
cosine (const Schedule *s, double where)
{
  const double end = s->end_rate / s->base_rate;

  return end + 0.5 * (1 - end) * (1 + cos (G_PI * where));
}

static guint
count_milestones (const Schedule *s, double iteration)
{
  guint n = 0;

  while (n < s->n_milestones && iteration >= s->milestones[n])
    n++;
  return n;
}

/* Of the base rate, without the warm-up; `where` is the iteration's share of all. */
static double
fallen (const Schedule *s, double where)
{
  const double iteration = round (where * s->iterations);

  switch (s->fall) {
    case FALL_COSINE:
      return cosine (s, where);
    case FALL_MULTI_STEP:
      return pow (s->gamma, count_milestones (s, iteration));
    case FALL_STEP:
      return pow (s->gamma, floor (iteration / MAX (s->period, 1)));
    case FALL_EXPONENTIAL:
      return pow (s->gamma, where);
    case FALL_NONE:
    case N_FALLS:
      break;
  }
  return 1;
}

double
schedule_rate (const Schedule *s, guint iteration)
{
  const double where = (double) iteration / s->iterations;
  const double warmup = MIN ((double) s->warmup_iterations / s->iterations, 1.0);

  if (where >= warmup)
    return s->base_rate * fallen (s, where);
  const double target = fallen (s, warmup);
  return s->base_rate * (s->warmup_factor + (target - s->warmup_factor) * where / warmup);
}

SgdState
sgd_state_new (const Params *params)
{
  return (SgdState){ g_new0 (Real, params->n_values), g_new0 (Real, params->n_values),
    g_memdup2 (params->values, params->n_values * sizeof (Real)),
    g_memdup2 (params->statistics_values, params->n_statistics * sizeof (Real)) };
}

void
sgd_state_clear (SgdState *state)
{
  g_free (state->momentum);
  g_free (state->squares);
  g_free (state->ema_values);
  g_free (state->ema_statistics);
  *state = (SgdState){ NULL };
}

double
sgd_norm (const Real *gradient, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += (double) gradient[i] * (double) gradient[i];
  return sqrt (sum);
}

void
sgd_step (Params *params, SgdState *state, const SgdSettings *settings, const Real *gradient,
    double gradient_norm, double rate, guint64 step, guint part, guint n_parts)
{
  const double limit = settings->clip_norm;
  const double scale = limit > 0 && gradient_norm > limit ? limit / gradient_norm : 1;

  for (guint i = part; i < params->params->len; i += n_parts) {
    const Param *p = params_get (params->params, (gint) i);
    const SolverRow row = { params->values + p->begin, state->momentum + p->begin,
      state->squares + p->begin, gradient + p->begin, p->n, scale };
    if (!p->frozen)
      solver_step (&row, &settings->solver, rate, settings->momentum,
          p->norm ? settings->norm_weight_decay : settings->weight_decay, step);
  }
}

/* In this form an average of numbers that stay stays, too, to the bit. */
static void
average (Real *mean, const Real *x, gsize n, double decay)
{
  for (gsize i = 0; i < n; i++)
    mean[i] += (Real) (1 - decay) * (x[i] - mean[i]);
}

void
sgd_average (const Params *params, SgdState *state, const SgdSettings *settings, guint64 step)
{
  double decay = settings->ema_decay;

  if (settings->ema_warmup >= 0)
    decay = MIN (decay, (1 + (double) step) / (settings->ema_warmup + (double) step));
  average (state->ema_values, params->values, params->n_values, decay);
  average (state->ema_statistics, params->statistics_values, params->n_statistics, decay);
}
