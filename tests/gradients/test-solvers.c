/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Optimisers and schedules: four steps of each solver give what tests/data/make-solvers.py computes; rates fall
 * as they should.
 */
#include <string.h>

#include "train/sgd.h"

#define N_VALUES 3
#define N_STEPS  4

static const Real values[N_VALUES] = { (Real) 0.5, (Real) -1.25, (Real) 2 };
static const Real gradients[N_STEPS][N_VALUES] = { { (Real) 0.3, (Real) -0.7, (Real) 0.01 },
  { (Real) -0.2, (Real) 0.4, (Real) 0.02 }, { (Real) 0.9, (Real) 0.1, (Real) -0.03 },
  { (Real) 0.05, (Real) -0.6, (Real) 0.04 } };

/* The output of the script. */
static const struct {
  SolverKind kind;
  gboolean nesterov;
  double rate, momentum;
  double after[N_VALUES];
} cases[] = {
  { SOLVER_SGD, FALSE, 0.1, 0.9, { 0.270797160680, -1.065845770196, 1.974784268903 } },
  { SOLVER_SGD, TRUE, 0.1, 0.9, { 0.187202658144, -0.999844791952, 1.965367403455 } },
  { SOLVER_ADAM, FALSE, 0.01, 0, { 0.476406551850, -1.232356142001, 1.965994887519 } },
  { SOLVER_ADAMW, FALSE, 0.01, 0, { 0.476522256896, -1.232527748876, 1.976346325869 } },
  { SOLVER_RMSPROP, FALSE, 0.01, 0, { 0.355795528928, -1.148413895336, 1.768078665966 } },
  { SOLVER_RMSPROP, FALSE, 0.01, 0.9, { 0.121177009761, -0.996776560567, 1.414213700337 } },
  { SOLVER_ADAGRAD, FALSE, 0.1, 0, { 0.355746795065, -1.148663708277, 1.768442782352 } },
  { SOLVER_ADADELTA, FALSE, 1, 0, { 0.494211705870, -1.246502923509, 1.989962451240 } },
};

static void
test_solvers (void)
{
  for (guint c = 0; c < G_N_ELEMENTS (cases); c++) {
    SolverSettings settings = solver_settings_of (cases[c].kind);
    Real p[N_VALUES], first[N_VALUES] = { 0 }, second[N_VALUES] = { 0 };
    memcpy (p, values, sizeof p);
    settings.nesterov = cases[c].nesterov;
    for (guint step = 0; step < N_STEPS; step++) {
      const SolverRow row = { p, first, second, gradients[step], N_VALUES, 1 };
      solver_step (&row, &settings, cases[c].rate, cases[c].momentum, 0.01, step + 1);
    }
    g_test_message ("%s: %.12f, %.12f, %.12f", solver_name (cases[c].kind), (double) p[0],
        (double) p[1], (double) p[2]);
    for (guint i = 0; i < N_VALUES; i++)
      g_assert_cmpfloat_with_epsilon ((double) p[i], cases[c].after[i], 1e-11);
  }
}

/* Every solver finds the least of (x - 3)², whatever its rate is by default. */
static void
test_minimum (void)
{
  for (guint kind = 0; kind < N_SOLVERS; kind++) {
    const SolverSettings settings = solver_settings_of ((SolverKind) kind);
    Real x = 0, first = 0, second = 0;
    for (guint64 step = 1; step <= 20000; step++) {
      const Real gradient = 2 * (x - 3);
      const SolverRow row = { &x, &first, &second, &gradient, 1, 1 };
      solver_step (&row, &settings, solver_usual_rate ((SolverKind) kind), 0, 0, step);
    }
    g_test_message ("%s: %g", solver_name ((SolverKind) kind), (double) x);
    g_assert_cmpfloat_with_epsilon ((double) x, 3, 1);
    g_assert_cmpint (solver_find (solver_name ((SolverKind) kind)), ==, kind);
  }
  g_assert_cmpint (solver_find ("lion"), ==, N_SOLVERS);
}

static Schedule
schedule_of (Fall fall)
{
  return (Schedule){ .iterations = 100,
    .base_rate = 2,
    .end_rate = 0.5,
    .fall = fall,
    .gamma = 0.1,
    .milestones = { 40, 90 },
    .n_milestones = 2,
    .period = 30 };
}

/* What detectron2's and torch's schedules say, at some of the iterations. */
static void
test_schedules (void)
{
  static const struct {
    Fall fall;
    guint iteration;
    double rate;
  } points[] = {
    { FALL_COSINE, 0, 2 },
    { FALL_COSINE, 50, 1.25 },
    { FALL_MULTI_STEP, 39, 2 },
    { FALL_MULTI_STEP, 40, 0.2 },
    { FALL_MULTI_STEP, 89, 0.2 },
    { FALL_MULTI_STEP, 90, 0.02 },
    { FALL_STEP, 29, 2 },
    { FALL_STEP, 30, 0.2 },
    { FALL_STEP, 60, 0.02 },
    { FALL_STEP, 90, 0.002 },
    { FALL_EXPONENTIAL, 0, 2 },
    { FALL_EXPONENTIAL, 50, 0.632455532034 },
    { FALL_NONE, 99, 2 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (points); i++) {
    const Schedule schedule = schedule_of (points[i].fall);
    g_test_message ("%s, %u", fall_name (points[i].fall), points[i].iteration);
    g_assert_cmpfloat_with_epsilon (schedule_rate (&schedule, points[i].iteration), points[i].rate,
        1e-9);
  }
}

/* Every schedule rises in the warm-up, and is where it would be at its end. */
static void
test_warmup (void)
{
  for (guint fall = 0; fall < N_FALLS; fall++) {
    const Schedule plain = schedule_of ((Fall) fall);
    Schedule warm = plain;
    warm.warmup_iterations = 20;
    warm.warmup_factor = 0.1;
    g_assert_cmpfloat_with_epsilon (schedule_rate (&warm, 0), 0.2, 1e-12);
    for (guint i = 1; i < 20; i++)
      g_assert_cmpfloat (schedule_rate (&warm, i), >, schedule_rate (&warm, i - 1));
    for (guint i = 20; i < 100; i++)
      g_assert_cmpfloat (schedule_rate (&warm, i), ==, schedule_rate (&plain, i));
    g_assert_cmpint (fall_find (fall_name ((Fall) fall)), ==, fall);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/training/solvers/steps", test_solvers);
  g_test_add_func ("/training/solvers/minimum", test_minimum);
  g_test_add_func ("/training/solvers/schedules", test_schedules);
  g_test_add_func ("/training/solvers/warmup", test_warmup);
  return g_test_run ();
}
