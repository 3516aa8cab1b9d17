/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-scenes as its users run it.
 */
#include <string.h>

#include <glib/gstdio.h>

#include "evaluate/cocodata.h"
#include "command.h"
#include "support/files.h"
#include "support/jsonfile.h"
#include "support/picture.h"
#include "scenes/scene.h"

typedef struct {
  char *folder, *set;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = folder_new ();
  f->set = g_build_filename (f->folder, "a", "set", NULL); /* two folders to make */
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  folder_remove (f->folder);
  g_free (f->set);
}

/* --- Sets ------------------------------------------------------------------------------------- */

static char *
read_member (const char *folder, const char *name, gsize *size)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (folder, name, NULL);
  char *text = file_read (path, size, &error);

  g_assert_no_error (error);
  return text;
}

static void
check_images (const Fixture *f, const cJSON *images, guint n)
{
  g_assert_cmpint (cJSON_GetArraySize (images), ==, n);
  const cJSON *image;
  cJSON_ArrayForEach (image, images)
  {
    g_autoptr (GError) error = NULL;
    const char *name = json_get_string (image, "file_name", "image", &error);
    g_assert_no_error (error);
    g_autofree char *path = g_build_filename (f->set, "images", name, NULL);
    g_autoptr (Picture) picture = picture_read (path, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (picture->width, ==, 160);
    g_assert_cmpuint (picture->height, ==, 120);
  }
}

/* Box and area are those of the mask, which is of the picture's size. */
static void
check_object (const CocoObject *object)
{
  double bounds[4];

  g_assert_nonnull (object->mask);
  g_assert_cmpuint (object->mask->width, ==, 160);
  g_assert_cmpuint (object->mask->height, ==, 120);
  rle_mask_bounds (object->mask, bounds);
  g_assert_cmpfloat (bounds[0], ==, object->box.x);
  g_assert_cmpfloat (bounds[1], ==, object->box.y);
  g_assert_cmpfloat (bounds[2], ==, object->box.width);
  g_assert_cmpfloat (bounds[3], ==, object->box.height);
  g_assert_cmpfloat (object->area, ==, (double) rle_mask_area (object->mask));
  g_assert_false (object->crowd);
}

static void
check_objects (const CocoTruth *truth)
{
  guint n = 0;

  for (guint i = 0; i < coco_truth_n_images (truth); i++)
    for (guint j = 0; j < coco_truth_n_categories (truth); j++) {
      const GArray *objects = coco_truth_objects (truth, coco_truth_image (truth, i),
          coco_truth_category (truth, j)->id);
      for (guint k = 0; objects != NULL && k < objects->len; k++, n++)
        check_object (&g_array_index (objects, CocoObject, k));
    }
  g_assert_cmpuint (n, ==, coco_truth_n_objects (truth));
  g_assert_cmpuint (n, >, 20);
}

/* The set is COCO's format: the reader of fbnet-eval has nothing to complain about, pictures are there,
 * the symbols are the categories, masks fit boxes and areas. */
static void
test_set (Fixture *f, gconstpointer data)
{
  g_auto (Command) command = command_run ("FBNET_SCENES", "--count", "20", "--seed", "3", "--size",
      "160x120", "-o", f->set, NULL);

  command_expect (&command, 0, "*20 scenes in *");
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (f->set, "annotations.json", NULL);
  g_autoptr (CocoFile) file = coco_file_read (path, &error);
  g_assert_no_error (error);
  check_images (f, cJSON_GetObjectItem (file->json, "images"), 20);

  g_autoptr (CocoProblems) problems = coco_problems_new ();
  g_autoptr (CocoTruth) truth =
      coco_truth_new (file, COCO_KIND_BIT (COCO_MASK), 0, problems, &error);
  g_assert_no_error (error);
  g_auto (GStrv) sentences = coco_problems_describe (problems);
  g_assert_cmpstr (sentences[0], ==, NULL);
  g_assert_cmpuint (coco_truth_n_categories (truth), ==, N_SYMBOLS);
  for (guint i = 0; i < N_SYMBOLS; i++)
    g_assert_cmpstr (coco_truth_category (truth, i)->name, ==, symbol_name ((Symbol) i));
  check_objects (truth);
}

/* However many threads, from whichever scene on: the same bytes. */
static void
test_again (Fixture *f, gconstpointer data)
{
  g_autofree char *again = g_build_filename (f->folder, "again", NULL);
  g_autofree char *last = g_build_filename (f->folder, "last", NULL);
  g_auto (Command) first = command_run ("FBNET_SCENES", "-n", "6", "-s", "9", "--size", "96x64",
      "-t", "1", "-o", f->set, NULL);
  g_auto (Command) second = command_run ("FBNET_SCENES", "-n", "6", "-s", "9", "--size", "96x64",
      "-t", "4", "-o", again, NULL);
  g_auto (Command) third = command_run ("FBNET_SCENES", "-n", "1", "--first", "5", "-s", "9",
      "--size", "96x64", "-o", last, NULL);

  command_expect (&first, 0, "*");
  command_expect (&second, 0, "*");
  command_expect (&third, 0, "*");
  static const char *const names[] = { "annotations.json", "images/scene-000000.jpg",
    "images/scene-000005.jpg" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    gsize size, other_size;
    g_autofree char *bytes = read_member (f->set, names[i], &size);
    g_autofree char *other = read_member (again, names[i], &other_size);
    g_assert_cmpmem (bytes, size, other, other_size);
  }
  gsize size, other_size;
  g_autofree char *bytes = read_member (f->set, names[2], &size);
  g_autofree char *other = read_member (last, names[2], &other_size);
  g_assert_cmpmem (bytes, size, other, other_size);
}

/* --- Codes ------------------------------------------------------------------------------------ */

/* Codes have numbers of their own behind the symbols'; twice the same bytes, whatever the threads;
 * photographs change what is behind. */
static void
test_codes (Fixture *f, gconstpointer data)
{
  g_autofree char *again = g_build_filename (f->folder, "again", NULL);
  g_autofree char *photographs = g_build_filename (f->folder, "photographs", NULL);
  gsize size, other_size;

  g_assert_cmpint (g_mkdir (photographs, 0777), ==, 0);
  g_free (write_picture (photographs, "a.png", 200, 100));
  g_auto (Command) first = command_run ("FBNET_SCENES", "-n", "8", "--size", "96x64", "-t", "1",
      "--objects", "codes", "--photographs", photographs, "-o", f->set, NULL);
  if (!codes_available ()) {
    command_expect (&first, 2, "*--objects codes: expected a program built with libzint*");
    return;
  }
  command_expect (&first, 0, "*");
  g_auto (Command) second = command_run ("FBNET_SCENES", "-n", "8", "--size", "96x64", "-t", "3",
      "--objects", "codes", "--photographs", photographs, "-o", again, NULL);
  command_expect (&second, 0, "*");
  g_autofree char *text = read_member (f->set, "annotations.json", &size);
  g_autofree char *other = read_member (again, "annotations.json", &other_size);
  g_assert_cmpmem (text, size, other, other_size);
  g_autoptr (cJSON) set = cJSON_Parse (text);
  const cJSON *categories = cJSON_GetObjectItem (set, "categories");
  g_assert_cmpint (cJSON_GetArraySize (categories), ==, N_CODES);
  for (guint i = 0; i < N_CODES; i++) {
    const cJSON *category = cJSON_GetArrayItem (categories, (int) i);
    g_assert_cmpint (cJSON_GetObjectItem (category, "id")->valueint, ==, N_SYMBOLS + i + 1);
    g_assert_cmpstr (cJSON_GetObjectItem (category, "name")->valuestring, ==, code_name (i));
  }
}

/* --- The sheet -------------------------------------------------------------------------------- */

/* One file per format, and whole; a second time, the same. The preview shows ink on white. */
static void
test_sheet (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "sheet.pdf", "sheet.svg", "sheet.png" };
  static const char *const contents[] = { "%PDF-*", "*<svg *</svg>*", "?PNG*" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    gsize size, size_again;
    g_autofree char *path = g_build_filename (f->folder, names[i], NULL);
    g_auto (Command) command = command_run ("FBNET_SCENES", "--sheet", path, NULL);
    command_expect (&command, 0, "");
    g_autofree char *bytes = read_member (f->folder, names[i], &size);
    g_assert_true (strstr (contents[i], "PNG") || g_pattern_match_simple (contents[i], bytes));
    g_auto (Command) again = command_run ("FBNET_SCENES", "--sheet", path, NULL);
    g_autofree char *bytes_again = read_member (f->folder, names[i], &size_again);
    g_assert_cmpmem (bytes, size, bytes_again, size_again);
  }
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (f->folder, "sheet.png", NULL);
  g_autoptr (Picture) picture = picture_read (path, &error);
  g_assert_no_error (error);
  guint ink = 0;
  for (gsize i = 0; i < (gsize) picture->width * picture->height; i++)
    ink += picture->pixels[3 * i + 1] < 140;
  g_assert_cmpuint (ink, >, picture->width * picture->height / 5);
  g_assert_cmpuint (picture->pixels[0], ==, 255);
}

