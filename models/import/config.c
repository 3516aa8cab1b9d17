/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a D2Go config to the description in a model file; see config.h. The keys are detectron2's
 * (config/defaults.py) and D2Go's (modeling/backbone/fbnet_cfg.py); what they mean is cited where it
 * is not plain.
 */
#include "config.h"

#include <math.h>

#include "fbnet/fbnet.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (cJSON, cJSON_Delete)

#define MAX_COUNT      (1 << 30)
#define MAX_SIDE       8192
#define MAX_RESOLUTION 56
#define MAX_STRIDE     (1 << 15)

/* Reads keys and remembers the first thing that was wrong; after that every reader returns nothing,
 * so that a description can be put together without a question after each line. */
typedef struct {
  const cJSON *config;
  const cJSON *defaults;
  const char *name;
  GError *error;
} Reader;

/* --- Reading keys ----------------------------------------------------------------------------- */

G_GNUC_PRINTF (3, 4)
static void
refuse (Reader *r, FbnetError code, const char *format, ...)
{
  if (r->error)
    return;
  va_list args;
  va_start (args, format);
  g_autofree char *why = g_strdup_vprintf (format, args);
  va_end (args);
  r->error = g_error_new (FBNET_ERROR, code, "%s: %s", r->name, why);
}

/* The value as a short JSON text, for messages. */
static char *
show (const cJSON *value)
{
  enum { LONGEST = 100 };
  char *text = cJSON_PrintUnformatted (value);
  if (!text)
    return g_strdup ("nothing");
  char *shown =
      strlen (text) > LONGEST ? g_strdup_printf ("%.*s…", LONGEST, text) : g_strdup (text);
  cJSON_free (text);
  return shown;
}

static void
refuse_value (Reader *r, const char *key, const cJSON *value, const char *supported)
{
  g_autofree char *found = show (value);
  refuse (r, FBNET_ERROR_UNSUPPORTED, "%s is %s; supported: %s", key, found, supported);
}

static void
refuse_type (Reader *r, const char *key, const cJSON *value, const char *expected)
{
  g_autofree char *found = show (value);
  refuse (r, FBNET_ERROR_FORMAT, "%s: expected %s, found %s", key, expected, found);
}

static const cJSON *
find_key (const cJSON *tree, const char *key)
{
  g_auto (GStrv) parts = g_strsplit (key, ".", -1);
  for (char **part = parts; *part; part++)
    tree = cJSON_GetObjectItemCaseSensitive (tree, *part);
  return tree;
}

static const cJSON *
get_value (Reader *r, const char *key)
{
  if (r->error)
    return NULL;
  const cJSON *value = find_key (r->config, key);
  if (!value)
    value = find_key (r->defaults, key);
  if (!value)
    refuse (r, FBNET_ERROR_FORMAT, "%s is missing", key);
  return value;
}

static gboolean
get_boolean (Reader *r, const char *key)
{
  const cJSON *value = get_value (r, key);
  if (value && !cJSON_IsBool (value))
    refuse_type (r, key, value, "true or false");
  return cJSON_IsTrue (value);
}

static const char *
get_text (Reader *r, const char *key)
{
  const cJSON *value = get_value (r, key);
  if (value && !cJSON_IsString (value))
    refuse_type (r, key, value, "a text");
  return cJSON_GetStringValue (value);
}

static const cJSON *
get_array (Reader *r, const char *key)
{
  const cJSON *value = get_value (r, key);
  if (value && !cJSON_IsArray (value))
    refuse_type (r, key, value, "an array");
  return cJSON_IsArray (value) ? value : NULL;
}

static double
get_number (Reader *r, const char *key, double least, double most)
{
  const cJSON *value = get_value (r, key);
  if (!value)
    return 0;
  g_autofree char *expected = g_strdup_printf ("a number, %g to %g", least, most);
  if (!cJSON_IsNumber (value))
    refuse_type (r, key, value, expected);
  else if (!(value->valuedouble >= least && value->valuedouble <= most))
    refuse_value (r, key, value, expected);
  return value->valuedouble;
}

