/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From gradients to better parameters: learning rate over time, the solver's step with momentum and weight
 * decay, and the moving average of what was learned. Semantics: torch.optim; detectron2 solver/build.py
 * (WarmupCosineLR, WarmupMultiStepLR, weight decay of norms apart), solver/lr_scheduler.py
 * WarmupParamScheduler, fvcore's CosineParamScheduler, MultiStepParamScheduler and
 * ExponentialParamScheduler; d2go modeling/ema.py EMAUpdater.
 */
#ifndef FBNET_TRAIN_SGD_H
#define FBNET_TRAIN_SGD_H

#include "params.h"
#include "solver.h"

/* How the rate falls, once it has risen. */
typedef enum {
  FALL_COSINE,      /* to end_rate, along half a wave */
  FALL_MULTI_STEP,  /* to `gamma` times of it at each of the milestones */
  FALL_STEP,        /* the same after every `period` iterations */
  FALL_EXPONENTIAL, /* to `gamma` times of it at the end, by the same factor each iteration */
  FALL_NONE,
  N_FALLS,
} Fall;

/* "cosine", "multistep", …; N_FALLS: none is called so. */
const char *fall_name (Fall fall);
Fall fall_find (const char *name);

#define MAX_MILESTONES 16

typedef struct {
  guint iterations;
  double base_rate, end_rate; /* SOLVER.BASE_LR, BASE_LR_END */
  guint warmup_iterations;
  double warmup_factor; /* of the base rate, at the first iteration */
  Fall fall;
  double gamma;                     /* SOLVER.GAMMA */
  guint milestones[MAX_MILESTONES]; /* SOLVER.STEPS, ascending */
  guint n_milestones;
  guint period;
} Schedule;

/* The learning rate of an iteration, 0 … iterations - 1. */
double schedule_rate (const Schedule *schedule, guint iteration);

typedef struct {
  double momentum;
  double weight_decay, norm_weight_decay;
  double clip_norm;  /* the gradient is shortened to this norm; 0: never */
  double ema_decay;  /* 0: there is no moving average */
  double ema_warmup; /* d2go DECAY_WARM_UP_FACTOR; negative: the decay is the same from the start */
  SolverSettings solver;
} SgdSettings;

/* What an optimiser remembers, in the vectors' order. */
typedef struct {
  Real *momentum;                    /* n_values */
  Real *squares;                     /* n_values; of solvers that have two memories */
  Real *ema_values, *ema_statistics; /* begin as the parameters */
} SgdState;

SgdState sgd_state_new (const Params *params);
void sgd_state_clear (SgdState *state);

/* Euclidean norm. */
double sgd_norm (const Real *gradient, gsize n);

/* Step number `step`, from 1, for the share `part` of `n_parts` of the parameters, by the mean gradient.
 * `gradient_norm` is that of the whole. */
void sgd_step (Params *params, SgdState *state, const SgdSettings *settings, const Real *gradient,
    double gradient_norm, double rate, guint64 step, guint part, guint n_parts);

/* The moving average takes in parameters and statistics after step number `step`, from 1. */
void sgd_average (const Params *params, SgdState *state, const SgdSettings *settings, guint64 step);

#endif
