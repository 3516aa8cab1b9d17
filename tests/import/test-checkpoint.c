/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checkpoints into model files: the right tensors under the right config, and all that is wrong named
 * at once. What a machine without golden data can check, it checks with generated weights.
 */
#include <glib/gstdio.h>
#include <math.h>
#include <sys/wait.h>
#include <string.h>

#include "checkpoint-writer.h"
#include "import/d2go/config.h"
#include "import/d2go/fit.h"
#include "import/d2go/import.h"
#include "recipe.h"
#include "support/jsonfile.h"

#define CONFIG    "faster_rcnn_fbnetv3a_dsmask_C4"
#define N_CLASSES 80

/* --- Generated checkpoints -------------------------------------------------------------------- */

/* All tensors of a zoo config, with as many classes. */
static TensorList *
generate_classes (const char *config, guint n_classes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) tree = import_zoo_config (config, &error);
  g_autoptr (cJSON) description = import_describe (tree, config, &error);

  g_assert_no_error (error);
  import_set_n_classes (description, n_classes);
  return generate_tensors (description);
}

static TensorList *
generate (const char *config)
{
  return generate_classes (config, N_CLASSES);
}

static char *
save (const TensorList *list, const char *prefix)
{
  const CheckpointMember model = { "model", list, prefix };

  return save_checkpoint (&model, 1);
}

static Imported *
import (const TensorList *list, const char *prefix, const char *config, GError **error)
{
  const ImportOptions options = { .config = config };
  g_autofree char *path = save (list, prefix);
  Imported *imported = import_read (path, &options, error);

  g_unlink (path);
  return imported;
}

/* Every expected tensor, bit for bit, and no other. */
static void
assert_equal (const Imported *imported, const TensorList *expected)
{
  g_assert_cmpuint (imported->weights->views->len, ==, expected->views->len);
  for (guint i = 0; i < expected->views->len; i++) {
    const FbnetTensorView *e = expected->views->pdata[i];
    const FbnetTensorView *found = weights_find (imported->weights, e->name);
    g_assert_nonnull (found);
    g_assert_cmpint (found->dtype, ==, e->dtype);
    g_assert_cmpmem (found->shape, found->n_dims * sizeof (gsize), e->shape,
        e->n_dims * sizeof (gsize));
    g_assert_cmpmem (found->data, found->n_bytes, e->data, e->n_bytes);
  }
}

/* A checkpoint without a config is recognised by its tensors, with or without the prefix of
 * DistributedDataParallel, and written as a model that loads. */
static void
test_recognised (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TensorList) list = generate (CONFIG);
  g_autoptr (Imported) imported = import (list, "", NULL, &error);

  g_assert_no_error (error);
  assert_equal (imported, list);
  g_assert_cmpstr (imported->config, ==, CONFIG);
  g_assert_cmpuint (imported->n_tolerated, ==, 0);
  g_assert_null (imported->from_archive);

  g_autoptr (Imported) prefixed = import (list, "module.", NULL, &error);
  g_assert_no_error (error);
  assert_equal (prefixed, list);

  guint64 n_parameters;
  g_autofree char *path = NULL;
  g_close (g_file_open_tmp ("fbnet-XXXXXX.safetensors", &path, NULL), NULL);
  g_assert_true (import_write (imported, path, &n_parameters, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_parameters, ==, 1744012);
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (fbnet_model_get_description (model), "\"sha256\""));
  g_unlink (path);
}

/* Where the config is only a name, or none, the number of classes is the checkpoint's, whose classes then
 * have no names; the report says so. */
static void
test_other_classes (void)
{
  static const char *const configs[] = { CONFIG, NULL };
  static const guint counts[] = { 1, 7 };

  for (guint i = 0; i < G_N_ELEMENTS (configs) * G_N_ELEMENTS (counts); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (TensorList) list = generate_classes (CONFIG, counts[i / 2]);
    g_autoptr (Imported) imported = import (list, "", configs[i % 2], &error);
    g_assert_no_error (error);
    assert_equal (imported, list);
    g_assert_cmpstr (imported->config, ==, CONFIG);
    g_assert_cmpstr (imported->from_archive, ==, "roi_heads.n_classes");
    g_assert_false (cJSON_HasObjectItem (imported->description, "labels"));
    g_assert_false (cJSON_HasObjectItem (imported->description, "category_ids"));
  }
}

