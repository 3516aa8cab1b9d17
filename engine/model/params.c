/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What may be set: one row for each parameter of a detector and each of its options.
 */
#include "params.h"

#include <math.h>
#include <string.h>

#include "model.h"

/* --- The tables ------------------------------------------------------------------------------- */

#define PARAM(member)  G_STRUCT_OFFSET (FbnetParams, member)
#define OPTION(member) G_STRUCT_OFFSET (FbnetDetectorOptions, member)
#define LAST(choices)  (G_N_ELEMENTS (choices) - 1)

#define MAX_THREADS    256 /* of a pool: base/workers.c */
#define MAX_PROPOSALS  100000
#define MAX_DETECTIONS 100000
#define MAX_INPUT_SIDE 8192

#define MAX_MEMORY_LIMIT       (1u << 20)  /* MiB */
#define MAX_MULTIPLY_ADD_LIMIT 1000000000u /* thousand millions */
#define MAX_RESOLUTION         56

static const FbnetChoice precisions[] = {
  [FBNET_PRECISION_AUTO] = { "auto", "As the model is stored" },
  [FBNET_PRECISION_FLOAT32] = { "float32", "Floats, also of int8 weights" },
  [FBNET_PRECISION_INT8] = { "int8", "Bytes, where the model has them" },
  [FBNET_PRECISION_BFLOAT16] = { "bfloat16", "Floats, rounded to bfloat16 for most products" },
};

static const FbnetChoice biases[] = {
  [FBNET_INT8_BIAS_AUTO] = { "auto", "As the model says" },
  [FBNET_INT8_BIAS_WIDE] = { "wide", "Every bias counts in full" },
  [FBNET_INT8_BIAS_EXACT] = { "exact", "Saturated at 32 bits, as in PyTorch" },
};

static const FbnetChoice normalizations[] = {
  [FBNET_NORMALIZATION_AUTO] = { "auto", "As the model was trained" },
  [FBNET_NORMALIZATION_GN] = { "gn", "Group normalization: always the frame's own statistics" },
  [FBNET_NORMALIZATION_SYNC_BN] = { "sync-bn", "A frame weighs as many pixels as it has" },
  [FBNET_NORMALIZATION_NAIVE_SYNC_BN] = { "naive-sync-bn", "Every frame weighs the same" },
};

static const FbnetChoice statistics[] = {
  [FBNET_NORM_STATISTICS_STORED] = { "stored", "As stored in the model" },
  [FBNET_NORM_STATISTICS_STREAM] = { "stream", "They follow the frames of the stream" },
};

