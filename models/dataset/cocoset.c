/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A checked set as COCO's annotation files.
 */
#include "cocoset.h"

#include <math.h>
#include <string.h>

#include "checkpictures.h"
#include "fbnet/fbnet.h"
#include "support/jsonfile.h"

/* --- Classes ---------------------------------------------------------------------------------- */

/* OLD → NEW */
static GHashTable *
read_renamed (char *const *renamed, GError **error)
{
  GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; renamed != NULL && renamed[i] != NULL; i++) {
    g_auto (GStrv) pair = g_strsplit (renamed[i], "=", 2);
    if (g_strv_length (pair) == 2 && *pair[0] != '\0' && *pair[1] != '\0') {
      g_hash_table_insert (names, g_strdup (pair[0]), g_strdup (pair[1]));
      continue;
    }
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT, "--rename: expected OLD=NEW, found %s",
        renamed[i]);
    g_hash_table_unref (names);
    return NULL;
  }
  return names;
}

static gboolean
is_dropped (char *const *dropped, const char *label)
{
  return dropped != NULL && g_strv_contains ((const char *const *) dropped, label);
}

static void
rename_objects (LabelSet *set, LabelPicture *picture, GHashTable *names, char *const *dropped)
{
  guint i = 0;

  while (i < picture->objects->len) {
    LabelObject *object = picture->objects->pdata[i];
    const char *name = g_hash_table_lookup (names, object->label);
    if (name != NULL) {
      g_free (object->label);
      object->label = g_strdup (name);
    }
    if (is_dropped (dropped, object->label)) {
      problems_note (set->problems, LABEL_DROPPED, object->label);
      g_ptr_array_remove_index (picture->objects, i);
    } else {
      i++;
    }
  }
}

static gint
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Classes that objects have and no file lists. */
static GPtrArray *
list_others (const LabelSet *set)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *others = g_ptr_array_new ();

  for (guint i = 0; i < set->labels->len; i++)
    g_hash_table_add (seen, set->labels->pdata[i]);
  for (guint i = 0; i < set->pictures->len; i++) {
    const LabelPicture *picture = set->pictures->pdata[i];
    for (guint j = 0; j < picture->objects->len; j++) {
      const LabelObject *object = picture->objects->pdata[j];
      if (g_hash_table_add (seen, object->label))
        g_ptr_array_add (others, object->label);
    }
  }
  g_ptr_array_sort (others, compare_texts);
  return others;
}

static void
rename_listed (LabelSet *set, GHashTable *names, char *const *dropped)
{
  g_autoptr (GPtrArray) listed = set->labels;

  set->labels = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < listed->len; i++) {
    const char *name = g_hash_table_lookup (names, listed->pdata[i]);
    const char *label = name != NULL ? name : listed->pdata[i];
    if (!is_dropped (dropped, label))
      label_set_declare (set, label);
  }
}

gboolean
coco_set_name_classes (LabelSet *set, char *const *renamed, char *const *dropped, GError **error)
{
  g_autoptr (GHashTable) names = read_renamed (renamed, error);

  if (names == NULL)
    return FALSE;
  rename_listed (set, names, dropped);
  for (guint i = 0; i < set->pictures->len; i++)
    rename_objects (set, set->pictures->pdata[i], names, dropped);
  g_autoptr (GPtrArray) others = list_others (set);
  for (guint i = 0; i < others->len; i++)
    label_set_declare (set, others->pdata[i]);
  return TRUE;
}

/* --- Division --------------------------------------------------------------------------------- */

static gint
compare_numbers (gconstpointer a, gconstpointer b, gpointer data)
{
  const LabelSet *set = data;
  const LabelPicture *left = set->pictures->pdata[*(const guint *) a];
  const LabelPicture *right = set->pictures->pdata[*(const guint *) b];
  const guint64 l = picture_number (left), r = picture_number (right);

  return l != r ? (l > r) - (l < r) : strcmp (left->path, right->path);
}

/* Copies have one number and stand side by side: the border is moved behind them. */
gboolean *
coco_set_divide (const LabelSet *set, double share)
{
  const guint n = set->pictures->len;
  gboolean *flags = g_new0 (gboolean, MAX (n, 1));
  g_autofree guint *order = g_new (guint, MAX (n, 1));

  if (share <= 0 || n < 2)
    return flags;
  for (guint i = 0; i < n; i++)
    order[i] = i;
  g_qsort_with_data (order, (gint) n, sizeof *order, compare_numbers, (gpointer) set);
  guint n_val = CLAMP ((guint) round (share * n), 1, n - 1);
  while (n_val < n - 1
      && picture_number (set->pictures->pdata[order[n_val]])
          == picture_number (set->pictures->pdata[order[n_val - 1]]))
    n_val++;
  for (guint i = 0; i < n_val; i++)
    flags[order[i]] = TRUE;
  return flags;
}

/* --- Files ------------------------------------------------------------------------------------ */

