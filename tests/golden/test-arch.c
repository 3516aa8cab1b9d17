/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The architecture builder against D2Go's: every layer that mobile_cv's builder made of a config,
 * with its channels, kernel, stride, padding, groups, bias, norm, activation, squeeze-and-excite,
 * up-sampling and residual.
 */
#include <string.h>

#include "model/arch.h"
#include "fixture.h"

/* Where D2Go keeps the parts, and which names their blocks have. */
static const struct {
  const char *part, *prefix;
} heads[] = {
  { "rpn", "proposal_generator.rpn_head.rpn_feature.0.fbnetv2_{S}_{B}" },
  { "bbox", "roi_heads.box_head.roi_box_conv.0.fbnetv2_{S}_{B}" },
  { "mask", "roi_heads.mask_head.feature_extractor.0.fbnetv2_{S}_{B}" },
  { "kpts", "roi_heads.keypoint_head.feature_extractor.0.fbnetv2_{S}_{B}" },
};

static gint
field (const cJSON *object, const char *name)
{
  const cJSON *item = cJSON_GetObjectItemCaseSensitive (object, name);

  return cJSON_IsBool (item) ? cJSON_IsTrue (item) : (gint) cJSON_GetNumberValue (item);
}

static const char *
text (const cJSON *object, const char *name)
{
  const char *value = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (object, name));

  return value != NULL ? value : "none";
}

static const char *
act_name (Activation act)
{
  static const char *const names[] = { [ACT_NONE] = "none",
    [ACT_RELU] = "relu",
    [ACT_HSWISH] = "hswish",
    [ACT_SWISH] = "swish",
    [ACT_SIGMOID] = "sigmoid",
    [ACT_HSIGMOID] = "hsigmoid" };

  return names[act];
}

static void
check_conv (const ConvLayer *layer, const cJSON *conv)
{
  g_assert_cmpint (layer->in, ==, field (conv, "cin"));
  g_assert_cmpint (layer->out, ==, field (conv, "cout"));
  g_assert_cmpint (layer->kernel, ==, field (conv, "k"));
  g_assert_cmpint (layer->stride, ==, field (conv, "stride"));
  g_assert_cmpint (layer->pad, ==, field (conv, "pad"));
  g_assert_cmpint (layer->groups, ==, field (conv, "groups"));
  g_assert_cmpint (layer->bias, ==, field (conv, "bias"));
}

/* `expected` is null for a layer that the block has not got. */
static void
check_layer (const ConvLayer *layer, const cJSON *expected, const char *name)
{
  const cJSON *norm = cJSON_GetObjectItemCaseSensitive (expected, "norm");
  const char *kind = text (norm, "kind");

  g_assert_cmpint (layer->out != 0, ==, cJSON_IsObject (expected));
  if (layer->out == 0)
    return;
  g_autofree char *conv_name = g_strconcat (name, ".conv", NULL);
  g_autofree char *norm_name = g_strconcat (name, ".bn", NULL);
  check_conv (layer, cJSON_GetObjectItemCaseSensitive (expected, "conv"));
  g_assert_cmpstr (act_name (layer->act), ==, text (expected, "act"));
  g_assert_cmpstr (layer->conv_name, ==, conv_name);
  if (strcmp (kind, "gn") == 0) {
    g_assert_cmpint (layer->norm.kind, ==, NORM_GROUP);
    g_assert_cmpint (layer->norm.n_groups, ==, field (norm, "groups"));
  } else {
    g_assert_cmpint (layer->norm.kind, ==, strcmp (kind, "bn") == 0 ? NORM_BATCH : NORM_NONE);
  }
  g_assert_cmpstr (layer->norm_name, ==, layer->norm.kind != NORM_NONE ? norm_name : NULL);
}

