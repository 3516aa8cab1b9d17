/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The process's pool of threads. Where a test waits, it waits until something happened, and hangs if
 * it does not.
 */
#include "base/workers.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fbnet/fbnet.h"

#define MAX_ITEMS   1000
#define MAX_INDICES 16

typedef struct {
  guint n_threads;
  guint done[MAX_ITEMS];           /* plain memory: each item belongs to one call */
  atomic_uint inside[MAX_INDICES]; /* calls running with this thread index */
  atomic_uint n_collisions;        /* calls that found their index taken, or out of range */
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

static void
wait_for (atomic_uint *number, guint n)
{
  while (atomic_load (number) < n)
    g_usleep (100);
}

/* --- Threads of the process ------------------------------------------------------------------- */

static guint n_other_threads;

static guint
count_threads (void)
{
  g_autofree char *status = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  const char *line = strstr (status, "\nThreads:");
  g_assert_nonnull (line);
  return (guint) g_ascii_strtoull (line + strlen ("\nThreads:"), NULL, 10);
}

static guint
count_pool_threads (void)
{
  return count_threads () - n_other_threads;
}

/* A thread may be seen for a moment after it was joined. */
static void
wait_until_pool_is_gone (void)
{
  while (count_pool_threads () != 0)
    g_usleep (1000);
}

static gpointer
wait_until_told (gpointer data)
{
  wait_for (data, 1);
  return NULL;
}

/* Narrows the affinity mask to one processor; FALSE, with the test skipped, where that cannot be. */
static gboolean
use_one_processor (cpu_set_t *before)
{
  cpu_set_t one;
  int first = 0;

  if (sched_getaffinity (0, sizeof *before, before) != 0) {
    g_test_skip ("the affinity of this process cannot be read");
    return FALSE;
  }
  while (!CPU_ISSET (first, before))
    first++;
  CPU_ZERO (&one);
  CPU_SET (first, &one);
  g_assert_cmpint (sched_setaffinity (0, sizeof one, &one), ==, 0);
  return TRUE;
}

static void
use_processors (const cpu_set_t *mask)
{
  g_assert_cmpint (sched_setaffinity (0, sizeof *mask, mask), ==, 0);
}

/* Every item is done once, and no two calls share a thread index, for none to many items on one to
 * nine threads, more than many machines have processors, and without a pool. */
static void
test_every_item_once (void)
{
  const guint n_threads[] = { 1, 2, 3, 5, 9 };
  const guint n_items[] = { 0, 1, 2, 3, 7, 64, MAX_ITEMS };

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
  workers_begin_frame (NULL);
  workers_run (NULL, tally_item, &alone, 5);
  workers_end_frame (NULL);
  assert_tally (&alone, 5, 1);
  g_assert_cmpuint (workers_count (NULL), ==, 1);
  workers_free (NULL);
}

/* Thousands of short jobs in a row, each seeing what the one before wrote: the shape of a network. In
 * frames, where helpers wait awake, and outside, where they sleep. */
static void
test_many_jobs (void)
{
  enum { N_JOBS = 5000, N_ITEMS = 6, JOBS_A_FRAME = 50 };

  for (guint frames = 0; frames < 2; frames++) {
    Workers *workers = new_workers (3);
    Tally tally = { .n_threads = 3 };
    for (guint job = 1; job <= N_JOBS; job++) {
      if (frames && job % JOBS_A_FRAME == 1)
        workers_begin_frame (workers);
      workers_run (workers, tally_item, &tally, N_ITEMS);
      for (guint i = 0; i < N_ITEMS; i++)
        g_assert_cmpuint (tally.done[i], ==, job);
      if (frames && job % JOBS_A_FRAME == 0)
        workers_end_frame (workers);
    }
    assert_tally (&tally, N_ITEMS, N_JOBS);
    workers_free (workers);
  }
}

/* Jobs with pauses between them find helpers that spin, that are about to sleep, and that sleep. */
static void
test_pauses (void)
{
  Workers *workers = new_workers (4);
  Tally tally = { .n_threads = 4 };

  workers_begin_frame (workers);
  for (guint job = 0; job < 200; job++) {
    workers_run (workers, tally_item, &tally, 8);
    g_usleep ((gulong) g_test_rand_int_range (0, 400));
  }
  workers_end_frame (workers);
  assert_tally (&tally, 8, 200);
  workers_free (workers);
}

typedef struct {
  atomic_uint n_arrived;
  guint n_expected;
  atomic_uint indices; /* a bit for each that took part */
} Meeting;

/* Comes back only when all are there. */
static void
meet (gpointer data, guint item, guint thread)
{
  Meeting *meeting = data;

  atomic_fetch_or (&meeting->indices, 1u << thread);
  atomic_fetch_add (&meeting->n_arrived, 1);
  wait_for (&meeting->n_arrived, meeting->n_expected);
}

/* The items really run at the same time, also on more threads than processors and when the threads
 * slept before: as many as there are threads wait for each other and all come back, each with an index
 * of its own. */
static void
test_at_the_same_time (void)
{
  for (guint n_threads = 2; n_threads <= 8; n_threads += 3) {
    Workers *workers = new_workers (n_threads);
    for (guint i = 0; i < 20; i++) {
      Meeting meeting = { .n_expected = n_threads };
      workers_run (workers, meet, &meeting, n_threads);
      g_assert_cmphex (meeting.indices, ==, (1u << n_threads) - 1);
      g_usleep (i % 2 ? 2000 : 0);
    }
    workers_free (workers);
  }
}

/* Handles can be freed at once, unused, alone and while there are others. */
static void
test_free_at_once (void)
{
  for (guint others = 0; others < 2; others++) {
    Workers *other = others ? new_workers (3) : NULL;
    for (guint i = 0; i < 100; i++)
      workers_free (new_workers (1 + i % 4));
    workers_free (other);
  }
}

/* By default there are as many threads as this process may run on processors. */
static void
test_default_count (void)
{
  cpu_set_t before;

  if (!use_one_processor (&before))
    return;
  Workers *single = new_workers (0);
  g_assert_cmpuint (workers_count (single), ==, 1);
  workers_free (single);
  use_processors (&before);
  Workers *all = new_workers (0);
  g_assert_cmpint ((gint) workers_count (all), ==, CPU_COUNT (&before));
  workers_free (all);
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

/* --- Many handles ----------------------------------------------------------------------------- */

enum { N_STREAMS = 32 };

/* However many handles there are, the pool has one thread less than processors; a larger share makes
 * it larger; handles of one thread make none; and with the last handle all are gone. */
static void
test_one_pool (void)
{
  Workers *handles[N_STREAMS + 1];

  wait_until_pool_is_gone ();

  for (guint i = 0; i < N_STREAMS; i++)
    handles[i] = new_workers (1);
  g_assert_cmpuint (count_pool_threads (), ==, 0);
  for (guint i = 0; i < N_STREAMS; i++)
    workers_free (handles[i]);

  for (guint i = 0; i < N_STREAMS; i++)
    handles[i] = new_workers (0);
  const guint n_processors = workers_count (handles[0]);
  g_assert_cmpuint (count_pool_threads (), ==, n_processors - 1);
  handles[N_STREAMS] = new_workers (MIN (n_processors + 2, 256));
  g_assert_cmpuint (count_pool_threads (), ==, MIN (n_processors + 2, 256) - 1);
  for (guint i = 0; i <= N_STREAMS; i++)
    workers_free (handles[i]);
  wait_until_pool_is_gone ();
}

typedef struct {
  guint n_threads;
  guint n_frames;
  gboolean fresh; /* a handle for every frame */
} Stream;

/* Frames of jobs of all sizes. */
static gpointer
run_stream (gpointer data)
{
  enum { N_JOBS = 20 };
  const Stream *stream = data;
  Tally tally = { .n_threads = stream->n_threads };
  Workers *workers = new_workers (stream->n_threads);

  for (guint frame = 0; frame < stream->n_frames; frame++) {
    workers_begin_frame (workers);
    for (guint job = 1; job <= N_JOBS; job++)
      workers_run (workers, tally_item, &tally, job);
    workers_end_frame (workers);
    if (stream->fresh) {
      workers_free (workers);
      workers = new_workers (stream->n_threads);
    }
  }
  for (guint i = 0; i < N_JOBS; i++)
    g_assert_cmpuint (tally.done[i], ==, stream->n_frames * (N_JOBS - i));
  g_assert_cmpuint (tally.n_collisions, ==, 0);
  workers_free (workers);
  return NULL;
}

/* Many streams, on one to five threads each, run at once; half of them free their handles and make new
 * ones while the others run. */
static void
test_many_streams (void)
{
  Stream streams[N_STREAMS];
  GThread *threads[N_STREAMS];

  for (guint i = 0; i < N_STREAMS; i++) {
    streams[i] = (Stream){ .n_threads = 1 + i % 5, .n_frames = 20, .fresh = i % 2 };
    threads[i] = g_thread_new ("stream", run_stream, &streams[i]);
  }
  for (guint i = 0; i < N_STREAMS; i++)
    g_thread_join (threads[i]);
  wait_until_pool_is_gone ();
}

/* --- Whom helpers help ------------------------------------------------------------------------ */

typedef struct {
  char letters[8]; /* of jobs, one for each item done, in order */
  atomic_uint n;
} Log;

/* A job whose first items are held until it is released; the others are logged. */
typedef struct {
  Workers *workers;
  guint n_items, n_holding;
  char letter;
  Log *log;
  atomic_uint n_held, released;
} Held;

static void
hold_item (gpointer data, guint item, guint thread)
{
  Held *held = data;

  if (item >= held->n_holding) {
    held->log->letters[atomic_fetch_add (&held->log->n, 1)] = held->letter;
    return;
  }
  atomic_fetch_add (&held->n_held, 1);
  wait_for (&held->released, 1);
}

static gpointer
run_held (gpointer data)
{
  Held *held = data;

  workers_run (held->workers, hold_item, held, held->n_items);
  return NULL;
}

/* Returns when all that can be held are. */
static GThread *
start_held (Held *held)
{
  GThread *thread = g_thread_new ("caller", run_held, held);

  wait_for (&held->n_held, held->n_holding);
  return thread;
}

/* While a helper is held by one job, two frames offer theirs, the younger first; set free, it helps
 * the older. With three frames on one processor, and shares of four, one helper works at a time. */
static void
test_oldest_first (void)
{
  cpu_set_t before;
  Log log = { "" };

  if (!use_one_processor (&before))
    return;
  Held busy = { new_workers (2), 2, 2, 'b', &log };
  Held older = { new_workers (4), 4, 1, 'o', &log };
  Held younger = { new_workers (4), 4, 1, 'y', &log };
  Held *all[] = { &busy, &younger, &older };
  GThread *threads[G_N_ELEMENTS (all)];
  workers_begin_frame (busy.workers);
  threads[0] = start_held (&busy);
  workers_begin_frame (older.workers);
  workers_begin_frame (younger.workers);
  threads[1] = start_held (&younger);
  threads[2] = start_held (&older);

  atomic_store (&busy.released, 1);
  wait_for (&log.n, 6);
  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    atomic_store (&all[i]->released, 1);
    g_thread_join (threads[i]);
    workers_free (all[i]->workers); /* which ends the frame */
  }
  g_assert_cmpstr (log.letters, ==, "oooyyy");
  use_processors (&before);
}

static void
note_index (gpointer data, guint item, guint thread)
{
  atomic_fetch_or ((atomic_uint *) data, 1u << thread);
  g_thread_yield ();
}

/* A frame begun is a processor taken, also between its jobs: with as many frames as processors there
 * is no help, and with one less there is. */
static void
test_no_more_than_processors (void)
{
  cpu_set_t before;
  atomic_uint indices = 0;
  Meeting meeting = { .n_expected = 2 };

  if (!use_one_processor (&before))
    return;
  Workers *working = new_workers (2), *other = new_workers (1);
  workers_begin_frame (working);
  g_assert_cmpuint (workers_expected (working), ==, 2);
  workers_begin_frame (other);
  workers_begin_frame (other);
  g_assert_cmpuint (workers_expected (working), ==, 1);
  for (guint i = 0; i < 100; i++)
    workers_run (working, note_index, &indices, 100);
  g_assert_cmphex (indices, ==, 1);

  workers_end_frame (other);
  g_assert_cmpuint (workers_expected (working), ==, 2);
  workers_run (working, meet, &meeting, 2);
  workers_free (working);
  workers_free (other);
  use_processors (&before);
}

/* --- Forks ------------------------------------------------------------------------------------ */

typedef struct {
  atomic_uint started, stop;
} Endless;

static gpointer
run_until_stopped (gpointer data)
{
  Endless *endless = data;
  Stream stream = { .n_threads = 2, .n_frames = 1, .fresh = TRUE };

  while (!atomic_load (&endless->stop)) {
    run_stream (&stream);
    atomic_store (&endless->started, 1);
  }
  return NULL;
}

/* The thread sanitizer bears no new threads in the child of a process with threads. */
#if defined(__SANITIZE_THREAD__)
enum { CHILD_THREADS = 1 };
#else
enum { CHILD_THREADS = 3 };
#endif

/* Works with the parent's handle, alone, and with a pool of its own. */
static void
run_child (Workers *inherited)
{
  Tally tally = { .n_threads = 1 };
  Meeting meeting = { .n_expected = CHILD_THREADS };

  workers_begin_frame (inherited);
  workers_run (inherited, tally_item, &tally, 100);
  workers_end_frame (inherited);
  assert_tally (&tally, 100, 1);
  Workers *own = new_workers (CHILD_THREADS);
  workers_run (own, meet, &meeting, CHILD_THREADS);
  workers_free (own);
  workers_free (inherited);
}

/* A child works, whatever the parent's threads did when it was forked, and so does the parent then. */
static void
test_fork (void)
{
  Endless endless = { 0 };
  Meeting meeting = { .n_expected = 3 };
  Workers *workers = new_workers (3);
  GThread *thread = g_thread_new ("stream", run_until_stopped, &endless);

  wait_for (&endless.started, 1);
  for (guint i = 0; i < 20; i++) {
    int status = 0;
    const pid_t child = fork ();
    g_assert_cmpint (child, >=, 0);
    if (child == 0) {
      run_child (workers);
      _exit (0);
    }
    g_assert_cmpint (waitpid (child, &status, 0), ==, child);
    g_assert_cmpint (status, ==, 0);
  }
  atomic_store (&endless.stop, 1);
  g_thread_join (thread);
  workers_run (workers, meet, &meeting, 3);
  workers_free (workers);
}

/* A thread of the test's own stays all the time, so that whatever comes with the first is counted: a
 * sanitizer has one too. */
int
main (int argc, char *argv[])
{
  atomic_uint finished = 0;

  g_test_init (&argc, &argv, NULL);
  GThread *other = g_thread_new ("other", wait_until_told, &finished);
  n_other_threads = count_threads ();
  g_test_add_func ("/workers/every-item-once", test_every_item_once);
  g_test_add_func ("/workers/many-jobs", test_many_jobs);
  g_test_add_func ("/workers/pauses", test_pauses);
  g_test_add_func ("/workers/at-the-same-time", test_at_the_same_time);
  g_test_add_func ("/workers/free-at-once", test_free_at_once);
  g_test_add_func ("/workers/default-count", test_default_count);
  g_test_add_func ("/workers/too-many", test_too_many);
  g_test_add_func ("/workers/one-pool", test_one_pool);
  g_test_add_func ("/workers/many-streams", test_many_streams);
  g_test_add_func ("/workers/oldest-first", test_oldest_first);
  g_test_add_func ("/workers/no-more-than-processors", test_no_more_than_processors);
  g_test_add_func ("/workers/fork", test_fork);
  const int code = g_test_run ();
  atomic_store (&finished, 1);
  g_thread_join (other);
  return code;
}
