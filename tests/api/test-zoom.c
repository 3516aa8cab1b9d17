/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Second looks: where they go, and that what they find is the frame's.
 */
#include <fbnet/fbnet.h>
#include <string.h>

#include "drawing.h"

#define WIDTH  200
#define HEIGHT 120

static FbnetDetection
object (float x, float y, float side, float score)
{
  return (FbnetDetection){ .x0 = x, .y0 = y, .x1 = x + side, .y1 = y + side, .score = score };
}

static FbnetZoomOptions
options_new (guint regions, FbnetZoomPolicy policy, float factor)
{
  return (FbnetZoomOptions){ regions, policy, factor };
}

/* What is chosen where nothing but detections is known. */
static guint
choose (FbnetRegion *regions, const FbnetZoomOptions *options, const FbnetDetection *found, guint n)
{
  const FbnetZoomKnown known = { .detections = found, .n_detections = n };
  const FbnetRegion frame = { 0, 0, WIDTH, HEIGHT };
  guint turn = 0;

  return fbnet_zoom_choose (regions, options, &known, &frame, &turn);
}

static gboolean
is_inside (const FbnetRegion *region, const FbnetDetection *d)
{
  return d->x0 >= (float) region->x && d->y0 >= (float) region->y
      && d->x1 <= (float) (region->x + region->width)
      && d->y1 <= (float) (region->y + region->height);
}

/* What is small and undecided gets a look, the fuller corner first; what is sure, large or nothing gets none. */
static void
test_uncertain (void)
{
  const FbnetZoomOptions options = options_new (3, FBNET_ZOOM_UNCERTAIN, 4);
  const FbnetDetection found[] = { object (5, 5, 4, 0.5f), object (150, 90, 5, 0.5f),
    object (160, 92, 5, 0.4f), object (10, 10, 100, 0.5f), object (80, 10, 4, 0.999f) };
  FbnetRegion regions[FBNET_ZOOM_MOST];

  g_assert_cmpuint (choose (regions, &options, found, 5), ==, 2);
  g_assert_true (is_inside (&regions[0], &found[1]) && is_inside (&regions[0], &found[2]));
  g_assert_true (is_inside (&regions[1], &found[0]));
  g_assert_cmpuint (regions[0].width, ==, WIDTH / 4);
  g_assert_cmpuint (regions[0].height, ==, HEIGHT / 4);
  g_assert_cmpuint (choose (regions, &options, found + 3, 2), ==, 0);
  g_assert_cmpuint (choose (regions, &options, NULL, 0), ==, 0);
}

/* For every size of frame and factor, regions lie in the frame, and in a whole turn of a sweep every pixel is in
 * one. */
static void
test_sweep (void)
{
  static const guint sides[] = { 1, 2, 7, 100, 321 };
  static const float factors[] = { 1, 1.3f, 2.5f, 8 };

  for (guint i = 0; i < G_N_ELEMENTS (sides) * G_N_ELEMENTS (sides) * G_N_ELEMENTS (factors); i++) {
    const guint width = sides[i % 5], height = sides[i / 5 % 5];
    const FbnetZoomOptions options = options_new (4, FBNET_ZOOM_SWEEP, factors[i / 25]);
    g_autofree guint8 *seen = g_malloc0 (width * height);
    FbnetRegion regions[FBNET_ZOOM_MOST];
    const FbnetZoomKnown nothing = { 0 };
    const FbnetRegion frame = { 0, 0, width, height };
    guint turn = 0;
    while (turn < 81 + 4) {
      const guint before = turn;
      const guint n = fbnet_zoom_choose (regions, &options, &nothing, &frame, &turn);
      g_assert_cmpuint (turn, ==, before + n);
      g_assert_cmpuint (n, >, 0);
      for (guint k = 0; k < n; k++) {
        g_assert_cmpuint (regions[k].x + regions[k].width, <=, width);
        g_assert_cmpuint (regions[k].y + regions[k].height, <=, height);
        for (guint y = 0; y < regions[k].height; y++)
          memset (seen + (regions[k].y + y) * width + regions[k].x, 1, regions[k].width);
      }
    }
    g_assert_null (memchr (seen, 0, width * height));
  }
}

