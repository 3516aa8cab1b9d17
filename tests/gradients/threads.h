/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The same function on several threads at once: a group's workers, in tests.
 */
#ifndef TESTS_THREADS_H
#define TESTS_THREADS_H

#include <glib.h>

typedef void (*ThreadsFunc) (guint thread, gpointer data);

/* Returns when all are done; one of them is the calling thread. */
void threads_run (guint n_threads, ThreadsFunc func, gpointer data);

#endif
