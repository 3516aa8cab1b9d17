/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * YOLO: a text file for each picture, a line for each object: the number of its class and a box (middle,
 * width, height) or a polygon, as shares of the picture's width and height. What the numbers are called
 * stands in a YAML file (names: a list, or a mapping of numbers), or in a file with a name a line.
 */
#include <math.h>
#include <string.h>

#include "fbnet/fbnet.h"
#include "import/d2go/yaml-tree.h"
#include "numbers.h"
#include "readers.h"
#include "support/files.h"
#include "support/jsonfile.h"
#include "support/labels.h"

#define MAX_CLASSES 10000

/* --- Names ------------------------------------------------------------------------------------ */

/* By number; NULL where there is none. A list's place is the number, a mapping's key. */
static GPtrArray *
read_yaml_names (const cJSON *yaml)
{
  const cJSON *names = cJSON_GetObjectItemCaseSensitive (yaml, "names"), *name;
  g_autoptr (GPtrArray) by_number = g_ptr_array_new_with_free_func (g_free);
  guint next = 0;

  cJSON_ArrayForEach (name, names)
  {
    guint64 number = next++;
    if (cJSON_IsObject (names)
        && !g_ascii_string_to_unsigned (name->string, 10, 0, MAX_CLASSES, &number, NULL))
      return NULL;
    if (!cJSON_IsString (name) || number > MAX_CLASSES)
      return NULL;
    if (by_number->len <= number)
      g_ptr_array_set_size (by_number, (gint) number + 1);
    g_free (by_number->pdata[number]);
    by_number->pdata[number] = g_strdup (name->valuestring);
  }
  return by_number->len > 0 ? g_steal_pointer (&by_number) : NULL;
}

static GPtrArray *
read_name_lines (const char *path, GError **error)
{
  g_auto (GStrv) labels = labels_read (path, error);

  if (labels == NULL)
    return NULL;
  GPtrArray *by_number = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; labels[i] != NULL; i++)
    g_ptr_array_add (by_number, g_strdup (labels[i]));
  return by_number;
}

static gboolean
is_yaml (const char *path)
{
  return g_str_has_suffix (path, ".yaml") || g_str_has_suffix (path, ".yml");
}

static GPtrArray *
read_names_of (const char *path, GError **error)
{
  if (!is_yaml (path))
    return read_name_lines (path, error);
  g_autoptr (cJSON) yaml = yaml_load (path, error);
  GPtrArray *names = yaml != NULL ? read_yaml_names (yaml) : NULL;
  if (yaml != NULL && names == NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: names: expected a list of names, or a mapping of numbers to names, found none", path);
  return names;
}

/* In a folder: what tools leave there. NULL: nothing. */
static char *
find_names_in (const char *folder)
{
  static const char *const plain[] = { "classes.txt", "obj.names", "labels.txt" };
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (plain); i++) {
    g_autofree char *path = g_build_filename (folder, plain[i], NULL);
    if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
      return g_steal_pointer (&path);
  }
  for (const char *name = dir != NULL ? g_dir_read_name (dir) : NULL; name != NULL;
       name = g_dir_read_name (dir)) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (is_yaml (name) && label_format_guess (path) == LABELS_YOLO)
      return g_steal_pointer (&path);
  }
  return NULL;
}

/* In the folder of the labels, or up to two above it: data.yaml beside images/ and labels/train/. */
static char *
find_names (const char *folder)
{
  g_autofree char *absolute = g_canonicalize_filename (folder, NULL);

  for (guint up = 0; up < 3; up++) {
    char *found = find_names_in (absolute);
    if (found != NULL)
      return found;
    g_autofree char *inner = absolute;
    absolute = g_path_get_dirname (inner);
  }
  return NULL;
}

/* --- Labels ----------------------------------------------------------------------------------- */

