/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sums over the workers. Each thread adds up its share of the elements over all threads' arrays, the
 * first thread adds the other processes', and all copy the result.
 */
#include "group.h"

#include <string.h>

struct Group {
  guint n_threads;
  GroupLink link;
  gpointer *slots; /* each thread's array */

  GMutex lock;
  GCond all_here;
  guint n_waiting;
  guint round; /* of waiting: changes when all are here */
};

Group *
group_new (guint n_threads, const GroupLink *link)
{
  Group *group = g_new0 (Group, 1);

  group->n_threads = n_threads;
  group->link = link != NULL ? *link : (GroupLink){ .size = 1 };
  group->slots = g_new0 (gpointer, n_threads);
  g_mutex_init (&group->lock);
  g_cond_init (&group->all_here);
  return group;
}

void
group_free (Group *group)
{
  if (group == NULL)
    return;
  g_mutex_clear (&group->lock);
  g_cond_clear (&group->all_here);
  g_free (group->slots);
  g_free (group);
}

guint
group_even_threads (guint n, guint n_processors)
{
  guint threads = MIN (n, n_processors);

  while (threads > 1 && n % threads != 0)
    threads--;
  return MAX (threads, 1);
}

guint
group_n_threads (const Group *group)
{
  return group->n_threads;
}

guint
group_size (const Group *group)
{
  return group->n_threads * group->link.size;
}

guint
group_rank (const Group *group, guint thread)
{
  return group->link.rank * group->n_threads + thread;
}

void
group_wait (Group *group)
{
  if (group->n_threads == 1)
    return;
  g_mutex_lock (&group->lock);
  const guint round = group->round;
  if (++group->n_waiting == group->n_threads) {
    group->n_waiting = 0;
    group->round++;
    g_cond_broadcast (&group->all_here);
  }
  while (round == group->round)
    g_cond_wait (&group->all_here, &group->lock);
  g_mutex_unlock (&group->lock);
}

/* The two element types differ in nothing but their name. */
#define DEFINE_SUM(Type, sum_type)                                                                 \
  static void sum_share_##sum_type (Group *group, guint thread, gsize n)                           \
  {                                                                                                \
    Type *const *x = (Type *const *) group->slots;                                                 \
    const gsize end = n * (thread + 1) / group->n_threads;                                         \
    for (gsize i = n * thread / group->n_threads; i < end; i++) {                                  \
      for (guint t = 1; t < group->n_threads; t++)                                                 \
        x[0][i] += x[t][i];                                                                        \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  void group_##sum_type (Group *group, guint thread, Type *x, gsize n)                             \
  {                                                                                                \
    if (group_size (group) == 1)                                                                   \
      return;                                                                                      \
    group->slots[thread] = x;                                                                      \
    group_wait (group);                                                                            \
    sum_share_##sum_type (group, thread, n);                                                       \
    group_wait (group);                                                                            \
    if (thread == 0 && group->link.size > 1)                                                       \
      group->link.sum_type (group->link.data, x, n);                                               \
    if (group->link.size > 1)                                                                      \
      group_wait (group);                                                                          \
    if (thread > 0 && n > 0)                                                                       \
      memcpy (x, group->slots[0], n * sizeof (Type));                                              \
    group_wait (group);                                                                            \
  }

DEFINE_SUM (Real, sum_reals)
DEFINE_SUM (double, sum_doubles)

gboolean
group_any (Group *group, guint thread, gboolean condition)
{
  double votes = condition ? 1 : 0;

  group_sum_doubles (group, thread, &votes, 1);
  return votes > 0;
}
