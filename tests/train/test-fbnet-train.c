/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-train as its users call it: a small model learns a dozen generated scenes; runs that are killed,
 * stopped and shared by processes end with the same bytes; what cannot be trained is refused with a
 * sentence.
 */
#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "command.h"
#include "support/jsonfile.h"
#include "support/modelparams.h"
#include "model/model.h"
#include "tensors.h"

#define N_STEPS 30

typedef struct {
  char *folder;
  char *annotations, *images, *model;
} Room;

static Room room; /* what all tests share; each writes files of its own names */

static char *
path_of (const char *name)
{
  return g_build_filename (room.folder, name, NULL);
}

static void
room_open (void)
{
  room.folder = folder_new ();
  room.annotations = path_of ("annotations.json");
  room.images = path_of ("images");
  room.model = test_model_path ();
  g_auto (Command) command = command_run ("FBNET_SCENES", "--count", "12", "--seed", "3", "--size",
      "96x72", "--threads", "1", "--output", room.folder, NULL);
  command_expect (&command, 0, "*");
}

static void
room_close (void)
{
  folder_remove (room.folder);
  g_free (room.annotations);
  g_free (room.images);
  g_free (room.model);
}

/* --- Running ---------------------------------------------------------------------------------- */

/* The usual run's command line. `launcher`: words before the program, or "". */
static char *
line_of (const char *launcher, const char *model, const char *output, const char *options)
{
  return g_strdup_printf ("%s %s --annotations %s --images %s --model %s --output %s --threads 2 "
                          "--batch 4 --warmup 5 --checkpoint-period 5 --iterations %d %s",
      launcher, g_getenv ("FBNET_TRAIN"), room.annotations, room.images, model, output, N_STEPS,
      options);
}

static Command
run_with (const char *launcher, const char *model, const char *output, const char *options)
{
  g_autofree char *line = line_of (launcher, model, output, options);

  return command_run_line (line);
}

static Command
run (const char *output, const char *options)
{
  return run_with ("", room.model, output, options);
}

/* Fails the test unless it ends so. */
static void
expect (const char *output, const char *options, int code, const char *err)
{
  g_auto (Command) command = run (output, options);

  command_expect (&command, code, err);
}

static void
expect_model (const char *model, const char *output, const char *options, int code, const char *err)
{
  g_auto (Command) command = run_with ("", model, output, options);

  command_expect (&command, code, err);
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

static double
number_of (const char *line, const char *field)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) object = cJSON_Parse (line);
  double loss = 0;

  g_assert_true (json_get_number (object, field, &loss, "log", &error));
  return loss;
}

/* Of n lines, from this one on. */
static double
mean_of (char **lines, guint n, const char *field)
{
  double sum = 0;

  for (guint i = 0; i < n; i++)
    sum += number_of (lines[i], field);
  return sum / n;
}

static double
mean_loss (char **lines, guint n)
{
  return mean_of (lines, n, "loss");
}

static char **
read_lines (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return g_strsplit (g_strchomp (text), "\n", -1);
}

/* --- Learning --------------------------------------------------------------------------------- */

/* In thirty steps the loss falls by a third at least; the model loads and detects; what the model knew of
 * a class of the same name is kept, which is said. */
static void
test_learns (void)
{
  g_autofree char *output = path_of ("learned.safetensors"), *log = path_of ("learned.log");
  g_autofree char *options = g_strdup_printf ("--freeze 0 --rate 0.02 --log %s", log);

  expect (output, options, 0,
      "*1 of 6 classes keep what *tiny-bn.safetensors knows of them: cross;*steps of 4 "
      "pictures*GiB "
      "of memory*is written*");
  g_auto (GStrv) lines = read_lines (log);
  g_assert_cmpuint (g_strv_length (lines), ==, N_STEPS);
  const double first = mean_loss (lines, 5), last = mean_loss (lines + N_STEPS - 5, 5);
  g_test_message ("mean loss of 5 steps: %.3f, then %.3f", first, last);
  g_assert_cmpfloat (last, <, first * 2 / 3);

  g_autoptr (GDir) dir = g_dir_open (room.images, 0, NULL);
  g_autofree char *first_picture = g_build_filename (room.images, g_dir_read_name (dir), NULL);
  g_auto (Command) detected = command_run ("FBNET_DETECT", "--model", output, first_picture, NULL);
  command_expect (&detected, 0, "*");
  g_assert_nonnull (strstr (detected.out, "detections"));
}

/* A picture of samples, and nothing else. */
static void
test_shows (void)
{
  g_autofree char *output = path_of ("none.safetensors"), *sheet = path_of ("samples.png");
  g_autofree char *options = g_strdup_printf ("--show-samples %s", sheet);
  g_autofree char *wrong = g_strdup_printf ("--show-samples %s.bmp", sheet);

#ifdef HAVE_ANNOTATE
  expect (output, options, 0, "*samples.png is written*");
  g_assert_true (g_file_test (sheet, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));
  expect (output, wrong, 2, "*--show-samples: expected a file name that ends in .png*");
  expect (output, "--curve c.jpg", 2,
      "*--curve: expected a file name that ends in .pdf, .svg or .png*");
#else
  expect (output, options, 2, "*expected a program built with cairo and Pango*");
#endif
}

