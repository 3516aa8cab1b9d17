/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Times of many calls.
 */
#include "timing.h"

#include <stdlib.h>
#include <time.h>

static double
read_clock (clockid_t clock)
{
  struct timespec t;

  clock_gettime (clock, &t);
  return (double) t.tv_sec * 1e6 + (double) t.tv_nsec * 1e-3;
}

double
timing_now (void)
{
  return read_clock (CLOCK_MONOTONIC);
}

double
timing_thread_now (void)
{
  return read_clock (CLOCK_THREAD_CPUTIME_ID);
}

static int
compare_times (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

Timing
timing_of (double *samples, guint n)
{
  qsort (samples, n, sizeof *samples, compare_times);
  return (Timing){ samples[0], samples[n / 2] };
}

double
timing_calls (TimedFunc func, gconstpointer work, guint n_calls)
{
  const double start = timing_now ();

  for (guint i = 0; i < n_calls; i++)
    func (work);
  return (timing_now () - start) / n_calls;
}
