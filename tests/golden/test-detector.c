/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The whole detector against D2Go's own numbers, stage by stage: every configuration of the zoo, the
 * GroupNorm one, and the weights trained on COCO, with every kernel set and number of threads.
 */
#include "fixture.h"
#include "kernels/kernels.h"
#include "parity.h"

/* Random weights amplify rounding: the float32 that D2Go itself computes is up to 0.03 pixels from
 * its float64 (config.json, `robustness`), and every stage behind the proposals inherits that. What
 * those stages add of their own is what test-heads.c measures. */
static const ParityLimits random_weights = { 1e-3, 2e-2, 0.1, 3e-4, 1e-3, FALSE };
static const ParityLimits random_weights_capped = { 1e-3, 2e-2, 0.1, 3e-4, 1e-3, TRUE };
static const ParityLimits coco_weights = { 1e-3, 1e-3, 2e-3, 1e-4, 1e-3, FALSE };

static const struct {
  const char *name;
  const ParityLimits *limits;
} cases[] = {
  { "faster_rcnn_fbnetv3a_C4", &random_weights },
  { "faster_rcnn_fbnetv3a_dsmask_C4", &random_weights_capped },
  { "mask_rcnn_fbnetv3a_C4", &random_weights },
  { "mask_rcnn_fbnetv3a_dsmask_C4", &random_weights },
  { "keypoint_rcnn_fbnetv3a_dsmask_C4", &random_weights },
  { "extra_gn_faster_dsmask_C4", &random_weights },
  { "faster_rcnn_fbnetv3g_fpn", &random_weights },
  { "mask_rcnn_fbnetv3g_fpn", &random_weights },
  { "faster_rcnn_fbnetv3a_dsmask_C4_coco/horse", &coco_weights },
  { "faster_rcnn_fbnetv3a_dsmask_C4_coco/dogbike", &coco_weights },
  { "faster_rcnn_fbnetv3a_dsmask_C4_coco/dog", &coco_weights },
};

static Npy *
expected_array (gconstpointer source, const char *name)
{
  return fixture_array (source, name);
}

typedef struct {
  const Fixture *fixture;
  FbnetModel *model;
  FbnetImage image;
  const ParityLimits *limits;
  ParityTable *table;
} Setting;

/* One frame; its bytes. With `check` every stage is compared too. */
static GByteArray *
run_frame (const Setting *setting, const char *kernels, guint n_threads, gboolean check)
{
  const FbnetDetectorOptions options = { n_threads, kernels };
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (GError) error = NULL;

  g_autoptr (FbnetDetector) detector = fbnet_detector_new (setting->model, &options, &error);
  g_assert_no_error (error);
  fbnet_detector_run (detector, &setting->image, detections, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (fbnet_detector_get_kernels (detector), ==, kernels);
  g_assert_cmpuint (fbnet_detector_get_n_threads (detector), ==, n_threads);
  if (check)
    parity_check (detector, &setting->image, detections, expected_array, setting->fixture,
        setting->limits, setting->table);
  return parity_bytes (detector, detections);
}

/* Every stage near D2Go's numbers, and the same bits for one, two and three threads. */
static void
check_kernels (const Setting *setting, const char *kernels)
{
  g_autoptr (GByteArray) alone = run_frame (setting, kernels, 1, TRUE);

  for (guint n_threads = 2; n_threads <= 3; n_threads++) {
    g_autoptr (GByteArray) shared = run_frame (setting, kernels, n_threads, FALSE);
    g_assert_cmpmem (shared->data, shared->len, alone->data, alone->len);
  }
}

static void
test_fixture (gconstpointer data)
{
  const guint index = GPOINTER_TO_UINT (data);
  g_autoptr (Fixture) fixture = fixture_open (cases[index].name);
  if (fixture == NULL)
    return;
  g_autoptr (FbnetModel) model = fixture_model (fixture);
  g_autoptr (Picture) picture = fixture_picture (fixture);

  g_assert_cmpuint (fbnet_model_get_n_parameters (model), ==,
      (guint64) cJSON_GetNumberValue (fixture_config (fixture, "n_params")));
  for (const Kernels *const *kernels = kernels_list (); *kernels != NULL; kernels++) {
    g_autoptr (ParityTable) table = parity_table_new ();
    const Setting setting = { fixture, model, picture_image (picture), cases[index].limits, table };
    g_test_message ("%s", (*kernels)->name);
    check_kernels (&setting, (*kernels)->name);
    g_autofree char *title = g_strdup_printf ("%s | %s", cases[index].name, (*kernels)->name);
    parity_table_print (table, title);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strconcat ("/detector/", cases[i].name, NULL);
    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_fixture);
  }
  return g_test_run ();
}
