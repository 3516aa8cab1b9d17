/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sums over the workers of a run: threads, and several processes through a link.
 */
#include "train/group.h"

#include <string.h>

#include "threads.h"

#define MAX_THREADS 4
#define MAX_RANKS   3

/* --- Several groups as if they were processes ------------------------------------------------- */

/* Where the ranks meet: each lays its numbers down, all wait, each adds up all in the ranks' order. */
typedef struct {
  Group *meeting; /* only its group_wait() is used: a "thread" per rank */
  const void *numbers[MAX_RANKS];
  guint n_ranks;
} Place;

typedef struct {
  Place *place;
  guint rank;
  guint n_calls;
} Rank;

static void
link_sum_reals (gpointer data, Real *x, gsize n)
{
  Rank *rank = data;
  g_autofree Real *own = g_memdup2 (x, n * sizeof (Real));

  rank->n_calls++;
  rank->place->numbers[rank->rank] = own;
  group_wait (rank->place->meeting);
  for (gsize i = 0; i < n; i++) {
    x[i] = 0;
    for (guint r = 0; r < rank->place->n_ranks; r++)
      x[i] += ((const Real *) rank->place->numbers[r])[i];
  }
  group_wait (rank->place->meeting);
}

static void
link_sum_doubles (gpointer data, double *x, gsize n)
{
  Rank *rank = data;
  g_autofree double *own = g_memdup2 (x, n * sizeof (double));

  rank->n_calls++;
  rank->place->numbers[rank->rank] = own;
  group_wait (rank->place->meeting);
  for (gsize i = 0; i < n; i++) {
    x[i] = 0;
    for (guint r = 0; r < rank->place->n_ranks; r++)
      x[i] += ((const double *) rank->place->numbers[r])[i];
  }
  group_wait (rank->place->meeting);
}

/* --- Workers ---------------------------------------------------------------------------------- */

/* n_ranks groups of n_threads threads each; a worker per thread of each. */
typedef struct {
  guint n_threads, n_ranks;
  Place place;
  Rank ranks[MAX_RANKS];
  Group *groups[MAX_RANKS];
  gsize n;
  Real *reals[MAX_THREADS * MAX_RANKS];
  double *doubles[MAX_THREADS * MAX_RANKS];
  gboolean votes[MAX_THREADS * MAX_RANKS];
  gboolean any[MAX_THREADS * MAX_RANKS];
} Run;

static Run *
run_new (guint n_threads, guint n_ranks, gsize n)
{
  Run *run = g_new0 (Run, 1);

  run->n_threads = n_threads;
  run->n_ranks = n_ranks;
  run->n = n;
  run->place.meeting = group_new (n_ranks, NULL);
  run->place.n_ranks = n_ranks;
  for (guint r = 0; r < n_ranks; r++) {
    const GroupLink link = { r, n_ranks, link_sum_reals, link_sum_doubles, &run->ranks[r] };
    run->ranks[r] = (Rank){ &run->place, r, 0 };
    run->groups[r] = group_new (n_threads, n_ranks > 1 ? &link : NULL);
    g_assert_cmpuint (group_n_threads (run->groups[r]), ==, n_threads);
    g_assert_cmpuint (group_size (run->groups[r]), ==, n_threads * n_ranks);
  }
  for (guint w = 0; w < n_threads * n_ranks; w++) {
    run->reals[w] = g_new (Real, n);
    run->doubles[w] = g_new (double, n);
  }
  return run;
}

static void
run_free (Run *run)
{
  for (guint w = 0; w < run->n_threads * run->n_ranks; w++) {
    g_free (run->reals[w]);
    g_free (run->doubles[w]);
  }
  for (guint r = 0; r < run->n_ranks; r++)
    group_free (run->groups[r]);
  group_free (run->place.meeting);
  g_free (run);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Run, run_free)

/* The same numbers each time, of very different sizes, so that the order of a sum shows in its bits. */
static void
fill (Run *run)
{
  for (guint w = 0; w < run->n_threads * run->n_ranks; w++) {
    for (gsize i = 0; i < run->n; i++) {
      const double x = sin (1.0 + 12.9898 * (double) i + 78.233 * w);
      run->doubles[w][i] = ldexp (x, (int) ((i + 5 * w) % 23));
      run->reals[w][i] = (Real) run->doubles[w][i];
    }
  }
}

static void
sum_worker (guint worker, gpointer data)
{
  Run *run = data;
  const guint rank = worker / run->n_threads, thread = worker % run->n_threads;
  Group *group = run->groups[rank];

  g_assert_cmpuint (group_rank (group, thread), ==, worker);
  group_sum_reals (group, thread, run->reals[worker], run->n);
  group_sum_doubles (group, thread, run->doubles[worker], run->n);
  run->any[worker] = group_any (group, thread, run->votes[worker]);
}

static void
run_all (Run *run)
{
  fill (run);
  threads_run (run->n_threads * run->n_ranks, sum_worker, run);
}

