/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Meta's int8 exports: the same tensors as PyTorch dequantises, D2Go's names even where the archive
 * has none, and bytecode that means nothing refused.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "import/torch/bytecode.h"
#include "export-writer.h"
#include "import/d2go/import.h"
#include "pickle-writer.h"
#include "support/jsonfile.h"
#include "tensors.h"

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
import_golden (const char *name, const char *config, GError **error)
{
  const ImportOptions options = { .config = config };
  g_autofree char *path = golden_path ("weights", name);

  return path != NULL ? import_read (path, &options, error) : NULL;
}

static void
assert_field (const Imported *imported, const char *path, const char *expected)
{
  g_auto (GStrv) parts = g_strsplit (path, ".", -1);
  const cJSON *item = imported->description;

  for (guint i = 0; parts[i] != NULL; i++)
    item = cJSON_GetObjectItemCaseSensitive (item, parts[i]);
  char *text = cJSON_PrintUnformatted (item);
  g_assert_cmpstr (text, ==, expected);
  cJSON_free (text);
  const char *given = imported->from_archive;
  g_assert_nonnull (strstr (given, path));
}

/* What a stranger's wrapper scales frames to is told: the config's size stays. */
static void
test_wrapper_size (void)
{
  static const struct {
    const char *folder, *name;
    guint size;
  } cases[] = { { "cases/input-size-of-export", "export-800.pt", 800 },
    { "weights", "d2go-mask-int8.pt", 320 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const ImportOptions options = { 0 };
    g_autofree char *path = golden_path (cases[i].folder, cases[i].name);
    g_autoptr (GError) error = NULL;
    g_autoptr (Imported) imported = path != NULL ? import_read (path, &options, &error) : NULL;
    if (path == NULL)
      return;
    g_assert_no_error (error);
    g_assert_cmpuint (imported->wrapper_size, ==, cases[i].size);
  }
}

/* An export that was optimised for mobile is said to be one. */
static void
test_optimized_for_mobile (void)
{
  const ImportOptions options = { 0 };
  g_autofree char *path = golden_path ("cases/ios-optimized", "ios-3.pt");
  g_autoptr (GError) error = NULL;

  if (path == NULL)
    return;
  g_assert_null (import_read (path, &options, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "optimize_for_mobile()"));
}

/* The COCO detector's 295 tensors are those that PyTorch dequantised, bit for bit, and its thresholds,
 * anchors, mean and category ids are found in the archive. */
static void
test_box_detector (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Imported) imported = import_golden ("d2go-coco-int8.pt", NULL, &error);

  if (imported == NULL && error == NULL)
    return;
  g_assert_no_error (error);
  g_autofree char *path =
      golden_path ("fixtures/faster_rcnn_fbnetv3a_dsmask_C4_coco", "model.safetensors");
  g_autoptr (TensorList) expected = tensor_list_load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (imported->weights->views->len, ==, 295);
  g_assert_cmpuint (expected->views->len, ==, 295);
  for (guint i = 0; i < expected->views->len; i++) {
    const FbnetTensorView *e = expected->views->pdata[i];
    const FbnetTensorView *found = weights_find (imported->weights, e->name);
    g_assert_nonnull (found);
    g_assert_cmpint (found->dtype, ==, e->dtype);
    g_assert_cmpmem (found->shape, found->n_dims * sizeof (gsize), e->shape,
        e->n_dims * sizeof (gsize));
    g_assert_cmpmem (found->data, found->n_bytes, e->data, e->n_bytes);
  }
  g_assert_cmpstr (imported->config, ==, "faster_rcnn_fbnetv3a_dsmask_C4");
  assert_field (imported, "input.mean", "[103.53,116.28,123.675]");
  assert_field (imported, "input.std", "[1,1,1]");
  assert_field (imported, "anchors.sizes", "[[32,64,96,128,160]]");
  assert_field (imported, "anchors.aspect_ratios", "[[0.5,1,2]]");
  assert_field (imported, "anchors.offset", "0");
  assert_field (imported, "rpn.pre_nms_count", "1000");
  assert_field (imported, "rpn.post_nms_count", "30");
  assert_field (imported, "rpn.iou_threshold", "0.7");
  assert_field (imported, "roi_heads.n_classes", "80");
  assert_field (imported, "roi_heads.score_threshold", "0.05");
  assert_field (imported, "roi_heads.iou_threshold", "0.5");
  assert_field (imported, "roi_heads.max_detections", "100");
  assert_field (imported, "box_head.pooler_resolution", "6");
  assert_field (imported, "box_head.bbox_reg_weights", "[10,10,5,5]");
}

