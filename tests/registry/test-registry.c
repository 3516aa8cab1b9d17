/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The registry: that its JSON says what D2Go says, and that what this project cannot run is refused
 * in words.
 */
#include "import/d2go/config.h"

#include "model/arch.h"
#include "model/description.h"
#include "fbnet/fbnet.h"
#include "support/jsonfile.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Part, arch_part_free)

/* Learnable numbers of the real networks, counted by PyTorch. */
static const struct {
  const char *name;
  guint64 n_parameters;
} ZOO[] = {
  { "faster_rcnn_fbnetv3a_C4", 5306708 },
  { "faster_rcnn_fbnetv3a_dsmask_C4", 1744012 },
  { "faster_rcnn_fbnetv3g_fpn", 34212496 },
  { "keypoint_rcnn_fbnetv3a_dsmask_C4", 1501201 },
  { "mask_rcnn_fbnetv3a_C4", 6118628 },
  { "mask_rcnn_fbnetv3a_dsmask_C4", 2555932 },
  { "mask_rcnn_fbnetv3g_fpn", 35310560 },
};

/* --- JSON ------------------------------------------------------------------------------------- */

/* Parses JSON in which ' stands for ", so that it reads well inside C. */
static cJSON *
json (const char *text)
{
  g_autofree char *quoted = g_strdelimit (g_strdup (text), "'", '"');
  cJSON *tree = cJSON_Parse (quoted);

  g_assert_nonnull (tree);
  return tree;
}

static cJSON *
at (const cJSON *tree, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, ".", -1);

  for (char **part = parts; *part != NULL; part++)
    tree = cJSON_GetObjectItemCaseSensitive (tree, *part);
  return (cJSON *) tree;
}

static double
number_at (const cJSON *tree, const char *path)
{
  const cJSON *value = at (tree, path);

  g_assert_true (cJSON_IsNumber (value));
  return value->valuedouble;
}

static const char *
text_at (const cJSON *tree, const char *path)
{
  return cJSON_GetStringValue (at (tree, path));
}

/* Puts `value` where the path says, or with NULL takes away what is there. */
static void
set_at (cJSON *tree, const char *path, cJSON *value)
{
  const char *dot = strrchr (path, '.');
  g_autofree char *parent = g_strndup (path, dot != NULL ? (gsize) (dot - path) : 0);
  cJSON *object = dot != NULL ? at (tree, parent) : tree;
  const char *key = dot != NULL ? dot + 1 : path;

  cJSON_DeleteItemFromObjectCaseSensitive (object, key);
  if (value != NULL)
    cJSON_AddItemToObject (object, key, value);
}

static void
assert_same (const cJSON *a, const cJSON *b)
{
  if (cJSON_Compare (a, b, TRUE))
    return;
  g_test_message ("%s", cJSON_Print (a));
  g_test_message ("%s", cJSON_Print (b));
  g_test_fail ();
}

/* config.json of a golden network; NULL, and the test is skipped, without golden data. */
static cJSON *
load_golden (const char *name)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "fixtures", name, "config.json", NULL);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL)) {
    g_test_skip ("no golden data");
    return NULL;
  }
  cJSON *json = cJSON_Parse (text);
  g_assert_nonnull (json);
  return json;
}

static cJSON *
zoo_config (const char *name)
{
  g_autoptr (GError) error = NULL;
  cJSON *config = import_zoo_config (name, &error);

  g_assert_no_error (error);
  return config;
}

static cJSON *
describe (const cJSON *config, const char *name)
{
  g_autoptr (GError) error = NULL;
  cJSON *description = import_describe (config, name, &error);

  g_assert_no_error (error);
  return description;
}

static cJSON *
describe_zoo (const char *name)
{
  g_autoptr (cJSON) config = zoo_config (name);

  return describe (config, name);
}

/* --- Counting parameters ---------------------------------------------------------------------- */

static void
count_layer (const ConvLayer *layer, gpointer count)
{
  guint64 n = (guint64) (layer->in / layer->groups) * layer->out * layer->kernel * layer->kernel;

  if (layer->bias)
    n += layer->out;
  if (layer->norm.kind != NORM_NONE)
    n += 2 * layer->out;
  *(guint64 *) count += n;
}

