/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A mailbox with one slot, the thread that empties it, and the newest look.
 */
#include "gstfbnetworker.h"

#ifdef __linux__
#  include <sys/resource.h>
#endif

/* How much the thread steps back behind others of the process that want its processor. */
#define NICER 3

/* One that is filled, one that waits, one that is looked at. */
#define N_VIEWS 3

/* One that all see, one that the streaming thread still reads, one that is being written. */
#define N_LOOKS 3

struct _GstFbnetWorker {
  GstFbnetLookFunc done;
  gpointer data;
  GstFbnetTracks *tracks; /* of the thread that looks */
  const GstFbnetLook
      *before; /* (nullable): of it, too: the newest look when the present one began */

  /* Of the streaming thread */
  gint64 last_came;
  GstBuffer *spares[N_VIEWS]; /* for copies: each view takes one when it is filled the next time */
  guint n_spares;
  gsize spare_size; /* of those that there are, or were last; 0: none */

  GMutex lock; /* protects the rest */
  GCond wake;
  GThread *thread; /* (nullable) */
  gboolean stopping, held;
  guint generation;

  /* The views change places; their contents belong to the thread that has them. */
  GstFbnetView *filling, *waiting, *looking;
  gboolean is_waiting;

  GstFbnetNetwork *running; /* (nullable): that is looking just now */
  gint64 began, took; /* µs: the present look's beginning, the last one's duration; 0: none yet */
  GstFbnetLook *looks[N_LOOKS];
  GstFbnetLook *newest; /* (nullable) */
  guint n_looks;
  GError *error; /* (nullable): of the thread */
};

GstFbnetWorker *
gst_fbnet_worker_new (GstFbnetLookFunc done, gpointer data)
{
  GstFbnetWorker *worker = g_new0 (GstFbnetWorker, 1);

  worker->done = done;
  worker->data = data;
  worker->tracks = gst_fbnet_tracks_new ();
  g_mutex_init (&worker->lock);
  g_cond_init (&worker->wake);
  worker->filling = gst_fbnet_view_new ();
  worker->waiting = gst_fbnet_view_new ();
  worker->looking = gst_fbnet_view_new ();
  for (guint i = 0; i < N_LOOKS; i++)
    worker->looks[i] = gst_fbnet_look_new ();
  return worker;
}

void
gst_fbnet_worker_free (GstFbnetWorker *worker)
{
  if (worker == NULL)
    return;
  gst_fbnet_worker_stop (worker);
  gst_fbnet_view_free (worker->filling);
  gst_fbnet_view_free (worker->waiting);
  gst_fbnet_view_free (worker->looking);
  for (guint i = 0; i < N_LOOKS; i++)
    gst_fbnet_look_unref (worker->looks[i]);
  gst_fbnet_tracks_free (worker->tracks);
  g_mutex_clear (&worker->lock);
  g_cond_clear (&worker->wake);
  g_free (worker);
}

/* --- Generations ------------------------------------------------------------------------------- */

/* With the lock held. A detector that has ended its run by now breaks off the next one, see run(). */
static void
renew (GstFbnetWorker *worker)
{
  worker->generation++;
  worker->is_waiting = FALSE;
  g_clear_pointer (&worker->newest, gst_fbnet_look_unref);
  if (worker->running != NULL)
    gst_fbnet_network_cancel (worker->running);
}

void
gst_fbnet_worker_renew (GstFbnetWorker *worker)
{
  g_mutex_lock (&worker->lock);
  renew (worker);
  g_mutex_unlock (&worker->lock);
}

void
gst_fbnet_worker_hold (GstFbnetWorker *worker)
{
  g_mutex_lock (&worker->lock);
  worker->held = TRUE;
  renew (worker);
  g_mutex_unlock (&worker->lock);
}

void
gst_fbnet_worker_release (GstFbnetWorker *worker)
{
  g_mutex_lock (&worker->lock);
  worker->held = FALSE;
  renew (worker);
  g_mutex_unlock (&worker->lock);
}

guint
gst_fbnet_worker_get_generation (GstFbnetWorker *worker)
{
  g_mutex_lock (&worker->lock);
  const guint generation = worker->generation;
  g_mutex_unlock (&worker->lock);
  return generation;
}

