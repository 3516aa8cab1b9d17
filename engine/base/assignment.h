/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Linear assignment: rows and columns paired one to one at the least total cost, by shortest augmenting
 * paths (Jonker and Volgenant 1987).
 */
#ifndef FBNET_ASSIGNMENT_H
#define FBNET_ASSIGNMENT_H

#include <glib.h>

/* Bytes of scratch that assignment_solve() needs for up to so many rows and columns. */
gsize assignment_scratch_size (gsize n_rows, gsize n_columns);

/* column_of[row] becomes the row's column, -1 for the rows that are left over where there are fewer columns:
 * all of the fewer are paired. `cost` is n_rows × n_columns finite numbers, row by row. `scratch` is
 * assignment_scratch_size() bytes, 8-byte aligned. Time: the fewer, squared, times the more. */
void assignment_solve (gint32 *column_of, const double *cost, gsize n_rows, gsize n_columns,
    void *scratch);

#endif
