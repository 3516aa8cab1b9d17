/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detectors as applications use them: one for a whole stream, several over one model, in threads,
 * with frames of any size.
 */
#include <stdatomic.h>
#include <string.h>

#include "base/workers.h"
#include "detect/detector.h"
#include "drawing.h"
#include "kernels/kernels.h"

static FbnetModel *
load (void)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  g_autoptr (GError) error = NULL;

  FbnetModel *model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  return model;
}

static FbnetDetector *
new_detector (FbnetModel *model, guint n_threads)
{
  const FbnetDetectorOptions options = { .n_threads = n_threads };
  g_autoptr (GError) error = NULL;

  FbnetDetector *detector = fbnet_detector_new (model, &options, &error);
  g_assert_no_error (error);
  return detector;
}

/* The detections as text: equal texts are equal to the bit. */
static char *
run (FbnetDetector *detector, const Picture *picture, FbnetDetections *detections)
{
  const FbnetImage image = picture_image (picture);
  g_autoptr (GError) error = NULL;
  GString *text = g_string_new (NULL);

  fbnet_detector_run (detector, &image, detections, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < detections->n; i++) {
    const FbnetDetection *item = &detections->items[i];
    g_autofree char *mask = g_compute_checksum_for_data (G_CHECKSUM_SHA1, item->mask.data,
        (gsize) item->mask.width * (gsize) item->mask.height);
    g_string_append_printf (text, "%u %a %a %a %a %a %s\n", item->class_id, item->score, item->x0,
        item->y0, item->x1, item->y1, mask);
  }
  return g_string_free (text, FALSE);
}

static char *
run_fresh (FbnetModel *model, const Picture *picture)
{
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (FbnetDetector) detector = new_detector (model, 1);

  return run (detector, picture, detections);
}

/* A detector that has seen frames of other sizes gives what a new one gives: nothing of an earlier
 * frame is left. Sizes from one pixel to larger than the network's, and extreme shapes. */
static void
test_reuse (void)
{
  static const guint sizes[][2] = { { 121, 88 }, { 64, 64 }, { 1, 1 }, { 640, 5 }, { 3, 900 },
    { 33, 47 }, { 500, 400 }, { 2, 1 }, { 121, 88 } };
  g_autoptr (FbnetModel) model = load ();
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (FbnetDetector) detector = new_detector (model, 2);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (Picture) picture = picture_draw (sizes[i][0], sizes[i][1], i);
    g_autofree char *fresh = run_fresh (model, picture);
    g_autofree char *reused = run (detector, picture, detections);
    g_assert_cmpstr (reused, ==, fresh);
    g_autofree char *again = run (detector, picture, detections);
    g_assert_cmpstr (again, ==, fresh);
  }
}

/* With pooler resolutions, sizes and counts changed between frames the result is that of a detector
 * that never knew others; one proposal alone goes through heads made ready for many. */
static void
test_changing_params (void)
{
  static const struct {
    guint post_nms_count, box_resolution, mask_resolution, min_size;
  } changes[] = { { 70, 6, 8, 48 }, { 65, 14, 14, 64 }, { 1, 1, 1, 1 }, { 200, 56, 28, 40 },
    { 10, 6, 8, 48 } };
  g_autoptr (FbnetModel) model = load ();
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (FbnetDetector) detector = new_detector (model, 1);
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
    g_autoptr (FbnetDetector) fresh = new_detector (model, 3);
    g_autoptr (GError) error = NULL;
    FbnetParams params;
    fbnet_model_get_params (model, &params);
    params.post_nms_count = changes[i].post_nms_count;
    params.rpn_iou_threshold = 1;
    params.pre_nms_count = 1000;
    params.box_pooler_resolution = changes[i].box_resolution;
    params.mask_pooler_resolution = changes[i].mask_resolution;
    params.min_size = changes[i].min_size;
    params.score_threshold = 0;
    fbnet_detector_set_params (detector, &params, &error);
    g_assert_no_error (error);
    fbnet_detector_set_params (fresh, &params, &error);
    g_assert_no_error (error);
    g_autofree char *reused = run (detector, picture, detections);
    g_autoptr (FbnetDetections) others = fbnet_detections_new ();
    g_autofree char *expected = run (fresh, picture, others);
    g_assert_cmpstr (reused, ==, expected);
  }
}

