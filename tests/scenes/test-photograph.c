/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sheet that the project brings along, and how tests photograph it.
 */
#include <string.h>

#include <glib/gstdio.h>

#include "scenes/outline.h"
#include "photograph.h"
#include "scenes/sheet.h"
#include "scenes/symbols.h"

#define WIDTH  320
#define HEIGHT 240

static Picture *
read_sheet (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_DOCS"), "sheet.png", NULL);
  Picture *sheet = picture_read (path, &error);

  g_assert_no_error (error);
  return sheet;
}

/* The sheet in docs is the one that fbnet-scenes writes, but for the letters, which depend on the fonts
 * at hand: the same six symbols in the same places, in the order of their names. */
static void
test_current (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("fbnet-sheet-XXXXXX", &error);

  g_assert_no_error (error);
  g_autofree char *path = g_build_filename (folder, "sheet.png", NULL);
  g_assert_true (sheet_write (path, FALSE, &error));
  g_autoptr (Picture) fresh = picture_read (path, &error);
  g_assert_no_error (error);
  g_autoptr (Picture) sheet = read_sheet ();
  g_assert_cmpint (g_remove (path) + g_remove (folder), ==, 0);
  g_autofree guint8 *labels = sheet_label (sheet), *fresh_labels = sheet_label (fresh);
  g_assert_cmpuint (sheet->width, ==, fresh->width);
  g_assert_cmpuint (sheet->height, ==, fresh->height);
  g_assert_cmpmem (labels, (gsize) sheet->width * sheet->height, fresh_labels,
      (gsize) fresh->width * fresh->height);
}

/* Each symbol on the sheet has the area of its outline. */
static void
test_areas (void)
{
  g_autoptr (Picture) sheet = read_sheet ();
  g_autofree guint8 *labels = sheet_label (sheet);
  guint counts[PHOTOGRAPH_N_SYMBOLS + 1] = { 0 };

  for (gsize i = 0; i < (gsize) sheet->width * sheet->height; i++)
    counts[labels[i]]++;
  g_autoptr (Outline) first = symbol_outline (SYMBOL_ARROW);
  for (guint i = 0; i < N_SYMBOLS; i++) {
    g_autoptr (Outline) outline = symbol_outline ((Symbol) i);
    const double expected = outline_area (outline) / outline_area (first);
    g_assert_cmpfloat_with_epsilon ((double) counts[i + 1] / counts[1], expected, 0.03 * expected);
  }
}

/* The corners land where they were told to; symbols lie in the rows and columns of the sheet, in
 * their own ink; around the sheet the room is as it was. */
static void
test_photograph (void)
{
  static const PhotoPoint corners[] = { { 100, 20 }, { 230, 35 }, { 220, 225 }, { 80, 215 } };
  g_autoptr (Picture) sheet = read_sheet ();
  g_autoptr (Picture) photo = photograph_room (WIDTH, HEIGHT, 1);
  g_autoptr (Picture) room = photograph_room (WIDTH, HEIGHT, 1);
  g_autofree guint8 *labels = sheet_label (sheet);
  g_autofree guint8 *seen = photograph_sheet (photo, sheet, labels, corners, 0.8);

  g_assert_cmpmem (photo->pixels, 3 * WIDTH * 20, room->pixels, 3 * WIDTH * 20);
  g_assert_cmpuint (photo->pixels[3 * (24 * WIDTH + 103)], ==, 204);
  g_assert_cmpuint (photo->pixels[3 * (212 * WIDTH + 84)], ==, 204);
  double boxes[PHOTOGRAPH_N_SYMBOLS][4];
  for (guint i = 0; i < PHOTOGRAPH_N_SYMBOLS; i++) {
    g_assert_true (photograph_box (seen, WIDTH, HEIGHT, (guint8) (i + 1), boxes[i]));
    g_assert_cmpfloat (boxes[i][2] - boxes[i][0], >, 30);
    g_assert_cmpfloat (boxes[i][3] - boxes[i][1], >, 30);
    if (i % 2)
      g_assert_cmpfloat (boxes[i][0], >, boxes[i - 1][2]);
    if (i >= 2)
      g_assert_cmpfloat (boxes[i][1], >, boxes[i - 2][3] - 1);
  }
  const guint8 *heart = photo->pixels
      + 3
          * ((guint) (boxes[2][1] + boxes[2][3]) / 2 * WIDTH
              + (guint) (boxes[2][0] + boxes[2][2]) / 2);
  g_assert_cmpuint (heart[0], >, 2 * MAX (heart[1], heart[2])); /* red */
  photograph_spoil (photo, 1, 5, 2);
  g_assert_cmpuint (ABS (photo->pixels[3 * (130 * WIDTH + 150)] - 204), <=, 6);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scenes/sheet/current", test_current);
  g_test_add_func ("/scenes/sheet/areas", test_areas);
  g_test_add_func ("/scenes/sheet/photograph", test_photograph);
  return g_test_run ();
}
