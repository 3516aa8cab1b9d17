/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The process's pool of threads; see workers.h.
 *
 * Jobs. A handle has room for one job: a gate and a counter of items. The gate is one word that says
 * whether it is closed, how many helpers are inside and how many may be. The caller writes the job,
 * opens the gate and takes items like everybody else. A helper passes the gate by counting itself in,
 * and the count is its thread index. Whoever finds no item left closes the gate; the caller then waits
 * only for those inside, so a sleeping helper never holds a job up. Hence
 *   - the job is written only while the gate is closed and nobody is inside, and read only inside;
 *   - nobody leaves through an open gate, so no index is given twice in a job;
 *   - what helpers did before they left is seen by the caller, who reads the gate after them.
 *
 * Handles stay where they are until the pool is gone, and are used again: a helper may look at any
 * handle at any time, also at one that was freed, whose gate is closed. It may even enter a gate that
 * was closed, freed and opened by another owner since it looked: as the word is the same, so is the
 * number of helpers allowed, and it reads the job after it entered.
 *
 * Who works. n_working counts frames and the helpers inside jobs. A helper adds itself before it
 * enters, and only while the sum stays within the number of processors (or the handle's share, where
 * that is larger). So nobody helps when there are as many frames as processors.
 *
 * Who waits. An offer is: open the gate, read n_working, and, unless all processors have work, count
 * the generation up and wake sleepers. Three pairs write one thing and then read the other's, in the
 * one order that all sequentially consistent operations have, so that one of the two sees the other:
 *   - the offer opens the gate and reads n_working; a helper that leaves a job takes itself from
 *     n_working and looks at all gates;
 *   - the offer counts the generation and reads n_asleep; a helper that goes to sleep adds itself to
 *     n_asleep and reads the generation, which it had read before it looked at the gates;
 *   - the caller marks the gate as waited for and reads who is inside; the last helper leaves and
 *     reads the mark: both are in one word.
 * A helper that cannot help because all processors have work is not told when a frame ends, but with
 * the next offer: a frame has dozens of them.
 *
 * Forks. The child has none of the threads, and locks of the pool may be held by none of its own.
 * So the child forgets the pool; only its memory remains, until the handles are freed. The lock of
 * the pool's existence is held over the fork.
 */
#include "workers.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "claims.h"
#include "fbnet/fbnet.h"
#include "memory.h"
#include "turns.h"

#define MAX_THREADS 256

/* Frames that are worked on at once, for each processor: with fewer one has nothing to do while the thread that it is
 * for wakes up (docs/scale.md has the figures); with more, streams get unequal shares. */
#define TURNS 3

/* Looking at memory before sleeping: more than most gaps between the jobs of a frame, and little enough
 * to lose where other programs want the processor. */
#define SPIN_US 100
#define LOOKS   64 /* between two looks at the clock */

/* The bits of a gate: helpers inside, helpers allowed, and two marks. */
#define GATE_INSIDE  0xfffu
#define GATE_ROOM(n) ((guint) (n) << 12)
#define GATE_WAITED  0x40000000u /* the caller sleeps until nobody is inside */
#define GATE_CLOSED  0x80000000u

typedef struct Pool Pool;

struct Workers {
  Pool *pool;
  Workers *next; /* never changes */
  guint n_threads;
  gboolean in_use;
  gboolean in_frame;
  Turn turn;

  WorkFunc func;
  gpointer data;
  guint n_items;
  gboolean claims; /* the caller claims a processor */

  atomic_uint ticket; /* of the frame; the smallest is the oldest */
  atomic_uint gate;
  atomic_size_t next_item; /* grows beyond n_items by up to n_threads */
  pthread_cond_t empty;    /* the last helper left a gate that is waited for */
};

struct Pool {
  atomic_uint generation; /* of offers */
  atomic_uint stopping;
  atomic_uint n_processors;
  atomic_uint n_working; /* frames, and helpers inside jobs */
  atomic_uint n_spinning;
  atomic_uint n_asleep;
  atomic_uint n_tickets;
  atomic_uint n_named;
  _Atomic (Workers *) handles; /* all there ever were */

