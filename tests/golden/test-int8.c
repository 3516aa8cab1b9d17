/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Meta's int8 export in int8, against what PyTorch's QNNPACK computed: every quantised operator, the
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

/* --- Golden data ------------------------------------------------------------------------------ */

static char *
golden_path (const char *path)
{
  const char *folder = g_getenv ("FBNET_GOLDEN_DATA");
  g_autofree char *whole = g_build_filename (folder != NULL ? folder : "", path, NULL);

  if (folder != NULL && g_file_test (whole, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&whole);
  g_test_skip ("no golden data");
  return NULL;
}

static cJSON *
load_json (const char *path)
{
  g_autofree char *whole = golden_path (path);
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (whole, &text, NULL, NULL));
  cJSON *json = cJSON_Parse (text);
  g_assert_nonnull (json);
  return json;
}

static Npy *
load_array (const char *picture, const char *name)
{
  g_autofree char *path = g_strdup_printf ("fixtures/int8_coco/%s/%s.npy", picture, name);
  g_autofree char *whole = golden_path (path);
  g_autoptr (GError) error = NULL;
  Npy *array = npy_load (whole, &error);

  g_assert_no_error (error);
  return array;
}

/* The export, imported as it is; NULL, with the test skipped, without golden data. */
static FbnetModel *
import_export (const char *name)
{
  const ImportOptions options = { .precision = IMPORT_INT8 };
  g_autofree char *relative = g_build_filename ("weights", name, NULL);
  g_autofree char *source = golden_path (relative);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  guint64 n_parameters;

  if (source == NULL)
    return NULL;
  g_autoptr (Imported) imported = import_read (source, &options, &error);
  g_assert_no_error (error);
  g_close (g_file_open_tmp ("fbnet-XXXXXX.safetensors", &path, NULL), NULL);
  g_assert_true (import_write (imported, path, &n_parameters, &error));
  g_assert_no_error (error);
  FbnetModel *model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  g_unlink (path);
  return model;
}

/* A frame that the resize leaves as it is: what PyTorch's network was given. */
typedef struct {
  Npy *resized; /* [h][w][3], BGR */
  FbnetImage image;
} Frame;

static Frame
load_frame (const char *picture)
{
  Frame frame = { load_array (picture, "resized") };
  const gsize *shape = frame.resized->shape;

  g_assert_cmpuint (shape[2], ==, 3);
  frame.image = (FbnetImage){ .format = FBNET_PIXEL_BGR,
    .width = (guint) shape[1],
    .height = (guint) shape[0],
    .planes = { frame.resized->data },
    .strides = { (gssize) (3 * shape[1]) } };
  return frame;
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

static const char *
text_of (const cJSON *object, const char *key)
{
  return cJSON_GetStringValue (cJSON_GetObjectItem (object, key));
}

/* The engine's name of what an operator gives. A sum has none in the graph: it follows its block's
 * last convolution. */
static char *
activation_name (const cJSON *op, const char *last_conv)
{
  static const char *const root = "model.";
  const char *name = text_of (op, "name");

  if (name != NULL)
    return g_strdup (name + strlen (root));
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
  DetectorTaps taps;

  detector_get_taps (detector, &taps);
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
check_operators (const FbnetDetector *detector, GHashTable *found, const cJSON *expected)
{
  cJSON *graph = load_json ("fixtures/int8_coco/graph.json");
  const cJSON *op, *last_conv = NULL;
  g_autofree char *last_name = NULL;
  guint n = 0;

  cJSON_ArrayForEach (op, cJSON_GetObjectItem (graph, "ops"))
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
  cJSON_Delete (graph);
  return n;
}

/* --- Proposals and detections ----------------------------------------------------------------- */

static void
check_floats (const char *picture, const char *name, const float *found, gsize n)
{
  g_autoptr (Npy) expected = load_array (picture, name);

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
check_results (const char *picture, const FbnetDetector *detector)
{
  DetectorTaps taps;

  detector_get_taps (detector, &taps);
  check_floats (picture, "proposals", &taps.proposals->x0, 4 * taps.n_proposals);
  check_floats (picture, "proposal_logits", taps.proposal_logits, taps.n_proposals);
  g_autofree float *boxes = g_new (float, 4 * taps.n_detections);
  g_autofree float *scores = g_new (float, taps.n_detections);
  g_autoptr (Npy) classes = load_array (picture, "classes");
  g_assert_cmpuint (classes->shape[0], ==, taps.n_detections);
  for (gsize i = 0; i < taps.n_detections; i++) {
    memcpy (boxes + 4 * i, &taps.detections[i].box, sizeof (Box));
    scores[i] = taps.detections[i].score;
    g_assert_cmpuint (taps.detections[i].class_id, ==, ((const guint32 *) classes->data)[i]);
  }
  check_floats (picture, "boxes", boxes, 4 * taps.n_detections);
  check_floats (picture, "scores", scores, taps.n_detections);
}

/* --- The pictures ----------------------------------------------------------------------------- */

/* Layer by layer, with every operator checked. */
static GByteArray *
check_layers (FbnetModel *model, const char *kernels, const char *picture, const FbnetImage *image)
{
  g_autofree char *path = g_strdup_printf ("fixtures/int8_coco/%s/result.json", picture);
  cJSON *result = load_json (path);
  const cJSON *expected = cJSON_GetObjectItem (result, "op_output_checks");
  g_autoptr (GHashTable) sums = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  g_autoptr (FbnetDetector) detector = open_detector (model, kernels, 1, FBNET_INT8_BIAS_EXACT);

  detector_observe (detector, keep_checksum, sums);
  run_frame (detector, image, found);
  g_assert_cmpuint (check_operators (detector, sums, expected), ==,
      (guint) cJSON_GetArraySize (expected));
  check_results (picture, detector);
  cJSON_Delete (result);
  return parity_bytes (detector, found);
}

/* Fused: the same bits as layer by layer, for any number of threads, on the second frame too. */
static void
check_fused (FbnetModel *model, const char *kernels, const FbnetImage *image,
    const GByteArray *expected)
{
  for (guint n_threads = 1; n_threads <= 3; n_threads++) {
    g_autoptr (FbnetDetections) found = fbnet_detections_new ();
    g_autoptr (FbnetDetector) detector =
        open_detector (model, kernels, n_threads, FBNET_INT8_BIAS_EXACT);
    for (guint frame = 0; frame < 2; frame++) {
      run_frame (detector, image, found);
      g_autoptr (GByteArray) bytes = parity_bytes (detector, found);
      g_assert_cmpmem (bytes->data, bytes->len, expected->data, expected->len);
    }
  }
}

/* In exact mode all 86 quantised operators, proposals, boxes and scores have the recorded bits, with
 * every kernel set, fused or not, for one to three threads. */
static void
test_exact (gconstpointer data)
{
  const char *picture = data;
  g_autoptr (FbnetModel) model = import_export ("d2go-coco-int8.pt");
  if (model == NULL)
    return;
  Frame frame = load_frame (picture);

  for (const Kernels *const *kernels = kernels_list (); *kernels != NULL; kernels++) {
    g_autoptr (GByteArray) bytes = check_layers (model, (*kernels)->name, picture, &frame.image);
    check_fused (model, (*kernels)->name, &frame.image, bytes);
  }
  npy_free (frame.resized);
}

int
main (int argc, char *argv[])
{
  static const char *const pictures[] = { "horse", "dogbike", "dog", "sheep" };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (pictures); i++) {
    g_autofree char *path = g_strconcat ("/int8/exact/", pictures[i], NULL);
    g_test_add_data_func (path, pictures[i], test_exact);
  }
  return g_test_run ();
}
