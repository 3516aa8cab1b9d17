/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-quantize as its users run it, on the project's own small model.
 */
#include <string.h>

#include "command.h"
#include "fbnet/fbnet.h"

#define N_PICTURES 3

typedef struct {
  char *folder, *pictures; /* the latter inside the former */
  char *model, *output;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = folder_new ();
  f->pictures = folder_new ();
  f->model = test_model_path ();
  f->output = g_build_filename (f->folder, "int8.safetensors", NULL);
  for (guint i = 0; i < N_PICTURES; i++) {
    g_autofree char *name = g_strdup_printf ("%u.png", i);
    g_free (write_picture (f->pictures, name, 320, 200 + i));
  }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  folder_remove (f->folder);
  folder_remove (f->pictures);
  g_free (f->model);
  g_free (f->output);
}

static void
expect_line (const Command *command, const char *pattern)
{
  g_autofree char *anywhere = g_strconcat ("*", pattern, "*", NULL);

  if (!g_pattern_match_simple (anywhere, command->out))
    g_error ("expected a line like \"%s\", found:\n%s", pattern, command->out);
}

static gsize
file_size (const char *path)
{
  g_autofree char *bytes = NULL;
  gsize size = 0;

  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  return size;
}

/* The written model is smaller, runs in int8 unless told otherwise, and the report says what it is. */
static void
test_quantize (Fixture *f, gconstpointer data)
{
  g_autofree char *picture = g_build_filename (f->pictures, "0.png", NULL);
  g_auto (Command) quantize =
      command_run ("FBNET_QUANTIZE", "-m", f->model, "-i", f->pictures, "-o", f->output, NULL);

  command_expect (&quantize, 0, "*3 pictures watched in *");
  expect_line (&quantize, "ranges    mse of 3 pictures\n");
  expect_line (&quantize, "int8      * blocks and layers with * % of the weights\n");
  expect_line (&quantize, "a predictor's steps would show:\n*rpn_regressor.cls_logits (*");
  expect_line (&quantize, "file      * MiB to * MiB\n");
  g_assert_null (strstr (quantize.out, "activations"));
  g_assert_cmpuint (file_size (f->output), <, file_size (f->model));
  g_auto (Command) detect = command_run ("FBNET_DETECT", "-m", f->output, picture, NULL);
  command_expect (&detect, 0, "");
  expect_line (&detect, "\"precision\":\"int8\"");
  g_auto (Command) model = command_run ("FBNET_MODEL", f->output, NULL);
  command_expect (&model, 0, "");
  expect_line (&model,
      "quantization\n  scheme               int8\n  bias                 wide\n  activations       "
      "   * tensors of bytes\n");
  g_auto (Command) again =
      command_run ("FBNET_QUANTIZE", "-m", f->output, "-i", f->pictures, "-o", f->output, NULL);
  command_expect (&again, 1, "*expected a float model, found one that is quantised*");
}

/* Sizes, counts and thresholds that are given go into the file. */
static void
test_written (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_auto (Command) quantize = command_run ("FBNET_QUANTIZE", "-m", f->model, "-i", f->pictures,
      "-o", f->output, "--min-size", "96", "--max-size", "128", "--post-nms-count", "11",
      "--score-threshold", "0.25", NULL);
  FbnetParams params;

  command_expect (&quantize, 0, "*");
  g_autoptr (FbnetModel) model = fbnet_model_load (f->output, &error);
  g_assert_no_error (error);
  fbnet_model_get_params (model, &params);
  g_assert_cmpuint (params.min_size, ==, 96);
  g_assert_cmpuint (params.max_size, ==, 128);
  g_assert_cmpuint (params.post_nms_count, ==, 11);
  g_assert_cmpfloat (params.score_threshold, ==, 0.25f);
}

/* Each method is said in the report, and in the file. */
static void
test_methods (Fixture *f, gconstpointer data)
{
  static const char *const methods[] = { "mse", "percentile", "min-max" };

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++) {
    g_autofree char *line = g_strdup_printf ("ranges    %s of 3 pictures\n", methods[i]);
    g_autofree char *kept = g_strdup_printf ("%s ranges of 3 pictures", methods[i]);
    g_autoptr (GError) error = NULL;
    g_auto (Command) quantize = command_run ("FBNET_QUANTIZE", "-m", f->model, "-i", f->pictures,
        "-o", f->output, "--method", methods[i], "--all", NULL);
    command_expect (&quantize, 0, "*");
    expect_line (&quantize, line);
    g_autoptr (FbnetModel) model = fbnet_model_load (f->output, &error);
    g_assert_no_error (error);
    g_assert_nonnull (strstr (fbnet_model_get_description (model), kept));
  }
}

/* --verbose: a line for every tensor of bytes. */
static void
test_verbose (Fixture *f, gconstpointer data)
{
  g_auto (Command) quantize = command_run ("FBNET_QUANTIZE", "-m", f->model, "-i", f->pictures,
      "-o", f->output, "--verbose", NULL);

  command_expect (&quantize, 0, "*3 pictures compared in *");
  expect_line (&quantize, "least       most       from         to   bytes  tensor   worst  name\n");
  expect_line (&quantize, "  backbone.body.trunk0.fbnetv2_0_0.conv\n");
}

/* A picture that cannot be read costs a sentence and the exit status; the model is made of the rest. */
static void
test_broken_picture (Fixture *f, gconstpointer data)
{
  g_free (write_text (f->pictures, "broken.png", "no picture"));
  g_free (write_text (f->pictures, "notes.txt", "not looked at"));
  g_auto (Command) quantize =
      command_run ("FBNET_QUANTIZE", "-m", f->model, "-i", f->pictures, "-o", f->output, NULL);
  command_expect (&quantize, 1, "*broken.png: *");
  expect_line (&quantize, "of 3 pictures\n");
}

