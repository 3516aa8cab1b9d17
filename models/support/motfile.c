/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * MOTChallenge's text files.
 */
#include "motfile.h"

#include <math.h>

#include "fbnet/fbnet.h"
#include "files.h"
#include "outputs.h"

#define N_NEEDED      6 /* frame, id, x, y, width, height */
#define N_KNOWN       8 /* and score, class */
#define LARGEST_FRAME 1e7
#define MAX_BOXES     2000 /* of a frame: each is compared with each */

/* The numbers of a line, at most N_KNOWN; returns how many there are, 0 if something else is. */
static guint
parse_numbers (const char *line, double *numbers)
{
  guint n = 0;

  for (;; n++, line++) {
    char *end;
    const double number = g_ascii_strtod (line, &end);
    if (end == line || !isfinite (number))
      return 0;
    if (n < N_KNOWN)
      numbers[n] = number;
    line = end;
    if (*line == '\0')
      return n + 1;
    if (*line != ',')
      return 0;
  }
}

static gboolean
is_whole (double number, double least, double most)
{
  return number >= least && number <= most && number == floor (number);
}

static gboolean
parse_row (const char *line, MotRow *row)
{
  double numbers[N_KNOWN] = { 0, 0, 0, 0, 0, 0, 1, 1 };

  if (parse_numbers (line, numbers) < N_NEEDED || !is_whole (numbers[0], 1, LARGEST_FRAME)
      || !is_whole (numbers[1], -1e15, 1e15) || numbers[4] < 0 || numbers[5] < 0
      || !is_whole (numbers[7], -1e15, 1e15))
    return FALSE;
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
        "%s: frame %u: expected at most %d boxes, found more", path, row->frame, MAX_BOXES);
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
    if (!parse_row (lines[i], &row)) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "%s: line %u: expected frame, id, x, y, width, height, …, numbers with commas between, "
          "found '%.60s'",
          path, i + 1, lines[i]);
      return NULL;
    }
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