static double
get_count (Reader *r, const char *key, int least, int most)
{
  const double count = get_number (r, key, least, most);
  if (!r->error && count != floor (count))
    refuse_type (r, key, get_value (r, key), "a whole number");
  return count;
}

static gboolean
is_array_of (const cJSON *value, cJSON_bool (*is_wanted) (const cJSON *const item))
{
  const cJSON *item;
  cJSON_ArrayForEach (item, value)
  {
    if (!is_wanted (item))
      return FALSE;
  }
  return cJSON_IsArray (value) && cJSON_GetArraySize (value) > 0;
}

static cJSON_bool
is_positive (const cJSON *const item)
{
  return cJSON_IsNumber (item) && item->valuedouble > 0 && isfinite (item->valuedouble);
}

static cJSON_bool
is_positive_array (const cJSON *const item)
{
  return is_array_of (item, is_positive);
}

/* A copy of an array of `n` numbers. */
static cJSON *
copy_numbers (Reader *r, const char *key, int n, cJSON_bool (*is_wanted) (const cJSON *const item))
{
  const cJSON *value = get_array (r, key);
  if (!value)
    return NULL;
  if (cJSON_GetArraySize (value) == n && is_array_of (value, is_wanted))
    return cJSON_Duplicate (value, TRUE);
  g_autofree char *expected =
      g_strdup_printf ("%d %snumbers", n, is_wanted == is_positive ? "positive " : "");
  refuse_type (r, key, value, expected);
  return NULL;
}

/* The text, which must be one of `supported`; its index there, or -1. */
static int
get_choice (Reader *r, const char *key, const char *const *supported)
{
  const char *text = get_text (r, key);
  if (!text)
    return -1;
  for (int i = 0; supported[i]; i++) {
    if (strcmp (text, supported[i]) == 0)
      return i;
  }
  g_autofree char *list = g_strjoinv (", ", (char **) supported);
  refuse_value (r, key, get_value (r, key), list);
  return -1;
}

static void
expect_text (Reader *r, const char *key, const char *supported)
{
  get_choice (r, key, (const char *const[]){ supported, NULL });
}

static void
expect_false (Reader *r, const char *key)
{
  if (get_boolean (r, key))
    refuse_value (r, key, get_value (r, key), "false");
}

/* --- Architecture ----------------------------------------------------------------------------- */

static const char *const PARTS[] = { "trunk", "rpn", "bbox", "mask", "kpts" };

/* MODEL.FBNET_V2.ARCH_DEF: a list of objects, later ones win (D2Go, _merge_fbnetv2_arch_def). Keys
 * that are no part of the network are not looked at there either. */
static cJSON *
merge_inline_architecture (Reader *r, const char *key, const cJSON *pieces)
{
  if (!is_array_of (pieces, cJSON_IsObject)) {
    refuse_type (r, key, pieces, "an array of objects");
    return NULL;
  }
  cJSON *merged = cJSON_CreateObject ();
  cJSON_AddStringToObject (merged, "name", "ARCH_DEF");
  const cJSON *piece, *item;
  cJSON_ArrayForEach (piece, pieces)
  {
    cJSON_ArrayForEach (item, piece)
    {
      if (strcmp (item->string, "basic_args") != 0
          && !g_strv_contains ((const char *const[]){ "trunk", "rpn", "bbox", "mask", "kpts",
                                   NULL },
              item->string))
        continue;
      cJSON_DeleteItemFromObjectCaseSensitive (merged, item->string);
      cJSON_AddItemToObject (merged, item->string, cJSON_Duplicate (item, TRUE));
    }
  }
  return merged;
}

