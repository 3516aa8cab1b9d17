/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whole scenes: the same again, masks that fit, all symbols in them, and a camera that keeps things
 * where they are.
 */
#include <math.h>
#include <string.h>

#include "scenes/camera.h"
#include "scenes/scene.h"

static Scene *
make (guint64 seed, guint64 index, guint width, guint height)
{
  g_autoptr (GError) error = NULL;
  Scene *scene = scene_new (seed, index, width, height, NULL, &error);

  g_assert_no_error (error);
  return scene;
}

static gboolean
same_pixels (const Scene *a, const Scene *b)
{
  return memcmp (a->picture->pixels, b->picture->pixels,
             (gsize) 3 * a->picture->width * a->picture->height)
      == 0;
}

/* A scene is a function of seed and index: once more gives the same bits, another one does not. */
static void
test_pure (void)
{
  g_autoptr (Scene) scene = make (7, 3, 96, 72), again = make (7, 3, 96, 72);
  g_autoptr (Scene) next = make (7, 4, 96, 72), other = make (8, 3, 96, 72);

  g_assert_true (same_pixels (scene, again));
  g_assert_cmpuint (scene->objects->len, ==, again->objects->len);
  g_assert_cmpuint (scene->quality, ==, again->quality);
  g_assert_false (same_pixels (scene, next));
  g_assert_false (same_pixels (scene, other));
}

/* The rectangle is tight: each of its four sides has a pixel. */
static void
check_tight (const FbnetMask *mask)
{
  gboolean left = FALSE, right = FALSE, top = FALSE, low = FALSE;

  for (gint x = 0; x < mask->width; x++) {
    top |= mask->data[x];
    low |= mask->data[(mask->height - 1) * mask->width + x];
  }
  for (gint y = 0; y < mask->height; y++) {
    left |= mask->data[y * mask->width];
    right |= mask->data[(y + 1) * mask->width - 1];
  }
  g_assert_true (left && right && top && low);
}

/* No pixel shows two symbols. */
static guint
mark (guint8 *seen, const FbnetMask *mask, guint width)
{
  guint area = 0;

  for (gint y = 0; y < mask->height; y++)
    for (gint x = 0; x < mask->width; x++) {
      guint8 *pixel = &seen[(mask->y + y) * width + mask->x + x];
      if (!mask->data[y * mask->width + x])
        continue;
      g_assert_cmpuint (*pixel, ==, 0);
      *pixel = 1;
      area++;
    }
  return area;
}

/* Masks lie in the picture, in tight rectangles, apart from each other, and have the area that is
 * said. */
static void
test_masks (void)
{
  guint n = 0;

  for (guint index = 0; index < 40; index++) {
    g_autoptr (Scene) scene = make (11, index, 131, 97);
    guint8 seen[131 * 97] = { 0 };
    for (guint i = 0; i < scene->objects->len; i++, n++) {
      const SceneObject *object = &g_array_index (scene->objects, SceneObject, i);
      g_assert_cmpint (object->mask.x, >=, 0);
      g_assert_cmpint (object->mask.y, >=, 0);
      g_assert_cmpint (object->mask.x + object->mask.width, <=, 131);
      g_assert_cmpint (object->mask.y + object->mask.height, <=, 97);
      check_tight (&object->mask);
      g_assert_cmpuint (mark (seen, &object->mask, 131), ==, object->area);
      g_assert_cmpuint (object->area, >, 30);
    }
  }
  g_assert_cmpuint (n, >, 60);
}

/* Every symbol is about as frequent as the others; some scenes have none, none has a crowd. */
static void
test_variety (void)
{
  guint counts[N_SYMBOLS] = { 0 }, n = 0, n_empty = 0;

  for (guint index = 0; index < 300; index++) {
    g_autoptr (Scene) scene = make (1, index, 80, 64);
    g_assert_cmpuint (scene->objects->len, <=, 7);
    n_empty += scene->objects->len == 0;
    n += scene->objects->len;
    for (guint i = 0; i < scene->objects->len; i++)
      counts[g_array_index (scene->objects, SceneObject, i).class_id]++;
  }
  for (guint i = 0; i < N_SYMBOLS; i++)
    g_assert_cmpuint (counts[i], >, n / N_SYMBOLS / 2);
  g_assert_cmpuint (n, >, 450);
  g_assert_cmpuint (n_empty, >, 3);
  g_assert_cmpuint (n_empty, <, 60);
}

/* The smallest and odd sizes work. */
static void
test_sizes (void)
{
  g_autoptr (Scene) smallest = make (1, 0, SCENE_MIN_SIDE, SCENE_MIN_SIDE);
  g_autoptr (Scene) odd = make (1, 1, 65, 203);

  g_assert_cmpuint (smallest->picture->width, ==, SCENE_MIN_SIDE);
  g_assert_cmpuint (odd->picture->height, ==, 203);
}

/* --- The camera ------------------------------------------------------------------------------- */

static cairo_surface_t *
square_new (gint width, gint height)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, width, height);
  cairo_t *cairo = cairo_create (surface);

  cairo_set_source_rgb (cairo, 1, 1, 1);
  cairo_rectangle (cairo, width / 2 - 10, height / 2 - 10, 20, 20);
  cairo_fill (cairo);
  cairo_destroy (cairo);
  return surface;
}

/* Blur and movement leave a square in its place: its bright half has its middle where it was, and the
 * square is brighter than what is around it. */
static void
test_camera (void)
{
  const gint width = 100, height = 80;
  cairo_surface_t *surface = square_new (width, height);

  for (guint i = 0; i < 50; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (Picture) picture = picture_new ((guint) width, (guint) height, "test", &error);
    g_assert_no_error (error);
    Dice dice = dice_new (5, i);
    camera_shoot (&dice, surface, picture);
    double sum = 0, sum_x = 0, sum_y = 0;
    const guint8 *pixels = picture->pixels;
    const guint bright = pixels[3 * (40 * width + 50) + 1],
                dark = pixels[3 * (10 * width + 10) + 1];
    for (gint y = 20; y < 60; y++)
      for (gint x = 30; x < 70; x++) {
        const gboolean set = 2u * pixels[3 * (y * width + x) + 1] > bright + dark;
        sum += set;
        sum_x += set * (x + 0.5);
        sum_y += set * (y + 0.5);
      }
    g_assert_cmpuint (bright, >, dark + 40);
    g_assert_cmpfloat_with_epsilon (sum_x / sum, 50, 1);
    g_assert_cmpfloat_with_epsilon (sum_y / sum, 40, 1);
  }
  cairo_surface_destroy (surface);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scenes/scene/pure", test_pure);
  g_test_add_func ("/scenes/scene/masks", test_masks);
  g_test_add_func ("/scenes/scene/variety", test_variety);
  g_test_add_func ("/scenes/scene/sizes", test_sizes);
  g_test_add_func ("/scenes/camera/place", test_camera);
  return g_test_run ();
}
