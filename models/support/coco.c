/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's files.
 */
#include "coco.h"

#include <string.h>

#include "files.h"
#include "jsonfile.h"
#include "masks.h"

/* --- Annotation files ------------------------------------------------------------------------- */

/* A picture's side; what cannot be one counts as not said. */
static guint
read_side (const cJSON *item, const char *name)
{
  const cJSON *side = cJSON_GetObjectItemCaseSensitive (item, name);
  return cJSON_IsNumber (side) && side->valueint > 0 ? (guint) side->valueint : 0;
}

static gboolean
add_image (CocoSet *set, const cJSON *item, gboolean need_file_name, const char *where,
    GError **error)
{
  CocoImage image = { .width = read_side (item, "width"), .height = read_side (item, "height") };
  const gboolean named = need_file_name || cJSON_HasObjectItem (item, "file_name");
  const char *file_name = named ? json_get_string (item, "file_name", where, error) : NULL;
  if ((named && !file_name) || !json_get_integer (item, "id", &image.id, where, error))
    return FALSE;
  image.file_name = g_strdup (file_name);
  g_array_append_val (set->images, image);
  return TRUE;
}

static gboolean
add_category (CocoSet *set, const cJSON *item, const char *where, GError **error)
{
  CocoCategory category;
  const char *name = json_get_string (item, "name", where, error);
  if (!name || !json_get_integer (item, "id", &category.id, where, error))
    return FALSE;
  category.name = g_strdup (name);
  g_array_append_val (set->categories, category);
  return TRUE;
}

