/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads the description field by field; each function is one object of models/FORMAT.md.
 */
#include "description.h"

#include <string.h>

#include "anchors.h"
#include "base/json.h"
#include "base/memory.h"

#define MAX_ANCHORS 64 /* sizes, and ratios, per level */

static void
to_floats (float *out, const double *in, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = (float) in[i];
}

static void
read_labels (Description *d, JsonReader *top)
{
  const cJSON *labels = json_array (top, "labels", 1, TRUE);
  const cJSON *item;
  guint n = 0;

  if (labels == NULL)
    return;
  d->labels = memory_new0 (char *, (gsize) cJSON_GetArraySize (labels) + 1, top->error);
  if (d->labels == NULL) {
    top->failed = TRUE;
    return;
  }
  cJSON_ArrayForEach (item, labels)
  {
    if (!json_is_name (item)) {
      json_fail (top, "labels", "an array, each of it " JSON_NAME);
      return;
    }
    d->labels[n++] = g_strdup (item->valuestring);
  }
}

/* A parameter, in the range that the table gives it; the member `key` may be absent where it is
 * `optional`. */
static void
read_param (Description *d, const char *name, JsonReader *reader, const char *key,
    gboolean optional)
{
  const FbnetParamInfo *info = fbnet_params_find (name);
  const guint usual_count = (guint) info->usual;
  const double value = info->type == FBNET_PARAM_COUNT
      ? json_uint (reader, key, (guint) info->min, (guint) info->max,
          optional ? &usual_count : NULL)
      : json_number (reader, key, info->min, info->max, optional ? &info->usual : NULL);

  fbnet_param_set (info, &d->params, value);
}

static void
read_detection_sizes (Description *d, JsonReader *input)
{
  static const char *const keys[] = { "channel_order", "mean", "std", "min_size", "max_size",
    "size_divisibility", NULL };
  const guint no_padding = 0;

  json_only_keys (input, keys);
  read_param (d, "min-size", input, "min_size", FALSE);
  read_param (d, "max-size", input, "max_size", FALSE);
  if (d->params.min_size > d->params.max_size)
    json_fail (input, "min_size", "at most max_size");
  d->size_divisibility = json_uint (input, "size_divisibility", 0, 256, &no_padding);
}

static void
read_classification_sizes (Description *d, JsonReader *input)
{
  static const char *const keys[] = { "channel_order", "mean", "std", "resize", "crop", NULL };

  json_only_keys (input, keys);
  d->resize = json_uint (input, "resize", 1, 8192, NULL);
  d->crop = json_uint (input, "crop", 1, 8192, NULL);
  if (d->crop > d->resize)
    json_fail (input, "crop", "at most resize");
}

static void
read_input (Description *d, JsonReader *top)
{
  JsonReader input = json_open (top, "input", "input", FALSE);
  double mean[3] = { 0 }, std[3] = { 1, 1, 1 };
  const char *order = json_string (&input, "channel_order", FALSE);

  if (g_strcmp0 (order, "BGR") != 0 && g_strcmp0 (order, "RGB") != 0)
    json_fail (&input, "channel_order", "\"BGR\" or \"RGB\"");
  d->bgr = g_strcmp0 (order, "BGR") == 0;
  json_numbers (&input, "mean", mean, 3, -1e6, 1e6, FALSE);
  json_numbers (&input, "std", std, 3, 1e-6, 1e6, FALSE);
  to_floats (d->mean, mean, 3);
  to_floats (d->std, std, 3);
  if (d->task == FBNET_TASK_DETECTION)
    read_detection_sizes (d, &input);
  else
    read_classification_sizes (d, &input);
  top->failed |= input.failed;
}

/* "trunk3" → 3 */
static gboolean
parse_feature (const cJSON *item, const char *prefix, guint *number)
{
  const char *name = cJSON_GetStringValue (item);
  guint64 value;

  if (name == NULL || !g_str_has_prefix (name, prefix)
      || !g_ascii_string_to_unsigned (name + strlen (prefix), 10, 0, 15, &value, NULL))
    return FALSE;
  *number = (guint) value;
  return TRUE;
}

