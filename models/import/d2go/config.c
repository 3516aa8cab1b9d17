/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a D2Go config to the description in a model file. The keys are detectron2's
 * (config/defaults.py) and D2Go's (modeling/backbone/fbnet_cfg.py); what they mean is cited where it
 * is not plain.
 */
#include "config.h"

#include <math.h>

#include "keys.h"
#include "support/jsonfile.h"

/* What the engine builds (model/description.c, arch.c). */
#define MAX_COUNT         100000
#define MAX_CLASSES       10000
#define MAX_CHANNELS      16384
#define MAX_KEYPOINTS     1000
#define MAX_SIDE          8192
#define MAX_RESOLUTION    56
#define MAX_SAMPLES       16
#define MAX_WIDTH_DIVISOR 256
#define MAX_SCALE_FACTOR  16
#define MAX_STRIDE        (1 << 15)

/* --- Architecture ----------------------------------------------------------------------------- */

static const char *const PARTS[] = { "trunk", "rpn", "bbox", "mask", "kpts" };

static gboolean
is_part (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (PARTS); i++) {
    if (strcmp (name, PARTS[i]) == 0)
      return TRUE;
  }
  return FALSE;
}

/* MODEL.FBNET_V2.ARCH_DEF: a list of objects, later ones win (D2Go, _merge_fbnetv2_arch_def). Keys
 * that are no part of the network are not looked at there either. */
static cJSON *
merge_inline_architecture (Keys *keys, const char *key, const cJSON *pieces)
{
  if (!json_is_array_of (pieces, cJSON_IsObject)) {
    keys_refuse_type (keys, key, pieces, "an array of objects");
    return NULL;
  }
  cJSON *merged = cJSON_CreateObject ();
  cJSON_AddStringToObject (merged, "name", "ARCH_DEF");
  const cJSON *piece, *item;
  cJSON_ArrayForEach (piece, pieces)
  {
    cJSON_ArrayForEach (item, piece)
    {
      if (strcmp (item->string, "basic_args") != 0 && !is_part (item->string))
        continue;
      cJSON_DeleteItemFromObjectCaseSensitive (merged, item->string);
      cJSON_AddItemToObject (merged, item->string, cJSON_Duplicate (item, TRUE));
    }
  }
  return merged;
}

/* Either by name or inline (D2Go, _parse_arch_def). */
static cJSON *
read_architecture (Keys *keys)
{
  const char *const arch_key = "MODEL.FBNET_V2.ARCH", *const inline_key = "MODEL.FBNET_V2.ARCH_DEF";
  const cJSON *pieces = keys_array (keys, inline_key);

  if (pieces == NULL)
    return NULL;
  const cJSON *named = keys_find (keys->config, arch_key);
  const gboolean has_name = named != NULL && !(cJSON_IsString (named) && !*named->valuestring);
  if (cJSON_GetArraySize (pieces) > 0) {
    if (has_name) {
      keys_refuse (keys, FBNET_ERROR_FORMAT, "%s and %s both say something: expected one of them",
          arch_key, inline_key);
      return NULL;
    }
    return merge_inline_architecture (keys, inline_key, pieces);
  }
  if (!has_name) {
    keys_refuse (keys, FBNET_ERROR_FORMAT,
        "%s is missing: expected the name of an architecture, or block lists in %s", arch_key,
        inline_key);
    return NULL;
  }
  const char *name = keys_text (keys, arch_key);
  if (name == NULL)
    return NULL;
  g_autoptr (GError) why = NULL;
  cJSON *architecture = import_architecture (name, &why);
  if (architecture == NULL)
    keys_refuse (keys, FBNET_ERROR_UNSUPPORTED, "%s: %s", arch_key, why->message);
  return architecture;
}

