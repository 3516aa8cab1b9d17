/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether a frame shows anything new, and where.
 */
#include <fbnet/fbnet.h>
#include <string.h>

#include "drawing.h"

#define WIDTH  400
#define HEIGHT 240

typedef struct {
  FbnetModel *model;
  FbnetParams params;
  FbnetInput *input;
  FbnetMotion *motion;
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
  fbnet_model_get_params (f->model, &f->params);
  f->params.min_size = 96;
  f->params.max_size = 160;
  f->input = fbnet_input_new (f->model, NULL, &error);
  g_assert_no_error (error);
  f->motion = fbnet_motion_new ();
  f->picture = picture_draw (WIDTH, HEIGHT, 3);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  picture_free (f->picture);
  fbnet_motion_free (f->motion);
  fbnet_input_free (f->input);
  fbnet_model_unref (f->model);
}

static const FbnetInput *
fill (Fixture *f, const FbnetRegion *region)
{
  const FbnetImage image = picture_image (f->picture);
  g_autoptr (GError) error = NULL;

  fbnet_input_fill (f->input, &image, region, &f->params, &error);
  g_assert_no_error (error);
  return f->input;
}

static void
keep (Fixture *f)
{
  g_assert_true (fbnet_motion_keep (f->motion, fill (f, NULL), NULL));
}

/* A square of 30 pixels becomes so much lighter, or darker where there is no room. */
static void
change (Fixture *f, guint x0, guint y0, gint levels)
{
  for (guint y = y0; y < y0 + 30; y++)
    for (guint i = 3 * x0; i < 3 * (x0 + 30); i++) {
      guint8 *p = f->picture->pixels + (gsize) y * WIDTH * 3 + i;
      *p = (guint8) (*p + levels > 255 ? *p - levels : *p + levels);
    }
}

/* Nothing is still before something was kept; the same frame is, to the level; and a difference counts from the level
 * above the threshold on. */
static void
test_still (Fixture *f, gconstpointer data)
{
  g_assert_false (fbnet_motion_is_still (f->motion, fill (f, NULL), 255));
  keep (f);
  g_assert_true (fbnet_motion_is_still (f->motion, fill (f, NULL), 0));
  memset (f->picture->pixels, 100, (gsize) WIDTH * HEIGHT * 3);
  keep (f);
  memset (f->picture->pixels, 107, (gsize) WIDTH * HEIGHT * 3);
  g_assert_false (fbnet_motion_is_still (f->motion, fill (f, NULL), 6));
  g_assert_true (fbnet_motion_is_still (f->motion, fill (f, NULL), 7));
  fbnet_motion_reset (f->motion);
  g_assert_false (fbnet_motion_is_still (f->motion, fill (f, NULL), 255));
}

/* What is small counts wherever it is, up to the last row and column. */
static void
test_corners (Fixture *f, gconstpointer data)
{
  static const guint places[][2] = { { 0, 0 }, { WIDTH - 30, 0 }, { 0, HEIGHT - 30 },
    { WIDTH - 30, HEIGHT - 30 }, { 200, 100 } };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    FbnetRegion moved[400];
    keep (f);
    change (f, places[i][0], places[i][1], 90);
    g_assert_false (fbnet_motion_is_still (f->motion, fill (f, NULL), 40));
    const guint n = fbnet_motion_find (f->motion, fill (f, NULL), 40, moved, 400);
    g_assert_cmpuint (n, >, 0);
    g_assert_cmpuint (n, <=, 4); /* of a square of 12 pixels of the network */
    for (guint k = 0; k < n; k++) {
      g_assert_cmpuint (moved[k].x, <, places[i][0] + 30);
      g_assert_cmpuint (moved[k].x + moved[k].width, >, places[i][0]);
      g_assert_cmpuint (moved[k].y, <, places[i][1] + 30);
      g_assert_cmpuint (moved[k].y + moved[k].height, >, places[i][1]);
      g_assert_cmpuint (moved[k].x + moved[k].width, <=, WIDTH);
      g_assert_cmpuint (moved[k].y + moved[k].height, <=, HEIGHT);
    }
  }
}

/* Of a part its places are the frame's; another part, or another size, is never still. No more are told than there is
 * room for. */
