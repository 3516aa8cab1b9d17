/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The thread pool; see workers.h.
 *
 * A job is a generation number, a gate and a counter of items. The caller opens the gate, counts the
 * generation up, and takes items like everybody else. A thread that sees a new generation passes the
 * gate by adding itself to it; one that comes too late finds it closed and was not missed. When the
 * items are used up the caller closes the gate and waits only for those inside, so a sleeping thread
 * never holds a job up.
 */
#include "workers.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "fbnet/fbnet.h"

#define MAX_THREADS 256
#define GATE_CLOSED 0x80000000u
/* Looks at memory before sleeping: about 30 µs, more than the gap between two layers of a network,
 * less than it costs to be woken twice. */
#define SPINS 1000

typedef struct {
  Workers *workers;
  guint index; /* 1 … n_threads - 1; 0 is the caller */
  pthread_t thread;
} Worker;

struct Workers {
  guint n_threads;
  guint n_started;
  guint spins;
  Worker *threads;

  WorkFunc func; /* these three change only while the gate is closed and nobody is inside */
  gpointer data;
  guint n_items;

  atomic_uint gate;       /* threads inside, and GATE_CLOSED */
  atomic_uint generation; /* of jobs */
  atomic_uint stopping;
  atomic_size_t next_item; /* grows beyond n_items by up to n_threads */

  pthread_mutex_t lock; /* for sleeping only */
  pthread_cond_t wake;  /* a new generation */
  pthread_cond_t empty; /* the last thread left a closed gate */
  atomic_uint n_asleep;
};