/* --- The same bytes --------------------------------------------------------------------------- */

#define N_LONG 150 /* steps of a run that is broken off */

static void
break_off (const char *output, const char *log, const char *options, int number)
{
  g_autofree char *line = line_of ("", room.model, output, options);
  const int status = command_break_off (line, output, log, N_LONG, number);

  if (number == SIGINT)
    g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
}

static void
check_broken (const char *name, int number, const char *more)
{
  g_autofree char *whole_name = g_strconcat (name, "-whole", NULL);
  g_autofree char *whole_options = g_strdup_printf ("--iterations %d %s", N_LONG, more);
  g_autofree char *whole = path_of (whole_name), *broken = path_of (name);
  g_autofree char *log = g_strconcat (broken, ".log", NULL);
  g_autofree char *curve = g_strconcat (broken, ".svg", NULL);
  g_autofree char *options = g_strdup_printf ("%s --log %s", whole_options, log);
#ifdef HAVE_ANNOTATE
  g_autofree char *resume = g_strdup_printf ("%s --resume --curve %s", options, curve);

#else
  g_autofree char *resume = g_strdup_printf ("%s --resume", options);
#endif

  expect (whole, whole_options, 0, "*");
  break_off (broken, log, options, number);
  g_assert_true (g_file_test (broken, G_FILE_TEST_EXISTS) == (number == SIGINT));
  expect (broken, resume, 0, "*going on after*is written*");
  assert_same_files (whole, broken);
#ifdef HAVE_ANNOTATE
  /* Of all steps, also those before. */
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (curve, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "<svg"));
#endif
}

/* A run that was killed at some moment goes on from its last checkpoint and ends with the same bytes. */
static void
test_killed (void)
{
  check_broken ("killed", SIGKILL, "");
}

/* One that was asked to stop does so with a checkpoint. */
static void
test_stopped (void)
{
  check_broken ("stopped", SIGTERM, "");
}

/* One that was interrupted writes a model, too; which does not change how it goes on. */
static void
test_interrupted (void)
{
  check_broken ("interrupted", SIGINT, "");
}

/* Nor does it matter where the best is kept. */
static void
test_killed_validation (void)
{
  check_broken ("killed-val", SIGKILL, "--val-split 0.25 --val-period 30 --patience 0");
}

static void
test_interrupted_validation (void)
{
  check_broken ("interrupted-val", SIGINT, "--val-split 0.25 --val-period 30 --patience 0");
}

/* More steps than the run began with: it goes on, and what comes of it is said. */
static void
test_longer (void)
{
  g_autofree char *output = path_of ("longer.safetensors"), *log = path_of ("longer.log");
  g_autofree char *resume = g_strdup_printf ("--iterations 9 --resume --log %s", log);

  expect (output, "--iterations 5", 0, "*");
  expect (output, resume, 0, "*going on after 5 of 9 steps*its steps, *are others*is written*");
  g_assert_cmpuint (count_lines (log), ==, 4);
  expect (output, "--iterations 7 --resume", 0, "*going on after 9 of 7 steps*is written*");
}

/* Two processes of one thread give what one process of two threads does. */
static void
test_processes (void)
{
  const char *mpirun = g_getenv ("FBNET_MPIRUN");
  g_autofree char *one = path_of ("one-process"), *two = path_of ("two-processes");

  if (mpirun == NULL) {
    g_test_skip ("no MPI");
    return;
  }
  g_autofree char *launcher = g_strdup_printf (
      "env OMPI_MCA_btl=self,vader OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "
      "OMPI_MCA_btl_vader_single_copy_mechanism=none %s --oversubscribe -np 2",
      mpirun);
  expect (one, "--norm naiveSyncBN:N", 0, "*");
  g_auto (Command) command =
      run_with (launcher, room.model, two, "--norm naiveSyncBN:N --threads 1");
  command_expect (&command, 0, "*is written*");
  assert_same_files (one, two);
}

/* --- When to stop ----------------------------------------------------------------------------- */

/* A share of the pictures is evaluated now and then; the best becomes the model. */
static void
test_validation (void)
{
  g_autofree char *output = path_of ("validated.safetensors");
  g_autofree char *best = g_strconcat (output, ".best", NULL);

  expect (output, "--val-split 0.25 --val-period 10 --rate 0.02 --freeze 0", 0,
      "*evaluated on 3 pictures every 10 steps*step 0: box AP *step 10: *step 20: *step 30: *the "
      "best "
      "was *is written*");
  assert_same_files (best, output);
}

