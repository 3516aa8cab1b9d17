/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-eval as its users run it, on the project's own set of random objects and small model.
 */
#include <math.h>
#include <string.h>

#include "command.h"
#include "support/jsonfile.h"
#include "support/picture.h"

typedef struct {
  char *folder;
  char *truth, *results, *keypoints; /* files of the set */
  cJSON *expected;
} Fixture;

static char *
write_member (const Fixture *f, const cJSON *set, const char *member, const char *name)
{
  g_autofree char *text = json_print_line (cJSON_GetObjectItemCaseSensitive (set, member));

  return write_text (f->folder, name, text);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_TEST_DATA"), "coco.json", NULL);
  g_autoptr (cJSON) set = json_read (path, &error);

  g_assert_no_error (error);
  f->folder = folder_new ();
  f->truth = write_member (f, set, "truth", "truth.json");
  f->results = write_member (f, set, "results", "results.json");
  f->keypoints = write_member (f, set, "keypoint results", "keypoints.json");
  f->expected = cJSON_DetachItemFromObjectCaseSensitive (set, "expected");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  folder_remove (f->folder);
  g_free (f->truth);
  g_free (f->results);
  g_free (f->keypoints);
  cJSON_Delete (f->expected);
}

static double
number (const cJSON *object, const char *kind, const char *name)
{
  double value = NAN;
  g_autoptr (GError) error = NULL;

  json_get_number (cJSON_GetObjectItemCaseSensitive (object, kind), name, &value, kind, &error);
  g_assert_no_error (error);
  return value;
}

static cJSON *
parse_line (const Command *command)
{
  cJSON *line = cJSON_Parse (command->out);

  if (line == NULL)
    g_error ("expected a line of JSON, found: %s", command->out);
  return line;
}

/* The JSON line carries what both files have, boxes and masks here, with pycocotools' numbers; classes
 * only when asked for, null where nothing is defined. */
static void
test_json (Fixture *f, gconstpointer data)
{
  g_auto (Command) command =
      command_run ("FBNET_EVAL", f->truth, "--results", f->results, "--json", "--per-class", NULL);

  command_expect (&command, 0, "*reaches beyond the picture*");
  g_autoptr (cJSON) line = parse_line (&command);
  static const char *const names[] = { "AP", "AP75", "APm", "AR1", "ARl" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_assert_cmpfloat_with_epsilon (number (line, "bbox", names[i]),
        number (f->expected, "bbox", names[i]), 1e-9);
    g_assert_cmpfloat_with_epsilon (number (line, "segm", names[i]),
        number (f->expected, "segm", names[i]), 1e-9);
  }
  g_assert_false (cJSON_HasObjectItem (line, "keypoints"));
  g_assert_false (cJSON_HasObjectItem (line, "match"));
  g_assert_cmpint (cJSON_GetArraySize (cJSON_GetObjectItem (line, "problems")), >, 0);
  const cJSON *classes = cJSON_GetObjectItem (cJSON_GetObjectItem (line, "bbox"), "classes");
  g_assert_cmpint (cJSON_GetArraySize (classes), ==, 5);
  const cJSON *without_objects = cJSON_GetArrayItem (classes, 1);
  g_assert_cmpstr (cJSON_GetObjectItem (without_objects, "name")->valuestring, ==, "none");
  g_assert_true (cJSON_IsNull (cJSON_GetObjectItem (without_objects, "AP")));
}

static void
check_match_classes (const cJSON *match)
{
  static const char *const counts[] = { "objects", "background", "ignored", "true_positives",
    "false_positives", "misses" };

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    double sum = 0;
    const cJSON *item;
    cJSON_ArrayForEach (item, cJSON_GetObjectItem (match, "classes"))
    {
      sum += cJSON_GetObjectItem (item, counts[i])->valuedouble;
    }
    g_assert_cmpfloat (sum, >, 0);
    g_assert_cmpfloat (sum, ==, cJSON_GetObjectItem (match, counts[i])->valuedouble);
  }
}

/* What D2Go found in 50 images of COCO val2017, as float and as int8 model, has the numbers that
 * pycocotools gives it, to the digits that were written down; and the classes' matching counts add
 * up to all. */
