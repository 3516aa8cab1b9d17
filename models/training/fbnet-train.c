/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-train: a model and a data set become a better model.
 */
#include <cblas.h>
#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "dataset.h"
#include "import.h"
#include "initial.h"
#include "losscurve.h"
#include "mpilink.h"
#include "progress.h"
#include "trainoptions.h"
#include "yaml-tree.h"
#ifdef HAVE_ANNOTATE
#  include "samplesheet.h"
#endif

G_DEFINE_AUTOPTR_CLEANUP_FUNC (cJSON, cJSON_Delete)

/* Steps that the losses shown are the mean of. */
#define SMOOTH 20
/* Of --show-samples. */
#define SHOWN_SAMPLES 16
#define SHOWN_COLUMNS 4

typedef struct {
  TrainOptions options;
  GroupLink link;
  Dataset *dataset;
  FbnetModel *source; /* --model, or NULL */
  FbnetModel *model;  /* what the run begins with, or its checkpoint */
  TrainSettings settings;
  AugmentOptions augment;
  DatasetReader **readers; /* one for each thread */
  Trainer *trainer;
  Progress progress;
  FILE *log;
  GArray *points; /* LossPoint of all steps that are known */
  guint n_done;   /* steps, also before this process */
  guint n_broken; /* pictures that were told of */
} Session;

static volatile sig_atomic_t interrupted;

static void
interrupt (int number)
{
  interrupted = 1;
}

/* One process speaks for all. */
static gboolean
speaks (const Session *session)
{
  return session->link.rank == 0;
}

static void say (Session *session, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
say (Session *session, const char *format, ...)
{
  va_list arguments;

  if (!speaks (session))
    return;
  progress_hide (&session->progress);
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_printerr ("fbnet-train: %s\n", text);
}

static void
session_clear (Session *session)
{
  for (guint i = 0; session->readers != NULL && i < session->settings.n_threads; i++)
    dataset_reader_free (session->readers[i]);
  g_free (session->readers);
  trainer_free (session->trainer);
  g_free (session->settings.fingerprint);
  fbnet_model_unref (session->model);
  fbnet_model_unref (session->source);
  dataset_free (session->dataset);
  if (session->points != NULL)
    g_array_free (session->points, TRUE);
  if (session->log != NULL)
    fclose (session->log);
  train_options_clear (&session->options);
}

/* --- The data set ----------------------------------------------------------------------------- */

static void
tell_problems (Session *session)
{
  g_auto (GStrv) problems = dataset_problems (session->dataset);

  for (guint i = 0; problems[i] != NULL; i++)
    say (session, "%s", problems[i]);
  session->n_broken = dataset_n_broken_pictures (session->dataset);
}

static gboolean
open_dataset (Session *session, GError **error)
{
  const TrainOptions *o = &session->options;
  const guint n = g_strv_length (o->annotations);
  const DatasetOptions options = { .keep_empty = o->keep_empty, .masks = !o->no_masks };
  g_autofree DatasetSource *sources = g_new (DatasetSource, n);

  for (guint i = 0; i < n; i++)
    sources[i] = (DatasetSource){ o->annotations[i], o->images[i] };
  session->dataset = dataset_open (sources, n, &options, error);
  if (session->dataset == NULL)
    return FALSE;
  tell_problems (session);
  say (session, "%u pictures, %u objects of %u classes", dataset_n_pictures (session->dataset),
      dataset_n_objects (session->dataset), dataset_n_classes (session->dataset));
  return TRUE;
}

/* --- What the run begins with ----------------------------------------------------------------- */

static cJSON *
read_description (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) cause = NULL;

  if (!g_file_get_contents (path, &text, NULL, &cause)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: cannot be read: %s", path,
        cause->message);
    return NULL;
  }
  cJSON *description = cJSON_Parse (text);
  if (description == NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: expected a description in JSON",
        path);
  return description;
}