/* Pictures of folders in the folder count, whatever their names. */
static void
test_sub_folders (Fixture *f, gconstpointer data)
{
  g_autofree char *sub = g_build_filename (f->pictures, "it's a \"set\"", "train", NULL);

  g_assert_cmpint (g_mkdir_with_parents (sub, 0777), ==, 0);
  g_free (write_picture (sub, "a b.PNG", 320, 210));
  g_auto (Command) quantize =
      command_run ("FBNET_QUANTIZE", "-m", f->model, "-i", f->pictures, "-o", f->output, NULL);
  command_expect (&quantize, 0, "*4 pictures watched in *");
}

static void
test_no_pictures (Fixture *f, gconstpointer data)
{
  g_auto (Command) none =
      command_run ("FBNET_QUANTIZE", "-m", f->model, "-i", f->folder, "-o", f->output, NULL);

  command_expect (&none, 1,
      "*: expected a folder of pictures (.jpg, .jpeg, .png), found none in it*");
  g_assert_false (g_file_test (f->output, G_FILE_TEST_EXISTS));
  g_auto (Command) absent =
      command_run ("FBNET_QUANTIZE", "-m", f->model, "-i", "/nowhere", "-o", f->output, NULL);
  command_expect (&absent, 1,
      "*/nowhere: expected a folder of pictures (.jpg, .jpeg, .png), found none*");
}

/* What cannot be written is told of before a picture is looked at. */
static void
test_unwritable (Fixture *f, gconstpointer data)
{
  g_autofree char *below = g_build_filename (f->model, "below", NULL);
  const char *const wrong[] = { below, f->folder };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_auto (Command) command =
        command_run ("FBNET_QUANTIZE", "-m", f->model, "-i", f->pictures, "-o", wrong[i], NULL);
    g_autofree char *sentence = g_strdup_printf ("*%s: cannot be written: *", wrong[i]);
    command_expect (&command, 1, sentence);
    g_assert_null (strstr (command.err, "pictures watched"));
  }
}

/* What is wrong with a command line is said, and nothing is run. */
static void
test_usage (Fixture *f, gconstpointer data)
{
  static const char *const wrong[][3] = {
    { "--method", "best", "*--method: expected mse, percentile or min-max*" },
    { "--percentile", "20", "*--percentile: expected more than 50, at most 100*" },
    { "--annotations", "a.json", "*--annotations: expected --eval-images too, found none*" },
    { "--min-size", "0", "*--min-size: expected 1 … 8192*, found 0*" },
    { "--threads", "-1", "*--threads: expected 0 … 256, found -1*" },
    { "--kernels", "abacus", "*abacus*" },
    { "picture.png", "another.png", "*expected options only, found 'picture.png'*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_auto (Command) command = command_run ("FBNET_QUANTIZE", "-m", f->model, "-i", f->pictures,
        "-o", f->output, wrong[i][0], wrong[i][1], NULL);
    command_expect (&command, 2, wrong[i][2]);
  }
  g_auto (Command) nothing = command_run ("FBNET_QUANTIZE", NULL);
  command_expect (&nothing, 2, "*--model: expected a model file, found none*");
}

/* --- Before and after ------------------------------------------------------------------------- */

static const char annotations[] =
    "{\"images\": [{\"id\": 1, \"file_name\": \"0.png\", \"width\": 320, \"height\": 200}],"
    "\"categories\": [%s],"
    "\"annotations\": [{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"iscrowd\": 0,"
    "\"area\": 100, \"bbox\": [1, 1, 10, 10]}]}";

/* A category for each of the model's classes, by its name or else its number. */
static char *
category_list (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  GString *list = g_string_new (NULL);

  for (guint c = 0; c < fbnet_model_get_n_classes (model); c++)
    g_string_append_printf (list, "%s{\"id\": %u, \"name\": \"%s\"}", c > 0 ? "," : "", c + 1,
        fbnet_model_get_label (model, c));
  return g_string_free (list, FALSE);
}

static void
test_accuracy (Fixture *f, gconstpointer data)
{
  g_autofree char *categories = category_list (f->model);
  g_autofree char *text = g_strdup_printf (annotations, categories);
  g_autofree char *set = write_text (f->folder, "set.json", text);
  g_auto (Command) quantize = command_run ("FBNET_QUANTIZE", "-m", f->model, "-i", f->pictures,
      "-o", f->output, "--annotations", set, "--eval-images", f->pictures, NULL);

  command_expect (&quantize, 0, "*1 pictures evaluated in *");
  expect_line (&quantize, "accuracy  on 1 annotated pictures, float32 to int8\n*bbox*AP * to *");
  g_auto (Command) wrong = command_run ("FBNET_QUANTIZE", "-m", f->model, "-i", f->pictures, "-o",
      f->output, "--annotations", f->model, "--eval-images", f->pictures, NULL);
  command_expect (&wrong, 1, "*");
}

#define ADD(name, func) g_test_add (name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/fbnet-quantize/quantize", test_quantize);
  ADD ("/fbnet-quantize/written", test_written);
  ADD ("/fbnet-quantize/methods", test_methods);
  ADD ("/fbnet-quantize/verbose", test_verbose);
  ADD ("/fbnet-quantize/broken-picture", test_broken_picture);
  ADD ("/fbnet-quantize/sub-folders", test_sub_folders);
  ADD ("/fbnet-quantize/no-pictures", test_no_pictures);
  ADD ("/fbnet-quantize/unwritable", test_unwritable);
  ADD ("/fbnet-quantize/usage", test_usage);
  ADD ("/fbnet-quantize/accuracy", test_accuracy);
  return g_test_run ();
}