/* Where the picture changed, most of it first; parts that fit no region are passed over. */
static void
test_motion (void)
{
  const FbnetZoomOptions options = options_new (4, FBNET_ZOOM_MOTION, 4);
  const FbnetRegion moved[] = { { 10, 10, 5, 5 }, { 100, 60, 5, 5 }, { 105, 60, 5, 5 },
    { 0, 0, WIDTH, HEIGHT } };
  const FbnetZoomKnown known = { .moved = moved, .n_moved = 4 };
  const FbnetRegion frame = { 0, 0, WIDTH, HEIGHT };
  FbnetRegion regions[FBNET_ZOOM_MOST];
  guint turn = 0;

  g_assert_cmpuint (fbnet_zoom_choose (regions, &options, &known, &frame, &turn), ==, 2);
  g_assert_cmpuint (regions[0].x, <=, 100);
  g_assert_cmpuint (regions[0].x + regions[0].width, >=, 110);
  g_assert_cmpuint (regions[1].x, <=, 10);
  g_assert_cmpuint (turn, ==, 0);
}

/* An object that is expected and that the first look has not seen comes first, then what is undecided, then what moved,
 * and what is left goes over the frame in turn. One that the first look is sure of needs nothing. */
static void
test_auto (void)
{
  const FbnetZoomOptions options = options_new (5, FBNET_ZOOM_AUTO, 5);
  const FbnetDetection found[] = { object (5, 5, 4, 0.5f), object (180, 5, 4, 0.99f) };
  const FbnetDetection expected[] = { object (180, 6, 4, 0.9f), object (20, 100, 4, 0.9f) };
  const FbnetRegion moved[] = { { 100, 60, 5, 5 } };
  const FbnetZoomKnown known = { found, 2, expected, 2, moved, 1 };
  const FbnetRegion frame = { 0, 0, WIDTH, HEIGHT };
  FbnetRegion regions[FBNET_ZOOM_MOST];
  guint turn = 0;

  g_assert_cmpuint (fbnet_zoom_choose (regions, &options, &known, &frame, &turn), ==, 5);
  g_assert_true (is_inside (&regions[0], &expected[1]));
  g_assert_true (is_inside (&regions[1], &found[0]));
  g_assert_cmpuint (regions[2].x, <=, 100);
  g_assert_cmpuint (regions[2].x + regions[2].width, >=, 105);
  g_assert_cmpuint (turn, ==, 2);
}

/* Parts of a part of the frame: all regions lie in it. */
static void
test_part (void)
{
  const FbnetRegion part = { 50, 30, 100, 60 };
  const FbnetDetection found[] = { object (52, 32, 4, 0.5f), object (144, 84, 4, 0.5f) };
  const FbnetZoomKnown known = { .detections = found, .n_detections = 2 };
  FbnetZoomOptions options = options_new (9, FBNET_ZOOM_UNCERTAIN, 3);
  FbnetRegion regions[FBNET_ZOOM_MOST];
  guint turn = 0;

  g_assert_cmpuint (fbnet_zoom_choose (regions, &options, &known, &part, &turn), ==, 2);
  g_assert_true (is_inside (&regions[0], &found[0]) && is_inside (&regions[1], &found[1]));
  options.policy = FBNET_ZOOM_SWEEP;
  const guint n = 2 + fbnet_zoom_choose (regions + 2, &options, &known, &part, &turn);
  g_assert_cmpuint (n, ==, 11);
  for (guint i = 0; i < n; i++) {
    g_assert_cmpuint (regions[i].x, >=, 50);
    g_assert_cmpuint (regions[i].y, >=, 30);
    g_assert_cmpuint (regions[i].x + regions[i].width, <=, 150);
    g_assert_cmpuint (regions[i].y + regions[i].height, <=, 90);
  }
}