/* The keypoint detector, whose archive for the lite interpreter has no names, gets those and the shapes
 * of D2Go's keypoint network: 363 tensors, 1,501,201 parameters, as many as in PyTorch. */
static void
test_keypoint_detector (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Imported) imported = import_golden ("d2go-keypoint-int8.ptl", NULL, &error);

  if (imported == NULL && error == NULL)
    return;
  g_assert_no_error (error);
  g_autofree char *path = golden_path ("fixtures/keypoint_rcnn_fbnetv3a_dsmask_C4", "recipe.json");
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  cJSON *recipe = cJSON_Parse (text);
  guint n = 0;
  const cJSON *tensor;
  cJSON_ArrayForEach (tensor, cJSON_GetObjectItem (recipe, "tensors"))
  {
    const char *name = cJSON_GetStringValue (cJSON_GetObjectItem (tensor, "name"));
    const cJSON *shape = cJSON_GetObjectItem (tensor, "shape");
    const FbnetTensorView *found = weights_find (imported->weights, name);
    g_assert_nonnull (found);
    g_assert_cmpuint (found->n_dims, ==, (guint) cJSON_GetArraySize (shape));
    for (guint i = 0; i < found->n_dims; i++)
      g_assert_cmpfloat ((double) found->shape[i], ==,
          cJSON_GetArrayItem (shape, (int) i)->valuedouble);
    n++;
  }
  cJSON_Delete (recipe);
  g_assert_cmpuint (n, ==, imported->weights->views->len);
  assert_field (imported, "input.std", "[57.375,57.12,58.395]");
  assert_field (imported, "anchors.sizes", "[[32,64,96,128,160]]");
  assert_field (imported, "rpn.pre_nms_count", "6000");
  assert_field (imported, "rpn.post_nms_count", "30");
  assert_field (imported, "roi_heads.n_classes", "1");
  assert_field (imported, "roi_heads.max_detections", "100");
  assert_field (imported, "keypoint_head.pooler_resolution", "6");
  assert_field (imported, "category_ids", "[1]");

  guint64 n_parameters;
  g_autofree char *output = NULL;
  g_close (g_file_open_tmp ("fbnet-XXXXXX.safetensors", &output, NULL), NULL);
  g_assert_true (import_write (imported, output, &n_parameters, &error));
  g_assert_no_error (error);
  g_unlink (output);
  g_assert_cmpuint (n_parameters, ==, 1501201);
}

/* An export whose numbers are known is recognised by its layers; its bytes and scales are taken as they are, or
 * multiplied, and what an activation's bytes mean is what its module's code says. */
static void
test_made_up (void)
{
  const char *const name = "backbone.body.trunk0.fbnetv2_0_0.conv.weight";
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) description = import_describe_config ("faster_rcnn_fbnetv3a_dsmask_C4", &error);

  g_assert_no_error (error);
  g_autofree char *path = save_export (description);
  g_autoptr (Imported) int8 =
      import_read (path, &(ImportOptions){ .precision = IMPORT_INT8 }, &error);
  g_assert_no_error (error);
  g_autoptr (Imported) floats =
      import_read (path, &(ImportOptions){ .precision = IMPORT_FLOAT32 }, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_assert_cmpstr (int8->config, ==, "faster_rcnn_fbnetv3a_dsmask_C4");
  const FbnetTensorView *bytes = weights_find (int8->weights, name);
  const FbnetTensorView *scaled = weights_find (floats->weights, name);
  g_assert_nonnull (bytes);
  g_assert_nonnull (scaled);
  g_assert_cmpint (bytes->dtype, ==, FBNET_DTYPE_I8);
  g_assert_cmpuint (scaled->n_bytes, ==, bytes->n_bytes * sizeof (float));
  const float scale = (float) export_weight_scale (27);
  for (gsize i = 0; i < bytes->n_bytes; i++)
    g_assert_cmpfloat (((const float *) scaled->data)[i], ==,
        scale * ((const gint8 *) bytes->data)[i]);
  const cJSON *quantization = cJSON_GetObjectItem (int8->description, "quantization");
  const cJSON *activation = cJSON_GetObjectItem (cJSON_GetObjectItem (quantization, "activations"),
      "backbone.body.trunk0.fbnetv2_0_0.input");
  g_assert_cmpfloat (cJSON_GetNumberValue (cJSON_GetObjectItem (activation, "zero_point")), ==,
      EXPORT_ZERO_POINT);
}

