/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Batch norms whose statistics are pooled over workers, in double precision: against finite differences
 * of the sum of all workers' losses, against one norm over everything, and against the definition.
 */
#include "gradients.h"
#include "threads.h"

#include <string.h>

#define MAX_WORKERS 4
#define CHANNELS    3

static const NormPooling poolings[] = { POOL_PIXELS, POOL_EQUALLY, POOL_IMAGES };

/* Images of each worker; the third has none, the fourth smaller ones. */
static const struct {
  gsize n, h, w;
} batches[MAX_WORKERS] = { { 2, 3, 4 }, { 1, 5, 2 }, { 0, 3, 3 }, { 3, 1, 2 } };

typedef struct {
  guint n_workers;
  NormPooling pooling;
  Leaf x[MAX_WORKERS], gamma, beta;
  Leaf own_gamma[MAX_WORKERS], own_beta[MAX_WORKERS]; /* each worker's gradients */
  Tape *tapes[MAX_WORKERS];
  Real *y[MAX_WORKERS];
  double stats[MAX_WORKERS][1 + 2 * CHANNELS];
  double losses[MAX_WORKERS];
  Group *group;
  gboolean backward;
} Norms;

static Norms *
norms_new (guint n_workers, NormPooling pooling)
{
  Norms *norms = g_new0 (Norms, 1);

  norms->n_workers = n_workers;
  norms->pooling = pooling;
  norms->group = group_new (n_workers, NULL);
  norms->gamma = leaf_new (1, 1, 1, CHANNELS, TRUE);
  norms->beta = leaf_new (1, 1, 1, CHANNELS, TRUE);
  for (guint t = 0; t < n_workers; t++) {
    norms->x[t] = leaf_new (batches[t].n, batches[t].h, batches[t].w, CHANNELS, TRUE);
    norms->own_gamma[t] = leaf_new (1, 1, 1, CHANNELS, TRUE);
    norms->own_beta[t] = leaf_new (1, 1, 1, CHANNELS, TRUE);
    norms->tapes[t] = tape_new ();
    norms->y[t] = g_new0 (Real, leaf_size (&norms->x[t]));
    for (gsize i = 0; i < leaf_size (&norms->x[t]); i++)
      norms->x[t].value[i] += 0.5 * t; /* workers differ in their mean */
  }
  return norms;
}

static void
norms_free (Norms *norms)
{
  group_free (norms->group);
  leaf_clear (&norms->gamma);
  leaf_clear (&norms->beta);
  for (guint t = 0; t < norms->n_workers; t++) {
    leaf_clear (&norms->x[t]);
    leaf_clear (&norms->own_gamma[t]);
    leaf_clear (&norms->own_beta[t]);
    tape_free (norms->tapes[t]);
    g_free (norms->y[t]);
  }
  g_free (norms);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Norms, norms_free)

/* The weights of worker t's loss. */
static double
phase_of (guint t)
{
  return 0.3 + 1.7 * t;
}

static void
run_worker (guint t, gpointer data)
{
  Norms *norms = data;
  Tape *tape = norms->tapes[t];
  Var *x = leaf_var (&norms->x[t], tape);
  Var *y = op_batch_norm (tape, x, (Weight){ norms->gamma.value, norms->own_gamma[t].grad },
      (Weight){ norms->beta.value, norms->own_beta[t].grad }, FALSE, norms->pooling, norms->group,
      t, norms->stats[t]);

  norms->losses[t] = weighed_sum (tape, y, phase_of (t));
  if (var_size (y) > 0)
    memcpy (norms->y[t], y->value, var_size (y) * sizeof (Real));
  if (norms->backward) {
    tape_backward (tape);
    leaf_take (&norms->x[t], x);
  }
  tape_reset (tape);
}