static const FbnetParamInfo params_table[] = {
  { "score-threshold", "A detection is more probable than this", NULL, NULL, FBNET_PARAM_FLOAT,
      PARAM (score_threshold), 0, 1, 0.05, TRUE, NULL, FBNET_CHANGE_NOTHING, FBNET_SCOPE_ALL },
  { "class-thresholds", "score-threshold class by class", NULL, "that one", FBNET_PARAM_CLASSES,
      PARAM (class_thresholds), 0, INFINITY, 0, FALSE, NULL, FBNET_CHANGE_NOTHING,
      FBNET_SCOPE_ALL },
  { "iou-threshold", "Of two detections of a class that overlap more, the better stays", NULL, NULL,
      FBNET_PARAM_FLOAT, PARAM (iou_threshold), 0, 1, 0.5, TRUE, NULL, FBNET_CHANGE_NOTHING,
      FBNET_SCOPE_DETECTION },
  { "class-agnostic-nms", "Suppress overlapping detections of different classes too", NULL, NULL,
      FBNET_PARAM_FLAG, PARAM (class_agnostic_nms), FALSE, TRUE, FALSE, FALSE, NULL,
      FBNET_CHANGE_NOTHING, FBNET_SCOPE_DETECTION },
  { "max-detections", "Most detections per frame, best first", NULL, NULL, FBNET_PARAM_COUNT,
      PARAM (max_detections), 1, MAX_DETECTIONS, 100, TRUE, NULL, FBNET_CHANGE_PLAN,
      FBNET_SCOPE_DETECTION },
  { "min-object-width", "Least width of a detection", "pixels of the frame", "any",
      FBNET_PARAM_COUNT, PARAM (min_object_width), 0, G_MAXINT, 0, FALSE, NULL,
      FBNET_CHANGE_NOTHING, FBNET_SCOPE_DETECTION },
  { "min-object-height", "Least height of a detection", "pixels of the frame", "any",
      FBNET_PARAM_COUNT, PARAM (min_object_height), 0, G_MAXINT, 0, FALSE, NULL,
      FBNET_CHANGE_NOTHING, FBNET_SCOPE_DETECTION },
  { "max-object-width", "Greatest width of a detection", "pixels of the frame", "any",
      FBNET_PARAM_COUNT, PARAM (max_object_width), 0, G_MAXINT, 0, FALSE, NULL,
      FBNET_CHANGE_NOTHING, FBNET_SCOPE_DETECTION },
  { "max-object-height", "Greatest height of a detection", "pixels of the frame", "any",
      FBNET_PARAM_COUNT, PARAM (max_object_height), 0, G_MAXINT, 0, FALSE, NULL,
      FBNET_CHANGE_NOTHING, FBNET_SCOPE_DETECTION },

  { "rpn-iou-threshold", "Of two region proposals that overlap more, the better stays", NULL, NULL,
      FBNET_PARAM_FLOAT, PARAM (rpn_iou_threshold), 0, 1, 0.7, TRUE, NULL, FBNET_CHANGE_NOTHING,
      FBNET_SCOPE_DETECTION },
  { "pre-nms-count", "Proposals per feature level before suppression", NULL, NULL,
      FBNET_PARAM_COUNT, PARAM (pre_nms_count), 1, MAX_PROPOSALS, 1000, TRUE, NULL,
      FBNET_CHANGE_PLAN, FBNET_SCOPE_DETECTION },
  { "post-nms-count", "Proposals after suppression", NULL, NULL, FBNET_PARAM_COUNT,
      PARAM (post_nms_count), 1, MAX_PROPOSALS, 30, TRUE, NULL, FBNET_CHANGE_PLAN,
      FBNET_SCOPE_DETECTION },
  { "min-proposal-size", "A proposal's sides are greater than this", "pixels of the network", "any",
      FBNET_PARAM_FLOAT, PARAM (min_proposal_size), 0, 1e4, 0, TRUE, NULL, FBNET_CHANGE_NOTHING,
      FBNET_SCOPE_DETECTION },
  { "box-pooler-resolution", "Side of a region's features for the box head", NULL, NULL,
      FBNET_PARAM_COUNT, PARAM (box_pooler_resolution), 1, MAX_RESOLUTION, 6, TRUE, NULL,
      FBNET_CHANGE_PLAN, FBNET_SCOPE_DETECTION },
  { "mask-pooler-resolution", "Side of a region's features for the mask head", NULL, NULL,
      FBNET_PARAM_COUNT, PARAM (mask_pooler_resolution), 1, MAX_RESOLUTION, 14, TRUE, NULL,
      FBNET_CHANGE_PLAN, FBNET_SCOPE_MASKS },
  { "min-size", "Shorter side that frames are resized to", "pixels", NULL, FBNET_PARAM_COUNT,
      PARAM (min_size), 1, MAX_INPUT_SIDE, 224, TRUE, NULL, FBNET_CHANGE_PLAN,
      FBNET_SCOPE_DETECTION },
  { "max-size", "Bound of the longer side of resized frames", "pixels", NULL, FBNET_PARAM_COUNT,
      PARAM (max_size), 1, MAX_INPUT_SIDE, 320, TRUE, NULL, FBNET_CHANGE_PLAN,
      FBNET_SCOPE_DETECTION },
  { "masks", "Find the objects' masks", NULL, NULL, FBNET_PARAM_FLAG, PARAM (masks), FALSE, TRUE,
      TRUE, TRUE, NULL, FBNET_CHANGE_PLAN, FBNET_SCOPE_MASKS },
  { "mask-threshold", "Least probability of a pixel of a mask", NULL, NULL, FBNET_PARAM_FLOAT,
      PARAM (mask_threshold), 0, 1, 0.5, TRUE, NULL, FBNET_CHANGE_NOTHING, FBNET_SCOPE_MASKS },
  { "keypoints", "Find the objects' keypoints", NULL, NULL, FBNET_PARAM_FLAG, PARAM (keypoints),
      FALSE, TRUE, TRUE, TRUE, NULL, FBNET_CHANGE_PLAN, FBNET_SCOPE_KEYPOINTS },

  { "norm-statistics", "Where batch normalization has its mean and variance from", NULL, NULL,
      FBNET_PARAM_CHOICE, PARAM (norm_statistics), 0, LAST (statistics),
      FBNET_NORM_STATISTICS_STORED, FALSE, statistics, FBNET_CHANGE_NETWORK,
      FBNET_SCOPE_BATCH_NORM },
  /* Usual for torch's batch norms in training. */
  { "norm-momentum", "How much a frame counts beside those before, where norm-statistics is stream",
      NULL, NULL, FBNET_PARAM_FLOAT, PARAM (norm_momentum), 0, 1, 0.1, FALSE, NULL,
      FBNET_CHANGE_NOTHING, FBNET_SCOPE_BATCH_NORM },
  { "iou-lower", "A detection that overlaps no reference by so much is background", NULL, NULL,
      FBNET_PARAM_FLOAT, PARAM (iou_lower), 0, 1, 0.3, TRUE, NULL, FBNET_CHANGE_NOTHING,
      FBNET_SCOPE_DETECTION },
  { "iou-upper", "A detection that overlaps a reference by so much is that object", NULL, NULL,
      FBNET_PARAM_FLOAT, PARAM (iou_upper), 0, 1, 0.7, TRUE, NULL, FBNET_CHANGE_NOTHING,
      FBNET_SCOPE_DETECTION },
};