static gboolean
read_images (CocoSet *set, const cJSON *file, const char *path, gboolean need_file_names,
    GError **error)
{
  const cJSON *images = json_get_array (file, "images", path, error);
  if (!images)
    return FALSE;
  const cJSON *item;
  cJSON_ArrayForEach (item, images)
  {
    g_autofree char *where = g_strdup_printf ("%s: images[%u]", path, set->images->len);
    if (!add_image (set, item, need_file_names, where, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_categories (CocoSet *set, const cJSON *file, const char *path, GError **error)
{
  const cJSON *categories = json_get_array (file, "categories", path, error);
  if (!categories)
    return FALSE;
  const cJSON *item;
  cJSON_ArrayForEach (item, categories)
  {
    g_autofree char *where = g_strdup_printf ("%s: categories[%u]", path, set->categories->len);
    if (!add_category (set, item, where, error))
      return FALSE;
  }
  return TRUE;
}

static void
clear_image (gpointer data)
{
  g_free (((CocoImage *) data)->file_name);
}

static void
clear_category (gpointer data)
{
  g_free (((CocoCategory *) data)->name);
}

CocoSet *
coco_set_new (const cJSON *file, const char *path, gboolean need_file_names, GError **error)
{
  g_autoptr (CocoSet) set = g_new (CocoSet, 1);
  set->images = g_array_new (FALSE, FALSE, sizeof (CocoImage));
  set->categories = g_array_new (FALSE, FALSE, sizeof (CocoCategory));
  g_array_set_clear_func (set->images, clear_image);
  g_array_set_clear_func (set->categories, clear_category);
  if (!read_images (set, file, path, need_file_names, error)
      || !read_categories (set, file, path, error))
    return NULL;
  return g_steal_pointer (&set);
}

CocoSet *
coco_set_read (const char *path, GError **error)
{
  g_autoptr (cJSON) file = json_read (path, error);
  return file ? coco_set_new (file, path, TRUE, error) : NULL;
}

void
coco_set_free (CocoSet *set)
{
  if (!set)
    return;
  g_array_unref (set->images);
  g_array_unref (set->categories);
  g_free (set);
}

gint64
coco_set_find_category (const CocoSet *set, const char *name)
{
  for (guint i = 0; i < set->categories->len; i++) {
    const CocoCategory *category = &g_array_index (set->categories, CocoCategory, i);
    if (strcmp (category->name, name) == 0)
      return category->id;
  }
  return -1;
}

gboolean
coco_set_has_category (const CocoSet *set, gint64 id)
{
  for (guint i = 0; i < set->categories->len; i++)
    if (g_array_index (set->categories, CocoCategory, i).id == id)
      return TRUE;
  return FALSE;
}

/* --- Results files ---------------------------------------------------------------------------- */

/* Text, not a tree: a result is a line, and a data set has hundreds of thousands. */
struct CocoWriter {
  GString *text;
};

CocoWriter *
coco_writer_new (void)
{
  CocoWriter *writer = g_new (CocoWriter, 1);
  writer->text = g_string_new ("[");
  return writer;
}

void
coco_writer_free (CocoWriter *writer)
{
  if (!writer)
    return;
  g_string_free (writer->text, TRUE);
  g_free (writer);
}

/* Width and height are differences in float32, as detectron2's coco_evaluation.py takes them. */
static cJSON *
new_bbox (const FbnetDetection *detection)
{
  cJSON *bbox = cJSON_CreateArray ();
  cJSON_AddItemToArray (bbox, json_new_float (detection->x0));
  cJSON_AddItemToArray (bbox, json_new_float (detection->y0));
  cJSON_AddItemToArray (bbox, json_new_float (detection->x1 - detection->x0));
  cJSON_AddItemToArray (bbox, json_new_float (detection->y1 - detection->y0));
  return bbox;
}

/* COCO's keypoints name pixels, ours places in them: half a pixel apart (detectron2,
 * coco_evaluation.py instances_to_coco_json). */
static cJSON *
new_keypoints (const FbnetKeypoint *keypoints, guint n)
{
  cJSON *array = cJSON_CreateArray ();
  for (guint i = 0; i < n; i++) {
    cJSON_AddItemToArray (array, json_new_float (keypoints[i].x - 0.5f));
    cJSON_AddItemToArray (array, json_new_float (keypoints[i].y - 0.5f));
    cJSON_AddItemToArray (array, json_new_float (keypoints[i].score));
  }
  return array;
}

static cJSON *
new_result (gint64 image_id, gint64 category_id, const FbnetDetection *detection)
{
  cJSON *result = cJSON_CreateObject ();
  cJSON_AddNumberToObject (result, "image_id", (double) image_id);
  cJSON_AddNumberToObject (result, "category_id", (double) category_id);
  cJSON_AddItemToObject (result, "bbox", new_bbox (detection));
  cJSON_AddItemToObject (result, "score", json_new_float (detection->score));
  return result;
}

static void
append_result (CocoWriter *writer, const cJSON *result)
{
  g_autofree char *line = json_print_line (result);
  g_string_append (writer->text, writer->text->len > 1 ? ",\n" : "\n");
  g_string_append (writer->text, line);
}

void
coco_writer_add (CocoWriter *writer, gint64 image_id, guint width, guint height,
    const FbnetDetections *detections, const gint64 *category_ids, guint n_keypoints)
{
  for (guint i = 0; i < detections->n; i++) {
    const FbnetDetection *detection = &detections->items[i];
    const gint64 category_id = category_ids[detection->class_id];
    if (category_id < 0)
      continue;
    g_autoptr (cJSON) result = new_result (image_id, category_id, detection);
    if (detection->mask.data)
      cJSON_AddItemToObject (result, "segmentation",
          rle_detection_to_json (&detection->mask, width, height));
    if (detection->keypoints)
      cJSON_AddItemToObject (result, "keypoints",
          new_keypoints (detection->keypoints, n_keypoints));
    append_result (writer, result);
  }
}

static char *
print (const CocoWriter *writer)
{
  return g_strconcat (writer->text->str, "\n]\n", NULL);
}

cJSON *
coco_writer_to_json (const CocoWriter *writer)
{
  g_autofree char *text = print (writer);

  return json_parse (text, strlen (text), "results", NULL);
}

gboolean
coco_writer_save (const CocoWriter *writer, const char *path, GError **error)
{
  g_autofree char *text = print (writer);

  return file_write (path, text, strlen (text), error);
}