/* With pictures of one's own; their classes must be among those that are trained. */
static void
test_validation_files (void)
{
  g_autofree char *output = path_of ("val-files.safetensors");
  g_autofree char *good = g_strdup_printf ("--iterations 2 --val-annotations %s --val-images %s",
      room.annotations, room.images);
  g_autofree char *foreign = write_text (room.folder, "foreign.json",
      "{\"images\":[{\"id\":1,\"file_name\":\"a\"}],\"categories\":[{\"id\":1,\"name\":\"unheard "
      "of\"}],\"annotations\":[]}");
  g_autofree char *empty = write_text (room.folder, "empty.json",
      "{\"images\":[],\"categories\":[{\"id\":1,\"name\":\"arrow\"}],\"annotations\":[]}");
  g_autofree char *wrong =
      g_strdup_printf ("--val-annotations %s --val-images %s", foreign, room.images);

  expect (output, good, 0, "*evaluated on 12 pictures*step 2: *is written*");
  g_autofree char *none =
      g_strdup_printf ("--val-annotations %s --val-images %s", empty, room.images);

  expect (output, none, 1, "*empty.json: expected pictures to evaluate with, found none*");
  expect (output, wrong, 1, "*foreign.json: expected a category that is trained*");
}

/* Where nothing is learned, the first evaluations are enough to know. */
static void
test_patience (void)
{
  g_autofree char *output = path_of ("patience.safetensors"), *log = path_of ("patience.log");
  g_autofree char *options = g_strdup_printf (
      "--val-split 0.25 --val-period 2 --patience 3 --rate 1e-30 --norm-statistics stored --log %s",
      log);
  g_autofree char *resume = g_strconcat (options, " --resume", NULL);

  expect (output, options, 0, "*step 6: *the best was * at step 0 of 6*is written*");
  g_assert_cmpuint (count_lines (log), ==, 6);
  expect (output, resume, 0, "*the best was * at step 0 of 7*is written*");
}

static double
rate_of (const char *line)
{
  g_autoptr (cJSON) object = cJSON_Parse (line);

  return cJSON_GetObjectItem (object, "rate")->valuedouble;
}

/* Every solver takes steps, and goes on with the same bytes. */
static void
test_solvers (gconstpointer solver)
{
  g_autofree char *name = g_strconcat ("solver-", solver, NULL);
  g_autofree char *whole_name = g_strconcat (name, "-whole", NULL);
  g_autofree char *whole = path_of (whole_name), *broken = path_of (name);
  g_autofree char *options =
      g_strdup_printf ("--solver %s --schedule multistep", (const char *) solver);
  g_autofree char *log = path_of ("solver.log");
  g_autofree char *killed = g_strdup_printf ("%s --iterations %d --log %s", options, N_LONG, log);
  g_autofree char *killed_resume = g_strconcat (killed, " --resume", NULL);
  g_autofree char *killed_whole = g_strdup_printf ("%s --iterations %d", options, N_LONG);

  expect (whole, killed_whole, 0, "*is written*");
  break_off (broken, log, killed, SIGKILL);
  expect (broken, killed_resume, 0, "*going on after*is written*");
  assert_same_files (whole, broken);
}

/* The rate falls where evaluations stop getting better, and a run that goes on knows how often it did. */
static void
test_plateau (void)
{
  g_autofree char *output = path_of ("plateau.safetensors"), *log = path_of ("plateau.log");
  g_autofree char *options =
      g_strdup_printf ("--schedule plateau --decay-period 2 --gamma 0.5 --val-split 0.25 "
                       "--val-period 1 --patience 0 "
                       "--rate 1e-30 --warmup 0 --norm-statistics stored --iterations 6 --log %s",
          log);
  g_autofree char *longer = g_strconcat (options, " --iterations 8 --resume", NULL);

  expect (output, options, 0, "*is written*");
  expect (output, longer, 0, "*is written*");
  g_auto (GStrv) lines = read_lines (log);
  static const double factors[] = { 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125 };
  g_assert_cmpuint (g_strv_length (lines), ==, G_N_ELEMENTS (factors));
  for (guint i = 0; i < G_N_ELEMENTS (factors); i++)
    g_assert_cmpfloat_with_epsilon (rate_of (lines[i]) / 1e-30, factors[i], 1e-4);
}

/* Epochs are as many steps as it takes. */
static void
test_epochs (void)
{
  g_autofree char *output = path_of ("epochs.safetensors"), *log = path_of ("epochs.log");
  g_autofree char *options =
      g_strdup_printf ("--iterations=-1 --epochs 2 --keep-empty --log %s", log);

  expect (output, options, 0, "*6 steps of 4 pictures, 2.0 epochs*");
  g_assert_cmpuint (count_lines (log), ==, 6);
}

/* --- Settings --------------------------------------------------------------------------------- */

/* A checkpoint of other settings is refused, and the setting is named. */
static void
test_other_settings (void)
{
  g_autofree char *output = path_of ("settings.safetensors");

  expect (output, "--seed 1", 0, "*");
  expect (output, "--seed 2 --resume", 1, "*found seed=2 where it had seed=1*");
  expect (output, "--seed 1 --batch 6 --resume", 1, "*found batch=3 where it had batch=2*");
  expect (output, "--seed 1 --roi-batch 64 --resume", 1, "*found roi=64,*where it had roi=128,*");
  expect (output, "--seed 1 --keep-empty --resume", 1, "*found keep_empty=1 where*");
  expect (output, "--seed 1 --norm gn:4 --resume", 1,
      "*found --norm gn:4 where it had naiveSyncBN*");
}

