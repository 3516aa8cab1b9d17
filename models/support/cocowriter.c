/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's results file.
 */
#include "cocowriter.h"

#include <string.h>

#include "jsonfile.h"
#include "masks.h"
#include "outputs.h"

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
  if (writer == NULL)
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
new_result (const CocoImage *image, gint64 category_id, const FbnetDetection *detection)
{
  cJSON *result = cJSON_CreateObject ();

  if (image->text_id != NULL)
    cJSON_AddStringToObject (result, "image_id", image->text_id);
  else
    cJSON_AddNumberToObject (result, "image_id", (double) image->id);
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
coco_writer_add (CocoWriter *writer, const CocoImage *image, guint width, guint height,
    const FbnetDetections *detections, const gint64 *category_ids, guint n_keypoints)
{
  for (guint i = 0; i < detections->n; i++) {
    const FbnetDetection *detection = &detections->items[i];
    const gint64 category_id = category_ids[detection->class_id];
    if (category_id < 0)
      continue;
    g_autoptr (cJSON) result = new_result (image, category_id, detection);
    if (detection->mask.data != NULL)
      cJSON_AddItemToObject (result, "segmentation",
          rle_detection_to_json (&detection->mask, width, height));
    if (detection->keypoints != NULL)
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

  return output_write (text, path, error);
}