  pthread_mutex_t lock; /* for sleeping only */
  pthread_cond_t wake;  /* a new generation */

  /* These change under pool_lock. */
  guint n_handles; /* in use */
  guint n_threads;
  pthread_t threads[MAX_THREADS];
  cpu_set_t processors[64]; /* 65536: the kernel refuses a mask smaller than its own */
};

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic (Pool *) the_pool; /* NULL without handles */

static inline void
cpu_relax (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* --- Helpers ---------------------------------------------------------------------------------- */

static guint
gate_room (guint gate)
{
  return (gate & ~(GATE_CLOSED | GATE_WAITED)) / GATE_ROOM (1);
}

static gboolean
gate_has_room (guint gate)
{
  return !(gate & GATE_CLOSED) && (gate & GATE_INSIDE) < gate_room (gate);
}

/* How many may work, frames and helpers, for a helper to join this job. */
static guint
working_limit (Pool *pool, guint n_threads)
{
  return MAX (atomic_load (&pool->n_processors), n_threads);
}

/* The open job of the oldest frame that may have one more helper, and how many may then work. */
static Workers *
find_job (Pool *pool, guint *limit)
{
  const guint n_working = atomic_load (&pool->n_working);
  Workers *oldest = NULL;
  guint oldest_ticket = 0;

  for (Workers *w = atomic_load (&pool->handles); w != NULL; w = w->next) {
    const guint gate = atomic_load (&w->gate);
    const guint allowed = working_limit (pool, gate_room (gate) + 1);
    const guint ticket = atomic_load (&w->ticket);
    if (!gate_has_room (gate) || n_working >= allowed)
      continue;
    if (oldest != NULL && (gint) (ticket - oldest_ticket) > 0)
      continue;
    oldest = w;
    oldest_ticket = ticket;
    *limit = allowed;
  }
  return oldest;
}

static gboolean
start_working (Pool *pool, guint limit)
{
  guint n = atomic_load (&pool->n_working);

  while (n < limit) {
    if (atomic_compare_exchange_weak (&pool->n_working, &n, n + 1))
      return TRUE;
  }
  return FALSE;
}

/* Returns the thread index, 0 if there is no room. */
static guint
enter_gate (Workers *w)
{
  guint gate = atomic_load (&w->gate);

  while (gate_has_room (gate)) {
    if (atomic_compare_exchange_weak (&w->gate, &gate, gate + 1))
      return (gate & GATE_INSIDE) + 1;
  }
  return 0;
}

static void
leave_gate (Workers *w)
{
  const guint before = atomic_fetch_sub (&w->gate, 1);

  if ((before & GATE_INSIDE) != 1 || !(before & GATE_WAITED))
    return;
  pthread_mutex_lock (&w->pool->lock);
  pthread_cond_signal (&w->empty);
  pthread_mutex_unlock (&w->pool->lock);
}

/* The index of an item that nobody else has; n_items or more: there is none. */
static gsize
take_item (Workers *w)
{
  claims_make_way ();
  return atomic_fetch_add (&w->next_item, 1);
}

/* Returns the gate as it was before it closed. */
static guint
take_items (Workers *w, guint thread)
{
  gsize item;

  claims_excuse (w->claims);
  while ((item = take_item (w)) < w->n_items)
    w->func (w->data, (guint) item, thread);
  claims_excuse (FALSE);
  return atomic_fetch_or (&w->gate, GATE_CLOSED);
}

/* FALSE when there is nothing to help with. */
static gboolean
help (Pool *pool)
{
  guint limit = 0;
  Workers *w = find_job (pool, &limit);

  if (w == NULL)
    return FALSE;
  if (!start_working (pool, limit))
    return TRUE;
  const guint thread = enter_gate (w);
  if (thread != 0)
    take_items (w, thread);
  /* Before the gate, after which the caller may at once offer the next job. */
  atomic_fetch_sub (&pool->n_working, 1);
  if (thread != 0)
    leave_gate (w);
  return TRUE;
}

/* --- Waiting ---------------------------------------------------------------------------------- */

/* Whether everybody awake has a processor of his own. */
static gboolean
may_spin (Pool *pool)
{
  return atomic_load (&pool->n_working) + atomic_load (&pool->n_spinning)
      <= atomic_load (&pool->n_processors);
}

/* Only within frames: after the last there may be nothing for long. */
static gboolean
spin_for_offer (Pool *pool, guint seen)
{
  const gint64 start = g_get_monotonic_time ();

  while (atomic_load (&pool->n_working) != 0 && may_spin (pool)
      && g_get_monotonic_time () - start < SPIN_US) {
    for (guint i = 0; i < LOOKS; i++) {
      if (atomic_load (&pool->generation) != seen)
        return TRUE;
      cpu_relax ();
    }
  }
  return FALSE;
}

/* Returns after the first offer that follows the generation `seen`. */
static void
wait_for_offer (Pool *pool, guint seen)
{
  atomic_fetch_add (&pool->n_spinning, 1);
  const gboolean offered = spin_for_offer (pool, seen);
  atomic_fetch_sub (&pool->n_spinning, 1);
  if (offered)
    return;
  pthread_mutex_lock (&pool->lock);
  atomic_fetch_add (&pool->n_asleep, 1);
  while (atomic_load (&pool->generation) == seen)
    pthread_cond_wait (&pool->wake, &pool->lock);
  atomic_fetch_sub (&pool->n_asleep, 1);
  pthread_mutex_unlock (&pool->lock);
}

/* A thread names itself, since to name another leads through /proc, and files there that were looked
 * at once make the end of a process slow. */
static void
name_thread (Pool *pool)
{
  char name[16]; /* the kernel's limit */

  snprintf (name, sizeof name, "fbnet-%u", atomic_fetch_add (&pool->n_named, 1) + 1);
  pthread_setname_np (pthread_self (), name);
}

static void *
helper_main (void *data)
{
  Pool *pool = data;

  name_thread (pool);
  for (;;) {
    const guint seen = atomic_load (&pool->generation);
    if (atomic_load (&pool->stopping))
      return NULL;
    while (help (pool))
      continue;
    wait_for_offer (pool, seen);
  }
}

/* Lets n helpers see that there is something to do. Those that spin see it by themselves. */
static void
call_helpers (Pool *pool, guint n)
{
  atomic_fetch_add (&pool->generation, 1);
  const guint n_asleep = atomic_load (&pool->n_asleep);
  const guint n_spinning = atomic_load (&pool->n_spinning);
  if (n_asleep == 0 || n <= n_spinning)
    return;
  n -= n_spinning;
  pthread_mutex_lock (&pool->lock);
  if (n >= n_asleep)
    pthread_cond_broadcast (&pool->wake);
  for (guint i = 0; n < n_asleep && i < n; i++)
    pthread_cond_signal (&pool->wake);
  pthread_mutex_unlock (&pool->lock);
}

/* --- Callers ---------------------------------------------------------------------------------- */

static gboolean
is_empty (Workers *w)
{
  return (atomic_load (&w->gate) & GATE_INSIDE) == 0;
}

static void
wait_until_empty (Workers *w)
{
  const gint64 start = g_get_monotonic_time ();

  while (may_spin (w->pool) && g_get_monotonic_time () - start < SPIN_US) {
    for (guint i = 0; i < LOOKS; i++) {
      if (is_empty (w))
        return;
      cpu_relax ();
    }
  }
  pthread_mutex_lock (&w->pool->lock);
  atomic_fetch_or (&w->gate, GATE_WAITED);
  while (!is_empty (w))
    pthread_cond_wait (&w->empty, &w->pool->lock);
  pthread_mutex_unlock (&w->pool->lock);
}

static void
run_shared (Workers *w, WorkFunc func, gpointer data, guint n_items)
{
  Pool *pool = w->pool;
  const guint n_helpers = MIN (w->n_threads, n_items) - 1;
  const guint limit = working_limit (pool, w->n_threads);

  w->func = func;
  w->data = data;
  w->n_items = n_items;
  w->claims = claims_has_own ();
  atomic_store (&w->next_item, 0);
  atomic_store (&w->gate, GATE_ROOM (w->n_threads - 1));
  const guint n_working = atomic_load (&pool->n_working);
  if (n_working < limit)
    call_helpers (pool, MIN (n_helpers, limit - n_working));
  if ((take_items (w, 0) & GATE_INSIDE) != 0)
    wait_until_empty (w);
}

void
workers_run (Workers *workers, WorkFunc func, gpointer data, guint n_items)
{
  if (workers == NULL || workers->n_threads == 1 || n_items <= 1
      || workers->pool != atomic_load (&the_pool)) {
    for (guint item = 0; item < n_items; item++) {
      claims_make_way ();
      func (data, item, 0);
    }
    return;
  }
  const gboolean in_frame = workers->in_frame;
  if (!in_frame)
    workers_begin_frame (workers);
  run_shared (workers, func, data, n_items);
  if (!in_frame)
    workers_end_frame (workers);
}

static guint
turns_at_once (Workers *w)
{
  return TURNS * atomic_load (&w->pool->n_processors);
}

void
workers_take_turn (Workers *workers)
{
  if (workers != NULL && !workers->turn.has)
    turn_take (&workers->turn, turns_at_once (workers));
}

void
workers_begin_frame (Workers *workers)
{
  if (workers == NULL)
    return;
  if (!workers->in_frame)
    atomic_fetch_add (&workers->pool->n_working, 1);
  workers->in_frame = TRUE;
  atomic_store (&workers->ticket, atomic_fetch_add (&workers->pool->n_tickets, 1));
}

void
workers_end_frame (Workers *workers)
{
  if (workers == NULL || !workers->in_frame)
    return;
  workers->in_frame = FALSE;
  atomic_fetch_sub (&workers->pool->n_working, 1);
  turn_give (&workers->turn, turns_at_once (workers));
}

void
workers_hurry (Workers *workers)
{
  if (workers != NULL)
    turn_hurry (&workers->turn);
}

guint
workers_count (const Workers *workers)
{
  return workers != NULL ? workers->n_threads : 1;
}

guint
workers_expected (const Workers *workers)
{
  if (workers == NULL)
    return 1;
  const guint limit = working_limit (workers->pool, workers->n_threads);
  const guint n_working = atomic_load (&workers->pool->n_working); /* this frame is one of them */
  return n_working < limit ? MIN (workers->n_threads, limit - n_working + 1) : 1;
}

/* --- The pool --------------------------------------------------------------------------------- */

static void
before_fork (void)
{
  pthread_mutex_lock (&pool_lock);
}

static void
after_fork_in_parent (void)
{
  pthread_mutex_unlock (&pool_lock);
}

static void
after_fork_in_child (void)
{
  atomic_store (&the_pool, NULL);
  claims_forget ();
  turns_forget ();
  pthread_mutex_unlock (&pool_lock);
}

static void
watch_forks (void)
{
  pthread_atfork (before_fork, after_fork_in_parent, after_fork_in_child);
}

static Pool *
pool_new (GError **error)
{
  Pool *pool = memory_new0 (Pool, 1, error);

  if (pool == NULL)
    return NULL;
  pthread_mutex_init (&pool->lock, NULL);
  pthread_cond_init (&pool->wake, NULL);
  return pool;
}

static void
stop_threads (Pool *pool)
{
  atomic_store (&pool->stopping, 1);
  call_helpers (pool, G_MAXUINT);
  for (guint i = 0; i < pool->n_threads; i++)
    pthread_join (pool->threads[i], NULL);
}

/* Locks and conditions need no clearing up, and in the child of a fork do not bear it. */
static void
pool_free (Pool *pool)
{
  for (Workers *w = atomic_load (&pool->handles), *next; w != NULL; w = next) {
    next = w->next;
    g_free (w);
  }
  g_free (pool);
}

/* The affinity mask of the caller, which g_get_num_processors() of GLib 2.74 does not look at, is
 * added to the pool's and to its threads'. Returns the caller's processors. */
static guint
add_processors (Pool *pool)
{
  cpu_set_t mask[G_N_ELEMENTS (pool->processors)];

  CPU_ZERO_S (sizeof mask, mask);

  if (sched_getaffinity (0, sizeof mask, mask) != 0) {
    atomic_store (&pool->n_processors, g_get_num_processors ());
    return g_get_num_processors ();
  }
  CPU_OR_S (sizeof mask, pool->processors, pool->processors, mask);
  const guint n = (guint) CPU_COUNT_S (sizeof mask, pool->processors);
  if (n != atomic_exchange (&pool->n_processors, n)) {
    for (guint i = 0; i < pool->n_threads; i++)
      pthread_setaffinity_np (pool->threads[i], sizeof mask, pool->processors);
  }
  return (guint) CPU_COUNT_S (sizeof mask, mask);
}

/* Helpers for all shares, but not more than processors beside the caller's, unless one share is. */
static guint
threads_wanted (Pool *pool)
{
  guint largest = 0;
  gsize sum = 0;

  for (const Workers *w = atomic_load (&pool->handles); w != NULL; w = w->next) {
    if (w->in_use) {
      largest = MAX (largest, w->n_threads - 1);
      sum += w->n_threads - 1;
    }
  }
  const guint processors = MIN (atomic_load (&pool->n_processors), MAX_THREADS);
  return MAX (largest, (guint) MIN (sum, processors - 1));
}

/* With all signals blocked: they are the application's, not ours. Returns an errno. */
static int
start_thread (Pool *pool)
{
  pthread_t *thread = &pool->threads[pool->n_threads];
  sigset_t all, before;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  const int code = pthread_create (thread, NULL, helper_main, pool);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (code != 0)
    return code;
  pool->n_threads++;
  if (CPU_COUNT_S (sizeof pool->processors, pool->processors) > 0)
    pthread_setaffinity_np (*thread, sizeof pool->processors, pool->processors);
  return 0;
}

static gboolean
start_threads (Pool *pool, GError **error)
{
  const guint n = threads_wanted (pool);

  while (pool->n_threads < n) {
    const int code = start_thread (pool);
    if (code == 0)
      continue;
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "thread %u of %u cannot be started: %s",
        pool->n_threads + 1, n, g_strerror (code));
    return FALSE;
  }
  return TRUE;
}