/* Builds one part with the engine and adds its parameters; the channels that come out. */
static guint
count_part (guint64 *count, const cJSON *architecture, const char *part_name, guint in)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Part) part =
      arch_build_part (architecture, part_name, "{S}_{B}", in, part_name, &error);

  g_assert_no_error (error);
  for (guint s = 0; s < part->n_stages; s++) {
    for (guint b = 0; b < part->stages[s].n_blocks; b++)
      arch_block_foreach (&part->stages[s].blocks[b], count_layer, count);
  }
  return part->stages[part->n_stages - 1].out;
}

static guint64
dense (guint64 in, guint64 out, guint64 kernel)
{
  return in * out * kernel * kernel + out;
}

/* Channels of every trunk stage. */
static void
trunk_widths (const cJSON *architecture, guint *widths, guint max)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Part) trunk = arch_build_part (architecture, "trunk", "{S}_{B}", 3, "trunk", &error);

  g_assert_no_error (error);
  g_assert_cmpuint (trunk->n_stages, <=, max);
  for (guint s = 0; s < trunk->n_stages; s++)
    widths[s] = trunk->stages[s].out;
}

/* The stage number in "trunk3". */
static guint
stage_number (const cJSON *feature)
{
  return (guint) g_ascii_strtoull (feature->valuestring + strlen ("trunk"), NULL, 10);
}

/* Lateral and output convolution of every level: no bias, a norm instead. */
static guint64
count_fpn (const cJSON *fpn, const guint *widths)
{
  const guint64 out = (guint64) number_at (fpn, "out_channels");

  g_assert_cmpstr (text_at (fpn, "norm.name"), !=, "none");
  guint64 count = 0;
  const cJSON *feature;
  cJSON_ArrayForEach (feature, at (fpn, "in_features"))
  {
    count += widths[stage_number (feature)] * out + out * out * 9 + 2 * 2 * out;
  }
  return count;
}

/* D2Go's KeypointRCNNIRFPredictorNoUpscale as an architecture of its own. */
static guint64
count_keypoint_predictor (const cJSON *head, guint in)
{
  g_assert_cmpstr (text_at (head, "type"), ==, "irf");
  g_autofree char *text = g_strdup_printf (
      "{'name': 'predictor', 'norm': {'name': 'none'}, 'width_divisor': 8, 'scale_factor': 1,"
      " 'basic_args': {'dw_skip_bnrelu': true}, 'kpts': [[['ir_k3', %d, -2, 1, {'expansion': "
      "3}]]]}",
      (int) number_at (head, "n_keypoints"));
  g_autoptr (cJSON) architecture = json (text);
  guint64 count = 0;
  count_part (&count, architecture, "kpts", in);
  return count;
}

static guint64
count_parameters (const cJSON *description)
{
  const cJSON *architecture = at (description, "architecture");
  const cJSON *fpn = at (description, "backbone.fpn");
  guint widths[8];

  trunk_widths (architecture, widths, G_N_ELEMENTS (widths));

  guint64 count = 0;
  count_part (&count, architecture, "trunk", 3);
  guint in = widths[3];
  if (fpn != NULL) {
    count += count_fpn (fpn, widths);
    in = (guint) number_at (fpn, "out_channels");
  }
  const guint64 n_anchors =
      (guint64) cJSON_GetArraySize (cJSON_GetArrayItem (at (description, "anchors.sizes"), 0))
      * (guint64) cJSON_GetArraySize (
          cJSON_GetArrayItem (at (description, "anchors.aspect_ratios"), 0));
  const guint64 n_classes = (guint64) number_at (description, "roi_heads.n_classes");

  const guint rpn = count_part (&count, architecture, "rpn", in);
  count += dense (rpn, n_anchors, 1) + dense (rpn, 4 * n_anchors, 1);
  const guint box = count_part (&count, architecture, "bbox", in);
  count += dense (box, n_classes + 1, 1) + dense (box, 4 * n_classes, 1);
  if (at (description, "mask_head") != NULL)
    count += dense (count_part (&count, architecture, "mask", in), n_classes, 1);
  if (at (description, "keypoint_head") != NULL)
    count += count_keypoint_predictor (at (description, "keypoint_head"),
        count_part (&count, architecture, "kpts", in));
  return count;
}