static cJSON_bool
is_block (const cJSON *const block)
{
  enum { OP, OUT_CHANNELS, STRIDE, REPEAT, N_FIXED };

  if (cJSON_GetArraySize (block) < N_FIXED || !cJSON_IsString (cJSON_GetArrayItem (block, OP)))
    return FALSE;
  for (int i = OUT_CHANNELS; i < N_FIXED; i++) {
    if (!cJSON_IsNumber (cJSON_GetArrayItem (block, i)))
      return FALSE;
  }
  for (int i = N_FIXED; i < cJSON_GetArraySize (block); i++) {
    if (!cJSON_IsObject (cJSON_GetArrayItem (block, i)))
      return FALSE;
  }
  return cJSON_IsArray (block);
}

static cJSON_bool
is_stage (const cJSON *const stage)
{
  return json_is_array_of (stage, is_block);
}

/* Leaves the parts that this model has and refuses it if one of them is missing. */
static void
select_parts (Keys *keys, cJSON *architecture, gboolean has_masks, gboolean has_keypoints)
{
  const gboolean wanted[G_N_ELEMENTS (PARTS)] = { TRUE, TRUE, TRUE, has_masks, has_keypoints };

  for (gsize i = 0; i < G_N_ELEMENTS (PARTS); i++) {
    const cJSON *part = cJSON_GetObjectItemCaseSensitive (architecture, PARTS[i]);
    g_autofree char *where = g_strdup_printf ("architecture %s, %s",
        cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (architecture, "name")), PARTS[i]);
    if (!wanted[i])
      cJSON_DeleteItemFromObjectCaseSensitive (architecture, PARTS[i]);
    else if (part == NULL)
      keys_refuse (keys, FBNET_ERROR_UNSUPPORTED, "%s: the model needs it, and there is none",
          where);
    else if (!json_is_array_of (part, is_stage))
      keys_refuse_type (keys, where, part,
          "stages of blocks [op, channels, stride, repeat, {...}...]");
  }
}

/* MODEL.FBNET_V2.NORM_ARGS: a list of objects, later ones win. Momentum matters in training only. */
static void
add_norm_args (Keys *keys, cJSON *norm, gboolean is_group_norm)
{
  const char *const key = "MODEL.FBNET_V2.NORM_ARGS";
  const cJSON *pieces = keys_array (keys, key), *piece, *item, *num_groups = NULL;

  cJSON_ArrayForEach (piece, pieces)
  {
    cJSON_ArrayForEach (item, piece)
    {
      if (item->string == NULL)
        keys_refuse_type (keys, key, pieces, "an array of objects");
      else if (strcmp (item->string, "num_groups") == 0 && is_group_norm)
        num_groups = item;
      else if (strcmp (item->string, "momentum") != 0)
        keys_refuse_value (keys, key, pieces,
            is_group_norm ? "num_groups" : "no arguments but momentum");
    }
  }
  if (!is_group_norm)
    return;
  if (json_is_positive (num_groups))
    cJSON_AddNumberToObject (norm, "num_groups", num_groups->valuedouble);
  else if (pieces != NULL)
    keys_refuse_type (keys, key, pieces, "a positive num_groups, which gn has no default for");
}

static cJSON *
describe_norm (Keys *keys)
{
  static const char *const NORMS[] = { "gn", "bn", "sync_bn", "naiveSyncBN", "frozen_bn", "none",
    NULL };
  const int choice = keys_choice (keys, "MODEL.FBNET_V2.NORM", NORMS);

  if (choice < 0)
    return NULL;
  cJSON *norm = cJSON_CreateObject ();
  cJSON_AddStringToObject (norm, "name", NORMS[choice]);
  add_norm_args (keys, norm, choice == 0);
  return norm;
}

static cJSON *
describe_architecture (Keys *keys, gboolean has_masks, gboolean has_keypoints)
{
  cJSON *architecture = read_architecture (keys);

  if (architecture == NULL)
    return NULL;
  select_parts (keys, architecture, has_masks, has_keypoints);
  cJSON_AddNumberToObject (architecture, "width_divisor",
      keys_count (keys, "MODEL.FBNET_V2.WIDTH_DIVISOR", 1, MAX_WIDTH_DIVISOR));
  cJSON_AddNumberToObject (architecture, "scale_factor",
      keys_number (keys, "MODEL.FBNET_V2.SCALE_FACTOR", 0.01, MAX_SCALE_FACTOR));
  cJSON_AddItemToObject (architecture, "norm", describe_norm (keys));
  return architecture;
}

