/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Int8 exports in int8, against what PyTorch's QNNPACK computed: every quantised operator, the
 * proposals, and the final boxes and scores, bit for bit.
 */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <zlib.h>

#include "fixture.h"
#include "import/d2go/import.h"
#include "kernels/kernels.h"
#include "parity.h"

#define ROOT "model." /* of an operator's name in the graph */

/* --- The export ------------------------------------------------------------------------------- */

static const char *
text_of (const cJSON *object, const char *key)
{
  return cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (object, key));
}

/* The export as it is; NULL for what is none. */
static FbnetModel *
import_export (const char *source)
{
  const ImportOptions options = { .precision = IMPORT_INT8 };
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  guint64 n_parameters;

  g_autoptr (Imported) imported = import_read (source, &options, &error);
  if (imported == NULL) {
    g_test_message ("%s: %s", source, error->message);
    return NULL;
  }
  g_close (g_file_open_tmp ("fbnet-XXXXXX.safetensors", &path, NULL), NULL);
  g_assert_true (import_write (imported, path, &n_parameters, &error));
  g_assert_no_error (error);
  FbnetModel *model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  g_unlink (path);
  return model;
}

/* Whether the model gives every named operator's output the graph's scale. */
static gboolean
has_scales_of (FbnetModel *model, const Fixture *graph)
{
  cJSON *description = cJSON_Parse (fbnet_model_get_description (model));
  const cJSON *quantization = cJSON_GetObjectItemCaseSensitive (description, "quantization");
  const cJSON *activations = cJSON_GetObjectItemCaseSensitive (quantization, "activations");
  gboolean same = TRUE;
  const cJSON *op;

  cJSON_ArrayForEach (op, fixture_config (graph, "ops"))
  {
    const char *name = text_of (op, "name");
    const cJSON *expected = cJSON_GetObjectItemCaseSensitive (op, "out_scale");
    if (name == NULL || !g_str_has_prefix (name, ROOT) || !cJSON_IsNumber (expected))
      continue;
    const cJSON *activation = cJSON_GetObjectItemCaseSensitive (activations, name + strlen (ROOT));
    const cJSON *scale = cJSON_GetObjectItemCaseSensitive (activation, "scale");
    same = same && cJSON_IsNumber (scale)
        && (float) scale->valuedouble == (float) expected->valuedouble;
  }
  cJSON_Delete (description);
  return same;
}

/* Of the exports in `folder` the one that the graph was recorded from, or NULL. */
static FbnetModel *
find_export_in (const char *folder, const Fixture *graph)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (!g_str_has_suffix (name, ".pt") && !g_str_has_suffix (name, ".ptl"))
      continue;
    g_autoptr (FbnetModel) model = import_export (path);
    if (model != NULL && has_scales_of (model, graph))
      return g_steal_pointer (&model);
  }
  return NULL;
}

/* Beside the graph, or among the golden data's weights; NULL, with the test skipped, where there is none. */
static FbnetModel *
find_export (const Fixture *graph)
{
  g_autofree char *weights = g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "weights", NULL);
  FbnetModel *model = find_export_in (graph->folder, graph);

  if (model == NULL)
    model = find_export_in (weights, graph);
  if (model == NULL)
    g_test_skip ("no export has the scales of graph.json");
  return model;
}

/* A frame that the resize leaves as it is: what PyTorch's network was given. */
static FbnetImage
frame_of (const Npy *resized)
{
  g_assert_cmpuint (resized->n_dims, ==, 3);
  g_assert_cmpuint (resized->shape[2], ==, 3);
  return (FbnetImage){ .format = FBNET_PIXEL_BGR,
    .width = (guint) resized->shape[1],
    .height = (guint) resized->shape[0],
    .planes = { resized->data },
    .strides = { (gssize) (3 * resized->shape[1]) } };
}

static FbnetDetector *
open_detector (FbnetModel *model, const char *kernels, guint n_threads, FbnetInt8Bias bias)
{
  const FbnetDetectorOptions options = { n_threads, kernels, FBNET_PRECISION_INT8, bias };
  g_autoptr (GError) error = NULL;
  FbnetDetector *detector = fbnet_detector_new (model, &options, &error);

  g_assert_no_error (error);
  g_assert_cmpint (fbnet_detector_get_precision (detector), ==, FBNET_PRECISION_INT8);
  g_assert_cmpint (fbnet_detector_get_int8_bias (detector), ==, bias);
  return detector;
}