static void
add_named (TensorList *list, const char *name)
{
  const gsize one = 1;

  tensor_list_add (list, name, FBNET_DTYPE_F32, &one, 1);
}

/* Weights of heads that the config has not got, and D2Go's buffers, are left out and counted. */
static void
test_tolerated (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TensorList) list = generate (CONFIG);
  g_autoptr (TensorList) expected = generate (CONFIG);

  add_named (list, "roi_heads.mask_head.predictor.mask_fcn_logits.bias");
  add_named (list, "roi_heads.keypoint_head.predictor.kps_score_lowres.bias");
  add_named (list, "pixel_mean");
  add_named (list, "proposal_generator.anchor_generator.cell_anchors.0");
  g_autoptr (Imported) imported = import (list, "", CONFIG, &error);
  g_assert_no_error (error);
  assert_equal (imported, expected);
  g_assert_cmpuint (imported->n_tolerated, ==, 4);
}

/* Missing tensors, wrong shapes and tensors without a place are all named, not only the first. */
static void
test_problems (void)
{
  static const char *const gone[] = { "backbone.body.trunk0.fbnetv2_0_0.conv.weight",
    "backbone.body.trunk3.fbnetv2_3_7.pwl.bn.running_var" };
  g_autoptr (GError) error = NULL;
  g_autoptr (TensorList) list = generate (CONFIG);

  for (guint i = 0; i < G_N_ELEMENTS (gone); i++)
    g_assert_true (tensor_list_remove (list, gone[i]));
  tensor_list_find (list, "roi_heads.box_predictor.cls_score.bias")->shape[0]--;
  tensor_list_find (list, "roi_heads.box_predictor.cls_score.bias")->n_bytes -= sizeof (float);
  add_named (list, "backbone.body.trunk4.fbnetv2_4_0.pw.conv.weight");
  g_autoptr (Imported) imported = import (list, "", CONFIG, &error);
  g_assert_null (imported);
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "4 tensors do not fit"));
  g_assert_nonnull (strstr (error->message, gone[0]));
  g_assert_nonnull (strstr (error->message, gone[1]));
  g_assert_nonnull (strstr (error->message, "expected [81], found [80]"));
  g_assert_nonnull (strstr (error->message, "trunk4.fbnetv2_4_0.pw.conv.weight: found, but"));

  g_clear_error (&error);
  imported = import (list, "", NULL, &error);
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "the nearest is " CONFIG));
}

static void
write_text (const char *path, const char *text)
{
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* Labels of the wrong number are told of by their file's name; they, and weights that are not finite, leave no model
 * file behind. */
static void
test_unloadable (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TensorList) list = generate (CONFIG);
  g_autofree char *source = save (list, "");
  g_autofree char *labels = g_strconcat (source, ".txt", NULL);
  g_autofree char *output = g_strconcat (source, ".safetensors", NULL);
  guint64 n_parameters;

  write_text (labels, "cat\ndog\n");
  const ImportOptions options = { .config = CONFIG, .labels = labels };
  g_assert_null (import_read (source, &options, &error));
  g_assert_true (g_str_has_prefix (error->message, labels));
  g_assert_nonnull (
      strstr (error->message, "labels, one a line, as the model has classes, found 2"));

  g_clear_error (&error);
  ((float *) tensor_list_find (list, "roi_heads.box_predictor.cls_score.bias")->data)[3] = NAN;
  g_autoptr (Imported) broken = import (list, "", CONFIG, &error);
  g_assert_no_error (error);
  g_assert_false (import_write (broken, output, &n_parameters, &error));
  g_assert_nonnull (strstr (error->message, "cls_score.bias"));
  g_assert_true (g_str_has_prefix (error->message, output));
  g_assert_null (strstr (error->message, ".part"));
  g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));
  g_unlink (labels);
  g_unlink (source);
}

/* A config that is not there is answered with the names of those that are; averaged weights that are
 * not there, with the keys that are. */
static void
test_arguments (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TensorList) list = generate (CONFIG);

  g_assert_null (import (list, "", "faster_rcnn_resnet50", &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, CONFIG));
  g_assert_nonnull (strstr (error->message, "mask_rcnn_fbnetv3g_fpn"));

  g_clear_error (&error);
  const ImportOptions options = { .config = CONFIG, .ema = EMA_YES };
  g_autofree char *path = save (list, "");
  g_assert_null (import_read (path, &options, &error));
  g_unlink (path);
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "found the keys: model, iteration"));
}