/* Of the architecture that was asked for: the model's own unless there is another. */
static cJSON *
choose_description (const Session *session, GError **error)
{
  const TrainOptions *o = &session->options;

  if (o->description != NULL)
    return read_description (o->description, error);
  if (o->config != NULL)
    return import_describe_config (o->config, error);
  return cJSON_Parse (fbnet_model_get_description (session->source));
}

/* The data set's classes in place of the model's. */
static void
set_classes (const Session *session, cJSON *description)
{
  const guint n = dataset_n_classes (session->dataset);
  g_autofree const char **labels = g_new (const char *, n);
  g_autofree gint64 *ids = g_new (gint64, n);

  for (guint i = 0; i < n; i++) {
    labels[i] = dataset_label (session->dataset, i);
    ids[i] = dataset_category (session->dataset, i);
  }
  initial_set_classes (description, labels, ids, n);
}

/* "gn:8", "naiveSyncBN:N": the part behind the colon is not the norm's name. */
static gboolean
set_norm (cJSON *description, const char *norm, GError **error)
{
  const char *const known[] = { "gn", "bn", "sync_bn", "naiveSyncBN", NULL };
  g_auto (GStrv) parts = g_strsplit (norm, ":", 2);
  guint64 groups = 0;

  if (!g_strv_contains (known, parts[0])
      || (g_str_equal (parts[0], "gn")
          && (parts[1] == NULL
              || !g_ascii_string_to_unsigned (parts[1], 10, 1, 1024, &groups, NULL))))
    return usage_error (error,
        "--norm: expected gn:GROUPS, bn, sync_bn, naiveSyncBN or naiveSyncBN:N");
  initial_set_norm (description, parts[0], (guint) groups);
  return TRUE;
}

static void
tell_fresh (Session *session, const GPtrArray *fresh)
{
  if (session->source == NULL) {
    say (session, "weights begin at random");
    return;
  }
  for (guint i = 0; i < fresh->len; i++)
    say (session, "%s begins at random: %s has none of this name and shape",
        (const char *) fresh->pdata[i], session->options.model);
}

/* Written as a checkpoint of no iterations, then loaded as every model is. */
static gboolean
make_model (Session *session, GError **error)
{
  const TrainOptions *o = &session->options;
  g_autoptr (GPtrArray) fresh = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (cJSON) description = choose_description (session, error);
  g_autofree char *path = g_strdup_printf ("%s.begin.%u", o->checkpoint, session->link.rank);

  if (description == NULL || (o->norm != NULL && !set_norm (description, o->norm, error)))
    return FALSE;
  set_classes (session, description);
  if (!initial_write (description, session->source, (guint64) o->seed, path, fresh, error))
    return FALSE;
  tell_fresh (session, fresh);
  session->model = fbnet_model_load (path, error);
  g_unlink (path);
  return session->model != NULL;
}

/* A folded model learns with the statistics that it has. */
static void
keep_folded (Session *session)
{
  TrainOptions *o = &session->options;

  if (o->statistics != NULL || session->source == NULL || !initial_is_folded (session->source))
    return;
  o->statistics = g_strdup ("stored");
  say (session,
      "the norms of %s have been folded into its convolutions: they stay as they are "
      "(--norm-statistics stored)",
      o->model);
}

static const char *
norm_name (const cJSON *architecture)
{
  const cJSON *norm = cJSON_GetObjectItemCaseSensitive (architecture, "norm");

  return cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (norm, "name"));
}

static gboolean
has_classes_of (const FbnetModel *model, const Dataset *dataset)
{
  if (fbnet_model_get_n_classes (model) != dataset_n_classes (dataset))
    return FALSE;
  for (guint i = 0; i < dataset_n_classes (dataset); i++) {
    if (g_strcmp0 (fbnet_model_get_label (model, i), dataset_label (dataset, i)) != 0)
      return FALSE;
  }
  return TRUE;
}

