/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The workers of one training run, and the sums that they make together: threads of this process, and
 * through a link the processes of several machines. All workers call the same functions in the same
 * order. Sums are made in the workers' order, so the same number of workers gives the same bits.
 */
#ifndef FBNET_TRAIN_GROUP_H
#define FBNET_TRAIN_GROUP_H

#include "real.h"

typedef struct Group Group;

/* Other processes (MPI ranks), each with as many threads. Called by one thread of each at a time. */
typedef struct {
  guint rank, size;
  void (*sum_reals) (gpointer data, Real *x, gsize n);
  void (*sum_doubles) (gpointer data, double *x, gsize n);
  gpointer data;
} GroupLink;

/* `link` may be NULL: this process is all there is. */
Group *group_new (guint n_threads, const GroupLink *link);
void group_free (Group *group); /* NULL is allowed */

/* The most threads, one for each processor at most, among which n samples can be divided evenly; 1 at
 * least. */
guint group_even_threads (guint n, guint n_processors);

guint group_n_threads (const Group *group);

/* Workers in all processes, and the number among them of this process's thread. */
guint group_size (const Group *group);
guint group_rank (const Group *group, guint thread);

/* Returns when all of this process's threads are here. */
void group_wait (Group *group);

/* x becomes the sum of all workers' x. Each x is the worker's own, of the same length. */
void group_sum_reals (Group *group, guint thread, Real *x, gsize n);
void group_sum_doubles (Group *group, guint thread, double *x, gsize n);

/* Whether any worker says so. */
gboolean group_any (Group *group, guint thread, gboolean condition);

#endif