/* --- Tests ------------------------------------------------------------------------------------ */

/* Every architecture of D2Go's registry is there, and the engine can build every part of it. */
static void
test_architectures (void)
{
  g_auto (GStrv) names = import_architecture_names ();

  g_assert_cmpuint (g_strv_length (names), ==, 23);
  for (char **name = names; *name != NULL; name++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (cJSON) architecture = import_architecture (*name, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (text_at (architecture, "name"), ==, *name);
    g_assert_null (at (architecture, "notes"));
    cJSON_AddNumberToObject (architecture, "width_divisor", 8);
    cJSON_AddNumberToObject (architecture, "scale_factor", 1);
    cJSON_AddItemToObject (architecture, "norm", json ("{'name': 'bn'}"));

    guint64 count = 0;
    const guint width = count_part (&count, architecture, "trunk", 3);
    static const char *const PARTS[] = { "rpn", "bbox", "mask", "kpts" };
    for (gsize i = 0; i < G_N_ELEMENTS (PARTS); i++) {
      if (i < 2 || at (architecture, PARTS[i]) != NULL)
        count_part (&count, architecture, PARTS[i], width);
    }
    g_assert_cmpuint (count, >, 0);
  }
}

/* The architectures of the seven zoo networks are, block for block, what the real D2Go built. */
static void
test_architectures_golden (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ZOO); i++) {
    g_autoptr (cJSON) golden = load_golden (ZOO[i].name);
    if (golden == NULL)
      return;
    g_autoptr (cJSON) expected = cJSON_Duplicate (at (golden, "arch_def.raw"), TRUE);
    cJSON_AddItemToObject (expected, "basic_args",
        cJSON_Duplicate (at (golden, "arch_def.basic_args"), TRUE));

    g_autoptr (GError) error = NULL;
    g_autoptr (cJSON) ours =
        import_architecture (text_at (golden, "cfg.MODEL.FBNET_V2.ARCH"), &error);
    g_assert_no_error (error);
    set_at (ours, "name", NULL);
    assert_same (ours, expected);
  }
}

/* There are seven zoo configs; each describes, and the engine builds from the description a network
 * with exactly the number of parameters that the real one has. */
static void
test_zoo (void)
{
  g_auto (GStrv) names = import_zoo_names ();

  g_assert_cmpuint (g_strv_length (names), ==, G_N_ELEMENTS (ZOO));
  for (gsize i = 0; i < G_N_ELEMENTS (ZOO); i++) {
    g_assert_cmpstr (names[i], ==, ZOO[i].name);
    g_autoptr (cJSON) description = describe_zoo (ZOO[i].name);
    g_assert_cmpstr (text_at (description, "name"), ==, ZOO[i].name);
    g_assert_cmpuint (count_parameters (description), ==, ZOO[i].n_parameters);
  }
}

/* A zoo config describes the same model as the config that D2Go resolved, apart from what the golden
 * run overrode; so a dump and a name lead to the same file. */
static void
test_zoo_golden (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ZOO); i++) {
    g_autoptr (cJSON) golden = load_golden (ZOO[i].name);
    if (golden == NULL)
      return;
    g_autoptr (cJSON) config = zoo_config (ZOO[i].name);
    const cJSON *override;
    cJSON_ArrayForEach (override, at (golden, "overrides"))
    {
      set_at (config, override->string, cJSON_Duplicate (override, TRUE));
    }
    g_autoptr (cJSON) ours = describe (config, ZOO[i].name);
    g_autoptr (cJSON) theirs = describe (at (golden, "cfg"), ZOO[i].name);
    assert_same (ours, theirs);
    g_assert_cmpfloat (number_at (ours, "input.size_divisibility"), ==,
        number_at (golden, "backbone.size_divisibility"));
  }
}