/* --- Golden data ------------------------------------------------------------------------------ */

static char *
golden_path (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), folder, name, NULL);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&path);
  g_test_skip ("no golden data");
  return NULL;
}

static Imported *
import_golden (const char *name, const char *config, EmaChoice ema)
{
  g_autoptr (GError) error = NULL;
  const ImportOptions options = { .config = config, .ema = ema };
  g_autofree char *path = golden_path ("checkpoints", name);

  if (path == NULL)
    return NULL;
  Imported *imported = import_read (path, &options, &error);
  g_assert_no_error (error);
  return imported;
}

static TensorList *
golden_tensors (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = golden_path ("fixtures", "mask_rcnn_fbnetv3a_dsmask_C4");
  TensorList *list = recipe_load (folder, &error);

  g_assert_no_error (error);
  return list;
}

/* Checkpoints that PyTorch wrote, zip and older form, hold the fixture's tensors bit for bit. */
static void
test_golden (void)
{
  static const char *const files[] = { "mask_rcnn_fbnetv3a_dsmask_C4.pth",
    "mask_rcnn_fbnetv3a_dsmask_C4-legacy.pth" };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autoptr (Imported) imported = import_golden (files[i], NULL, EMA_USUAL);
    if (imported == NULL)
      return;
    g_autoptr (TensorList) expected = golden_tensors ();
    assert_equal (imported, expected);
    g_assert_cmpstr (imported->config, ==, "mask_rcnn_fbnetv3a_dsmask_C4");
    g_assert_cmpstr (imported->source, ==, "model");
  }
}

/* The averaged weights of the same file differ from the others in one bias, by exactly 1/8. */
static void
test_golden_ema (void)
{
  static const char *const name = "roi_heads.box_predictor.cls_score.bias";
  g_autofree char *config = golden_path ("checkpoints", "mask_rcnn_fbnetv3a_dsmask_C4.yaml");
  g_autoptr (Imported) imported =
      import_golden ("mask_rcnn_fbnetv3a_dsmask_C4.pth", config, EMA_YES);

  if (imported == NULL)
    return;
  g_autoptr (TensorList) expected = golden_tensors ();
  FbnetTensorView *bias = tensor_list_find (expected, name);
  float *data = (float *) bias->data;
  for (gsize i = 0; i < bias->shape[0]; i++)
    data[i] += 0.125f;
  assert_equal (imported, expected);
  g_assert_cmpstr (imported->source, ==, "ema_state");
}

/* The zoo's faster_* config takes the box detector out of the mask detector's checkpoint. */
static void
test_golden_without_masks (void)
{
  g_autoptr (Imported) imported =
      import_golden ("mask_rcnn_fbnetv3a_dsmask_C4.pth", CONFIG, EMA_USUAL);

  if (imported == NULL)
    return;
  g_assert_cmpuint (imported->weights->views->len, ==, 295);
  g_assert_cmpuint (imported->n_tolerated, ==, 67);
}

static FbnetDtype
golden_dtype (const cJSON *tensor)
{
  const char *name = cJSON_GetStringValue (cJSON_GetObjectItem (tensor, "dtype"));

  return strcmp (name, "I64") == 0 ? FBNET_DTYPE_I64 : FBNET_DTYPE_F32;
}

/* Names and shapes of a fixture's tensors, without their numbers. */
static Weights *
golden_names (const char *config)
{
  g_autofree char *folder = g_build_filename ("fixtures", config, NULL);
  g_autofree char *path = golden_path (folder, "recipe.json");
  g_autofree char *text = NULL;

  if (path == NULL)
    return NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_autoptr (cJSON) recipe = cJSON_Parse (text);
  Weights *weights = weights_new ();
  const cJSON *tensor;
  cJSON_ArrayForEach (tensor, cJSON_GetObjectItem (recipe, "tensors"))
  {
    gsize shape[FBNET_MAX_DIMS];
    guint n_dims = 0;
    const cJSON *size;
    cJSON_ArrayForEach (size, cJSON_GetObjectItem (tensor, "shape")) shape[n_dims++] =
        (gsize) size->valuedouble;
    g_assert_true (
        weights_take (weights, cJSON_GetStringValue (cJSON_GetObjectItem (tensor, "name")),
            golden_dtype (tensor), n_dims, shape, NULL, 0, NULL));
  }
  return weights;
}

