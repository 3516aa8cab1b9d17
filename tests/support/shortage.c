/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory that runs out at a chosen allocation; see shortage.h. What is had comes from glibc's own functions.
 */
#include "shortage.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fbnet/fbnet.h>

void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *old, size_t size);
void *__libc_memalign (size_t alignment, size_t size);
void __libc_free (void *memory);

typedef enum {
  NEVER,
  ONCE,
  FROM,
  LARGE_FROM,
  N_KINDS,
} Kind;

static const char *const kind_names[N_KINDS] = { "none", "alone", "and all after it",
  "of the large ones, and all after it" };

#define MAX_FRAMES 12

/* What a child leaves for its parent. */
typedef struct {
  gsize failed_size; /* of the last request that failed */
  gsize fatal_size;  /* of a large one that GLib ends the program for */
  void *frames[MAX_FRAMES];
  gint n_frames;
  char message[512];
} Report;

static gint n_allocations, n_alive; /* atomic, as all here */
static gint active, n_counted, n_large;
static Kind kind;
static gint fails_at;
static Report *report;

gint
shortage_n_allocations (void)
{
  return g_atomic_int_get (&n_allocations);
}

void
shortage_on (void)
{
  g_atomic_int_set (&active, TRUE);
}

void
shortage_off (void)
{
  g_atomic_int_set (&active, FALSE);
}

/* --- Failing ---------------------------------------------------------------------------------- */

/* Whether GLib asks in a function that ends the program when there is no memory. */
static gboolean
is_fatal (const Dl_info *about)
{
  return strstr (about->dli_fname, "libglib-") != NULL
      && (about->dli_sname == NULL || strncmp (about->dli_sname, "g_try_", 6) != 0);
}

/* GLib ends the program, and needs memory to say so; the C library asks when it prints a text for it. What
 * it sorts it sorts without. */
static void
note_asker (const void *caller, gsize size)
{
  Dl_info about;

  if (dladdr (caller, &about) == 0)
    return;
  if (is_fatal (&about) && size >= SHORTAGE_LARGE && report->fatal_size == 0) {
    report->fatal_size = size;
    report->n_frames = backtrace (report->frames, MAX_FRAMES);
  }
  if (is_fatal (&about) || strstr (about.dli_fname, "libc.so") != NULL)
    kind = NEVER;
}

static gboolean
is_due (gboolean large)
{
  const gint at = g_atomic_int_add (&n_counted, 1);
  const gint large_at = large ? g_atomic_int_add (&n_large, 1) : 0;

  switch (kind) {
    case ONCE:
      return at == fails_at;
    case FROM:
      return at >= fails_at;
    case LARGE_FROM:
      return large && large_at >= fails_at;
    default:
      return FALSE;
  }
}

static gboolean
fails (gsize size, const void *caller)
{
  static __thread gboolean within; /* a backtrace allocates */

  g_atomic_int_inc (&n_allocations);
  if (!g_atomic_int_get (&active) || within || !is_due (size >= SHORTAGE_LARGE))
    return FALSE;
  report->failed_size = size;
  within = TRUE;
  note_asker (caller, size);
  within = FALSE;
  errno = ENOMEM;
  return TRUE;
}

static void *
counted (void *memory)
{
  if (memory != NULL)
    g_atomic_int_inc (&n_alive);
  return memory;
}

/* The build hides symbols, and GLib is to find these. */
#pragma GCC visibility push(default)

void *
malloc (size_t size)
{
  return fails (size, __builtin_return_address (0)) ? NULL : counted (__libc_malloc (size));
}

void *
calloc (size_t n, size_t size)
{
  return fails (n * size, __builtin_return_address (0)) ? NULL : counted (__libc_calloc (n, size));
}

void *
realloc (void *old, size_t size)
{
  if (fails (size, __builtin_return_address (0)))
    return NULL;
  void *memory = __libc_realloc (old, size);
  return old == NULL ? counted (memory) : memory;
}

void *
aligned_alloc (size_t alignment, size_t size)
{
  return fails (size, __builtin_return_address (0)) ? NULL
                                                    : counted (__libc_memalign (alignment, size));
}

int
posix_memalign (void **memory, size_t alignment, size_t size)
{
  if (fails (size, __builtin_return_address (0)))
    return ENOMEM;
  *memory = counted (__libc_memalign (alignment, size));
  return *memory != NULL ? 0 : ENOMEM;
}

void
free (void *memory)
{
  if (memory != NULL)
    g_atomic_int_add (&n_alive, -1);
  __libc_free (memory);
}

#pragma GCC visibility pop

/* --- Trying ----------------------------------------------------------------------------------- */

static void
arm (Kind new_kind, gint at)
{
  kind = new_kind;
  fails_at = at;
  g_atomic_int_set (&n_counted, 0);
  g_atomic_int_set (&n_large, 0);
}

