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

  g_assert_cmpuint (fbnet_zoom_choose (regions, &options, found, 5, WIDTH, HEIGHT, 0), ==, 2);
  g_assert_true (is_inside (&regions[0], &found[1]) && is_inside (&regions[0], &found[2]));
  g_assert_true (is_inside (&regions[1], &found[0]));
  g_assert_cmpuint (regions[0].width, ==, WIDTH / 4);
  g_assert_cmpuint (regions[0].height, ==, HEIGHT / 4);
  g_assert_cmpuint (fbnet_zoom_choose (regions, &options, found + 3, 2, WIDTH, HEIGHT, 0), ==, 0);
  g_assert_cmpuint (fbnet_zoom_choose (regions, &options, NULL, 0, WIDTH, HEIGHT, 0), ==, 0);
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
    for (guint turn = 0; turn < 81 + 4;) {
      const guint n = fbnet_zoom_choose (regions, &options, NULL, 0, width, height, turn);
      g_assert_cmpuint (n, >, 0);
      for (guint k = 0; k < n; k++) {
        g_assert_cmpuint (regions[k].x + regions[k].width, <=, width);
        g_assert_cmpuint (regions[k].y + regions[k].height, <=, height);
        for (guint y = 0; y < regions[k].height; y++)
          memset (seen + (regions[k].y + y) * width + regions[k].x, 1, regions[k].width);
      }
      turn += n;
    }
    g_assert_null (memchr (seen, 0, width * height));
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
  g_test_add ("/zoom/none", Fixture, NULL, set_up, test_none, tear_down);
  g_test_add ("/zoom/all", Fixture, NULL, set_up, test_all, tear_down);
  g_test_add ("/zoom/failures", Fixture, NULL, set_up, test_failures, tear_down);
  return g_test_run ();
}