/* The engine reads the description of every config. */
static void
test_descriptions_are_read (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ZOO); i++) {
    g_autoptr (cJSON) description = describe_zoo (ZOO[i].name);
    char *text = cJSON_Print (description);
    g_autoptr (GError) error = NULL;
    Description *read = description_parse (text, ZOO[i].name, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (read->n_classes, ==, (guint) number_at (description, "roi_heads.n_classes"));
    g_assert_cmpuint (g_strv_length (read->labels), ==, read->n_classes);
    description_free (read);
    cJSON_free (text);
  }
}

/* Each field of a description has the value that its key has in the config. */
static void
test_fields (void)
{
  g_autoptr (cJSON) description = describe_zoo ("mask_rcnn_fbnetv3a_dsmask_C4");

  set_at (description, "labels", NULL);
  set_at (description, "category_ids", NULL);
  set_at (description, "architecture.trunk", NULL);
  g_autoptr (cJSON) expected = json (
      "{'format': 'fbnet-model', 'version': 1, 'name': 'mask_rcnn_fbnetv3a_dsmask_C4',"
      " 'task': 'detection',"
      " 'input': {'channel_order': 'BGR', 'mean': [103.53, 116.28, 123.675], 'std': [1, 1, 1],"
      "   'min_size': 224, 'max_size': 320, 'size_divisibility': 0},"
      " 'architecture': {'name': 'FBNetV3_A_dsmask',"
      "   'basic_args': {'dw_skip_bnrelu': true, 'zero_last_bn_gamma': false},"
      "   'rpn': [[['ir_k5', 112, 1, 3, {'expansion': 4}, {'less_se_channels': false}]]],"
      "   'bbox': [[['ir_k3', 128, 2, 1, {'expansion': 4}], ['ir_k3', 128, 1, 2, {'expansion': 6}],"
      "     ['ir_k3', 160, 1, 1, {'expansion': 6}]]],"
      "   'mask': [[['ir_k3', 128, 2, 1, {'expansion': 4}], ['ir_k3', 128, 1, 2, {'expansion': 6}],"
      "     ['ir_k3', 128, -2, 1, {'expansion': 6}], ['ir_k3', 64, -2, 1, {'expansion': 3}]]],"
      "   'width_divisor': 8, 'scale_factor': 1, 'norm': {'name': 'naiveSyncBN'}},"
      " 'backbone': {'type': 'C4', 'prefix': 'backbone.body'},"
      " 'anchors': {'sizes': [[32, 64, 96, 128, 160]], 'aspect_ratios': [[0.5, 1, 2]],"
      "   'offset': 0},"
      " 'rpn': {'in_features': ['trunk3'], 'pre_nms_count': 1000, 'post_nms_count': 30,"
      "   'iou_threshold': 0.7, 'bbox_reg_weights': [1, 1, 1, 1], 'min_box_size': 0,"
      "   'iou_bounds': [0.3, 0.7]},"
      " 'roi_heads': {'in_features': ['trunk3'], 'n_classes': 80, 'score_threshold': 0.05,"
      "   'iou_threshold': 0.5, 'max_detections': 100, 'iou_bounds': [0.5, 0.5]},"
      " 'box_head': {'pooler_resolution': 6, 'sampling_ratio': 0,"
      "   'bbox_reg_weights': [10, 10, 5, 5], 'class_agnostic': false},"
      " 'mask_head': {'pooler_resolution': 14, 'sampling_ratio': 0}}");
  assert_same (description, expected);
}

/* An FPN config describes its pyramid: levels named by stride, one size of anchors each, padding. */
static void
test_fpn (void)
{
  g_autoptr (cJSON) description = describe_zoo ("mask_rcnn_fbnetv3g_fpn");
  g_autoptr (cJSON) backbone =
      json ("{'type': 'FPN', 'prefix': 'backbone.bottom_up',"
            " 'fpn': {'in_features': ['trunk1', 'trunk2', 'trunk3', 'trunk4'], 'out_channels': 128,"
            "   'norm': {'name': 'naiveSyncBN'}, 'levels': ['p2', 'p3', 'p4', 'p5', 'p6']}}");

  assert_same (at (description, "backbone"), backbone);
  g_autoptr (cJSON) anchors =
      json ("{'sizes': [[32], [64], [128], [256], [512]], 'offset': 0, 'aspect_ratios':"
            " [[0.5, 1, 2], [0.5, 1, 2], [0.5, 1, 2], [0.5, 1, 2], [0.5, 1, 2]]}");
  assert_same (at (description, "anchors"), anchors);
  g_autoptr (cJSON) roi_features = json ("['p3', 'p4', 'p5', 'p6']");
  assert_same (at (description, "roi_heads.in_features"), roi_features);
  g_assert_cmpfloat (number_at (description, "input.size_divisibility"), ==, 32);
}