/* With the config of another network, the first layer that differs is named. */
static void
test_wrong_config (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Imported) imported =
      import_golden ("d2go-coco-int8.pt", "faster_rcnn_fbnetv3a_C4", &error);

  if (imported == NULL && error == NULL)
    return;
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "not those of the config faster_rcnn_fbnetv3a_C4: "));
  g_assert_nonnull (strstr (error->message, "backbone.body.trunk"));
}

static void
import_damaged (const char *path, const char *data, gsize size)
{
  const ImportOptions options = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
  g_autoptr (Imported) imported = import_read (path, &options, &error);
  g_assert_true ((imported == NULL) == (error != NULL));
}

/* Both exports cut at every fiftieth, and with a bit flipped here and there, are imported or refused,
 * and nothing else happens. */
static void
test_damaged (void)
{
  static const char *const names[] = { "d2go-coco-int8.pt", "d2go-keypoint-int8.ptl" };
  g_autofree char *scratch = NULL;

  g_close (g_file_open_tmp ("fbnet-XXXXXX.pt", &scratch, NULL), NULL);
  for (guint f = 0; f < G_N_ELEMENTS (names); f++) {
    g_autofree char *path = golden_path ("weights", names[f]);
    g_autofree char *data = NULL;
    gsize size;
    if (path == NULL)
      break;
    g_assert_true (g_file_get_contents (path, &data, &size, NULL));
    for (gsize i = 0; i < 50; i++)
      import_damaged (scratch, data, size * i / 50);
    for (guint round = 0; round < 50; round++) {
      const gsize at = (gsize) g_test_rand_int_range (0, (gint32) size);
      const char bit = (char) (1 << g_test_rand_int_range (0, 7));
      data[at] ^= bit;
      import_damaged (scratch, data, size);
      data[at] ^= bit;
    }
  }
  g_unlink (scratch);
}

/* --- Bytecode --------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  gint32 x, n;
} Instruction;

static void
write_table_start (GByteArray *out, const char *key)
{
  write_ops (out, "(");
  write_string (out, key);
  write_ops (out, "(");
}

/* (7, ("f.forward", (instructions, operators, constants, register_size))) with two registers, the
 * constants 0 and 5, and the operators add (2), topk (3) and RaiseException (1). */
static GByteArray *
write_bytecode (const Instruction *code, guint n)
{
  static const struct {
    const char *name;
    gint32 n;
  } operators[] = { { "aten::add", 2 }, { "aten::topk", 3 }, { "prim::RaiseException", 1 } };
  GByteArray *out = g_byte_array_new ();

  write_ops (out, "\x80\x02(K\x07(");
  write_string (out, "f.forward");
  write_ops (out, "(");
  write_table_start (out, "instructions");
  for (guint i = 0; i < n; i++) {
    write_ops (out, "(");
    write_string (out, code[i].name);
    write_int (out, code[i].x);
    write_int (out, code[i].n);
    write_ops (out, "t");
  }
  write_ops (out, "tt");
  write_table_start (out, "operators");
  for (guint i = 0; i < G_N_ELEMENTS (operators); i++) {
    write_ops (out, "(");
    write_string (out, operators[i].name);
    write_string (out, "");
    write_int (out, operators[i].n);
    write_ops (out, "t");
  }
  write_ops (out, "tt");
  write_table_start (out, "constants");
  write_int (out, 0);
  write_int (out, 5);
  write_ops (out, "tt(");
  write_string (out, "register_size");
  write_ops (out, "K\x02tttt.");
  return out;
}

static Graph *
follow (const Instruction *code, guint n, GError **error)
{
  g_autoptr (GByteArray) bytes = write_bytecode (code, n);
  g_autoptr (Pickle) pickle = parse_array (bytes, error);

  g_assert_nonnull (pickle);
  Graph *graph = bytecode_follow (pickle_root (pickle), pickle_root (pickle), error);
  for (guint i = 0; graph != NULL && i < graph->nodes->len; i++)
    ((Node *) graph->nodes->pdata[i])->constant = NULL; /* the pickle goes */
  return graph;
}

/* Both ways of a branch are joined, one that raises an exception is not, and a loop's body is
 * followed once. */