static guint
read_feature_names (JsonReader *reader, const char *key, const char *prefix,
    guint numbers[MAX_LEVELS])
{
  const cJSON *names = json_array (reader, key, 1, FALSE);
  const cJSON *item;
  guint n = 0;

  cJSON_ArrayForEach (item, names)
  {
    if (n == MAX_LEVELS || !parse_feature (item, prefix, &numbers[n])) {
      g_autofree char *expected = g_strdup_printf ("at most 8 names like %s3", prefix);
      json_fail (reader, key, expected);
      return 0;
    }
    n++;
  }
  return n;
}

static gboolean
is_consecutive (const guint *numbers, guint n)
{
  for (guint i = 1; i < n; i++) {
    if (numbers[i] != numbers[0] + i)
      return FALSE;
  }
  return TRUE;
}

static void
read_fpn (Description *d, JsonReader *backbone)
{
  static const char *const keys[] = { "in_features", "out_channels", "norm", "levels", NULL };
  JsonReader fpn = json_open (backbone, "fpn", "backbone.fpn", FALSE);
  guint stages[MAX_LEVELS] = { 0 }, levels[MAX_LEVELS] = { 0 };

  json_only_keys (&fpn, keys);
  d->has_fpn = TRUE;
  d->n_fpn_stages = read_feature_names (&fpn, "in_features", "trunk", stages);
  const guint n_levels = read_feature_names (&fpn, "levels", "p", levels);
  if (d->n_fpn_stages == MAX_LEVELS || !is_consecutive (stages, d->n_fpn_stages))
    json_fail (&fpn, "in_features", "at most 7 trunk stages in a row");
  if (n_levels != d->n_fpn_stages + 1 || !is_consecutive (levels, n_levels))
    json_fail (&fpn, "levels", "a level in a row for each of in_features, and one more");
  d->fpn_first_stage = stages[0];
  d->fpn_first_level = levels[0];
  d->fpn_channels = json_uint (&fpn, "out_channels", 1, 4096, NULL);
  d->fpn_norm = arch_read_norm (&fpn, "norm", "backbone.fpn.norm");
  backbone->failed |= fpn.failed;
}

static void
read_backbone (Description *d, JsonReader *top)
{
  static const char *const keys[] = { "type", "prefix", "fpn", NULL };
  JsonReader backbone = json_open (top, "backbone", "backbone", FALSE);
  const char *type = json_string (&backbone, "type", FALSE);

  json_only_keys (&backbone, keys);
  d->trunk_prefix = g_strdup (json_name (&backbone, "prefix", FALSE));
  if (g_strcmp0 (type, "FPN") == 0)
    read_fpn (d, &backbone);
  else if (g_strcmp0 (type, "C4") != 0)
    json_fail (&backbone, "type", "\"C4\" or \"FPN\"");
  top->failed |= backbone.failed;
}

/* The features that a head reads, by index. */
static guint
read_features (const Description *d, JsonReader *reader, guint features[MAX_LEVELS])
{
  const guint n = read_feature_names (reader, "in_features", d->has_fpn ? "p" : "trunk", features);

  for (guint i = 0; i < n && d->has_fpn; i++) {
    features[i] -= d->fpn_first_level; /* wraps to huge below the first */
    if (features[i] > d->n_fpn_stages)
      json_fail (reader, "in_features", "levels of backbone.fpn.levels");
  }
  return n;
}

static gsize
read_anchor_row (JsonReader *reader, const char *key, guint level, double out[MAX_ANCHORS])
{
  const cJSON *rows = json_array (reader, key, 1, FALSE);
  const cJSON *row = cJSON_GetArrayItem (rows, cJSON_GetArraySize (rows) == 1 ? 0 : level);
  const cJSON *item;
  gsize n = 0;

  cJSON_ArrayForEach (item, row)
  {
    const gboolean good =
        cJSON_IsNumber (item) && item->valuedouble > 1e-3 && item->valuedouble < 1e5;
    if (n == MAX_ANCHORS || !good) {
      n = 0;
      break;
    }
    out[n++] = item->valuedouble;
  }
  if (n == 0)
    json_fail (reader, key, "for every feature level an array of 1 to 64 positive numbers");
  return n;
}

