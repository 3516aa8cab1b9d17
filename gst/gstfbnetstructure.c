/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A frame's result → GstStructure.
 */
#include "gstfbnetstructure.h"

/* --- Parts ------------------------------------------------------------------------------------- */

GstStructure *
gst_fbnet_structure_new_detection (const GstFbnetResult *result, guint index)
{
  const FbnetDetection *d = &result->found->items[index];
  const double width = result->width, height = result->height;

  return gst_structure_new ("detection", "label_id", G_TYPE_INT, (gint) d->class_id, "confidence",
      G_TYPE_DOUBLE, (double) d->score, "x_min", G_TYPE_DOUBLE, d->x0 / width, "x_max",
      G_TYPE_DOUBLE, d->x1 / width, "y_min", G_TYPE_DOUBLE, d->y0 / height, "y_max", G_TYPE_DOUBLE,
      d->y1 / height, NULL);
}

GstStructure *
gst_fbnet_structure_new_mask (const GstFbnetResult *result, guint index)
{
  GstBuffer *data = gst_fbnet_result_copy_mask (result, index, 255);
  GstVideoRectangle r;

  if (data == NULL)
    return NULL;
  gst_fbnet_result_rectangle (result, index, &r);
  GstStructure *structure = gst_structure_new ("mask", "width", G_TYPE_UINT, (guint) r.w, "height",
      G_TYPE_UINT, (guint) r.h, "threshold", G_TYPE_DOUBLE, (double) result->mask_threshold, "data",
      GST_TYPE_BUFFER, data, NULL);
  gst_buffer_unref (data);
  return structure;
}

/* In the order of COCO's annotations. */
static const char *const coco_keypoints[GST_FBNET_N_COCO_KEYPOINTS] = { "nose", "left_eye",
  "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
  "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee",
  "left_ankle", "right_ankle" };

/* A new last element, for the caller to set. */
static GValue *
append_new (GValue *array, GType type)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, type);
  gst_value_array_append_and_take_value (array, &value);
  return (GValue *) gst_value_array_get_value (array, gst_value_array_get_size (array) - 1);
}

GstStructure *
gst_fbnet_structure_new_keypoints (const GstFbnetResult *result, guint index)
{
  const FbnetKeypoint *keypoints = result->found->items[index].keypoints;
  GValue x = G_VALUE_INIT, y = G_VALUE_INIT, score = G_VALUE_INIT, names = G_VALUE_INIT;
  const guint n = result->n_keypoints;
  const gboolean named = n == GST_FBNET_N_COCO_KEYPOINTS;

  if (keypoints == NULL)
    return NULL;
  gst_value_array_init (&x, n);
  gst_value_array_init (&y, n);
  gst_value_array_init (&score, n);
  gst_value_array_init (&names, named ? n : 0);
  for (guint i = 0; i < n; i++) {
    g_value_set_double (append_new (&x, G_TYPE_DOUBLE), keypoints[i].x);
    g_value_set_double (append_new (&y, G_TYPE_DOUBLE), keypoints[i].y);
    g_value_set_double (append_new (&score, G_TYPE_DOUBLE), keypoints[i].score);
    if (named)
      g_value_set_static_string (append_new (&names, G_TYPE_STRING), coco_keypoints[i]);
  }

  GstStructure *structure = gst_structure_new ("keypoints", "count", G_TYPE_UINT, n, NULL);
  gst_structure_take_value (structure, "x", &x);
  gst_structure_take_value (structure, "y", &y);
  gst_structure_take_value (structure, "score", &score);
  gst_structure_take_value (structure, "names", &names);
  return structure;
}

GstStructure *
gst_fbnet_structure_new_object_id (const GstFbnetResult *result, guint index)
{
  if (result->tracks == NULL)
    return NULL;
  return gst_structure_new ("object_id", "id", G_TYPE_INT, (gint) result->tracks[index].id, NULL);
}

GstStructure *
gst_fbnet_structure_new_track (const GstFbnetResult *result, guint index)
{
  if (result->tracks == NULL)
    return NULL;
  const FbnetTrack *track = &result->tracks[index];
  return gst_structure_new ("track", "age", G_TYPE_UINT64,
      (guint64) (track->age * GST_SECOND + 0.5), "hits", G_TYPE_UINT, track->hits, "vx",
      G_TYPE_DOUBLE, (double) track->vx, "vy", G_TYPE_DOUBLE, (double) track->vy, NULL);
}