/* --- What goes wrong -------------------------------------------------------------------------- */

/* Options that cannot be meant get a sentence, and nothing is written. */
static void
test_usage (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *option, *value, *sentence;
  } cases[] = {
    { "--count", "0", "*--count: expected a number from 1 to 1000000, found 0*" },
    { "--count", "-3", "*--count: expected a number from 1 to 1000000, found -3*" },
    { "--first", "1000000", "*--first: expected a number from 0 to 999900, found 1000000*" },
    { "--seed", "-1", "*--seed: expected a number from 0 *" },
    { "--threads", "-1", "*--threads: expected 0 … 256, found -1*" },
    { "--size", "320", "*--size: expected WIDTHxHEIGHT, both from 64 to 2048, found '320'*" },
    { "--size", "320x240x3", "*--size: *found '320x240x3'*" },
    { "--size", "63x64", "*--size: *found '63x64'*" },
    { "--size", "64x2049", "*--size: *found '64x2049'*" },
    { "--objects", "faces", "*--objects: expected symbols, codes or both, found 'faces'*" },
    { "--sheet", "sheet.gif", "*--sheet: expected a file name that ends in .pdf, .svg or .png*" },
    { "--count", "many", "*many*" },
    { "--version", "word", "*expected options only, found 'word'*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Command) command =
        command_run ("FBNET_SCENES", "-o", f->set, cases[i].option, cases[i].value, NULL);
    command_expect (&command, 2, cases[i].sentence);
    g_assert_false (g_file_test (f->set, G_FILE_TEST_EXISTS));
  }
  g_auto (Command) nothing = command_run ("FBNET_SCENES", NULL);
  command_expect (&nothing, 2, "*expected --output or --sheet, found none of them*");
  g_auto (Command) version = command_run ("FBNET_SCENES", "--version", NULL);
  command_expect (&version, 0, "");
  g_assert_true (g_str_has_prefix (version.out, "fbnet-scenes "));
}

