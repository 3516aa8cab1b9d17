/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Photographs behind scenes, and things that were cut out before them.
 */
#include <cairo.h>
#include <glib/gstdio.h>

#include "scenes/photographs.h"

#define WIDTH  96
#define HEIGHT 72
#define N      40

typedef struct {
  char *folder;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->folder = g_dir_make_tmp ("fbnet-photographs-XXXXXX", &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  for (const char *name = "ab"; *name != '\0'; name++) {
    g_autofree char *file = g_strdup_printf ("%s/%c.png", f->folder, *name);
    g_remove (file);
  }
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->folder);
}

/* A blue photograph; or a red disc that was cut out. */
static void
write_png (const Fixture *f, const char *name, gboolean cut_out)
{
  g_autofree char *path = g_build_filename (f->folder, name, NULL);
  cairo_surface_t *surface =
      cairo_image_surface_create (cut_out ? CAIRO_FORMAT_ARGB32 : CAIRO_FORMAT_RGB24, 200, 150);
  cairo_t *cairo = cairo_create (surface);

  cairo_set_source_rgb (cairo, cut_out ? 1 : 0, 0, cut_out ? 0 : 1);
  if (cut_out)
    cairo_arc (cairo, 100, 75, 70, 0, 2 * G_PI);
  else
    cairo_rectangle (cairo, 0, 0, 200, 150);
  cairo_fill (cairo);
  g_assert_cmpint (cairo_surface_write_to_png (surface, path), ==, CAIRO_STATUS_SUCCESS);
  cairo_destroy (cairo);
  cairo_surface_destroy (surface);
}

typedef struct {
  guint red, blue, green; /* pixels */
} Shares;

/* What is seen on green ground. */
static Shares
paint (const Photographs *photographs, guint64 seed)
{
  Dice dice = dice_new (seed, 0);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
  cairo_t *cairo = cairo_create (surface);
  Shares shares = { 0 };

  cairo_set_source_rgb (cairo, 0, 1, 0);
  cairo_paint (cairo);
  photographs_paint (photographs, &dice, cairo, WIDTH, HEIGHT);
  cairo_destroy (cairo);
  cairo_surface_flush (surface);
  for (guint y = 0; y < HEIGHT; y++) {
    const guint8 *row = cairo_image_surface_get_data (surface)
        + y * (gsize) cairo_image_surface_get_stride (surface);
    for (guint x = 0; x < WIDTH; x++) {
      const guint32 pixel = ((const guint32 *) row)[x];
      shares.red += (pixel >> 16 & 0xff) > 200;
      shares.green += (pixel >> 8 & 0xff) > 200;
      shares.blue += (pixel & 0xff) > 200;
    }
  }
  cairo_surface_destroy (surface);
  return shares;
}

static Photographs *
read_folder (const Fixture *f, guint expected)
{
  g_autoptr (GError) error = NULL;
  Photographs *photographs = photographs_read (f->folder, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (photographs_count (photographs), ==, expected);
  return photographs;
}

/* A photograph fills the picture; things lie before it in about every other one. */
static void
test_both (Fixture *f, gconstpointer data)
{
  write_png (f, "a.png", FALSE);
  write_png (f, "b.png", TRUE);
  Photographs *photographs = read_folder (f, 2);
  guint n_red = 0;

  for (guint seed = 0; seed < N; seed++) {
    const Shares shares = paint (photographs, seed);
    g_assert_cmpuint (shares.green, ==, 0);
    n_red += shares.red > 0;
  }
  photographs_free (photographs);
  g_assert_cmpuint (n_red, >, N / 4);
  g_assert_cmpuint (n_red, <, N * 3 / 4);
}

/* Without a photograph the ground stays, and there is always a thing. */
static void
test_cut_outs (Fixture *f, gconstpointer data)
{
  write_png (f, "b.png", TRUE);
  Photographs *photographs = read_folder (f, 1);
  guint red = 0, green = 0;

  for (guint seed = 0; seed < N; seed++) {
    const Shares shares = paint (photographs, seed);
    g_assert_cmpuint (shares.blue, ==, 0);
    red += shares.red;
    green += shares.green;
  }
  photographs_free (photographs);
  g_assert_cmpuint (red, >, N * WIDTH * HEIGHT / 50);
  g_assert_cmpuint (green, >, N * WIDTH * HEIGHT / 50);
}

/* The same dice, the same picture; others, others. */
static void
test_again (Fixture *f, gconstpointer data)
{
  write_png (f, "b.png", TRUE);
  Photographs *photographs = read_folder (f, 1);
  const Shares first = paint (photographs, 1), again = paint (photographs, 1);
  const Shares other = paint (photographs, 2);

  photographs_free (photographs);
  g_assert_cmpuint (first.red, ==, again.red);
  g_assert_cmpuint (first.green, ==, again.green);
  g_assert_true (first.red != other.red || first.green != other.green);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/scenes/photographs/both", Fixture, NULL, set_up, test_both, tear_down);
  g_test_add ("/scenes/photographs/cut-outs", Fixture, NULL, set_up, test_cut_outs, tear_down);
  g_test_add ("/scenes/photographs/again", Fixture, NULL, set_up, test_again, tear_down);
  return g_test_run ();
}
