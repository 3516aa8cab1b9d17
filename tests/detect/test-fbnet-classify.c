/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-classify as its users see it, on a model whose answers can be worked out by hand; and what
 * the other tools make of a classifier.
 */
#include <math.h>
#include <string.h>

#include "command.h"
#include "support/jsonfile.h"
#include "support/picture.h"
#include "detect/ranking.h"

/* The network sees 8×8 pixels; its one convolution hands the channels on, and the logits are four
 * times each channel's mean: class 0 is red, 1 green, 2 blue. */

static const char description[] =
    "{\"format\": \"fbnet-model\", \"version\": 1, \"name\": \"colours\","
    " \"task\": \"classification\","
    " \"input\": {\"channel_order\": \"RGB\", \"mean\": [0, 0, 0], \"std\": [255, 255, 255],"
    " \"resize\": 10, \"crop\": 8},"
    " \"architecture\": {\"name\": \"colours\", \"norm\": {\"name\": \"none\"},"
    " \"trunk\": [[[\"conv_k1\", 3, 1, 1]]]},"
    " \"backbone\": {\"prefix\": \"backbone.stages\"}, \"head\": {\"n_classes\": 3}%s}";

static const float identity[] = { 1, 0, 0, 0, 1, 0, 0, 0, 1 };
static const float gains[] = { 4, 0, 0, 0, 4, 0, 0, 0, 4 };
static const float zeros[] = { 0, 0, 0 };

typedef struct {
  char *folder, *model, *red, *blue;
} Fixture;

static char *
write_model (const char *folder, const char *name, const char *more)
{
  const FbnetTensorView tensors[] = {
    { "backbone.stages.xif0_0.conv.weight", FBNET_DTYPE_F32, 4, { 3, 3, 1, 1 }, identity,
        sizeof identity },
    { "backbone.stages.xif0_0.conv.bias", FBNET_DTYPE_F32, 1, { 3 }, zeros, sizeof zeros },
    { "head.conv.weight", FBNET_DTYPE_F32, 4, { 3, 3, 1, 1 }, gains, sizeof gains },
    { "head.conv.bias", FBNET_DTYPE_F32, 1, { 3 }, zeros, sizeof zeros },
  };
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strdup_printf (description, more);
  char *path = g_build_filename (folder, name, NULL);

  fbnet_model_write (path, text, tensors, G_N_ELEMENTS (tensors), &error);
  g_assert_no_error (error);
  return path;
}

/* A picture of one colour, 0…255. */
static char *
write_colour (const char *folder, const char *name, guint8 red, guint8 green, guint8 blue)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Picture) picture = picture_new (40, 30, name, &error);

  g_assert_no_error (error);
  for (gsize i = 0; i < 40 * 30; i++) {
    picture->pixels[3 * i] = red;
    picture->pixels[3 * i + 1] = green;
    picture->pixels[3 * i + 2] = blue;
  }
  char *path = g_build_filename (folder, name, NULL);
  picture_write_png (picture, path, &error);
  g_assert_no_error (error);
  return path;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = folder_new ();
  f->model = write_model (f->folder, "colours.safetensors", "");
  f->red = write_colour (f->folder, "red.png", 255, 102, 0);
  f->blue = write_colour (f->folder, "blue.png", 0, 0, 255);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  folder_remove (f->folder);
  g_free (f->model);
  g_free (f->red);
  g_free (f->blue);
}

/* --- Answers ---------------------------------------------------------------------------------- */

/* The text says, for each picture, number, probability and name of the classes, the likeliest first:
 * of red 1, green 0.4, blue 0 times 4 the softmax is known. */
static void
test_text (Fixture *f, gconstpointer data)
{
  g_autofree char *labels = write_text (f->folder, "names.txt", "red\ngreen\r\n  blue\n\n");
  g_auto (Command) command = command_run ("FBNET_CLASSIFY", "-m", f->model, "-k", "2", "--labels",
      labels, f->red, f->blue, NULL);
  const double sum = exp (4) + exp (1.6) + 1;
  g_autofree char *expected = g_strdup_printf ("%s\n       0  %.4f  red\n       1  %.4f  green\n"
                                               "%s\n       2  %.4f  blue\n       0  %.4f  red\n",
      f->red, exp (4) / sum, exp (1.6) / sum, f->blue, exp (4) / (exp (4) + 2), 1 / (exp (4) + 2));

  command_expect (&command, 0, "");
  g_assert_cmpstr (command.out, ==, expected);
}

