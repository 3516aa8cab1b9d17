/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-classify: pictures in, their most probable classes out. A picture that fails costs a sentence
 * on standard error, and the others go on.
 */
#include "ranking.h"
#include "support/commandline.h"
#include "support/labels.h"
#include "support/modelfile.h"
#include "support/paramoptions.h"
#include "support/picture.h"

#define DEFAULT_TOP 5

typedef struct {
  char *model, *labels;
  ParamOptions *params;
  gint top;
  gboolean json;
  char **pictures; /* NULL-terminated; NULL: none */
} ClassifyOptions;

typedef struct {
  const ClassifyOptions *options;
  FbnetModel *model;
  FbnetClassifier *classifier;
  const char **labels;   /* one per class */
  char **labels_of_file; /* or NULL: the model's */
  float *probabilities;  /* of the last picture */
} Session;

/* --- Opening ---------------------------------------------------------------------------------- */

static gboolean
read_labels (Session *session, guint n_classes, GError **error)
{
  const char *path = session->options->labels;

  session->labels_of_file = labels_read (path, error);
  if (session->labels_of_file == NULL)
    return FALSE;
  const guint n = g_strv_length (session->labels_of_file);
  if (n == n_classes)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected %u labels, one a line, as the model has classes, found %u", path, n_classes, n);
  return FALSE;
}

static gboolean
open_labels (Session *session, GError **error)
{
  const guint n = fbnet_model_get_n_classes (session->model);

  session->labels = g_new0 (const char *, n);
  if (session->options->labels != NULL && !read_labels (session, n, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    session->labels[i] = session->labels_of_file != NULL
        ? session->labels_of_file[i]
        : fbnet_model_get_label (session->model, i);
  return TRUE;
}

static gboolean
session_open (Session *session, const ClassifyOptions *options, GError **error)
{
  const FbnetDetectorOptions how = param_options_how (options->params);

  *session = (Session){ .options = options };
  session->model = model_file_load (options->model, FBNET_TASK_CLASSIFICATION, error);
  if (session->model == NULL || !open_labels (session, error))
    return FALSE;
  session->classifier = fbnet_classifier_new (session->model, &how, error);
  usage_error_adopt (error);
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
run_picture (gpointer data, const char *path, GError **error)
{
  Session *session = data;
  g_autoptr (Picture) picture = picture_read (path, error);

  if (picture == NULL)
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
  return output_print_line (text, error);
}

static void
run_pictures (Session *session, Console *console)
{
  char **pictures = session->options->pictures;
  const guint n = g_strv_length (pictures);

  console_each (console, pictures, n,
      n > 1 ? console_unit_beside_output ("{picture|pictures}") : NULL, run_picture, session);
}

/* --- Command line ----------------------------------------------------------------------------- */

static void
add_options (gpointer options, GOptionContext *context)
{
  static const char *const params[] = { "threads", "kernels", NULL };
  ClassifyOptions *o = options;
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model, "Model file", "FILE" },
    { "labels", 'l', 0, G_OPTION_ARG_FILENAME, &o->labels,
        "Names of the classes, one a line, in place of the model's", "FILE" },
    { "top", 'k', 0, G_OPTION_ARG_INT, &o->top, "Show the K most probable classes [5]", "K" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, "One line of JSON per picture", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->pictures, NULL, "PICTURE..." },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
  param_options_add (o->params, context, params);
}

static gboolean
check (gpointer options, GError **error)
{
  const ClassifyOptions *o = options;

  if (o->model == NULL)
    return usage_error (error, "--model: expected a model file, found none");
  if (o->pictures == NULL)
    return usage_error (error, "expected at least one PICTURE, found none");
  if (o->top < 1)
    return usage_error (error, "--top: expected a number from 1 on, found %d", o->top);
  return param_options_check (o->params, error);
}

static gboolean
run (gpointer options, Console *console, GError **error)
{
  Session session;
  const gboolean opened = session_open (&session, options, error);

  if (opened)
    run_pictures (&session, console);
  session_close (&session);
  return opened;
}

static void
name_files (gpointer options, Confines *confines)
{
  const ClassifyOptions *o = options;

  confines_add_inputs (confines, o->pictures);
  confines_add_input (confines, o->model);
  confines_add_input (confines, o->labels);
}

static const Program program = {
  .name = "fbnet-classify",
  .summary = "Names what is in PNG and JPEG pictures: the most probable classes.",
  .examples = "Examples:\n"
              "  fbnet-classify --model dmasking_l3.safetensors --labels imagenet.txt dog.jpg\n"
              "  fbnet-classify --model dmasking_l3.safetensors --json --top 1 *.jpg\n",
  .failures = "the model or at least one picture failed, the others were done",
  .add_options = add_options,
  .check = check,
  .name_files = name_files,
  .run = run,
};

int
main (int argc, char **argv)
{
  ClassifyOptions options = { .params = param_options_new (), .top = DEFAULT_TOP };
  const int code = program_main (&program, &options, argc, argv);

  param_options_free (options.params);
  g_free (options.model);
  g_free (options.labels);
  g_strfreev (options.pictures);
  return code;
}
