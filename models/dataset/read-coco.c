/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's annotation file (cocodataset.org, #format-data).
 */
#include <math.h>

#include "readers.h"
#include "support/coco.h"
#include "support/masks.h"

/* image id → LabelPicture */
static GHashTable *
add_images (LabelSet *set, const LabelSource *source, const CocoFile *file)
{
  GHashTable *pictures = g_hash_table_new (g_int64_hash, g_int64_equal);

  for (guint i = 0; i < file->images->len; i++) {
    const CocoImage *image = &g_array_index (file->images, CocoImage, i);
    g_autofree char *flaw = coco_file_describe_flaw (file, i);
    g_autofree char *where = coco_file_where (file, "images", i);
    if (flaw != NULL) {
      problems_note (set->problems, LABEL_ENTRY_UNREADABLE, flaw);
      continue;
    }
    LabelPicture *picture = label_set_add (set, image->file_name, source->images, where);
    picture->width = image->width;
    picture->height = image->height;
    g_hash_table_insert (pictures, (gpointer) &image->id, picture);
  }
  return pictures;
}

static void
add_polygon (LabelObject *object, const cJSON *polygon)
{
  g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (double));
  const cJSON *number;

  cJSON_ArrayForEach (number, polygon)
  {
    const double value = cJSON_IsNumber (number) ? number->valuedouble : NAN;
    g_array_append_val (points, value);
  }
  if (points->len >= 6)
    label_object_add_polygon (object, (const double *) (gpointer) points->data, points->len / 2);
}

static void
add_polygons (LabelObject *object, const cJSON *segmentation)
{
  const LabelObject box = *object;
  const cJSON *polygon;

  if (polygon_is_alone (segmentation)) {
    add_polygon (object, segmentation);
  } else {
    cJSON_ArrayForEach (polygon, segmentation) add_polygon (object, polygon);
  }
  /* The file's own box counts. */
  object->x0 = box.x0;
  object->y0 = box.y0;
  object->x1 = box.x1;
  object->y1 = box.y1;
}

static void
add_annotation (LabelSet *set, const CocoFile *file, LabelPicture *picture,
    const CocoAnnotation *annotation, const char *where)
{
  const CocoCategory *category = coco_file_find_category (file, annotation->category_id);
  const cJSON *segmentation = cJSON_GetObjectItemCaseSensitive (annotation->json, "segmentation");
  const CocoBox *box = &annotation->box;

  if (annotation->box_flaw != NULL) {
    problems_note (set->problems, BOX_BROKEN, annotation->box_flaw);
  } else if (category == NULL) {
    problems_note (set->problems, LABEL_NUMBER, where);
  } else if (annotation->crowd || annotation->ignore) {
    problems_note (set->problems, LABEL_CROWD, where);
  } else {
    LabelObject *object = label_picture_add (picture, category->name, box->x, box->y,
        box->x + box->width, box->y + box->height);
    if (cJSON_IsArray (segmentation))
      add_polygons (object, segmentation);
    else if (cJSON_IsObject (segmentation))
      object->runs = cJSON_Duplicate (segmentation, TRUE);
  }
}

gboolean
read_coco (LabelSet *set, const LabelSource *source, GError **error)
{
  g_autoptr (CocoFile) file = coco_file_read (source->path, error);
  const GArray *annotations = file != NULL ? coco_file_annotations (file, error) : NULL;

  if (annotations == NULL)
    return FALSE;
  for (guint i = 0; i < file->categories->len; i++)
    label_set_declare (set, g_array_index (file->categories, CocoCategory, i).name);
  g_autoptr (GHashTable) pictures = add_images (set, source, file);
  for (guint i = 0; i < annotations->len; i++) {
    const CocoAnnotation *annotation = &g_array_index (annotations, CocoAnnotation, i);
    g_autofree char *where = coco_file_where (file, "annotations", i);
    LabelPicture *picture =
        annotation->flaw == NULL ? g_hash_table_lookup (pictures, &annotation->image_id) : NULL;
    if (picture == NULL)
      problems_note (set->problems, LABEL_ENTRY_UNREADABLE,
          annotation->flaw != NULL ? annotation->flaw : where);
    else
      add_annotation (set, file, picture, annotation, where);
  }
  return TRUE;
}