/* A keypoint config describes its head, its narrower network, and COCO's one class with keypoints. */
static void
test_keypoints (void)
{
  g_autoptr (cJSON) description = describe_zoo ("keypoint_rcnn_fbnetv3a_dsmask_C4");
  g_autoptr (cJSON) head = json ("{'pooler_resolution': 6, 'sampling_ratio': 0, 'type': 'irf',"
                                 " 'n_keypoints': 17}");

  assert_same (at (description, "keypoint_head"), head);
  g_assert_null (at (description, "mask_head"));
  g_assert_nonnull (at (description, "architecture.kpts"));
  g_assert_null (at (description, "architecture.mask"));
  g_assert_cmpfloat (number_at (description, "architecture.scale_factor"), ==, 0.75);
  g_autoptr (cJSON) labels = json ("['person']");
  assert_same (at (description, "labels"), labels);
}

/* A model of COCO's 80 classes has their names and dataset ids; one of other classes has neither. */
static void
test_labels (void)
{
  g_autoptr (cJSON) description = describe_zoo ("faster_rcnn_fbnetv3a_C4");
  const cJSON *labels = at (description, "labels"), *ids = at (description, "category_ids");

  g_assert_cmpint (cJSON_GetArraySize (labels), ==, 80);
  g_assert_cmpint (cJSON_GetArraySize (ids), ==, 80);
  for (int i = 1; i < 80; i++)
    g_assert_cmpfloat (cJSON_GetArrayItem (ids, i - 1)->valuedouble, <,
        cJSON_GetArrayItem (ids, i)->valuedouble);
  g_assert_cmpstr (cJSON_GetArrayItem (labels, 16)->valuestring, ==, "dog");
  g_assert_cmpfloat (cJSON_GetArrayItem (ids, 16)->valuedouble, ==, 18);
  g_assert_cmpstr (cJSON_GetArrayItem (labels, 79)->valuestring, ==, "toothbrush");
  g_assert_cmpfloat (cJSON_GetArrayItem (ids, 79)->valuedouble, ==, 90);

  static const struct {
    const char *path, *value;
  } OTHERS[] = {
    { "MODEL.ROI_HEADS.NUM_CLASSES", "3" },
    { "DATASETS.TRAIN", "['birds_80_train']" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (OTHERS); i++) {
    g_autoptr (cJSON) config = zoo_config ("faster_rcnn_fbnetv3a_C4");
    set_at (config, OTHERS[i].path, json (OTHERS[i].value));
    g_autoptr (cJSON) other = describe (config, "other");
    g_assert_null (at (other, "labels"));
    g_assert_null (at (other, "category_ids"));
  }
}

/* Group norm brings its number of groups, given as D2Go gives it: a list of objects, the last wins. */
static void
test_group_norm (void)
{
  g_autoptr (cJSON) config = zoo_config ("faster_rcnn_fbnetv3a_C4");

  set_at (config, "MODEL.FBNET_V2.NORM", json ("'gn'"));
  set_at (config, "MODEL.FBNET_V2.NORM_ARGS",
      json ("[{'num_groups': 4}, {'momentum': 0.1}, {'num_groups': 8}]"));
  g_autoptr (cJSON) description = describe (config, "gn");
  g_autoptr (cJSON) norm = json ("{'name': 'gn', 'num_groups': 8}");
  assert_same (at (description, "architecture.norm"), norm);
}

/* Block lists inside the config (ARCH_DEF) make the same model as the same lists by name. */
static void
test_inline_architecture (void)
{
  g_autoptr (cJSON) config = zoo_config ("mask_rcnn_fbnetv3a_C4");
  g_autoptr (cJSON) by_name = describe (config, "a");
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) architecture = import_architecture ("FBNetV3_A", &error);

  g_assert_no_error (error);

  cJSON *pieces = json ("[{'trunk': 'replaced by the next'}]");
  cJSON_AddItemToArray (pieces, cJSON_Duplicate (architecture, TRUE));
  set_at (config, "MODEL.FBNET_V2.ARCH", json ("''"));
  set_at (config, "MODEL.FBNET_V2.ARCH_DEF", pieces);
  g_autoptr (cJSON) by_lists = describe (config, "a");
  g_assert_cmpstr (text_at (by_lists, "architecture.name"), ==, "ARCH_DEF");
  set_at (by_lists, "architecture.name", json ("'FBNetV3_A'"));
  assert_same (by_lists, by_name);
}

