/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A small thread pool and one parallel loop. The calling thread works too.
 */
#ifndef FBNET_WORKERS_H
#define FBNET_WORKERS_H

#include <glib.h>

typedef struct Workers Workers;

/* `item` of n_items; `thread` 0 … workers_count()-1 picks scratch memory: no two running calls share
 * one. */
typedef void (*WorkFunc) (gpointer data, guint item, guint thread);

/* n_threads includes the caller; 0: one per processor this process may run on (affinity mask).
 * NULL with error when threads cannot be had. */
Workers *workers_new (guint n_threads, GError **error);
void workers_free (Workers *workers); /* NULL is allowed */

/* Threads, the caller's included. NULL: 1. */
guint workers_count (const Workers *workers);

/* Equivalent loop: for (item = 0; item < n_items; item++) func (data, item, thread);
 * in any order and at the same time; returns when all are done. NULL workers: the plain loop. Called
 * by one thread at a time; allocates nothing; idle threads spin briefly, then sleep. */
void workers_run (Workers *workers, WorkFunc func, gpointer data, guint n_items);

#endif