/* The longest beginning that both have, folder by folder. */
static char *
common_folder (const char *folder, const char *path)
{
  gsize end = 0;

  for (gsize i = 0; folder[i] != '\0' && folder[i] == path[i]; i++)
    if (folder[i] == '/')
      end = i;
  const gsize length = strlen (folder);
  if (strncmp (folder, path, length) == 0 && path[length] == '/')
    end = length;
  return end == 0 ? g_strdup ("/") : g_strndup (folder, end);
}

char *
coco_set_folder (const LabelSet *set)
{
  char *folder = NULL;

  for (guint i = 0; i < set->pictures->len; i++) {
    const LabelPicture *picture = set->pictures->pdata[i];
    g_autofree char *before = folder != NULL ? folder : g_path_get_dirname (picture->path);
    folder = common_folder (before, picture->path);
  }
  return folder != NULL ? folder : g_strdup (".");
}

static cJSON *
categories_to_json (const LabelSet *set)
{
  cJSON *categories = cJSON_CreateArray ();

  for (guint i = 0; i < set->labels->len; i++) {
    cJSON *category = cJSON_CreateObject ();
    cJSON_AddNumberToObject (category, "id", i + 1);
    cJSON_AddStringToObject (category, "name", set->labels->pdata[i]);
    cJSON_AddItemToArray (categories, category);
  }
  return categories;
}

/* To a hundredth of a pixel. */
static cJSON *
number_to_json (double number)
{
  return cJSON_CreateNumber (round (100 * number) / 100);
}

static cJSON *
polygons_to_json (const LabelObject *object)
{
  cJSON *polygons = cJSON_CreateArray ();

  for (guint i = 0; i < object->polygons->len; i++) {
    const GArray *points = object->polygons->pdata[i];
    cJSON *polygon = cJSON_CreateArray ();
    for (guint p = 0; p < points->len; p++)
      cJSON_AddItemToArray (polygon, number_to_json (g_array_index (points, double, p)));
    cJSON_AddItemToArray (polygons, polygon);
  }
  return polygons;
}

static guint
category_of (const LabelSet *set, const char *label)
{
  guint index = 0;

  g_ptr_array_find_with_equal_func (set->labels, label, g_str_equal, &index);
  return index + 1;
}

static cJSON *
object_to_json (const LabelSet *set, const LabelObject *object, guint id, guint image_id)
{
  const double box[] = { object->x0, object->y0, object->x1 - object->x0, object->y1 - object->y0 };
  cJSON *annotation = cJSON_CreateObject ();

  cJSON_AddNumberToObject (annotation, "id", id);
  cJSON_AddNumberToObject (annotation, "image_id", image_id);
  cJSON_AddNumberToObject (annotation, "category_id", category_of (set, object->label));
  cJSON *bbox = cJSON_AddArrayToObject (annotation, "bbox");
  for (guint i = 0; i < G_N_ELEMENTS (box); i++)
    cJSON_AddItemToArray (bbox, number_to_json (box[i]));
  cJSON_AddItemToObject (annotation, "area", number_to_json (box[2] * box[3]));
  cJSON_AddNumberToObject (annotation, "iscrowd", 0);
  if (object->polygons != NULL)
    cJSON_AddItemToObject (annotation, "segmentation", polygons_to_json (object));
  else if (object->runs != NULL)
    cJSON_AddItemToObject (annotation, "segmentation", cJSON_Duplicate (object->runs, TRUE));
  return annotation;
}

static cJSON *
image_to_json (const LabelPicture *picture, guint id, const char *folder)
{
  const gsize length = strlen (folder);
  cJSON *image = cJSON_CreateObject ();

  cJSON_AddNumberToObject (image, "id", id);
  cJSON_AddStringToObject (image, "file_name",
      picture->path + length + (picture->path[length] == '/' ? 1 : 0));
  cJSON_AddNumberToObject (image, "width", picture->width);
  cJSON_AddNumberToObject (image, "height", picture->height);
  return image;
}

gboolean
coco_set_write (const LabelSet *set, const gboolean *flags, gboolean flag, const char *folder,
    const char *command, const char *path, GError **error)
{
  g_autoptr (cJSON) file = cJSON_CreateObject ();
  cJSON *info = cJSON_AddObjectToObject (file, "info");
  guint id = 0;

  cJSON_AddStringToObject (info, "description", command);
  cJSON_AddItemToObject (file, "categories", categories_to_json (set));
  cJSON *images = cJSON_AddArrayToObject (file, "images");
  cJSON *annotations = cJSON_AddArrayToObject (file, "annotations");
  for (guint i = 0; i < set->pictures->len; i++) {
    const LabelPicture *picture = set->pictures->pdata[i];
    if (flags[i] != flag)
      continue;
    cJSON_AddItemToArray (images, image_to_json (picture, i + 1, folder));
    for (guint j = 0; j < picture->objects->len; j++)
      cJSON_AddItemToArray (annotations,
          object_to_json (set, picture->objects->pdata[j], ++id, i + 1));
  }
  return json_write (file, path, error);
}