/* Sum of the workers' losses. Gamma's and beta's gradients are sums over the workers. */
static double
norms_loss (Tape *unused, gpointer data, gboolean backward)
{
  Norms *norms = data;
  double loss = 0;

  norms->backward = backward;
  for (guint t = 0; t < norms->n_workers; t++) {
    memset (norms->own_gamma[t].grad, 0, CHANNELS * sizeof (Real));
    memset (norms->own_beta[t].grad, 0, CHANNELS * sizeof (Real));
  }
  threads_run (norms->n_workers, run_worker, norms);
  for (guint t = 0; t < norms->n_workers; t++) {
    loss += norms->losses[t];
    for (guint c = 0; c < CHANNELS && backward; c++) {
      norms->gamma.grad[c] += norms->own_gamma[t].grad[c];
      norms->beta.grad[c] += norms->own_beta[t].grad[c];
    }
  }
  return loss;
}

/* The gradients of the sum of all workers' losses, for one to four workers with unequal batches, one
 * of them empty, for every way of pooling. */
static void
test_gradients (void)
{
  for (guint n = 1; n <= MAX_WORKERS; n++) {
    for (guint p = 0; p < G_N_ELEMENTS (poolings); p++) {
      g_autoptr (Norms) norms = norms_new (n, poolings[p]);
      g_autofree char *what = g_strdup_printf ("%u workers, pooling %u", n, p);
      Leaf *leaves[2 + MAX_WORKERS] = { &norms->gamma, &norms->beta };
      for (guint t = 0; t < n; t++)
        leaves[2 + t] = &norms->x[t];
      check_gradients (what, norms_loss, norms, leaves, 2 + n);
    }
  }
}

/* --- One norm over everything ----------------------------------------------------------------- */

/* All workers' pixels as one image. */
static Var *
concatenate (const Norms *norms, Tape *tape)
{
  gsize n = 0, at = 0;

  for (guint t = 0; t < norms->n_workers; t++)
    n += leaf_size (&norms->x[t]);
  Var *all = tape_var (tape, 1, 1, n / CHANNELS, CHANNELS, TRUE);
  for (guint t = 0; t < norms->n_workers; t++) {
    for (gsize i = 0; i < leaf_size (&norms->x[t]); i++)
      all->value[at++] = norms->x[t].value[i];
  }
  return all;
}

static void
assert_near (const Real *found, const Real *expected, gsize n)
{
  for (gsize i = 0; i < n; i++)
    g_assert_cmpfloat_with_epsilon (found[i], expected[i], 1e-11);
}

/* SyncBN: output, input gradients, and the sums of gamma's and beta's gradients are those of one batch
 * norm over all workers' pixels together. */
static void
test_sync (void)
{
  g_autoptr (Norms) norms = norms_new (MAX_WORKERS, POOL_PIXELS);
  Leaf gamma = leaf_new (1, 1, 1, CHANNELS, TRUE), beta = leaf_new (1, 1, 1, CHANNELS, TRUE);
  double stats[1 + 2 * CHANNELS];
  Tape *tape = tape_new ();
  Var *x = concatenate (norms, tape);
  Var *y = op_batch_norm (tape, x, (Weight){ norms->gamma.value, gamma.grad },
      (Weight){ norms->beta.value, beta.grad }, FALSE, POOL_PIXELS, NULL, 0, stats);

  norms_loss (NULL, norms, TRUE);
  for (gsize t = 0, at = 0; t < MAX_WORKERS; at += leaf_size (&norms->x[t++])) {
    for (gsize i = 0; i < leaf_size (&norms->x[t]); i++)
      tape_open_gradient (tape, y)[at + i] = cos (phase_of ((guint) t) + 2.3 * (double) i);
  }
  tape_backward (tape);
  for (gsize t = 0, at = 0; t < MAX_WORKERS; at += leaf_size (&norms->x[t++])) {
    assert_near (norms->y[t], y->value + at, leaf_size (&norms->x[t]));
    assert_near (norms->x[t].grad, x->grad + at, leaf_size (&norms->x[t]));
    assert_near (norms->stats[t], stats, 1 + 2 * CHANNELS);
  }
  assert_near (norms->gamma.grad, gamma.grad, CHANNELS);
  assert_near (norms->beta.grad, beta.grad, CHANNELS);
  leaf_clear (&gamma);
  leaf_clear (&beta);
  tape_free (tape);
}