/* Either by name or inline (D2Go, _parse_arch_def). */
static cJSON *
read_architecture (Reader *r)
{
  const char *const arch_key = "MODEL.FBNET_V2.ARCH", *const inline_key = "MODEL.FBNET_V2.ARCH_DEF";
  const cJSON *pieces = get_array (r, inline_key);
  if (!pieces)
    return NULL;
  const cJSON *named = find_key (r->config, arch_key);
  const gboolean has_name = named && !(cJSON_IsString (named) && !*named->valuestring);
  if (cJSON_GetArraySize (pieces) > 0) {
    if (has_name) {
      g_autofree char *name = show (named);
      refuse (r, FBNET_ERROR_FORMAT, "%s is %s and %s is not empty: expected one of them", arch_key,
          name, inline_key);
      return NULL;
    }
    return merge_inline_architecture (r, inline_key, pieces);
  }
  if (!has_name) {
    refuse (r, FBNET_ERROR_FORMAT,
        "%s is missing: expected the name of an architecture, or block lists in %s", arch_key,
        inline_key);
    return NULL;
  }
  const char *name = get_text (r, arch_key);
  if (!name)
    return NULL;
  g_autoptr (GError) why = NULL;
  cJSON *architecture = import_architecture (name, &why);
  if (!architecture)
    refuse (r, FBNET_ERROR_UNSUPPORTED, "%s: %s", arch_key, why->message);
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
  return is_array_of (stage, is_block);
}

/* Leaves the parts that this model has and refuses it if one of them is missing. */
static void
select_parts (Reader *r, cJSON *architecture, gboolean has_masks, gboolean has_keypoints)
{
  const gboolean wanted[G_N_ELEMENTS (PARTS)] = { TRUE, TRUE, TRUE, has_masks, has_keypoints };
  for (gsize i = 0; i < G_N_ELEMENTS (PARTS); i++) {
    if (!wanted[i]) {
      cJSON_DeleteItemFromObjectCaseSensitive (architecture, PARTS[i]);
      continue;
    }
    const cJSON *part = cJSON_GetObjectItemCaseSensitive (architecture, PARTS[i]);
    if (!is_array_of (part, is_stage)) {
      g_autofree char *found = show (part);
      refuse (r, FBNET_ERROR_UNSUPPORTED,
          "architecture %s, %s: expected stages of [op, channels, stride, repeat, {…}…], found %s",
          cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (architecture, "name")), PARTS[i],
          found);
    }
  }
}

/* MODEL.FBNET_V2.NORM_ARGS: a list of objects, later ones win. Momentum matters in training only. */
static void
add_norm_args (Reader *r, cJSON *norm, gboolean is_group_norm)
{
  const char *const key = "MODEL.FBNET_V2.NORM_ARGS";
  const cJSON *pieces = get_array (r, key), *piece, *item, *num_groups = NULL;
  cJSON_ArrayForEach (piece, pieces)
  {
    cJSON_ArrayForEach (item, piece)
    {
      if (!item->string)
        refuse_type (r, key, pieces, "an array of objects");
      else if (strcmp (item->string, "num_groups") == 0 && is_group_norm)
        num_groups = item;
      else if (strcmp (item->string, "momentum") != 0)
        refuse_value (r, key, pieces, is_group_norm ? "num_groups" : "no arguments but momentum");
    }
  }
  if (!is_group_norm)
    return;
  if (is_positive (num_groups))
    cJSON_AddNumberToObject (norm, "num_groups", num_groups->valuedouble);
  else if (pieces)
    refuse_type (r, key, pieces, "a positive num_groups, which gn has no default for");
}

static cJSON *
describe_norm (Reader *r)
{
  static const char *const NORMS[] = { "gn", "bn", "sync_bn", "naiveSyncBN", "frozen_bn", "none",
    NULL };
  const int choice = get_choice (r, "MODEL.FBNET_V2.NORM", NORMS);
  if (choice < 0)
    return NULL;
  cJSON *norm = cJSON_CreateObject ();
  cJSON_AddStringToObject (norm, "name", NORMS[choice]);
  add_norm_args (r, norm, choice == 0);
  return norm;
}