/* Every norm trains, and stands in the model that comes of it. */
static void
test_norms (gconstpointer norm)
{
  g_autofree char *output = g_strdup_printf ("%s/norm-%s", room.folder, (const char *) norm);
  g_autofree char *options = g_strdup_printf ("--norm %s --iterations 5", (const char *) norm);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) parts = g_strsplit (norm, ":", 2);

  expect (output, options, 0, "*is written*");
  FbnetModel *model = fbnet_model_load (output, &error);
  g_assert_no_error (error);
  g_autofree char *name = g_strdup_printf ("\"name\":\"%s\"", parts[0]);
  g_assert_nonnull (strstr (fbnet_model_get_description (model), name));
  fbnet_model_unref (model);
}

/* How many tensors whose names begin so differ, and how many there are. */
static guint
count_changed (const TensorList *before, const TensorList *after, const char *prefix, guint *n)
{
  guint n_changed = 0;

  *n = 0;
  for (guint i = 0; i < before->views->len; i++) {
    const FbnetTensorView *b = before->views->pdata[i];
    if (!g_str_has_prefix (b->name, prefix) || b->dtype != FBNET_DTYPE_F32)
      continue;
    const FbnetTensorView *a = tensor_list_find (after, b->name);
    g_assert_nonnull (a);
    g_assert_cmpuint (a->n_bytes, ==, b->n_bytes);
    n_changed += memcmp (a->data, b->data, b->n_bytes) != 0;
    ++*n;
  }
  return n_changed;
}

/* --freeze leaves a stage's weights and biases as they are, bit for bit; the next stage learns. */
static void
test_freeze (void)
{
  g_autofree char *output = path_of ("frozen.safetensors");
  g_autoptr (GError) error = NULL;
  guint n;

  expect (output, "--freeze 2 --norm-statistics stored", 0, "*");
  g_autoptr (TensorList) before = tensor_list_load (room.model, &error);
  g_autoptr (TensorList) after = tensor_list_load (output, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_changed (before, after, "backbone.body.trunk0.", &n), ==, 0);
  g_assert_cmpuint (n, >, 5);
  g_assert_cmpuint (count_changed (before, after, "backbone.body.trunk1.", &n), ==, 0);
  g_assert_cmpuint (n, >, 5);
  g_assert_cmpuint (count_changed (before, after, "backbone.body.trunk2.", &n), >, 5);
}

/* Row `row` of one tensor and row `other` of another of the same name are the same numbers. */
static gboolean
is_same_row (const TensorList *a, guint row, const TensorList *b, guint other, const char *name)
{
  const FbnetTensorView *one = tensor_list_find (a, name), *two = tensor_list_find (b, name);

  g_assert_nonnull (one);
  g_assert_nonnull (two);
  const gsize n = one->n_bytes / one->shape[0];
  g_assert_cmpuint (two->n_bytes / two->shape[0], ==, n);
  return memcmp ((const char *) one->data + row * n, (const char *) two->data + other * n, n) == 0;
}

/* Classes keep their part of the predictors by their names, wherever they stand: of six classes in one
 * order the model becomes one of three in another, one of them new. */