/* --- Looking ----------------------------------------------------------------------------------- */

static gboolean
set_cancelled (GError **error)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_CANCELLED, "look: broken off");
  return FALSE;
}

/* With the lock held. */
static gboolean
is_current (const GstFbnetWorker *worker, const GstFbnetView *view)
{
  return !worker->held && view->generation == worker->generation;
}

/* Nobody can get hold of a look but the newest, and others hold at most two of them. */
static GstFbnetLook *
find_free_look (GstFbnetWorker *worker)
{
  for (guint i = 0; i < N_LOOKS; i++) {
    if (worker->looks[i] != worker->newest && gst_fbnet_look_is_free (worker->looks[i]))
      return worker->looks[i];
  }
  g_assert_not_reached ();
}

static GstFbnetLook *
begin (GstFbnetWorker *worker, const GstFbnetView *view)
{
  GstFbnetLook *look = NULL;

  g_mutex_lock (&worker->lock);
  if (is_current (worker, view)) {
    look = find_free_look (worker);
    worker->before = worker->newest;
    worker->running = view->network;
    worker->began = g_get_monotonic_time ();
  }
  g_mutex_unlock (&worker->lock);
  return look;
}

/* Whether the look still counts. */
static gboolean
end (GstFbnetWorker *worker, const GstFbnetView *view, GstFbnetLook *look, gboolean done)
{
  g_mutex_lock (&worker->lock);
  worker->running = NULL;
  const gboolean current = is_current (worker, view);
  if (done && current) {
    worker->took = g_get_monotonic_time () - worker->began;
    look->number = ++worker->n_looks;
  }
  g_mutex_unlock (&worker->lock);
  return current;
}

static void
publish (GstFbnetWorker *worker, const GstFbnetView *view, GstFbnetLook *look)
{
  g_mutex_lock (&worker->lock);
  if (is_current (worker, view)) {
    gst_fbnet_look_unref (worker->newest);
    worker->newest = gst_fbnet_look_ref (look);
  }
  g_mutex_unlock (&worker->lock);
}

