/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Linear assignment; see assignment.h. One after another the few are paired: from each a tree of
 * alternating paths grows over the cheapest reduced costs until it reaches one of the many that is free.
 */
#include "assignment.h"

#include <math.h>

#define FREE (-1)

/* The few stand for the rows or, transposed, for the columns. */
typedef struct {
  const double *cost;
  gsize few, many, few_step, many_step;
  double *few_price, *many_price;
  double *distance; /* of each of the many from the root */
  gint32 *before;   /* the one of the many that the path comes over, FREE at the root */
  gint32 *partner;  /* of each of the many, or FREE */
  guint8 *reached;
} Assignment;

gsize
assignment_scratch_size (gsize n_rows, gsize n_columns)
{
  const gsize few = MIN (n_rows, n_columns), many = MAX (n_rows, n_columns);

  return few * sizeof (double) + many * (2 * sizeof (double) + 2 * sizeof (gint32) + 1);
}

static Assignment
set_up (const double *cost, gsize n_rows, gsize n_columns, void *scratch)
{
  const gboolean upright = n_rows <= n_columns;
  Assignment a = {
    .cost = cost,
    .few = MIN (n_rows, n_columns),
    .many = MAX (n_rows, n_columns),
    .few_step = upright ? n_columns : 1,
    .many_step = upright ? 1 : n_columns,
    .few_price = scratch,
  };

  a.many_price = a.few_price + a.few;
  a.distance = a.many_price + a.many;
  a.before = (gint32 *) (a.distance + a.many);
  a.partner = a.before + a.many;
  a.reached = (guint8 *) (a.partner + a.many);
  for (gsize i = 0; i < a.few; i++)
    a.few_price[i] = 0;
  for (gsize j = 0; j < a.many; j++) {
    a.many_price[j] = 0;
    a.partner[j] = FREE;
  }
  return a;
}

/* Goes on from `i`, which was reached at `so_far` over `from`; returns the nearest not reached yet. */
static gint32
extend (Assignment *a, gsize i, gint32 from, double so_far)
{
  const double *cost = a->cost + i * a->few_step;
  gint32 nearest = FREE;

  for (gsize j = 0; j < a->many; j++) {
    if (a->reached[j])
      continue;
    const double d = so_far + cost[j * a->many_step] - a->few_price[i] - a->many_price[j];
    if (d < a->distance[j]) {
      a->distance[j] = d;
      a->before[j] = from;
    }
    if (nearest == FREE || a->distance[j] < a->distance[nearest])
      nearest = (gint32) j;
  }
  return nearest;
}

/* Reduced costs stay at 0 or above, and are 0 along the path. */
static void
reprice (Assignment *a, gsize root, double length)
{
  a->few_price[root] += length;
  for (gsize j = 0; j < a->many; j++) {
    if (!a->reached[j])
      continue;
    a->few_price[a->partner[j]] += length - a->distance[j];
    a->many_price[j] -= length - a->distance[j];
  }
}

static void
turn_over (Assignment *a, gsize root, gint32 end)
{
  for (gint32 j = end; j != FREE; j = a->before[j])
    a->partner[j] = a->before[j] == FREE ? (gint32) root : a->partner[a->before[j]];
}

static void
augment (Assignment *a, gsize root)
{
  for (gsize j = 0; j < a->many; j++) {
    a->distance[j] = INFINITY;
    a->reached[j] = FALSE;
  }
  gint32 j = extend (a, root, FREE, 0);
  while (a->partner[j] != FREE) {
    a->reached[j] = TRUE;
    j = extend (a, (gsize) a->partner[j], j, a->distance[j]);
  }
  reprice (a, root, a->distance[j]);
  turn_over (a, root, j);
}

void
assignment_solve (gint32 *column_of, const double *cost, gsize n_rows, gsize n_columns,
    void *scratch)
{
  const gboolean upright = n_rows <= n_columns;

  for (gsize row = 0; row < n_rows; row++)
    column_of[row] = FREE;
  if (n_rows == 0 || n_columns == 0)
    return; /* scratch may be NULL */
  Assignment a = set_up (cost, n_rows, n_columns, scratch);
  for (gsize i = 0; i < a.few; i++)
    augment (&a, i);
  for (gsize row = 0; !upright && row < n_rows; row++)
    column_of[row] = a.partner[row];
  for (gsize column = 0; upright && column < n_columns; column++)
    if (a.partner[column] != FREE)
      column_of[a.partner[column]] = (gint32) column;
}