/* A config may leave out what D2Go has defaults for, and the defaults are D2Go's. */
static void
test_defaults (void)
{
  g_autoptr (cJSON) config =
      json ("{'MODEL': {'BACKBONE': {'NAME': 'FBNetV2C4Backbone'}, 'FBNET_V2': {'ARCH': 'default'},"
            " 'RPN': {'HEAD_NAME': 'FBNetV2RpnHead', 'IN_FEATURES': ['trunk3']},"
            " 'ROI_HEADS': {'NAME': 'StandardROIHeads', 'IN_FEATURES': ['trunk3']},"
            " 'ROI_BOX_HEAD': {'NAME': 'FBNetV2RoIBoxHead'}}}");
  g_autoptr (cJSON) description = describe (config, "sparse");

  g_assert_cmpfloat (number_at (description, "input.min_size"), ==, 800);
  g_assert_cmpfloat (number_at (description, "input.max_size"), ==, 1333);
  g_assert_cmpfloat (number_at (description, "architecture.width_divisor"), ==, 1);
  g_assert_cmpstr (text_at (description, "architecture.norm.name"), ==, "bn");
  g_assert_cmpfloat (number_at (description, "rpn.pre_nms_count"), ==, 6000);
  g_assert_cmpfloat (number_at (description, "box_head.pooler_resolution"), ==, 14);
  g_assert_null (at (description, "mask_head"));
}

static void
assert_refused (const cJSON *config, const char *path, const char *shown, gint code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) description = import_describe (config, "some.yaml", &error);

  g_assert_null (description);
  g_test_message ("%s", error != NULL ? error->message : "no error");
  g_assert_error (error, FBNET_ERROR, code);
  g_assert_true (g_str_has_prefix (error->message, "some.yaml: "));
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, shown));
}

/* What would be another network than this project can run is refused by a sentence that begins with
 * the file and names the key, the value and what is supported. */
