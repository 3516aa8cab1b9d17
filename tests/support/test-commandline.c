/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What all programs have in common, on a program that does nothing: exit status, locale, and the engine's
 * parameters as options.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "support/commandline.h"
#include "support/paramoptions.h"

/* --- Exit status ------------------------------------------------------------------------------ */

typedef struct {
  int number;          /* of the one option */
  GQuark domain;       /* of the error that ends the run; 0: none */
  int code;            /* of that error */
  gboolean costs_part; /* a picture fails on the way */
  gboolean ran;
} Work;

static void
add_options (gpointer data, GOptionContext *context)
{
  Work *work = data;
  const GOptionEntry entries[] = {
    { "number", 'n', 0, G_OPTION_ARG_INT, &work->number, "A number", "N" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

static gboolean
check (gpointer data, GError **error)
{
  const Work *work = data;

  return work->number >= 0 || usage_error (error, "--number: expected 0 or more");
}

static gboolean
run (gpointer data, Console *console, GError **error)
{
  Work *work = data;
  g_autoptr (GError) part = g_error_new (FBNET_ERROR, FBNET_ERROR_IO, "part");

  work->ran = TRUE;
  if (work->costs_part)
    console_fail (console, part);
  if (work->domain == 0)
    return TRUE;
  g_set_error (error, work->domain, work->code, "whole");
  return FALSE;
}

static const Program program = {
  .name = "nothing",
  .summary = "Does nothing.",
  .examples = "Examples:\n  nothing\n",
  .failures = "it failed",
  .add_options = add_options,
  .check = check,
  .run = run,
};

static int
call (Work *work, const char *argument)
{
  char *argv[] = { (char *) "nothing", (char *) argument, NULL };

  return program_main (&program, work, argument != NULL ? 2 : 1, argv);
}

/* A run's outcome is its exit status; an argument that the library refuses is the command line's fault
 * only where that is said. */
static void
test_outcomes (void)
{
  Work good = { 0 }, part = { .costs_part = TRUE };
  Work file = { .domain = FBNET_ERROR, .code = FBNET_ERROR_IO };
  Work argument = { .domain = FBNET_ERROR, .code = FBNET_ERROR_ARGUMENT };
  Work usage = { .domain = G_OPTION_ERROR, .code = G_OPTION_ERROR_BAD_VALUE };

  g_assert_cmpint (call (&good, NULL), ==, EXIT_DONE);
  g_assert_cmpint (call (&part, NULL), ==, EXIT_FAILED);
  g_assert_cmpint (call (&file, NULL), ==, EXIT_FAILED);
  g_assert_cmpint (call (&argument, NULL), ==, EXIT_FAILED);
  g_assert_cmpint (call (&usage, NULL), ==, EXIT_USAGE);
}

/* What is wrong with the command line is said before anything runs. */
static void
test_usage (void)
{
  static const char *const wrong[] = { "--unknown", "--number=x", "--number=-1", "stray" };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    Work work = { 0 };
    g_assert_cmpint (call (&work, wrong[i]), ==, EXIT_USAGE);
    g_assert_false (work.ran);
  }
}

/* --version is answered, and nothing runs. */
static void
test_version (void)
{
  Work work = { 0 };

  if (g_test_subprocess ()) {
    exit (call (&work, "--version") == EXIT_DONE && !work.ran ? 0 : 1);
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*nothing " FBNET_VERSION "\n");
}

/* --help has the options, the examples and what the exit status means. */
static void
test_help (void)
{
  Work work = { 0 };

  if (g_test_subprocess ())
    call (&work, "--help");
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*Does nothing.*--number=N*--version*Examples:*1 it failed; 2 *");
}

/* Only an argument is adopted; NULL is allowed at both levels. */
static void
test_adopt (void)
{
  GError *none = NULL;
  g_autoptr (GError) file = g_error_new (FBNET_ERROR, FBNET_ERROR_IO, "file");
  g_autoptr (GError) argument = g_error_new (FBNET_ERROR, FBNET_ERROR_ARGUMENT, "argument");

  usage_error_adopt (NULL);
  usage_error_adopt (&none);
  usage_error_adopt (&file);
  usage_error_adopt (&argument);
  g_assert_null (none);
  g_assert_error (file, FBNET_ERROR, FBNET_ERROR_IO);
  g_assert_error (argument, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
}

/* --- Outputs ---------------------------------------------------------------------------------- */

typedef struct {
  Work work;
  OutputKind kind;
  const char *path;
} Writing;

static void
name_output (gpointer data, Confines *confines)
{
  const Writing *writing = data;

  confines->keeps_all = TRUE;
  confines_add_output (confines, writing->kind, "--output", writing->path);
}

static void
expect_output (OutputKind kind, const char *path, int code)
{
  Program writer = program;
  Writing writing = { .kind = kind, .path = path };
  char *argv[] = { (char *) "nothing", NULL };

  writer.name_files = name_output;
  g_test_message ("%d %s", kind, path);
  g_assert_cmpint (program_main (&writer, &writing, 1, argv), ==, code);
  g_assert_true (writing.work.ran == (code == EXIT_DONE));
}

/* Before anything runs: a file's folder must be there, a folder is made, only text goes to standard output, only what
 * grows to a device. */
static void
test_outputs (void)
{
  char *folder = folder_new ();
  g_autofree char *file = write_text (folder, "file", "");
  g_autofree char *new = g_build_filename (folder, "new", NULL);
  g_autofree char *nowhere = g_build_filename (folder, "nowhere", "new", NULL);
  g_autofree char *deep = g_build_filename (folder, "a", "b", NULL);
  g_autofree char *below = g_build_filename (file, "below", NULL);
  const struct {
    OutputKind kind;
    const char *path;
    int code;
  } cases[] = {
    { OUTPUT_FILE, file, EXIT_DONE },
    { OUTPUT_FILE, new, EXIT_DONE },
    { OUTPUT_FILE, nowhere, EXIT_FAILED },
    { OUTPUT_FILE, folder, EXIT_FAILED },
    { OUTPUT_FILE, "/dev/null", EXIT_FAILED },
    { OUTPUT_FILE, "-", EXIT_USAGE },
    { OUTPUT_TEXT, "-", EXIT_DONE },
    { OUTPUT_TEXT, nowhere, EXIT_FAILED },
    { OUTPUT_LOG, "-", EXIT_DONE },
    { OUTPUT_LOG, file, EXIT_DONE },
    { OUTPUT_LOG, new, EXIT_DONE },
    { OUTPUT_LOG, "/dev/null", EXIT_DONE },
    { OUTPUT_LOG, nowhere, EXIT_FAILED },
    { OUTPUT_LOG, folder, EXIT_FAILED },
    { OUTPUT_FOLDER, "-", EXIT_USAGE },
    { OUTPUT_FOLDER, below, EXIT_FAILED },
    { OUTPUT_FOLDER, deep, EXIT_DONE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    expect_output (cases[i].kind, cases[i].path, cases[i].code);
  g_assert_true (g_file_test (deep, G_FILE_TEST_IS_DIR));
  g_assert_false (g_file_test (new, G_FILE_TEST_EXISTS));
  folder_remove (folder);
}

/* --- Locale ----------------------------------------------------------------------------------- */

static gboolean
print_number (gpointer data, Console *console, GError **error)
{
  float read = 0;

  sscanf ("1.5", "%f", &read);
  printf ("%s number %.2f %.2f\n", setlocale (LC_CTYPE, NULL), 0.25, (double) read);
  return TRUE;
}

static void
print_in_locale (void)
{
  Program printer = program;
  char *argv[] = { (char *) "nothing", NULL };
  Work work = { 0 };

  printer.run = print_number;
  exit (program_main (&printer, &work, 1, argv));
}

/* In a locale that writes 0,25 numbers keep their point, written and read; characters are the locale's. */
static void
test_locale (void)
{
  if (g_test_subprocess ())
    print_in_locale ();
  g_autofree char *folder = folder_new ();
  g_autofree char *locale = g_build_filename (folder, "de_DE.UTF-8", NULL);
  g_autofree char *numbers = g_build_filename (locale, "LC_NUMERIC", NULL);
  g_autofree char *command = g_strdup_printf ("localedef -i de_DE -f UTF-8 %s", locale);
  if (!g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL)
      || !g_file_test (numbers, G_FILE_TEST_IS_REGULAR)) {
    g_test_skip ("localedef cannot make a locale here");
  } else {
    g_setenv ("LOCPATH", folder, TRUE);
    g_setenv ("LC_ALL", "de_DE.UTF-8", TRUE);
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_unsetenv ("LOCPATH");
    g_unsetenv ("LC_ALL");
    g_test_trap_assert_passed ();
    g_test_trap_assert_stdout ("*de_DE.UTF-8 number 0.25 1.50\n");
  }
  folder_remove (g_steal_pointer (&folder));
}

/* --- Parameters ------------------------------------------------------------------------------- */

static const char *const none[] = { NULL };

/* Parses words with a space between; FALSE with error. */
static gboolean
parse (ParamOptions *options, const char *const *without, const char *words, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autofree char *line = g_strconcat ("test ", words, NULL);
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);

  param_options_add_all_but (options, context, without);
  return g_option_context_parse_strv (context, &argv, error)
      && param_options_check (options, error);
}

/* What is given replaces the model's values, exactly, and nothing else does. */
static void
test_params (void)
{
  g_autoptr (ParamOptions) options = param_options_new ();
  g_autoptr (GError) error = NULL;
  FbnetParams params = { .iou_threshold = 0.6f, .masks = TRUE, .keypoints = TRUE, .min_size = 5 };

  g_assert_true (parse (options, none,
      "-s 0.1 --pre-nms-count 77 --no-masks --class-agnostic-nms --norm-statistics stream -t 3 "
      "--kernels c --precision float32",
      &error));
  g_assert_no_error (error);
  param_options_apply (options, &params);
  const FbnetDetectorOptions how = param_options_how (options);
  g_assert_cmpfloat (params.score_threshold, ==, 0.1f);
  g_assert_cmpuint (params.pre_nms_count, ==, 77);
  g_assert_false (params.masks);
  g_assert_true (params.keypoints);
  g_assert_true (params.class_agnostic_nms);
  g_assert_cmpint (params.norm_statistics, ==, FBNET_NORM_STATISTICS_STREAM);
  g_assert_cmpfloat (params.iou_threshold, ==, 0.6f);
  g_assert_cmpuint (params.min_size, ==, 5);
  g_assert_cmpuint (how.n_threads, ==, 3);
  g_assert_cmpstr (how.kernels, ==, "c");
  g_assert_cmpint (how.precision, ==, FBNET_PRECISION_FLOAT32);
  g_assert_cmpint (how.normalization, ==, FBNET_NORMALIZATION_AUTO);
}

/* Every parameter that is a number has an option of its name, and its bounds are the table's. */
static void
test_table (void)
{
  guint n;
  const FbnetParamInfo *table = fbnet_params_table (&n);

  for (guint i = 0; i < n; i++) {
    if (table[i].type != FBNET_PARAM_FLOAT && table[i].type != FBNET_PARAM_COUNT)
      continue;
    const double values[] = { table[i].min, table[i].max, table[i].max + 1, table[i].min - 1 };
    for (guint v = 0; v < G_N_ELEMENTS (values); v++) {
      g_autoptr (ParamOptions) options = param_options_new ();
      g_autofree char *words = g_strdup_printf ("--%s=%.17g", table[i].name, values[v]);
      g_assert_true (parse (options, none, words, NULL) == (v < 2));
      if (v < 2)
        g_assert_cmpfloat (param_options_number (options, table[i].name, -7), ==, values[v]);
    }
  }
}

/* Older names are the same options; the last one given counts. */
static void
test_older_names (void)
{
  static const char *const pairs[][2] = { { "pre-nms", "pre-nms-count" },
    { "post-nms", "post-nms-count" }, { "box-pooler", "box-pooler-resolution" },
    { "mask-pooler", "mask-pooler-resolution" } };

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    g_autoptr (ParamOptions) options = param_options_new ();
    g_autofree char *words = g_strdup_printf ("--%s 9 --%s 7", pairs[i][1], pairs[i][0]);
    g_autoptr (GError) error = NULL;
    g_assert_true (parse (options, none, words, &error));
    g_assert_no_error (error);
    g_assert_true (param_options_has (options, pairs[i][1]));
    g_assert_cmpfloat (param_options_number (options, pairs[i][1], 0), ==, 7);
  }
}

/* What is wrong is said of the option's own name; an option that was left out is none. */
static void
test_wrong (void)
{
  static const char *const without[] = { "iou-lower", NULL };
  static const struct {
    const char *words, *expected;
  } cases[] = {
    { "--pre-nms ten", "--pre-nms-count: expected 1 … 100000, found ten" },
    { "--min-size 1.5", "--min-size: expected 1 … 8192, found 1.5" },
    { "--iou-threshold=", "--iou-threshold: expected 0 … 1, found " },
    { "--iou-threshold 0,5", "--iou-threshold: expected 0 … 1, found 0,5" },
    { "--int8-bias narrow", "--int8-bias: expected auto, wide or exact, found narrow" },
    { "--keypoints --no-keypoints", "--keypoints: expected it or --no-keypoints, found both" },
    { "--iou-lower 0.1", "Unknown option --iou-lower" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (ParamOptions) options = param_options_new ();
    g_autoptr (GError) error = NULL;
    g_assert_false (parse (options, without, cases[i].words, &error));
    g_assert_cmpstr (error->message, ==, cases[i].expected);
    g_assert_true (error->domain == G_OPTION_ERROR);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/commandline/outcomes", test_outcomes);
  g_test_add_func ("/commandline/usage", test_usage);
  g_test_add_func ("/commandline/version", test_version);
  g_test_add_func ("/commandline/help", test_help);
  g_test_add_func ("/commandline/adopt", test_adopt);
  g_test_add_func ("/commandline/outputs", test_outputs);
  g_test_add_func ("/commandline/locale", test_locale);
  g_test_add_func ("/commandline/params", test_params);
  g_test_add_func ("/commandline/table", test_table);
  g_test_add_func ("/commandline/older-names", test_older_names);
  g_test_add_func ("/commandline/wrong", test_wrong);
  return g_test_run ();
}
