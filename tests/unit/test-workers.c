/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The thread pool.
 */
#include "base/workers.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "fbnet/fbnet.h"

#define MAX_ITEMS 1000

typedef struct {
  guint n_threads;
  guint done[MAX_ITEMS];    /* plain memory: each item belongs to one call */
  atomic_uint inside[8];    /* calls running with this thread number */
  atomic_uint n_collisions; /* calls that found their number taken, or out of range */
} Tally;

static void
tally_item (gpointer data, guint item, guint thread)
{
  Tally *tally = data;
  if (thread >= tally->n_threads || atomic_fetch_add (&tally->inside[thread], 1) != 0)
    atomic_fetch_add (&tally->n_collisions, 1);
  tally->done[item]++;
  if (thread < tally->n_threads)
    atomic_fetch_sub (&tally->inside[thread], 1);
}

static void
assert_tally (const Tally *tally, guint n_items, guint times)
{
  for (guint i = 0; i < MAX_ITEMS; i++)
    g_assert_cmpuint (tally->done[i], ==, i < n_items ? times : 0);
  g_assert_cmpuint (tally->n_collisions, ==, 0);
}

static Workers *
new_workers (guint n_threads)
{
  g_autoptr (GError) error = NULL;
  Workers *workers = workers_new (n_threads, &error);
  g_assert_no_error (error);
  return workers;
}

/* Every item is done once, and no two calls share a thread number, for none to many items on one to
 * five threads, and without a pool. */
static void
test_every_item_once (void)
{
  const guint n_threads[] = { 1, 2, 5 };
  const guint n_items[] = { 0, 1, 2, 3, 7, MAX_ITEMS };
  for (guint t = 0; t < G_N_ELEMENTS (n_threads); t++) {
    Workers *workers = new_workers (n_threads[t]);
    g_assert_cmpuint (workers_count (workers), ==, n_threads[t]);
    for (guint i = 0; i < G_N_ELEMENTS (n_items); i++) {
      Tally tally = { .n_threads = n_threads[t] };
      workers_run (workers, tally_item, &tally, n_items[i]);
      assert_tally (&tally, n_items[i], 1);
    }
    workers_free (workers);
  }
  Tally alone = { .n_threads = 1 };
  workers_run (NULL, tally_item, &alone, 5);
  assert_tally (&alone, 5, 1);
  g_assert_cmpuint (workers_count (NULL), ==, 1);
  workers_free (NULL);
}

/* Thousands of short jobs in a row, each seeing what the one before wrote: the shape of a network. */
static void
test_many_jobs (void)
{
  enum { N_JOBS = 5000, N_ITEMS = 6 };
  Workers *workers = new_workers (3);
  Tally tally = { .n_threads = 3 };
  for (guint job = 1; job <= N_JOBS; job++) {
    workers_run (workers, tally_item, &tally, N_ITEMS);
    for (guint i = 0; i < N_ITEMS; i++)
      g_assert_cmpuint (tally.done[i], ==, job);
  }
  assert_tally (&tally, N_ITEMS, N_JOBS);
  workers_free (workers);
}

/* Jobs with pauses between them find threads that spin, that are about to sleep, and that sleep. */
static void
test_pauses (void)
{
  Workers *workers = new_workers (4);
  Tally tally = { .n_threads = 4 };
  for (guint job = 0; job < 200; job++) {
    workers_run (workers, tally_item, &tally, 8);
    g_usleep ((gulong) g_test_rand_int_range (0, 400));
  }
  assert_tally (&tally, 8, 200);
  workers_free (workers);
}

typedef struct {
  atomic_uint n_arrived;
  guint n_expected;
} Meeting;

/* Comes back only when all are there. */
static void
meet (gpointer data, guint item, guint thread)
{
  Meeting *meeting = data;
  atomic_fetch_add (&meeting->n_arrived, 1);
  while (atomic_load (&meeting->n_arrived) < meeting->n_expected)
    g_thread_yield ();
}

/* The items really run at the same time, also when the threads slept before: four that wait for each
 * other all come back. */
static void
test_at_the_same_time (void)
{
  Workers *workers = new_workers (4);
  for (guint i = 0; i < 20; i++) {
    Meeting meeting = { .n_expected = 4 };
    workers_run (workers, meet, &meeting, 4);
    g_assert_cmpuint (meeting.n_arrived, ==, 4);
    g_usleep (i % 2 ? 2000 : 0);
  }
  workers_free (workers);
}

/* Pools can be freed at once, unused. */
static void
test_free_at_once (void)
{
  for (guint i = 0; i < 100; i++)
    workers_free (new_workers (1 + i % 4));
}

/* By default there are as many threads as this process may run on processors. */
static void
test_default_count (void)
{
  cpu_set_t before, one;
  if (sched_getaffinity (0, sizeof before, &before) != 0) {
    g_test_skip ("the affinity of this process cannot be read");
    return;
  }
  Workers *all = new_workers (0);
  g_assert_cmpint ((gint) workers_count (all), ==, CPU_COUNT (&before));
  workers_free (all);

  int first = 0;
  while (!CPU_ISSET (first, &before))
    first++;
  CPU_ZERO (&one);
  CPU_SET (first, &one);
  g_assert_cmpint (sched_setaffinity (0, sizeof one, &one), ==, 0);
  Workers *single = new_workers (0);
  g_assert_cmpuint (workers_count (single), ==, 1);
  workers_free (single);
  g_assert_cmpint (sched_setaffinity (0, sizeof before, &before), ==, 0);
}

/* An absurd number of threads is refused by name. */
static void
test_too_many (void)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (workers_new (G_MAXUINT, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "n_threads"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/workers/every-item-once", test_every_item_once);
  g_test_add_func ("/workers/many-jobs", test_many_jobs);
  g_test_add_func ("/workers/pauses", test_pauses);
  g_test_add_func ("/workers/at-the-same-time", test_at_the_same_time);
  g_test_add_func ("/workers/free-at-once", test_free_at_once);
  g_test_add_func ("/workers/default-count", test_default_count);
  g_test_add_func ("/workers/too-many", test_too_many);
  return g_test_run ();
}