static void
test_unsupported (void)
{
  static const struct {
    const char *zoo, *path, *value, *supported;
  } CASES[] = {
    { "mask_rcnn_fbnetv3a_C4", "_BASE_", "'Base.yaml'", "resolved" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.META_ARCHITECTURE", "'RetinaNet'", "GeneralizedRCNN" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.LOAD_PROPOSALS", "true", "false" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.BACKBONE.NAME", "'build_resnet_backbone'",
        "\"FBNetV2C4Backbone\", \"FBNetV2FpnBackbone\"" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.BACKBONE.NAME", "'FBNetV2RetinaNetBackbone'",
        "\"FBNetV2C4Backbone\", \"FBNetV2FpnBackbone\"" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.FBNET_V2.ARCH", "'FBNetV9'", "FBNetV3_A_dsmask" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.FBNET_V2.ARCH", "'FBNetV3_B'", "mask: the model needs it" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.FBNET_V2.STEM_IN_CHANNELS", "1", "supported: 3" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.FBNET_V2.NORM", "'instance'", "naiveSyncBN" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.FBNET_V2.NORM_ARGS", "[{'eps':0.001}]", "momentum" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.FBNET_V2.SCALE_FACTOR", "0", "0.01 to 16" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.ANCHOR_GENERATOR.NAME", "'RotatedAnchorGenerator'",
        "DefaultAnchorGenerator" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.PROPOSAL_GENERATOR.NAME", "'RRPN'", "RPN" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.RPN.HEAD_NAME", "'StandardRPNHead'", "FBNetV2RpnHead" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.RPN.IN_FEATURES", "['trunk4']", "trunk3" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.RPN.IN_FEATURES", "['trunk2','trunk3']", "at most 1 of" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.RPN.IOU_LABELS", "[0,1,1]", "[0,-1,1]" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.ROI_HEADS.NAME", "'CascadeROIHeads'", "StandardROIHeads" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.ROI_HEADS.NUM_CLASSES", "0", "1 to" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.ROI_BOX_HEAD.NAME", "'FastRCNNConvFCHead'",
        "FBNetV2RoIBoxHead" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.ROI_BOX_HEAD.POOLER_TYPE", "'ROIAlignRotated'",
        "ROIAlignV2" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.ROI_BOX_HEAD.USE_SIGMOID_CE", "true", "false" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.ROI_MASK_HEAD.NAME", "'MaskRCNNConvUpsampleHead'",
        "FBNetV2RoIMaskHead" },
    { "mask_rcnn_fbnetv3a_C4", "MODEL.ROI_MASK_HEAD.POOLER_TYPE", "'ROIPool'", "ROIAlignV2" },
    { "mask_rcnn_fbnetv3a_C4", "INPUT.FORMAT", "'YUV-BT.601'", "\"BGR\", \"RGB\"" },
    { "mask_rcnn_fbnetv3a_C4", "INPUT.MIN_SIZE_TEST", "0", "1 to 8192" },
    { "keypoint_rcnn_fbnetv3a_dsmask_C4", "MODEL.ROI_KEYPOINT_HEAD.NAME",
        "'KRCNNConvDeconvUpsampleHead'", "FBNetV2RoIKeypointHead" },
    { "mask_rcnn_fbnetv3g_fpn", "MODEL.FPN.FUSE_TYPE", "'avg'", "sum" },
    { "mask_rcnn_fbnetv3g_fpn", "MODEL.FPN.NORM", "'LN'", "naiveSyncBN" },
    { "mask_rcnn_fbnetv3g_fpn", "MODEL.FPN.IN_FEATURES", "['trunk1','trunk3','trunk4']",
        "neighbours" },
    { "mask_rcnn_fbnetv3g_fpn", "MODEL.FPN.IN_FEATURES", "['trunk1','trunk2']", "stride 32" },
    { "mask_rcnn_fbnetv3g_fpn", "MODEL.ROI_HEADS.IN_FEATURES", "['trunk3']", "p3" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (CASES); i++) {
    g_autoptr (cJSON) config = zoo_config (CASES[i].zoo);
    set_at (config, CASES[i].path, json (CASES[i].value));
    const gboolean is_architecture = g_str_has_suffix (CASES[i].path, ".ARCH");
    assert_refused (config, is_architecture ? "rchitecture" : CASES[i].path, CASES[i].supported,
        FBNET_ERROR_UNSUPPORTED);
  }
}

/* A key that is missing or of the wrong type is an error that says what was expected and found. */
static void
test_malformed (void)
{
  static const struct {
    const char *path, *value, *shown;
  } CASES[] = {
    { "MODEL.FBNET_V2.ARCH", NULL, "is missing" },
    { "MODEL.FBNET_V2.ARCH", "7", "expected a text, found 7" },
    { "MODEL.FBNET_V2.ARCH_DEF", "[{'trunk': []}]", "expected one of them" },
    { "MODEL.FBNET_V2.NORM_ARGS", "'x'", "expected an array, found \"x\"" },
    { "MODEL.PIXEL_MEAN", "[1, 2]", "expected 3 numbers, found [1,2]" },
    { "MODEL.PIXEL_STD", "[1, 1, 0]", "expected 3 positive numbers, found [1,1,0]" },
    { "MODEL.MASK_ON", "'yes'", "expected true or false, found \"yes\"" },
    { "MODEL.ANCHOR_GENERATOR.SIZES", "[[32], [64]]", "or one for each" },
    { "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS", "[[]]", "or one for each" },
    { "MODEL.ROI_HEADS.NUM_CLASSES", "2.5", "expected a whole number, found 2.5" },
    { "INPUT.MAX_SIZE_TEST", "{'a': null}", "found {\"a\":null}" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (CASES); i++) {
    g_autoptr (cJSON) config = zoo_config ("mask_rcnn_fbnetv3a_C4");
    set_at (config, CASES[i].path, CASES[i].value != NULL ? json (CASES[i].value) : NULL);
    assert_refused (config, CASES[i].path, CASES[i].shown, FBNET_ERROR_FORMAT);
  }
  g_autoptr (cJSON) config = zoo_config ("mask_rcnn_fbnetv3a_C4");
  set_at (config, "MODEL.FBNET_V2.NORM", json ("'gn'"));
  assert_refused (config, "NORM_ARGS", "num_groups", FBNET_ERROR_FORMAT);
}

/* Block lists of the wrong shape are refused before anything is built from them. */
static void
test_malformed_inline_architecture (void)
{
  static const struct {
    const char *pieces, *shown;
    FbnetError code;
  } CASES[] = {
    { "[{'rpn': [[['ir_k3', 8, 1, 1]]]}]", "there is none", FBNET_ERROR_UNSUPPORTED },
    { "[{'trunk': 5}]", "found 5", FBNET_ERROR_FORMAT },
    { "[{'trunk': []}]", "found []", FBNET_ERROR_FORMAT },
    { "[{'trunk': [[]]}]", "found [[]]", FBNET_ERROR_FORMAT },
    { "[{'trunk': [['ir_k3', 8, 1, 1]]}]", "expected stages", FBNET_ERROR_FORMAT },
    { "[{'trunk': [[['ir_k3', 8, 1]]]}]", "expected stages", FBNET_ERROR_FORMAT },
    { "[{'trunk': [[[3, 8, 1, 1]]]}]", "expected stages", FBNET_ERROR_FORMAT },
    { "[{'trunk': [[['ir_k3', 8, 1, 1, 4]]]}]", "expected stages", FBNET_ERROR_FORMAT },
    { "[5]", "found [5]", FBNET_ERROR_FORMAT },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (CASES); i++) {
    g_autoptr (cJSON) config = zoo_config ("mask_rcnn_fbnetv3a_C4");
    set_at (config, "MODEL.FBNET_V2.ARCH", NULL);
    set_at (config, "MODEL.FBNET_V2.ARCH_DEF", json (CASES[i].pieces));
    assert_refused (config, "ARCH_DEF", CASES[i].shown, CASES[i].code);
  }
}

/* An unknown name is an error that lists the names there are; a path is not followed. */
static void
test_unknown_names (void)
{
  static const char *const NAMES[] = { "nothing", "", "../zoo/faster_rcnn_fbnetv3a_C4",
    "/etc/passwd" };

  for (gsize i = 0; i < G_N_ELEMENTS (NAMES); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (import_zoo_config (NAMES[i], &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND);
    g_assert_nonnull (strstr (error->message, "mask_rcnn_fbnetv3g_fpn"));
    g_clear_error (&error);
    g_assert_null (import_architecture (NAMES[i], &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND);
    g_assert_nonnull (strstr (error->message, "FBNetV3_A_dsmask_tiny"));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/registry/architectures", test_architectures);
  g_test_add_func ("/registry/architectures-golden", test_architectures_golden);
  g_test_add_func ("/registry/zoo", test_zoo);
  g_test_add_func ("/registry/zoo-golden", test_zoo_golden);
  g_test_add_func ("/registry/descriptions-are-read", test_descriptions_are_read);
  g_test_add_func ("/registry/fields", test_fields);
  g_test_add_func ("/registry/fpn", test_fpn);
  g_test_add_func ("/registry/keypoints", test_keypoints);
  g_test_add_func ("/registry/labels", test_labels);
  g_test_add_func ("/registry/group-norm", test_group_norm);
  g_test_add_func ("/registry/inline-architecture", test_inline_architecture);
  g_test_add_func ("/registry/defaults", test_defaults);
  g_test_add_func ("/registry/unsupported", test_unsupported);
  g_test_add_func ("/registry/malformed", test_malformed);
  g_test_add_func ("/registry/malformed-inline-architecture", test_malformed_inline_architecture);
  g_test_add_func ("/registry/unknown-names", test_unknown_names);
  return g_test_run ();
}