GstStructure *
gst_fbnet_structure_new_classification (const GstFbnetResult *result)
{
  const GstFbnetClass *best = &result->classes[0];
  GValue ids = G_VALUE_INIT, labels = G_VALUE_INIT, confidences = G_VALUE_INIT;

  gst_value_array_init (&ids, result->n_classes);
  gst_value_array_init (&labels, result->n_classes);
  gst_value_array_init (&confidences, result->n_classes);
  for (guint i = 0; i < result->n_classes; i++) {
    const GstFbnetClass *class = &result->classes[i];
    g_value_set_int (append_new (&ids, G_TYPE_INT), (gint) class->class_id);
    g_value_set_string (append_new (&labels, G_TYPE_STRING),
        gst_fbnet_result_label (result, class->class_id));
    g_value_set_double (append_new (&confidences, G_TYPE_DOUBLE), class->probability);
  }

  GstStructure *structure =
      gst_structure_new ("classification", "label_id", G_TYPE_INT, (gint) best->class_id, "label",
          G_TYPE_STRING, gst_fbnet_result_label (result, best->class_id), "confidence",
          G_TYPE_DOUBLE, (double) best->probability, NULL);
  gst_structure_take_value (structure, "label_ids", &ids);
  gst_structure_take_value (structure, "labels", &labels);
  gst_structure_take_value (structure, "confidences", &confidences);
  return structure;
}

static void
add_match (GstStructure *structure, const GstFbnetResult *result, guint index)
{
  const char *match = gst_fbnet_result_match (result, index);

  if (match != NULL)
    gst_structure_set (structure, "match", G_TYPE_STRING, match, NULL);
}

GstStructure *
gst_fbnet_structure_new_inference (const GstFbnetResult *result, gint index)
{
  GstStructure *structure = gst_structure_new ("fbnetdetect", "inference-pts", G_TYPE_UINT64,
      (guint64) result->inferred_pts, "age", G_TYPE_UINT64, (guint64) result->age, "repeated",
      G_TYPE_BOOLEAN, result->repeated, NULL);

  if (index >= 0 && result->sources != NULL)
    gst_structure_set (structure, "look", G_TYPE_UINT, result->sources[index].look, NULL);
  if (index >= 0)
    add_match (structure, result, (guint) index);
  return structure;
}

/* --- The signal's structure -------------------------------------------------------------------- */

static GstStructure *
new_object (const GstFbnetResult *result, guint class_id, double confidence,
    const GstVideoRectangle *r)
{
  return gst_structure_new ("object", "label", G_TYPE_STRING,
      gst_fbnet_result_label (result, class_id), "label_id", G_TYPE_INT, (gint) class_id,
      "confidence", G_TYPE_DOUBLE, confidence, "x", G_TYPE_UINT, (guint) r->x, "y", G_TYPE_UINT,
      (guint) r->y, "width", G_TYPE_UINT, (guint) r->w, "height", G_TYPE_UINT, (guint) r->h, NULL);
}

/* Takes `nested` (nullable) over, under its own name. */
static void
nest (GstStructure *structure, GstStructure *nested)
{
  GValue value = G_VALUE_INIT;

  if (nested == NULL)
    return;
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, nested);
  gst_structure_take_value (structure, gst_structure_get_name (nested), &value);
}

static GstStructure *
describe_object (const GstFbnetResult *result, guint index)
{
  const FbnetDetection *d = &result->found->items[index];
  GstVideoRectangle r;

  gst_fbnet_result_rectangle (result, index, &r);
  GstStructure *object = new_object (result, d->class_id, d->score, &r);
  add_match (object, result, index);
  nest (object, gst_fbnet_structure_new_keypoints (result, index));
  nest (object, gst_fbnet_structure_new_object_id (result, index));
  nest (object, gst_fbnet_structure_new_track (result, index));
  return object;
}

static GstStructure *
describe_frame (const GstFbnetResult *result)
{
  const GstVideoRectangle all = { 0, 0, (gint) result->width, (gint) result->height };
  const GstFbnetClass *best = &result->classes[0];
  GstStructure *object = new_object (result, best->class_id, best->probability, &all);

  nest (object, gst_fbnet_structure_new_classification (result));
  return object;
}

GstStructure *
gst_fbnet_structure_new_detections (const GstFbnetResult *result)
{
  GstStructure *structure = gst_structure_new ("detections", "pts", G_TYPE_UINT64,
      (guint64) result->inferred_pts, "frame-width", G_TYPE_UINT, result->width, "frame-height",
      G_TYPE_UINT, result->height, "count", G_TYPE_UINT, gst_fbnet_result_count (result), NULL);
  GValue objects = G_VALUE_INIT;

  gst_value_array_init (&objects, gst_fbnet_result_count (result));
  for (guint i = 0; i < result->found->n; i++)
    g_value_take_boxed (append_new (&objects, GST_TYPE_STRUCTURE), describe_object (result, i));
  if (result->n_classes > 0)
    g_value_take_boxed (append_new (&objects, GST_TYPE_STRUCTURE), describe_frame (result));
  gst_structure_take_value (structure, "objects", &objects);
  return structure;
}
