/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-train on classifiers, as its users call it: a small one learns stripes from folders; a run that was
 * killed ends with the same bytes; names decide which rows are kept; a detector begins with its trunk; what
 * cannot be learned from is refused with a sentence.
 */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "command.h"
#include "support/jsonfile.h"
#include "support/picture.h"
#include "tensors.h"

#define SIDE      44
#define N_OF_EACH 24 /* pictures of a class */

typedef struct {
  char *folder, *classes, *model;
} Room;

static Room room; /* what all tests share; each writes files of its own names */

static char *
path_of (const char *name)
{
  return g_build_filename (room.folder, name, NULL);
}

/* --- Pictures --------------------------------------------------------------------------------- */

static guint8
noisy (GRand *random, gboolean light, gint shade)
{
  return (guint8) CLAMP ((light ? 150 : 60) + shade + g_rand_int_range (random, -20, 20), 0, 255);
}

/* Stripes that lie, stand, or cross, of a colour, a width and a place of their own. */
static void
draw (Picture *picture, guint kind, GRand *random)
{
  const guint width = (guint) g_rand_int_range (random, 3, 6);
  const guint shift = (guint) g_rand_int_range (random, 0, 12);
  const gint shades[] = { g_rand_int_range (random, -40, 80), g_rand_int_range (random, -40, 80),
    g_rand_int_range (random, -40, 80) };

  for (guint y = 0; y < picture->height; y++) {
    for (guint x = 0; x < picture->width; x++) {
      const gboolean row = ((y + shift) / width) % 2, column = ((x + shift) / width) % 2;
      const gboolean light = kind == 0 ? row : kind == 1 ? column : row != column;
      for (guint c = 0; c < 3; c++)
        picture->pixels[3 * ((gsize) y * picture->width + x) + c] =
            noisy (random, light, shades[c]);
    }
  }
}

/* A folder of pictures of the kind. */
static void
write_class (const char *folder, const char *name, guint kind, guint n)
{
  g_autofree char *class = g_build_filename (folder, name, NULL);
  GRand *random = g_rand_new_with_seed (kind + 1);

  g_assert_cmpint (g_mkdir_with_parents (class, 0755), ==, 0);
  for (guint i = 0; i < n; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (Picture) picture = picture_new (SIDE + i % 3, SIDE, "stripes", &error);
    g_autofree char *file = g_strdup_printf ("%s/%u.png", class, i);
    draw (picture, kind, random);
    g_assert_true (picture_write_png (picture, file, &error));
    g_assert_no_error (error);
  }
  g_rand_free (random);
}

static void
room_open (void)
{
  room.folder = folder_new ();
  room.classes = path_of ("classes");
  room.model = g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-cls.safetensors", NULL);
  write_class (room.classes, "lying", 0, N_OF_EACH);
  write_class (room.classes, "standing", 1, N_OF_EACH);
  write_class (room.classes, "disc", 2, N_OF_EACH); /* the model has a class of this name */
}

static void
room_close (void)
{
  folder_remove (room.folder);
  g_free (room.classes);
  g_free (room.model);
}

/* --- Running ---------------------------------------------------------------------------------- */

#define USUAL                                                                                      \
  "--threads 2 --batch 12 --warmup 5 --freeze 0 --rate 0.02 --ema 0.9 --checkpoint-period 5"

static char *
line_of (const char *options)
{
  return g_strdup_printf ("%s %s", g_getenv ("FBNET_TRAIN"), options);
}

/* What it said. */
static char *
expect_said (const char *options, int code, const char *err)
{
  g_autofree char *line = line_of (options);
  g_auto (Command) command = command_run_line (line);

  g_test_message ("%s: %s", options, command.err);
  command_expect (&command, code, err);
  return g_steal_pointer (&command.err);
}

static void
expect (const char *options, int code, const char *err)
{
  g_free (expect_said (options, code, err));
}

/* On the room's pictures, unless the options name others behind them. */
static char *
usual (const char *output, const char *options)
{
  return g_strdup_printf ("--model %s --images %s --output %s " USUAL " %s", room.model,
      room.classes, output, options);
}

static void
expect_usual (const char *output, const char *options, int code, const char *err)
{
  g_autofree char *all = usual (output, options);

  expect (all, code, err);
}

static void
assert_same_files (const char *one, const char *other)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *a = NULL, *b = NULL;
  gsize n_a, n_b;

  g_file_get_contents (one, &a, &n_a, &error);
  g_assert_no_error (error);
  g_file_get_contents (other, &b, &n_b, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (a, n_a, b, n_b);
}

/* --- Learning --------------------------------------------------------------------------------- */

/* Stripes are told apart after a few steps; what comes of it is the best model, has the folders' names, and
 * fbnet-classify runs it. */