static void
add_numbers (LabelSet *set, LabelPicture *picture, const char *label, const GArray *numbers,
    const char *where)
{
  const double *n = (const double *) (gpointer) numbers->data + 1;

  if (numbers->len == 5 || numbers->len == 6) /* the sixth is a score */
    label_picture_add (picture, label, n[0] - n[2] / 2, n[1] - n[3] / 2, n[0] + n[2] / 2,
        n[1] + n[3] / 2);
  else if (numbers->len >= 7 && numbers->len % 2 == 1)
    label_object_add_polygon (label_picture_add_shape (picture, label), n, (numbers->len - 1) / 2);
  else
    problems_note (set->problems, BOX_BROKEN, where);
}

static void
add_line (LabelSet *set, LabelPicture *picture, const GPtrArray *names, const char *line,
    guint number)
{
  g_autofree char *where = g_strdup_printf ("%s: line %u", picture->where, number);
  g_autoptr (GArray) numbers = numbers_split (line, " \t\r");

  if (numbers == NULL) {
    problems_note (set->problems, LABEL_ENTRY_UNREADABLE, where);
    return;
  }
  if (numbers->len == 0)
    return;
  const double class_number = g_array_index (numbers, double, 0);
  const gboolean known = class_number >= 0 && class_number < names->len
      && class_number == floor (class_number) && names->pdata[(guint) class_number] != NULL;
  if (known)
    add_numbers (set, picture, names->pdata[(guint) class_number], numbers, where);
  else
    problems_note (set->problems, LABEL_NUMBER, where);
}

/* The label file's name without its ending is the picture's. */
static char *
stem_of (const char *file)
{
  char *stem = g_path_get_basename (file);

  stem[strlen (stem) - strlen (".txt")] = '\0';
  return stem;
}

static void
add_file (LabelSet *set, const LabelSource *source, const GPtrArray *names, const char *file)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL, *stem = stem_of (file);

  text = file_read (file, NULL, &error);
  if (text == NULL) {
    note_unreadable (set, &error);
    return;
  }
  LabelPicture *picture = label_set_add (set, stem, source->images, file);
  picture->shares = TRUE;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    add_line (set, picture, names, lines[i], i + 1);
}

static gboolean
is_label_file (const char *path)
{
  static const char *const others[] = { "classes.txt", "labels.txt", "train.txt", "val.txt",
    "test.txt", NULL };
  g_autofree char *name = g_path_get_basename (path);

  return g_str_has_suffix (name, ".txt") && !g_strv_contains (others, name);
}

/* Beside a YAML file or pictures: …/images/… becomes …/labels/…, as YOLO itself finds them. */
static char *
labels_folder (const LabelSource *source)
{
  const char *images = g_strrstr (source->images, "images");

  if (g_file_test (source->path, G_FILE_TEST_IS_DIR))
    return g_strdup (source->path);
  if (images != NULL) {
    g_autofree char *before = g_strndup (source->images, (gsize) (images - source->images));
    g_autofree char *labels = g_strconcat (before, "labels", images + strlen ("images"), NULL);
    if (g_file_test (labels, G_FILE_TEST_IS_DIR))
      return g_steal_pointer (&labels);
  }
  return g_strdup (source->images);
}

static GPtrArray *
read_names (const LabelSource *source, const char *folder, GError **error)
{
  if (source->names != NULL)
    return read_names_of (source->names, error);
  if (is_yaml (source->path))
    return read_names_of (source->path, error);
  g_autofree char *found = find_names (folder);
  if (found != NULL)
    return read_names_of (found, error);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND,
      "%s: expected the names of the classes in a .yaml or a classes.txt beside the labels, found "
      "none: --names FILE says where they are",
      source->path);
  return NULL;
}

gboolean
read_yolo (LabelSet *set, const LabelSource *source, GError **error)
{
  g_autofree char *folder = labels_folder (source);
  g_autoptr (GPtrArray) names = read_names (source, folder, error);
  g_autoptr (GPtrArray) files = names != NULL ? list_label_files (folder, ".txt", error) : NULL;

  if (files == NULL)
    return FALSE;
  for (guint i = 0; i < names->len; i++) {
    if (names->pdata[i] != NULL)
      label_set_declare (set, names->pdata[i]);
  }
  for (guint i = 0; i < files->len; i++) {
    if (is_label_file (files->pdata[i]))
      add_file (set, source, names, files->pdata[i]);
  }
  return TRUE;
}
