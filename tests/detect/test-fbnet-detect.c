/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-detect as its users see it: exit status, standard output, standard error, files.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "command.h"
#include "support/jsonfile.h"
#include "support/picture.h"

/* The network's weights are random: it sees something in noise when asked to believe everything. */
#define BELIEVE "--score-threshold=0.05"

typedef struct {
  char *folder, *model, *wide, *tall; /* two pictures, 90×60 and 40×70 */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = folder_new ();
  fixture->model = test_model_path ();
  fixture->wide = write_picture (fixture->folder, "wide.png", 90, 60);
  fixture->tall = write_picture (fixture->folder, "tall.png", 40, 70);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  folder_remove (fixture->folder);
  g_free (fixture->model);
  g_free (fixture->wide);
  g_free (fixture->tall);
}

static cJSON *
parse_line (const char *line)
{
  cJSON *object = cJSON_Parse (line);

  if (!cJSON_IsObject (object))
    g_error ("expected a JSON object, found: %s", line);
  return object;
}

/* The only line of a command's output. */
static cJSON *
parse_only_line (const Command *command)
{
  const char *newline = strchr (command->out, '\n');

  g_assert_nonnull (newline);
  g_assert_cmpint (newline[1], ==, 0);
  return parse_line (command->out);
}

static double
number (const cJSON *object, const char *name)
{
  const cJSON *value = cJSON_GetObjectItemCaseSensitive (object, name);

  if (!cJSON_IsNumber (value))
    g_error ("expected a number called %s", name);
  return value->valuedouble;
}

static const char *
string (const cJSON *object, const char *name)
{
  const char *value = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (object, name));

  if (value == NULL)
    g_error ("expected a string called %s", name);
  return value;
}

static const cJSON *
detections (const cJSON *line)
{
  const cJSON *array = cJSON_GetObjectItemCaseSensitive (line, "detections");

  g_assert_true (cJSON_IsArray (array));
  return array;
}

/* --- Help and usage --------------------------------------------------------------------------- */

/* --help names every option, --version the version; both succeed and say nothing else. */
static void
test_help (void)
{
  static const char *const options[] = { "--model", "--score-threshold", "--iou-threshold",
    "--threads", "--kernels", "--min-size", "--max-size", "--pre-nms-count", "--post-nms-count",
    "--max-detections", "--no-masks", "--class-agnostic-nms", "--timings", "--coco", "--images",
    "--coco-results", "PICTURE" };
  g_auto (Command) help = command_run ("FBNET_DETECT", "--help", NULL);

  command_expect (&help, 0, "");
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    if (strstr (help.out, options[i]) == NULL)
      g_error ("--help does not name %s", options[i]);
  g_auto (Command) version = command_run ("FBNET_DETECT", "--version", NULL);
  command_expect (&version, 0, "");
  g_assert_cmpstr (version.out, ==, "fbnet-detect " FBNET_VERSION "\n");
}