static void
test_kept_classes (void)
{
  g_autofree char *first = path_of ("six.safetensors"), *second = path_of ("three.safetensors");
  g_autofree char *usual = room.annotations, *text = NULL;
  g_autoptr (GError) error = NULL;

  expect (first, "--iterations 3", 0, "*");
  g_file_get_contents (usual, &text, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (cJSON) set = cJSON_Parse (text);
  cJSON_ReplaceItemInObject (set, "categories",
      cJSON_Parse ("[{\"id\":1,\"name\":\"star\"},{\"id\":2,\"name\":\"new\"},"
                   "{\"id\":3,\"name\":\"arrow\"}]"));
  g_autofree char *other = cJSON_PrintUnformatted (set);
  room.annotations = write_text (room.folder, "three.json", other);
  expect_model (first, second, "--iterations 1 --rate 1e-30 --norm-statistics stored --no-masks", 0,
      "*2 of 3 classes keep what *six.safetensors knows of them: star, arrow;*is written*");
  g_free (room.annotations);
  room.annotations = g_steal_pointer (&usual);

  g_autoptr (TensorList) six = tensor_list_load (first, &error);
  g_autoptr (TensorList) three = tensor_list_load (second, &error);
  g_assert_no_error (error);
  const char *scores = "roi_heads.box_predictor.cls_score.weight";
  const char *deltas = "roi_heads.box_predictor.bbox_pred.weight";
  const char *masks = "roi_heads.mask_head.predictor.mask_fcn_logits.weight";
  g_assert_true (is_same_row (three, 0, six, 5, scores)); /* star */
  g_assert_true (is_same_row (three, 2, six, 0, scores)); /* arrow */
  g_assert_true (is_same_row (three, 3, six, 6, scores)); /* background */
  g_assert_false (is_same_row (three, 1, six, 1, scores));
  g_assert_true (is_same_row (three, 3, six, 23, deltas));
  g_assert_true (is_same_row (three, 8, six, 0, deltas));
  g_assert_true (is_same_row (three, 0, six, 5, masks));
  g_assert_true (is_same_row (three, 2, six, 0, masks));
}

/* The run, with the first category alone, called `name`. */
static void
expect_one_class (const char *name, const char *model, const char *output, const char *options,
    int code, const char *err)
{
  g_autofree char *usual = room.annotations, *text = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (usual, &text, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (cJSON) set = cJSON_Parse (text);
  g_autofree char *category = g_strdup_printf ("[{\"id\":1,\"name\":\"%s\"}]", name);
  cJSON_ReplaceItemInObject (set, "categories", cJSON_Parse (category));
  g_autofree char *one = cJSON_PrintUnformatted (set);
  room.annotations = write_text (room.folder, "one.json", one);
  expect_model (model, output, options, code, err);
  g_free (room.annotations);
  room.annotations = g_steal_pointer (&usual);
}

/* --keep puts a new class behind those of the model, which keep their rows; one of theirs is not new. */
static void
test_keep (void)
{
  g_autofree char *six = path_of ("six-kept.safetensors"), *seven = path_of ("seven.safetensors");
  g_autofree char *again = path_of ("again.safetensors");
  g_autoptr (GError) error = NULL;

  expect (six, "--iterations 3", 0, "*");
  expect_one_class ("sickle", six, seven,
      "--keep --iterations 1 --rate 1e-30 --norm-statistics stored --no-masks", 0,
      "*6 of 7 classes keep what *six-kept.safetensors knows of them: *is written*");
  g_autoptr (TensorList) before = tensor_list_load (six, &error);
  g_autoptr (TensorList) after = tensor_list_load (seven, &error);
  g_assert_no_error (error);
  const char *scores = "roi_heads.box_predictor.cls_score.weight";
  for (guint i = 0; i < 6; i++)
    g_assert_true (is_same_row (after, i, before, i, scores));
  g_assert_true (is_same_row (after, 7, before, 6, scores)); /* background */
  FbnetModel *model = fbnet_model_load (seven, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fbnet_model_get_n_classes (model), ==, 7);
  g_assert_cmpstr (fbnet_model_get_label (model, 0), ==, "arrow");
  g_assert_cmpstr (fbnet_model_get_label (model, 6), ==, "sickle");
  g_assert_nonnull (
      strstr (fbnet_model_get_description (model), "\"category_ids\":[1,2,3,4,5,6,7]"));
  fbnet_model_unref (model);
  expect_one_class ("moon", six, again, "--keep --iterations 1", 0, "*is written*");
  model = fbnet_model_load (again, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fbnet_model_get_n_classes (model), ==, 6);
  fbnet_model_unref (model);
  expect (again, "--keep --config faster_rcnn_fbnetv3a_C4", 2,
      "*--keep: expected --model, and neither*");
}

/* A run that was killed goes on with the same teacher. */
static void
test_killed_keep (void)
{
  check_broken ("killed-keep", SIGKILL, "--keep");
}

static char *
description_of (const char *path)
{
  g_autoptr (GError) error = NULL;
  FbnetModel *model = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  char *text = g_strdup (fbnet_model_get_description (model));
  fbnet_model_unref (model);
  return text;
}

static void
set_all (FbnetTensorView *view, float number)
{
  float *values = (float *) view->data;

  for (gsize i = 0; i < view->n_bytes / sizeof *values; i++)
    values[i] = number;
}

/* The model with norms that change nothing, as fbnet-import leaves those that it folded. */
static char *
write_folded (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TensorList) tensors = tensor_list_load (room.model, &error);
  g_autofree char *description = description_of (room.model);
  char *path = path_of ("folded.safetensors");

  g_assert_no_error (error);
  for (guint i = 0; i < tensors->views->len; i++) {
    FbnetTensorView *view = tensors->views->pdata[i];
    if (g_str_has_suffix (view->name, ".running_mean"))
      set_all (view, 0);
    else if (g_str_has_suffix (view->name, ".running_var"))
      set_all (view, 1 - 1e-5f);
  }
  g_assert_true (tensor_list_write (tensors, path, description, &error));
  g_assert_no_error (error);
  return path;
}

/* Folded norms keep their statistics, which is said. */
static void
test_folded (void)
{
  g_autofree char *folded = write_folded (), *output = path_of ("unfolded.safetensors");
  g_autoptr (GError) error = NULL;
  guint n_statistics = 0;

  expect_model (folded, output, "", 0, "*have been folded*--norm-statistics stored*is written*");
  g_autoptr (TensorList) before = tensor_list_load (folded, &error);
  g_autoptr (TensorList) after = tensor_list_load (output, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < before->views->len; i++) {
    const FbnetTensorView *b = before->views->pdata[i];
    if (strstr (b->name, ".running_") == NULL)
      continue;
    const FbnetTensorView *a = tensor_list_find (after, b->name);
    g_assert_nonnull (a);
    g_assert_cmpmem (a->data, a->n_bytes, b->data, b->n_bytes);
    n_statistics++;
  }
  g_assert_cmpuint (n_statistics, >, 20);
}

/* --- What is written -------------------------------------------------------------------------- */

/* Fails the test unless the model file says so, by model_param_get()'s names. */
static void
expect_param (const char *path, const char *name, double value)
{
  g_autofree char *text = description_of (path);
  g_autoptr (cJSON) description = cJSON_Parse (text);

  g_test_message ("%s: %g", name, model_param_get (description, name));
  g_assert_cmpfloat (model_param_get (description, name), ==, value);
}

/* A model is written as what it was trained as: sizes, counts and thresholds. */
static void
test_written (void)
{
  g_autofree char *output = path_of ("written.safetensors");
  g_autofree char *text = description_of (room.model);
  g_autoptr (cJSON) own = cJSON_Parse (text);
  const double min = model_param_get (own, "min-size"), max = model_param_get (own, "max-size");

  expect (output, "--iterations 1 --sizes 64,80 --score-threshold 0.25 --max-detections 7", 0, "*");
  expect_param (output, "min-size", 80);
  expect_param (output, "max-size", round (max * 80 / min));
  expect_param (output, "score-threshold", 0.25);
  expect_param (output, "max-detections", 7);
  expect_param (output, "post-nms-count", model_param_get (own, "post-nms-count"));
  expect (output, "--iterations 1 --min-size 64 --max-size 72 --test-post-nms-count 11", 0, "*");
  expect_param (output, "min-size", 64);
  expect_param (output, "max-size", 72);
  expect_param (output, "post-nms-count", 11);
  expect (output, "--iterations 1 --post-nms-count 50 --pre-nms-count 99", 0, "*");
  expect_param (output, "min-size", min);
  expect_param (output, "max-size", max);
  expect_param (output, "post-nms-count", model_param_get (own, "post-nms-count"));
  expect_param (output, "pre-nms-count", model_param_get (own, "pre-nms-count"));
}

/* Sizes to choose from leave the model's own where it is among them. */
static void
test_written_range (void)
{
  g_autofree char *output = path_of ("range.safetensors");
  g_autofree char *text = description_of (room.model);
  g_autoptr (cJSON) own = cJSON_Parse (text);
  const guint min = (guint) model_param_get (own, "min-size");
  g_autofree char *around =
      g_strdup_printf ("--iterations 1 --sizes %u-%u --max-size 100", min - 16, min + 16);

  expect (output, around, 0, "*");
  expect_param (output, "min-size", min);
  expect_param (output, "max-size", 100);
  expect (output, "--iterations 1 --sizes 24-40", 0, "*");
  expect_param (output, "min-size", 40);
}

/* --- What is refused -------------------------------------------------------------------------- */

/* A command line that is wrong is answered with a sentence and status 2. */
static void
test_usage (void)
{
  g_autofree char *output = path_of ("usage.safetensors");
  static const struct {
    const char *options, *err;
  } cases[] = {
    { "--batch 3", "*expected a --batch that the workers can share evenly, found 3 for 2*" },
    { "--iterations 0", "*expected --iterations*" },
    { "--epochs 3", "*expected one of --iterations and --epochs, found both*" },
    { "--val-split 1", "*expected a --val-split from 0 to below 1*" },
    { "--val-images a", "*expected --val-annotations and --val-images, found one of them*" },
    { "--solver lion", "*--solver: expected sgd, adam, *found lion*" },
    { "--schedule never", "*--schedule: expected cosine, *found never*" },
    { "--schedule plateau",
        "*--schedule plateau: expected --val-annotations, --val-images or --val-split*" },
    { "--nesterov --solver adam", "*--nesterov: expected --solver sgd*" },
    { "--betas 0.9", "*--betas: expected two numbers*" },
    { "--milestones 0.5,0.4", "*--milestones: expected shares that ascend*" },
    { "--gamma 0", "*expected a --gamma above 0*" },
    { "--patience -1", "*expected --val-period and --patience of 0 or more*" },
    { "--repeat-threshold 2", "*expected a --repeat-threshold from 0 to 1*" },
    { "--rate nan", "*expected a --rate above 0*" },
    { "--rate 0", "*expected a --rate above 0*" },
    { "--ema 1", "*expected --momentum and --ema*" },
    { "--norm ln", "*--norm: expected gn:GROUPS*" },
    { "--norm gn", "*--norm: expected gn:GROUPS*" },
    { "--norm gn:0", "*--norm: expected gn:GROUPS*" },
    { "--sizes 0", "*--sizes: expected numbers from 1 to 8192*" },
    { "--sizes 10-20-30", "*--sizes: expected*" },
    { "--rpn-iou 0.7,0.3", "*--rpn-iou: expected LOWER,UPPER*" },
    { "--norm-statistics mine", "*expected --norm-statistics batch or stored*" },
    { "--roi-batch 0", "*--roi-batch*" },
    { "--test-post-nms-count -1", "*--test-post-nms-count from 1 to 100000*" },
    { "--score-threshold 2", "*--score-threshold: expected 0 … 1, found 2*" },
    { "--threads -1", "*--threads*" },
    { "--annotations more.json", "*as many of one as of the other*" },
    { "--config a --description b", "*expected one of --config and --description*" },
    { "stray", "*expected options only, found 'stray'*" },
    { "--unknown", "*unknown*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Command) command = run (output, cases[i].options);
    g_test_message ("%s: status %d", cases[i].options, command.code);
    command_expect (&command, 2, cases[i].err);
  }
  g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));
}