static void
read_anchors (Description *d, JsonReader *top)
{
  static const char *const keys[] = { "sizes", "aspect_ratios", "offset", NULL };
  const double no_offset = 0;
  JsonReader anchors = json_open (top, "anchors", "anchors", FALSE);

  json_only_keys (&anchors, keys);
  d->anchor_offset = json_number (&anchors, "offset", 0, 1, &no_offset);
  for (guint level = 0; level < d->n_levels; level++) {
    double sizes[MAX_ANCHORS], ratios[MAX_ANCHORS];
    const gsize n_sizes = read_anchor_row (&anchors, "sizes", level, sizes);
    const gsize n_ratios = read_anchor_row (&anchors, "aspect_ratios", level, ratios);
    if (anchors.failed)
      break;
    d->anchors[level].n_cells = n_sizes * n_ratios;
    d->anchors[level].cells = memory_new (Box, n_sizes * n_ratios, anchors.error);
    if (d->anchors[level].cells == NULL) {
      anchors.failed = TRUE;
      break;
    }
    make_cell_anchors (d->anchors[level].cells, sizes, n_sizes, ratios, n_ratios);
  }
  top->failed |= anchors.failed;
}

static void
read_iou_bounds (JsonReader *reader, float bounds[2], double lower, double upper)
{
  double values[2] = { lower, upper };

  json_numbers (reader, "iou_bounds", values, 2, 0, 1, TRUE);
  if (values[0] > values[1])
    json_fail (reader, "iou_bounds", "[lower, upper] with lower not above upper");
  to_floats (bounds, values, 2);
}

static void
read_rpn (Description *d, JsonReader *top)
{
  static const char *const keys[] = { "in_features", "pre_nms_count", "post_nms_count",
    "iou_threshold", "bbox_reg_weights", "min_box_size", "iou_bounds", NULL };
  JsonReader rpn = json_open (top, "rpn", "rpn", FALSE);
  double weights[4] = { 1, 1, 1, 1 };

  json_only_keys (&rpn, keys);
  d->n_levels = read_features (d, &rpn, d->rpn_features);
  read_param (d, "pre-nms-count", &rpn, "pre_nms_count", FALSE);
  read_param (d, "post-nms-count", &rpn, "post_nms_count", FALSE);
  read_param (d, "rpn-iou-threshold", &rpn, "iou_threshold", FALSE);
  read_param (d, "min-proposal-size", &rpn, "min_box_size", TRUE);
  json_numbers (&rpn, "bbox_reg_weights", weights, 4, 1e-3, 1e3, TRUE);
  to_floats (d->rpn_weights, weights, 4);
  read_iou_bounds (&rpn, d->rpn_iou_bounds, 0.3, 0.7);
  d->params.iou_lower = d->rpn_iou_bounds[0];
  d->params.iou_upper = d->rpn_iou_bounds[1];
  top->failed |= rpn.failed;
}

static void
read_roi_heads (Description *d, JsonReader *top)
{
  static const char *const keys[] = { "in_features", "n_classes", "score_threshold",
    "iou_threshold", "max_detections", "iou_bounds", NULL };
  JsonReader heads = json_open (top, "roi_heads", "roi_heads", FALSE);

  json_only_keys (&heads, keys);
  d->n_roi_levels = read_features (d, &heads, d->roi_features);
  if (!is_consecutive (d->roi_features, d->n_roi_levels))
    json_fail (&heads, "in_features", "levels in a row");
  d->n_classes = json_uint (&heads, "n_classes", 1, 10000, NULL);
  read_param (d, "score-threshold", &heads, "score_threshold", FALSE);
  read_param (d, "iou-threshold", &heads, "iou_threshold", FALSE);
  read_param (d, "max-detections", &heads, "max_detections", FALSE);
  read_iou_bounds (&heads, d->roi_iou_bounds, 0.5, 0.5);
  top->failed |= heads.failed;
}

