/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sheet that the project brings along, and how tests photograph it.
 */
#include <string.h>

#include <glib/gstdio.h>

#include "photograph.h"
#include "scenes/codes.h"
#include "scenes/sheet.h"

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
 * at hand: the same six codes in the same places. */
static void
test_current (void)
{
  g_autoptr (GError) error = NULL;

  if (!codes_available ()) {
    g_test_skip ("built without libzint");
    return;
  }
  g_autofree char *folder = g_dir_make_tmp ("fbnet-sheet-XXXXXX", &error);

  g_assert_no_error (error);
  g_autofree char *path = g_build_filename (folder, "sheet.png", NULL);
  g_assert_true (sheet_write (path, TRUE, &error));
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

/* Codes are 190 pixels long on their longer side, and square if they are matrices. */
static void
test_sizes (void)
{
  static const double heights[PHOTOGRAPH_N_CODES] = { 190, 95, 190, 190, 0, 95 };
  g_autoptr (Picture) sheet = read_sheet ();
  g_autofree guint8 *labels = sheet_label (sheet);

  for (guint i = 0; i < PHOTOGRAPH_N_CODES; i++) {
    double box[4];
    g_assert_true (photograph_box (labels, sheet->width, sheet->height, (guint8) (i + 1), box));
    g_assert_cmpfloat_with_epsilon (box[2] - box[0], 190, 2);
    if (heights[i] > 0)
      g_assert_cmpfloat_with_epsilon (box[3] - box[1], heights[i], 4);
  }
}

/* The corners land where they were told to; codes lie in the rows and columns of the sheet, black
 * on white; around the sheet the room is as it was. */
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
  double boxes[PHOTOGRAPH_N_CODES][4];
  for (guint i = 0; i < PHOTOGRAPH_N_CODES; i++) {
    g_assert_true (photograph_box (seen, WIDTH, HEIGHT, (guint8) (i + 1), boxes[i]));
    g_assert_cmpfloat (boxes[i][2] - boxes[i][0], >, 30);
    g_assert_cmpfloat (boxes[i][3] - boxes[i][1], >, 10);
    if (i % 2)
      g_assert_cmpfloat (boxes[i][0], >, boxes[i - 1][2]);
    if (i >= 2)
      g_assert_cmpfloat (boxes[i][1], >, boxes[i - 2][3] - 1);
  }
  guint8 darkest = 255, brightest = 0;
  for (guint x = (guint) boxes[1][0]; x < (guint) boxes[1][2]; x++) {
    const guint y = (guint) (boxes[1][1] + boxes[1][3]) / 2;
    darkest = MIN (darkest, photo->pixels[3 * (y * WIDTH + x)]);
    brightest = MAX (brightest, photo->pixels[3 * (y * WIDTH + x)]);
  }
  g_assert_cmpuint (darkest, <, 80);
  g_assert_cmpuint (brightest, >, 150);
  photograph_spoil (photo, 1, 5, 2);
  g_assert_cmpuint (ABS (photo->pixels[3 * (34 * WIDTH + 110)] - 204), <=, 6);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scenes/sheet/current", test_current);
  g_test_add_func ("/scenes/sheet/sizes", test_sizes);
  g_test_add_func ("/scenes/sheet/photograph", test_photograph);
  return g_test_run ();
}
