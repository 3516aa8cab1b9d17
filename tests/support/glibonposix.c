/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GLib's mutexes and conditions on those of POSIX, which ThreadSanitizer knows: GLib's own, on futexes, it cannot see.
 * Of GLib's thread pools and queues it is told that they hand over: what they do inside stays inside.
 * Loaded before a program (LD_PRELOAD) that is built with it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <stdlib.h>

static gpointer
publish (gpointer *place, gpointer fresh, void (*drop) (gpointer fresh))
{
  gpointer expected = NULL;

  if (__atomic_compare_exchange_n (place, &expected, fresh, FALSE, __ATOMIC_ACQ_REL,
          __ATOMIC_ACQUIRE))
    return fresh;
  drop (fresh);
  return expected;
}

static void
drop_mutex (gpointer mutex)
{
  pthread_mutex_destroy (mutex);
  free (mutex);
}

static pthread_mutex_t *
mutex_of (GMutex *mutex)
{
  pthread_mutex_t *found = __atomic_load_n (&mutex->p, __ATOMIC_ACQUIRE);

  if (found != NULL)
    return found;
  found = malloc (sizeof *found);
  pthread_mutex_init (found, NULL);
  return publish (&mutex->p, found, drop_mutex);
}

void
g_mutex_init (GMutex *mutex)
{
  mutex->p = NULL;
}

void
g_mutex_clear (GMutex *mutex)
{
  if (mutex->p != NULL)
    drop_mutex (g_steal_pointer (&mutex->p));
}

void
g_mutex_lock (GMutex *mutex)
{
  pthread_mutex_lock (mutex_of (mutex));
}

void
g_mutex_unlock (GMutex *mutex)
{
  pthread_mutex_unlock (mutex_of (mutex));
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  return pthread_mutex_trylock (mutex_of (mutex)) == 0;
}

static void
drop_cond (gpointer cond)
{
  pthread_cond_destroy (cond);
  free (cond);
}

static pthread_cond_t *
cond_of (GCond *cond)
{
  pthread_cond_t *found = __atomic_load_n (&cond->p, __ATOMIC_ACQUIRE);
  pthread_condattr_t attributes;

  if (found != NULL)
    return found;
  found = malloc (sizeof *found);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (found, &attributes);
  pthread_condattr_destroy (&attributes);
  return publish (&cond->p, found, drop_cond);
}

void
g_cond_init (GCond *cond)
{
  cond->p = NULL;
}

void
g_cond_clear (GCond *cond)
{
  if (cond->p != NULL)
    drop_cond (g_steal_pointer (&cond->p));
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  pthread_cond_wait (cond_of (cond), mutex_of (mutex));
}

void
g_cond_signal (GCond *cond)
{
  pthread_cond_signal (cond_of (cond));
}

void
g_cond_broadcast (GCond *cond)
{
  pthread_cond_broadcast (cond_of (cond));
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end)
{
  const struct timespec until = { .tv_sec = end / G_USEC_PER_SEC,
    .tv_nsec = end % G_USEC_PER_SEC * 1000 };

  return pthread_cond_timedwait (cond_of (cond), mutex_of (mutex), &until) != ETIMEDOUT;
}

/* --- What hands over -------------------------------------------------------------------------- */

void __tsan_acquire (void *address);
void __tsan_release (void *address);

/* GLib's own of that name. */
#define REAL(name) ((__typeof__ (&(name))) dlsym (RTLD_NEXT, #name))

typedef struct {
  GFunc func;
  gpointer data;
} Work;

static void
work (gpointer item, gpointer data)
{
  Work *w = data;

  __tsan_acquire (w);
  w->func (item, w->data);
  __tsan_release (w);
}

GThreadPool *
g_thread_pool_new (GFunc func, gpointer data, gint max_threads, gboolean exclusive, GError **error)
{
  Work *w = malloc (sizeof *w); /* as long as the pool's threads, whose end nobody tells */

  *w = (Work){ func, data };
  return REAL (g_thread_pool_new) (work, w, max_threads, exclusive, error);
}

gboolean
g_thread_pool_push (GThreadPool *pool, gpointer item, GError **error)
{
  __tsan_release (pool->user_data);
  return REAL (g_thread_pool_push) (pool, item, error);
}

void
g_thread_pool_free (GThreadPool *pool, gboolean immediate, gboolean wait)
{
  const gpointer w = pool->user_data;

  REAL (g_thread_pool_free) (pool, immediate, wait);
  if (wait)
    __tsan_acquire (w);
}

void
g_async_queue_push (GAsyncQueue *queue, gpointer item)
{
  __tsan_release (queue);
  REAL (g_async_queue_push) (queue, item);
}

gpointer
g_async_queue_pop (GAsyncQueue *queue)
{
  const gpointer item = REAL (g_async_queue_pop) (queue);

  __tsan_acquire (queue);
  return item;
}
