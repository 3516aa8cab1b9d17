/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A frame made ready apart from the detector that sees it: in another thread, region by region; and runs
 * that are cancelled.
 */
#include <string.h>

#include "detect/detector.h"
#include "drawing.h"

typedef struct {
  FbnetModel *model;
  FbnetDetector *detector;
  FbnetDetections *found;
  FbnetParams params;
} Setup;

static void
setup_new (Setup *s, guint n_threads)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  const FbnetDetectorOptions options = { .n_threads = n_threads };
  g_autoptr (GError) error = NULL;

  s->model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  s->detector = fbnet_detector_new (s->model, &options, &error);
  g_assert_no_error (error);
  s->found = fbnet_detections_new ();
  fbnet_model_get_params (s->model, &s->params);
}

static void
setup_clear (Setup *s)
{
  fbnet_detections_free (s->found);
  fbnet_detector_free (s->detector);
  fbnet_model_unref (s->model);
}

/* The detections as text, moved by (x, y): equal texts are equal to the bit. */
static char *
describe (const FbnetDetections *found, gint x, gint y)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < found->n; i++) {
    const FbnetDetection *item = &found->items[i];
    g_autofree char *mask = g_compute_checksum_for_data (G_CHECKSUM_SHA1, item->mask.data,
        (gsize) item->mask.width * (gsize) item->mask.height);
    g_string_append_printf (text, "%u %a %a %a %a %a %d %d %s\n", item->class_id, item->score,
        item->x0 + x, item->y0 + y, item->x1 + x, item->y1 + y, item->mask.x + x, item->mask.y + y,
        mask);
  }
  return g_string_free (text, FALSE);
}

static char *
run_image (Setup *s, const FbnetImage *image, gint x, gint y)
{
  g_autoptr (GError) error = NULL;

  fbnet_detector_run (s->detector, image, s->found, &error);
  g_assert_no_error (error);
  return describe (s->found, x, y);
}

static char *
run_input (Setup *s, const FbnetInput *input)
{
  g_autoptr (GError) error = NULL;

  fbnet_detector_run_input (s->detector, input, s->found, &error);
  g_assert_no_error (error);
  return describe (s->found, 0, 0);
}

static FbnetInput *
input_for (FbnetModel *model, guint n_threads)
{
  const FbnetDetectorOptions options = { .n_threads = n_threads };
  g_autoptr (GError) error = NULL;
  FbnetInput *input = fbnet_input_new (model, &options, &error);

  g_assert_no_error (error);
  return input;
}

typedef struct {
  FbnetInput *input;
  const FbnetImage *image;
  const FbnetParams *params;
} Filling;

static gpointer
fill (gpointer data)
{
  const Filling *filling = data;

  g_assert_true (fbnet_input_fill (filling->input, filling->image, NULL, filling->params, NULL));
  return NULL;
}

/* An input made in another thread gives what the frame gives, as often as it is run. */
static void
test_whole_frame (void)
{
  g_autoptr (Picture) picture = picture_draw (121, 88, 3);
  const FbnetImage image = picture_image (picture);
  Setup s;

  setup_new (&s, 2);
  g_autofree char *expected = run_image (&s, &image, 0, 0);
  g_assert_cmpuint (s.found->n, >, 0);
  g_autoptr (FbnetInput) input = input_for (s.model, 3);
  Filling filling = { input, &image, &s.params };
  g_thread_join (g_thread_new ("fill", fill, &filling));
  for (guint i = 0; i < 2; i++) {
    g_autofree char *found = run_input (&s, input);
    g_assert_cmpstr (found, ==, expected);
  }
  setup_clear (&s);
}

/* A region gives what a picture of that region alone gives, in pixels of the frame, one region after the
 * other with one input. */