static void
check_squeeze (const Block *block, const cJSON *se)
{
  const cJSON *keys = cJSON_GetObjectItemCaseSensitive (se, "keys");

  g_assert_cmpint (block->se_squeeze.out != 0, ==, cJSON_IsObject (se));
  g_assert_cmpint (block->se_excite.out != 0, ==, cJSON_IsObject (se));
  if (block->se_squeeze.out == 0)
    return;
  check_conv (&block->se_squeeze, cJSON_GetObjectItemCaseSensitive (se, "conv1"));
  check_conv (&block->se_excite, cJSON_GetObjectItemCaseSensitive (se, "conv2"));
  g_assert_cmpstr (act_name (block->se_squeeze.act), ==, text (se, "act1"));
  g_assert_cmpstr (act_name (block->se_excite.act), ==, text (se, "gate"));
  g_assert_cmpstr (block->se_squeeze.conv_name, ==,
      cJSON_GetStringValue (cJSON_GetArrayItem (keys, 0)));
  g_assert_cmpstr (block->se_excite.conv_name, ==,
      cJSON_GetStringValue (cJSON_GetArrayItem (keys, 1)));
}

static void
check_inverted_residual (const Block *block, const cJSON *expected)
{
  const cJSON *upsample = cJSON_GetObjectItemCaseSensitive (expected, "upsample_before_dw");
  g_autofree char *pw = g_strconcat (block->name, ".pw", NULL);
  g_autofree char *dw = g_strconcat (block->name, ".dw", NULL);
  g_autofree char *pwl = g_strconcat (block->name, ".pwl", NULL);

  check_layer (&block->pw, cJSON_GetObjectItemCaseSensitive (expected, "pw"), pw);
  check_layer (&block->dw, cJSON_GetObjectItemCaseSensitive (expected, "dw"), dw);
  check_layer (&block->pwl, cJSON_GetObjectItemCaseSensitive (expected, "pwl"), pwl);
  check_squeeze (block, cJSON_GetObjectItemCaseSensitive (expected, "se"));
  g_assert_cmpint (block->upsample, ==, cJSON_IsObject (upsample) ? field (upsample, "scale") : 1);
  g_assert_cmpint (block->residual, ==, field (expected, "residual"));
  if (cJSON_HasObjectItem (expected, "shuffle_groups"))
    g_assert_cmpint (block->shuffle_groups, ==, field (expected, "shuffle_groups"));
  else
    g_assert_cmpint (block->shuffle_groups, <=, 1);
}

static void
check_pool_block (const Block *block, const cJSON *expected)
{
  g_autofree char *pw = g_strconcat (block->name, ".pw", NULL);
  g_autofree char *pwl = g_strconcat (block->name, ".pwl", NULL);

  check_layer (&block->pw, cJSON_GetObjectItemCaseSensitive (expected, "pw"), pw);
  check_layer (&block->pwl, cJSON_GetObjectItemCaseSensitive (expected, "pwl"), pwl);
}

/* A skip that cannot be an identity is a convolution. */
static void
check_skip (const Block *block, const cJSON *conv)
{
  g_assert_cmpint (block->kind, ==, cJSON_IsNull (conv) ? BLOCK_SKIP : BLOCK_CONV);
  g_autofree char *name = g_strconcat (block->name, ".conv", NULL);
  check_layer (&block->pwl, conv, name);
}

static void
check_block (const Block *block, const cJSON *expected)
{
  const char *type = text (expected, "type");

  if (strcmp (type, "irf") == 0) {
    g_assert_cmpint (block->kind, ==, BLOCK_IRF);
    check_inverted_residual (block, expected);
  } else if (strcmp (type, "ir_pool") == 0) {
    g_assert_cmpint (block->kind, ==, BLOCK_POOL);
    check_pool_block (block, expected);
  } else if (strcmp (type, "conv_bn_act") == 0) {
    g_assert_cmpint (block->kind, ==, BLOCK_CONV);
    check_layer (&block->pwl, expected, block->name);
  } else {
    g_assert_cmpstr (type, ==, "skip");
    check_skip (block, cJSON_GetObjectItemCaseSensitive (expected, "conv"));
  }
}

/* The resolved layers by name; what is checked is taken out. */
static GHashTable *
layers_by_name (const Fixture *fixture)
{
  GHashTable *layers = g_hash_table_new (g_str_hash, g_str_equal);
  const cJSON *layer;

  cJSON_ArrayForEach (layer, fixture_config (fixture, "layers"))
      g_hash_table_insert (layers, (gpointer) text (layer, "prefix"), (gpointer) layer);
  return layers;
}