/* --- Feature maps ----------------------------------------------------------------------------- */

typedef struct {
  char *name;
  guint stride;
} Feature;

static void
feature_clear (gpointer feature)
{
  g_free (((Feature *) feature)->name);
}

static GArray *
features_new (void)
{
  GArray *features = g_array_new (FALSE, FALSE, sizeof (Feature));

  g_array_set_clear_func (features, feature_clear);
  return features;
}

static void
features_add (GArray *features, char *name, guint stride)
{
  g_array_append_val (features, ((Feature){ name, stride }));
}

static const Feature *
features_find (const GArray *features, const char *name)
{
  for (guint i = 0; name != NULL && i < features->len; i++) {
    const Feature *feature = &g_array_index (features, Feature, i);
    if (strcmp (feature->name, name) == 0)
      return feature;
  }
  return NULL;
}

static char *
features_names (const GArray *features)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < features->len; i++)
    g_string_append_printf (names, "%s%s", i ? ", " : "",
        g_array_index (features, Feature, i).name);
  return g_string_free (names, FALSE);
}

/* The output of every trunk stage, "trunk0" …, with its stride (D2Go, _get_stride_per_stage). */
static GArray *
trunk_features (Keys *keys, const cJSON *architecture)
{
  enum { STRIDE = 2 };
  GArray *features = features_new ();
  double stride = 1;
  const cJSON *stage, *block;

  cJSON_ArrayForEach (stage, cJSON_GetObjectItemCaseSensitive (architecture, "trunk"))
  {
    cJSON_ArrayForEach (block, stage)
    {
      stride *= cJSON_GetNumberValue (cJSON_GetArrayItem (block, STRIDE));
    }
    if (!(stride >= 1 && stride <= MAX_STRIDE && stride == floor (stride))) {
      keys_refuse (keys, FBNET_ERROR_UNSUPPORTED, "trunk%u has stride %g; supported: 1 to %d",
          features->len, stride, MAX_STRIDE);
      break;
    }
    features_add (features, g_strdup_printf ("trunk%u", features->len), (guint) stride);
  }
  return features;
}

/* A copy of a list of feature names, each of which must be among `features`, coarser from one to the
 * next by the same factor 2 that detectron2's FPN and ROIPooler insist on. */
static cJSON *
copy_feature_names (Keys *keys, const char *key, const GArray *features, int most)
{
  const cJSON *names = keys_array (keys, key), *name;

  if (names == NULL)
    return NULL;
  g_autofree char *known = features_names (features);
  guint last = 0;
  cJSON_ArrayForEach (name, names)
  {
    const Feature *feature = features_find (features, cJSON_GetStringValue (name));
    if (feature == NULL || (last && feature->stride != 2 * last)) {
      g_autofree char *supported = g_strdup_printf ("neighbours out of %s, ascending", known);
      keys_refuse_value (keys, key, names, feature != NULL ? supported : known);
      return NULL;
    }
    last = feature->stride;
  }
  if (cJSON_GetArraySize (names) < 1 || cJSON_GetArraySize (names) > most) {
    g_autofree char *supported = g_strdup_printf ("at most %d of %s", most, known);
    keys_refuse_value (keys, key, names, supported);
    return NULL;
  }
  return cJSON_Duplicate (names, TRUE);
}

/* detectron2, layers/batch_norm.py get_norm: "GN" has 32 groups; FrozenBN uses all four buffers and
 * so equals bn here, unlike mobile_cv's frozen_bn. */
