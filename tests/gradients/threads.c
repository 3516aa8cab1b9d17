/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Threads for tests; see threads.h.
 */
#include "threads.h"

typedef struct {
  ThreadsFunc func;
  gpointer data;
  guint thread;
} Call;

static gpointer
call (gpointer data)
{
  const Call *c = data;

  c->func (c->thread, c->data);
  return NULL;
}

void
threads_run (guint n_threads, ThreadsFunc func, gpointer data)
{
  g_autofree Call *calls = g_new (Call, n_threads);
  g_autofree GThread **threads = g_new (GThread *, n_threads);

  for (guint t = 0; t < n_threads; t++) {
    calls[t] = (Call){ func, data, t };
    if (t > 0)
      threads[t] = g_thread_new ("worker", call, &calls[t]);
  }
  call (&calls[0]);
  for (guint t = 1; t < n_threads; t++)
    g_thread_join (threads[t]);
}
