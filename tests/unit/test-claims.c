/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Claimed processors: work on one of them waits for the release, goes on after it, and is not kept for long.
 */
#include "base/claims.h"

#include <sched.h>
#include <unistd.h>

#include "base/workers.h"
#include "fbnet/fbnet.h"

#define N_ITEMS  3
#define N_PIECES 3000

/* Well below the time for which a claim is heeded. */
#define SHORT_US 10000

/* Before a machine that has other things to do lets a claim be as short as it is meant. */
#define MOST_TRIES 200

typedef struct {
  gint processor;
  atomic_uint started, done;
} Work;

static gboolean
run_on (gint processor)
{
  cpu_set_t mask;

  CPU_ZERO (&mask);
  CPU_SET ((gsize) processor, &mask);
  return sched_setaffinity (0, sizeof mask, &mask) == 0;
}

static void
count_item (gpointer data, guint item, guint thread)
{
  Work *work = data;

  atomic_fetch_add (&work->done, 1);
}

/* Without a pool: the same between the items of one. */
static gpointer
run_work (gpointer data)
{
  Work *work = data;

  if (work->processor >= 0)
    g_assert_true (run_on (work->processor));
  atomic_store (&work->started, 1);
  workers_run (NULL, count_item, work, N_ITEMS);
  return NULL;
}

static GThread *
start_work (Work *work, gint processor)
{
  *work = (Work){ .processor = processor };
  GThread *thread = g_thread_new ("work", run_work, work);
  while (!atomic_load (&work->started))
    g_usleep (100);
  return thread;
}

/* Nothing is done until the release: or it came so late that the try does not count. */
static gboolean
try_claim (gint processor)
{
  Work work;

  fbnet_claim_processor ();
  const gint64 began = g_get_monotonic_time ();
  GThread *thread = start_work (&work, processor);
  g_usleep (2000);
  const guint done = atomic_load (&work.done);
  const gboolean in_time = g_get_monotonic_time () - began < SHORT_US;
  fbnet_release_processor ();
  g_thread_join (thread);
  g_assert_cmpuint (work.done, ==, N_ITEMS);
  if (in_time)
    g_assert_cmpuint (done, ==, 0);
  return in_time;
}

static void
test_heeded (void)
{
  const gint processor = sched_getcpu ();

  for (guint i = 0; i < MOST_TRIES; i++)
    if (try_claim (processor))
      return;
  g_test_skip ("other programs left no time");
}

/* Whoever forgets the release delays others once, not before each piece of their work. */
static gpointer
make_way (gpointer data)
{
  const Work *work = data;

  g_assert_true (run_on (work->processor));
  for (guint i = 0; i < N_PIECES; i++)
    claims_make_way ();
  return NULL;
}

/* A release in between, and the next claim counts again: but not for whoever is excused. */
static gpointer
make_no_way (gpointer data)
{
  const Work *work = data;

  g_assert_true (run_on (work->processor));
  claims_excuse (TRUE);
  for (guint i = 0; i < N_PIECES; i++) {
    fbnet_claim_processor ();
    fbnet_release_processor ();
    claims_make_way ();
  }
  claims_excuse (FALSE);
  return NULL;
}

/* While this thread claims the processor that they run on. */
static void
check_pieces (GThreadFunc func)
{
  Work work = { .processor = sched_getcpu () };
  const gint64 began = g_get_monotonic_time ();

  fbnet_claim_processor ();
  g_thread_join (g_thread_new ("pieces", func, &work));
  fbnet_release_processor ();
  g_assert_cmpint (g_get_monotonic_time () - began, <,
      30 * G_USEC_PER_SEC); /* 20 ms a piece: 60 s */
}

static void
test_forgotten (void)
{
  check_pieces (make_way);
}

static void
test_excused (void)
{
  check_pieces (make_no_way);
}

/* The claim of a thread does not hold up its own work; a second one, and a second release, are nothing. */
static void
test_own (void)
{
  Work work = { .processor = -1 };
  const gint64 began = g_get_monotonic_time ();

  for (guint i = 0; i < 1000; i++) {
    fbnet_claim_processor ();
    fbnet_claim_processor ();
    run_work (&work);
    fbnet_release_processor ();
    fbnet_release_processor ();
  }
  g_assert_cmpuint (work.done, ==, 1000 * N_ITEMS);
  g_assert_cmpuint (atomic_load (&claims_count), ==, 0);
  g_assert_cmpint (g_get_monotonic_time () - began, <,
      30 * G_USEC_PER_SEC); /* 20 ms an item: 60 s */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!run_on (sched_getcpu ()))
    return 77; /* skipped: processors cannot be chosen here */
  g_test_add_func ("/claims/heeded", test_heeded);
  g_test_add_func ("/claims/forgotten", test_forgotten);
  g_test_add_func ("/claims/excused", test_excused);
  g_test_add_func ("/claims/own", test_own);
  return g_test_run ();
}