static cJSON *
describe_fpn_norm (Keys *keys)
{
  static const char *const NORMS[] = { "", "BN", "SyncBN", "nnSyncBN", "naiveSyncBN", "FrozenBN",
    "GN", NULL };
  static const char *const NAMES[] = { "none", "bn", "sync_bn", "sync_bn", "naiveSyncBN", "bn",
    "gn" };
  const int choice = keys_choice (keys, "MODEL.FPN.NORM", NORMS);

  if (choice < 0)
    return NULL;
  cJSON *norm = cJSON_CreateObject ();
  cJSON_AddStringToObject (norm, "name", NAMES[choice]);
  if (strcmp (NAMES[choice], "gn") == 0)
    cJSON_AddNumberToObject (norm, "num_groups", 32);
  return norm;
}

/* detectron2, modeling/backbone/fpn.py: one level per input, named after log2 of its stride, and one
 * more by LastLevelMaxPool, which always pools "p5". `trunk` becomes the levels. */
static cJSON *
describe_fpn (Keys *keys, GArray **trunk)
{
  const char *const key = "MODEL.FPN.IN_FEATURES";

  keys_expect_text (keys, "MODEL.FPN.FUSE_TYPE", "sum");
  cJSON *fpn = cJSON_CreateObject ();
  cJSON *inputs = copy_feature_names (keys, key, *trunk, G_MAXINT);
  cJSON_AddItemToObject (fpn, "in_features", inputs);
  cJSON_AddNumberToObject (fpn, "out_channels",
      keys_count (keys, "MODEL.FPN.OUT_CHANNELS", 1, MAX_CHANNELS));
  cJSON_AddItemToObject (fpn, "norm", describe_fpn_norm (keys));

  GArray *levels = features_new ();
  guint stride = 0;
  const cJSON *input;
  cJSON_ArrayForEach (input, inputs)
  {
    stride = features_find (*trunk, input->valuestring)->stride;
    features_add (levels, g_strdup_printf ("p%u", g_bit_storage (stride) - 1), stride);
  }
  if (inputs != NULL && stride != 32)
    keys_refuse_value (keys, key, inputs,
        "trunk stages up to stride 32, whose level p5 is pooled into p6");
  features_add (levels, g_strdup ("p6"), 64);
  g_array_unref (*trunk);
  *trunk = levels;

  cJSON *names = cJSON_AddArrayToObject (fpn, "levels");
  for (guint i = 0; i < levels->len; i++)
    cJSON_AddItemToArray (names, cJSON_CreateString (g_array_index (levels, Feature, i).name));
  return fpn;
}

/* `features` (out): what the heads can read. */
static cJSON *
describe_backbone (Keys *keys, const cJSON *architecture, gboolean has_fpn, GArray **features)
{
  *features = trunk_features (keys, architecture);
  cJSON *backbone = cJSON_CreateObject ();
  cJSON_AddStringToObject (backbone, "type", has_fpn ? "FPN" : "C4");
  cJSON_AddStringToObject (backbone, "prefix", has_fpn ? "backbone.bottom_up" : "backbone.body");
  if (has_fpn)
    cJSON_AddItemToObject (backbone, "fpn", describe_fpn (keys, features));
  return backbone;
}

/* --- Input, anchors, heads -------------------------------------------------------------------- */

/* An FPN adds its maps level by level, so their sides must divide: detectron2 pads to the coarsest
 * input's stride (FPN.size_divisibility), which describe_fpn() has checked. */
static cJSON *
describe_input (Keys *keys, gboolean has_fpn)
{
  static const char *const ORDERS[] = { "BGR", "RGB", NULL };
  cJSON *input = cJSON_CreateObject ();
  const int order = keys_choice (keys, "INPUT.FORMAT", ORDERS);

  cJSON_AddStringToObject (input, "channel_order", order < 0 ? "" : ORDERS[order]);
  cJSON_AddItemToObject (input, "mean", keys_copy_numbers (keys, "MODEL.PIXEL_MEAN", 3, FALSE));
  cJSON_AddItemToObject (input, "std", keys_copy_numbers (keys, "MODEL.PIXEL_STD", 3, TRUE));
  cJSON_AddNumberToObject (input, "min_size",
      keys_count (keys, "INPUT.MIN_SIZE_TEST", 1, MAX_SIDE));
  cJSON_AddNumberToObject (input, "max_size",
      keys_count (keys, "INPUT.MAX_SIZE_TEST", 1, MAX_SIDE));
  cJSON_AddNumberToObject (input, "size_divisibility", has_fpn ? 32 : 0);
  return input;
}