static void
test_reference (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "AP", "AP50", "AP75", "APs", "APm", "APl" };
  static const struct {
    const char *results;
    double expected[G_N_ELEMENTS (names)];
  } rows[] = {
    { "d2go-float-detections.json", { 0.2396, 0.3639, 0.2480, 0.0202, 0.2941, 0.5094 } },
    { "d2go-int8-detections.json", { 0.2256, 0.3326, 0.2394, 0.0146, 0.2868, 0.4851 } },
  };
  const char *golden = g_getenv ("FBNET_GOLDEN_DATA");
  g_autofree char *folder = g_build_filename (golden != NULL ? golden : "", "coco-val50", NULL);
  g_autofree char *truth = g_build_filename (folder, "instances_val2017.json", NULL);

  if (!g_file_test (truth, G_FILE_TEST_EXISTS)) {
    g_test_skip ("no golden data");
    return;
  }
  for (guint r = 0; r < G_N_ELEMENTS (rows); r++) {
    g_autofree char *results = g_build_filename (folder, rows[r].results, NULL);
    g_auto (Command) command = command_run ("FBNET_EVAL", truth, "--results", results, "--json",
        "--match", "--per-class", NULL);
    command_expect (&command, 0, "*");
    g_autoptr (cJSON) line = parse_line (&command);
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
      g_assert_cmpfloat_with_epsilon (number (line, "bbox", names[i]), rows[r].expected[i], 5e-5);
    check_match_classes (cJSON_GetObjectItem (line, "match"));
  }
}

static guint
cell (const cJSON *confusion, int there, int found)
{
  const cJSON *row = cJSON_GetArrayItem (cJSON_GetObjectItem (confusion, "counts"), there);

  return (guint) cJSON_GetArrayItem (row, found)->valueint;
}

/* Two cats, a dog and a crowd of dogs; found: a cat, a dog in place of the other cat, a cat in the same place
 * with less certainty, a dog nowhere, a dog in the crowd, and a cat that nobody is sure of. */
static void
test_confusion (Fixture *f, gconstpointer data)
{
  g_autofree char *truth = write_text (f->folder, "pets.json",
      "{\"images\":[{\"id\":1,\"width\":100,\"height\":100}],"
      "\"categories\":[{\"id\":1,\"name\":\"cat\"},{\"id\":2,\"name\":\"dog\"}],\"annotations\":["
      "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,10,10],\"area\":100,\"iscrowd\":0},"
      "{\"id\":2,\"image_id\":1,\"category_id\":1,\"bbox\":[20,0,10,10],\"area\":100,\"iscrowd\":0}"
      ","
      "{\"id\":3,\"image_id\":1,\"category_id\":2,\"bbox\":[40,0,10,10],\"area\":100,\"iscrowd\":0}"
      ","
      "{\"id\":4,\"image_id\":1,\"category_id\":2,\"bbox\":[0,50,50,50],\"area\":2500,"
      "\"iscrowd\":1,\"segmentation\":{\"size\":[100,100],\"counts\":[50,50,9900]}}]}");
  g_autofree char *results = write_text (f->folder, "found.json",
      "[{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,10,10],\"score\":0.9},"
      "{\"image_id\":1,\"category_id\":2,\"bbox\":[20,0,10,9],\"score\":0.8},"
      "{\"image_id\":1,\"category_id\":1,\"bbox\":[20,0,10,10],\"score\":0.7},"
      "{\"image_id\":1,\"category_id\":2,\"bbox\":[80,80,10,10],\"score\":0.6},"
      "{\"image_id\":1,\"category_id\":2,\"bbox\":[5,60,20,20],\"score\":0.6},"
      "{\"image_id\":1,\"category_id\":1,\"bbox\":[40,0,10,10],\"score\":0.4}]");
  g_auto (Command) command = command_run ("FBNET_EVAL", truth, "--results", results, "--metrics",
      "bbox", "--json", "--confusion", NULL);
  command_expect (&command, 0, "*");
  g_autoptr (cJSON) line = parse_line (&command);
  const cJSON *confusion = cJSON_GetObjectItem (line, "confusion");
  static const guint expected[3][3] = { { 1, 1, 0 }, { 0, 0, 1 }, { 1, 1, 0 } };
  for (int there = 0; there < 3; there++) {
    for (int found = 0; found < 3; found++)
      g_assert_cmpuint (cell (confusion, there, found), ==, expected[there][found]);
  }
  g_auto (Command) text = command_run ("FBNET_EVAL", truth, "--results", results, "--metrics",
      "bbox", "--confusion", "--match", NULL);
  command_expect (&text, 0, "*");
  g_assert_true (g_pattern_match_simple ("*recall      F1*Confusion: at IoU 0.5*; 1 are right\n*1  "
                                         "cat taken for dog\n*1  dog taken for "
                                         "nothing\n*1  nothing taken for cat\n*",
      text.out));
}

