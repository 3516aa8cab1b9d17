/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's annotation file as a table.
 */
#include "coco.h"

#include <string.h>

#include "fbnet/fbnet.h"
#include "jsonfile.h"
#include "labelformat.h"

/* As many as a model can tell apart; each costs an evaluation a hundred kilobytes. */
#define MAX_CATEGORIES 10000

/* --- Entries ---------------------------------------------------------------------------------- */

char *
coco_file_where (const CocoFile *file, const char *list, guint index)
{
  return g_strdup_printf ("%s: %s[%u]", file->path, list, index);
}

/* Integers up to 2^53 are exact in JSON's doubles; those of text begin behind what a data set has. */
#define FIRST_TEXT_ID (G_GINT64_CONSTANT (1) << 52)

static gint64
number_text (const CocoFile *file, const char *text)
{
  gint64 number;

  if (g_ascii_string_to_signed (text, 10, -FIRST_TEXT_ID, FIRST_TEXT_ID - 1, &number, NULL))
    return number;
  gpointer known = g_hash_table_lookup (file->text_ids, text);
  if (known == NULL) {
    known = GUINT_TO_POINTER (g_hash_table_size (file->text_ids) + 1);
    g_hash_table_insert (file->text_ids, g_strdup (text), known);
  }
  return FIRST_TEXT_ID + GPOINTER_TO_UINT (known);
}

gboolean
coco_file_read_id (const CocoFile *file, const cJSON *object, const char *field, gint64 *id,
    const char *where, GError **error)
{
  const char *text = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (object, field));

  if (text == NULL)
    return json_get_integer (object, field, id, where, error);
  *id = number_text (file, text);
  return TRUE;
}

/* Reads an entry; FALSE with error. */
typedef gboolean (*ReadFunc) (const CocoFile *file, const cJSON *entry, gpointer row,
    const char *where, GError **error);

/* The sentence about what is wrong, or NULL. Only then it costs one: data sets have hundreds of thousands
 * of entries. */
static char *
find_flaw (const CocoFile *file, const char *list, guint index, ReadFunc read, const cJSON *entry,
    gpointer row)
{
  g_autoptr (GError) error = NULL;

  if (read (file, entry, row, NULL, NULL))
    return NULL;
  g_autofree char *where = coco_file_where (file, list, index);
  read (file, entry, row, where, &error);
  return g_strdup (error->message);
}

/* A picture's side; what cannot be one counts as not said. */
static guint
read_side (const cJSON *entry, const char *name)
{
  const cJSON *side = cJSON_GetObjectItemCaseSensitive (entry, name);

  return cJSON_IsNumber (side) && side->valueint > 0 ? (guint) side->valueint : 0;
}

static gboolean
read_image (const CocoFile *file, const cJSON *entry, gpointer row, const char *where,
    GError **error)
{
  CocoImage *image = row;
  const gboolean named = cJSON_HasObjectItem (entry, "file_name");

  image->file_name = named ? json_get_string (entry, "file_name", where, error) : NULL;
  image->text_id = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (entry, "id"));
  return (!named || image->file_name != NULL)
      && coco_file_read_id (file, entry, "id", &image->id, where, error);
}

static gboolean
is_set (const cJSON *entry, const char *name)
{
  const cJSON *field = cJSON_GetObjectItemCaseSensitive (entry, name);

  return cJSON_IsTrue (field) || (cJSON_IsNumber (field) && field->valuedouble != 0);
}

static gboolean
read_ids (const CocoFile *file, const cJSON *entry, gpointer row, const char *where, GError **error)
{
  CocoAnnotation *annotation = row;

  return coco_file_read_id (file, entry, "image_id", &annotation->image_id, where, error)
      && coco_file_read_id (file, entry, "category_id", &annotation->category_id, where, error);
}

static gboolean
read_box (const CocoFile *file, const cJSON *entry, gpointer row, const char *where, GError **error)
{
  CocoAnnotation *annotation = row;
  double numbers[4];

  if (!json_get_numbers (entry, "bbox", numbers, 4, where, error))
    return FALSE;
  annotation->box = (CocoBox){ numbers[0], numbers[1], numbers[2], numbers[3] };
  return TRUE;
}

/* --- Lists ------------------------------------------------------------------------------------ */

static void
clear_image (gpointer image)
{
  g_free (((CocoImage *) image)->flaw);
}

static void
clear_annotation (gpointer annotation)
{
  g_free (((CocoAnnotation *) annotation)->flaw);
  g_free (((CocoAnnotation *) annotation)->box_flaw);
}

static gboolean
read_images (CocoFile *file, GError **error)
{
  const cJSON *images = json_get_array (file->json, "images", file->path, error);
  const cJSON *entry;

  cJSON_ArrayForEach (entry, images)
  {
    CocoImage image = { .width = read_side (entry, "width"),
      .height = read_side (entry, "height") };
    image.flaw = find_flaw (file, "images", file->images->len, read_image, entry, &image);
    g_array_append_val (file->images, image);
  }
  return images != NULL;
}

