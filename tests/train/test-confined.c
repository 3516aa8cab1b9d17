/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Programs that read folders of pictures read these, links to others among them, and nothing else: a picture whose
 * name in the annotations leads out of its folder is not opened, unless --unconfined was asked for.
 */
#include <glib/gstdio.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "command.h"

typedef struct {
  char *folder, *pictures, *annotations, *model, *output;
} Fixture;

static const char truth[] =
    "{\"images\": [{\"id\": 1, \"file_name\": \"inside.png\", \"width\": 64, \"height\": 48},"
    "{\"id\": 2, \"file_name\": \"link.png\", \"width\": 64, \"height\": 48},"
    "{\"id\": 3, \"file_name\": \"../outside.png\", \"width\": 64, \"height\": 48}],"
    "\"categories\": [{\"id\": 1, \"name\": \"square\"}],"
    "\"annotations\": [{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"bbox\": [4, 4, 30, 30],"
    "\"area\": 900, \"iscrowd\": 0}, {\"id\": 2, \"image_id\": 2, \"category_id\": 1, \"bbox\": "
    "[9, 9, 30, 30], \"area\": 900, \"iscrowd\": 0}, {\"id\": 3, \"image_id\": 3, \"category_id\": "
    "1, "
    "\"bbox\": [9, 9, 30, 30], \"area\": 900, \"iscrowd\": 0}]}";

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = folder_new ();
  f->pictures = g_build_filename (f->folder, "pictures", NULL);
  f->model = test_model_path ();
  g_assert_cmpint (g_mkdir (f->pictures, 0700), ==, 0);
  g_autofree char *inside = write_picture (f->pictures, "inside.png", 64, 48);
  g_autofree char *linked = write_picture (f->folder, "linked.png", 64, 48);
  g_autofree char *outside = write_picture (f->folder, "outside.png", 64, 48);
  g_autofree char *link = g_build_filename (f->pictures, "link.png", NULL);
  g_autofree char *results = g_build_filename (f->folder, "results", NULL);
  g_assert_cmpint (symlink (linked, link), ==, 0);
  g_assert_cmpint (g_mkdir (results, 0700), ==, 0);
  f->annotations = write_text (f->pictures, "truth.json", truth);
  f->output = g_build_filename (results, "model.safetensors", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  folder_remove (f->folder);
  g_free (f->pictures);
  g_free (f->annotations);
  g_free (f->model);
  g_free (f->output);
}

static Command
run (const Fixture *f, const char *program, const char *last)
{
  if (strcmp (program, "FBNET_QUANTIZE") == 0)
    return command_run (program, "-m", f->model, "-i", f->pictures, "-o", f->output, "--min-size",
        "40", last, NULL);
  if (strcmp (program, "FBNET_EVAL") == 0)
    return command_run (program, f->annotations, "-m", f->model, "--images", f->pictures, last,
        NULL);
  return command_run (program, "--model", f->model, "--annotations", f->annotations, "--images",
      f->pictures, "--iterations", "2", "--batch", "1", "--output", f->output, last, NULL);
}

static void
check (Fixture *f, gconstpointer program)
{
  g_auto (Command) confined = run (f, program, NULL);
  g_auto (Command) unconfined = run (f, program, "--unconfined");

  command_expect (&unconfined, 0, "*");
  g_assert_null (strstr (unconfined.err, "link.png"));
  g_assert_null (strstr (unconfined.err, "outside.png"));
  if (syscall (SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1) {
    g_test_skip ("no Landlock here");
    return;
  }
  if (strcmp (program, "FBNET_QUANTIZE") != 0) /* reads the folder, and no annotations */
    g_assert_nonnull (strstr (confined.err, "outside.png"));
  g_assert_null (strstr (confined.err, "link.png"));
  g_assert_null (strstr (confined.err, "inside.png"));
}

int
main (int argc, char *argv[])
{
  static const char *const programs[][2] = { { "/confined/eval", "FBNET_EVAL" },
    { "/confined/quantize", "FBNET_QUANTIZE" }, { "/confined/train", "FBNET_TRAIN" } };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    if (g_getenv (programs[i][1]) != NULL)
      g_test_add (programs[i][0], Fixture, programs[i][1], set_up, check, tear_down);
  return g_test_run ();
}