/* --- The definition of naiveSyncBN ------------------------------------------------------------ */

/* Mean of the workers' means, mean of their means of squares, with 1 or the number of images as
 * weight; workers without images do not count. */
static void
pool_plainly (const Norms *norms, guint channel, double *mean, double *variance)
{
  double weights = 0, means = 0, squares = 0;

  for (guint t = 0; t < norms->n_workers; t++) {
    const gsize n = leaf_size (&norms->x[t]);
    const double weight = norms->pooling == POOL_IMAGES ? (double) batches[t].n : 1;
    double sum = 0, sum_sq = 0;
    if (n == 0)
      continue;
    for (gsize i = channel; i < n; i += CHANNELS) {
      sum += norms->x[t].value[i];
      sum_sq += norms->x[t].value[i] * norms->x[t].value[i];
    }
    weights += weight;
    means += weight * sum / (double) (n / CHANNELS);
    squares += weight * sum_sq / (double) (n / CHANNELS);
  }
  *mean = means / weights;
  *variance = squares / weights - *mean * *mean;
}

static void
check_naive (NormPooling pooling)
{
  g_autoptr (Norms) norms = norms_new (MAX_WORKERS, pooling);
  double found_mean[CHANNELS], found_variance[CHANNELS];

  norms_loss (NULL, norms, FALSE);
  norm_stats_finish (norms->stats[1], CHANNELS, found_mean, found_variance);
  for (guint c = 0; c < CHANNELS; c++) {
    double mean, variance;
    pool_plainly (norms, c, &mean, &variance);
    g_assert_cmpfloat_with_epsilon (found_mean[c], mean, 1e-12);
    g_assert_cmpfloat_with_epsilon (found_variance[c], variance, 1e-12);
    for (guint t = 0; t < MAX_WORKERS; t++) {
      for (gsize i = c; i < leaf_size (&norms->x[t]); i += CHANNELS)
        g_assert_cmpfloat_with_epsilon (norms->y[t][i],
            (norms->x[t].value[i] - mean) / sqrt (variance + 1e-5) * norms->gamma.value[c]
                + norms->beta.value[c],
            1e-12);
    }
  }
}

/* naiveSyncBN normalises by the mean of means and of means of squares. */
static void
test_naive (void)
{
  check_naive (POOL_EQUALLY);
  check_naive (POOL_IMAGES);
}

/* When no worker has a pixel, nothing is divided by nothing, and nothing flows back. */
static void
test_empty (void)
{
  for (guint p = 0; p < G_N_ELEMENTS (poolings); p++) {
    Group *group = group_new (1, NULL);
    Tape *tape = tape_new ();
    Leaf gamma = leaf_new (1, 1, 1, CHANNELS, TRUE);
    double stats[1 + 2 * CHANNELS], mean[CHANNELS], variance[CHANNELS];
    Var *x = tape_var (tape, 0, 4, 4, CHANNELS, TRUE);
    const Var *y = op_batch_norm (tape, x, leaf_weight (&gamma), leaf_weight (&gamma), FALSE,
        poolings[p], group, 0, stats);
    g_assert_cmpuint (var_size (y), ==, 0);
    tape_backward (tape);
    norm_stats_finish (stats, CHANNELS, mean, variance);
    for (guint c = 0; c < CHANNELS; c++) {
      g_assert_cmpfloat (mean[c], ==, 0);
      g_assert_cmpfloat (gamma.grad[c], ==, 0);
    }
    leaf_clear (&gamma);
    tape_free (tape);
    group_free (group);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/train/norms/gradients", test_gradients);
  g_test_add_func ("/train/norms/sync", test_sync);
  g_test_add_func ("/train/norms/naive", test_naive);
  g_test_add_func ("/train/norms/empty", test_empty);
  return g_test_run ();
}