static void
read_box_head (Description *d, JsonReader *top)
{
  static const char *const keys[] = { "pooler_resolution", "sampling_ratio", "bbox_reg_weights",
    "class_agnostic", NULL };
  const guint adaptive = 0;
  JsonReader head = json_open (top, "box_head", "box_head", FALSE);
  double weights[4] = { 1, 1, 1, 1 };

  json_only_keys (&head, keys);
  read_param (d, "box-pooler-resolution", &head, "pooler_resolution", FALSE);
  d->box_sampling_ratio = json_uint (&head, "sampling_ratio", 0, 16, &adaptive);
  json_numbers (&head, "bbox_reg_weights", weights, 4, 1e-3, 1e3, FALSE);
  to_floats (d->box_weights, weights, 4);
  d->class_agnostic_boxes = json_bool (&head, "class_agnostic", FALSE);
  top->failed |= head.failed;
}

static void
read_mask_head (Description *d, JsonReader *top)
{
  static const char *const keys[] = { "pooler_resolution", "sampling_ratio", "class_agnostic",
    "threshold", NULL };
  const guint adaptive = 0;
  JsonReader head = json_open (top, "mask_head", "mask_head", TRUE);

  json_only_keys (&head, keys);
  d->has_masks = head.object != NULL;
  d->params.masks = d->has_masks;
  read_param (d, "mask-pooler-resolution", &head, "pooler_resolution", !d->has_masks);
  d->mask_sampling_ratio = json_uint (&head, "sampling_ratio", 0, 16, &adaptive);
  d->class_agnostic_masks = json_bool (&head, "class_agnostic", FALSE);
  read_param (d, "mask-threshold", &head, "threshold", TRUE);
  top->failed |= head.failed;
}

static void
read_keypoint_head (Description *d, JsonReader *top)
{
  static const char *const keys[] = { "pooler_resolution", "sampling_ratio", "n_keypoints", "type",
    NULL };
  static const char *const types[] = { [KEYPOINTS_IRF] = "irf",
    [KEYPOINTS_DECONV] = "deconv",
    [KEYPOINTS_DECONV_UPSCALE] = "deconv_upscale",
    [KEYPOINTS_CONV_UPSAMPLE] = "conv_upsample" };
  const guint adaptive = 0;
  JsonReader head = json_open (top, "keypoint_head", "keypoint_head", TRUE);
  guint type = 0;

  if (head.object == NULL)
    return;
  json_only_keys (&head, keys);
  d->n_keypoints = json_uint (&head, "n_keypoints", 1, 1000, NULL);
  d->keypoint_resolution = json_uint (&head, "pooler_resolution", 1, 56, NULL);
  d->keypoint_sampling_ratio = json_uint (&head, "sampling_ratio", 0, 16, &adaptive);
  const char *name = json_string (&head, "type", FALSE);
  while (type < G_N_ELEMENTS (types) && g_strcmp0 (name, types[type]) != 0)
    type++;
  if (type == G_N_ELEMENTS (types))
    json_fail (&head, "type", "one of irf, deconv, deconv_upscale, conv_upsample");
  d->keypoint_predictor = type;
  d->params.keypoints = TRUE;
  top->failed |= head.failed;
}

static void
read_task (Description *d, JsonReader *top)
{
  static const char *const detection[] = { "format", "version", "name", "task", "provenance",
    "notes", "labels", "category_ids", "input", "architecture", "backbone", "anchors", "rpn",
    "roi_heads", "box_head", "mask_head", "keypoint_head", "quantization", NULL };
  static const char *const classification[] = { "format", "version", "name", "task", "provenance",
    "notes", "labels", "input", "architecture", "backbone", "head", "quantization", NULL };
  const char *task = json_string (top, "task", FALSE);

  d->task = g_strcmp0 (task, "detection") == 0 ? FBNET_TASK_DETECTION : FBNET_TASK_CLASSIFICATION;
  if (d->task == FBNET_TASK_CLASSIFICATION && g_strcmp0 (task, "classification") != 0)
    json_fail (top, "task", "\"detection\" or \"classification\"");
  json_only_keys (top, d->task == FBNET_TASK_DETECTION ? detection : classification);
}

/* Free text about the model's origin, but text. */
static void
check_provenance (JsonReader *top)
{
  const JsonReader provenance = json_open (top, "provenance", "provenance", TRUE);
  const cJSON *item;

  cJSON_ArrayForEach (item, provenance.object)
  {
    if (!cJSON_IsString (item)) {
      g_autofree char *expected =
          g_strdup_printf ("an object of strings, \"%s\" too", json_key_text (item->string));
      json_fail (top, "provenance", expected);
      return;
    }
  }
}