static const FbnetParamInfo options_table[] = {
  { "threads", "Threads that work on a frame", NULL, "one per processor", FBNET_PARAM_COUNT,
      OPTION (n_threads), 0, MAX_THREADS, 0, FALSE, NULL, FBNET_CHANGE_DETECTOR, FBNET_SCOPE_ALL },
  { "kernels",
      "Kernel set: c, openblas, sse41, avx2, avxvnni, avx512, amx, neon, neondot, neoni8mm", NULL,
      "the best", FBNET_PARAM_NAME, OPTION (kernels), 0, 0, 0, FALSE, NULL, FBNET_CHANGE_DETECTOR,
      FBNET_SCOPE_ALL },
  { "precision", "Arithmetic", NULL, NULL, FBNET_PARAM_CHOICE, OPTION (precision), 0,
      LAST (precisions), FBNET_PRECISION_AUTO, FALSE, precisions, FBNET_CHANGE_DETECTOR,
      FBNET_SCOPE_ALL },
  { "int8-bias", "Biases of int8 layers that are beyond 32 bits", NULL, NULL, FBNET_PARAM_CHOICE,
      OPTION (int8_bias), 0, LAST (biases), FBNET_INT8_BIAS_AUTO, FALSE, biases,
      FBNET_CHANGE_DETECTOR, FBNET_SCOPE_ALL },
  { "normalization", "How the statistics of frames are pooled where norm-statistics is stream",
      NULL, NULL, FBNET_PARAM_CHOICE, OPTION (normalization), 0, LAST (normalizations),
      FBNET_NORMALIZATION_AUTO, FALSE, normalizations, FBNET_CHANGE_DETECTOR, FBNET_SCOPE_ALL },
  { "memory-limit", "Most memory of a frame's tensors", "MiB", "2048", FBNET_PARAM_COUNT,
      OPTION (memory_limit), 0, MAX_MEMORY_LIMIT, 0, FALSE, NULL, FBNET_CHANGE_DETECTOR,
      FBNET_SCOPE_ALL },
  { "multiply-add-limit", "Most multiply-adds of a frame", "thousand millions", "1000",
      FBNET_PARAM_COUNT, OPTION (multiply_add_limit), 0, MAX_MULTIPLY_ADD_LIMIT, 0, FALSE, NULL,
      FBNET_CHANGE_DETECTOR, FBNET_SCOPE_ALL },
};

const FbnetParamInfo *
fbnet_params_table (guint *n)
{
  g_return_val_if_fail (n != NULL, NULL);
  *n = G_N_ELEMENTS (params_table);
  return params_table;
}

const FbnetParamInfo *
fbnet_detector_options_table (guint *n)
{
  g_return_val_if_fail (n != NULL, NULL);
  *n = G_N_ELEMENTS (options_table);
  return options_table;
}

const FbnetParamInfo *
fbnet_params_find (const char *name)
{
  g_return_val_if_fail (name != NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (params_table); i++) {
    if (strcmp (params_table[i].name, name) == 0)
      return &params_table[i];
  }
  return NULL;
}

