/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-train: a model and a data set become a better model.
 */
#include <cblas.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "datasetreader.h"
#include "losscurve.h"
#include "mpilink.h"
#include "start.h"
#include "support/commandline.h"
#ifdef HAVE_ANNOTATE
#  include "samplesheet.h"
#endif

/* Steps that the losses shown are the mean of. */
#define SMOOTH 20
/* Of --show-samples. */
#define SHOWN_SAMPLES 16
#define SHOWN_COLUMNS 4

typedef struct {
  TrainOptions options;
  GroupLink link;
  Console *console; /* NULL until the run begins; silent but for the first process */
  TrainStart start;
  Dataset *dataset;
  TrainSettings settings;
  AugmentOptions augment;
  DatasetReader **readers; /* one for each thread */
  Trainer *trainer;
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

static void
session_clear (Session *session)
{
  for (guint i = 0; session->readers != NULL && i < session->settings.n_threads; i++)
    dataset_reader_free (session->readers[i]);
  g_free (session->readers);
  trainer_free (session->trainer);
  g_free (session->settings.fingerprint);
  train_start_clear (&session->start);
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
    console_say (session->console, "%s", problems[i]);
  session->n_broken = dataset_n_broken_pictures (session->dataset);
}

/* Masks only for a model that can learn from them. */
static gboolean
open_dataset (Session *session, GError **error)
{
  const TrainOptions *o = &session->options;
  const guint n = g_strv_length (o->annotations);
  const DatasetOptions options = { .keep_empty = o->keep_empty,
    .masks = !o->no_masks && train_start_has_masks (&session->start) };
  g_autofree DatasetSource *sources = g_new (DatasetSource, n);

  for (guint i = 0; i < n; i++)
    sources[i] = (DatasetSource){ o->annotations[i], o->images[i] };
  session->dataset = dataset_open (sources, n, &options, error);
  if (session->dataset == NULL)
    return FALSE;
  tell_problems (session);
  console_say (session->console, "%u pictures, %u objects of %u classes",
      dataset_n_pictures (session->dataset), dataset_n_objects (session->dataset),
      dataset_n_classes (session->dataset));
  return TRUE;
}

static gboolean
make_model (Session *session, GError **error)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  const gboolean made =
      train_start_make_model (&session->start, &session->options, session->dataset, notes, error);

  for (guint i = 0; i < notes->len; i++)
    console_say (session->console, "%s", (const char *) notes->pdata[i]);
  return made;
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
open_trainer (Session *session, GError **error)
{
  const gboolean resumes = session->start.resumes;
  const TrainSource source = { draw, dataset_sample_free, session };
  guint done = 0;

  session->trainer =
      trainer_new (session->start.model, &session->settings, &source, &session->link, error);
  if (session->trainer == NULL || (resumes && !trainer_resume (session->trainer, &done, error)))
    return FALSE;
  session->n_done = done;
  session->console->progress = progress_new (session->settings.schedule.iterations - done, "steps");
  if (resumes)
    console_say (session->console, "going on after %u of %u steps", done,
        session->settings.schedule.iterations);
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

/* Of all processes, since this one began. */
static double
pictures_per_second (const Session *session)
{
  const Progress *progress = &session->console->progress;
  const double seconds = (double) (g_get_monotonic_time () - progress->start_us) / G_USEC_PER_SEC;

  return (progress->done + 1) * (double) session->options.batch / MAX (seconds, 1e-6);
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
    g_snprintf (session->console->progress.note, sizeof session->console->progress.note,
        "%.1f pictures/s; loss %.3f = rpn %.3f + %.3f, class %.3f, box %.3f, mask %.3f",
        pictures_per_second (session), rcnn_losses_total (&l), l.rpn_objectness, l.rpn_box,
        l.classes, l.box, l.mask);
    log_step (session, status);
    progress_step (&session->console->progress);
  }
  return !interrupted;
}

static gboolean
open_log (Session *session, GError **error)
{
  const char *path = session->options.log;

  if (path == NULL || !speaks (session))
    return TRUE;
  session->log = g_fopen (path, session->start.resumes ? "a" : "w");
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
    console_say (session->console, "stopped; with --resume the run goes on from %s",
        session->options.checkpoint);
    return draw_curve (session, error);
  }
  if (!trainer_write_model (session->trainer, session->options.output, session->options.half,
          error))
    return FALSE;
  console_say (session->console, "%s is written", session->options.output);
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
  console_say (session->console, "%s is written", o->show);
#endif
  return TRUE;
}

static gboolean
train (Session *session, GError **error)
{
  if (!train_start_open (&session->start, &session->options, error)
      || !open_dataset (session, error) || !make_model (session, error)
      || !train_options_augment (&session->options, session->start.model, &session->augment, error))
    return FALSE;
  if (session->options.show != NULL)
    return show_samples (session, error);
  if (!train_options_settings (&session->options, session->start.model, session->link.size,
          &session->settings, error)
      || !open_readers (session, error) || !open_log (session, error)
      || !open_trainer (session, error))
    return FALSE;
  return trainer_run (session->trainer, after_step, session, error) && finish (session, error);
}

static gboolean
run (gpointer data, Console *console, GError **error)
{
  Session *session = data;

  session->console = console;
  console->silent = !speaks (session);
  openblas_set_num_threads (1); /* the workers are the threads */
  signal (SIGINT, interrupt);
  signal (SIGTERM, interrupt);
  return train (session, error);
}

static void
add_options (gpointer session, GOptionContext *context)
{
  train_options_add (&((Session *) session)->options, context);
}

static gboolean
check (gpointer session, GError **error)
{
  return train_options_check (&((Session *) session)->options, error);
}

static const Program program = {
  .name = "fbnet-train",
  .summary = "Teaches a detector new objects.",
  .examples =
      "Proposals before and after suppression are 2000 in training unless given; other sizes and "
      "counts\n"
      "are as the model has them. All that stands behind the options: docs/training.md.\n"
      "\n"
      "Examples:\n"
      "  fbnet-train --model coco.safetensors --annotations train.json --images train \\\n"
      "      --output mine.safetensors --iterations 3000\n"
      "  fbnet-train --config faster_rcnn_fbnetv3a_C4 --annotations train.json --images train \\\n"
      "      --show-samples samples.png\n",
  .failures = "the run failed",
  .add_options = add_options,
  .check = check,
  .run = run,
};

/* The other processes would wait for one that has failed. */
int
main (int argc, char **argv)
{
  Session session = { .link = mpi_link_open (&argc, &argv), .options = train_options_new () };
  const int code = program_main (&program, &session, argc, argv);
  const gboolean began = session.console != NULL;

  session_clear (&session);
  if (began && code != EXIT_DONE)
    mpi_link_abort (code);
  mpi_link_close ();
  return code;
}
