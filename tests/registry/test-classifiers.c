/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The registry's classifiers: that they are mobile_cv's, number by number.
 */
#include "import/d2go/classifiers.h"

#include "model/arch.h"
#include "model/description.h"
#include "fbnet/fbnet.h"
#include "golden.h"
#include "import/d2go/registry.h"
#include "support/jsonfile.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Description, description_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Part, arch_part_free)

#define NOW   CLASSIFIER_DEFAULTS_NOW
#define EARLY CLASSIFIER_DEFAULTS_EARLY

/* --- Building --------------------------------------------------------------------------------- */

static cJSON *
describe (const char *name, ClassifierDefaults defaults)
{
  g_autoptr (GError) error = NULL;
  cJSON *description = import_describe_classifier (name, defaults, IMAGENET_CLASSES, &error);

  g_assert_no_error (error);
  return description;
}

/* As the engine reads it. */
static Description *
parse (const cJSON *tree, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = cJSON_PrintUnformatted (tree);
  Description *description = description_parse (text, name, &error);

  g_assert_no_error (error);
  return description;
}

typedef struct {
  guint64 weights;    /* of convolutions */
  guint64 parameters; /* all that is learnt */
} Counts;

static void
count_layer (const ConvLayer *layer, gpointer data)
{
  Counts *counts = data;
  const guint64 weights =
      (guint64) (layer->in / layer->groups) * layer->out * layer->kernel * layer->kernel;

  counts->weights += weights;
  counts->parameters += weights + (layer->bias ? layer->out : 0)
      + (layer->norm.kind != NORM_NONE ? 2 * layer->out : 0);
}

static Counts
count (const char *name, ClassifierDefaults defaults)
{
  g_autoptr (cJSON) tree = describe (name, defaults);
  g_autoptr (Description) description = parse (tree, name);
  g_autoptr (GError) error = NULL;
  g_autoptr (Part) trunk =
      arch_build_part (description->architecture, "trunk", "{S}_{B}", 3, name, &error);

  g_assert_no_error (error);
  Counts counts = { 0 };
  for (guint s = 0; s < trunk->n_stages; s++) {
    for (guint b = 0; b < trunk->stages[s].n_blocks; b++)
      arch_block_foreach (&trunk->stages[s].blocks[b], count_layer, &counts);
  }
  ConvLayer head = arch_plain_conv ("head.conv", trunk->stages[trunk->n_stages - 1].out,
      description->n_classes, 1, TRUE);
  count_layer (&head, &counts);
  arch_conv_clear (&head);
  return counts;
}

/* --- Tests ------------------------------------------------------------------------------------ */

/* Every classifier of the table describes, and the engine reads the description and builds it. */
static void
test_all (void)
{
  g_auto (GStrv) names = import_classifier_names ();

  g_assert_cmpuint (g_strv_length (names), ==, 57);
  for (char **name = names; *name != NULL; name++) {
    g_assert_true (import_is_classifier (*name));
    g_autoptr (cJSON) tree = describe (*name, NOW);
    g_autoptr (Description) description = parse (tree, *name);
    g_assert_cmpstr (description->name, ==, *name);
    g_assert_cmpint (description->task, ==, FBNET_TASK_CLASSIFICATION);
    g_assert_cmpuint (description->resize, >=, description->crop);
    g_assert_cmpuint (count (*name, NOW).parameters, >, 0);
  }
}

