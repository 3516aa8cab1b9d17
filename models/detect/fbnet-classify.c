/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-classify: pictures in, their most probable classes out. A picture that fails costs a sentence
 * on standard error, and the others go on.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fbnet/fbnet.h"
#include "support/options.h"
#include "support/picture.h"
#include "support/progress.h"
#include "ranking.h"

#define DEFAULT_TOP 5

typedef struct {
  char *model, *labels, *kernels;
  gint top, threads;
  gboolean json, version;
  char **pictures; /* NULL-terminated; NULL: none */
} ClassifyOptions;

typedef struct {
  const ClassifyOptions *options;
  FbnetModel *model;
  FbnetClassifier *classifier;
  const char **labels;   /* one per class */
  char **labels_of_file; /* or NULL: the model's */
  float *probabilities;  /* of the last picture */
  Progress progress;
  gboolean failed;
} Session;

/* --- Messages --------------------------------------------------------------------------------- */

static void
print_error (const GError *error)
{
  g_printerr ("fbnet-classify: %s\n", error->message);
}

/* Takes the error. */
static void
session_fail (Session *session, GError *error)
{
  progress_hide (&session->progress);
  print_error (error);
  g_error_free (error);
  session->failed = TRUE;
}

/* --- Opening ---------------------------------------------------------------------------------- */

static gboolean
open_model (Session *session, GError **error)
{
  const char *path = session->options->model;
  session->model = fbnet_model_load (path, error);
  if (!session->model)
    return FALSE;
  if (fbnet_model_get_task (session->model) == FBNET_TASK_CLASSIFICATION)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
      "%s: task: expected a classification model, found a detection model (fbnet-detect runs "
      "those)",
      path);
  return FALSE;
}

static gboolean
open_labels (Session *session, GError **error)
{
  const guint n = fbnet_model_get_n_classes (session->model);
  session->labels = g_new0 (const char *, n);
  if (session->options->labels) {
    session->labels_of_file = labels_read (session->options->labels, n, error);
    if (!session->labels_of_file)
      return FALSE;
  }
  for (guint i = 0; i < n; i++)
    session->labels[i] = session->labels_of_file ? session->labels_of_file[i]
                                                 : fbnet_model_get_label (session->model, i);
  return TRUE;
}

static gboolean
session_open (Session *session, const ClassifyOptions *options, GError **error)
{
  *session = (Session){ .options = options };
  if (!open_model (session, error) || !open_labels (session, error))
    return FALSE;
  const FbnetDetectorOptions how = { .n_threads = (guint) options->threads,
    .kernels = options->kernels };
  session->classifier = fbnet_classifier_new (session->model, &how, error);
  session->probabilities = g_new (float, fbnet_model_get_n_classes (session->model));
  return session->classifier != NULL;
}

static void
session_close (Session *session)
{
  fbnet_classifier_free (session->classifier);
  fbnet_model_unref (session->model);
  g_strfreev (session->labels_of_file);
  g_free (session->labels);
  g_free (session->probabilities);
}

/* --- Pictures --------------------------------------------------------------------------------- */

static gboolean
print_output (const char *text, GError **error)
{
  if (puts (text) >= 0 && fflush (stdout) == 0)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "standard output: cannot write: %s",
      g_strerror (errno));
  return FALSE;
}

static gboolean
run_picture (Session *session, const char *path, GError **error)
{
  g_autoptr (Picture) picture = picture_read (path, error);
  if (!picture)
    return FALSE;
  const FbnetImage image = picture_image (picture);
  if (!fbnet_classifier_run (session->classifier, &image, session->probabilities, error)) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  const Ranking ranking = {
    .file = path,
    .picture = picture,
    .model = fbnet_model_get_name (session->model),
    .labels = session->labels,
    .probabilities = session->probabilities,
    .n_classes = fbnet_model_get_n_classes (session->model),
    .n_shown = (guint) session->options->top,
  };
  g_autofree char *text = (session->options->json ? ranking_to_json : ranking_to_text) (&ranking);
  return print_output (text, error);
}