static void
test_learns (void)
{
  g_autofree char *output = path_of ("learned.safetensors"), *log = path_of ("learned.log");
  g_autofree char *best = g_strconcat (output, ".best", NULL);
  g_autofree char *options = g_strdup_printf ("--iterations 100 --rate 0.06 --val-split 0.25 "
                                              "--val-period 50 --label-smoothing 0.1 --log %s",
      log);
  g_autofree char *picture = g_build_filename (room.classes, "standing", "3.png", NULL);

  g_autofree char *all = usual (output, options);
  g_autofree char *said = expect_said (all, 0,
      "*54 pictures of 3 classes*1 of 3 classes keep what *tiny-cls.safetensors knows of them: "
      "disc;*100 steps of 12 pictures*evaluated on 18 pictures every 50 steps*step 0: accuracy "
      "*step 100: accuracy *the best was *is written*");
  g_assert_cmpfloat (g_ascii_strtod (strstr (said, "the best was ") + strlen ("the best was "),
                         NULL),
      >=, 0.85);
  g_assert_cmpuint (count_lines (log), ==, 100);
  assert_same_files (best, output);
  g_auto (Command) command =
      command_run ("FBNET_CLASSIFY", "--model", output, "--top", "1", picture, NULL);
  command_expect (&command, 0, "*");
  g_assert_nonnull (strstr (command.out, "standing"));
}

/* Pictures to evaluate with in a folder of their own: all of them of classes that are trained, and all of them
 * to be read. */
static void
test_validation (void)
{
  g_autofree char *output = path_of ("val.safetensors"), *val = path_of ("val");
  g_autofree char *strange = path_of ("strange"), *broken = path_of ("val-broken");
  g_autofree char *good = g_strdup_printf ("--iterations 2 --val-images %s", val);
  g_autofree char *unknown = g_strdup_printf ("--iterations 2 --val-images %s", strange);
  g_autofree char *unreadable = g_strdup_printf ("--iterations 2 --val-images %s", broken);

  write_class (val, "standing", 1, 4);
  write_class (strange, "standing", 1, 1);
  write_class (strange, "zebra", 1, 1);
  write_class (broken, "standing", 1, 1);
  g_free (write_text (broken, "standing/broken.png", "no picture"));
  expect_usual (output, good, 0, "*evaluated on 4 pictures*step 2: accuracy*is written*");
  expect_usual (output, unknown, 1,
      "*strange/zebra: expected pictures of a class that the model has (the first is \"disc\")*");
  expect_usual (output, unreadable, 1, "*standing/broken.png*");
}

/* --- The same bytes --------------------------------------------------------------------------- */

#define N_LONG 150

/* A run that was killed goes on from its last checkpoint and ends with the same bytes, augmented pictures
 * and evaluations included. */
static void
test_killed (void)
{
  g_autofree char *whole = path_of ("whole.safetensors"), *broken = path_of ("broken.safetensors");
  g_autofree char *log = path_of ("broken.log");
  g_autofree char *common = g_strdup_printf ("--iterations %d --val-split 0.25 --val-period 30 "
                                             "--patience 0 --zoom-in 0.4 --brightness 0.2 --cutout "
                                             "0.3 --label-smoothing 0.05",
      N_LONG);
  g_autofree char *options = usual (broken, common);
  g_autofree char *resume = g_strconcat (options, " --resume", NULL);

  expect_usual (whole, common, 0, "*is written*");
  g_autofree char *logged = g_strdup_printf ("%s --log %s", options, log);
  g_autofree char *line = line_of (logged);
  command_break_off (line, broken, log, N_LONG, SIGKILL);
  expect (resume, 0, "*going on after*is written*");
  assert_same_files (whole, broken);
  g_autofree char *other = g_strconcat (resume, " --label-smoothing 0.2", NULL);
  expect (other, 1, "*found label_smoothing=0.2 where it had label_smoothing=0.05*");
}

/* --- What a model begins with ----------------------------------------------------------------- */

static const FbnetTensorView *
tensor_of (const TensorList *list, const char *name)
{
  const FbnetTensorView *view = tensor_list_find (list, name);

  if (view == NULL)
    g_error ("expected a tensor %s, found none", name);
  return view;
}

#define STILL "--iterations 1 --rate 1e-30 --norm-statistics stored --ema 0"