/* A wrong command line: status 2, a sentence, nothing on standard output. */
static void
test_usage (Fixture *f, gconstpointer data)
{
  const struct {
    const char *arguments[5];
    const char *expected;
  } cases[] = {
    { { NULL }, "fbnet-detect: --model: expected a model file*--help*" },
    { { "-m", f->model }, "fbnet-detect: expected at least one PICTURE*" },
    { { "--nonsense" }, "fbnet-detect: *nonsense*" },
    { { "-m", f->model, "--coco", "x.json" }, "fbnet-detect: --coco, --images and*all or none*" },
    { { "-m", f->model, "--threads=-1", f->wide }, "fbnet-detect: --threads: *found -1*" },
    { { "-m", f->model, "--min-size=x", f->wide }, "fbnet-detect: *x*" },
    { { "-m", f->model, "--min-size=0", f->wide }, "fbnet-detect: *min-size*" },
    { { "-m", f->model, "--max-detections=0", f->wide }, "fbnet-detect: *max-detections*" },
    { { "-m", f->model, "--score-threshold=1.5", f->wide }, "fbnet-detect: *score-threshold*1.5*" },
    { { "-m", f->model, "--iou-threshold=nan", f->wide }, "fbnet-detect: *iou-threshold*" },
    { { "-m", f->model, "--kernels=abacus", f->wide }, "fbnet-detect: *abacus*" },
    { { "-m", f->model, "--precision=fine", f->wide },
        "fbnet-detect: --precision: expected auto, float32, int8 or bfloat16, found fine*" },
    { { "-m", f->model, "--norm-statistics=mine", f->wide },
        "fbnet-detect: --norm-statistics: expected stored or stream, found mine*" },
    { { "-m", f->model, "--normalization=bn", f->wide },
        "fbnet-detect: --normalization: expected auto, gn, sync-bn or naive-sync-bn, found bn*" },
    { { "-m", f->model, "--normalization=gn", f->wide },
        "fbnet-detect: *trained with batch normalization, found gn*" },
    { { "-m", f->model, "--norm-momentum=1.5", f->wide }, "fbnet-detect: *norm-momentum*1.5*" },
    { { "-m", f->model, "--zoom-regions=17", f->wide },
        "fbnet-detect: --zoom-regions: expected 0 … 16, found 17*" },
    { { "-m", f->model, "--zoom-policy=sweep", f->wide },
        "fbnet-detect: --zoom-policy: expected --zoom-regions beside it, found none*" },
    { { "-m", f->model, "--frame-rate=5", f->wide },
        "fbnet-detect: --frame-rate: expected --tracking beside it, found none*" },
    { { "-m", f->model, "--track-timeout=5", f->wide },
        "fbnet-detect: --track-timeout: expected --tracking beside it, found none*" },
    { { "-m", f->model, "--post-nms=0", f->wide },
        "fbnet-detect: --post-nms-count: expected 1 … *, found 0*" },
    { { "--masks", "--no-masks", "-m", f->model }, "fbnet-detect: expected at least one PICTURE*" },
    { { "--no-masks", "--masks", "--model=x", "y" },
        "fbnet-detect: --masks: expected it or --no-masks, found both*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const char *const *a = cases[i].arguments;
    g_auto (Command) command = command_run ("FBNET_DETECT", a[0], a[1], a[2], a[3], NULL);
    command_expect (&command, 2, cases[i].expected);
    g_assert_cmpstr (command.out, ==, "");
  }
  g_auto (Command) both = command_run ("FBNET_DETECT", "-m", f->model, "--coco=a", "--images=b",
      "--coco-results=c", f->wide, NULL);
  command_expect (&both, 2, "fbnet-detect: expected either PICTUREs or --coco, found both*");
  g_auto (Command) rate =
      command_run ("FBNET_DETECT", "-m", f->model, "--tracking", "--frame-rate=0", f->wide, NULL);
  command_expect (&rate, 2, "fbnet-detect: --frame-rate: *found 0*");
  g_auto (Command) still = command_run ("FBNET_DETECT", "-m", f->model, "--zoom-regions=1",
      "--zoom-policy=motion", f->wide, NULL);
  command_expect (&still, 2, "fbnet-detect: --zoom-policy: expected another than motion*");
  g_auto (Command) timed = command_run ("FBNET_DETECT", "-m", f->model, "--coco=a", "--images=b",
      "--coco-results=c", "--timings", NULL);
  command_expect (&timed, 2, "fbnet-detect: --timings: expected PICTUREs, found --coco*");
}

/* A model that is absent, or is no model: status 1 and a sentence that names it. */
static void
test_bad_model (Fixture *f, gconstpointer data)
{
  g_auto (Command) absent =
      command_run ("FBNET_DETECT", "-m", "nowhere.safetensors", f->wide, NULL);

  command_expect (&absent, 1, "fbnet-detect: *nowhere.safetensors*");
  g_auto (Command) picture = command_run ("FBNET_DETECT", "-m", f->wide, f->wide, NULL);
  command_expect (&picture, 1, "fbnet-detect: *wide.png*");
  g_assert_cmpstr (picture.out, ==, "");
}

/* --- Lines ------------------------------------------------------------------------------------ */

static void
check_box (const cJSON *detection, double width, double height)
{
  double box[4];
  g_autoptr (GError) error = NULL;

  json_get_numbers (detection, "box", box, 4, "detection", &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (box[0], >=, 0);
  g_assert_cmpfloat (box[1], >=, 0);
  g_assert_cmpfloat (box[0], <, box[2]);
  g_assert_cmpfloat (box[1], <, box[3]);
  g_assert_cmpfloat (box[2], <=, width);
  g_assert_cmpfloat (box[3], <=, height);
}

static void
check_mask (const cJSON *detection, double width, double height)
{
  double size[2];
  g_autoptr (GError) error = NULL;
  const cJSON *mask = cJSON_GetObjectItemCaseSensitive (detection, "mask");

  json_get_numbers (mask, "size", size, 2, "mask", &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (size[0], ==, height);
  g_assert_cmpfloat (size[1], ==, width);
  g_assert_cmpint (string (mask, "counts")[0], !=, 0);
}

static void
check_line (const cJSON *line, const char *file, double width, double height)
{
  g_assert_cmpstr (string (line, "file"), ==, file);
  g_assert_cmpfloat (number (line, "width"), ==, width);
  g_assert_cmpfloat (number (line, "height"), ==, height);
  g_assert_cmpstr (string (line, "model"), ==, "tiny-bn");
  g_assert_cmpstr (string (line, "kernels"), !=, "");
  g_assert_cmpint (cJSON_GetArraySize (detections (line)), >, 0);
  double last_score = 1;
  const cJSON *detection;
  cJSON_ArrayForEach (detection, detections (line))
  {
    check_box (detection, width, height);
    check_mask (detection, width, height);
    g_assert_cmpfloat (number (detection, "score"), >, 0.05);
    g_assert_cmpfloat (number (detection, "score"), <=, last_score);
    last_score = number (detection, "score");
    g_assert_cmpfloat (number (detection, "class_id"), <, 3);
    g_assert_cmpstr (string (detection, "label"), !=, "");
  }
}

/* One line per picture, in the order asked for, each with every field and sensible values. */
static void
test_lines (Fixture *f, gconstpointer data)
{
  g_auto (Command) command =
      command_run ("FBNET_DETECT", "-m", f->model, BELIEVE, f->wide, f->tall, NULL);

  command_expect (&command, 0, "");
  g_auto (GStrv) lines = g_strsplit (command.out, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 3); /* the last is empty */
  g_autoptr (cJSON) wide = parse_line (lines[0]);
  g_autoptr (cJSON) tall = parse_line (lines[1]);
  check_line (wide, f->wide, 90, 60);
  check_line (tall, f->tall, 40, 70);
  g_assert_null (cJSON_GetObjectItemCaseSensitive (wide, "timings_ms"));
}

/* The same picture three times, followed: the objects that are sure keep their ids, which no two share; with second
 * looks each detection says which look found it. */
static void
test_tracking (Fixture *f, gconstpointer data)
{
  g_auto (Command) command =
      command_run ("FBNET_DETECT", "-m", f->model, BELIEVE, "--tracking", "--frame-rate=5",
          "--track-new-score=0.05", "--track-high-score=0.05", "--track-low-score=0.05",
          "--zoom-regions=2", "--zoom-policy=sweep", "--no-masks", f->wide, f->wide, f->wide, NULL);

  command_expect (&command, 0, "");
  g_auto (GStrv) lines = g_strsplit (command.out, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  for (guint i = 0; i < 3; i++) {
    g_autoptr (cJSON) line = parse_line (lines[i]);
    const cJSON *detection;
    g_autoptr (GHashTable) ids = g_hash_table_new (NULL, NULL);
    cJSON_ArrayForEach (detection, cJSON_GetObjectItem (line, "detections"))
    {
      const cJSON *track = cJSON_GetObjectItem (detection, "track");
      g_assert_true (cJSON_IsNumber (cJSON_GetObjectItem (detection, "look")));
      if (track == NULL)
        continue;
      const int id = cJSON_GetObjectItem (track, "id")->valueint;
      g_assert_cmpint (id, >, 0);
      g_assert_true (g_hash_table_add (ids, GINT_TO_POINTER (id)));
    }
    g_assert_cmpuint (g_hash_table_size (ids), >, 0);
  }
}

static void
collect_ids (const char *text, GHashTable *ids)
{
  g_autoptr (cJSON) line = parse_line (text);
  const cJSON *detection;

  cJSON_ArrayForEach (detection, cJSON_GetObjectItem (line, "detections"))
  {
    const cJSON *track = cJSON_GetObjectItem (detection, "track");
    if (track != NULL)
      g_hash_table_add (ids, GINT_TO_POINTER (cJSON_GetObjectItem (track, "id")->valueint));
  }
}

/* A frame of another size begins another sequence, which is told once: no id goes on. */
static void
test_tracking_sizes (Fixture *f, gconstpointer data)
{
  g_auto (Command) command = command_run ("FBNET_DETECT", "-m", f->model, BELIEVE, "--tracking",
      "--track-new-score=0.05", "--track-high-score=0.05", "--track-low-score=0.05", f->wide,
      f->wide, f->tall, f->wide, NULL);
  g_autoptr (GHashTable) first = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) last = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  gpointer id;

  command_expect (&command, 0,
      "fbnet-detect: *: expected 90×60 pixels, as the frames before, found 40×70: *another "
      "sequence "
      "begins\n");
  g_auto (GStrv) lines = g_strsplit (command.out, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 5);
  collect_ids (lines[1], first);
  collect_ids (lines[3], last);
  g_assert_cmpuint (g_hash_table_size (first), >, 0);
  g_assert_cmpuint (g_hash_table_size (last), >, 0);
  g_hash_table_iter_init (&iter, last);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    g_assert_false (g_hash_table_contains (first, id));
  g_auto (Command) contradiction = command_run ("FBNET_DETECT", "-m", f->model, "--tracking",
      "--track-low-score=0.7", f->wide, NULL);
  command_expect (&contradiction, 2,
      "*track-low-score: expected at most track-high-score, which is 0.6, found 0.7\n*");
}

/* A bad picture costs a sentence and the exit status, and the pictures after it are done. */
static void
test_bad_picture (Fixture *f, gconstpointer data)
{
  g_autofree char *text = write_text (f->folder, "text.jpg", "no picture");
  g_auto (Command) command =
      command_run ("FBNET_DETECT", "-m", f->model, "absent.png", f->wide, text, f->tall, NULL);

  command_expect (&command, 1,
      "fbnet-detect: absent.png: no such file\n"
      "fbnet-detect: *text.jpg: expected a PNG or JPEG picture, found something else\n");
  g_auto (GStrv) lines = g_strsplit (command.out, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 3);
}

/* Options reach the engine: fewer detections, no masks, timings. */
static void
test_options (Fixture *f, gconstpointer data)
{
  g_auto (Command) command = command_run ("FBNET_DETECT", "-m", f->model, BELIEVE,
      "--max-detections=1", "--no-masks", "--timings", "--kernels=c", f->wide, NULL);

  command_expect (&command, 0, "");
  g_autoptr (cJSON) line = parse_only_line (&command);
  g_assert_cmpint (cJSON_GetArraySize (detections (line)), ==, 1);
  g_assert_null (cJSON_GetObjectItemCaseSensitive (detections (line)->child, "mask"));
  g_assert_cmpstr (string (line, "kernels"), ==, "c");
  const cJSON *timings = cJSON_GetObjectItemCaseSensitive (line, "timings_ms");
  g_assert_cmpfloat (number (timings, "total"), >, 0);
  g_assert_cmpfloat (number (timings, "trunk"), <=, number (timings, "total"));
}

static char **
see_twice (const Fixture *f, const char *momentum)
{
  g_auto (Command) command = command_run ("FBNET_DETECT", "-m", f->model, BELIEVE, momentum,
      "--norm-statistics=stream", "--normalization=sync-bn", f->wide, f->tall, f->wide, NULL);

  command_expect (&command, 0, "");
  return g_strsplit (command.out, "\n", -1);
}

/* Statistics that follow the pictures remember those before; with momentum 1 only the picture
 * itself counts. */
static void
test_stream (Fixture *f, gconstpointer data)
{
  g_auto (GStrv) followed = see_twice (f, "--norm-momentum=0.5");
  g_auto (GStrv) alone = see_twice (f, "--norm-momentum=1");

  g_assert_cmpstr (followed[0], !=, followed[2]);
  g_assert_cmpstr (alone[0], ==, alone[2]);
  g_assert_cmpstr (alone[0], !=, followed[0]);
}

/* The same characters for one thread and for three. */
static void
test_threads (Fixture *f, gconstpointer data)
{
  g_auto (Command) one =
      command_run ("FBNET_DETECT", "-m", f->model, BELIEVE, "--threads=1", f->wide, NULL);
  g_auto (Command) three =
      command_run ("FBNET_DETECT", "-m", f->model, BELIEVE, "--threads=3", f->wide, NULL);

  command_expect (&one, 0, "");
  g_assert_cmpstr (one.out, ==, three.out);
}

/* Output that cannot be written is a failure, not silence, and the end. */
static void
test_full_output (Fixture *f, gconstpointer data)
{
  if (!g_file_test ("/dev/full", G_FILE_TEST_EXISTS)) {
    g_test_skip ("no /dev/full");
    return;
  }
  g_autofree char *command = g_strdup_printf ("'%s' -m '%s' '%s' '%s' > /dev/full",
      g_getenv ("FBNET_DETECT"), f->model, f->wide, f->wide);
  g_setenv ("FBNET_SHELL", "/bin/sh", TRUE);
  g_auto (Command) shell = command_run ("FBNET_SHELL", "-c", command, NULL);
  command_expect (&shell, 1, "fbnet-detect: standard output: cannot write: *");
  g_assert_cmpstr (strchr (shell.err, '\n'), ==, "\n");
}

/* --- Annotated pictures ----------------------------------------------------------------------- */

#ifdef HAVE_ANNOTATE
static Picture *
read_good (const char *folder, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (folder, name, NULL);
  Picture *picture = picture_read (path, &error);

  g_assert_no_error (error);
  return picture;
}

/* --annotate leaves pictures of the same size with something drawn in. */
static void
test_annotate (Fixture *f, gconstpointer data)
{
  g_autofree char *seen = g_build_filename (f->folder, "new", "seen", NULL);
  g_auto (Command) command = command_run ("FBNET_DETECT", "-m", f->model, BELIEVE, "--annotate",
      seen, f->wide, f->tall, NULL);

  command_expect (&command, 0, "");
  g_autoptr (Picture) before = read_good (f->folder, "wide.png");
  g_autoptr (Picture) after = read_good (seen, "wide.png");
  g_autoptr (Picture) tall = read_good (seen, "tall.png");
  g_assert_cmpuint (after->width, ==, 90);
  g_assert_cmpuint (after->height, ==, 60);
  g_assert_cmpuint (tall->width, ==, 40);
  guint changed = 0;
  for (guint i = 0; i < 90 * 60; i++)
    changed += memcmp (before->pixels + 3 * i, after->pixels + 3 * i, 3) != 0;
  g_assert_cmpuint (changed, >, 100);
}

/* Two pictures of one name leave two files. */
static void
test_annotate_same_name (Fixture *f, gconstpointer data)
{
  g_autofree char *other = g_build_filename (f->folder, "other", NULL);

  g_mkdir (other, 0777);
  g_autofree char *second = write_picture (other, "wide.png", 33, 44);
  g_autofree char *seen = g_build_filename (f->folder, "seen", NULL);
  g_auto (Command) command =
      command_run ("FBNET_DETECT", "-m", f->model, "-a", seen, f->wide, second, NULL);
  command_expect (&command, 0, "");
  g_autoptr (Picture) first_seen = read_good (seen, "wide.png");
  g_autoptr (Picture) second_seen = read_good (seen, "wide-2.png");
  g_assert_cmpuint (first_seen->width, ==, 90);
  g_assert_cmpuint (second_seen->width, ==, 33);
}

/* A picture to be read is never replaced by its annotated form. */
static void
test_annotate_keeps_input (Fixture *f, gconstpointer data)
{
  g_autoptr (Picture) before = read_good (f->folder, "wide.png");
  g_auto (Command) command =
      command_run ("FBNET_DETECT", "-m", f->model, "-a", f->folder, f->wide, NULL);

  command_expect (&command, 1, "fbnet-detect: *wide.png: the annotated picture would replace*");
  g_autoptr (Picture) after = read_good (f->folder, "wide.png");
  g_assert_cmpmem (before->pixels, 90 * 60 * 3, after->pixels, 90 * 60 * 3);
}
#endif

/* --- COCO sets -------------------------------------------------------------------------------- */

static Command
run_coco (const Fixture *f, const char *annotations, const char *results)
{
  g_autofree char *coco = write_text (f->folder, "instances.json", annotations);

  return command_run ("FBNET_DETECT", "-m", f->model, BELIEVE, "--coco", coco, "--images",
      f->folder, "--coco-results", results, NULL);
}

static void
check_result (const cJSON *result)
{
  double bbox[4];
  g_autoptr (GError) error = NULL;

  json_get_numbers (result, "bbox", bbox, 4, "result", &error);
  g_assert_no_error (error);
  const gboolean is_wide = number (result, "image_id") == 12;
  g_assert_true (is_wide || number (result, "image_id") == 7);
  g_assert_cmpfloat (bbox[2], >, 0);
  g_assert_cmpfloat (bbox[3], >, 0);
  g_assert_cmpfloat (bbox[0] + bbox[2], <=, (is_wide ? 90 : 40) * 1.00001);
  g_assert_cmpfloat (bbox[1] + bbox[3], <=, (is_wide ? 60 : 70) * 1.00001);
  g_assert_cmpfloat (number (result, "score"), >, 0.05);
  const double category = number (result, "category_id");
  g_assert_true (category == 5 || category == 80 || category == 90);
  string (cJSON_GetObjectItemCaseSensitive (result, "segmentation"), "counts");
}

#define CATEGORIES                                                                                 \
  "\"categories\":[{\"id\":90,\"name\":\"cross\"},{\"id\":80,\"name\":\"circle\"},"                \
  "{\"id\":5,\"name\":\"square\"}]"

/* A set runs in its file's order; results carry its image ids and the categories of its names; an
 * image that is absent costs a sentence; how far it is goes to standard error. */
static void
test_coco (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "results.json", NULL);
  g_auto (Command) command = run_coco (f,
      "{\"images\":[{\"id\":12,\"file_name\":\"wide.png\"},{\"id\":99,\"file_name\":\"gone.png\"},"
      "{\"id\":7,\"file_name\":\"tall.png\"}]," CATEGORIES "}",
      path);

  command_expect (&command, 1, "*gone.png: no such file\n*3 pictures in *");
  g_assert_cmpstr (command.out, ==, "");

  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) results = json_read (path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (cJSON_GetArraySize (results), >, 0);
  gboolean tall_begun = FALSE;
  const cJSON *result;
  cJSON_ArrayForEach (result, results)
  {
    check_result (result);
    tall_begun |= number (result, "image_id") == 7;
    g_assert_true (!tall_begun || number (result, "image_id") == 7);
  }
  g_assert_true (tall_begun);
}

/* Names decide: the number of a category is another's in the model, whose are 3, 5, 8, and a name that no
 * class has is told. */
static void
test_coco_by_name (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "results.json", NULL);
  g_auto (Command) command = run_coco (f,
      "{\"images\":[{\"id\":12,\"file_name\":\"wide.png\"},{\"id\":7,\"file_name\":\"tall.png\"}],"
      "\"categories\":[{\"id\":3,\"name\":\"cross\"},{\"id\":5,\"name\":\"Kreis\"}]}",
      path);

  command_expect (&command, 0, "*: 1 of 2 categories are no class of the model: Kreis*");
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) results = json_read (path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (cJSON_GetArraySize (results), >, 0);
  const cJSON *result;
  cJSON_ArrayForEach (result, results) g_assert_true (number (result, "category_id") == 3);
}

/* Pictures of a set are not replaced by what is drawn into them. */
static void
test_coco_annotate_in_place (Fixture *f, gconstpointer data)
{
  g_autofree char *coco = write_text (f->folder, "instances.json",
      "{\"images\":[{\"id\":12,\"file_name\":\"wide.png\"}],"
      "\"categories\":[{\"id\":3,\"name\":\"cross\"}]}");
  g_autofree char *results = g_build_filename (f->folder, "results.json", NULL);
  g_auto (Command) command = command_run ("FBNET_DETECT", "-m", f->model, BELIEVE, "--coco", coco,
      "--images", f->folder, "--coco-results", results, "--annotate", f->folder, NULL);

  command_expect (&command, 1, "fbnet-detect: *: expected another folder for --annotate *");
}

/* A set whose categories have other names, and a file that is no set: sentences, no results. */
static void
test_coco_refused (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *annotations, *expected;
  } cases[] = {
    { "{\"images\":[],\"categories\":[{\"id\":1,\"name\":\"cat\"}]}",
        "*instances.json: categories: expected names of the model's 3 classes: *found none of "
        "them, "
        "but cat*" },
    { "{\"images\":[{\"id\":1}],\"categories\":[]}", "*images[0]: field 'file_name'*" },
    { "{\"images\":[]}", "*field 'categories': expected an array, found nothing*" },
    { "[", "*instances.json: not JSON*" },
  };
  g_autofree char *path = g_build_filename (f->folder, "results.json", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Command) command = run_coco (f, cases[i].annotations, path);
    command_expect (&command, 1, cases[i].expected);
    g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  }
}