typedef struct {
  FbnetModel *model;
  const Picture *picture;
  const char *expected;
} Stream;

static gpointer
run_stream (gpointer data)
{
  const Stream *stream = data;
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (FbnetDetector) detector = new_detector (stream->model, 2);

  for (guint frame = 0; frame < 5; frame++) {
    g_autofree char *found = run (detector, stream->picture, detections);
    g_assert_cmpstr (found, ==, stream->expected);
  }
  return NULL;
}

/* Four streams in threads of their own share a model, which outlives its owner's reference, and each
 * gets what it would get alone. */
static void
test_shared_model (void)
{
  FbnetModel *model = load ();
  Picture *pictures[4];
  char *expected[4];
  GThread *threads[4];
  Stream streams[4];

  for (guint i = 0; i < G_N_ELEMENTS (streams); i++) {
    pictures[i] = picture_draw (100 + 10 * i, 90, i);
    expected[i] = run_fresh (model, pictures[i]);
    streams[i] = (Stream){ model, pictures[i], expected[i] };
  }
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    threads[i] = g_thread_new ("stream", run_stream, &streams[i]);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++) {
    g_thread_join (threads[i]);
    picture_free (pictures[i]);
    g_free (expected[i]);
  }
  g_autoptr (FbnetDetector) last = new_detector (model, 1);
  fbnet_model_unref (model);
  g_autoptr (Picture) picture = picture_draw (64, 64, 1);
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autofree char *text = run (last, picture, detections);
  g_assert_nonnull (text);
}

/* A frame beyond 32767 pixels a side, or without pixels, is refused with a sentence and leaves no
 * detections; the detector works on. */
static void
test_refused_frames (void)
{
  static const guint sizes[][2] = { { 32768, 1 }, { 1, 32768 }, { 0, 5 }, { 5, 0 },
    { G_MAXUINT, G_MAXUINT } };
  g_autoptr (FbnetModel) model = load ();
  g_autoptr (FbnetDetector) detector = new_detector (model, 1);
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);
  g_autofree char *before = run (detector, picture, detections);

  g_assert_cmpuint (detections->n, >, 0);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GError) error = NULL;
    FbnetImage image = picture_image (picture);
    image.width = sizes[i][0];
    image.height = sizes[i][1];
    g_assert_false (fbnet_detector_run (detector, &image, detections, &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
    g_assert_cmpuint (detections->n, ==, 0);
  }
  g_autofree char *after = run (detector, picture, detections);
  g_assert_cmpstr (after, ==, before);
}

/* A kernel set that does not exist is refused by name; one that does is what is used. */
static void
test_options (void)
{
  const FbnetDetectorOptions unknown = { 1, "abacus" }, plain = { 2, "c" };
  g_autoptr (FbnetModel) model = load ();
  g_autoptr (GError) error = NULL;

  g_assert_null (fbnet_detector_new (model, &unknown, &error));
  g_assert_nonnull (error);
  g_assert_true (g_str_has_prefix (error->message, "kernels: expected "));
  g_assert_nonnull (strstr (error->message, "abacus"));
  g_clear_error (&error);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &plain, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (fbnet_detector_get_kernels (detector), ==, "c");
  g_assert_cmpuint (fbnet_detector_get_n_threads (detector), ==, 2);
}

/* The row "c" runs bfloat16, and finds what float32 finds but for rounding; a kernel set that has no products
 * for it says so. */