/* The row of a class goes where its name is; the others are new, the trunk stays. */
static void
test_kept_classes (void)
{
  g_autofree char *output = path_of ("kept.safetensors");
  g_autoptr (GError) error = NULL;

  expect_usual (output, STILL, 0, "*is written*");
  g_autoptr (TensorList) before = tensor_list_load (room.model, &error);
  g_autoptr (TensorList) after = tensor_list_load (output, &error);
  g_assert_no_error (error);
  const FbnetTensorView *old = tensor_of (before, "head.conv.weight");
  const FbnetTensorView *new = tensor_of (after, "head.conv.weight");
  const gsize row = old->n_bytes / old->shape[0];
  /* cross, disc, ring became disc, lying, standing. */
  g_assert_cmpmem (new->data, row, (const char *) old->data + row, row);
  g_assert_cmpint (memcmp ((const char *) new->data + row, (const char *) old->data + row, row), !=,
      0);
  const char *trunk = "backbone.stages.xif3_0.dw.conv.weight";
  g_assert_cmpmem (tensor_of (after, trunk)->data, tensor_of (after, trunk)->n_bytes,
      tensor_of (before, trunk)->data, tensor_of (before, trunk)->n_bytes);
}

/* The classifier's trunk but for its last block, divided into stages as detectors are. */
static cJSON *
detector_description (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = test_model_path ();
  FbnetModel *detector = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  cJSON *description = cJSON_Parse (fbnet_model_get_description (detector));
  cJSON *architecture = cJSON_GetObjectItem (description, "architecture");
  cJSON_ReplaceItemInObject (architecture, "trunk",
      cJSON_Parse ("[[[\"conv_k3_hs\", 8, 2, 1], [\"ir_k3\", 8, 1, 1, {\"expansion\": 1}]], "
                   "[[\"ir_k5\", 16, 2, 1, {\"expansion\": 3}], "
                   "[\"ir_k3_g2\", 16, 1, 1, {\"expansion\": 2}, {\"pwl_groups\": 2}]], "
                   "[[\"ir_k5_sehsig_hs\", 24, 2, 1, {\"expansion\": 2}]], "
                   "[[\"ir_k5_hs\", 32, 2, 1, {\"expansion\": 1}]]]"));
  fbnet_model_unref (detector);
  return description;
}

static char *
write_description (const char *name)
{
  cJSON *description = detector_description ();
  g_autofree char *text = cJSON_PrintUnformatted (description);

  cJSON_Delete (description);
  return write_text (room.folder, name, text);
}

static char *
write_annotations (void)
{
  return write_text (room.folder, "one.json",
      "{\"images\": [{\"id\": 1, \"file_name\": \"1.png\", \"width\": 45, \"height\": 44}], "
      "\"categories\": [{\"id\": 1, \"name\": \"disc\"}], \"annotations\": [{\"id\": 1, "
      "\"image_id\": 1, \"category_id\": 1, \"bbox\": [5, 5, 20, 20], \"area\": 400, "
      "\"segmentation\": [[5, 5, 25, 5, 25, 25, 5, 25]], \"iscrowd\": 0}]}");
}

/* A detector of the same trunk begins with the classifier's, whose layers have other names, up to the first
 * block that is another; what the classifier knows of a class of the same name is nothing for it. */
static void
test_trunk (void)
{
  static const char *const pairs[][2] = {
    { "backbone.body.trunk0.fbnetv2_0_0.conv.weight", "backbone.stages.xif0_0.conv.weight" },
    { "backbone.body.trunk0.fbnetv2_0_0.bn.running_var", "backbone.stages.xif0_0.bn.running_var" },
    { "backbone.body.trunk0.fbnetv2_0_1.dw.conv.weight", "backbone.stages.xif1_0.dw.conv.weight" },
    { "backbone.body.trunk1.fbnetv2_1_1.pwl.conv.weight",
        "backbone.stages.xif2_1.pwl.conv.weight" },
    { "backbone.body.trunk2.fbnetv2_2_0.se.se.1.bias", "backbone.stages.xif3_0.se.se.1.bias" },
  };
  g_autofree char *output = path_of ("detector.safetensors"), *set = write_annotations ();
  g_autofree char *description = write_description ("detector.json");
  g_autofree char *options = g_strdup_printf (
      "--description %s --model %s --annotations %s --images %s/disc --output %s --batch 1 " STILL,
      description, room.model, set, room.classes, output);
  g_autoptr (GError) error = NULL;

  expect (options, 0,
      "*backbone.body.trunk3.fbnetv2_3_0.dw.conv.weight begins at random*cls_score.weight begins "
      "at "
      "random*is written*");
  g_autoptr (TensorList) before = tensor_list_load (room.model, &error);
  g_autoptr (TensorList) after = tensor_list_load (output, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    const FbnetTensorView *a = tensor_of (after, pairs[i][0]);
    const FbnetTensorView *b = tensor_of (before, pairs[i][1]);
    g_assert_cmpmem (a->data, a->n_bytes, b->data, b->n_bytes);
  }
}

/* --- What is refused -------------------------------------------------------------------------- */