/* Keypoints alone, when the results have nothing else. */
static void
test_keypoints (Fixture *f, gconstpointer data)
{
  g_auto (Command) command =
      command_run ("FBNET_EVAL", f->truth, "--results", f->keypoints, "--json", NULL);

  command_expect (&command, 0, "*");
  g_autoptr (cJSON) line = parse_line (&command);
  g_assert_cmpfloat_with_epsilon (number (line, "keypoints", "AP"),
      number (f->expected, "keypoints", "AP"), 1e-9);
  g_assert_false (cJSON_HasObjectItem (line, "bbox"));
}

/* The text has a section per kind, a table of classes and the matching report, each when asked for. */
static void
test_text (Fixture *f, gconstpointer data)
{
  g_auto (Command) plain =
      command_run ("FBNET_EVAL", f->truth, "-r", f->results, "--metrics", "bbox", NULL);

  command_expect (&plain, 0, "*");
  g_assert_true (
      g_pattern_match_simple ("*results.json: * detections\n\nBoxes\n  AP  *AR100*", plain.out));
  g_assert_null (strstr (plain.out, "Masks"));
  g_assert_null (strstr (plain.out, "Matching"));
  g_auto (Command) full = command_run ("FBNET_EVAL", f->truth, "-r", f->results, "--per-class",
      "--iou-lower", "0.4", "--iou-upper", "0.5", "--min-score", "0", NULL);
  command_expect (&full, 0, "*");
  g_assert_true (g_pattern_match_simple ("*Boxes*Masks*Boxes by class*only detected*Masks by "
                                         "class*Matching: object from IoU 0.5*below "
                                         "0.4*score of at least 0\n*\n  all *\n  box *",
      full.out));
}

