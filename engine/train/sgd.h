/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From gradients to better parameters: learning rate over time, SGD with momentum and weight decay, and
 * the moving average of what was learned. Semantics: torch.optim.SGD; detectron2 solver/build.py
 * (WarmupCosineLR, weight decay of norms apart), solver/lr_scheduler.py WarmupParamScheduler, fvcore
 * CosineParamScheduler; d2go modeling/ema.py EMAUpdater.
 */
#ifndef FBNET_TRAIN_SGD_H
#define FBNET_TRAIN_SGD_H

#include "params.h"

typedef struct {
  guint iterations;
  double base_rate, end_rate; /* SOLVER.BASE_LR, BASE_LR_END */
  guint warmup_iterations;
  double warmup_factor; /* of the base rate, at the first iteration */
} Schedule;

/* The learning rate of an iteration, 0 … iterations - 1. */
double schedule_rate (const Schedule *schedule, guint iteration);

typedef struct {
  double momentum;
  double weight_decay, norm_weight_decay;
  double clip_norm;  /* the gradient is shortened to this norm; 0: never */
  double ema_decay;  /* 0: there is no moving average */
  double ema_warmup; /* d2go DECAY_WARM_UP_FACTOR; negative: the decay is the same from the start */
} SgdSettings;

/* What an optimiser remembers, in the vectors' order. */
typedef struct {
  Real *momentum;                    /* n_values */
  Real *ema_values, *ema_statistics; /* begin as the parameters */
} SgdState;

SgdState sgd_state_new (const Params *params);
void sgd_state_clear (SgdState *state);

/* Euclidean norm. */
double sgd_norm (const Real *gradient, gsize n);

/* One step for the share `part` of `n_parts` of the parameters, by the mean gradient. `gradient_norm`
 * is that of the whole. */
void sgd_step (Params *params, SgdState *state, const SgdSettings *settings, const Real *gradient,
    double gradient_norm, double rate, guint part, guint n_parts);

/* The moving average takes in parameters and statistics after step number `step`, from 1. */
void sgd_average (const Params *params, SgdState *state, const SgdSettings *settings, guint64 step);

#endif