/* One that was freed, or one more. */
static Workers *
take_handle (Pool *pool)
{
  Workers *w = atomic_load (&pool->handles);

  while (w != NULL && w->in_use)
    w = w->next;
  if (w == NULL) {
    w = g_new0 (Workers, 1);
    w->pool = pool;
    w->next = atomic_load (&pool->handles);
    atomic_init (&w->gate, GATE_CLOSED);
    pthread_cond_init (&w->empty, NULL);
    turn_init (&w->turn);
    atomic_store (&pool->handles, w);
  }
  w->in_use = TRUE;
  pool->n_handles++;
  return w;
}

Workers *
workers_new (guint n_threads, GError **error)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  if (n_threads > MAX_THREADS) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "n_threads: expected at most %u, found %u", MAX_THREADS, n_threads);
    return NULL;
  }
  pthread_once (&once, watch_forks);
  pthread_mutex_lock (&pool_lock);
  if (atomic_load (&the_pool) == NULL)
    atomic_store (&the_pool, pool_new (error));
  Pool *pool = atomic_load (&the_pool);
  if (pool == NULL) {
    pthread_mutex_unlock (&pool_lock);
    return NULL;
  }
  Workers *w = take_handle (pool);
  const guint n_processors = add_processors (pool);
  w->n_threads = n_threads != 0 ? n_threads : MIN (n_processors, MAX_THREADS);
  const gboolean good = start_threads (pool, error);
  pthread_mutex_unlock (&pool_lock);
  if (good)
    return w;
  workers_free (w);
  return NULL;
}

void
workers_free (Workers *workers)
{
  if (workers == NULL)
    return;
  Pool *pool = workers->pool;
  workers_end_frame (workers);
  pthread_mutex_lock (&pool_lock);
  workers->in_use = FALSE;
  const gboolean last = --pool->n_handles == 0;
  const gboolean running = pool == atomic_load (&the_pool);
  if (last && running)
    atomic_store (&the_pool, NULL);
  pthread_mutex_unlock (&pool_lock);
  if (!last)
    return;
  if (running)
    stop_threads (pool);
  pool_free (pool);
}