/* --- A value ---------------------------------------------------------------------------------- */

double
fbnet_param_get (const FbnetParamInfo *info, gconstpointer values)
{
  g_return_val_if_fail (info != NULL && values != NULL, 0);

  switch (info->type) {
    case FBNET_PARAM_FLOAT:
      return G_STRUCT_MEMBER (float, values, info->offset);
    case FBNET_PARAM_COUNT:
    case FBNET_PARAM_CHOICE:
      return G_STRUCT_MEMBER (guint, values, info->offset);
    case FBNET_PARAM_FLAG:
      return G_STRUCT_MEMBER (gboolean, values, info->offset) != FALSE;
    case FBNET_PARAM_NAME:
    case FBNET_PARAM_CLASSES:
      break;
  }
  g_return_val_if_reached (0);
}

void
fbnet_param_set (const FbnetParamInfo *info, gpointer values, double value)
{
  g_return_if_fail (info != NULL && values != NULL);

  switch (info->type) {
    case FBNET_PARAM_FLOAT:
      G_STRUCT_MEMBER (float, values, info->offset) = (float) value;
      return;
    case FBNET_PARAM_COUNT:
    case FBNET_PARAM_CHOICE:
      g_return_if_fail (value >= 0 && value <= G_MAXUINT);
      G_STRUCT_MEMBER (guint, values, info->offset) = (guint) value;
      return;
    case FBNET_PARAM_FLAG:
      G_STRUCT_MEMBER (gboolean, values, info->offset) = value != 0;
      return;
    case FBNET_PARAM_NAME:
    case FBNET_PARAM_CLASSES:
      break;
  }
  g_return_if_reached ();
}

char *
fbnet_param_describe (const FbnetParamInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);

  GString *text = g_string_new (info->blurb);
  if (info->unit != NULL)
    g_string_append_printf (text, ", in %s", info->unit);
  if (info->zero != NULL)
    g_string_append_printf (text, " (%s = %s)", info->type == FBNET_PARAM_COUNT ? "0" : "unset",
        info->zero);
  return g_string_free (text, FALSE);
}

/* "sync-bn, naive-sync-bn or gn" */
static char *
describe_choices (const FbnetParamInfo *info)
{
  const guint n = (guint) info->max + 1;
  GString *text = g_string_new (info->choices[0].name);

  for (guint i = 1; i < n; i++)
    g_string_append_printf (text, "%s%s", i + 1 < n ? ", " : " or ", info->choices[i].name);
  return g_string_free (text, FALSE);
}

/* With as many digits as it takes to tell it from its neighbours, a float's or a double's. */
static char *
describe_number (double value, gboolean is_float)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE], format[8];

  for (int digits = is_float ? 6 : 10; digits <= 17; digits++) {
    g_snprintf (format, sizeof format, "%%.%dg", digits);
    const double read = g_ascii_strtod (g_ascii_formatd (text, sizeof text, format, value), NULL);
    if (is_float ? (float) read == (float) value : read == value)
      break;
  }
  return g_strdup (text);
}

static gboolean
has_floats (const FbnetParamInfo *info)
{
  return info->type == FBNET_PARAM_FLOAT || info->type == FBNET_PARAM_CLASSES;
}

char *
fbnet_param_describe_range (const FbnetParamInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);

  if (info->type == FBNET_PARAM_NAME)
    return g_strdup ("a name");
  if (info->type == FBNET_PARAM_FLAG)
    return g_strdup ("FALSE or TRUE");
  if (info->type == FBNET_PARAM_CHOICE)
    return describe_choices (info);
  g_autofree char *min = describe_number (info->min, FALSE);
  g_autofree char *max = describe_number (info->max, FALSE);
  return isinf (info->max) ? g_strdup_printf ("%s or more", min)
                           : g_strdup_printf ("%s … %s", min, max);
}

gboolean
fbnet_param_check (const FbnetParamInfo *info, double value, GError **error)
{
  g_return_val_if_fail (info != NULL, FALSE);

  if (value >= info->min && value <= info->max && (has_floats (info) || value == floor (value)))
    return TRUE;
  g_autofree char *range = fbnet_param_describe_range (info);
  g_autofree char *found = describe_number (value, has_floats (info));
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT, "%s: expected %s, found %s%s", info->name,
      range, info->choices != NULL ? "the number " : "", found);
  return FALSE;
}