static void
test_regions (void)
{
  static const FbnetRegion regions[] = { { 0, 0, 121, 88 }, { 30, 11, 60, 70 }, { 61, 0, 60, 44 },
    { 120, 87, 1, 1 }, { 7, 40, 100, 3 } };
  g_autoptr (Picture) picture = picture_draw (121, 88, 5);
  const FbnetImage image = picture_image (picture);
  guint n = 0;
  Setup s;

  setup_new (&s, 1);
  g_autoptr (FbnetInput) input = input_for (s.model, 1);
  for (guint i = 0; i < G_N_ELEMENTS (regions); i++) {
    const FbnetRegion *region = &regions[i];
    FbnetImage part = image;
    FbnetRegion seen;
    part.planes[0] += region->y * image.strides[0] + 3 * (gssize) region->x;
    part.width = region->width;
    part.height = region->height;
    g_assert_true (fbnet_input_fill (input, &image, region, &s.params, NULL));
    fbnet_input_get_region (input, &seen);
    g_assert_cmpmem (&seen, sizeof seen, region, sizeof *region);
    g_autofree char *found = run_input (&s, input);
    n += s.found->n;
    g_autofree char *expected = run_image (&s, &part, (gint) region->x, (gint) region->y);
    g_assert_cmpstr (found, ==, expected);
  }
  g_assert_cmpuint (n, >, 10);
  setup_clear (&s);
}

/* Where pixels share chroma a region begins with whole groups of them, and ends where it was told to. */
static void
test_shared_chroma (void)
{
  static const struct {
    FbnetPixelFormat format;
    guint x, y;
  } formats[] = { { FBNET_PIXEL_I420, 4, 6 }, { FBNET_PIXEL_NV12, 4, 6 },
    { FBNET_PIXEL_YUY2, 4, 7 }, { FBNET_PIXEL_GRAY8, 5, 7 }, { FBNET_PIXEL_BGRX, 5, 7 } };
  g_autofree guint8 *pixels = g_malloc0 (64 * 64 * 4);
  const FbnetRegion region = { 5, 7, 20, 21 };
  Setup s;

  setup_new (&s, 1);
  g_autoptr (FbnetInput) input = input_for (s.model, 1);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    const FbnetImage image = { .format = formats[i].format,
      .width = 64,
      .height = 64,
      .planes = { pixels, pixels, pixels },
      .strides = { 256, 128, 128 } };
    FbnetRegion seen;
    g_assert_true (fbnet_input_fill (input, &image, &region, &s.params, NULL));
    fbnet_input_get_region (input, &seen);
    g_assert_cmpuint (seen.x, ==, formats[i].x);
    g_assert_cmpuint (seen.y, ==, formats[i].y);
    g_assert_cmpuint (seen.x + seen.width, ==, region.x + region.width);
    g_assert_cmpuint (seen.y + seen.height, ==, region.y + region.height);
  }
  setup_clear (&s);
}