/* Plots are SVG and PNG files by their names, and whole: the PNG can be read and is not one colour. */
static void
test_plot (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *svg = g_build_filename (f->folder, "curves.svg", NULL);
  g_autofree char *png = g_build_filename (f->folder, "curves.png", NULL);
  g_auto (Command) vector =
      command_run ("FBNET_EVAL", f->truth, "-r", f->results, "--plot", svg, NULL);
  g_auto (Command) raster =
      command_run ("FBNET_EVAL", f->truth, "-r", f->results, "--plot", png, NULL);

  if (strstr (vector.err, "Unknown option") != NULL) {
    g_test_skip ("built without cairo");
    return;
  }
  command_expect (&vector, 0, "*");
  command_expect (&raster, 0, "*");
  g_autofree char *text = NULL;
  g_file_get_contents (svg, &text, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_pattern_match_simple ("*<svg*<path*</svg>*", text));
  g_autoptr (Picture) picture = picture_read (png, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (picture->width, ==, 2 * 2 * 520); /* two panels, two pixels a point */
  gsize n_dark = 0;
  for (gsize i = 0; i < (gsize) picture->width * picture->height; i++)
    n_dark += picture->pixels[3 * i + 1] < 128;
  g_assert_cmpuint (n_dark, >, 1000);
}

#define MODEL_SET                                                                                  \
  "{\"images\":[{\"id\":1,\"file_name\":\"a.png\"},{\"id\":2,\"file_name\":\"gone.png\"}],"        \
  "\"categories\":[{\"id\":90,\"name\":\"cross\"},{\"id\":80,\"name\":\"circle\"},"                \
  "{\"id\":5,\"name\":\"square\"}],\"annotations\":[{\"id\":1,\"image_id\":1,\"category_id\":90,"  \
  "\"bbox\":[10,10,50,40],\"area\":2000,\"iscrowd\":0}]}"

/* A model's own run gives the numbers that its results file gives; a picture that is not there costs
 * a sentence and exit status 1. */
static void
test_model (Fixture *f, gconstpointer data)
{
  g_autofree char *model = test_model_path ();
  g_autofree char *picture = write_picture (f->folder, "a.png", 90, 70);
  g_autofree char *set = write_text (f->folder, "set.json", MODEL_SET);
  g_autofree char *results = g_build_filename (f->folder, "found.json", NULL);
  g_auto (Command) run = command_run ("FBNET_EVAL", set, "--model", model, "--images", f->folder,
      "--score-threshold", "0.01", "--write-results", results, "--json", NULL);

  command_expect (&run, 1, "*gone.png: no such file*");
  g_auto (Command) again = command_run ("FBNET_EVAL", set, "--results", results, "--json", NULL);
  command_expect (&again, 0, "*");
  g_autoptr (cJSON) first = parse_line (&run);
  g_autoptr (cJSON) second = parse_line (&again);
  g_assert_true (cJSON_Compare (cJSON_GetObjectItem (first, "bbox"),
      cJSON_GetObjectItem (second, "bbox"), TRUE));
  g_assert_true (cJSON_Compare (cJSON_GetObjectItem (first, "detections"),
      cJSON_GetObjectItem (second, "detections"), TRUE));
  g_assert_cmpfloat (cJSON_GetObjectItem (first, "detections")->valuedouble, >, 0);
}

/* Files that are not there, or not COCO's, get a sentence that names them, and exit status 1. */
static void
test_bad_files (Fixture *f, gconstpointer data)
{
  g_autofree char *broken = write_text (f->folder, "broken.json", "{\"images\":[");
  g_autofree char *other = write_text (f->folder, "other.json", "{\"images\":[]}");
  const struct {
    const char *truth, *results, *expected;
  } cases[] = {
    { "nowhere.json", f->results, "*nowhere.json: no such file*" },
    { f->truth, "nowhere.json", "*nowhere.json: no such file*" },
    { broken, f->results, "*broken.json: not JSON*" },
    { other, f->results, "*other.json: field 'categories'*" },
    { f->truth, other, "*other.json: COCO results: expected an array*" },
    { f->results, f->results, "*field 'images'*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Command) command =
        command_run ("FBNET_EVAL", cases[i].truth, "--results", cases[i].results, NULL);
    command_expect (&command, 1, cases[i].expected);
    g_assert_cmpstr (command.out, ==, "");
  }
}

/* Command lines that make no sense: a sentence and exit status 2. */
static void
test_usage (Fixture *f, gconstpointer data)
{
  const struct {
    const char *arguments[4];
    const char *expected;
  } cases[] = {
    { { NULL }, "*one ANNOTATIONS.json*" },
    { { f->truth, NULL }, "*either --results or --model*" },
    { { f->truth, "--images=.", "--results=x", NULL }, "*--model and --images*" },
    { { f->truth, "--model=x", NULL }, "*--model and --images*" },
    { { f->truth, "--results=x", "--write-results=y", NULL }, "*--write-results*" },
    { { f->truth, "--results=x", "--metrics=bbox,mask", NULL }, "*--metrics*'mask'*" },
    { { f->truth, "--results=x", "--oks-sigmas=0.1,0", NULL }, "*--oks-sigmas*'0'*" },
    { { f->truth, "--results=x", "--iou-lower=0.8", NULL }, "*--iou-lower*0.8 and 0.7*" },
    { { f->truth, "--results=x", "--iou-upper=1.5", NULL }, "*--iou-upper*1.5*" },
    { { f->truth, "--results=x", "--score-threshold=0.5", NULL },
        "*--score-threshold: expected a --model*found --results*" },
    { { f->truth, "--results=x", "--zoom-regions=2", NULL },
        "*--zoom-regions: expected a --model*found --results*" },
    { { f->truth, "--results=x", "--zoom-factor=2", NULL },
        "*--zoom-factor: expected --zoom-regions*found none*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const char *const *a = cases[i].arguments;
    g_auto (Command) command = command_run ("FBNET_EVAL", a[0], a[0] != NULL ? a[1] : NULL,
        a[0] != NULL && a[1] != NULL ? a[2] : NULL, NULL);
    command_expect (&command, 2, cases[i].expected);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/fbnet-eval/json", Fixture, NULL, set_up, test_json, tear_down);
  g_test_add ("/fbnet-eval/reference", Fixture, NULL, set_up, test_reference, tear_down);
  g_test_add ("/fbnet-eval/keypoints", Fixture, NULL, set_up, test_keypoints, tear_down);
  g_test_add ("/fbnet-eval/confusion", Fixture, NULL, set_up, test_confusion, tear_down);
  g_test_add ("/fbnet-eval/text", Fixture, NULL, set_up, test_text, tear_down);
  g_test_add ("/fbnet-eval/plot", Fixture, NULL, set_up, test_plot, tear_down);
  g_test_add ("/fbnet-eval/model", Fixture, NULL, set_up, test_model, tear_down);
  g_test_add ("/fbnet-eval/bad-files", Fixture, NULL, set_up, test_bad_files, tear_down);
  g_test_add ("/fbnet-eval/usage", Fixture, NULL, set_up, test_usage, tear_down);
  return g_test_run ();
}