/* Runs with annotations of this text. */
static void
expect_annotations (const char *text, const char *err)
{
  g_autofree char *output = path_of ("hostile.safetensors"), *usual = room.annotations;
  g_autofree char *other = write_text (room.folder, "hostile.json", text);

  room.annotations = other;
  expect (output, "", 1, err);
  room.annotations = g_steal_pointer (&usual);
}

/* Kernels that there are not are told of before the work, as by the other programs. */
static void
test_kernels (void)
{
  g_autofree char *output = path_of ("kernels.safetensors");

  g_setenv ("FBNET_KERNELS", "nonsense", TRUE);
  expect (output, "", 2, "*FBNET_KERNELS: expected one of *found \"nonsense\"*");
  g_unsetenv ("FBNET_KERNELS");
}

/* Files that are missing, empty, broken or cannot be written. */
static void
test_files (void)
{
  g_autofree char *output = path_of ("files.safetensors"), *missing = path_of ("missing");
  g_autofree char *nowhere = path_of ("missing/model.safetensors");
  g_autofree char *log = g_strdup_printf ("--log %s/log", missing);

  expect_annotations ("", "*hostile.json*");
  expect_annotations ("{}", "*hostile.json: field 'images': expected an array*");
  expect_annotations ("{\"images\": [], \"categories\": [{\"id\": 1, \"name\": \"a\"}], "
                      "\"annotations\": []}",
      "*hostile.json*");
  expect_annotations ("{\"images\": [{\"id\": 1, \"file_name\": \"none.jpg\", \"width\": 9, "
                      "\"height\": 9}], \"categories\": [{\"id\": 1, \"name\": \"a\"}], "
                      "\"annotations\": [{\"id\": 1, \"image_id\": 1, \"category_id\": 1, "
                      "\"bbox\": [1, 1, 5, 5]}]}",
      "*hostile.json*");
  expect_model (missing, output, "", 1, "*missing*");
  expect_model (room.annotations, output, "", 1, "*annotations.json*");
  expect (nowhere, "", 1, "*missing/model.safetensors: cannot be written*");
  expect (output, "--checkpoint /nowhere/state", 1, "*/nowhere/state: cannot be written*");
  expect (output, log, 1, "*missing/log: cannot be written*");
  g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));
}