static cJSON_bool
is_positive_array (const cJSON *const item)
{
  return json_is_array_of (item, json_is_positive);
}

/* One array per feature map. A single one, or plain numbers, are for all maps (detectron2,
 * anchor_generator.py _broadcast_params). */
static cJSON *
copy_per_level (Keys *keys, const char *key, int n_levels)
{
  const cJSON *value = keys_array (keys, key);

  if (value == NULL)
    return NULL;
  const gboolean is_nested = json_is_array_of (value, is_positive_array);
  const int n = is_nested ? cJSON_GetArraySize (value) : 1;
  if ((!is_nested && !is_positive_array (value)) || (n != 1 && n != n_levels)) {
    g_autofree char *expected =
        g_strdup_printf ("arrays of positive numbers, one for all %d feature maps or one for each",
            n_levels);
    keys_refuse_type (keys, key, value, expected);
    return NULL;
  }
  cJSON *levels = cJSON_CreateArray ();
  for (int i = 0; i < n_levels; i++) {
    const cJSON *level = is_nested ? cJSON_GetArrayItem (value, n == 1 ? 0 : i) : value;
    cJSON_AddItemToArray (levels, cJSON_Duplicate (level, TRUE));
  }
  return levels;
}

static cJSON *
describe_anchors (Keys *keys, int n_levels)
{
  cJSON *anchors = cJSON_CreateObject ();

  cJSON_AddItemToObject (anchors, "sizes",
      copy_per_level (keys, "MODEL.ANCHOR_GENERATOR.SIZES", n_levels));
  cJSON_AddItemToObject (anchors, "aspect_ratios",
      copy_per_level (keys, "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS", n_levels));
  const double offset = keys_number (keys, "MODEL.ANCHOR_GENERATOR.OFFSET", 0, 1);
  cJSON_AddNumberToObject (anchors, "offset", offset);
  return anchors;
}

/* detectron2, modeling/matcher.py: boxes below all thresholds are labelled IOU_LABELS[0], and so on.
 * Two bounds say the same as long as the labels are background, (ignored,) object. */
static cJSON *
describe_iou_bounds (Keys *keys, const char *section)
{
  g_autofree char *thresholds_key = g_strconcat (section, ".IOU_THRESHOLDS", NULL);
  g_autofree char *labels_key = g_strconcat (section, ".IOU_LABELS", NULL);
  const cJSON *thresholds = keys_array (keys, thresholds_key),
              *labels = keys_array (keys, labels_key);

  if (thresholds == NULL || labels == NULL)
    return NULL;
  if (!json_is_array_of (thresholds, cJSON_IsNumber) || cJSON_GetArraySize (thresholds) > 2) {
    keys_refuse_value (keys, thresholds_key, thresholds, "one or two numbers");
    return NULL;
  }
  static const int with_ignored[] = { 0, -1, 1 }, without[] = { 0, 1 };
  const gboolean has_two = cJSON_GetArraySize (thresholds) == 2;
  g_autoptr (cJSON) expected = has_two
      ? cJSON_CreateIntArray (with_ignored, G_N_ELEMENTS (with_ignored))
      : cJSON_CreateIntArray (without, G_N_ELEMENTS (without));
  if (!cJSON_Compare (labels, expected, TRUE)) {
    keys_refuse_value (keys, labels_key, labels, has_two ? "[0,-1,1]" : "[0,1]");
    return NULL;
  }
  const double bounds[2] = { cJSON_GetArrayItem (thresholds, 0)->valuedouble,
    cJSON_GetArrayItem (thresholds, has_two)->valuedouble };
  return cJSON_CreateDoubleArray (bounds, 2);
}

