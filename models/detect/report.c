/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One picture's detections as one line of JSON.
 */
#include "report.h"

#include "support/jsonfile.h"
#include "support/masks.h"

static cJSON *
new_box (const FbnetDetection *detection)
{
  const float corners[] = { detection->x0, detection->y0, detection->x1, detection->y1 };
  cJSON *box = cJSON_CreateArray ();

  for (guint i = 0; i < G_N_ELEMENTS (corners); i++)
    cJSON_AddItemToArray (box, json_new_float (corners[i]));
  return box;
}

static cJSON *
new_keypoints (const FbnetKeypoint *keypoints, guint n)
{
  cJSON *array = cJSON_CreateArray ();

  for (guint i = 0; i < n; i++) {
    cJSON *keypoint = cJSON_CreateArray ();
    cJSON_AddItemToArray (keypoint, json_new_float (keypoints[i].x));
    cJSON_AddItemToArray (keypoint, json_new_float (keypoints[i].y));
    cJSON_AddItemToArray (keypoint, json_new_float (keypoints[i].score));
    cJSON_AddItemToArray (array, keypoint);
  }
  return array;
}

static cJSON *
new_track (const FbnetTrack *track)
{
  cJSON *object = cJSON_CreateObject ();

  cJSON_AddNumberToObject (object, "id", (double) track->id);
  cJSON_AddItemToObject (object, "score", json_new_float (track->score));
  cJSON_AddNumberToObject (object, "hits", track->hits);
  cJSON_AddItemToObject (object, "age", json_new_float ((float) track->age));
  cJSON_AddItemToObject (object, "vx", json_new_float (track->vx));
  cJSON_AddItemToObject (object, "vy", json_new_float (track->vy));
  return object;
}

static void
add_track (cJSON *object, const FbnetTracks *tracks, guint index)
{
  for (guint i = 0; i < tracks->n; i++)
    if (tracks->items[i].detection == (gint) index)
      cJSON_AddItemToObject (object, "track", new_track (&tracks->items[i]));
}

static cJSON *
new_detection (const Report *report, guint index)
{
  const FbnetDetection *detection = &report->detections->items[index];
  const ClassTable *classes = report->classes;
  const guint class_id = detection->class_id;
  cJSON *object = cJSON_CreateObject ();

  cJSON_AddItemToObject (object, "box", new_box (detection));
  cJSON_AddItemToObject (object, "score", json_new_float (detection->score));
  cJSON_AddNumberToObject (object, "class_id", class_id);
  if (classes->labels[class_id] != NULL)
    cJSON_AddStringToObject (object, "label", classes->labels[class_id]);
  if (classes->category_ids != NULL && classes->category_ids[class_id] >= 0)
    cJSON_AddNumberToObject (object, "category_id", (double) classes->category_ids[class_id]);
  if (detection->mask.data != NULL)
    cJSON_AddItemToObject (object, "mask",
        rle_detection_to_json (&detection->mask, report->picture->width, report->picture->height));
  if (detection->keypoints != NULL)
    cJSON_AddItemToObject (object, "keypoints",
        new_keypoints (detection->keypoints, classes->n_keypoints));
  if (report->zoom != NULL)
    cJSON_AddNumberToObject (object, "look", fbnet_zoom_get_look (report->zoom, index));
  if (report->tracks != NULL)
    add_track (object, report->tracks, index);
  return object;
}

static void
add_ms (cJSON *object, const char *name, double ms)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  cJSON_AddRawToObject (object, name, g_ascii_formatd (text, sizeof text, "%.4f", ms)); /* 0.1 µs */
}

static cJSON *
new_timings (const FbnetTimings *timings)
{
  cJSON *object = cJSON_CreateObject ();

  for (guint i = 0; i < FBNET_N_STAGES; i++)
    add_ms (object, fbnet_stage_get_name (i), timings->ms[i]);
  add_ms (object, "total", timings->total);
  return object;
}

char *
report_to_json (const Report *report)
{
  static const char *const precisions[] = { [FBNET_PRECISION_FLOAT32] = "float32",
    [FBNET_PRECISION_INT8] = "int8",
    [FBNET_PRECISION_BFLOAT16] = "bfloat16" };
  /* JSON is UTF-8; a file name may be any bytes. */
  g_autofree char *file = g_filename_display_name (report->file);
  g_autoptr (cJSON) line = cJSON_CreateObject ();

  cJSON_AddStringToObject (line, "file", file);
  cJSON_AddNumberToObject (line, "width", report->picture->width);
  cJSON_AddNumberToObject (line, "height", report->picture->height);
  cJSON_AddStringToObject (line, "model", report->model);
  cJSON_AddStringToObject (line, "kernels", report->kernels);
  cJSON_AddStringToObject (line, "precision", precisions[report->precision]);
  if (report->int8_bias != FBNET_INT8_BIAS_AUTO)
    cJSON_AddStringToObject (line, "int8_bias",
        report->int8_bias == FBNET_INT8_BIAS_EXACT ? "exact" : "wide");
  cJSON *detections = cJSON_AddArrayToObject (line, "detections");
  for (guint i = 0; i < report->detections->n; i++)
    cJSON_AddItemToArray (detections, new_detection (report, i));
  if (report->timings != NULL)
    cJSON_AddItemToObject (line, "timings_ms", new_timings (report->timings));
  return json_print_line (line);
}