/* The names decide what a class is: a broken list of them is no list. */
static gboolean
read_categories (CocoFile *file, GError **error)
{
  const cJSON *categories = json_get_array (file->json, "categories", file->path, error);
  const int n = cJSON_GetArraySize (categories);
  const cJSON *entry;

  if (n > MAX_CATEGORIES) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: field 'categories': expected at most %d, found %d", file->path, MAX_CATEGORIES, n);
    return FALSE;
  }
  cJSON_ArrayForEach (entry, categories)
  {
    g_autofree char *where = coco_file_where (file, "categories", file->categories->len);
    CocoCategory category = { .name = json_get_string (entry, "name", where, error) };
    if (category.name == NULL || !coco_file_read_id (file, entry, "id", &category.id, where, error))
      return FALSE;
    g_array_append_val (file->categories, category);
  }
  return categories != NULL;
}

static void
read_annotations (CocoFile *file)
{
  const cJSON *annotations = json_get_array (file->json, "annotations", file->path, NULL);
  const cJSON *entry;

  if (annotations == NULL)
    return;
  file->annotations = g_array_new (FALSE, FALSE, sizeof (CocoAnnotation));
  g_array_set_clear_func (file->annotations, clear_annotation);
  cJSON_ArrayForEach (entry, annotations)
  {
    const guint index = file->annotations->len;
    CocoAnnotation row = {
      .json = entry,
      .crowd = is_set (entry, "iscrowd"),
      .ignore = is_set (entry, "ignore"),
    };
    row.has_id = coco_file_read_id (file, entry, "id", &row.id, NULL, NULL);
    row.has_area = json_get_number (entry, "area", &row.area, NULL, NULL);
    row.flaw = find_flaw (file, "annotations", index, read_ids, entry, &row);
    row.box_flaw = find_flaw (file, "annotations", index, read_box, entry, &row);
    g_array_append_val (file->annotations, row);
  }
}

/* --- Files ------------------------------------------------------------------------------------ */

CocoFile *
coco_file_new (cJSON *json, const char *path, GError **error)
{
  g_autoptr (CocoFile) file = g_new0 (CocoFile, 1);

  file->path = g_strdup (path);
  file->json = json;
  file->text_ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  file->images = g_array_new (FALSE, FALSE, sizeof (CocoImage));
  file->categories = g_array_new (FALSE, FALSE, sizeof (CocoCategory));
  g_array_set_clear_func (file->images, clear_image);
  if (!read_images (file, error) || !read_categories (file, error))
    return NULL;
  read_annotations (file);
  return g_steal_pointer (&file);
}

/* Whoever has another format is told so, and what to do. */
CocoFile *
coco_file_read (const char *path, GError **error)
{
  cJSON *json = json_read (path, error);
  CocoFile *file = json != NULL ? coco_file_new (json, path, error) : NULL;

  if (file == NULL && error != NULL) {
    g_autofree char *hint = label_format_hint (path);
    g_autofree char *message = g_strconcat ((*error)->message, hint, NULL);
    g_free ((*error)->message);
    (*error)->message = g_steal_pointer (&message);
  }
  return file;
}

void
coco_file_free (CocoFile *file)
{
  if (file == NULL)
    return;
  g_array_unref (file->images);
  g_array_unref (file->categories);
  g_clear_pointer (&file->annotations, g_array_unref);
  g_hash_table_unref (file->text_ids);
  cJSON_Delete (file->json);
  g_free (file->path);
  g_free (file);
}

char *
coco_file_describe_flaw (const CocoFile *file, guint index)
{
  const CocoImage *image = &g_array_index (file->images, CocoImage, index);

  if (image->flaw != NULL || image->file_name != NULL)
    return g_strdup (image->flaw);
  g_autofree char *where = coco_file_where (file, "images", index);
  return g_strdup_printf ("%s: field 'file_name': expected a string, found nothing", where);
}

gboolean
coco_file_check_images (const CocoFile *file, gboolean need_names, GError **error)
{
  for (guint i = 0; i < file->images->len; i++) {
    const CocoImage *image = &g_array_index (file->images, CocoImage, i);
    g_autofree char *flaw = need_names ? coco_file_describe_flaw (file, i) : g_strdup (image->flaw);
    if (flaw == NULL)
      continue;
    g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_FORMAT, flaw);
    return FALSE;
  }
  return TRUE;
}

const GArray *
coco_file_annotations (const CocoFile *file, GError **error)
{
  if (file->annotations == NULL)
    json_get_array (file->json, "annotations", file->path, error);
  return file->annotations;
}

const CocoCategory *
coco_file_find_name (const CocoFile *file, const char *name)
{
  for (guint i = 0; i < file->categories->len; i++) {
    const CocoCategory *category = &g_array_index (file->categories, CocoCategory, i);
    if (strcmp (category->name, name) == 0)
      return category;
  }
  return NULL;
}

char *
coco_file_describe_repeat (const CocoFile *file, guint index)
{
  const CocoCategory *category = &g_array_index (file->categories, CocoCategory, index);
  const CocoCategory *first = coco_file_find_name (file, category->name);

  if (first->id == category->id)
    return NULL;
  return g_strdup_printf ("%s: '%s' is %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT, file->path,
      category->name, first->id, category->id);
}

const CocoCategory *
coco_file_find_category (const CocoFile *file, gint64 id)
{
  for (guint i = 0; i < file->categories->len; i++) {
    const CocoCategory *category = &g_array_index (file->categories, CocoCategory, i);
    if (category->id == id)
      return category;
  }
  return NULL;
}
