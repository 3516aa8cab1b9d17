/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How the camera moved, told from inputs: parts of one drawing, whose displacement is known.
 */
#include <fbnet/fbnet.h>
#include <math.h>
#include <string.h>

#include "support/picture.h"

#define WIDTH  640
#define HEIGHT 448
#define MARGIN 120
#define SLACK                                                                                      \
  1.5 /* pixels of the frame; the network has half of them, and what is compared a quarter */

typedef struct {
  FbnetModel *model;
  FbnetParams params;
  FbnetInput *input;
  FbnetCamera *camera;
  Picture *world; /* a margin larger on each side than what is seen of it */
  Picture *picture;
} Fixture;

/* Rectangles of all sizes and greys, the same on every machine. */
static Picture *
paint_world (void)
{
  Picture *world = picture_new (WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN, "world", NULL);
  GRand *random = g_rand_new_with_seed (5);

  for (guint i = 0; i < 500; i++) {
    const gsize width = (gsize) g_rand_int_range (random, 8, 90);
    const gsize height = (gsize) g_rand_int_range (random, 8, 90);
    const gsize x = (gsize) g_rand_int_range (random, 0, (gint) (world->width - width));
    const gsize y = (gsize) g_rand_int_range (random, 0, (gint) (world->height - height));
    const gint grey = g_rand_int_range (random, 30, 250);
    for (gsize row = y; row < y + height; row++)
      memset (world->pixels + 3 * (row * world->width + x), grey, 3 * width);
  }
  g_rand_free (random);
  return world;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  g_autoptr (GError) error = NULL;

  f->model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  fbnet_model_get_params (f->model, &f->params);
  f->params.min_size = 224;
  f->params.max_size = 320;
  f->input = fbnet_input_new (f->model, NULL, &error);
  g_assert_no_error (error);
  f->camera = fbnet_camera_new (&error);
  g_assert_no_error (error);
  f->world = paint_world ();
  f->picture = picture_new (WIDTH, HEIGHT, "frame", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  picture_free (f->world);
  picture_free (f->picture);
  fbnet_camera_free (f->camera);
  fbnet_input_free (f->input);
  fbnet_model_unref (f->model);
}

/* The camera looks so far to the right and down from the middle. */
static void
aim (Fixture *f, gint x, gint y)
{
  for (gint row = 0; row < HEIGHT; row++)
    memcpy (f->picture->pixels + 3 * row * WIDTH,
        f->world->pixels + 3 * ((MARGIN + y + row) * (WIDTH + 2 * MARGIN) + MARGIN + x), 3 * WIDTH);
}

static gboolean
look (Fixture *f, const FbnetRegion *region, double *dx, double *dy)
{
  const FbnetImage image = picture_image (f->picture);
  g_autoptr (GError) error = NULL;

  fbnet_input_fill (f->input, &image, region, &f->params, &error);
  g_assert_no_error (error);
  return fbnet_camera_follow (f->camera, f->input, dx, dy);
}

static void
expect (Fixture *f, double x, double y)
{
  double dx, dy;

  g_assert_true (look (f, NULL, &dx, &dy));
  g_test_message ("%.1f %.1f, expected %g %g", dx, dy, x, y);
  g_assert_cmpfloat_with_epsilon (dx, x, SLACK);
  g_assert_cmpfloat_with_epsilon (dy, y, SLACK);
}

static void
expect_unknown (Fixture *f, const FbnetRegion *region)
{
  double dx = 1, dy = 1;

  g_assert_false (look (f, region, &dx, &dy));
  g_assert_cmpfloat (dx, ==, 0);
  g_assert_cmpfloat (dy, ==, 0);
}

/* Where the camera goes the picture goes the other way: by a little, by much, not at all. */
static void
test_displacements (Fixture *f, gconstpointer data)
{
  static const gint places[][2] = { { 0, 0 }, { 12, 0 }, { 12, -9 }, { -60, 40 }, { 100, 40 },
    { 100, 40 }, { -45, -70 }, { -41, -67 } };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    aim (f, places[i][0], places[i][1]);
    if (i == 0)
      expect_unknown (f, NULL);
    else
      expect (f, places[i - 1][0] - places[i][0], places[i - 1][1] - places[i][1]);
  }
}

