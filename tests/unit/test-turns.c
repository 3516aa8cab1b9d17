/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns: who gets one, in which order, and who does not wait. Where a test waits, it waits until something happened,
 * and hangs if it does not.
 */
#include "base/turns.h"

#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fbnet/fbnet.h"

#define N_STREAMS  4
#define LONGEST_US 100000

typedef struct {
  Turn turn;
  guint n_at_once;
  gboolean claims, waited;
  atomic_uint *n_in; /* how many came in before this one; counted */
  guint place;
  atomic_uint is_in, may_end;
} Stream;

static gpointer
take_and_hold (gpointer data)
{
  Stream *s = data;

  if (s->claims)
    fbnet_claim_processor ();
  s->waited = turn_take (&s->turn, s->n_at_once);
  s->place = atomic_fetch_add (s->n_in, 1);
  atomic_store (&s->is_in, 1);
  while (!atomic_load (&s->may_end))
    g_usleep (100);
  turn_give (&s->turn, s->n_at_once);
  turn_give (&s->turn, s->n_at_once); /* which is not there any more */
  if (s->claims)
    fbnet_release_processor ();
  return NULL;
}

static GThread *
start (Stream *s, guint n_at_once, atomic_uint *n_in)
{
  s->n_at_once = n_at_once;
  s->n_in = n_in;
  turn_init (&s->turn);
  return g_thread_new ("stream", take_and_hold, s);
}

static void
wait_until_in (Stream *s)
{
  while (!atomic_load (&s->is_in))
    g_usleep (100);
}

static void
wait_until_in_line (Stream *s)
{
  while (!g_atomic_int_get (&s->turn.waits))
    g_usleep (100);
}

static void
end (Stream *s, GThread *thread)
{
  atomic_store (&s->may_end, 1);
  g_thread_join (thread);
}

/* One at a time: those that wait come in as they came, each when the one before ends, and the first again behind them. */
static void
test_order (void)
{
  Stream s[N_STREAMS] = { 0 };
  GThread *threads[N_STREAMS];
  atomic_uint n_in = 0;
  const gint64 began = g_get_monotonic_time ();

  for (guint i = 0; i < N_STREAMS; i++) {
    threads[i] = start (&s[i], 1, &n_in);
    i == 0 ? wait_until_in (&s[0]) : wait_until_in_line (&s[i]);
  }
  for (guint i = 0; i < N_STREAMS; i++) {
    wait_until_in (&s[i]);
    const guint n = atomic_load (&n_in);
    if (g_get_monotonic_time () - began < LONGEST_US) /* later all may have come in, in any order */
      g_assert_cmpuint (n, ==, i + 1);
    end (&s[i], threads[i]);
    g_assert_cmpint (s[i].waited, ==, i > 0);
    if (g_get_monotonic_time () - began < LONGEST_US)
      g_assert_cmpuint (s[i].place, ==, i);
  }
}

/* As many as may come in at once; the next waits for one of them to end, but not for longer than it must. */
static void
test_at_once (void)
{
  Stream s[3] = { 0 };
  GThread *threads[3];
  atomic_uint n_in = 0;
  const gint64 began = g_get_monotonic_time ();

  for (guint i = 0; i < 3; i++) {
    threads[i] = start (&s[i], 2, &n_in);
    wait_until_in (&s[i]);
  }
  g_assert_cmpint (g_get_monotonic_time () - began, >=, LONGEST_US);
  for (guint i = 0; i < 3; i++) {
    end (&s[i], threads[i]);
    g_assert_cmpint (s[i].waited, ==, i == 2);
  }
}

/* Who claims a processor comes in at once, and so does who is hurried. */
static void
test_no_waiting (void)
{
  Stream holder = { 0 }, claimer = { .claims = TRUE }, hurried = { 0 };
  atomic_uint n_in = 0;
  GThread *threads[3];

  threads[0] = start (&holder, 1, &n_in);
  wait_until_in (&holder);
  turn_hurry (&holder.turn); /* who does not wait is not concerned */
  threads[1] = start (&claimer, 1, &n_in);
  wait_until_in (&claimer);
  threads[2] = start (&hurried, 1, &n_in);
  while (!atomic_load (&hurried.is_in))
    turn_hurry (&hurried.turn);
  end (&holder, threads[0]);
  end (&claimer, threads[1]);
  end (&hurried, threads[2]);
  g_assert_false (claimer.waited);
  g_assert_true (hurried.waited);

  Stream after = { 0 };
  threads[0] = start (&after, 1, &n_in); /* all were given back, each once */
  end (&after, threads[0]);
  g_assert_false (after.waited);
}

/* The child of a fork has none of the threads that have turns, or wait for one. */
static void
test_fork (void)
{
  Stream s[2] = { 0 };
  GThread *threads[2];
  atomic_uint n_in = 0;
  int status = 0;

  threads[0] = start (&s[0], 1, &n_in);
  wait_until_in (&s[0]);
  threads[1] = start (&s[1], 1, &n_in);
  wait_until_in_line (&s[1]);
  const pid_t child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0) {
    Turn turn = { 0 };
    turns_forget ();
    turn_init (&turn);
    _exit (turn_take (&turn, 1));
  }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  for (guint i = 0; i < 2; i++)
    end (&s[i], threads[i]);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/turns/order", test_order);
  g_test_add_func ("/turns/at-once", test_at_once);
  g_test_add_func ("/turns/no-waiting", test_no_waiting);
  g_test_add_func ("/turns/fork", test_fork);
  return g_test_run ();
}
