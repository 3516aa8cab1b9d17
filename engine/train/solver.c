/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Optimisers; see solver.h. Loops run along parameters: each is computed alone.
 */
#include "solver.h"

#include <string.h>

static const struct {
  const char *name;
  double rate, rho, epsilon;
} solvers[N_SOLVERS] = {
  [SOLVER_SGD] = { "sgd", 0.02, 0, 0 },
  [SOLVER_ADAM] = { "adam", 5e-4, 0, 1e-8 },
  [SOLVER_ADAMW] = { "adamw", 5e-4, 0, 1e-8 },
  [SOLVER_RMSPROP] = { "rmsprop", 5e-4, 0.99, 1e-8 },
  [SOLVER_ADAGRAD] = { "adagrad", 0.01, 0, 1e-10 },
  [SOLVER_ADADELTA] = { "adadelta", 1, 0.9, 1e-6 },
};

SolverSettings
solver_settings_of (SolverKind kind)
{
  return (SolverSettings){ .kind = kind,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .rho = solvers[kind].rho,
    .epsilon = solvers[kind].epsilon };
}

const char *
solver_name (SolverKind kind)
{
  return solvers[kind].name;
}

SolverKind
solver_find (const char *name)
{
  guint kind = 0;

  while (kind < N_SOLVERS && strcmp (solvers[kind].name, name) != 0)
    kind++;
  return (SolverKind) kind;
}

double
solver_usual_rate (SolverKind kind)
{
  return solvers[kind].rate;
}

/* momentum = momentum × before + gradient + decay × value; value -= rate × momentum. */
TRAIN_LOOP static void
step_sgd (Real *restrict value, Real *restrict velocity, const Real *restrict gradient, gsize n,
    Real scale, Real momentum, Real decay, Real rate)
{
  for (gsize i = 0; i < n; i++) {
    velocity[i] = momentum * velocity[i] + (scale * gradient[i] + decay * value[i]);
    value[i] -= rate * velocity[i];
  }
}

/* The gradient once more on top of the velocity. */
TRAIN_LOOP static void
step_nesterov (Real *restrict value, Real *restrict velocity, const Real *restrict gradient,
    gsize n, Real scale, Real momentum, Real decay, Real rate)
{
  for (gsize i = 0; i < n; i++) {
    const Real g = scale * gradient[i] + decay * value[i];
    velocity[i] = momentum * velocity[i] + g;
    value[i] -= rate * (g + momentum * velocity[i]);
  }
}

typedef struct {
  Real scale, beta1, beta2, epsilon, rate;
  Real decay, shrink; /* Adam: added to the gradient; AdamW: factor of the value */
  Real correction;    /* of the root of the second moment */
} AdamStep;

TRAIN_LOOP static void
step_adam (Real *restrict value, Real *restrict mean, Real *restrict square,
    const Real *restrict gradient, gsize n, const AdamStep *s)
{
  for (gsize i = 0; i < n; i++) {
    const Real g = s->scale * gradient[i] + s->decay * value[i];
    mean[i] = s->beta1 * mean[i] + (1 - s->beta1) * g;
    square[i] = s->beta2 * square[i] + (1 - s->beta2) * g * g;
    value[i] =
        s->shrink * value[i] - s->rate * mean[i] / (sqrt (square[i]) / s->correction + s->epsilon);
  }
}

static void
adam (const SolverRow *row, const SolverSettings *settings, double rate, double decay, guint64 step)
{
  const gboolean apart = settings->kind == SOLVER_ADAMW;
  const AdamStep s = {
    .scale = (Real) row->scale,
    .beta1 = (Real) settings->beta1,
    .beta2 = (Real) settings->beta2,
    .epsilon = (Real) settings->epsilon,
    .rate = (Real) (rate / (1 - pow (settings->beta1, (double) step))),
    .decay = (Real) (apart ? 0 : decay),
    .shrink = (Real) (apart ? 1 - rate * decay : 1),
    .correction = (Real) sqrt (1 - pow (settings->beta2, (double) step)),
  };

  step_adam (row->value, row->first, row->second, row->gradient, row->n, &s);
}

/* Not centred. */
TRAIN_LOOP static void
step_rmsprop (Real *restrict value, Real *restrict velocity, Real *restrict square,
    const Real *restrict gradient, gsize n, Real scale, Real momentum, Real decay, Real rate,
    Real alpha, Real epsilon)
{
  for (gsize i = 0; i < n; i++) {
    const Real g = scale * gradient[i] + decay * value[i];
    square[i] = alpha * square[i] + (1 - alpha) * g * g;
    velocity[i] = momentum * velocity[i] + g / ((Real) sqrt (square[i]) + epsilon);
    value[i] -= rate * velocity[i];
  }
}

/* Without torch's lr_decay: schedules are the program's. */
TRAIN_LOOP static void
step_adagrad (Real *restrict value, Real *restrict sum, const Real *restrict gradient, gsize n,
    Real scale, Real decay, Real rate, Real epsilon)
{
  for (gsize i = 0; i < n; i++) {
    const Real g = scale * gradient[i] + decay * value[i];
    sum[i] += g * g;
    value[i] -= rate * g / ((Real) sqrt (sum[i]) + epsilon);
  }
}

TRAIN_LOOP static void
step_adadelta (Real *restrict value, Real *restrict deltas, Real *restrict square,
    const Real *restrict gradient, gsize n, Real scale, Real decay, Real rate, Real rho,
    Real epsilon)
{
  for (gsize i = 0; i < n; i++) {
    const Real g = scale * gradient[i] + decay * value[i];
    square[i] = rho * square[i] + (1 - rho) * g * g;
    const Real delta = (Real) sqrt (deltas[i] + epsilon) / (Real) sqrt (square[i] + epsilon) * g;
    deltas[i] = rho * deltas[i] + (1 - rho) * delta * delta;
    value[i] -= rate * delta;
  }
}

void
solver_step (const SolverRow *row, const SolverSettings *settings, double rate, double momentum,
    double decay, guint64 step)
{
  const Real s = (Real) row->scale, m = (Real) momentum, d = (Real) decay, r = (Real) rate;
  const Real rho = (Real) settings->rho, epsilon = (Real) settings->epsilon;

  switch (settings->kind) {
    case SOLVER_SGD:
      (settings->nesterov ? step_nesterov : step_sgd) (row->value, row->first, row->gradient,
          row->n, s, m, d, r);
      return;
    case SOLVER_ADAM:
    case SOLVER_ADAMW:
      adam (row, settings, rate, decay, step);
      return;
    case SOLVER_RMSPROP:
      step_rmsprop (row->value, row->first, row->second, row->gradient, row->n, s, m, d, r, rho,
          epsilon);
      return;
    case SOLVER_ADAGRAD:
      step_adagrad (row->value, row->second, row->gradient, row->n, s, d, r, epsilon);
      return;
    case SOLVER_ADADELTA:
      step_adadelta (row->value, row->first, row->second, row->gradient, row->n, s, d, r, rho,
          epsilon);
      return;
    case N_SOLVERS:
      break;
  }
  g_assert_not_reached ();
}