/* A model as its description says, written without its weights: none is needed to be refused. */
static void
expect_description (const char *name, cJSON *description, const char *err)
{
  g_autofree char *text = cJSON_PrintUnformatted (description);
  g_autofree char *path = write_text (room.folder, name, text);
  g_autofree char *output = path_of ("refused.safetensors");
  g_autofree char *options = g_strdup_printf ("--description %s", path);

  expect (output, options, 1, err);
  cJSON_Delete (description);
}

/* A detector over a pyramid learns, and loads again; with --keep, too. */
static void
test_pyramid (void)
{
  g_autofree char *model =
      g_strconcat (g_getenv ("FBNET_TEST_DATA"), "/tiny-fpn.safetensors", NULL);
  g_autofree char *output = path_of ("pyramid.safetensors"), *log = path_of ("pyramid.log");
  g_autofree char *kept = path_of ("pyramid-kept.safetensors");
  g_autofree char *options = g_strdup_printf ("--freeze 0 --rate 0.02 --log %s", log);

  expect_model (model, output, options, 0, "*is written*");
  g_auto (GStrv) lines = read_lines (log);
  const double first = mean_loss (lines, 5), last = mean_loss (lines + N_STEPS - 5, 5);
  g_test_message ("mean loss of 5 steps: %.3f, then %.3f", first, last);
  g_assert_cmpfloat (last, <, first * 2 / 3);
  expect_model (output, kept, "--keep --iterations 2", 0, "*is written*");
}

