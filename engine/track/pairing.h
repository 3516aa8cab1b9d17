/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Few of many pairs: rows and columns are matched one to one so that the sum of their gains is greatest. Only
 * pairs that gain are given, and what hangs together through them is solved by itself.
 */
#ifndef FBNET_TRACK_PAIRING_H
#define FBNET_TRACK_PAIRING_H

#include <glib.h>

typedef struct {
  guint row, column;
  double gain; /* above 0 */
} Pair;

/* Memory that is used again; zero-initialise it. FALSE or NULL with error: there was not as much. */
typedef struct {
  Pair *pairs, *sorted; /* as they were added, and component by component */
  guint n_pairs, room;
  guint32 *group, *place, *start; /* of rows, then of columns */
  guint32 *members;
  gint32 *column_of, *matched;
  guint nodes_room;
  double *cost;
  gsize cost_room;
  void *scratch;
  gsize scratch_room;
} Pairing;

void pairing_clear (Pairing *pairing);

/* Empties it, and makes room for so many rows and columns. */
gboolean pairing_begin (Pairing *pairing, guint n_rows, guint n_columns, GError **error);
gboolean pairing_add (Pairing *pairing, guint row, guint column, double gain, GError **error);

/* The column of each row, or -1; valid until the next call. */
const gint32 *pairing_solve (Pairing *pairing, guint n_rows, guint n_columns, GError **error);

#endif
