/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Times of many calls, for benchmarks.
 */
#ifndef FBNET_TESTS_TIMING_H
#define FBNET_TESTS_TIMING_H

#include <glib.h>

/* In the unit of the samples. */
typedef struct {
  double least, median;
} Timing;

typedef void (*TimedFunc) (gconstpointer work);

/* Microseconds of a clock that is never set. */
double timing_now (void);

/* Microseconds of processor time that the calling thread had: others on the machine do not count. */
double timing_thread_now (void);

/* Sorts the samples; n is at least 1. */
Timing timing_of (double *samples, guint n);

/* Microseconds a call, over n_calls of them. */
double timing_calls (TimedFunc func, gconstpointer work, guint n_calls);

#endif