/* Where nothing can be written, a sentence names the place. Files stand where folders should be:
 * rights would not hold back root. */
static void
test_unwritable (Fixture *f, gconstpointer data)
{
  g_autofree char *file = write_text (f->folder, "file", "");
  g_autofree char *below = g_build_filename (file, "set", NULL);
  g_auto (Command) folder = command_run ("FBNET_SCENES", "-n", "1", "-o", below, NULL);

  command_expect (&folder, 1, "fbnet-scenes: *file/set: cannot make this folder: *");
  g_auto (Command) none =
      command_run ("FBNET_SCENES", "-n", "1", "-o", f->set, "--photographs", file, NULL);
  command_expect (&none, 1, "*file: expected a folder of photographs*found none*");

  g_autofree char *sheet = g_build_filename (file, "sheet.pdf", NULL);
  g_auto (Command) no_sheet = command_run ("FBNET_SCENES", "--sheet", sheet, NULL);
  command_expect (&no_sheet, 1, "fbnet-scenes: *sheet.pdf*");

  g_autofree char *picture = g_build_filename (f->set, "images", "scene-000000.jpg", "x", NULL);
  g_assert_cmpint (g_mkdir_with_parents (picture, 0777), ==, 0);
  g_auto (Command) no_picture = command_run ("FBNET_SCENES", "-n", "3", "-o", f->set, NULL);
  command_expect (&no_picture, 1, "*fbnet-scenes: *scene-000000.jpg*");
  g_autofree char *annotations = g_build_filename (f->set, "annotations.json", NULL);
  g_assert_false (g_file_test (annotations, G_FILE_TEST_EXISTS));

  g_assert_cmpint (g_mkdir_with_parents (annotations, 0777), ==, 0);
  g_auto (Command) no_annotations = command_run ("FBNET_SCENES", "-n", "1", "-o", f->set, NULL);
  command_expect (&no_annotations, 1, "*annotations.json: cannot remove this file: *");
}

#define ADD(name, func) g_test_add ("/fbnet-scenes/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("set", test_set);
  ADD ("again", test_again);
  ADD ("codes", test_codes);
  ADD ("sheet", test_sheet);
  ADD ("usage", test_usage);
  ADD ("unwritable", test_unwritable);
  return g_test_run ();
}