/* One more try where a run was broken off that was not meant: the one before had just ended. */
static gboolean
run (GstFbnetWorker *worker, GstFbnetView *view, GError **error)
{
  GstFbnetLook *look;

  while ((look = begin (worker, view)) != NULL) {
    g_autoptr (GError) failure = NULL;
    const gboolean done = gst_fbnet_view_finish (view, &failure)
        && gst_fbnet_look_take (look, view, worker->before, worker->tracks, &failure);
    const gboolean current = end (worker, view, look, done);
    if (done && current) {
      worker->done (look, worker->data);
      publish (worker, view, look);
      return TRUE;
    }
    if (!current)
      break;
    if (!g_error_matches (failure, FBNET_ERROR, FBNET_ERROR_CANCELLED)) {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  }
  return set_cancelled (error);
}

gboolean
gst_fbnet_worker_look (GstFbnetWorker *worker, GError **error)
{
  return run (worker, worker->filling, error);
}

/* With the lock held. */
static void
keep_error (GstFbnetWorker *worker, GError *error)
{
  if (g_error_matches (error, FBNET_ERROR, FBNET_ERROR_CANCELLED) || worker->error != NULL)
    g_error_free (error);
  else
    worker->error = error;
}

/* Whoever waits for a frame goes first where processors are few: the streaming thread, a decoder, a sink. In Linux
 * a thread has a nice value of its own, and 0 is this one. The pool's helpers keep theirs: they help other streams
 * too, and nobody may lower it again. */
static void
step_back (void)
{
#ifdef __linux__
  const int nice = getpriority (PRIO_PROCESS, 0);

  setpriority (PRIO_PROCESS, 0, nice + NICER);
#endif
}

static gpointer
work (gpointer data)
{
  GstFbnetWorker *worker = data;

  step_back ();
  g_mutex_lock (&worker->lock);
  while (!worker->stopping) {
    if (!worker->is_waiting) {
      g_cond_wait (&worker->wake, &worker->lock);
      continue;
    }
    GstFbnetView *view = worker->waiting;
    worker->waiting = worker->looking;
    worker->looking = view;
    worker->is_waiting = FALSE;
    g_mutex_unlock (&worker->lock);

    GError *error = NULL;
    run (worker, view, &error);

    g_mutex_lock (&worker->lock);
    if (error != NULL)
      keep_error (worker, error);
  }
  g_mutex_unlock (&worker->lock);
  return NULL;
}

/* --- Memory for copies ------------------------------------------------------------------------- */

static void
drop_spares (GstFbnetWorker *worker)
{
  while (worker->n_spares > 0)
    gst_buffer_unref (worker->spares[--worker->n_spares]);
  worker->spare_size = 0;
}

void
gst_fbnet_worker_reserve (GstFbnetWorker *worker, gsize size)
{
  if (worker->spare_size == size)
    return;
  drop_spares (worker);
  worker->spare_size = size;
  while (worker->n_spares < N_VIEWS) {
    GstBuffer *spare = gst_fbnet_view_new_copy (size);
    if (spare == NULL) /* told when a frame needs it */
      return;
    worker->spares[worker->n_spares++] = spare;
  }
}

/* --- The thread -------------------------------------------------------------------------------- */

void
gst_fbnet_worker_start (GstFbnetWorker *worker)
{
  g_mutex_lock (&worker->lock);
  worker->stopping = FALSE;
  if (worker->thread == NULL)
    worker->thread = g_thread_new ("fbnetdetect", work, worker);
  g_mutex_unlock (&worker->lock);
}

gboolean
gst_fbnet_worker_has_thread (GstFbnetWorker *worker)
{
  g_mutex_lock (&worker->lock);
  const gboolean has_thread = worker->thread != NULL;
  g_mutex_unlock (&worker->lock);
  return has_thread;
}

void
gst_fbnet_worker_stop (GstFbnetWorker *worker)
{
  g_mutex_lock (&worker->lock);
  worker->stopping = TRUE;
  renew (worker);
  GThread *thread = g_steal_pointer (&worker->thread);
  g_cond_signal (&worker->wake);
  g_mutex_unlock (&worker->lock);
  if (thread != NULL)
    g_thread_join (thread);

  gst_fbnet_view_clear (worker->filling);
  gst_fbnet_view_clear (worker->waiting);
  gst_fbnet_view_clear (worker->looking);
  drop_spares (worker);
  g_clear_error (&worker->error);
  worker->took = worker->last_came = 0;
}

/* --- The mailbox ------------------------------------------------------------------------------- */

gboolean
gst_fbnet_worker_is_busy (GstFbnetWorker *worker, gint64 now)
{
  const gint64 interval = worker->last_came > 0 ? now - worker->last_came : 0;

  worker->last_came = now;
  g_mutex_lock (&worker->lock);
  const gboolean busy = worker->running != NULL
      && (worker->took == 0 || now + interval < worker->began + worker->took);
  g_mutex_unlock (&worker->lock);
  return busy;
}

GstFbnetView *
gst_fbnet_worker_get_view (GstFbnetWorker *worker)
{
  g_mutex_lock (&worker->lock);
  GstFbnetView *view = worker->filling;
  g_mutex_unlock (&worker->lock);
  if (worker->n_spares > 0 && view->copy_size != worker->spare_size)
    gst_fbnet_view_set_copy (view, worker->spares[--worker->n_spares], worker->spare_size);
  return view;
}

gboolean
gst_fbnet_worker_submit (GstFbnetWorker *worker)
{
  g_mutex_lock (&worker->lock);
  GstFbnetView *view = worker->filling;
  const gboolean replaced = worker->is_waiting;
  worker->filling = worker->waiting;
  worker->waiting = view;
  worker->is_waiting = is_current (worker, view);
  g_mutex_unlock (&worker->lock);
  g_cond_signal (&worker->wake); /* who wakes up finds the lock free */
  return replaced;
}

GstFbnetLook *
gst_fbnet_worker_get_newest (GstFbnetWorker *worker, GError **error)
{
  g_mutex_lock (&worker->lock);
  GstFbnetLook *look = worker->newest != NULL ? gst_fbnet_look_ref (worker->newest) : NULL;
  GError *failure = g_steal_pointer (&worker->error);
  g_mutex_unlock (&worker->lock);
  if (failure == NULL)
    return look;
  gst_fbnet_look_unref (look);
  g_propagate_error (error, failure);
  return NULL;
}