static void
test_bfloat16 (void)
{
  const FbnetDetectorOptions plain = { 2, "c", FBNET_PRECISION_BFLOAT16 };
  const FbnetDetectorOptions blas = { 2, "openblas", FBNET_PRECISION_BFLOAT16 };
  g_autoptr (FbnetModel) model = load ();
  g_autoptr (FbnetDetections) exact = fbnet_detections_new (), rounded = fbnet_detections_new ();
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);
  g_autoptr (GError) error = NULL;

  g_autoptr (FbnetDetector) floats = new_detector (model, 1);
  g_autoptr (FbnetDetector) bfloats = fbnet_detector_new (model, &plain, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fbnet_detector_get_precision (bfloats), ==, FBNET_PRECISION_BFLOAT16);
  g_assert_cmpint (fbnet_detector_get_precision (floats), ==, FBNET_PRECISION_FLOAT32);
  g_autofree char *one = run (floats, picture, exact), *other = run (bfloats, picture, rounded);
  g_assert_cmpstr (one, !=, other);
  g_assert_cmpuint (exact->n, >, 0);
  g_assert_cmpfloat_with_epsilon (rounded->items[0].score, exact->items[0].score, 0.02);

  if (kernels_find ("openblas", NULL) == NULL)
    return;
  g_assert_null (fbnet_detector_new (model, &blas, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_true (g_str_has_prefix (error->message, "precision: expected float32, as the kernels "));
}

/* Each stage has a name of its own. */
static void
test_stages (void)
{
  for (guint i = 0; i < FBNET_N_STAGES; i++) {
    g_assert_cmpuint (strlen (fbnet_stage_get_name (i)), >, 0);
    for (guint j = 0; j < i; j++)
      g_assert_cmpstr (fbnet_stage_get_name (i), !=, fbnet_stage_get_name (j));
  }
  g_assert_cmpstr (fbnet_stage_get_name (FBNET_STAGE_BOX_POOLER), ==, "box-pooler");
}

/* The stages' times of a frame are there, are not negative, and together make the whole. */
static void
test_timings (void)
{
  g_autoptr (FbnetModel) model = load ();
  g_autoptr (FbnetDetector) detector = new_detector (model, 1);
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);
  FbnetTimings t;

  for (guint frame = 0; frame < 2; frame++) {
    g_autofree char *text = run (detector, picture, detections);
    fbnet_detector_get_timings (detector, &t);
    double sum = 0;
    for (guint i = 0; i < FBNET_N_STAGES; i++) {
      g_assert_cmpfloat (t.ms[i], >=, 0);
      sum += t.ms[i];
    }
    g_assert_cmpfloat (t.ms[FBNET_STAGE_TRUNK], >, 0);
    g_assert_cmpfloat (t.ms[FBNET_STAGE_MASK_HEAD], >, 0);
    g_assert_cmpfloat_with_epsilon (sum, t.total, 1e-6);
  }
}

/* Comes back when both items are being done. */
static void
meet (gpointer data, guint item, guint thread)
{
  atomic_uint *n_arrived = data;

  atomic_fetch_add (n_arrived, 1);
  while (atomic_load (n_arrived) < 2)
    g_usleep (100);
}

/* Detectors whose frames are done, or were refused, occupy no processor: with as many of them as there
 * are processors, another handle of the pool still gets help. */
static void
test_frames_end (void)
{
  g_autoptr (FbnetModel) model = load ();
  g_autoptr (GPtrArray) detectors =
      g_ptr_array_new_with_free_func ((GDestroyNotify) fbnet_detector_free);
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);
  FbnetImage wrong = picture_image (picture);

  wrong.width = 0;
  atomic_uint n_arrived = 0;
  Workers *workers = workers_new (2, NULL);

  do {
    FbnetDetector *detector = new_detector (model, 0);
    g_autofree char *text = run (detector, picture, detections);
    g_assert_false (fbnet_detector_run (detector, &wrong, detections, NULL));
    g_ptr_array_add (detectors, detector);
  } while (detectors->len < fbnet_detector_get_n_threads (detectors->pdata[0]));
  workers_run (workers, meet, &n_arrived, 2);
  workers_free (workers);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/use/reuse", test_reuse);
  g_test_add_func ("/use/changing-params", test_changing_params);
  g_test_add_func ("/use/shared-model", test_shared_model);
  g_test_add_func ("/use/refused-frames", test_refused_frames);
  g_test_add_func ("/use/options", test_options);
  g_test_add_func ("/use/bfloat16", test_bfloat16);
  g_test_add_func ("/use/stages", test_stages);
  g_test_add_func ("/use/timings", test_timings);
  g_test_add_func ("/use/frames-end", test_frames_end);
  return g_test_run ();
}