static cJSON *
describe_architecture (Reader *r, gboolean has_masks, gboolean has_keypoints)
{
  cJSON *architecture = read_architecture (r);
  if (!architecture)
    return NULL;
  select_parts (r, architecture, has_masks, has_keypoints);
  cJSON_AddNumberToObject (architecture, "width_divisor",
      get_count (r, "MODEL.FBNET_V2.WIDTH_DIVISOR", 1, 1024));
  cJSON_AddNumberToObject (architecture, "scale_factor",
      get_number (r, "MODEL.FBNET_V2.SCALE_FACTOR", 0.01, 100));
  cJSON_AddItemToObject (architecture, "norm", describe_norm (r));
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
  for (guint i = 0; name && i < features->len; i++) {
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
trunk_features (Reader *r, const cJSON *architecture)
{
  enum { STRIDE = 2 };
  GArray *features = features_new ();
  double stride = 1;
  const cJSON *stage, *block;
  cJSON_ArrayForEach (stage, cJSON_GetObjectItemCaseSensitive (architecture, "trunk"))
  {
    cJSON_ArrayForEach (block, stage) stride *=
        cJSON_GetNumberValue (cJSON_GetArrayItem (block, STRIDE));
    if (!(stride >= 1 && stride <= MAX_STRIDE && stride == floor (stride))) {
      refuse (r, FBNET_ERROR_UNSUPPORTED, "trunk%u has stride %g; supported: 1 to %d",
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
copy_feature_names (Reader *r, const char *key, const GArray *features, int most)
{
  const cJSON *names = get_array (r, key), *name;
  if (!names)
    return NULL;
  g_autofree char *known = features_names (features);
  guint last = 0;
  cJSON_ArrayForEach (name, names)
  {
    const Feature *feature = features_find (features, cJSON_GetStringValue (name));
    if (!feature || (last && feature->stride != 2 * last)) {
      g_autofree char *supported = g_strdup_printf ("neighbours out of %s, ascending", known);
      refuse_value (r, key, names, feature ? supported : known);
      return NULL;
    }
    last = feature->stride;
  }
  if (cJSON_GetArraySize (names) < 1 || cJSON_GetArraySize (names) > most) {
    g_autofree char *supported = g_strdup_printf ("1 to %d of %s", most, known);
    refuse_value (r, key, names, supported);
    return NULL;
  }
  return cJSON_Duplicate (names, TRUE);
}

/* detectron2, layers/batch_norm.py get_norm: "GN" has 32 groups; FrozenBN uses all four buffers and
 * so equals bn here, unlike mobile_cv's frozen_bn. */
static cJSON *
describe_fpn_norm (Reader *r)
{
  static const char *const NORMS[] = { "", "BN", "SyncBN", "nnSyncBN", "naiveSyncBN", "FrozenBN",
    "GN", NULL };
  static const char *const NAMES[] = { "none", "bn", "sync_bn", "sync_bn", "naiveSyncBN", "bn",
    "gn" };
  const int choice = get_choice (r, "MODEL.FPN.NORM", NORMS);
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
describe_fpn (Reader *r, GArray **trunk)
{
  const char *const key = "MODEL.FPN.IN_FEATURES";
  expect_text (r, "MODEL.FPN.FUSE_TYPE", "sum");
  cJSON *fpn = cJSON_CreateObject ();
  cJSON *inputs = copy_feature_names (r, key, *trunk, G_MAXINT);
  cJSON_AddItemToObject (fpn, "in_features", inputs);
  cJSON_AddNumberToObject (fpn, "out_channels",
      get_count (r, "MODEL.FPN.OUT_CHANNELS", 1, MAX_COUNT));
  cJSON_AddItemToObject (fpn, "norm", describe_fpn_norm (r));

  GArray *levels = features_new ();
  guint stride = 0;
  const cJSON *input;
  cJSON_ArrayForEach (input, inputs)
  {
    stride = features_find (*trunk, input->valuestring)->stride;
    features_add (levels, g_strdup_printf ("p%u", g_bit_storage (stride) - 1), stride);
  }
  if (inputs && stride != 32)
    refuse_value (r, key, inputs, "trunk stages up to stride 32, whose level p5 is pooled into p6");
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
describe_backbone (Reader *r, const cJSON *architecture, gboolean has_fpn, GArray **features)
{
  *features = trunk_features (r, architecture);
  cJSON *backbone = cJSON_CreateObject ();
  cJSON_AddStringToObject (backbone, "type", has_fpn ? "FPN" : "C4");
  cJSON_AddStringToObject (backbone, "prefix", has_fpn ? "backbone.bottom_up" : "backbone.body");
  if (has_fpn)
    cJSON_AddItemToObject (backbone, "fpn", describe_fpn (r, features));
  return backbone;
}

/* --- Input, anchors, heads -------------------------------------------------------------------- */

/* An FPN adds its maps level by level, so their sides must divide: detectron2 pads to the coarsest
 * input's stride (FPN.size_divisibility), which describe_fpn() has checked. */
static cJSON *
describe_input (Reader *r, gboolean has_fpn)
{
  static const char *const ORDERS[] = { "BGR", "RGB", NULL };
  cJSON *input = cJSON_CreateObject ();
  const int order = get_choice (r, "INPUT.FORMAT", ORDERS);
  cJSON_AddStringToObject (input, "channel_order", order < 0 ? "" : ORDERS[order]);
  cJSON_AddItemToObject (input, "mean", copy_numbers (r, "MODEL.PIXEL_MEAN", 3, cJSON_IsNumber));
  cJSON_AddItemToObject (input, "std", copy_numbers (r, "MODEL.PIXEL_STD", 3, is_positive));
  cJSON_AddNumberToObject (input, "min_size", get_count (r, "INPUT.MIN_SIZE_TEST", 1, MAX_SIDE));
  cJSON_AddNumberToObject (input, "max_size", get_count (r, "INPUT.MAX_SIZE_TEST", 1, MAX_SIDE));
  cJSON_AddNumberToObject (input, "size_divisibility", has_fpn ? 32 : 0);
  return input;
}

/* One array per feature map. A single one, or plain numbers, are for all maps (detectron2,
 * anchor_generator.py _broadcast_params). */
static cJSON *
copy_per_level (Reader *r, const char *key, int n_levels)
{
  const cJSON *value = get_array (r, key);
  if (!value)
    return NULL;
  const gboolean is_nested = is_array_of (value, is_positive_array);
  const int n = is_nested ? cJSON_GetArraySize (value) : 1;
  if ((!is_nested && !is_positive_array (value)) || (n != 1 && n != n_levels)) {
    g_autofree char *expected =
        g_strdup_printf ("1 or %d arrays of positive numbers, one per feature map", n_levels);
    refuse_type (r, key, value, expected);
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
describe_anchors (Reader *r, int n_levels)
{
  cJSON *anchors = cJSON_CreateObject ();
  cJSON_AddItemToObject (anchors, "sizes",
      copy_per_level (r, "MODEL.ANCHOR_GENERATOR.SIZES", n_levels));
  cJSON_AddItemToObject (anchors, "aspect_ratios",
      copy_per_level (r, "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS", n_levels));
  const double offset = get_number (r, "MODEL.ANCHOR_GENERATOR.OFFSET", 0, 1);
  cJSON_AddNumberToObject (anchors, "offset", offset);
  return anchors;
}

/* detectron2, modeling/matcher.py: boxes below all thresholds are labelled IOU_LABELS[0], and so on.
 * Two bounds say the same as long as the labels are background, (ignored,) object. */
static cJSON *
describe_iou_bounds (Reader *r, const char *section)
{
  g_autofree char *thresholds_key = g_strconcat (section, ".IOU_THRESHOLDS", NULL);
  g_autofree char *labels_key = g_strconcat (section, ".IOU_LABELS", NULL);
  const cJSON *thresholds = get_array (r, thresholds_key), *labels = get_array (r, labels_key);
  if (!thresholds || !labels)
    return NULL;
  if (!is_array_of (thresholds, cJSON_IsNumber) || cJSON_GetArraySize (thresholds) > 2) {
    refuse_value (r, thresholds_key, thresholds, "one or two numbers");
    return NULL;
  }
  const gboolean has_two = cJSON_GetArraySize (thresholds) == 2;
  g_autoptr (cJSON) expected = cJSON_Parse (has_two ? "[0, -1, 1]" : "[0, 1]");
  if (!cJSON_Compare (labels, expected, TRUE)) {
    refuse_value (r, labels_key, labels, has_two ? "[0,-1,1]" : "[0,1]");
    return NULL;
  }
  const double bounds[2] = { cJSON_GetArrayItem (thresholds, 0)->valuedouble,
    cJSON_GetArrayItem (thresholds, has_two)->valuedouble };
  return cJSON_CreateDoubleArray (bounds, 2);
}

static cJSON *
describe_rpn (Reader *r, const GArray *features, int most)
{
  cJSON *rpn = cJSON_CreateObject ();
  cJSON_AddItemToObject (rpn, "in_features",
      copy_feature_names (r, "MODEL.RPN.IN_FEATURES", features, most));
  cJSON_AddNumberToObject (rpn, "pre_nms_count",
      get_count (r, "MODEL.RPN.PRE_NMS_TOPK_TEST", 1, MAX_COUNT));
  cJSON_AddNumberToObject (rpn, "post_nms_count",
      get_count (r, "MODEL.RPN.POST_NMS_TOPK_TEST", 1, MAX_COUNT));
  cJSON_AddNumberToObject (rpn, "iou_threshold", get_number (r, "MODEL.RPN.NMS_THRESH", 0, 1));
  cJSON_AddItemToObject (rpn, "bbox_reg_weights",
      copy_numbers (r, "MODEL.RPN.BBOX_REG_WEIGHTS", 4, is_positive));
  cJSON_AddNumberToObject (rpn, "min_box_size",
      get_number (r, "MODEL.PROPOSAL_GENERATOR.MIN_SIZE", 0, MAX_SIDE));
  cJSON_AddItemToObject (rpn, "iou_bounds", describe_iou_bounds (r, "MODEL.RPN"));
  return rpn;
}

static cJSON *
describe_roi_heads (Reader *r, const GArray *features, int most)
{
  cJSON *heads = cJSON_CreateObject ();
  cJSON_AddItemToObject (heads, "in_features",
      copy_feature_names (r, "MODEL.ROI_HEADS.IN_FEATURES", features, most));
  cJSON_AddNumberToObject (heads, "n_classes",
      get_count (r, "MODEL.ROI_HEADS.NUM_CLASSES", 1, 100000));
  cJSON_AddNumberToObject (heads, "score_threshold",
      get_number (r, "MODEL.ROI_HEADS.SCORE_THRESH_TEST", 0, 1));
  cJSON_AddNumberToObject (heads, "iou_threshold",
      get_number (r, "MODEL.ROI_HEADS.NMS_THRESH_TEST", 0, 1));
  cJSON_AddNumberToObject (heads, "max_detections",
      get_count (r, "TEST.DETECTIONS_PER_IMAGE", 1, MAX_COUNT));
  cJSON_AddItemToObject (heads, "iou_bounds", describe_iou_bounds (r, "MODEL.ROI_HEADS"));
  return heads;
}

/* A head with what all heads have: the pooler. "ROIAlign" without V2 is off by half a pixel; the
 * rest are not ROIAlign. */
static cJSON *
describe_head (Reader *r, const char *section)
{
  g_autofree char *type_key = g_strconcat (section, ".POOLER_TYPE", NULL);
  g_autofree char *resolution_key = g_strconcat (section, ".POOLER_RESOLUTION", NULL);
  g_autofree char *ratio_key = g_strconcat (section, ".POOLER_SAMPLING_RATIO", NULL);
  expect_text (r, type_key, "ROIAlignV2");
  cJSON *head = cJSON_CreateObject ();
  cJSON_AddNumberToObject (head, "pooler_resolution",
      get_count (r, resolution_key, 1, MAX_RESOLUTION));
  cJSON_AddNumberToObject (head, "sampling_ratio", get_count (r, ratio_key, 0, MAX_RESOLUTION));
  return head;
}

static cJSON *
describe_box_head (Reader *r)
{
  expect_text (r, "MODEL.ROI_BOX_HEAD.NAME", "FBNetV2RoIBoxHead");
  expect_false (r, "MODEL.ROI_BOX_HEAD.USE_SIGMOID_CE");
  cJSON *head = describe_head (r, "MODEL.ROI_BOX_HEAD");
  cJSON_AddItemToObject (head, "bbox_reg_weights",
      copy_numbers (r, "MODEL.ROI_BOX_HEAD.BBOX_REG_WEIGHTS", 4, is_positive));
  cJSON_AddBoolToObject (head, "class_agnostic",
      get_boolean (r, "MODEL.ROI_BOX_HEAD.CLS_AGNOSTIC_BBOX_REG"));
  return head;
}

static cJSON *
describe_mask_head (Reader *r)
{
  expect_text (r, "MODEL.ROI_MASK_HEAD.NAME", "FBNetV2RoIMaskHead");
  expect_false (r, "MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK");
  return describe_head (r, "MODEL.ROI_MASK_HEAD");
}

/* The predictors of D2Go, modeling/backbone/modules.py, in the order of TYPES. */
static cJSON *
describe_keypoint_head (Reader *r)
{
  static const char *const HEADS[] = { "FBNetV2RoIKeypointHead",
    "FBNetV2RoIKeypointHeadKRCNNPredictorNoUpscale",
    "FBNetV2RoIKeypointHeadKPRCNNIRFPredictorNoUpscale",
    "FBNetV2RoIKeypointHeadKPRCNNConvUpsamplePredictorNoUpscale", NULL };
  static const char *const TYPES[] = { "deconv_upscale", "deconv", "irf", "conv_upsample" };
  const int choice = get_choice (r, "MODEL.ROI_KEYPOINT_HEAD.NAME", HEADS);
  cJSON *head = describe_head (r, "MODEL.ROI_KEYPOINT_HEAD");
  cJSON_AddStringToObject (head, "type", choice < 0 ? "" : TYPES[choice]);
  cJSON_AddNumberToObject (head, "n_keypoints",
      get_count (r, "MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS", 1, 10000));
  return head;
}

/* --- Labels ----------------------------------------------------------------------------------- */

/* Whether the classes are COCO's. A config names its data sets but not their classes; one that names
 * none is taken for the zoo's. */
static gboolean
is_trained_on_coco (Reader *r)
{
  const cJSON *sets = get_value (r, "DATASETS.TRAIN"), *set;
  if (cJSON_IsString (sets)) /* a Python tuple, in a config that was not resolved */
    return strstr (sets->valuestring, "coco") != NULL;
  cJSON_ArrayForEach (set, sets)
  {
    if (cJSON_IsString (set) && strstr (set->valuestring, "coco"))
      return TRUE;
  }
  return cJSON_GetArraySize (sets) == 0;
}

static void
add_labels (Reader *r, cJSON *description, gboolean has_keypoints)
{
  const double n_classes = get_number (r, "MODEL.ROI_HEADS.NUM_CLASSES", 1, 100000);
  if (r->error || !is_trained_on_coco (r) || n_classes != (has_keypoints ? 1 : 80))
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
check_scope (Reader *r)
{
  const cJSON *base = find_key (r->config, "_BASE_");
  if (base)
    refuse_value (r, "_BASE_", base,
        "resolved configs only, such as D2Go writes beside checkpoints");
  expect_text (r, "MODEL.META_ARCHITECTURE", "GeneralizedRCNN");
  expect_false (r, "MODEL.LOAD_PROPOSALS");
  expect_text (r, "MODEL.ANCHOR_GENERATOR.NAME", "DefaultAnchorGenerator");
  expect_false (r, "MODEL.KMEANS_ANCHORS.KMEANS_ANCHORS_ON");
  expect_text (r, "MODEL.PROPOSAL_GENERATOR.NAME", "RPN");
  expect_text (r, "MODEL.RPN.HEAD_NAME", "FBNetV2RpnHead");
  expect_text (r, "MODEL.ROI_HEADS.NAME", "StandardROIHeads");
  expect_false (r, "MODEL.SUBCLASS.SUBCLASS_ON");
  get_count (r, "MODEL.FBNET_V2.STEM_IN_CHANNELS", 3, 3);
}

static cJSON *
describe (Reader *r)
{
  static const char *const BACKBONES[] = { "FBNetV2C4Backbone", "FBNetV2FpnBackbone", NULL };
  const gboolean has_fpn = get_choice (r, "MODEL.BACKBONE.NAME", BACKBONES) == 1;
  check_scope (r);
  const gboolean has_masks = get_boolean (r, "MODEL.MASK_ON");
  const gboolean has_keypoints = get_boolean (r, "MODEL.KEYPOINT_ON");

  cJSON *d = cJSON_CreateObject ();
  cJSON_AddStringToObject (d, "format", "fbnet-model");
  cJSON_AddNumberToObject (d, "version", 1);
  cJSON_AddStringToObject (d, "name", r->name);
  cJSON_AddStringToObject (d, "task", "detection");
  add_labels (r, d, has_keypoints);
  cJSON_AddItemToObject (d, "input", describe_input (r, has_fpn));
  cJSON *architecture = describe_architecture (r, has_masks, has_keypoints);
  cJSON_AddItemToObject (d, "architecture", architecture);
  g_autoptr (GArray) features = NULL;
  cJSON_AddItemToObject (d, "backbone", describe_backbone (r, architecture, has_fpn, &features));
  /* C4: the heads read one trunk stage */
  const int most_features = has_fpn ? (int) features->len : 1;
  cJSON *rpn = describe_rpn (r, features, most_features);
  const int n_levels = cJSON_GetArraySize (cJSON_GetObjectItemCaseSensitive (rpn, "in_features"));
  cJSON_AddItemToObject (d, "anchors", describe_anchors (r, n_levels));
  cJSON_AddItemToObject (d, "rpn", rpn);
  cJSON_AddItemToObject (d, "roi_heads", describe_roi_heads (r, features, most_features));
  cJSON_AddItemToObject (d, "box_head", describe_box_head (r));
  if (has_masks)
    cJSON_AddItemToObject (d, "mask_head", describe_mask_head (r));
  if (has_keypoints)
    cJSON_AddItemToObject (d, "keypoint_head", describe_keypoint_head (r));
  return d;
}

cJSON *
import_describe (const cJSON *d2go_config, const char *name, GError **error)
{
  g_return_val_if_fail (d2go_config && name, NULL);
  g_autoptr (cJSON) defaults = import_defaults ();
  Reader reader = { .config = d2go_config, .defaults = defaults, .name = name };
  g_autoptr (cJSON) description = describe (&reader);
  if (reader.error) {
    g_propagate_error (error, reader.error);
    return NULL;
  }
  return g_steal_pointer (&description);
}