static void
tell (const char *what, GError *error)
{
  g_snprintf (report->message, sizeof report->message, "%s%s", what,
      error != NULL ? error->message : "");
}

/* In the child: its status, 0 where all is well. */
static int
try_once (ShortageFunc act, gpointer data, Kind new_kind, gint at)
{
  const gint before = g_atomic_int_get (&n_alive);
  GError *error = NULL;

  arm (new_kind, at);
  if (!act (data, &error) && !g_error_matches (error, FBNET_ERROR, FBNET_ERROR_MEMORY)) {
    tell ("expected a lack of memory, found: ", error);
    return 1;
  }
  g_clear_error (&error);
  arm (NEVER, 0);
  if (!act (data, &error)) {
    tell ("expected the next call to work, found: ", error);
    return 1;
  }
  const gint left = g_atomic_int_get (&n_alive) - before;
  if (left > 0) {
    g_snprintf (report->message, sizeof report->message, "expected nothing left behind, found %d",
        left);
    return 1;
  }
  return 0;
}

static void
try_in_child (ShortageFunc act, gpointer data, Kind new_kind, gint at)
{
  const struct rlimit no_core = { 0, 0 };

  setrlimit (RLIMIT_CORE, &no_core);
  if (freopen ("/dev/null", "w", stdout) == NULL || freopen ("/dev/null", "w", stderr) == NULL)
    _exit (2);
  _exit (try_once (act, data, new_kind, at));
}

static gboolean
is_good (int status)
{
  if (report->fatal_size != 0)
    return FALSE;
  if (WIFEXITED (status))
    return WEXITSTATUS (status) == 0;
  return (WTERMSIG (status) == SIGABRT || WTERMSIG (status) == SIGTRAP) && report->failed_size != 0
      && report->failed_size < SHORTAGE_LARGE;
}

static void
report_finding (const char *name, Kind tried, gint at, int status)
{
  g_test_message ("%s: allocation %d %s: request of %" G_GSIZE_FORMAT " bytes: %s %d: %s", name, at,
      kind_names[tried], report->fatal_size != 0 ? report->fatal_size : report->failed_size,
      WIFEXITED (status) ? "status" : "signal",
      WIFEXITED (status) ? WEXITSTATUS (status) : WTERMSIG (status), report->message);
  for (gint i = 0; i < report->n_frames; i++) {
    Dl_info about;
    if (dladdr (report->frames[i], &about) != 0)
      g_test_message ("  %s + 0x%" G_GSIZE_MODIFIER "x %s", about.dli_fname,
          (gsize) report->frames[i] - (gsize) about.dli_fbase,
          about.dli_sname != NULL ? about.dli_sname : "");
  }
  g_test_fail ();
}

static void
try (const char *name, ShortageFunc act, gpointer data, Kind tried, gint at)
{
  int status;

  memset (report, 0, sizeof *report);
  const pid_t child = fork ();
  if (child == 0)
    try_in_child (act, data, tried, at);
  g_assert_cmpint (child, >, 0);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  if (!is_good (status))
    report_finding (name, tried, at, status);
}

#define FIRST 16
#define ABOUT 100

static guint
try_all (const char *name, ShortageFunc act, gpointer data, Kind tried, gint n, gboolean all)
{
  const gint stride = all ? 1 : MAX (1, (n - FIRST) / ABOUT);
  guint n_tried = 0;

  for (gint at = 0; at < n; at += at < FIRST ? 1 : stride, n_tried++)
    try (name, act, data, tried, at);
  return n_tried;
}

static void
act_well (ShortageFunc act, gpointer data)
{
  GError *error = NULL;

  arm (NEVER, 0);
  const gboolean good = act (data, &error);
  g_assert_no_error (error);
  g_assert_true (good);
}

/* What is only made once is made now: quarks, tables of GLib's, what a backtrace loads, what a failure needs to
 * be told. */
static void
warm_up (ShortageFunc act, gpointer data)
{
  void *frames[2];

  if (report == NULL)
    report = mmap (NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_assert_true (report != MAP_FAILED);
  backtrace (frames, G_N_ELEMENTS (frames));
  g_error_free (g_error_new (FBNET_ERROR, FBNET_ERROR_MEMORY, "%d", 1));
  act_well (act, data);
  arm (LARGE_FROM, 0);
  act (data, NULL);
  act_well (act, data);
}

guint
shortage_check (const char *name, ShortageFunc act, gpointer data, gboolean all)
{
  warm_up (act, data);
  const gint n = g_atomic_int_get (&n_counted), large = g_atomic_int_get (&n_large);
  g_assert_cmpint (n, >, 0);
  const guint n_tried = try_all (name, act, data, ONCE, n, all)
      + try_all (name, act, data, FROM, n, all) + try_all (name, act, data, LARGE_FROM, large, all);

  g_test_message ("%s: %d allocations, %d of them large; %u tried", name, n, large, n_tried);
  return n_tried;
}