static void
run_frame (FbnetDetector *detector, const FbnetImage *image, FbnetDetections *found)
{
  g_autoptr (GError) error = NULL;

  fbnet_detector_run (detector, image, found, &error);
  g_assert_no_error (error);
}

/* --- Operators -------------------------------------------------------------------------------- */

/* As the fixture has it: over the bytes in the order [n][c][h][w]. */
static guint32
checksum (const guint8 *bytes, const Tensor *shape)
{
  const gsize pixels = shape->h * shape->w;
  g_autofree guint8 *planar = g_new (guint8, shape->n * pixels * shape->c);
  guint8 *to = planar;

  for (gsize n = 0; n < shape->n; n++) {
    for (gsize c = 0; c < shape->c; c++) {
      for (gsize p = 0; p < pixels; p++)
        *to++ = bytes[(n * pixels + p) * shape->c + c];
    }
  }
  return (guint32) crc32 (0, planar, (uInt) (to - planar));
}

static void
keep_checksum (const char *name, const Tensor *output, gpointer data)
{
  if (output->bytes != NULL)
    g_hash_table_insert (data, g_strdup (name),
        GUINT_TO_POINTER (checksum (output->bytes, output)));
}

/* The engine's name of what an operator gives. A sum has none in the graph: it follows its block's
 * last convolution. */
static char *
activation_name (const cJSON *op, const char *last_conv)
{
  const char *name = text_of (op, "name");

  if (name != NULL)
    return g_strdup (name + strlen (ROOT));
  g_assert_cmpstr (text_of (op, "op"), ==, "quantized::add");
  g_assert_true (g_str_has_suffix (last_conv, ".pwl.conv"));
  return g_strdup_printf ("%.*s.add", (int) (strlen (last_conv) - strlen (".pwl.conv")), last_conv);
}

/* The average is seen as floats: bytes again, with the quantisation of what it is taken of. */
static guint32
average_checksum (const FbnetDetector *detector, const cJSON *conv)
{
  const float scale = (float) cJSON_GetObjectItem (conv, "out_scale")->valuedouble;
  const float zero = (float) cJSON_GetObjectItem (conv, "out_zp")->valuedouble;
  Pass taps;

  taps = *detector_get_pass (detector);
  const gsize n = taps.box_features.n * taps.box_features.c;
  g_autofree guint8 *bytes = g_new (guint8, n);
  for (gsize i = 0; i < n; i++)
    bytes[i] = (guint8) (rintf (taps.box_features.data[i] / scale) + zero);
  return checksum (bytes, &taps.box_features);
}

static guint32
found_checksum (GHashTable *found, const FbnetDetector *detector, const cJSON *op,
    const cJSON *last_conv, const char *last_name)
{
  gpointer value;

  if (strcmp (text_of (op, "op"), "aten::adaptive_avg_pool2d") == 0)
    return average_checksum (detector, last_conv);
  g_autofree char *name = activation_name (op, last_name);
  if (!g_hash_table_lookup_extended (found, name, NULL, &value))
    g_error ("%s was not computed in int8", name);
  return GPOINTER_TO_UINT (value);
}

/* Every operator of the graph whose output is recorded; how many there were. */
static guint
check_operators (const FbnetDetector *detector, GHashTable *found, const Fixture *graph,
    const cJSON *expected)
{
  const cJSON *op, *last_conv = NULL;
  g_autofree char *last_name = NULL;
  guint n = 0;

  cJSON_ArrayForEach (op, fixture_config (graph, "ops"))
  {
    const char *out =
        cJSON_GetStringValue (cJSON_GetArrayItem (cJSON_GetObjectItem (op, "out"), 0));
    const cJSON *check = cJSON_GetObjectItem (expected, out);
    if (check == NULL)
      continue;
    const guint32 sum = found_checksum (found, detector, op, last_conv, last_name);
    if (sum != (guint32) cJSON_GetObjectItem (check, "crc32")->valuedouble) {
      g_test_message ("%s: not the recorded bytes", text_of (op, "name"));
      g_test_fail ();
    }
    n++;
    if (text_of (op, "name") != NULL) {
      last_conv = op;
      g_free (last_name);
      last_name = activation_name (op, NULL);
    }
  }
  return n;
}

/* --- Proposals and detections ----------------------------------------------------------------- */