static Part *
check_part (const cJSON *architecture, const char *name, const char *prefix, guint in,
    GHashTable *layers)
{
  g_autoptr (GError) error = NULL;

  Part *part = arch_build_part (architecture, name, prefix, in, "architecture", &error);
  g_assert_no_error (error);
  for (guint s = 0; s < part->n_stages; s++) {
    for (guint b = 0; b < part->stages[s].n_blocks; b++) {
      const Block *block = &part->stages[s].blocks[b];
      const cJSON *expected = g_hash_table_lookup (layers, block->name);
      if (expected == NULL)
        g_error ("%s: no such layer", block->name);
      check_block (block, expected);
      g_hash_table_remove (layers, block->name);
    }
  }
  return part;
}

/* After all parts only predictors, pyramids and pools may be left: no block was forgotten. */
static void
check_nothing_left (GHashTable *layers)
{
  GHashTableIter iter;
  gpointer layer;

  g_hash_table_iter_init (&iter, layers);
  while (g_hash_table_iter_next (&iter, NULL, &layer)) {
    const char *type = text (layer, "type");
    if (strcmp (type, "plain") != 0 && strcmp (type, "AdaptiveAvgPool2d") != 0
        && !g_str_has_prefix (text (layer, "prefix"), "roi_heads.keypoint_head.predictor"))
      g_error ("%s: a block that was not built", text (layer, "prefix"));
  }
}

/* The trunk's stages have the channels and strides that D2Go's backbone reports. */
static void
check_outputs (const Fixture *fixture, const Part *trunk)
{
  guint stride = 1;

  for (guint s = 0; s < trunk->n_stages; s++) {
    g_autofree char *path = g_strdup_printf ("backbone.outputs.trunk%u", s);
    const cJSON *expected = fixture_config (fixture, path);
    stride *= trunk->stages[s].stride;
    if (expected == NULL)
      continue;
    g_assert_cmpint (trunk->stages[s].out, ==, field (expected, "channels"));
    g_assert_cmpint (stride, ==, field (expected, "stride"));
  }
}

/* A config becomes, through the importer's description, the layers that D2Go builds of it. */
static void
test_detector (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  g_autofree char *json = fixture_description (fixture);
  cJSON *description = cJSON_Parse (json);
  const cJSON *architecture = cJSON_GetObjectItem (description, "architecture");
  const char *backbone = text (cJSON_GetObjectItem (description, "backbone"), "prefix");
  g_autofree char *prefix = g_strconcat (backbone, ".trunk{S}.fbnetv2_{S}_{B}", NULL);
  g_autoptr (GHashTable) layers = layers_by_name (fixture);

  Part *trunk = check_part (architecture, "trunk", prefix, 3, layers);
  check_outputs (fixture, trunk);
  const gboolean pyramid = g_strcmp0 (backbone, "backbone.bottom_up") == 0;
  const guint channels = pyramid
      ? (guint) field (cJSON_GetObjectItem (cJSON_GetObjectItem (description, "backbone"), "fpn"),
          "out_channels")
      : trunk->stages[trunk->n_stages - 1].out;
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++) {
    if (cJSON_HasObjectItem (architecture, heads[i].part))
      arch_part_free (check_part (architecture, heads[i].part, heads[i].prefix, channels, layers));
  }
  check_nothing_left (layers);
  arch_part_free (trunk);
  cJSON_Delete (description);
}

/* The classifiers' block lists reach every other rule: skip, groups and shuffles, biases, hard swish,
 * hard sigmoid gates, paddings, pooled blocks. */
static void
test_classifier (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  cJSON *architecture = cJSON_Duplicate (fixture_config (fixture, "arch_raw"), TRUE);
  g_autoptr (GHashTable) layers = layers_by_name (fixture);

  cJSON_AddStringToObject (cJSON_AddObjectToObject (architecture, "norm"), "name", "bn");
  arch_part_free (check_part (architecture, "blocks", "backbone.stages.xif{S}_{B}", 3, layers));
  check_nothing_left (layers);
  cJSON_Delete (architecture);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fixture_add_cases ("/arch/detector", FIXTURE_DETECTOR, "layers", test_detector);
  fixture_add_cases ("/arch/classifier", FIXTURE_CLASSIFIER, "layers", test_classifier);
  return g_test_run ();
}