/* Element i as the header says: each process adds up its threads in their order, then the processes. */
static Real
sum_plainly (const Run *reference, gsize i)
{
  Real sum = 0;

  for (guint r = 0; r < reference->n_ranks; r++) {
    Real part = reference->reals[r * reference->n_threads][i];
    for (guint t = 1; t < reference->n_threads; t++)
      part += reference->reals[r * reference->n_threads + t][i];
    sum += part;
  }
  return sum;
}

static double
sum_doubles_plainly (const Run *reference, gsize i)
{
  double sum = 0;

  for (guint r = 0; r < reference->n_ranks; r++) {
    double part = reference->doubles[r * reference->n_threads][i];
    for (guint t = 1; t < reference->n_threads; t++)
      part += reference->doubles[r * reference->n_threads + t][i];
    sum += part;
  }
  return sum;
}

static void
check_sums (guint n_threads, guint n_ranks, gsize n)
{
  g_autoptr (Run) run = run_new (n_threads, n_ranks, n);
  g_autoptr (Run) before = run_new (n_threads, n_ranks, n);

  fill (before);
  for (guint round = 0; round < 3; round++) {
    run_all (run);
    for (guint w = 0; w < n_threads * n_ranks; w++) {
      for (gsize i = 0; i < n; i++) {
        g_assert_true (run->reals[w][i] == sum_plainly (before, i));
        g_assert_true (run->doubles[w][i] == sum_doubles_plainly (before, i));
      }
    }
  }
  if (n_ranks > 1)
    g_assert_cmpuint (run->ranks[0].n_calls, ==, 9);
}

/* Sums of one to four threads in one to three processes, of no elements, fewer than threads, and many,
 * are those of the workers' order to the bit, for every worker and each time. */
static void
test_sums (void)
{
  static const gsize sizes[] = { 0, 1, 2, 3, 5, 1003 };

  for (guint threads = 1; threads <= MAX_THREADS; threads++) {
    for (guint ranks = 1; ranks <= MAX_RANKS; ranks++) {
      for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
        check_sums (threads, ranks, sizes[s]);
    }
  }
}

/* One worker's vote is enough, whoever it is; none is none. */
static void
test_any (void)
{
  for (guint threads = 1; threads <= MAX_THREADS; threads++) {
    for (guint ranks = 1; ranks <= MAX_RANKS; ranks++) {
      g_autoptr (Run) run = run_new (threads, ranks, 1);
      const guint n = threads * ranks;
      for (guint voter = 0; voter <= n; voter++) {
        for (guint w = 0; w < n; w++)
          run->votes[w] = w == voter;
        run_all (run);
        for (guint w = 0; w < n; w++)
          g_assert_true (run->any[w] == (voter < n));
      }
    }
  }
}

/* --- Waiting ---------------------------------------------------------------------------------- */

#define N_ROUNDS 2000

typedef struct {
  Group *group;
  gint arrived; /* atomic */
  gint early;   /* workers that went on before all were there */
} Meeting;

static void
meet (guint thread, gpointer data)
{
  Meeting *meeting = data;

  for (gint round = 1; round <= N_ROUNDS; round++) {
    g_atomic_int_inc (&meeting->arrived);
    group_wait (meeting->group);
    if (g_atomic_int_get (&meeting->arrived) < round * MAX_THREADS)
      g_atomic_int_inc (&meeting->early);
  }
}

/* Nobody goes on before everybody is there, over many rounds. */
static void
test_wait (void)
{
  Meeting meeting = { group_new (MAX_THREADS, NULL), 0, 0 };

  threads_run (MAX_THREADS, meet, &meeting);
  g_assert_cmpint (meeting.arrived, ==, N_ROUNDS * MAX_THREADS);
  g_assert_cmpint (meeting.early, ==, 0);
  group_free (meeting.group);
  group_free (NULL);
}

/* Whatever number of processors there is, the threads share the samples evenly, and none is wasted that
 * could have helped. */
static void
test_even_threads (void)
{
  static const guint of_eight[] = { 1, 1, 2, 2, 4, 4, 4, 4, 8, 8 };

  for (guint n = 0; n < G_N_ELEMENTS (of_eight); n++)
    g_assert_cmpuint (group_even_threads (8, n), ==, of_eight[n]);
  for (guint n = 1; n < 40; n++) {
    for (guint processors = 1; processors < 40; processors++) {
      const guint threads = group_even_threads (n, processors);
      g_assert_cmpuint (n % threads, ==, 0);
      g_assert_cmpuint (threads, <=, processors);
      for (guint more = threads + 1; more <= MIN (n, processors); more++)
        g_assert_cmpuint (n % more, !=, 0);
    }
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/train/group/sums", test_sums);
  g_test_add_func ("/train/group/any", test_any);
  g_test_add_func ("/train/group/wait", test_wait);
  g_test_add_func ("/training/group/even-threads", test_even_threads);
  return g_test_run ();
}
