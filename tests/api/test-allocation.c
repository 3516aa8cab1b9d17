/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Once warm, a frame allocates nothing, of any library; asked for more than there is, it says so.
 */
#include <fbnet/fbnet.h>

#include "drawing.h"
#include "shortage.h"

static gint
allocations_of_frame (FbnetDetector *detector, const Picture *picture, FbnetDetections *detections)
{
  const FbnetImage image = picture_image (picture);
  const gint before = shortage_n_allocations ();

  const gboolean good = fbnet_detector_run (detector, &image, detections, NULL);
  const gint after = shortage_n_allocations ();
  g_assert_true (good);
  return after - before;
}

static void
check (const char *name, const char *kernels, guint n_threads, FbnetNormStatistics statistics)
{
  const FbnetDetectorOptions options = { n_threads, kernels };
  g_autofree char *path = g_strdup_printf ("%s/%s.safetensors", g_getenv ("FBNET_TEST_DATA"), name);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);
  g_assert_no_error (error);
  FbnetParams params;
  fbnet_model_get_params (model, &params);
  params.norm_statistics = statistics;
  fbnet_detector_set_params (detector, &params, &error);
  g_assert_no_error (error);
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);
  g_autoptr (Picture) same_size = picture_draw (121, 88, 7);

  g_assert_cmpint (allocations_of_frame (detector, picture, detections), >, 0);
  g_assert_cmpuint (detections->n, >, 0);
  for (guint frame = 0; frame < 3; frame++)
    g_assert_cmpint (allocations_of_frame (detector, same_size, detections), ==, 0);
}

/* The first frame of a size allocates, which shows that counting works; the next ones do not: with and
 * without masks, batch and group norm, alone and with threads, following the stream. */
static void
test_warm (void)
{
  check ("tiny-bn", NULL, 1, FBNET_NORM_STATISTICS_STORED);
  check ("tiny-bn", NULL, 3, FBNET_NORM_STATISTICS_STORED);
  check ("tiny-bn", "c", 2, FBNET_NORM_STATISTICS_STORED);
  check ("tiny-gn", NULL, 1, FBNET_NORM_STATISTICS_STORED);
  check ("tiny-gn", "c", 3, FBNET_NORM_STATISTICS_STORED);
  check ("tiny-bn", NULL, 1, FBNET_NORM_STATISTICS_STREAM);
  check ("tiny-bn", "c", 3, FBNET_NORM_STATISTICS_STREAM);
}

/* The largest counts and resolutions ask for tens of gigabytes: a sentence, no detections, and the detector
 * works on with smaller ones. */
static void
test_too_much (void)
{
  const FbnetDetectorOptions options = { .n_threads = 1, .multiply_add_limit = 1000000 };
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);
  g_assert_no_error (error);
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);
  const FbnetImage image = picture_image (picture);
  FbnetParams params, original;

  fbnet_model_get_params (model, &original);
  params = original;
  params.post_nms_count = params.max_detections = 100000;
  params.box_pooler_resolution = params.mask_pooler_resolution = 56;
  fbnet_detector_set_params (detector, &params, &error);
  g_assert_no_error (error);
  /* A system that promises more memory than it has may let it pass. */
  if (!fbnet_detector_run (detector, &image, detections, &error)) {
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY);
    g_assert_cmpuint (detections->n, ==, 0);
    g_test_message ("%s", error->message);
    g_clear_error (&error);
  }
  fbnet_detector_set_params (detector, &original, &error);
  g_assert_no_error (error);
  fbnet_detector_run (detector, &image, detections, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (detections->n, >, 0);
}

/* A crowd that walks by: after the first looks the tracker allocates nothing, in looks and between them. */
static void
test_tracker (void)
{
  g_autoptr (FbnetTracker) tracker = fbnet_tracker_new (NULL, NULL);
  gint warm = 0;

  for (guint look = 0; look < 200; look++) {
    FbnetDetection found[40] = { 0 };
    for (guint i = 0; i < 40; i++) {
      const float x = (float) ((37 * i + 3 * look) % 600), y = (float) (31 * i % 300);
      found[i] = (FbnetDetection){ .x0 = x,
        .y0 = y,
        .x1 = x + 40,
        .y1 = y + 90,
        .score = i % 5 == look % 5 ? 0.3f : 0.9f };
    }
    const gint before = shortage_n_allocations ();
    fbnet_tracker_update (tracker, found, 40, look / 30.0, NULL);
    fbnet_tracker_predict (tracker, (look + 0.5) / 30.0);
    const gint n = shortage_n_allocations () - before;
    if (look == 0)
      g_assert_cmpint (n, >, 0);
    if (look >= 100)
      warm += n;
  }
  g_assert_cmpint (warm, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/allocation/warm", test_warm);
  g_test_add_func ("/allocation/too-much", test_too_much);
  g_test_add_func ("/allocation/tracker", test_tracker);
  return g_test_run ();
}