/* A name that two categories have is told of as that, and not as one that no class has. */
static void
test_coco_repeated (Fixture *f, gconstpointer data)
{
  g_auto (Command) command = run_coco (f,
      "{\"images\":[],\"categories\":[{\"id\":3,\"name\":\"cross\"},{\"id\":4,\"name\":"
      "\"cross\"}]}",
      "-");

  command_expect (&command, 0, "*'cross' is 3 and 4: detections take the first\n*");
  g_assert_null (strstr (command.err, "no class of the model"));
  g_assert_cmpstr (command.out, ==, "[\n]\n");
}

/* An empty set gives an empty array: valid COCO results. */
static void
test_coco_empty (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "results.json", NULL);
  g_auto (Command) command = run_coco (f, "{\"images\":[]," CATEGORIES "}", path);

  command_expect (&command, 0, "");
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) results = json_read (path, &error);
  g_assert_no_error (error);
  g_assert_true (cJSON_IsArray (results));
  g_assert_cmpint (cJSON_GetArraySize (results), ==, 0);
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fbnet-detect/help", test_help);
  add ("/fbnet-detect/usage", test_usage);
  add ("/fbnet-detect/stream", test_stream);
  add ("/fbnet-detect/bad-model", test_bad_model);
  add ("/fbnet-detect/lines", test_lines);
  add ("/fbnet-detect/tracking", test_tracking);
  add ("/fbnet-detect/tracking-sizes", test_tracking_sizes);
  add ("/fbnet-detect/bad-picture", test_bad_picture);
  add ("/fbnet-detect/options", test_options);
  add ("/fbnet-detect/threads", test_threads);
  add ("/fbnet-detect/full-output", test_full_output);
#ifdef HAVE_ANNOTATE
  add ("/fbnet-detect/annotate", test_annotate);
  add ("/fbnet-detect/annotate-same-name", test_annotate_same_name);
  add ("/fbnet-detect/annotate-keeps-input", test_annotate_keeps_input);
#endif
  add ("/fbnet-detect/coco", test_coco);
  add ("/fbnet-detect/coco-by-name", test_coco_by_name);
  add ("/fbnet-detect/coco-annotate-in-place", test_coco_annotate_in_place);
  add ("/fbnet-detect/coco-refused", test_coco_refused);
  add ("/fbnet-detect/coco-repeated", test_coco_repeated);
  add ("/fbnet-detect/coco-empty", test_coco_empty);
  return g_test_run ();
}
