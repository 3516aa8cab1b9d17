/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * MOTChallenge's text files.
 */
#include "motfile.h"

#include <float.h>
#include <math.h>

#include "fbnet/fbnet.h"
#include "files.h"
#include "outputs.h"

#define N_NEEDED      6 /* frame, id, x, y, width, height */
#define N_KNOWN       8 /* and score, class */
#define LARGEST_FRAME 1e7
#define LARGEST_ID    1e15
#define FARTHEST      1e6  /* pixels: no picture is that large */
#define MAX_BOXES     2000 /* of a frame: each is compared with each */

/* What a column may hold; those behind them, any number. */
static const struct {
  const char *name, *expected;
  gboolean is_whole;
  double least, most;
} columns[N_KNOWN] = {
  { "frame", "a whole number, 1 … 10000000", TRUE, 1, LARGEST_FRAME },
  { "id", "a whole number of at most 15 digits", TRUE, -LARGEST_ID, LARGEST_ID },
  { "x", "a number, -1000000 … 1000000", FALSE, -FARTHEST, FARTHEST },
  { "y", "a number, -1000000 … 1000000", FALSE, -FARTHEST, FARTHEST },
  { "width", "a number, 0 … 1000000", FALSE, 0, FARTHEST },
  { "height", "a number, 0 … 1000000", FALSE, 0, FARTHEST },
  { "score", "a number", FALSE, -DBL_MAX, DBL_MAX },
  { "class", "a whole number, -1 … 2147483646", TRUE, -1, G_MAXINT - 1 },
};

static gboolean
parse_number (const char *text, guint column, double *number)
{
  char *end;

  *number = g_ascii_strtod (text, &end);
  if (end == text || *end != '\0' || !isfinite (*number))
    return FALSE;
  return column >= N_KNOWN
      || (*number >= columns[column].least && *number <= columns[column].most
          && (!columns[column].is_whole || *number == floor (*number)));
}

/* Of a column that the format names, or that it does not. */
static void
set_cell_error (GError **error, guint column, const char *text)
{
  if (column < N_KNOWN)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: expected %s, found '%.60s'",
        columns[column].name, columns[column].expected, text);
  else
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "column %u: expected a number, found '%.60s'", column + 1, text);
}

static gboolean
parse_row (const char *line, MotRow *row, GError **error)
{
  double numbers[N_KNOWN] = { 0, 0, 0, 0, 0, 0, 1, 1 };
  g_auto (GStrv) cells = g_strsplit (line, ",", -1);
  const guint n = g_strv_length (cells);

  if (n < N_NEEDED) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "expected frame, id, x, y, width, height, … with commas between, found '%.60s'", line);
    return FALSE;
  }
  for (guint i = 0; i < n; i++) {
    double number;
    if (!parse_number (g_strstrip (cells[i]), i, &number)) {
      set_cell_error (error, i, cells[i]);
      return FALSE;
    }
    if (i < N_KNOWN)
      numbers[i] = number;
  }
  *row = (MotRow){
    .frame = (guint) numbers[0],
    .id = (gint64) numbers[1],
    .x = numbers[2],
    .y = numbers[3],
    .width = numbers[4],
    .height = numbers[5],
    .score = numbers[6],
    .class_id = (gint64) numbers[7],
  };
  return TRUE;
}

static gint
compare_frames (gconstpointer a, gconstpointer b)
{
  const MotRow *x = a, *y = b;

  return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/* Of rows by frame. */
static gboolean
check_crowds (const GArray *rows, const char *path, GError **error)
{
  for (guint i = MAX_BOXES; i < rows->len; i++) {
    const MotRow *row = &g_array_index (rows, MotRow, i);
    if (row[-MAX_BOXES].frame != row->frame)
      continue;
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: line %u: expected at most %d boxes of frame %u, found more", path, row->line,
        MAX_BOXES, row->frame);
    return FALSE;
  }
  return TRUE;
}

GArray *
mot_read (const char *path, GError **error)
{
  g_autofree char *text = file_read_text (path, error);
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (MotRow));
  MotRow row;

  if (text == NULL)
    return NULL;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    if (*g_strstrip (lines[i]) == '\0')
      continue;
    if (!parse_row (lines[i], &row, error)) {
      g_prefix_error (error, "%s: line %u: ", path, i + 1);
      return NULL;
    }
    row.line = i + 1;
    g_array_append_val (rows, row);
  }
  g_array_sort (rows, compare_frames); /* GLib's sort is stable */
  return check_crowds (rows, path, error) ? g_steal_pointer (&rows) : NULL;
}

void
mot_thin (GArray *rows, guint every)
{
  guint n = 0;

  for (guint i = 0; i < rows->len; i++) {
    MotRow row = g_array_index (rows, MotRow, i);
    if ((row.frame - 1) % every != 0)
      continue;
    row.frame = (row.frame - 1) / every + 1;
    g_array_index (rows, MotRow, n++) = row;
  }
  g_array_set_size (rows, n);
}

gboolean
mot_write (const GArray *rows, const char *path, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < rows->len; i++) {
    const MotRow *row = &g_array_index (rows, MotRow, i);
    g_string_append_printf (text,
        "%u,%" G_GINT64_FORMAT ",%.2f,%.2f,%.2f,%.2f,%.4f,%" G_GINT64_FORMAT ",-1,-1\n", row->frame,
        row->id, row->x, row->y, row->width, row->height, row->score, row->class_id);
  }
  return output_write (text->str, path, error);
}