static void
check_floats (const Fixture *saved, const char *name, const float *found, gsize n)
{
  g_autoptr (Npy) expected = fixture_array (saved, name);

  if (expected == NULL)
    return;
  g_assert_cmpuint (expected->n_bytes, ==, n * sizeof (float));
  for (gsize i = 0; i < n; i++) {
    if (memcmp (&found[i], &npy_floats (expected)[i], sizeof *found) == 0)
      continue;
    g_test_message ("%s[%" G_GSIZE_FORMAT "]: expected %.9g, found %.9g", name, i,
        npy_floats (expected)[i], found[i]);
    g_test_fail ();
    return;
  }
}

static void
check_classes (const Fixture *saved, const Pass *taps)
{
  g_autoptr (Npy) classes = fixture_array (saved, "classes");

  if (classes == NULL)
    return;
  g_assert_cmpuint (classes->shape[0], ==, taps->n_detections);
  for (gsize i = 0; i < taps->n_detections; i++)
    g_assert_cmpuint (taps->detections[i].class_id, ==, ((const guint32 *) classes->data)[i]);
}

static void
check_results (const Fixture *saved, const FbnetDetector *detector)
{
  Pass taps;

  taps = *detector_get_pass (detector);
  check_floats (saved, "proposals", &taps.proposals->x0, 4 * taps.n_proposals);
  check_floats (saved, "proposal_logits", taps.proposal_logits, taps.n_proposals);
  check_classes (saved, &taps);
  g_autofree float *boxes = g_new (float, 4 * taps.n_detections);
  g_autofree float *scores = g_new (float, taps.n_detections);
  for (gsize i = 0; i < taps.n_detections; i++) {
    memcpy (boxes + 4 * i, &taps.detections[i].box, sizeof (Box));
    scores[i] = taps.detections[i].score;
  }
  check_floats (saved, "boxes", boxes, 4 * taps.n_detections);
  check_floats (saved, "scores", scores, taps.n_detections);
}

/* --- The pictures ----------------------------------------------------------------------------- */

typedef struct {
  FbnetModel *model;
  const Fixture *graph, *saved;
  FbnetImage image;
} Setting;

/* Layer by layer, with every operator checked. */
static GByteArray *
check_layers (const Setting *setting, const char *kernels)
{
  const cJSON *expected = fixture_config (setting->saved, "op_output_checks");
  g_autoptr (GHashTable) sums = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  g_autoptr (FbnetDetector) detector =
      open_detector (setting->model, kernels, 1, FBNET_INT8_BIAS_EXACT);

  detector_observe (detector, keep_checksum, sums);
  run_frame (detector, &setting->image, found);
  g_assert_cmpuint (check_operators (detector, sums, setting->graph, expected), ==,
      (guint) cJSON_GetArraySize (expected));
  check_results (setting->saved, detector);
  return parity_bytes (detector, found);
}

/* Fused: the same bits as layer by layer, for any number of threads, on the second frame too. */
static void
check_fused (const Setting *setting, const char *kernels, const GByteArray *expected)
{
  for (guint n_threads = 1; n_threads <= 3; n_threads++) {
    g_autoptr (FbnetDetections) found = fbnet_detections_new ();
    g_autoptr (FbnetDetector) detector =
        open_detector (setting->model, kernels, n_threads, FBNET_INT8_BIAS_EXACT);
    for (guint frame = 0; frame < 2; frame++) {
      run_frame (detector, &setting->image, found);
      g_autoptr (GByteArray) bytes = parity_bytes (detector, found);
      g_assert_cmpmem (bytes->data, bytes->len, expected->data, expected->len);
    }
  }
}

/* In exact mode all recorded operators, proposals, boxes and scores have the recorded bits, with
 * every kernel set, fused or not, for one to three threads. */
static void
test_exact (gconstpointer name)
{
  g_autofree char *parent = g_path_get_dirname (name);
  g_autoptr (Fixture) saved = fixture_open (name);
  g_autoptr (Fixture) graph = fixture_open_file (parent, "graph.json");

  if (saved == NULL || graph == NULL)
    return;
  g_autoptr (FbnetModel) model = find_export (graph);
  if (model == NULL)
    return;
  g_autoptr (Npy) resized = fixture_array (saved, "resized");
  const Setting setting = { model, graph, saved, frame_of (resized) };

  for (const Kernels *const *kernels = kernels_list (); *kernels != NULL; kernels++) {
    g_autoptr (GByteArray) bytes = check_layers (&setting, (*kernels)->name);
    check_fused (&setting, (*kernels)->name, bytes);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fixture_add_cases ("/int8/exact", FIXTURE_INT8, "resized", test_exact);
  return g_test_run ();
}
