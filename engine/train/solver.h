/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One step of an optimiser for a row of parameters. Semantics: torch.optim, each by the formula of its
 * documentation: SGD with momentum and Nesterov's (Sutskever et al. 2013), Adam (Kingma and Ba 2014), AdamW
 * (Loshchilov and Hutter 2017), RMSprop (Graves 2013), Adagrad (Duchi et al. 2011), Adadelta (Zeiler 2012).
 */
#ifndef FBNET_TRAIN_SOLVER_H
#define FBNET_TRAIN_SOLVER_H

#include "real.h"

typedef enum {
  SOLVER_SGD,
  SOLVER_ADAM,
  SOLVER_ADAMW,
  SOLVER_RMSPROP,
  SOLVER_ADAGRAD,
  SOLVER_ADADELTA,
  N_SOLVERS,
} SolverKind;

typedef struct {
  SolverKind kind;
  gboolean nesterov;   /* SGD */
  double beta1, beta2; /* Adam, AdamW: of the gradient's mean and of its square's */
  double rho;          /* RMSprop's alpha; Adadelta: of the square's mean */
  double epsilon;      /* what keeps a divisor from 0 */
} SolverSettings;

/* torch's own numbers: betas 0.9 and 0.999; alpha 0.99, rho 0.9; epsilon 1e-8, Adagrad 1e-10, Adadelta
 * 1e-6. */
SolverSettings solver_settings_of (SolverKind kind);

/* "sgd", …; N_SOLVERS: none is called so. */
const char *solver_name (SolverKind kind);
SolverKind solver_find (const char *name);

/* torch's learning rate, or what detectors are trained with. */
double solver_usual_rate (SolverKind kind);

/* What a row has: its numbers, two memories (0 at first) of the solver's own, and the gradient, which is
 * multiplied by `scale` first. */
typedef struct {
  Real *value, *first, *second;
  const Real *gradient;
  gsize n;
  double scale;
} SolverRow;

/* Step number `step`, from 1. */
void solver_step (const SolverRow *row, const SolverSettings *settings, double rate,
    double momentum, double decay, guint64 step);

#endif