/* A checkpoint is a model of its own: what would have changed the first one must still be so. */
static gboolean
check_resumed (const Session *session, GError **error)
{
  const TrainOptions *o = &session->options;
  const char *found = norm_name (session->model->description->architecture);
  g_auto (GStrv) norm = g_strsplit (o->norm != NULL ? o->norm : "", ":", 2);

  if (!has_classes_of (session->model, session->dataset)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected the data set that the run began with, found one of other classes",
        o->checkpoint);
    return FALSE;
  }
  if (o->norm != NULL && g_strcmp0 (found, norm[0]) != 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected the settings that the run began with, found --norm %s where it had %s",
        o->checkpoint, o->norm, found != NULL ? found : "none");
    return FALSE;
  }
  return TRUE;
}

static gboolean
open_model (Session *session, gboolean *resumes, GError **error)
{
  const TrainOptions *o = &session->options;

  *resumes = o->resume && g_file_test (o->checkpoint, G_FILE_TEST_EXISTS);
  if (o->model != NULL && (session->source = fbnet_model_load (o->model, error)) == NULL)
    return FALSE;
  keep_folded (session);
  if (!*resumes)
    return make_model (session, error);
  session->model = fbnet_model_load (o->checkpoint, error);
  return session->model != NULL && check_resumed (session, error);
}

/* --- The run ---------------------------------------------------------------------------------- */

static TrainSample *
draw (gpointer data, guint thread, guint64 number, GError **error)
{
  Session *session = data;

  return dataset_reader_draw (session->readers[thread], session->settings.seed, number, error);
}

static gboolean
open_readers (Session *session, GError **error)
{
  session->readers = g_new0 (DatasetReader *, session->settings.n_threads);
  for (guint i = 0; i < session->settings.n_threads; i++) {
    session->readers[i] = dataset_reader_new (session->dataset, &session->augment, error);
    if (session->readers[i] == NULL)
      return FALSE;
  }
  return TRUE;
}

static gboolean
open_trainer (Session *session, gboolean resumes, GError **error)
{
  const TrainSource source = { draw, dataset_sample_free, session };
  guint done = 0;

  session->trainer =
      trainer_new (session->model, &session->settings, &source, &session->link, error);
  if (session->trainer == NULL || (resumes && !trainer_resume (session->trainer, &done, error)))
    return FALSE;
  session->n_done = done;
  session->progress = progress_new (session->settings.schedule.iterations - done, "steps");
  if (resumes)
    say (session, "going on after %u of %u steps", done, session->settings.schedule.iterations);
  session->points = session->options.log != NULL && resumes
      ? loss_curve_read (session->options.log, done)
      : g_array_new (FALSE, FALSE, sizeof (LossPoint));
  return TRUE;
}

static void
log_step (Session *session, const TrainStatus *status)
{
  const RcnnLosses *l = &status->losses;

  if (session->log == NULL)
    return;
  fprintf (session->log,
      "{\"step\": %u, \"rate\": %.6g, \"gradient_norm\": %.4g, \"loss\": %.5f, \"rpn_objectness\": "
      "%.5f, \"rpn_box\": %.5f, \"classes\": %.5f, \"box\": %.5f, \"mask\": %.5f, \"rois\": %.0f, "
      "\"objects\": %.0f, \"right\": %.0f}\n",
      status->iteration, status->rate, status->gradient_norm, rcnn_losses_total (l),
      l->rpn_objectness, l->rpn_box, l->classes, l->box, l->mask, l->n_rois, l->n_objects,
      l->n_right);
  fflush (session->log);
}