static cJSON *
describe_rpn (Keys *keys, const GArray *features, int most)
{
  cJSON *rpn = cJSON_CreateObject ();

  cJSON_AddItemToObject (rpn, "in_features",
      copy_feature_names (keys, "MODEL.RPN.IN_FEATURES", features, most));
  cJSON_AddNumberToObject (rpn, "pre_nms_count",
      keys_count (keys, "MODEL.RPN.PRE_NMS_TOPK_TEST", 1, MAX_COUNT));
  cJSON_AddNumberToObject (rpn, "post_nms_count",
      keys_count (keys, "MODEL.RPN.POST_NMS_TOPK_TEST", 1, MAX_COUNT));
  cJSON_AddNumberToObject (rpn, "iou_threshold", keys_number (keys, "MODEL.RPN.NMS_THRESH", 0, 1));
  cJSON_AddItemToObject (rpn, "bbox_reg_weights",
      keys_copy_numbers (keys, "MODEL.RPN.BBOX_REG_WEIGHTS", 4, TRUE));
  cJSON_AddNumberToObject (rpn, "min_box_size",
      keys_number (keys, "MODEL.PROPOSAL_GENERATOR.MIN_SIZE", 0, MAX_SIDE));
  cJSON_AddItemToObject (rpn, "iou_bounds", describe_iou_bounds (keys, "MODEL.RPN"));
  return rpn;
}

static cJSON *
describe_roi_heads (Keys *keys, const GArray *features, int most)
{
  cJSON *heads = cJSON_CreateObject ();

  cJSON_AddItemToObject (heads, "in_features",
      copy_feature_names (keys, "MODEL.ROI_HEADS.IN_FEATURES", features, most));
  cJSON_AddNumberToObject (heads, "n_classes",
      keys_count (keys, "MODEL.ROI_HEADS.NUM_CLASSES", 1, MAX_CLASSES));
  cJSON_AddNumberToObject (heads, "score_threshold",
      keys_number (keys, "MODEL.ROI_HEADS.SCORE_THRESH_TEST", 0, 1));
  cJSON_AddNumberToObject (heads, "iou_threshold",
      keys_number (keys, "MODEL.ROI_HEADS.NMS_THRESH_TEST", 0, 1));
  cJSON_AddNumberToObject (heads, "max_detections",
      keys_count (keys, "TEST.DETECTIONS_PER_IMAGE", 1, MAX_COUNT));
  cJSON_AddItemToObject (heads, "iou_bounds", describe_iou_bounds (keys, "MODEL.ROI_HEADS"));
  return heads;
}

/* A head with what all heads have: the pooler. "ROIAlign" without V2 is off by half a pixel; the
 * rest are not ROIAlign. */
static cJSON *
describe_head (Keys *keys, const char *section)
{
  g_autofree char *type_key = g_strconcat (section, ".POOLER_TYPE", NULL);
  g_autofree char *resolution_key = g_strconcat (section, ".POOLER_RESOLUTION", NULL);
  g_autofree char *ratio_key = g_strconcat (section, ".POOLER_SAMPLING_RATIO", NULL);

  keys_expect_text (keys, type_key, "ROIAlignV2");
  cJSON *head = cJSON_CreateObject ();
  cJSON_AddNumberToObject (head, "pooler_resolution",
      keys_count (keys, resolution_key, 1, MAX_RESOLUTION));
  cJSON_AddNumberToObject (head, "sampling_ratio", keys_count (keys, ratio_key, 0, MAX_SAMPLES));
  return head;
}

static cJSON *
describe_box_head (Keys *keys)
{
  keys_expect_text (keys, "MODEL.ROI_BOX_HEAD.NAME", "FBNetV2RoIBoxHead");
  keys_expect_false (keys, "MODEL.ROI_BOX_HEAD.USE_SIGMOID_CE");
  cJSON *head = describe_head (keys, "MODEL.ROI_BOX_HEAD");
  cJSON_AddItemToObject (head, "bbox_reg_weights",
      keys_copy_numbers (keys, "MODEL.ROI_BOX_HEAD.BBOX_REG_WEIGHTS", 4, TRUE));
  cJSON_AddBoolToObject (head, "class_agnostic",
      keys_boolean (keys, "MODEL.ROI_BOX_HEAD.CLS_AGNOSTIC_BBOX_REG"));
  return head;
}