static void
test_bytecode (void)
{
  static const Instruction code[] = {
    { "STOREN", 1, 2 },
    { "LOAD", 2, 0 },
    { "JF", 4, 0 }, /* then: argument + 5 */
    { "LOAD", 2, 0 },
    { "LOADC", 1, 0 },
    { "JMP", 3, 0 }, /* else: 0, 5 */
    { "LOADC", 0, 0 },
    { "LOADC", 1, 0 },
    { "OP", 0, 0 },
    { "STORE", 1, 0 },
    { "LOADC", 1, 0 },
    { "JF", 4, 0 },
    { "LOADC", 0, 0 },
    { "OP", 2, 0 },
    { "JMP", 2, 0 },
    { "LOAD", 1, 0 },
    { "LOADC", 0, 0 },
    { "LOADC", 1, 0 },
    { "LOADC", 1, 0 },
    { "LOOP", 6, 2 }, /* counter + 5 is dropped; the condition stays */
    { "LOADC", 1, 0 },
    { "OP", 0, 0 },
    { "DROP", 0, 0 },
    { "LOADC", 1, 0 },
    { "JMP", -5, 0 },
    { "RET", 0, 0 },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (Graph) graph = follow (code, G_N_ELEMENTS (code), &error);

  g_assert_no_error (error);
  guint n_adds = 0;
  for (guint i = 0; i < graph->nodes->len; i++) {
    const Node *node = graph->nodes->pdata[i];
    if (!node_is (node, "aten::add"))
      continue;
    if (n_adds++ > 0)
      continue;
    g_assert_true (node_is (node_input (node, 0), "either"));
    g_assert_cmpuint (node_input (node, 0)->inputs->len, ==, 2);
    g_assert_true (node_is (node_input (node_input (node, 0), 0), "argument"));
    g_assert_true (node_is (node_input (node_input (node, 0), 1), "constant"));
  }
  g_assert_cmpuint (n_adds, ==, 2);
}

/* Jumps that lead nowhere, stacks that are too short, and indices out of range are errors. */
static void
test_hostile_bytecode (void)
{
  static const Instruction cases[][4] = {
    { { "OP", 0, 0 }, { "RET", 0, 0 } },
    { { "OP", 9, 0 } },
    { { "OP", -1, 0 } },
    { { "OPN", 0, 1000000000 } },
    { { "LOADC", 2, 0 } },
    { { "LOADC", -1, 0 } },
    { { "LOAD", 1, 0 } },
    { { "LOAD", 3, 0 } },
    { { "LOAD", -1, 0 } },
    { { "STORE", 3, 0 } },
    { { "STOREN", 1, G_MAXINT32 } },
    { { "STOREN", G_MAXINT32, 1 } },
    { { "STOREN", 0, -1 } },
    { { "DROP", 0, 0 }, { "DROP", 0, 0 } },
    { { "JF", G_MAXINT32, 0 } },
    { { "JF", -1, 0 } },
    { { "JF", 2, 0 }, { "LOADC", 0, 0 } },
    { { "JF", 2, 0 }, { "JMP", G_MAXINT32, 0 } },
    { { "JF", 2, 0 }, { "JMP", -1, 0 } },
    { { "LOOP", G_MAXINT32, 2 } },
    { { "LOOP", 2, G_MAXINT32 } },
    { { "LOOP", 2, 2 }, { "JMP", -1, 0 } },
    { { "JMP", -1, 0 } },
    { { "LIST_UNPACK", G_MAXINT32, 0 } },
    { { "LIST_UNPACK", -1, 0 } },
    { { "LIST_CONSTRUCT", 0, -1 } },
    { { "TUPLE_CONSTRUCT", G_MAXINT32, 0 } },
    { { "GET_ATTR", 0, 0 } },
    { { "EXECUTE", 0, 0 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    guint n = 0;
    while (n < 4 && cases[i][n].name != NULL)
      n++;
    g_assert_null (follow (cases[i], n, &error));
    g_assert_cmpuint (error->domain, ==, FBNET_ERROR);
    g_assert_true (g_str_has_prefix (error->message, "bytecode: "));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/import/torchscript/wrapper-size", test_wrapper_size);
  g_test_add_func ("/import/torchscript/optimized-for-mobile", test_optimized_for_mobile);
  g_test_add_func ("/import/torchscript/bytecode", test_bytecode);
  g_test_add_func ("/import/torchscript/hostile-bytecode", test_hostile_bytecode);
  g_test_add_func ("/import/torchscript/box-detector", test_box_detector);
  g_test_add_func ("/import/torchscript/keypoint-detector", test_keypoint_detector);
  g_test_add_func ("/import/torchscript/made-up", test_made_up);
  g_test_add_func ("/import/torchscript/wrong-config", test_wrong_config);
  g_test_add_func ("/import/torchscript/damaged", test_damaged);
  return g_test_run ();
}
