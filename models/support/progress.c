/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How far a run is.
 */
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plural.h"

#define BAR_WIDTH      30
#define REDRAW_US      (G_USEC_PER_SEC / 10)
#define ERASE_THE_LINE "\r\033[K"

Progress
progress_new (guint total, const char *unit)
{
  const char *term = g_getenv ("TERM");
  const gint64 now = g_get_monotonic_time ();

  return (Progress){
    .unit = unit,
    .total = total,
    .start_us = now,
    .terminal = isatty (STDERR_FILENO) && term != NULL && strcmp (term, "dumb") != 0,
  };
}

char *
progress_format_time (double seconds)
{
  if (!(seconds >= 0) || seconds > 1e9)
    return g_strdup ("-:--");
  const guint64 whole = (guint64) llround (seconds);
  const guint hours = (guint) (whole / 3600), minutes = whole / 60 % 60, rest = whole % 60;
  if (hours > 0)
    return g_strdup_printf ("%u:%02u:%02u", hours, minutes, rest);
  return g_strdup_printf ("%u:%02u", minutes, rest);
}

/* "3.1 a second", "24390 a second": of many, nobody reads a tenth. */
static char *
format_rate (double rate)
{
  return g_strdup_printf (rate < 99.95 ? "%.1f a second" : "%.0f a second", rate);
}

/* "12/50 pictures, 3.1 a second, 0:12 left" */
static char *
describe (const Progress *progress, gint64 now)
{
  const double elapsed = (double) (now - progress->start_us) / G_USEC_PER_SEC;
  const double rate = elapsed > 0 ? progress->done / elapsed : 0;
  const guint left = progress->total - progress->done;
  g_autofree char *unit = plural_text (progress->total, progress->unit);
  g_autofree char *speed = format_rate (rate);

  if (left == 0 && elapsed < 1) /* of which no rate says anything */
    return g_strdup_printf ("%u %s in less than a second", progress->done, unit);
  if (left == 0) {
    g_autofree char *took = progress_format_time (elapsed);
    return g_strdup_printf ("%u %s in %s, %s", progress->done, unit, took, speed);
  }
  g_autofree char *eta = progress_format_time (rate > 0 ? left / rate : -1);
  return g_strdup_printf ("%u/%u %s, %s, %s left%s%s", progress->done, progress->total, unit, speed,
      eta, progress->note[0] != '\0' ? "; " : "", progress->note);
}

static void
draw_bar (Progress *progress, gint64 now)
{
  g_autofree char *text = describe (progress, now);
  const guint filled = (guint) ((guint64) BAR_WIDTH * progress->done / progress->total);
  char bar[BAR_WIDTH + 1];

  memset (bar, '.', BAR_WIDTH);
  memset (bar, '#', filled);
  bar[BAR_WIDTH] = '\0';
  fprintf (stderr, ERASE_THE_LINE "[%s] %3u%% %s", bar,
      (guint) ((guint64) 100 * progress->done / progress->total), text);
  if (progress->done == progress->total)
    fputc ('\n', stderr);
  fflush (stderr);
  progress->drawn_us = now;
  progress->visible = progress->done < progress->total;
}

static void
print_tenth (const Progress *progress, gint64 now)
{
  const guint64 done = progress->done;

  if (done * 10 / progress->total == (done - 1) * 10 / progress->total)
    return;
  g_autofree char *text = describe (progress, now);
  fprintf (stderr, "%s\n", text);
}

void
progress_step (Progress *progress)
{
  g_return_if_fail (progress->done < progress->total);
  progress->done++;
  const gint64 now = g_get_monotonic_time ();
  if (!progress->terminal)
    print_tenth (progress, now);
  else if (progress->done == progress->total || now - progress->drawn_us >= REDRAW_US)
    draw_bar (progress, now);
}

void
progress_hide (Progress *progress)
{
  if (!progress->visible)
    return;
  fputs (ERASE_THE_LINE, stderr);
  progress->visible = FALSE;
  progress->drawn_us = 0;
}