static cJSON *
describe_mask_head (Keys *keys)
{
  keys_expect_text (keys, "MODEL.ROI_MASK_HEAD.NAME", "FBNetV2RoIMaskHead");
  keys_expect_false (keys, "MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK");
  return describe_head (keys, "MODEL.ROI_MASK_HEAD");
}

/* The predictors of D2Go, modeling/backbone/modules.py, in the order of TYPES. */
static cJSON *
describe_keypoint_head (Keys *keys)
{
  static const char *const HEADS[] = { "FBNetV2RoIKeypointHead",
    "FBNetV2RoIKeypointHeadKRCNNPredictorNoUpscale",
    "FBNetV2RoIKeypointHeadKPRCNNIRFPredictorNoUpscale",
    "FBNetV2RoIKeypointHeadKPRCNNConvUpsamplePredictorNoUpscale", NULL };
  static const char *const TYPES[] = { "deconv_upscale", "deconv", "irf", "conv_upsample" };
  const int choice = keys_choice (keys, "MODEL.ROI_KEYPOINT_HEAD.NAME", HEADS);
  cJSON *head = describe_head (keys, "MODEL.ROI_KEYPOINT_HEAD");

  cJSON_AddStringToObject (head, "type", choice < 0 ? "" : TYPES[choice]);
  cJSON_AddNumberToObject (head, "n_keypoints",
      keys_count (keys, "MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS", 1, MAX_KEYPOINTS));
  return head;
}

/* --- Labels ----------------------------------------------------------------------------------- */

/* Whether the classes are COCO's. A config names its data sets but not their classes; one that names
 * none is taken for the zoo's. */
static gboolean
is_trained_on_coco (Keys *keys)
{
  const cJSON *sets = keys_value (keys, "DATASETS.TRAIN"), *set;

  if (cJSON_IsString (sets)) /* a Python tuple, in a config that was not resolved */
    return strstr (sets->valuestring, "coco") != NULL;
  cJSON_ArrayForEach (set, sets)
  {
    if (cJSON_IsString (set) && strstr (set->valuestring, "coco") != NULL)
      return TRUE;
  }
  return cJSON_GetArraySize (sets) == 0;
}

static void
add_labels (Keys *keys, cJSON *description, gboolean has_keypoints)
{
  const double n_classes = keys_number (keys, "MODEL.ROI_HEADS.NUM_CLASSES", 1, MAX_CLASSES);

  if (keys->error != NULL || !is_trained_on_coco (keys) || n_classes != (has_keypoints ? 1 : 80))
    return;
  g_autoptr (cJSON) labels = import_labels (has_keypoints ? "coco-person" : "coco");
  static const char *const FIELDS[] = { "labels", "category_ids" };
  for (gsize i = 0; i < G_N_ELEMENTS (FIELDS); i++)
    cJSON_AddItemToObject (description, FIELDS[i],
        cJSON_DetachItemFromObjectCaseSensitive (labels, FIELDS[i]));
}

/* --- The whole -------------------------------------------------------------------------------- */

