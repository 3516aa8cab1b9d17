/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Few of many pairs; see pairing.h. Most objects of a frame have one candidate, or two: the components of the graph
 * of pairs are small where the whole matrix is not.
 */
#include "pairing.h"

#include "base/assignment.h"
#include "base/memory.h"

#define NONE G_MAXUINT32

void
pairing_clear (Pairing *p)
{
  g_free (p->pairs);
  g_free (p->sorted);
  g_free (p->start);
  g_free (p->group);
  g_free (p->place);
  g_free (p->members);
  g_free (p->column_of);
  g_free (p->matched);
  g_free (p->cost);
  g_free (p->scratch);
}

gboolean
pairing_begin (Pairing *p, guint n_rows, guint n_columns, GError **error)
{
  const guint n = n_rows + n_columns, room = MAX (n, 2 * p->nodes_room);

  p->n_pairs = 0;
  if (n <= p->nodes_room)
    return TRUE;
  if (!memory_renew (p->group, room, error) || !memory_renew (p->place, room, error)
      || !memory_renew (p->start, (gsize) room + 1, error)
      || !memory_renew (p->members, room, error) || !memory_renew (p->column_of, room, error)
      || !memory_renew (p->matched, room, error))
    return FALSE;
  p->nodes_room = room;
  return TRUE;
}

static gboolean
grow (Pairing *p, GError **error)
{
  const gsize room = MAX (64, 2 * (gsize) p->room);
  const gsize n = room <= G_MAXUINT32 ? room : G_MAXSIZE; /* more than there can be is not had */

  if (!memory_renew (p->pairs, n, error) || !memory_renew (p->sorted, n, error))
    return FALSE;
  p->room = (guint) room;
  return TRUE;
}

gboolean
pairing_add (Pairing *p, guint row, guint column, double gain, GError **error)
{
  if (p->n_pairs == p->room && !grow (p, error))
    return FALSE;
  p->pairs[p->n_pairs++] = (Pair){ row, column, gain };
  return TRUE;
}

/* --- Components ------------------------------------------------------------------------------- */

static guint32
find (guint32 *group, guint32 node)
{
  while (group[node] != node) {
    group[node] = group[group[node]];
    node = group[node];
  }
  return node;
}

static void
join_pairs (Pairing *p, guint n_rows, guint n_columns)
{
  for (guint i = 0; i < n_rows + n_columns; i++)
    p->group[i] = i;
  for (guint i = 0; i < p->n_pairs; i++) {
    const guint32 a = find (p->group, p->pairs[i].row);
    const guint32 b = find (p->group, n_rows + p->pairs[i].column);
    p->group[MAX (a, b)] = MIN (a, b);
  }
}

/* Brings together what is of one component; start[root] becomes its end. */
static void
sort_pairs (Pairing *p, guint n_nodes)
{
  for (guint i = 0; i <= n_nodes; i++)
    p->start[i] = 0;
  for (guint i = 0; i < p->n_pairs; i++)
    p->start[p->group[p->pairs[i].row] + 1]++;
  for (guint i = 0; i < n_nodes; i++)
    p->start[i + 1] += p->start[i];
  for (guint i = 0; i < p->n_pairs; i++)
    p->sorted[p->start[p->group[p->pairs[i].row]]++] = p->pairs[i];
}

/* The place of a node in its component: rows and columns count by themselves. */
static guint32
place_of (Pairing *p, guint32 node, guint32 *members, guint32 *n)
{
  if (p->place[node] == NONE) {
    p->place[node] = *n;
    members[(*n)++] = node;
  }
  return p->place[node];
}

static gboolean
make_room (Pairing *p, gsize n_rows, gsize n_columns, GError **error)
{
  const gsize size = assignment_scratch_size (n_rows, n_columns), n = n_rows * n_columns;
  double *cost = memory_grow (p->cost, &p->cost_room, n, sizeof *cost, error);

  if (cost == NULL)
    return FALSE;
  p->cost = cost;
  gpointer scratch = memory_grow (p->scratch, &p->scratch_room, size, 1, error);
  if (scratch == NULL)
    return FALSE;
  p->scratch = scratch;
  return TRUE;
}

/* One component's pairs. A pair of its matrix that is none gains nothing. */
static gboolean
solve_component (Pairing *p, const Pair *pairs, guint n, guint n_all_rows, GError **error)
{
  guint32 *rows = p->members, n_rows = 0, *columns, n_columns = 0;

  for (guint i = 0; i < n; i++)
    place_of (p, pairs[i].row, rows, &n_rows);
  columns = rows + n_rows;
  for (guint i = 0; i < n; i++)
    place_of (p, n_all_rows + pairs[i].column, columns, &n_columns);
  if (!make_room (p, n_rows, n_columns, error))
    return FALSE;
  for (gsize k = 0; k < (gsize) n_rows * n_columns; k++)
    p->cost[k] = 0;
  for (guint i = 0; i < n; i++)
    p->cost[(gsize) p->place[pairs[i].row] * n_columns + p->place[n_all_rows + pairs[i].column]] =
        -pairs[i].gain;
  assignment_solve (p->matched, p->cost, n_rows, n_columns, p->scratch);
  for (guint i = 0; i < n_rows; i++)
    if (p->matched[i] >= 0 && p->cost[(gsize) i * n_columns + (guint32) p->matched[i]] < 0)
      p->column_of[rows[i]] = (gint32) (columns[p->matched[i]] - n_all_rows);
  return TRUE;
}

const gint32 *
pairing_solve (Pairing *p, guint n_rows, guint n_columns, GError **error)
{
  const guint n_nodes = n_rows + n_columns;

  join_pairs (p, n_rows, n_columns);
  for (guint i = 0; i < n_nodes; i++) {
    p->group[i] = find (p->group, i);
    p->place[i] = NONE;
  }
  for (guint i = 0; i < n_rows; i++)
    p->column_of[i] = -1;
  sort_pairs (p, n_nodes);
  for (guint root = 0, begin = 0; root < n_rows; root++) {
    if (p->start[root] > begin
        && !solve_component (p, p->sorted + begin, p->start[root] - begin, n_rows, error))
      return NULL;
    begin = p->start[root];
  }
  return p->column_of;
}