/* The block lists are read by arch_build_part(). */
static void
read_architecture (Description *d, JsonReader *top)
{
  static const char *const keys[] = { "name", "notes", "basic_args", "width_divisor",
    "scale_factor", "norm", "trunk", "rpn", "bbox", "mask", "kpts", NULL };
  JsonReader architecture = json_open (top, "architecture", "architecture", FALSE);

  json_only_keys (&architecture, keys);
  json_string (&architecture, "name", TRUE);
  json_string (&architecture, "notes", TRUE);
  d->architecture = architecture.object;
  top->failed |= architecture.failed;
}

static void
read_top (Description *d, JsonReader *top)
{
  const char *format = json_string (top, "format", FALSE);

  if (g_strcmp0 (format, "fbnet-model") != 0)
    json_fail (top, "format", "\"fbnet-model\"");
  json_uint (top, "version", 1, 1, NULL);
  read_task (d, top);
  d->name = g_strdup (json_name (top, "name", FALSE));
  json_string (top, "notes", TRUE);
  check_provenance (top);
  read_architecture (d, top);
}

static void
read_classifier (Description *d, JsonReader *top)
{
  static const char *const backbone_keys[] = { "prefix", NULL };
  static const char *const head_keys[] = { "n_classes", NULL };
  JsonReader backbone = json_open (top, "backbone", "backbone", FALSE);
  JsonReader head = json_open (top, "head", "head", FALSE);

  json_only_keys (&backbone, backbone_keys);
  json_only_keys (&head, head_keys);
  d->trunk_prefix = g_strdup (json_name (&backbone, "prefix", FALSE));
  d->n_classes = json_uint (&head, "n_classes", 1, 100000, NULL);
  top->failed |= backbone.failed | head.failed;
}

static void
read_detector (Description *d, JsonReader *top)
{
  d->params.norm_momentum = (float) fbnet_params_find ("norm-momentum")->usual;
  read_backbone (d, top);
  read_rpn (d, top);
  read_anchors (d, top);
  read_roi_heads (d, top);
  read_box_head (d, top);
  read_mask_head (d, top);
  read_keypoint_head (d, top);
}

static void
check_class_count (Description *d, JsonReader *top)
{
  const cJSON *ids = json_array (top, "category_ids", 1, TRUE);
  g_autofree char *expected = g_strdup_printf ("%u elements, one per class", d->n_classes);
  const cJSON *item;

  if (d->labels != NULL && g_strv_length (d->labels) != d->n_classes)
    json_fail (top, "labels", expected);
  if (ids != NULL && (guint) cJSON_GetArraySize (ids) != d->n_classes)
    json_fail (top, "category_ids", expected);
  cJSON_ArrayForEach (item, ids)
  {
    if (!cJSON_IsNumber (item))
      json_fail (top, "category_ids", "an array of numbers");
  }
}

Description *
description_parse (const char *text, const char *name, GError **error)
{
  g_autofree char *what = g_strdup_printf ("%s: description", name);
  cJSON *tree = json_parse_object (text, strlen (text), what, error);

  if (tree == NULL)
    return NULL;
  Description *d = g_new0 (Description, 1);
  d->tree = tree;
  JsonReader top = { tree, "", error, FALSE };
  read_top (d, &top);
  read_labels (d, &top);
  read_input (d, &top);
  if (d->task == FBNET_TASK_DETECTION)
    read_detector (d, &top);
  else
    read_classifier (d, &top);
  check_class_count (d, &top);
  d->quantization = quantization_read (&top);
  if (top.failed) {
    g_prefix_error (error, "%s: ", what);
    g_clear_pointer (&d, description_free);
  }
  return d;
}

void
description_free (Description *description)
{
  if (description == NULL)
    return;
  for (guint i = 0; i < MAX_LEVELS; i++)
    g_free (description->anchors[i].cells);
  quantization_free (description->quantization);
  g_strfreev (description->labels);
  g_free (description->name);
  g_free (description->trunk_prefix);
  cJSON_Delete (description->tree);
  g_free (description);
}
