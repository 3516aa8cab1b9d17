/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns; see turns.h. Who gives one up hands it to who has waited longest: were it free for a moment, the thread that
 * runs already would take it again, with its next frame.
 */
#include "turns.h"

#include <time.h>

#include "claims.h"

#define LONGEST_NS 100000000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static guint n_inside; /* have a turn */
static Turn *first;    /* of those that wait */

void
turn_init (Turn *turn)
{
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&turn->granted, &attributes);
  pthread_condattr_destroy (&attributes);
}

static struct timespec
longest (void)
{
  struct timespec at;

  clock_gettime (CLOCK_MONOTONIC, &at);
  at.tv_nsec += LONGEST_NS;
  at.tv_sec += at.tv_nsec / 1000000000;
  at.tv_nsec %= 1000000000;
  return at;
}

static Turn **
find_place (const Turn *turn)
{
  Turn **place = &first;

  while (*place != turn)
    place = &(*place)->next;
  return place;
}

static void
let_in (Turn *turn)
{
  *find_place (turn) = turn->next;
  g_atomic_int_set (&turn->waits, FALSE);
  n_inside++;
}

static void
wait_in_line (Turn *turn)
{
  const struct timespec until = longest ();

  *find_place (NULL) = turn;
  turn->next = NULL;
  g_atomic_int_set (&turn->waits, TRUE);
  while (turn->waits) {
    if (pthread_cond_timedwait (&turn->granted, &lock, &until) != 0 && turn->waits)
      let_in (turn);
  }
}

gboolean
turn_take (Turn *turn, guint n_at_once)
{
  pthread_mutex_lock (&lock);
  const gboolean waits = n_inside >= n_at_once && !claims_has_own ();
  if (waits)
    wait_in_line (turn);
  else
    n_inside++;
  pthread_mutex_unlock (&lock);
  turn->has = TRUE;
  return waits;
}

static void
grant (Turn *turn)
{
  let_in (turn);
  pthread_cond_signal (&turn->granted);
}

void
turn_give (Turn *turn, guint n_at_once)
{
  if (!turn->has)
    return;
  turn->has = FALSE;
  pthread_mutex_lock (&lock);
  n_inside -= n_inside > 0; /* in the child of a fork it may have been forgotten */
  if (first != NULL && n_inside < n_at_once)
    grant (first);
  pthread_mutex_unlock (&lock);
}

void
turn_hurry (Turn *turn)
{
  pthread_mutex_lock (&lock);
  if (turn->waits)
    grant (turn);
  pthread_mutex_unlock (&lock);
}

void
turns_forget (void)
{
  lock = (pthread_mutex_t) PTHREAD_MUTEX_INITIALIZER;
  n_inside = 0;
  first = NULL;
}
