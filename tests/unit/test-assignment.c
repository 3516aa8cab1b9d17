/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Linear assignment against trying everything.
 */
#include "base/assignment.h"

#include <math.h>

#define MOST 7

/* The least cost of rows from `row` on, of which each takes a column of its own; one of the others may be
 * left out where there are more rows than columns. */
static double
try_all (const double *cost, guint n_rows, guint n_columns, guint row, guint taken, guint left_out)
{
  double best = INFINITY;

  if (row == n_rows)
    return 0;
  if (left_out > 0)
    best = try_all (cost, n_rows, n_columns, row + 1, taken, left_out - 1);
  for (guint column = 0; column < n_columns; column++)
    if (!(taken & 1u << column))
      best = MIN (best,
          cost[row * n_columns + column]
              + try_all (cost, n_rows, n_columns, row + 1, taken | 1u << column, left_out));
  return best;
}

static double
add_up (const gint32 *column_of, const double *cost, guint n_rows, guint n_columns)
{
  guint taken = 0, n_paired = 0;
  double sum = 0;

  for (guint row = 0; row < n_rows; row++) {
    if (column_of[row] < 0)
      continue;
    g_assert_cmpint (column_of[row], <, n_columns);
    g_assert_false (taken & 1u << column_of[row]);
    taken |= 1u << column_of[row];
    n_paired++;
    sum += cost[row * n_columns + (guint) column_of[row]];
  }
  g_assert_cmpuint (n_paired, ==, MIN (n_rows, n_columns));
  return sum;
}

/* No pairing is cheaper, for all shapes, signs and many equal costs. */
static void
test_least (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);

  for (guint i = 0; i < 3000; i++) {
    const guint n_rows = (guint) g_rand_int_range (rand, 0, MOST + 1);
    const guint n_columns = (guint) g_rand_int_range (rand, 0, MOST + 1);
    const gint span = i % 2 == 0 ? 3 : 100000;
    double cost[MOST * MOST];
    gint32 column_of[MOST];
    g_autofree void *scratch = g_malloc (assignment_scratch_size (n_rows, n_columns));
    for (guint k = 0; k < n_rows * n_columns; k++)
      cost[k] = g_rand_int_range (rand, -span, span);
    assignment_solve (column_of, cost, n_rows, n_columns, scratch);
    const guint left_out = n_rows > n_columns ? n_rows - n_columns : 0;
    g_assert_cmpfloat (add_up (column_of, cost, n_rows, n_columns), ==,
        try_all (cost, n_rows, n_columns, 0, 0, left_out));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/assignment/least", test_least);
  return g_test_run ();
}
