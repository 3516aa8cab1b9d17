/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * CSV: a line for each object. With a line of names first, as TensorFlow's tools and Open Images write it,
 * in any order of columns; without one, path, x0, y0, x1, y1, class, as keras-retinanet has it.
 */
#include <math.h>
#include <string.h>

#include "fbnet/fbnet.h"
#include "numbers.h"
#include "readers.h"
#include "support/files.h"

typedef enum {
  COLUMN_FILE,
  COLUMN_LABEL,
  COLUMN_X0,
  COLUMN_Y0,
  COLUMN_X1,
  COLUMN_Y1,
  COLUMN_WIDTH,
  COLUMN_HEIGHT,
  N_COLUMNS,
} Column;

/* What columns are called, in small letters, up to NULL. */
static const char *const names[N_COLUMNS][9] = {
  [COLUMN_FILE] = { "filename", "file_name", "file", "image", "image_path", "path", "imageid",
      "image_id", NULL },
  [COLUMN_LABEL] = { "class", "label", "class_name", "labelname", "name", "category", NULL },
  [COLUMN_X0] = { "xmin", "x_min", "x0", "left", "bbox_x0", NULL },
  [COLUMN_Y0] = { "ymin", "y_min", "y0", "top", "bbox_y0", NULL },
  [COLUMN_X1] = { "xmax", "x_max", "x2", "right", "bbox_x1", NULL },
  [COLUMN_Y1] = { "ymax", "y_max", "y2", "bottom", "bbox_y1", NULL },
  [COLUMN_WIDTH] = { "width", "image_width", "img_width", NULL },
  [COLUMN_HEIGHT] = { "height", "image_height", "img_height", NULL },
};

typedef struct {
  LabelSet *set;
  const LabelSource *source;
  gint places[N_COLUMNS]; /* -1: there is none */
  char separator;
  GHashTable *pictures; /* name → LabelPicture */
} CsvReading;

/* --- Lines ------------------------------------------------------------------------------------ */

/* RFC 4180 without line breaks in cells: quotes around a cell, two of them for one. */
static GPtrArray *
split_line (const char *line, char separator)
{
  GPtrArray *cells = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) cell = g_string_new (NULL);
  gboolean quoted = FALSE;

  for (const char *c = line; *c != '\0' && *c != '\r'; c++) {
    if (*c == '"' && quoted && c[1] == '"')
      g_string_append_c (cell, *c++);
    else if (*c == '"')
      quoted = !quoted;
    else if (*c == separator && !quoted) {
      g_ptr_array_add (cells, g_strstrip (g_strdup (cell->str)));
      g_string_truncate (cell, 0);
    } else
      g_string_append_c (cell, *c);
  }
  g_ptr_array_add (cells, g_strstrip (g_strdup (cell->str)));
  return cells;
}

static const char *
cell_of (const CsvReading *reading, const GPtrArray *cells, Column column)
{
  const gint place = reading->places[column];

  return place >= 0 && (guint) place < cells->len ? cells->pdata[place] : NULL;
}

/* --- Columns ---------------------------------------------------------------------------------- */

static gboolean
find_columns (CsvReading *reading, const GPtrArray *cells)
{
  guint n_found = 0;

  for (guint column = 0; column < N_COLUMNS; column++) {
    reading->places[column] = -1;
    for (guint i = 0; i < cells->len && reading->places[column] < 0; i++) {
      g_autofree char *name = g_ascii_strdown (cells->pdata[i], -1);
      if (g_strv_contains (names[column], name))
        reading->places[column] = (gint) i;
    }
    n_found += column < COLUMN_WIDTH && reading->places[column] >= 0;
  }
  return n_found == COLUMN_WIDTH;
}

/* path, x0, y0, x1, y1, class */
static gboolean
assume_columns (CsvReading *reading, const GPtrArray *cells)
{
  static const gint places[N_COLUMNS] = { 0, 5, 1, 2, 3, 4, -1, -1 };
  gboolean numbers = cells->len == 6;

  memcpy (reading->places, places, sizeof places);
  for (guint i = 1; i <= 4 && numbers; i++)
    numbers = *(const char *) cells->pdata[i] == '\0' || !isnan (number_read (cells->pdata[i]));
  return numbers;
}

/* --- Objects ---------------------------------------------------------------------------------- */

static LabelPicture *
find_picture (CsvReading *reading, const char *name, const char *where)
{
  LabelPicture *picture = g_hash_table_lookup (reading->pictures, name);

  if (picture == NULL) {
    picture = label_set_add (reading->set, name, reading->source->images, where);
    g_hash_table_insert (reading->pictures, picture->name, picture);
  }
  return picture;
}

/* Open Images has places as shares of the picture, which no pixels are: all at most 1. */
static void
add_line (CsvReading *reading, const GPtrArray *cells, guint number)
{
  g_autofree char *where = g_strdup_printf ("%s: line %u", reading->source->path, number);
  const char *name = cell_of (reading, cells, COLUMN_FILE);
  const char *label = cell_of (reading, cells, COLUMN_LABEL);
  double box[4];

  if (name == NULL || *name == '\0') {
    problems_note (reading->set->problems, LABEL_ENTRY_UNREADABLE, where);
    return;
  }
  LabelPicture *picture = find_picture (reading, name, where);
  picture->width = number_to_side (number_read (cell_of (reading, cells, COLUMN_WIDTH)));
  picture->height = number_to_side (number_read (cell_of (reading, cells, COLUMN_HEIGHT)));
  if (label == NULL || *label == '\0')
    return; /* a picture without an object */
  for (guint i = 0; i < 4; i++)
    box[i] = number_read (cell_of (reading, cells, (Column) (COLUMN_X0 + i)));
  if (picture->objects->len == 0)
    picture->shares = box[2] <= 1 && box[3] <= 1;
  label_picture_add (picture, label, box[0], box[1], box[2], box[3]);
}

static gboolean
read_header (CsvReading *reading, const char *line, gboolean *named, GError **error)
{
  const char *semicolon = strchr (line, ';');

  reading->separator = semicolon != NULL && strchr (line, ',') == NULL ? ';' : ',';
  g_autoptr (GPtrArray) cells = split_line (line, reading->separator);
  *named = find_columns (reading, cells);
  if (*named || assume_columns (reading, cells))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: line 1: expected columns called filename, class, xmin, ymin, xmax and ymax, or six "
      "cells "
      "path,x0,y0,x1,y1,class, found neither",
      reading->source->path);
  return FALSE;
}

gboolean
read_csv (LabelSet *set, const LabelSource *source, GError **error)
{
  g_autofree char *text = file_read_text (source->path, error);
  CsvReading reading = { set, source };
  gboolean named;

  if (text == NULL)
    return FALSE;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  if (!read_header (&reading, lines[0] != NULL ? lines[0] : "", &named, error))
    return FALSE;
  reading.pictures = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = named ? 1 : 0; lines[i] != NULL; i++) {
    g_autoptr (GPtrArray) cells = split_line (lines[i], reading.separator);
    if (*g_strstrip (lines[i]) != '\0')
      add_line (&reading, cells, i + 1);
  }
  g_hash_table_unref (reading.pictures);
  return TRUE;
}
