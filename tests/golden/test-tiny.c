/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The project's own golden set: two tiny detectors and what every stage of them must give for a drawn
 * picture, computed without the engine (tests/data/make-tiny.py). Needs nothing but the source tree.
 */
#include "drawing.h"
#include "fbnet/fbnet.h"
#include "kernels/kernels.h"
#include "parity.h"
#include "tensors.h"

/* The expected networks were computed in float64. */
static const ParityLimits limits = { 1e-4, 1e-3, 2e-3, 1e-4, 1e-3, FALSE };

/* The pictures that make-tiny.py drew. */
static const struct {
  const char *name;
  guint width, height, seed;
  guint n_classes;
  gboolean masks;
} models[] = {
  { "tiny-bn", 121, 88, 7, 3, TRUE },
  { "tiny-gn", 90, 131, 7, 2, FALSE },
};

static char *
data_path (const char *name, const char *suffix)
{
  return g_strdup_printf ("%s/%s%s", g_getenv ("FBNET_TEST_DATA"), name, suffix);
}

static Npy *
expected_array (gconstpointer source, const char *name)
{
  static const char *const
      dtypes[] = { [FBNET_DTYPE_F32] = "<f4", [FBNET_DTYPE_I32] = "<i4", [FBNET_DTYPE_U8] = "|u1" };
  const FbnetTensorView *view = tensor_list_find (source, name);

  if (view == NULL)
    return NULL;
  Npy *array = g_new0 (Npy, 1);
  array->n_dims = view->n_dims;
  for (guint d = 0; d < view->n_dims; d++)
    array->shape[d] = view->shape[d];
  g_strlcpy (array->dtype, dtypes[view->dtype], sizeof array->dtype);
  array->n_bytes = view->n_bytes;
  array->data = g_memdup2 (view->data, view->n_bytes);
  return array;
}

static GByteArray *
run_frame (FbnetModel *model, const Picture *picture, const TensorList *expected,
    const char *kernels, guint n_threads, ParityTable *table)
{
  const FbnetDetectorOptions options = { n_threads, kernels };
  const FbnetImage image = picture_image (picture);
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (GError) error = NULL;

  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);
  g_assert_no_error (error);
  fbnet_detector_run (detector, &image, detections, &error);
  g_assert_no_error (error);
  parity_check (detector, &image, detections, expected_array, expected, &limits, table);
  return parity_bytes (detector, detections);
}

/* Every stage is right with every kernel set, and the same to the bit for one to four threads. */
static void
check_kernels (FbnetModel *model, const Picture *picture, const TensorList *expected,
    const char *kernels)
{
  g_autoptr (ParityTable) table = parity_table_new ();
  g_autoptr (GByteArray) alone = run_frame (model, picture, expected, kernels, 1, table);

  for (guint n_threads = 2; n_threads <= 4; n_threads++) {
    g_autoptr (GByteArray) shared = run_frame (model, picture, expected, kernels, n_threads, table);
    g_assert_cmpmem (shared->data, shared->len, alone->data, alone->len);
  }
  g_autofree char *title = g_strdup_printf ("%s | %s", fbnet_model_get_name (model), kernels);
  parity_table_print (table, title);
}

static void
test_model (gconstpointer data)
{
  const guint index = GPOINTER_TO_UINT (data);
  g_autofree char *model_path = data_path (models[index].name, ".safetensors");
  g_autofree char *expected_path = data_path (models[index].name, "-expected.safetensors");
  g_autoptr (GError) error = NULL;

  g_autoptr (FbnetModel) model = fbnet_model_load (model_path, &error);
  g_assert_no_error (error);
  g_autoptr (TensorList) expected = tensor_list_load (expected_path, &error);
  g_assert_no_error (error);
  g_autoptr (Picture) picture =
      picture_draw (models[index].width, models[index].height, models[index].seed);
  g_assert_cmpstr (fbnet_model_get_name (model), ==, models[index].name);
  g_assert_cmpuint (fbnet_model_get_n_classes (model), ==, models[index].n_classes);
  g_assert_cmpint (fbnet_model_has_masks (model), ==, models[index].masks);
  for (const Kernels *const *kernels = kernels_list (); *kernels != NULL; kernels++)
    check_kernels (model, picture, expected, (*kernels)->name);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (models); i++) {
    g_autofree char *path = g_strconcat ("/golden/", models[i].name, NULL);
    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_model);
  }
  return g_test_run ();
}
