/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The whole detector against D2Go's own numbers, stage by stage: every recording that there is, with every
 * kernel set and number of threads.
 */
#include "fixture.h"
#include "kernels/kernels.h"
#include "parity.h"

/* Random weights amplify rounding: the float32 that D2Go itself computes is up to 0.03 pixels from
 * its float64 (config.json, `robustness`), and every stage behind the proposals inherits that. What
 * those stages add of their own is what test-heads.c measures. */
static const ParityLimits random_weights = { 1e-3, 2e-2, 0.1, 3e-4, 1e-3, FALSE };
static const ParityLimits trained_weights = { 1e-3, 1e-3, 2e-3, 1e-4, 1e-3, FALSE };

/* A recipe makes random weights, a file has trained ones. As many detections as there may be: the last ones
 * may be near-ties with those that were left out. */
static ParityLimits
limits_of (const Fixture *fixture)
{
  ParityLimits limits =
      fixture_config (fixture, "weights") != NULL ? trained_weights : random_weights;
  const cJSON *most = fixture_config (fixture, "cfg.TEST.DETECTIONS_PER_IMAGE");
  g_autoptr (Npy) scores = fixture_array (fixture, "det_scores");

  limits.as_set = scores != NULL && cJSON_IsNumber (most)
      && scores->shape[0] >= (gsize) cJSON_GetNumberValue (most);
  return limits;
}

static Npy *
expected_array (gconstpointer source, const char *name)
{
  return fixture_array (source, name);
}

typedef struct {
  const Fixture *fixture;
  FbnetModel *model;
  FbnetImage image;
  ParityLimits limits;
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
        &setting->limits, setting->table);
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
test_fixture (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  g_autoptr (FbnetModel) model = fixture_model (fixture);
  g_autoptr (Picture) picture = fixture_picture (fixture);

  g_assert_cmpuint (fbnet_model_get_n_parameters (model), ==,
      (guint64) cJSON_GetNumberValue (fixture_config (fixture, "n_params")));
  for (const Kernels *const *kernels = kernels_list (); *kernels != NULL; kernels++) {
    g_autoptr (ParityTable) table = parity_table_new ();
    const Setting setting = { fixture, model, picture_image (picture), limits_of (fixture), table };
    g_test_message ("%s", (*kernels)->name);
    check_kernels (&setting, (*kernels)->name);
    g_autofree char *title = g_strdup_printf ("%s | %s", (const char *) name, (*kernels)->name);
    parity_table_print (table, title);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fixture_add_cases ("/detector", FIXTURE_DETECTOR, "", test_fixture);
  return g_test_run ();
}