/* JSON has one line a picture; all classes when fewer than asked for; no label where none is known. */
static void
test_json (Fixture *f, gconstpointer data)
{
  g_auto (Command) command =
      command_run ("FBNET_CLASSIFY", "-m", f->model, "--json", f->blue, NULL);

  command_expect (&command, 0, "");
  g_autoptr (cJSON) line = cJSON_Parse (command.out);
  const cJSON *classes = cJSON_GetObjectItem (line, "classes");
  g_assert_cmpstr (cJSON_GetStringValue (cJSON_GetObjectItem (line, "model")), ==, "colours");
  g_assert_cmpint (cJSON_GetObjectItem (line, "width")->valueint, ==, 40);
  g_assert_cmpint (cJSON_GetObjectItem (line, "height")->valueint, ==, 30);
  g_assert_cmpint (cJSON_GetArraySize (classes), ==, 3);
  static const int order[] = { 2, 0, 1 };
  double sum = 0;
  for (int i = 0; i < 3; i++) {
    const cJSON *found = cJSON_GetArrayItem (classes, i);
    g_assert_cmpint (cJSON_GetObjectItem (found, "class_id")->valueint, ==, order[i]);
    g_assert_false (cJSON_HasObjectItem (found, "label"));
    sum += cJSON_GetObjectItem (found, "probability")->valuedouble;
  }
  g_assert_cmpfloat_with_epsilon (sum, 1, 1e-6);
}

/* Without a file of labels the model's own are shown. */
static void
test_own_labels (Fixture *f, gconstpointer data)
{
  g_autofree char *model =
      write_model (f->folder, "named.safetensors", ", \"labels\": [\"rouge\", \"vert\", \"bleu\"]");
  g_auto (Command) command = command_run ("FBNET_CLASSIFY", "-m", model, "--top=1", f->blue, NULL);

  command_expect (&command, 0, "");
  g_assert_nonnull (strstr (command.out, "  bleu\n"));
}

/* The output is the same for any number of threads and on the plainest kernels. */
static void
test_threads (Fixture *f, gconstpointer data)
{
  g_auto (Command) one =
      command_run ("FBNET_CLASSIFY", "-m", f->model, "--threads=1", f->red, NULL);
  g_auto (Command) three =
      command_run ("FBNET_CLASSIFY", "-m", f->model, "--threads=3", f->red, NULL);
  g_auto (Command) plain =
      command_run ("FBNET_CLASSIFY", "-m", f->model, "--kernels=c", f->red, NULL);

  command_expect (&one, 0, "");
  g_assert_cmpstr (one.out, ==, three.out);
  g_assert_cmpstr (one.out, ==, plain.out);
}

/* Classes come by descending probability, equal ones by number. */
static void
test_order (void)
{
  const float probabilities[] = { 0.25f, 0.1f, 0.25f, 0.4f };
  static const guint expected[] = { 3, 0, 2, 1 };
  g_autofree guint *order = ranking_order (probabilities, G_N_ELEMENTS (probabilities));

  g_assert_cmpmem (order, sizeof expected, expected, sizeof expected);
}

/* --- Errors ----------------------------------------------------------------------------------- */

