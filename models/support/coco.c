/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's annotation file as a table.
 */
#include "coco.h"

#include <string.h>

#include "fbnet/fbnet.h"
#include "jsonfile.h"

/* --- Entries ---------------------------------------------------------------------------------- */

char *
coco_file_where (const CocoFile *file, const char *list, guint index)
{
  return g_strdup_printf ("%s: %s[%u]", file->path, list, index);
}

/* Reads an entry; FALSE with error. */
typedef gboolean (*ReadFunc) (const cJSON *entry, gpointer row, const char *where, GError **error);

/* The sentence about what is wrong, or NULL. Only then it costs one: data sets have hundreds of thousands
 * of entries. */
static char *
find_flaw (const CocoFile *file, const char *list, guint index, ReadFunc read, const cJSON *entry,
    gpointer row)
{
  g_autoptr (GError) error = NULL;

  if (read (entry, row, NULL, NULL))
    return NULL;
  g_autofree char *where = coco_file_where (file, list, index);
  read (entry, row, where, &error);
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
read_image (const cJSON *entry, gpointer row, const char *where, GError **error)
{
  CocoImage *image = row;
  const gboolean named = cJSON_HasObjectItem (entry, "file_name");

  image->file_name = named ? json_get_string (entry, "file_name", where, error) : NULL;
  return (!named || image->file_name != NULL)
      && json_get_integer (entry, "id", &image->id, where, error);
}

static gboolean
is_set (const cJSON *entry, const char *name)
{
  const cJSON *field = cJSON_GetObjectItemCaseSensitive (entry, name);

  return cJSON_IsTrue (field) || (cJSON_IsNumber (field) && field->valuedouble != 0);
}

static gboolean
read_ids (const cJSON *entry, gpointer row, const char *where, GError **error)
{
  CocoAnnotation *annotation = row;

  return json_get_integer (entry, "image_id", &annotation->image_id, where, error)
      && json_get_integer (entry, "category_id", &annotation->category_id, where, error);
}

static gboolean
read_box (const cJSON *entry, gpointer row, const char *where, GError **error)
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
  const cJSON *entry;

  cJSON_ArrayForEach (entry, categories)
  {
    g_autofree char *where = coco_file_where (file, "categories", file->categories->len);
    CocoCategory category = { .name = json_get_string (entry, "name", where, error) };
    if (category.name == NULL || !json_get_integer (entry, "id", &category.id, where, error))
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
    const cJSON *id = cJSON_GetObjectItemCaseSensitive (entry, "id");
    const guint index = file->annotations->len;
    CocoAnnotation row = {
      .json = entry,
      .has_id = cJSON_IsNumber (id),
      .id = cJSON_IsNumber (id) ? id->valuedouble : 0,
      .crowd = is_set (entry, "iscrowd"),
      .ignore = is_set (entry, "ignore"),
    };
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
  file->images = g_array_new (FALSE, FALSE, sizeof (CocoImage));
  file->categories = g_array_new (FALSE, FALSE, sizeof (CocoCategory));
  g_array_set_clear_func (file->images, clear_image);
  if (!read_images (file, error) || !read_categories (file, error))
    return NULL;
  read_annotations (file);
  return g_steal_pointer (&file);
}

CocoFile *
coco_file_read (const char *path, GError **error)
{
  cJSON *json = json_read (path, error);

  return json != NULL ? coco_file_new (json, path, error) : NULL;
}

void
coco_file_free (CocoFile *file)
{
  if (file == NULL)
    return;
  g_array_unref (file->images);
  g_array_unref (file->categories);
  g_clear_pointer (&file->annotations, g_array_unref);
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