typedef struct {
  FbnetModel *model;
  FbnetDetector *detector;
  FbnetZoom *zoom;
  FbnetDetections *alone;
  Picture *picture;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  g_autoptr (GError) error = NULL;

  f->model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  f->detector = fbnet_detector_new (f->model, NULL, &error);
  g_assert_no_error (error);
  f->zoom = fbnet_zoom_new (f->model, NULL, &error);
  g_assert_no_error (error);
  f->alone = fbnet_detections_new ();
  f->picture = picture_draw (WIDTH, HEIGHT, 7);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  picture_free (f->picture);
  fbnet_detections_free (f->alone);
  fbnet_zoom_free (f->zoom);
  fbnet_detector_free (f->detector);
  fbnet_model_unref (f->model);
}

static const FbnetDetections *
run (Fixture *f, guint regions)
{
  const FbnetZoomOptions options = options_new (regions, FBNET_ZOOM_SWEEP, 2);
  const FbnetImage image = picture_image (f->picture);
  g_autoptr (GError) error = NULL;
  const FbnetDetections *found = fbnet_zoom_run (f->zoom, f->detector, &image, &options, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (found->n, >, 0);
  g_assert_cmpuint (fbnet_zoom_get_n_regions (f->zoom), ==, regions);
  return found;
}

/* Without regions it is one look, to the bit. */
static void
test_none (Fixture *f, gconstpointer data)
{
  const FbnetDetections *found = run (f, 0);
  const FbnetImage image = picture_image (f->picture);

  g_assert_true (fbnet_detector_run (f->detector, &image, f->alone, NULL));
  g_assert_cmpuint (found->n, ==, f->alone->n);
  for (guint i = 0; i < found->n; i++) {
    g_assert_cmpmem (&found->items[i], G_STRUCT_OFFSET (FbnetDetection, mask), &f->alone->items[i],
        G_STRUCT_OFFSET (FbnetDetection, mask));
    g_assert_cmpuint (fbnet_zoom_get_look (f->zoom, i), ==, 0);
  }
}

/* Detections of all looks are in the frame, best first, with masks that lie where they do; the detector's own
 * parameters are as they were. */
static void
test_all (Fixture *f, gconstpointer data)
{
  FbnetParams before, after;
  guint n_second = 0;

  fbnet_detector_get_params (f->detector, &before);
  const FbnetDetections *found = run (f, 4);
  for (guint i = 0; i < found->n; i++) {
    const FbnetDetection *d = &found->items[i];
    n_second += fbnet_zoom_get_look (f->zoom, i) > 0;
    g_assert_true (d->x0 >= 0 && d->y0 >= 0 && d->x1 <= WIDTH && d->y1 <= HEIGHT);
    if (i > 0)
      g_assert_cmpfloat (d->score, <=, d[-1].score);
    g_assert_nonnull (d->mask.data);
    g_assert_cmpfloat ((float) d->mask.x, <=, d->x0);
    g_assert_cmpfloat ((float) (d->mask.x + d->mask.width), >=, d->x1 - 1);
    g_assert_cmpint (d->mask.x + d->mask.width, <=, WIDTH);
    g_assert_cmpint (d->mask.y + d->mask.height, <=, HEIGHT);
  }
  g_assert_cmpuint (n_second, >, 0);
  fbnet_detector_get_params (f->detector, &after);
  g_assert_cmpmem (&before, sizeof before, &after, sizeof after);
}

static const FbnetDetections *
run_input (Fixture *f, const FbnetRegion *part, guint regions)
{
  const FbnetZoomOptions options = options_new (regions, FBNET_ZOOM_SWEEP, 2);
  const FbnetImage image = picture_image (f->picture);
  g_autoptr (FbnetInput) input = fbnet_input_new (f->model, NULL, NULL);
  g_autoptr (GError) error = NULL;
  FbnetParams params;

  fbnet_detector_get_params (f->detector, &params);
  g_assert_true (fbnet_input_fill (input, &image, part, &params, &error));
  const FbnetDetections *found =
      fbnet_zoom_run_input (f->zoom, f->detector, input, &image, &options, NULL, &error);
  g_assert_no_error (error);
  return found;
}

/* An input of the frame in place of the frame: the same to the bit. */
static void
test_input (Fixture *f, gconstpointer data)
{
  const FbnetDetections *found = run (f, 4);
  g_autofree FbnetDetection *kept = g_memdup2 (found->items, found->n * sizeof *kept);
  const guint n = found->n;

  found = run_input (f, NULL, 4);
  g_assert_cmpuint (found->n, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpmem (&found->items[i], G_STRUCT_OFFSET (FbnetDetection, mask), &kept[i],
        G_STRUCT_OFFSET (FbnetDetection, mask));
}

/* Of a part of the frame all looks are in it, and what lies at its edge is whole. */
static void
test_input_part (Fixture *f, gconstpointer data)
{
  const FbnetRegion part = { 40, 20, 120, 80 };
  const FbnetDetections *found = run_input (f, &part, 4);
  guint n_second = 0;

  for (guint i = 0; i < found->n; i++) {
    const FbnetDetection *d = &found->items[i];
    n_second += fbnet_zoom_get_look (f->zoom, i) > 0;
    g_assert_true (d->x0 >= 40 && d->y0 >= 20 && d->x1 <= 160 && d->y1 <= 100);
  }
  g_assert_cmpuint (n_second, >, 0);
}

/* The times of all looks are added up: five passes have a trunk five times. */
static void
test_timings (Fixture *f, gconstpointer data)
{
  FbnetTimings one, all;

  run (f, 4);
  run (f, 0);
  fbnet_zoom_get_timings (f->zoom, &one);
  fbnet_detector_get_timings (f->detector, &all);
  g_assert_cmpfloat (one.total, ==, all.total);
  run (f, 4);
  fbnet_zoom_get_timings (f->zoom, &all);
  fbnet_detector_get_timings (f->detector, &one);
  g_assert_cmpfloat (all.ms[FBNET_STAGE_TRUNK], >, one.ms[FBNET_STAGE_TRUNK]);
  g_assert_cmpfloat (all.ms[FBNET_STAGE_PREPROCESS], >, one.ms[FBNET_STAGE_PREPROCESS]);
  g_assert_cmpfloat (all.total, >, one.total);
}

/* A run that is cancelled fails once, and the next one is whole. */
static void
test_cancel (Fixture *f, gconstpointer data)
{
  const FbnetZoomOptions options = options_new (2, FBNET_ZOOM_SWEEP, 2);
  const FbnetImage image = picture_image (f->picture);
  g_autoptr (GError) error = NULL;

  fbnet_zoom_cancel (f->zoom);
  g_assert_null (fbnet_zoom_run (f->zoom, f->detector, &image, &options, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_CANCELLED);
  run (f, 2);
}

/* What is out of range is refused by name; a frame that cannot be run gives no detections. */
static void
test_failures (Fixture *f, gconstpointer data)
{
  const FbnetImage image = picture_image (f->picture);
  const FbnetImage empty = { 0 };
  FbnetZoomOptions options = options_new (17, FBNET_ZOOM_SWEEP, 2);
  g_autoptr (GError) error = NULL;

  g_assert_null (fbnet_zoom_run (f->zoom, f->detector, &image, &options, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_true (g_str_has_prefix (error->message, "zoom-regions: expected"));
  g_clear_error (&error);
  options.regions = 2;
  g_assert_null (fbnet_zoom_run (f->zoom, f->detector, &empty, &options, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  run (f, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/zoom/uncertain", test_uncertain);
  g_test_add_func ("/zoom/sweep", test_sweep);
  g_test_add_func ("/zoom/motion", test_motion);
  g_test_add_func ("/zoom/auto", test_auto);
  g_test_add_func ("/zoom/part", test_part);
  g_test_add ("/zoom/none", Fixture, NULL, set_up, test_none, tear_down);
  g_test_add ("/zoom/all", Fixture, NULL, set_up, test_all, tear_down);
  g_test_add ("/zoom/input", Fixture, NULL, set_up, test_input, tear_down);
  g_test_add ("/zoom/input-part", Fixture, NULL, set_up, test_input_part, tear_down);
  g_test_add ("/zoom/timings", Fixture, NULL, set_up, test_timings, tear_down);
  g_test_add ("/zoom/cancel", Fixture, NULL, set_up, test_cancel, tear_down);
  g_test_add ("/zoom/failures", Fixture, NULL, set_up, test_failures, tear_down);
  return g_test_run ();
}