const char *
fbnet_param_missing (const FbnetParamInfo *info, const FbnetModel *model)
{
  g_return_val_if_fail (info != NULL && model != NULL, NULL);

  if (info->scope == FBNET_SCOPE_ALL)
    return NULL;
  if (fbnet_model_get_task (model) != FBNET_TASK_DETECTION)
    return "a detection model";
  if (info->scope == FBNET_SCOPE_MASKS && !fbnet_model_has_masks (model))
    return "a model with a mask head";
  if (info->scope == FBNET_SCOPE_KEYPOINTS && fbnet_model_get_n_keypoints (model) == 0)
    return "a model with a keypoint head";
  if (info->scope == FBNET_SCOPE_BATCH_NORM
      && fbnet_model_get_normalization (model) < FBNET_NORMALIZATION_SYNC_BN)
    return "a model with batch normalization";
  return NULL;
}

/* --- Sets of values --------------------------------------------------------------------------- */

static gboolean
is_number (const FbnetParamInfo *info)
{
  return info->type != FBNET_PARAM_NAME && info->type != FBNET_PARAM_CLASSES;
}

static gboolean
check_ranges (const FbnetParamInfo *table, guint n, gconstpointer values, GError **error)
{
  for (guint i = 0; i < n; i++) {
    if (is_number (&table[i])
        && !fbnet_param_check (&table[i], fbnet_param_get (&table[i], values), error))
      return FALSE;
  }
  return TRUE;
}

/* A head that is not there can find nothing. */
static gboolean
check_heads (const FbnetModel *model, const FbnetParams *params, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (params_table); i++) {
    const FbnetParamInfo *info = &params_table[i];
    const char *missing = info->type == FBNET_PARAM_FLAG && fbnet_param_get (info, params) != 0
        ? fbnet_param_missing (info, model)
        : NULL;
    if (missing == NULL)
      continue;
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected FALSE for want of %s, which %s is not, found TRUE", info->name, missing,
        fbnet_model_get_name (model));
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_class_thresholds (const FbnetModel *model, const float *thresholds, GError **error)
{
  const FbnetParamInfo *info = fbnet_params_find ("class-thresholds");

  for (guint c = 0; thresholds != NULL && c < fbnet_model_get_n_classes (model); c++) {
    if (!fbnet_param_check (info, thresholds[c], error)) {
      g_prefix_error (error, "class %u of %s: ", c, fbnet_model_get_name (model));
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check_iou_bounds (const FbnetParams *p, GError **error)
{
  if (p->iou_lower <= p->iou_upper)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "iou-lower: expected at most iou-upper, which is %g, found %g", p->iou_upper, p->iou_lower);
  return FALSE;
}

static gboolean
check_norm_statistics (const FbnetModel *model, const FbnetParams *p, GError **error)
{
  const gboolean folded =
      fbnet_model_get_normalization (model) > FBNET_NORMALIZATION_GN && !model->has_norm_statistics;

  if (p->norm_statistics == FBNET_NORM_STATISTICS_STORED
      || !(folded || fbnet_model_is_quantized (model)))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "norm-statistics: expected stored, as %s was exported with its statistics folded into its "
      "weights, found stream",
      fbnet_model_get_name (model));
  return FALSE;
}

gboolean
fbnet_params_check (const FbnetModel *model, const FbnetParams *params, GError **error)
{
  g_return_val_if_fail (model != NULL && params != NULL, FALSE);

  return check_ranges (params_table, G_N_ELEMENTS (params_table), params, error)
      && check_heads (model, params, error) && check_iou_bounds (params, error)
      && check_norm_statistics (model, params, error)
      && check_class_thresholds (model, params->class_thresholds, error);
}

gboolean
params_check_options (const FbnetDetectorOptions *options, GError **error)
{
  return options == NULL
      || check_ranges (options_table, G_N_ELEMENTS (options_table), options, error);
}

FbnetParamChange
params_compare (const FbnetParams *before, const FbnetParams *after)
{
  FbnetParamChange most = FBNET_CHANGE_NOTHING;

  for (guint i = 0; i < G_N_ELEMENTS (params_table); i++) {
    const FbnetParamInfo *info = &params_table[i];
    if (is_number (info) && fbnet_param_get (info, before) != fbnet_param_get (info, after))
      most = MAX (most, info->change);
  }
  return most;
}