/* A wrong command line: status 2, a sentence, nothing on standard output. */
static void
test_usage (Fixture *f, gconstpointer data)
{
  const struct {
    const char *arguments[5];
    const char *expected;
  } cases[] = {
    { { NULL }, "fbnet-classify: --model: expected a model file*--help*" },
    { { "-m", f->model }, "fbnet-classify: expected at least one PICTURE*" },
    { { "--nonsense" }, "fbnet-classify: *nonsense*" },
    { { "-m", f->model, "--top=0", f->red }, "fbnet-classify: --top: *found 0*" },
    { { "-m", f->model, "--threads=-1", f->red }, "fbnet-classify: --threads: *found -1*" },
    { { "-m", f->model, "--kernels=abacus", f->red }, "fbnet-classify: *abacus*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const char *const *a = cases[i].arguments;
    g_auto (Command) command = command_run ("FBNET_CLASSIFY", a[0], a[1], a[2], a[3], NULL);
    command_expect (&command, 2, cases[i].expected);
    g_assert_cmpstr (command.out, ==, "");
  }
}

/* Bad files: status 1 and a sentence that names each; the pictures that can be read are done. */
static void
test_bad_files (Fixture *f, gconstpointer data)
{
  g_autofree char *text = write_text (f->folder, "text.png", "not a picture");
  g_auto (Command) some =
      command_run ("FBNET_CLASSIFY", "-m", f->model, "absent.png", text, f->red, NULL);

  command_expect (&some, 1,
      "fbnet-classify: absent.png: *\nfbnet-classify: *text.png: *PNG or JPEG*");
  g_assert_nonnull (strstr (some.out, "red.png\n       0  "));

  g_auto (Command) absent =
      command_run ("FBNET_CLASSIFY", "-m", "nowhere.safetensors", f->red, NULL);
  command_expect (&absent, 1, "fbnet-classify: *nowhere.safetensors*");
  g_autofree char *detector = test_model_path ();
  g_auto (Command) wrong = command_run ("FBNET_CLASSIFY", "-m", detector, f->red, NULL);
  command_expect (&wrong, 1, "fbnet-classify: *expected a classification model*fbnet-detect*");
  g_auto (Command) labels =
      command_run ("FBNET_CLASSIFY", "-m", f->model, "-l", "nowhere.txt", f->red, NULL);
  command_expect (&labels, 1, "fbnet-classify: nowhere.txt: no such file*");
  g_autofree char *two = write_text (f->folder, "two.txt", "red\ngreen\n");
  g_auto (Command) few = command_run ("FBNET_CLASSIFY", "-m", f->model, "-l", two, f->red, NULL);
  command_expect (&few, 1, "fbnet-classify: *two.txt: expected 3 labels*found 2*");
  g_autofree char *latin = write_text (f->folder, "latin.txt", "red\nvert\nbl\xe9u\n");
  g_auto (Command) coded =
      command_run ("FBNET_CLASSIFY", "-m", f->model, "-l", latin, f->red, NULL);
  command_expect (&coded, 1, "fbnet-classify: *latin.txt: expected UTF-8*");
}

/* --help names every option, --version the version. */
static void
test_help (void)
{
  static const char *const options[] = { "--model", "--labels", "--top", "--json", "--threads",
    "--kernels", "PICTURE" };
  g_auto (Command) help = command_run ("FBNET_CLASSIFY", "--help", NULL);

  command_expect (&help, 0, "");
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    if (strstr (help.out, options[i]) == NULL)
      g_error ("--help does not name %s", options[i]);
  g_auto (Command) version = command_run ("FBNET_CLASSIFY", "--version", NULL);
  command_expect (&version, 0, "");
  g_assert_cmpstr (version.out, ==, "fbnet-classify " FBNET_VERSION "\n");
}

/* --- Other tools ------------------------------------------------------------------------------ */

/* fbnet-model prints a classifier's layers, with all of its parameters and its multiply-adds: 9 for
 * each of 8×8 pixels and 9 for the logits. */
static void
test_model (Fixture *f, gconstpointer data)
{
  static const char *const expected[] = { "classification of 3 classes", "\nhead\n", "crop ",
    "backbone.stages.xif0_0", "head.conv", "\nlabels\n  none\n" };
  g_auto (Command) text = command_run ("FBNET_MODEL", f->model, NULL);

  command_expect (&text, 0, "");
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    if (strstr (text.out, expected[i]) == NULL)
      g_error ("expected %s in: %s", expected[i], text.out);
  g_auto (Command) json = command_run ("FBNET_MODEL", "--json", f->model, NULL);
  command_expect (&json, 0, "");
  g_autoptr (cJSON) object = cJSON_Parse (json.out);
  double parameters = 0;
  const cJSON *layer;
  cJSON_ArrayForEach (layer, cJSON_GetObjectItem (object, "layers")) parameters +=
      cJSON_GetObjectItem (layer, "n_parameters")->valuedouble;
  g_assert_cmpfloat (parameters, ==, 24);
  g_assert_cmpfloat (cJSON_GetObjectItem (object, "n_parameters")->valuedouble, ==, 24);
  g_assert_cmpfloat (cJSON_GetObjectItem (object, "multiply_adds")->valuedouble, ==, 9 * 8 * 8 + 9);
}

/* fbnet-detect refuses a classifier and says which tool runs it. */
static void
test_detect (Fixture *f, gconstpointer data)
{
  g_auto (Command) command = command_run ("FBNET_DETECT", "-m", f->model, f->red, NULL);

  command_expect (&command, 1, "fbnet-detect: *expected a detection model*fbnet-classify*");
}

#define ADD(name, function) g_test_add (name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/fbnet-classify/text", test_text);
  ADD ("/fbnet-classify/json", test_json);
  ADD ("/fbnet-classify/own-labels", test_own_labels);
  ADD ("/fbnet-classify/threads", test_threads);
  g_test_add_func ("/fbnet-classify/order", test_order);
  ADD ("/fbnet-classify/usage", test_usage);
  ADD ("/fbnet-classify/bad-files", test_bad_files);
  g_test_add_func ("/fbnet-classify/help", test_help);
  ADD ("/fbnet-classify/fbnet-model", test_model);
  ADD ("/fbnet-classify/fbnet-detect", test_detect);
  return g_test_run ();
}