static void
test_parts (Fixture *f, gconstpointer data)
{
  const FbnetRegion part = { 200, 120, 200, 120 }, other = { 199, 120, 200, 120 };
  FbnetRegion moved[3];

  g_assert_true (fbnet_motion_keep (f->motion, fill (f, &part), NULL));
  g_assert_true (fbnet_motion_is_still (f->motion, fill (f, &part), 0));
  g_assert_false (fbnet_motion_is_still (f->motion, fill (f, &other), 255));
  g_assert_cmpuint (fbnet_motion_find (f->motion, fill (f, &other), 0, moved, 3), ==, 0);
  change (f, 250, 160, 90);
  g_assert_cmpuint (fbnet_motion_find (f->motion, fill (f, &part), 40, moved, 3), ==, 3);
  g_assert_cmpuint (moved[0].x, >, 200);
  g_assert_cmpuint (moved[0].x, <, 280);
  f->params.min_size = 48;
  g_assert_false (fbnet_motion_is_still (f->motion, fill (f, &part), 255));
}

/* All of an input cut out of it is the same to the level; a part lies in it and holds what was asked for, in whole
 * squares of 32 pixels of the network; what is no part of it is refused. */
static void
test_cut (Fixture *f, gconstpointer data)
{
  const FbnetRegion all = { 0, 0, WIDTH, HEIGHT }, outside = { 300, 0, 101, 10 };
  g_autoptr (FbnetInput) cut = fbnet_input_new (f->model, NULL, NULL);
  const FbnetInput *whole = fill (f, NULL);
  g_autoptr (GError) error = NULL;

  keep (f);
  g_assert_true (fbnet_input_cut (cut, whole, &all, NULL));
  g_assert_true (fbnet_motion_is_still (f->motion, cut, 0));
  for (guint i = 0; i < 200; i++) {
    const guint x = 37 * i % (WIDTH - 1), y = 53 * i % (HEIGHT - 1);
    const FbnetRegion part = { x, y, 1 + 29 * i % (WIDTH - x), 1 + 31 * i % (HEIGHT - y) };
    FbnetRegion shown;
    g_assert_true (fbnet_input_cut (cut, whole, &part, &error));
    fbnet_input_get_region (cut, &shown);
    g_assert_cmpuint (shown.x, <=, part.x);
    g_assert_cmpuint (shown.y, <=, part.y);
    g_assert_cmpuint (shown.x + shown.width, >=, part.x + part.width);
    g_assert_cmpuint (shown.y + shown.height, >=, part.y + part.height);
    g_assert_cmpuint (shown.x + shown.width, <=, WIDTH);
    g_assert_cmpuint (shown.y + shown.height, <=, HEIGHT);
    g_assert_cmpuint (shown.x * 160 / WIDTH % 32, ==, 0);
    g_assert_cmpuint (shown.y * 96 / HEIGHT % 32, ==, 0);
  }
  g_assert_false (fbnet_input_cut (cut, whole, &outside, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
}

/* Of a part the detections are the frame's, in that part. */
static void
test_cut_runs (Fixture *f, gconstpointer data)
{
  const FbnetRegion part = { 200, 80, 100, 100 };
  g_autoptr (FbnetInput) cut = fbnet_input_new (f->model, NULL, NULL);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (f->model, NULL, NULL);
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  FbnetRegion shown;

  g_assert_true (fbnet_input_cut (cut, fill (f, NULL), &part, NULL));
  fbnet_input_get_region (cut, &shown);
  g_assert_true (fbnet_detector_run_input (detector, cut, found, NULL));
  g_assert_cmpuint (found->n, >, 0);
  for (guint i = 0; i < found->n; i++) {
    const FbnetDetection *d = &found->items[i];
    g_assert_true (d->x0 >= (float) shown.x && d->x1 <= (float) (shown.x + shown.width));
    g_assert_true (d->y0 >= (float) shown.y && d->y1 <= (float) (shown.y + shown.height));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/motion/still", Fixture, NULL, set_up, test_still, tear_down);
  g_test_add ("/motion/corners", Fixture, NULL, set_up, test_corners, tear_down);
  g_test_add ("/motion/parts", Fixture, NULL, set_up, test_parts, tear_down);
  g_test_add ("/motion/cut", Fixture, NULL, set_up, test_cut, tear_down);
  g_test_add ("/motion/cut-runs", Fixture, NULL, set_up, test_cut_runs, tear_down);
  return g_test_run ();
}
