/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Claimed processors; see claims.h. Who comes to run on one has taken it away from the thread that claims it,
 * which stands ready and would get it back at the end of a time slice only. So it sleeps, and looks again from time
 * to time. A release wakes nobody: whoever is woken runs at once where the thread that released has used its time
 * slice up, and that one has a frame to hand on. Who has slept through all the time that a claim is given sleeps for
 * no other before one is released.
 */
#include "claims.h"

#include <sched.h>
#include <time.h>

#include "fbnet/fbnet.h"

#define N_PROCESSORS 1024 /* those beyond cannot be claimed */

/* Whoever claims for longer does not do what claims are for. */
#define LONGEST_US 20000

/* Until whoever makes way looks again: much longer than it takes to hand a frame on once it is released, for whoever looks
 * then gets a whole time slice; and little beside a frame. */
#define PAUSE_NS 1000000

atomic_uint claims_count;

static atomic_uint claims[N_PROCESSORS];
static atomic_uint n_released;

static _Thread_local gint own; /* the claimed processor's number and 1; 0: none */
static _Thread_local gboolean excused;
static _Thread_local gboolean given_up; /* when n_released was given_up_at */
static _Thread_local guint given_up_at;

static atomic_uint *
find_claims (gint processor)
{
  return processor >= 0 && processor < N_PROCESSORS ? &claims[processor] : NULL;
}

static gint
current_processor (void)
{
#ifdef __linux__
  return sched_getcpu ();
#else
  return -1;
#endif
}

void
fbnet_claim_processor (void)
{
  const gint processor = current_processor ();
  atomic_uint *claim = find_claims (processor);

  if (own != 0 || claim == NULL)
    return;
  own = processor + 1;
  atomic_fetch_add (claim, 1);
  atomic_fetch_add (&claims_count, 1);
}

void
fbnet_release_processor (void)
{
  if (own == 0)
    return;
  atomic_fetch_sub (&claims_count, 1);
  atomic_fetch_sub (find_claims (own - 1), 1);
  atomic_fetch_add (&n_released, 1);
  own = 0;
}

gboolean
claims_has_own (void)
{
  return own != 0;
}

void
claims_excuse (gboolean excuse)
{
  excused = excuse;
}

static void
sleep_while_claimed (atomic_uint *claim)
{
  const struct timespec pause = { .tv_nsec = PAUSE_NS };
  const guint n = atomic_load (&n_released);
  const gint64 began = g_get_monotonic_time ();

  if (given_up && given_up_at == n)
    return;
  do
    nanosleep (&pause, NULL);
  while (atomic_load (claim) != 0 && g_get_monotonic_time () - began < LONGEST_US);
  given_up = atomic_load (claim) != 0;
  given_up_at = n;
}

void
claims_wait (void)
{
  atomic_uint *claim = own == 0 && !excused ? find_claims (current_processor ()) : NULL;

  if (claim != NULL && atomic_load (claim) != 0)
    sleep_while_claimed (claim);
}

void
claims_forget (void)
{
  atomic_store (&claims_count, 0);
  for (guint i = 0; i < N_PROCESSORS; i++)
    atomic_store (&claims[i], 0);
  own = 0;
}