static void
test_usage (void)
{
  g_autofree char *output = path_of ("usage.safetensors"), *set = write_annotations ();
  g_autofree char *detector = test_model_path ();
  g_autofree char *annotations = g_strdup_printf ("--annotations %s", set);
  g_autofree char *folders = g_strdup_printf ("--model %s", detector);
  g_autofree char *smooth =
      g_strdup_printf ("--model %s --annotations %s --label-smoothing 0.1", detector, set);
  const struct {
    const char *options, *err;
  } cases[] = {
    { annotations, "*--annotations: expected a detector, found a classifier, which learns from*" },
    { folders, "*--images: expected a classifier, or --annotations FILE beside it*" },
    { smooth, "*--label-smoothing: expected a classifier, found a detector*" },
    { "--label-smoothing 1", "*expected a --label-smoothing from 0 to below 1*" },
    { "--label-smoothing nan", "*expected a --label-smoothing from 0 to below 1*" },
    { "--keep", "*--keep: expected a detector, found a classifier*" },
    { "--mosaic 0.5", "*--mosaic: expected a detector, found a classifier*" },
    { "--sizes 64", "*--sizes: expected a detector, found a classifier*" },
    { "--score-threshold 0.3", "*--score-threshold: expected a detector, found a classifier*" },
    { "--images more", "*or for a classifier one --images DIR alone*" },
    { "--val-annotations a.json", "*--val-annotations: expected --annotations, too*" },
    { "--val-split 0.2 --val-images v", "*expected one of --val-split and --val-images*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    expect_usual (output, cases[i].options, 2, cases[i].err);
  g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));
}

/* The run on this folder instead. */
static void
expect_folder (const char *folder, int code, const char *err)
{
  g_autofree char *output = path_of ("folders.safetensors");
  g_autofree char *options =
      g_strdup_printf ("--model %s --images %s --output %s " USUAL " --iterations 2", room.model,
          folder, output);

  expect (options, code, err);
}

/* Folders that are missing, empty, or of one class; pictures that are none. */
static void
test_folders (void)
{
  g_autofree char *missing = path_of ("missing"), *one = path_of ("one-class");
  g_autofree char *empty = path_of ("empty-class"), *files = path_of ("files");
  g_autofree char *mixed = path_of ("mixed"), *none = path_of ("no-class");
  g_autofree char *nothing = g_build_filename (empty, "nothing", NULL);
  g_autofree char *broken = path_of ("all-broken");

  expect_folder (missing, 1,
      "*missing: expected a folder with a folder of pictures for each class: *");
  g_assert_cmpint (g_mkdir (none, 0755), ==, 0);
  expect_folder (none, 1,
      "*no-class: expected a folder of pictures for each class, found an empty*");
  write_class (one, "lying", 0, 2);
  expect_folder (one, 1, "*one-class: expected folders of at least two classes, found one: lying*");
  write_class (empty, "lying", 0, 2);
  g_assert_cmpint (g_mkdir (nothing, 0755), ==, 0);
  expect_folder (empty, 1,
      "*empty-class/nothing: expected pictures of a class (.jpg, .jpeg, .png), found an empty*");
  write_class (files, "lying", 0, 2);
  g_free (write_text (empty, "nothing/note.txt", "nothing"));
  expect_folder (empty, 1, "*empty-class/nothing: expected pictures of a class *other files only*");
  g_autofree char *flat = g_build_filename (files, "lying", NULL);
  expect_folder (flat, 1,
      "*lying: expected a folder of pictures for each class, found files only*");

  /* What is no picture is told of, and what cannot be read is another's place. */
  write_class (mixed, "lying", 0, 5);
  write_class (mixed, "standing", 1, 5);
  g_free (write_text (mixed, "standing/note.txt", "nothing"));
  g_free (write_text (mixed, "standing/broken.png", "no picture"));
  expect_folder (mixed, 0,
      "*1 file in the folders of classes that is no .jpg, .jpeg or .png*note.txt*11 pictures of 2 "
      "classes*1 picture that cannot be read: another takes its place*broken.png*is written*");
  for (guint i = 0; i < 2; i++) {
    g_autofree char *class = g_strdup_printf ("%s/%u", broken, i);
    g_assert_cmpint (g_mkdir_with_parents (class, 0755), ==, 0);
    g_free (write_text (class, "a.png", "no picture"));
  }
  expect_folder (broken, 1,
      "*expected a data set of pictures, found that none of its 2 can be used: 2 pictures that "
      "cannot "
      "be read*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  room_open ();
  g_test_add_func ("/training/classes/learns", test_learns);
  g_test_add_func ("/training/classes/validation", test_validation);
  g_test_add_func ("/training/classes/killed", test_killed);
  g_test_add_func ("/training/classes/kept-classes", test_kept_classes);
  g_test_add_func ("/training/classes/trunk", test_trunk);
  g_test_add_func ("/training/classes/usage", test_usage);
  g_test_add_func ("/training/classes/folders", test_folders);
  const int status = g_test_run ();
  room_close ();
  return status;
}
