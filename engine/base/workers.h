/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The process's one pool of threads, and one parallel loop. The calling thread works too.
 */
#ifndef FBNET_WORKERS_H
#define FBNET_WORKERS_H

#include <glib.h>

/* A share of the pool, for one stream of frames. One thread at a time uses it. */
typedef struct Workers Workers;

/* `item` of n_items; `thread` 0 … workers_count()-1 picks scratch memory: no two running calls of one
 * handle share one. */
typedef void (*WorkFunc) (gpointer data, guint item, guint thread);

/* n_threads: at most so many work on a job, the caller among them; 0: one per processor that the
 * caller may run on (affinity mask).
 *
 * The processors of all makers of handles are the pool's. Where no handle asks for more by name, it
 * has one thread less than processors, and the frames being worked on, together with the threads that
 * help them, are not more than processors: when there are as many frames as those, each is worked on
 * by its caller alone. A handle that asks for more threads than processors gets them, and while it
 * has work may fill as many; the pool then has one thread less than the largest such share.
 *
 * Threads start when a handle needs them, and are joined with the last handle. NULL with error when
 * they cannot be had. */
Workers *workers_new (guint n_threads, GError **error);
void workers_free (Workers *workers); /* NULL is allowed */

/* n_threads, 0 resolved: how many scratch memories there must be. NULL: 1. */
guint workers_count (const Workers *workers);

/* How many would work on a job that was offered now: 1 when the other processors have frames of their
 * own. For work whose division has a price; by the time of the job it may be another number, so that no
 * result may depend on it. Within a frame only. NULL: 1. */
guint workers_expected (const Workers *workers);

/* Around the jobs of a frame, all work between them included: so the pool knows how many frames are
 * being worked on, threads that have nothing to do wait awake for the frame's next job, and the frame
 * that began first is helped first. A second begin only makes the frame a new one. A job outside is a
 * frame of its own. NULL is allowed. */
void workers_begin_frame (Workers *workers);
void workers_end_frame (Workers *workers);

/* Before a frame of many jobs begins: waits its turn, where there are several such for each processor (turns.h). Its end
 * gives the turn up. NULL is allowed. */
void workers_take_turn (Workers *workers);

/* Any thread: whoever waits for the turn, waits no longer. NULL is allowed. */
void workers_hurry (Workers *workers);

/* Equivalent loop: for (item = 0; item < n_items; item++) func (data, item, thread);
 * in any order and at the same time; returns when all are done. NULL workers: the plain loop.
 * Before each item a thread makes way for those that claim its processor (claims.h); within long ones func does.
 * Allocates nothing. func may neither run jobs of the same handle nor fork.
 *
 * In the child of a fork, handles of the parent run the plain loop, since the threads stayed behind;
 * new handles make a new pool. */
void workers_run (Workers *workers, WorkFunc func, gpointer data, guint n_items);

#endif