static inline void
cpu_relax (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Returns the first generation after `seen`. The sleeper counts itself before it looks a last time,
 * and the caller counts the generation before it looks for sleepers: one of the two sees the other. */
static guint
wait_for_job (Workers *w, guint seen)
{
  for (guint i = 0; i < w->spins; i++) {
    const guint generation = atomic_load (&w->generation);
    if (generation != seen)
      return generation;
    cpu_relax ();
  }
  pthread_mutex_lock (&w->lock);
  atomic_fetch_add (&w->n_asleep, 1);
  while (atomic_load (&w->generation) == seen)
    pthread_cond_wait (&w->wake, &w->lock);
  atomic_fetch_sub (&w->n_asleep, 1);
  pthread_mutex_unlock (&w->lock);
  return atomic_load (&w->generation);
}

static gboolean
enter_gate (Workers *w)
{
  guint inside = atomic_load (&w->gate);
  while (!(inside & GATE_CLOSED))
    if (atomic_compare_exchange_weak (&w->gate, &inside, inside + 1))
      return TRUE;
  return FALSE;
}

static void
leave_gate (Workers *w)
{
  if (atomic_fetch_sub (&w->gate, 1) != (GATE_CLOSED | 1))
    return;
  pthread_mutex_lock (&w->lock);
  pthread_cond_signal (&w->empty);
  pthread_mutex_unlock (&w->lock);
}

static void
take_items (Workers *w, guint thread)
{
  gsize item;
  while ((item = atomic_fetch_add (&w->next_item, 1)) < w->n_items)
    w->func (w->data, (guint) item, thread);
}

static void *
worker_main (void *data)
{
  const Worker *worker = data;
  Workers *w = worker->workers;
  guint seen = 0;
  for (;;) {
    seen = wait_for_job (w, seen);
    if (atomic_load (&w->stopping))
      return NULL;
    if (!enter_gate (w))
      continue;
    take_items (w, worker->index);
    leave_gate (w);
  }
}

/* Lets the threads see that something changed, and wakes up to n of them. */
static void
next_generation (Workers *w, guint n)
{
  atomic_fetch_add (&w->generation, 1);
  const guint n_asleep = atomic_load (&w->n_asleep);
  if (n_asleep == 0)
    return;
  pthread_mutex_lock (&w->lock);
  if (n >= n_asleep)
    pthread_cond_broadcast (&w->wake);
  for (guint i = 0; n < n_asleep && i < n; i++)
    pthread_cond_signal (&w->wake);
  pthread_mutex_unlock (&w->lock);
}

static void
wait_until_empty (Workers *w)
{
  for (guint i = 0; i < w->spins; i++) {
    if (atomic_load (&w->gate) == GATE_CLOSED)
      return;
    cpu_relax ();
  }
  pthread_mutex_lock (&w->lock);
  while (atomic_load (&w->gate) != GATE_CLOSED)
    pthread_cond_wait (&w->empty, &w->lock);
  pthread_mutex_unlock (&w->lock);
}

void
workers_run (Workers *workers, WorkFunc func, gpointer data, guint n_items)
{
  if (!workers || workers->n_threads == 1 || n_items <= 1) {
    for (guint item = 0; item < n_items; item++)
      func (data, item, 0);
    return;
  }
  workers->func = func;
  workers->data = data;
  workers->n_items = n_items;
  atomic_store (&workers->next_item, 0);
  atomic_store (&workers->gate, 0);
  next_generation (workers, n_items - 1);
  take_items (workers, 0);
  if (atomic_fetch_or (&workers->gate, GATE_CLOSED) != 0)
    wait_until_empty (workers);
}

guint
workers_count (const Workers *workers)
{
  return workers ? workers->n_threads : 1;
}

/* With all signals blocked: they are the application's, not ours. Returns an errno. */
static int
start_thread (Workers *w, guint index)
{
  Worker *worker = &w->threads[index - 1];
  *worker = (Worker){ .workers = w, .index = index };
  sigset_t all, before;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  const int code = pthread_create (&worker->thread, NULL, worker_main, worker);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (code == 0) {
    char name[16]; /* the kernel's limit */
    snprintf (name, sizeof name, "fbnet-%u", index);
    pthread_setname_np (worker->thread, name);
  }
  return code;
}

/* The caller's affinity mask, which g_get_num_processors() of GLib 2.74 does not look at. */
static guint
count_processors (void)
{
  cpu_set_t mask[64]; /* 65536 processors: the kernel refuses a mask smaller than its own */
  if (sched_getaffinity (0, sizeof mask, mask) != 0)
    return g_get_num_processors ();
  return (guint) CPU_COUNT_S (sizeof mask, mask);
}

Workers *
workers_new (guint n_threads, GError **error)
{
  const guint n_processors = count_processors ();
  if (n_threads == 0)
    n_threads = MIN (n_processors, MAX_THREADS);
  if (n_threads > MAX_THREADS) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "n_threads: expected at most %u, found %u", MAX_THREADS, n_threads);
    return NULL;
  }
  Workers *w = g_new0 (Workers, 1);
  w->n_threads = n_threads;
  /* Spinning helps only while everybody has a processor of his own. */
  w->spins = n_threads <= n_processors ? SPINS : 0;
  w->threads = g_new0 (Worker, n_threads - 1);
  atomic_init (&w->gate, GATE_CLOSED);
  pthread_mutex_init (&w->lock, NULL);
  pthread_cond_init (&w->wake, NULL);
  pthread_cond_init (&w->empty, NULL);

  for (guint i = 1; i < n_threads; i++) {
    const int code = start_thread (w, i);
    if (code != 0) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "thread %u of %u cannot be started: %s",
          i + 1, n_threads, g_strerror (code));
      workers_free (w);
      return NULL;
    }
    w->n_started++;
  }
  return w;
}

void
workers_free (Workers *workers)
{
  if (!workers)
    return;
  atomic_store (&workers->stopping, 1);
  next_generation (workers, workers->n_started);
  for (guint i = 0; i < workers->n_started; i++)
    pthread_join (workers->threads[i].thread, NULL);
  pthread_cond_destroy (&workers->empty);
  pthread_cond_destroy (&workers->wake);
  pthread_mutex_destroy (&workers->lock);
  g_free (workers->threads);
  g_free (workers);
}