/* What would make another network, or another way to read its output, of the same keys. */
static void
check_scope (Keys *keys)
{
  const cJSON *base = keys_find (keys->config, "_BASE_");

  if (base != NULL)
    keys_refuse_value (keys, "_BASE_", base,
        "a file in the config's own folder by its relative name, a config of D2Go's zoo by its "
        "name, or resolved configs, such as D2Go writes beside checkpoints");
  keys_expect_text (keys, "MODEL.META_ARCHITECTURE", "GeneralizedRCNN");
  keys_expect_false (keys, "MODEL.LOAD_PROPOSALS");
  keys_expect_text (keys, "MODEL.ANCHOR_GENERATOR.NAME", "DefaultAnchorGenerator");
  keys_expect_false (keys, "MODEL.KMEANS_ANCHORS.KMEANS_ANCHORS_ON");
  keys_expect_text (keys, "MODEL.PROPOSAL_GENERATOR.NAME", "RPN");
  keys_expect_text (keys, "MODEL.RPN.HEAD_NAME", "FBNetV2RpnHead");
  keys_expect_text (keys, "MODEL.ROI_HEADS.NAME", "StandardROIHeads");
  keys_expect_false (keys, "MODEL.SUBCLASS.SUBCLASS_ON");
  keys_count (keys, "MODEL.FBNET_V2.STEM_IN_CHANNELS", 3, 3);
}

static cJSON *
describe (Keys *keys)
{
  static const char *const BACKBONES[] = { "FBNetV2C4Backbone", "FBNetV2FpnBackbone", NULL };

  check_scope (keys);
  const gboolean has_fpn = keys_choice (keys, "MODEL.BACKBONE.NAME", BACKBONES) == 1;
  const gboolean has_masks = keys_boolean (keys, "MODEL.MASK_ON");
  const gboolean has_keypoints = keys_boolean (keys, "MODEL.KEYPOINT_ON");

  cJSON *d = cJSON_CreateObject ();
  cJSON_AddStringToObject (d, "format", "fbnet-model");
  cJSON_AddNumberToObject (d, "version", 1);
  cJSON_AddStringToObject (d, "name", keys->name);
  cJSON_AddStringToObject (d, "task", "detection");
  add_labels (keys, d, has_keypoints);
  cJSON_AddItemToObject (d, "input", describe_input (keys, has_fpn));
  cJSON *architecture = describe_architecture (keys, has_masks, has_keypoints);
  cJSON_AddItemToObject (d, "architecture", architecture);
  g_autoptr (GArray) features = NULL;
  cJSON_AddItemToObject (d, "backbone", describe_backbone (keys, architecture, has_fpn, &features));
  /* C4: the heads read one trunk stage */
  const int most_features = has_fpn ? (int) features->len : 1;
  cJSON *rpn = describe_rpn (keys, features, most_features);
  const int n_levels = cJSON_GetArraySize (cJSON_GetObjectItemCaseSensitive (rpn, "in_features"));
  cJSON_AddItemToObject (d, "anchors", describe_anchors (keys, n_levels));
  cJSON_AddItemToObject (d, "rpn", rpn);
  cJSON_AddItemToObject (d, "roi_heads", describe_roi_heads (keys, features, most_features));
  cJSON_AddItemToObject (d, "box_head", describe_box_head (keys));
  if (has_masks)
    cJSON_AddItemToObject (d, "mask_head", describe_mask_head (keys));
  if (has_keypoints)
    cJSON_AddItemToObject (d, "keypoint_head", describe_keypoint_head (keys));
  return d;
}

cJSON *
import_describe (const cJSON *d2go_config, const char *name, GError **error)
{
  g_return_val_if_fail (d2go_config && name, NULL);
  g_autoptr (cJSON) defaults = import_defaults ();
  Keys reader = { .config = d2go_config, .defaults = defaults, .name = name };
  g_autoptr (cJSON) description = describe (&reader);
  if (reader.error != NULL) {
    g_propagate_error (error, reader.error);
    return NULL;
  }
  return g_steal_pointer (&description);
}

gboolean
import_set_n_classes (cJSON *description, guint n_classes)
{
  cJSON *heads = cJSON_GetObjectItemCaseSensitive (description, "roi_heads");
  cJSON *count = cJSON_GetObjectItemCaseSensitive (heads, "n_classes");

  if (count == NULL || count->valuedouble == n_classes)
    return FALSE;
  cJSON_SetNumberValue (count, n_classes);
  cJSON_DeleteItemFromObjectCaseSensitive (description, "labels");
  cJSON_DeleteItemFromObjectCaseSensitive (description, "category_ids");
  return TRUE;
}