/* A camera that stands still does so to the bit, and one that moves does so whatever the light. */
static void
test_light (Fixture *f, gconstpointer data)
{
  double dx, dy;

  aim (f, 0, 0);
  look (f, NULL, &dx, &dy);
  for (guint i = 0; i < 3 * WIDTH * HEIGHT; i++)
    f->picture->pixels[i] = (guint8) (f->picture->pixels[i] * 4 / 5);
  g_assert_true (look (f, NULL, &dx, &dy));
  g_assert_cmpfloat (dx, ==, 0);
  g_assert_cmpfloat (dy, ==, 0);
  aim (f, 30, -20);
  expect (f, -30, 20);
}

/* A quarter of the picture, from elsewhere in the world, at a place. */
static void
put_object (Fixture *f, guint x, guint y)
{
  for (guint row = 0; row < HEIGHT / 2; row++)
    memcpy (f->picture->pixels + 3 * ((y + row) * WIDTH + x),
        f->world->pixels + 3 * (row * (WIDTH + 2 * MARGIN)), 3 * WIDTH / 2);
}

/* A large object that moves is no camera that does; and it does not hide one that does. */
static void
test_object (Fixture *f, gconstpointer data)
{
  double dx, dy;

  for (guint i = 0; i < 6; i++) {
    aim (f, 0, 0);
    put_object (f, 60 + 30 * i, 100);
    if (look (f, NULL, &dx, &dy)) {
      g_assert_cmpfloat (dx, ==, 0);
      g_assert_cmpfloat (dy, ==, 0);
    }
  }
  aim (f, 40, 0);
  put_object (f, 280, 100);
  expect (f, -40, 0);
}

/* Nothing is said without one to compare with, of another part of the frame, and where there is nothing to see. */
static void
test_unknown (Fixture *f, gconstpointer data)
{
  const FbnetRegion part = { 100, 100, 320, 224 };

  aim (f, 0, 0);
  expect_unknown (f, NULL);
  expect (f, 0, 0);
  fbnet_camera_reset (f->camera);
  expect_unknown (f, NULL);
  expect_unknown (f, &part);
  expect_unknown (f, NULL);
  f->params.min_size = 160;
  expect_unknown (f, NULL);
  f->params.min_size = f->params.max_size = 16;
  expect_unknown (f, NULL);
  expect_unknown (f, NULL);
  f->params.max_size = 320;
  memset (f->picture->pixels, 90, 3 * WIDTH * HEIGHT);
  expect_unknown (f, NULL);
  expect_unknown (f, NULL);
}

/* Inputs of any shape: nothing is read or written beside them. */
static void
test_shapes (Fixture *f, gconstpointer data)
{
  double dx, dy;

  aim (f, 0, 0);
  for (guint i = 0; i < 60; i++) {
    const FbnetRegion part = { 0, 0, 1 + 97 * i % WIDTH, 1 + 61 * i % HEIGHT };
    f->params.min_size = 1 + 53 * i % 400;
    f->params.max_size = f->params.min_size + 37 * i % 300;
    for (guint k = 0; k < 2; k++) {
      look (f, &part, &dx, &dy);
      g_assert_cmpfloat (dx, ==, 0);
      g_assert_cmpfloat (dy, ==, 0);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/camera/displacements", Fixture, NULL, set_up, test_displacements, tear_down);
  g_test_add ("/camera/light", Fixture, NULL, set_up, test_light, tear_down);
  g_test_add ("/camera/object", Fixture, NULL, set_up, test_object, tear_down);
  g_test_add ("/camera/unknown", Fixture, NULL, set_up, test_unknown, tear_down);
  g_test_add ("/camera/shapes", Fixture, NULL, set_up, test_shapes, tear_down);
  return g_test_run ();
}