static void
run_pictures (Session *session)
{
  char **pictures = session->options->pictures;
  session->progress = progress_new (g_strv_length (pictures), "pictures");
  /* On a terminal the output itself shows how far it is. */
  const gboolean shown = pictures[1] && !isatty (STDOUT_FILENO) && isatty (STDERR_FILENO);
  for (guint i = 0; pictures[i]; i++) {
    GError *error = NULL;
    if (!run_picture (session, pictures[i], &error))
      session_fail (session, error);
    if (shown)
      progress_step (&session->progress);
  }
}

/* --- Command line ----------------------------------------------------------------------------- */

static const char summary[] = "Names what is in PNG and JPEG pictures: the most probable classes.";

static const char description[] =
    "Examples:\n"
    "  fbnet-classify --model dmasking_l3.safetensors --labels imagenet.txt dog.jpg\n"
    "  fbnet-classify --model dmasking_l3.safetensors --json --top 1 *.jpg\n"
    "\n"
    "Exit status: 0 all went well; 1 the model or at least one picture failed, the others were\n"
    "done; 2 the command line is wrong.\n";

static gboolean
check (const ClassifyOptions *o, GError **error)
{
  if (o->version)
    return TRUE;
  if (!o->model)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--model: expected a model file, found none");
  else if (!o->pictures)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "expected at least one PICTURE, found none");
  else if (o->top < 1)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--top: expected a number from 1 on, found %d", o->top);
  else if (o->threads < 0)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--threads: expected a number from 0 on, found %d", o->threads);
  else
    return TRUE;
  return FALSE;
}

static gboolean
parse (ClassifyOptions *o, int argc, char **argv, GError **error)
{
  *o = (ClassifyOptions){ .top = DEFAULT_TOP };
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model, "Model file", "FILE" },
    { "labels", 'l', 0, G_OPTION_ARG_FILENAME, &o->labels,
        "Names of the classes, one a line, in place of the model's", "FILE" },
    { "top", 'k', 0, G_OPTION_ARG_INT, &o->top, "Show the K most probable classes [5]", "K" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, "One line of JSON per picture", NULL },
    { "threads", 't', 0, G_OPTION_ARG_INT, &o->threads,
        "Threads; 0, the default: one per processor", "N" },
    { "kernels", 0, 0, G_OPTION_ARG_STRING, &o->kernels,
        "Kernel set: c, openblas, avx2, avx512; default: the best", "NAME" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &o->version, "Print the version", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->pictures, NULL, "PICTURE..." },
    { NULL },
  };
  GOptionContext *context = g_option_context_new (NULL);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  const gboolean parsed = g_option_context_parse (context, &argc, &argv, error);
  g_option_context_free (context);
  return parsed && check (o, error);
}

static void
options_free (ClassifyOptions *o)
{
  g_free (o->model);
  g_free (o->labels);
  g_free (o->kernels);
  g_strfreev (o->pictures);
}

/* --- Main ------------------------------------------------------------------------------------- */

static int
run (const ClassifyOptions *options)
{
  Session session;
  GError *error = NULL;
  int code = EXIT_FAILED;
  if (session_open (&session, options, &error)) {
    run_pictures (&session);
    code = session.failed ? EXIT_FAILED : EXIT_DONE;
  } else {
    /* Kernels that there are not: the command line's fault. */
    if (g_error_matches (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT))
      code = EXIT_USAGE;
    print_error (error);
    g_error_free (error);
  }
  session_close (&session);
  return code;
}

int
main (int argc, char **argv)
{
  /* Only how characters are coded: numbers keep their decimal point. */
  setlocale (LC_CTYPE, "");
  ClassifyOptions options;
  g_autoptr (GError) error = NULL;
  int code = EXIT_DONE;
  if (!parse (&options, argc, argv, &error)) {
    print_error (error);
    g_printerr ("Try 'fbnet-classify --help'.\n");
    code = EXIT_USAGE;
  } else if (options.version)
    g_print ("fbnet-classify %s\n", fbnet_version ());
  else
    code = run (&options);
  options_free (&options);
  return code;
}