/* The networks have as many parameters as the real ones, counted by PyTorch. */
static void
test_parameters (void)
{
  static const struct {
    const char *name;
    guint64 n_parameters;
  } known[] = {
    { "FBNetV2_F1", 6024744 },
    { "FBNetV2_F4", 7022880 },
    { "FBNetV3_A", 8598480 },
    { "dmasking_l3", 9464040 },
    { "eff_0", 5325232 },
    { "fbnet_a", 4321232 },
    { "fbnet_c", 5592784 },
    { "mnv3", 5481768 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    g_assert_cmpuint (count (known[i].name, NOW).parameters, ==, known[i].n_parameters);
}

/* Their convolutions have as many weights as mobile_cv's model_info/ publishes, in millions and
 * rounded to 1e-5, of the files in its zoo. The files of January 2020 and before were made with the
 * early defaults. */
static void
test_published_weights (void)
{
  static const struct {
    const char *name;
    ClassifierDefaults defaults;
    double millions;
  } published[] = {
    { "fbnet_a", NOW, 4.27029 },
    { "fbnet_b", NOW, 4.76667 },
    { "fbnet_c", NOW, 5.52542 },
    { "fbnet_ase", NOW, 6.67946 },
    { "fbnet_bse", NOW, 7.38941 },
    { "fbnet_cse", NOW, 9.23274 },
    { "dmasking_f1", NOW, 5.99297 },
    { "dmasking_f4", NOW, 6.99169 },
    { "dmasking_l2_hs", NOW, 8.49286 },
    { "dmasking_l3", NOW, 9.39406 },
    { "FBNetV2_F1", NOW, 5.999408 },
    { "FBNetV2_F2", NOW, 5.999408 },
    { "FBNetV2_F3", NOW, 6.899504 },
    { "FBNetV2_F4", NOW, 6.994824 },
    { "FBNetV2_L1", NOW, 8.49652 },
    { "FBNetV2_L2", NOW, 8.49652 },
    { "FBNetV3_A", NOW, 8.542224 },
    { "FBNetV3_B", NOW, 8.542224 },
    { "FBNetV3_C", NOW, 9.907136 },
    { "FBNetV3_D", NOW, 10.237552 },
    { "FBNetV3_E", NOW, 10.699464 },
    { "FBNetV3_F", NOW, 13.803072 },
    { "FBNetV3_G", NOW, 16.513648 },
    { "default", EARLY, 3.46976 },
    { "mnv3", EARLY, 5.44945 },
    { "mnv3_i8f", EARLY, 5.44945 },
    { "eff_3", EARLY, 12.124856 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (published); i++) {
    const double found = (double) count (published[i].name, published[i].defaults).weights / 1e6;
    g_test_message ("%s: %f", published[i].name, found);
    g_assert_cmpfloat_with_epsilon (found, published[i].millions, 6e-6);
  }
}

/* The block lists and the side of the picture are those that the golden networks were built with. */
static void
test_golden (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  const cJSON *expected = fixture_config (fixture, "arch_raw");
  g_autoptr (cJSON) ours = describe (cJSON_GetStringValue (fixture_config (fixture, "name")), NOW);
  const cJSON *architecture = cJSON_GetObjectItem (ours, "architecture");
  const cJSON *input = cJSON_GetObjectItem (ours, "input");
  g_assert_true (cJSON_Compare (cJSON_GetObjectItem (architecture, "trunk"),
      cJSON_GetObjectItem (expected, "blocks"), TRUE));
  g_assert_true (cJSON_Compare (cJSON_GetObjectItem (architecture, "basic_args"),
                     cJSON_GetObjectItem (expected, "basic_args"), TRUE)
      || !cJSON_HasObjectItem (expected, "basic_args"));
  g_assert_true (cJSON_Compare (cJSON_GetObjectItem (input, "crop"),
      fixture_config (fixture, "input_size"), TRUE));
}

/* mobile_cv's other names mean the same models. */
static void
test_names (void)
{
  static const char *const aliases[][2] = { { "FBNet_a", "fbnet_a" }, { "FBNet_b", "fbnet_b" },
    { "FBNet_c", "fbnet_c" }, { "FBNetV2_F5", "FBNetV2_L2" }, { "default", "mnv2" },
    { "default_i8f", "mnv2_i8f" }, { "MobileNetV3", "mnv3" } };

  for (guint i = 0; i < G_N_ELEMENTS (aliases); i++) {
    g_autoptr (cJSON) alias = describe (aliases[i][0], NOW);
    g_autoptr (cJSON) real = describe (aliases[i][1], NOW);
    g_assert_true (import_is_classifier (aliases[i][0]));
    g_assert_true (cJSON_Compare (alias, real, TRUE));
  }
}

/* The shorter side is resized as the zoo's entry says, else to mobile_cv's multiple of 8. */
static void
test_sizes (void)
{
  static const struct {
    const char *name;
    guint crop, resize;
  } sizes[] = { { "fbnet_c", 224, 256 }, { "fbnet_96", 96, 112 }, { "eff_2", 260, 304 },
    { "eff_3", 300, 344 }, { "FBNetV2_F1", 128, 151 }, { "FBNetV3_G", 320, 325 },
    { "FBNetV3_G_i8f", 320, 368 }, { "dmasking_l3", 288, 324 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (cJSON) tree = describe (sizes[i].name, NOW);
    g_autoptr (Description) description = parse (tree, sizes[i].name);
    g_assert_cmpuint (description->crop, ==, sizes[i].crop);
    g_assert_cmpuint (description->resize, ==, sizes[i].resize);
  }
}

/* The variants made for int8 have neither norm nor activation after their depthwise convolutions. */
static void
test_i8f (void)
{
  g_autoptr (cJSON) tree = describe ("mnv3_i8f", NOW);
  g_autoptr (Description) description = parse (tree, "mnv3_i8f");
  g_autoptr (Part) trunk =
      arch_build_part (description->architecture, "trunk", "{S}_{B}", 3, "mnv3_i8f", NULL);
  guint n = 0;

  for (guint s = 0; s < trunk->n_stages; s++) {
    for (guint b = 0; b < trunk->stages[s].n_blocks; b++) {
      const Block *block = &trunk->stages[s].blocks[b];
      if (block->kind != BLOCK_IRF)
        continue;
      g_assert_cmpint (block->dw.norm.kind, ==, NORM_NONE);
      g_assert_cmpint (block->dw.act, ==, ACT_NONE);
      g_assert_cmpint (block->pwl.norm.kind, ==, NORM_BATCH);
      n++;
    }
  }
  g_assert_cmpuint (n, ==, 15);
}

/* A name that nothing has is refused with the names that there are. */
static void
test_unknown (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (import_is_classifier ("resnet50"));
  g_assert_null (import_describe_classifier ("resnet50", NOW, IMAGENET_CLASSES, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "'resnet50'"));
  g_assert_nonnull (strstr (error->message, "dmasking_l3, eff_0"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/classifiers/all", test_all);
  g_test_add_func ("/classifiers/parameters", test_parameters);
  g_test_add_func ("/classifiers/published-weights", test_published_weights);
  fixture_add_cases ("/classifiers/golden", FIXTURE_CLASSIFIER, "", test_golden);
  g_test_add_func ("/classifiers/names", test_names);
  g_test_add_func ("/classifiers/sizes", test_sizes);
  g_test_add_func ("/classifiers/i8f", test_i8f);
  g_test_add_func ("/classifiers/unknown", test_unknown);
  return g_test_run ();
}