/* The tensors of all seven zoo networks, as PyTorch names and shapes them, are exactly those that the
 * importer asks their configs for: pyramids, masks and keypoints included. */
static void
test_golden_names (void)
{
  g_auto (GStrv) configs = import_zoo_names ();

  g_assert_cmpuint (g_strv_length (configs), ==, 7);
  for (guint i = 0; configs[i] != NULL; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (Weights) weights = golden_names (configs[i]);
    if (weights == NULL)
      return;
    g_autoptr (cJSON) tree = import_zoo_config (configs[i], &error);
    g_autoptr (cJSON) description = import_describe (tree, configs[i], &error);
    g_autoptr (Layers) layers = fit_layers (description, &error);
    g_assert_no_error (error);
    g_autoptr (Fit) fit = fit_new (layers, weights);
    if (fit->problems->len > 0)
      g_test_message ("%s: %s", configs[i], (const char *) fit->problems->pdata[0]);
    g_assert_cmpuint (fit->problems->len, ==, 0);
    g_assert_cmpuint (fit->n_tolerated, ==, 0);
    g_assert_cmpuint (fit->wanted->len, ==, weights->views->len);
  }
}

/* --- The program ------------------------------------------------------------------------------ */

static int
run_program (const char *const *arguments, char **output)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *messages = NULL;
  int status;

  g_ptr_array_add (argv, (gpointer) g_getenv ("FBNET_IMPORT"));
  for (guint i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (argv, (gpointer) arguments[i]);
  g_ptr_array_add (argv, NULL);
  g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL, output, &messages,
      &status, &error);
  g_assert_no_error (error);
  g_assert_true (WIFEXITED (status));
  if (WEXITSTATUS (status) != 0)
    g_assert_true (g_str_has_prefix (messages, "fbnet-import: "));
  return WEXITSTATUS (status);
}

/* fbnet-import reports what it did and exits with 0; with 1 for a file that it cannot import, with 2
 * for arguments that make no sense. */
static void
test_program (void)
{
  g_autoptr (TensorList) list = generate (CONFIG);
  g_autofree char *source = save (list, "");
  g_autofree char *model = g_strconcat (source, ".safetensors", NULL);
  g_autofree char *report = NULL;
  const char *const good[] = { source, "-o", model, "--name", "mine", NULL };

  g_assert_cmpint (run_program (good, &report), ==, 0);
  g_assert_nonnull (strstr (report, "mine"));
  g_assert_nonnull (strstr (report, "1744012"));
  g_assert_nonnull (strstr (report, "classes     80\n"));
  g_assert_true (g_file_test (model, G_FILE_TEST_EXISTS));

  const char *const absent[] = { "no/such/file.pth", "-o", model, NULL };
  const char *const other[] = { model, "-o", model, NULL };
  const char *const config[] = { source, "-o", model, "--config", "x", NULL };
  const char *const no_output[] = { source, NULL };
  const char *const unknown[] = { "--unknown", NULL };
  g_assert_cmpint (run_program (absent, NULL), ==, 1);
  g_assert_cmpint (run_program (other, NULL), ==, 1);
  g_assert_cmpint (run_program (config, NULL), ==, 2);
  g_assert_cmpint (run_program (no_output, NULL), ==, 2);
  g_assert_cmpint (run_program (unknown, NULL), ==, 2);
  g_unlink (source);
  g_unlink (model);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/import/checkpoint/recognised", test_recognised);
  g_test_add_func ("/import/checkpoint/other-classes", test_other_classes);
  g_test_add_func ("/import/checkpoint/tolerated", test_tolerated);
  g_test_add_func ("/import/checkpoint/problems", test_problems);
  g_test_add_func ("/import/checkpoint/unloadable", test_unloadable);
  g_test_add_func ("/import/checkpoint/arguments", test_arguments);
  g_test_add_func ("/import/checkpoint/golden", test_golden);
  g_test_add_func ("/import/checkpoint/golden-ema", test_golden_ema);
  g_test_add_func ("/import/checkpoint/golden-without-masks", test_golden_without_masks);
  g_test_add_func ("/import/checkpoint/golden-names", test_golden_names);
  g_test_add_func ("/import/checkpoint/program", test_program);
  return g_test_run ();
}