static gboolean
after_step (gpointer data, const TrainStatus *status)
{
  Session *session = data;

  session->n_done = status->iteration;
  if (speaks (session)) {
    const LossPoint point = { status->iteration, status->rate, status->losses };
    g_array_append_val (session->points, point);
    const RcnnLosses l = loss_curve_mean (session->points, SMOOTH);
    if (dataset_n_broken_pictures (session->dataset) > session->n_broken)
      tell_problems (session);
    g_snprintf (session->progress.note, sizeof session->progress.note,
        "loss %.3f = rpn %.3f + %.3f, class %.3f, box %.3f, mask %.3f", rcnn_losses_total (&l),
        l.rpn_objectness, l.rpn_box, l.classes, l.box, l.mask);
    log_step (session, status);
    progress_step (&session->progress);
  }
  return !interrupted;
}

static gboolean
open_log (Session *session, gboolean resumes, GError **error)
{
  const char *path = session->options.log;

  if (path == NULL || !speaks (session))
    return TRUE;
  session->log = g_fopen (path, resumes ? "a" : "w");
  if (session->log == NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: cannot be written: %s", path,
        g_strerror (errno));
  return session->log != NULL;
}

static gboolean
draw_curve (const Session *session, GError **error)
{
#ifdef HAVE_ANNOTATE
  const char *path = session->options.curve;
  return path == NULL || session->points->len == 0
      || loss_curve_draw (session->points, path, error);
#else
  return TRUE; /* the option was refused */
#endif
}

static gboolean
finish (Session *session, GError **error)
{
  if (!speaks (session))
    return TRUE;
  if (session->n_done < session->settings.schedule.iterations) {
    say (session, "stopped; with --resume the run goes on from %s", session->options.checkpoint);
    return draw_curve (session, error);
  }
  if (!trainer_write_model (session->trainer, session->options.output, session->options.half,
          error))
    return FALSE;
  say (session, "%s is written", session->options.output);
  return draw_curve (session, error);
}

static gboolean
show_samples (Session *session, GError **error)
{
#ifdef HAVE_ANNOTATE
  const TrainOptions *o = &session->options;
  if (!speaks (session))
    return TRUE;
  if (!sample_sheet_write (session->dataset, &session->augment, (guint64) o->seed, SHOWN_SAMPLES,
          SHOWN_COLUMNS, o->show, error))
    return FALSE;
  say (session, "%s is written", o->show);
#endif
  return TRUE;
}

static gboolean
train (Session *session, GError **error)
{
  gboolean resumes;

  if (!open_dataset (session, error) || !open_model (session, &resumes, error)
      || !train_options_augment (&session->options, session->model, &session->augment, error))
    return FALSE;
  if (session->options.show != NULL)
    return show_samples (session, error);
  if (!train_options_settings (&session->options, session->model, session->link.size,
          &session->settings, error)
      || !open_readers (session, error) || !open_log (session, resumes, error)
      || !open_trainer (session, resumes, error))
    return FALSE;
  return trainer_run (session->trainer, after_step, session, error) && finish (session, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Session session = { .link = mpi_link_open (&argc, &argv) };

  setlocale (LC_ALL, "");
  if (!train_options_parse (&session.options, argc, argv, &error)) {
    g_printerr ("fbnet-train: %s\n", error->message);
    session_clear (&session);
    mpi_link_close ();
    return EXIT_USAGE;
  }
  if (session.options.version) {
    g_print ("fbnet-train %s\n", fbnet_version ());
    session_clear (&session);
    mpi_link_close ();
    return EXIT_DONE;
  }
  openblas_set_num_threads (1); /* the workers are the threads */
  signal (SIGINT, interrupt);
  signal (SIGTERM, interrupt);

  int code = EXIT_DONE;
  if (!train (&session, &error)) {
    /* Some options are wrong for one model and right for another. */
    code = error->domain == G_OPTION_ERROR ? EXIT_USAGE : EXIT_FAILED;
    progress_hide (&session.progress);
    g_printerr ("fbnet-train: %s\n", error->message);
  }
  session_clear (&session);
  if (code != EXIT_DONE)
    mpi_link_abort (code);
  mpi_link_close ();
  return code;
}