/* Each object's corners, in the order of the small model's keypoints; one object has none. */
static char *
write_keypoints (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  guint n = 0;

  g_file_get_contents (room.annotations, &text, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (cJSON) set = cJSON_Parse (text);
  cJSON *entry;
  cJSON_ArrayForEach (entry, cJSON_GetObjectItem (set, "annotations"))
  {
    double box[4];
    g_assert_true (json_get_numbers (entry, "bbox", box, 4, "annotation", &error));
    const double corners[] = { box[0], box[1], 2, box[0] + box[2], box[1], 2, box[0],
      box[1] + box[3], 1, box[0] + box[2], box[1] + box[3], 2, 0, 0, 0 };
    if (n++ > 0)
      cJSON_AddItemToObject (entry, "keypoints", cJSON_CreateDoubleArray (corners, 15));
  }
  g_autofree char *written = cJSON_PrintUnformatted (set);
  return write_text (room.folder, "keypoints.json", written);
}

/* From here on all is trained with keypoints; what was used before. */
static Room
use_keypoints (void)
{
  const Room usual = room;

  room.annotations = write_keypoints ();
  room.model = g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-kpt.safetensors", NULL);
  return usual;
}

static void
use_usual (const Room *usual)
{
  g_free (room.annotations);
  g_free (room.model);
  room = *usual;
}

static void
check_keypoints (const char *type)
{
  g_autofree char *name = g_strconcat (type, ".safetensors", NULL);
  g_autofree char *output = path_of (name), *log = g_strconcat (output, ".log", NULL);
  g_autofree char *text = description_of (room.model);
  g_autoptr (cJSON) description = cJSON_Parse (text);
  cJSON *head = cJSON_GetObjectItem (description, "keypoint_head");

  cJSON_ReplaceItemInObject (head, "type", cJSON_CreateString (type));
  g_autofree char *changed = cJSON_PrintUnformatted (description);
  g_autofree char *path = write_text (room.folder, type, changed);
  g_autofree char *options =
      g_strdup_printf ("--description %s --freeze 0 --rate 0.02 --log %s", path, log);
  expect (output, options, 0, "*1 annotation without the keypoints that the model has*is written*");
  g_auto (GStrv) lines = read_lines (log);
  const double first = mean_of (lines, 5, "keypoint");
  const double last = mean_of (lines + N_STEPS - 5, 5, "keypoint");
  g_test_message ("%s: mean loss of keypoints: %.3f, then %.3f", type, first, last);
  g_assert_cmpfloat (last, <, first * 0.9);
}

/* A keypoint head of any type learns where the corners are, and runs on when it was killed. */
static void
test_keypoints (void)
{
  g_autofree char *model =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-kpt.safetensors", NULL);
  g_autofree char *output = path_of ("keypoints.safetensors");

  expect_model (model, output, "--iterations 1", 0,
      "*annotations without the keypoints that the model has*is written*");
  const Room usual = use_keypoints ();
  check_keypoints ("irf");
  check_keypoints ("conv_upsample");
  check_keypoints ("deconv");
  check_keypoints ("deconv_upscale");
  check_broken ("killed-keypoints", SIGKILL, "--freeze 0");
  use_usual (&usual);
}

/* Models that training cannot handle. */
static void
test_models (void)
{
  g_autofree char *output = path_of ("zoo.safetensors");

  expect (output, "--config no_such_config", 1, "*no_such_config*");
  cJSON *empty = cJSON_CreateObject ();
  expect_description ("empty.json", empty, "*fbnet-train: *");
}

/* A rate so large that numbers leave their range ends the run with a sentence. */
static void
test_rate (void)
{
  g_autofree char *output = path_of ("rate.safetensors");

  expect (output, "--rate 1e20 --warmup 0 --clip 0", 1, "*expected finite losses*");
  g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  room_open ();
  g_test_add_func ("/training/program/learns", test_learns);
  g_test_add_func ("/training/program/shows", test_shows);
  g_test_add_func ("/training/program/killed", test_killed);
  g_test_add_func ("/training/program/stopped", test_stopped);
  g_test_add_func ("/training/program/interrupted", test_interrupted);
  g_test_add_func ("/training/program/killed-validation", test_killed_validation);
  g_test_add_func ("/training/program/interrupted-validation", test_interrupted_validation);
  g_test_add_func ("/training/program/longer", test_longer);
  g_test_add_func ("/training/program/processes", test_processes);
  g_test_add_func ("/training/program/validation", test_validation);
  g_test_add_func ("/training/program/validation-files", test_validation_files);
  g_test_add_func ("/training/program/patience", test_patience);
  g_test_add_func ("/training/program/epochs", test_epochs);
  g_test_add_data_func ("/training/program/solver/adamw", "adamw", test_solvers);
  g_test_add_data_func ("/training/program/solver/adadelta", "adadelta", test_solvers);
  g_test_add_func ("/training/program/plateau", test_plateau);
  g_test_add_func ("/training/program/kept-classes", test_kept_classes);
  g_test_add_func ("/training/program/keep", test_keep);
  g_test_add_func ("/training/program/killed-keep", test_killed_keep);
  g_test_add_func ("/training/program/other-settings", test_other_settings);
  g_test_add_data_func ("/training/program/norm/gn", "gn:4", test_norms);
  g_test_add_data_func ("/training/program/norm/bn", "bn", test_norms);
  g_test_add_data_func ("/training/program/norm/sync-bn", "sync_bn", test_norms);
  g_test_add_data_func ("/training/program/norm/naive", "naiveSyncBN", test_norms);
  g_test_add_data_func ("/training/program/norm/naive-n", "naiveSyncBN:N", test_norms);
  g_test_add_func ("/training/program/freeze", test_freeze);
  g_test_add_func ("/training/program/folded", test_folded);
  g_test_add_func ("/training/program/written", test_written);
  g_test_add_func ("/training/program/written-range", test_written_range);
  g_test_add_func ("/training/program/usage", test_usage);
  g_test_add_func ("/training/program/kernels", test_kernels);
  g_test_add_func ("/training/program/files", test_files);
  g_test_add_func ("/training/program/pyramid", test_pyramid);
  g_test_add_func ("/training/program/keypoints", test_keypoints);
  g_test_add_func ("/training/program/models", test_models);
  g_test_add_func ("/training/program/rate", test_rate);
  const int status = g_test_run ();
  room_close ();
  return status;
}
