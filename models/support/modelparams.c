/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where parameters stand in a description.
 */
#include "modelparams.h"

#include <string.h>

#include "commandline.h"

typedef struct {
  const char *name, *part, *key;
} ParamPlace;

static const ParamPlace places[] = {
  { "min-size", "input", "min_size" },
  { "max-size", "input", "max_size" },
  { "pre-nms-count", "rpn", "pre_nms_count" },
  { "post-nms-count", "rpn", "post_nms_count" },
  { "rpn-iou-threshold", "rpn", "iou_threshold" },
  { "min-proposal-size", "rpn", "min_box_size" },
  { "score-threshold", "roi_heads", "score_threshold" },
  { "iou-threshold", "roi_heads", "iou_threshold" },
  { "max-detections", "roi_heads", "max_detections" },
  { "box-pooler-resolution", "box_head", "pooler_resolution" },
  { "mask-pooler-resolution", "mask_head", "pooler_resolution" },
  { "mask-threshold", "mask_head", "threshold" },
};

const char *const model_params[] = { "min-size", "max-size", "pre-nms-count", "post-nms-count",
  "rpn-iou-threshold", "min-proposal-size", "score-threshold", "iou-threshold", "max-detections",
  "box-pooler-resolution", "mask-pooler-resolution", "mask-threshold", NULL };

static const ParamPlace *
find_place (const char *name)
{
  guint i = 0;

  while (strcmp (places[i].name, name) != 0) {
    i++;
    g_assert (i < G_N_ELEMENTS (places));
  }
  return &places[i];
}

double
model_param_get (const cJSON *description, const char *name)
{
  const ParamPlace *place = find_place (name);
  const cJSON *part = cJSON_GetObjectItemCaseSensitive (description, place->part);
  const cJSON *value = cJSON_GetObjectItemCaseSensitive (part, place->key);

  return cJSON_IsNumber (value) ? value->valuedouble : fbnet_params_find (name)->usual;
}

/* A classifier has an input, too, but of other sizes. */
static gboolean
is_detector (const cJSON *description)
{
  const cJSON *task = cJSON_GetObjectItemCaseSensitive (description, "task");

  return g_strcmp0 (cJSON_GetStringValue (task), "detection") == 0;
}

gboolean
model_param_set (cJSON *description, const char *name, double value)
{
  const ParamPlace *place = find_place (name);
  cJSON *part = cJSON_GetObjectItemCaseSensitive (description, place->part);

  if (!is_detector (description) || !cJSON_IsObject (part))
    return FALSE;
  cJSON_DeleteItemFromObjectCaseSensitive (part, place->key);
  cJSON_AddNumberToObject (part, place->key, value);
  return TRUE;
}

gboolean
model_params_apply (const ParamOptions *given, cJSON *description, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    const char *name = places[i].name;
    if (param_options_has (given, name)
        && !model_param_set (description, name, param_options_number (given, name, 0)))
      return usage_error (error, "--%s: expected a detection model with \"%s\", found one without",
          name, places[i].part);
  }
  return TRUE;
}