/* What cannot be filled or run is told with what was expected; then the input is empty. */
static void
test_errors (void)
{
  static const FbnetRegion outside[] = { { 0, 0, 0, 5 }, { 121, 0, 1, 1 }, { 100, 0, 22, 5 },
    { 0, 80, 5, 9 }, { G_MAXUINT, 0, 2, 2 } };
  g_autoptr (Picture) picture = picture_draw (121, 88, 5);
  const FbnetImage image = picture_image (picture);
  Setup s, other;

  setup_new (&s, 1);
  setup_new (&other, 1);
  g_autoptr (FbnetInput) input = input_for (s.model, 1);
  for (guint i = 0; i < G_N_ELEMENTS (outside); i++) {
    g_autoptr (GError) error = NULL, empty = NULL;
    g_assert_true (fbnet_input_fill (input, &image, NULL, &s.params, NULL));
    g_assert_false (fbnet_input_fill (input, &image, &outside[i], &s.params, &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
    g_assert_true (g_str_has_prefix (error->message, "region: expected"));
    g_assert_false (fbnet_detector_run_input (s.detector, input, s.found, &empty));
    g_assert_error (empty, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  }
  g_autoptr (GError) foreign = NULL;
  g_assert_true (fbnet_input_fill (input, &image, NULL, &s.params, NULL));
  g_assert_false (fbnet_detector_run_input (other.detector, input, s.found, &foreign));
  g_assert_error (foreign, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  setup_clear (&other);
  setup_clear (&s);
}

/* --- Cancelling ------------------------------------------------------------------------------- */

/* Cancelled while nothing runs: the next run fails, once, and leaves nothing behind. */
static void
test_cancel_before (void)
{
  g_autoptr (Picture) picture = picture_draw (121, 88, 3);
  const FbnetImage image = picture_image (picture);
  g_autoptr (GError) error = NULL;
  Setup s;

  setup_new (&s, 2);
  g_autofree char *expected = run_image (&s, &image, 0, 0);
  fbnet_detector_cancel (s.detector);
  fbnet_detector_cancel (s.detector);
  g_assert_false (fbnet_detector_run (s.detector, &image, s.found, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_CANCELLED);
  g_assert_cmpuint (s.found->n, ==, 0);
  g_autofree char *found = run_image (&s, &image, 0, 0);
  g_assert_cmpstr (found, ==, expected);
  setup_clear (&s);
}

typedef struct {
  FbnetDetector *detector;
  guint n, end; /* layers that were seen, that are to be */
} Countdown;

static void
cancel_at_end (const char *name, const Tensor *output, gpointer data)
{
  Countdown *countdown = data;

  if (++countdown->n == countdown->end)
    fbnet_detector_cancel (countdown->detector);
}

/* Cancelled in the middle, at any layer: no other layer is run. */
static void
test_cancel_within (void)
{
  g_autoptr (Picture) picture = picture_draw (121, 88, 3);
  const FbnetImage image = picture_image (picture);
  Countdown all = { NULL, 0, 0 };
  Setup s;

  setup_new (&s, 1);
  detector_observe (s.detector, cancel_at_end, &all);
  g_free (run_image (&s, &image, 0, 0));
  g_assert_cmpuint (all.n, >, 20);
  for (guint end = 1; end <= all.n; end++) {
    Countdown countdown = { s.detector, 0, end };
    g_autoptr (GError) error = NULL;
    detector_observe (s.detector, cancel_at_end, &countdown);
    g_assert_false (fbnet_detector_run (s.detector, &image, s.found, &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_CANCELLED);
    g_assert_cmpuint (countdown.n, ==, end);
  }
  detector_observe (s.detector, NULL, NULL);
  g_autofree char *found = run_image (&s, &image, 0, 0);
  g_assert_cmpuint (strlen (found), >, 0);
  setup_clear (&s);
}

typedef struct {
  FbnetDetector *detector;
  gint stop;
} Canceller;

static gpointer
keep_cancelling (gpointer data)
{
  Canceller *canceller = data;

  while (!g_atomic_int_get (&canceller->stop))
    fbnet_detector_cancel (canceller->detector);
  return NULL;
}

/* Cancelled from another thread all the time: a run is whole, or it is told that it was cancelled. */
static void
test_cancel_from_thread (void)
{
  g_autoptr (Picture) picture = picture_draw (121, 88, 3);
  const FbnetImage image = picture_image (picture);
  Setup s;

  setup_new (&s, 2);
  g_autofree char *expected = run_image (&s, &image, 0, 0);
  Canceller canceller = { s.detector, FALSE };
  GThread *thread = g_thread_new ("cancel", keep_cancelling, &canceller);
  for (guint i = 0; i < 50; i++) {
    g_autoptr (GError) error = NULL;
    if (fbnet_detector_run (s.detector, &image, s.found, &error)) {
      g_autofree char *found = describe (s.found, 0, 0);
      g_assert_cmpstr (found, ==, expected);
    } else {
      g_assert_error (error, FBNET_ERROR, FBNET_ERROR_CANCELLED);
      g_assert_cmpuint (s.found->n, ==, 0);
    }
  }
  g_atomic_int_set (&canceller.stop, TRUE);
  g_thread_join (thread);
  setup_clear (&s);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/input/whole-frame", test_whole_frame);
  g_test_add_func ("/input/regions", test_regions);
  g_test_add_func ("/input/shared-chroma", test_shared_chroma);
  g_test_add_func ("/input/errors", test_errors);
  g_test_add_func ("/cancel/before", test_cancel_before);
  g_test_add_func ("/cancel/within", test_cancel_within);
  g_test_add_func ("/cancel/from-thread", test_cancel_from_thread);
  return g_test_run ();
}
