/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-train: a model and a data set become a better model.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "datasetreader.h"
#include "kernels/kernels.h"
#include "losscurve.h"
#include "mpilink.h"
#include "start.h"
#include "support/commandline.h"
#include "train/blas.h"
#include "validation.h"
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
  gboolean began;   /* the command line is right */
  Console *console; /* silent but for the first process */
  TrainStart start;
  ClassFolders *val_folders; /* of a classifier that is evaluated */
  Dataset *dataset;
  TrainSettings settings;
  AugmentOptions augment;
  DatasetReader **readers; /* one for each thread */
  Trainer *trainer;
  Validation *validation; /* NULL: none is asked for, or another process does it */
  guint val_period;
  GError *failure; /* of what is done between two steps */
  FILE *log;
  GArray *points; /* LossPoint of all steps that are known */
  guint n_done;   /* steps, also before this process */
  guint n_broken; /* pictures that were told of */
} Session;

/* Ctrl+C once: finish now, with a model; a second time, or SIGTERM: only stop. A third one ends the
 * program as if it knew nothing of signals. */
static volatile sig_atomic_t n_interrupts, terminated;

static void
interrupt (int number)
{
  if (++n_interrupts > 1) {
    terminated = 1;
    signal (SIGINT, SIG_DFL);
  }
}

static void
terminate (int number)
{
  terminated = 1;
}

static gboolean
is_told_to_stop (void)
{
  return n_interrupts > 0 || terminated;
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
  validation_free (session->validation);
  class_folders_free (session->val_folders);
  trainer_free (session->trainer);
  g_clear_error (&session->failure);
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

/* Nothing can be learned of them, and most people did not mean to have them. */
static void
tell_empty_classes (Session *session)
{
  const Dataset *dataset = session->dataset;
  guint n_empty = 0, first = 0;

  for (guint i = dataset_n_classes (dataset); i > 0; i--) {
    if (dataset_n_objects_of (dataset, i - 1) > 0)
      continue;
    n_empty++;
    first = i - 1;
  }
  if (n_empty > 0)
    console_say (session->console, "%u of %u classes have no object here; first: %s", n_empty,
        dataset_n_classes (dataset), dataset_label (dataset, first));
}

/* Masks only for a model that can learn from them. */
static Dataset *
open_annotations (const Session *session, GError **error)
{
  const TrainOptions *o = &session->options;
  const guint n = g_strv_length (o->annotations);
  const DatasetOptions options = { .keep_empty = o->keep_empty,
    .masks = !o->no_masks && train_start_has_masks (&session->start),
    .hold_out = o->val_split,
    .repeat_threshold = o->repeat_threshold };
  g_autofree DatasetSource *sources = g_new (DatasetSource, n);

  for (guint i = 0; i < n; i++)
    sources[i] = (DatasetSource){ o->annotations[i], o->images[i] };
  return dataset_open (sources, n, &options, error);
}

/* And what it is evaluated with. */
static Dataset *
open_classes (Session *session, GError **error)
{
  const TrainOptions *o = &session->options;
  const DatasetOptions options = { .repeat_threshold = o->repeat_threshold };
  g_autoptr (ClassFolders) folders = class_folders_read (o->images[0], error);

  if (folders == NULL)
    return NULL;
  if (o->val_split > 0)
    session->val_folders = class_folders_split (folders, o->val_split);
  if (o->val_images != NULL
      && (session->val_folders = class_folders_read (o->val_images, error)) == NULL)
    return NULL;
  return dataset_open_folders (folders, &options, error);
}

static gboolean
open_dataset (Session *session, GError **error)
{
  const gboolean by_class = train_options_by_class (&session->options);

  session->dataset = by_class ? open_classes (session, error) : open_annotations (session, error);
  if (session->dataset == NULL)
    return FALSE;
  tell_problems (session);
  if (by_class)
    console_say (session->console, "%u pictures of %u classes",
        dataset_n_pictures (session->dataset), dataset_n_classes (session->dataset));
  else
    console_say (session->console, "%u pictures, %u objects of %u classes",
        dataset_n_pictures (session->dataset), dataset_n_objects (session->dataset),
        dataset_n_classes (session->dataset));
  tell_empty_classes (session);
  return train_start_keep_classes (&session->start, &session->options, session->dataset, error);
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

static void
tell_plan (Session *session, guint done)
{
  const TrainSettings *settings = &session->settings;
  const guint n = settings->schedule.iterations, epoch = dataset_epoch_length (session->dataset);

  console_say (session->console, "%u steps of %d pictures, %.1f epochs, by %u threads", n,
      session->options.batch, (double) n * session->options.batch / epoch, settings->n_threads);
  session->console->progress = progress_new (n > done ? n - done : 1, "steps");
}

static gboolean
open_trainer (Session *session, GError **error)
{
  const gboolean resumes = session->start.resumes;
  const TrainSource source = { draw, dataset_sample_free, session };
  gboolean differs = FALSE;
  guint done = 0;

  if (session->options.keep)
    session->settings.teacher = session->start.source;
  session->trainer =
      trainer_new (session->start.model, &session->settings, &source, &session->link, error);
  if (session->trainer == NULL
      || (resumes && !trainer_resume (session->trainer, &done, &differs, error)))
    return FALSE;
  session->n_done = done;
  tell_plan (session, done);
  if (resumes)
    console_say (session->console, "going on after %u of %u steps", done,
        session->settings.schedule.iterations);
  if (differs)
    console_say (session->console,
        "its steps, or when it is evaluated, are others than the run began with: the result is not "
        "that of an unbroken run");
  session->points =
      session->options.log != NULL && !output_is_standard (session->options.log) && resumes
      ? loss_curve_read (session->options.log, done)
      : g_array_new (FALSE, FALSE, sizeof (LossPoint));
  return TRUE;
}

/* --- Evaluation ------------------------------------------------------------------------------- */

static char *
best_path (const Session *session)
{
  return g_strconcat (session->options.output, ".best", NULL);
}

static gboolean
check_labels (const Session *session, GError **error)
{
  const guint n = dataset_n_classes (session->dataset);
  g_autofree const char **labels = g_new (const char *, n);

  for (guint i = 0; i < n; i++)
    labels[i] = dataset_label (session->dataset, i);
  return validation_check_labels (session->validation, labels, n, error);
}

static void
scale_rate (Session *session)
{
  if (session->options.plateau)
    trainer_scale_rate (session->trainer,
        pow (session->options.gamma, validation_n_reductions (session->validation)));
}

static gboolean
measure (Session *session, GError **error)
{
  g_autofree char *text = NULL, *note = NULL;

  if (!validation_measure (session->validation, session->trainer, session->n_done, &text, error))
    return FALSE;
  console_say (session->console, "%s", text);
  note = validation_to_text (session->validation);
  trainer_set_note (session->trainer, note);
  scale_rate (session);
  return TRUE;
}

/* What the run begins with is measured, too: what is wrong with the pictures shows before the work. */
static gboolean
open_validation (Session *session, GError **error)
{
  const TrainOptions *o = &session->options;
  const gboolean by_class = train_options_by_class (o);
  g_autofree char *best = best_path (session);
  const ValidationOptions options = {
    .annotations = o->val_annotations != NULL || by_class ? o->val_annotations : o->annotations[0],
    .images = o->val_images != NULL ? o->val_images : o->images[0],
    .only = o->val_split > 0 ? dataset_held_out (session->dataset) : NULL,
    .folders = session->val_folders,
    .best = best,
    .patience = (guint) o->patience,
    .plateau = !o->plateau    ? 0
        : o->decay_period > 0 ? (guint) o->decay_period
                              : 3,
    .half = o->half,
  };

  if (!train_options_validates (o) || !speaks (session))
    return TRUE;
  session->val_period = train_options_val_period (o, dataset_epoch_length (session->dataset));
  session->validation = validation_new (&options, error);
  if (session->validation == NULL || !check_labels (session, error))
    return FALSE;
  console_say (session->console, "evaluated on %u pictures every %u steps",
      validation_n_images (session->validation), session->val_period);
  if (trainer_note (session->trainer) == NULL)
    return measure (session, error);
  if (!validation_from_text (session->validation, trainer_note (session->trainer), error))
    return FALSE;
  scale_rate (session);
  return TRUE;
}

/* FALSE: the run is to end, because it failed or because there is no more to gain. */
static gboolean
validate (Session *session)
{
  const guint n = session->settings.schedule.iterations;

  if (session->validation == NULL)
    return TRUE;
  if (session->n_done % session->val_period != 0 && session->n_done != n)
    return !validation_is_over (session->validation);
  return measure (session, &session->failure) && !validation_is_over (session->validation);
}

static gboolean
is_over (const Session *session)
{
  return session->n_done >= session->settings.schedule.iterations
      || (session->validation != NULL && validation_is_over (session->validation));
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void
tell_memory (Session *session)
{
  struct rusage usage;

  if (getrusage (RUSAGE_SELF, &usage) == 0)
    console_say (session->console,
        "%.2f GiB of memory at most so far; a smaller --batch, fewer --threads or smaller --sizes "
        "need less",
        (double) usage.ru_maxrss / (1 << 20));
}

static void
log_step (Session *session, const TrainStatus *status)
{
  const TrainLosses *l = &status->losses;

  if (session->log == NULL)
    return;
  fprintf (session->log,
      "{\"step\": %u, \"rate\": %.6g, \"gradient_norm\": %.4g, \"loss\": %.5f, \"classes\": %.5f, ",
      status->iteration, status->rate, status->gradient_norm, train_losses_total (l), l->classes);
  if (train_options_by_class (&session->options))
    fprintf (session->log, "\"pictures\": %.0f, \"right\": %.0f}\n", l->n_rois, l->n_right);
  else
    fprintf (session->log,
        "\"rpn_objectness\": %.5f, \"rpn_box\": %.5f, \"box\": %.5f, \"mask\": %.5f, \"rois\": "
        "%.0f, \"objects\": %.0f, \"right\": %.0f}\n",
        l->rpn_objectness, l->rpn_box, l->box, l->mask, l->n_rois, l->n_objects, l->n_right);
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

/* Means of the last steps. */
static void
note_losses (Session *session)
{
  const TrainLosses l = loss_curve_mean (session->points, SMOOTH);
  Progress *progress = &session->console->progress;
  const double speed = pictures_per_second (session);

  if (train_options_by_class (&session->options))
    g_snprintf (progress->note, sizeof progress->note, "%.1f pictures/s; loss %.3f, %.0f %% right",
        speed, l.classes, 100 * l.n_right / MAX (l.n_rois, 1));
  else
    g_snprintf (progress->note, sizeof progress->note,
        "%.1f pictures/s; loss %.3f = rpn %.3f + %.3f, class %.3f, box %.3f, mask %.3f", speed,
        train_losses_total (&l), l.rpn_objectness, l.rpn_box, l.classes, l.box, l.mask);
}

static gboolean
after_step (gpointer data, const TrainStatus *status)
{
  Session *session = data;
  const gboolean first = session->console->progress.done == 0;
  gboolean more = TRUE;

  session->n_done = status->iteration;
  if (speaks (session)) {
    const LossPoint point = { status->iteration, status->rate, status->losses };
    g_array_append_val (session->points, point);
    if (dataset_n_broken_pictures (session->dataset) > session->n_broken)
      tell_problems (session);
    note_losses (session);
    log_step (session, status);
    progress_step (&session->console->progress);
    if (first)
      tell_memory (session);
    more = validate (session);
  }
  return more && !is_told_to_stop ();
}

static gboolean
open_log (Session *session, GError **error)
{
  const char *path = session->options.log;

  if (path == NULL || !speaks (session))
    return TRUE;
  session->log = output_is_standard (path) ? fdopen (dup (STDOUT_FILENO), "w")
                                           : g_fopen (path, session->start.resumes ? "a" : "w");
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

/* The first Ctrl+C is answered with what there is. */
static gboolean
write_model (Session *session, GError **error)
{
  const TrainOptions *o = &session->options;
  g_autofree char *text = NULL;

  if (session->validation == NULL)
    return trainer_write_model (session->trainer, o->output, o->half, error);
  if (!is_over (session)) {
    const gboolean written =
        validation_write (session->validation, session->trainer, o->output, &text, error);
    if (written)
      console_say (session->console, "%s", text);
    return written;
  }
  guint step;
  const double best = validation_best (session->validation, &step);
  if (!validation_copy_best (session->validation, o->output, error))
    return FALSE;
  console_say (session->console, "the best was %.3f at step %u of %u", best, step, session->n_done);
  return TRUE;
}

static gboolean
finish (Session *session, GError **error)
{
  const gboolean over = is_over (session);

  if (session->failure != NULL) {
    g_propagate_error (error, g_steal_pointer (&session->failure));
    return FALSE;
  }
  if (!speaks (session))
    return TRUE;
  if (!over)
    console_say (session->console, "stopped; with --resume the run goes on from %s",
        session->options.checkpoint);
  if (!over && (terminated || n_interrupts == 0))
    return draw_curve (session, error);
  signal (SIGINT, SIG_DFL);
  if (!write_model (session, error))
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

/* Of FBNET_KERNELS, which validation runs with. */
static gboolean
check_kernels (GError **error)
{
  const gboolean known = kernels_find (NULL, error) != NULL;

  usage_error_adopt (error);
  return known;
}

static gboolean
train (Session *session, GError **error)
{
  if (!check_kernels (error) || !blas_load (error)
      || !train_start_open (&session->start, &session->options, error)
      || !open_dataset (session, error) || !make_model (session, error)
      || !train_options_augment (&session->options, session->start.model, &session->augment, error))
    return FALSE;
  if (session->options.show != NULL)
    return show_samples (session, error);
  if (!train_options_settings (&session->options, session->start.model, session->link.size,
          dataset_epoch_length (session->dataset), &session->settings, error)
      || !open_readers (session, error) || !open_log (session, error)
      || !open_trainer (session, error) || !open_validation (session, error))
    return FALSE;
  return trainer_run (session->trainer, after_step, session, error) && finish (session, error);
}

static gboolean
run (gpointer data, Console *console, GError **error)
{
  Session *session = data;

  session->console = console;
  console->silent = !speaks (session);
  signal (SIGINT, interrupt);
  signal (SIGTERM, terminate);
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

static void
name_outputs (const TrainOptions *o, Confines *confines)
{
  if (o->show != NULL) {
    confines_add_output (confines, OUTPUT_FILE, "--show-samples", o->show);
    return;
  }
  confines_add_output (confines, OUTPUT_FILE, "--output", o->output);
  confines_add_output (confines, OUTPUT_FILE, "--checkpoint", o->checkpoint);
  confines_add_output (confines, OUTPUT_LOG, "--log", o->log);
  confines_add_output (confines, OUTPUT_FILE, "--curve", o->curve);
}

/* A config of the zoo is no file. Processes of one run talk to each other, and one of them writes. */
static void
name_files (gpointer data, Confines *confines)
{
  Session *session = data;
  const TrainOptions *o = &session->options;

  session->began = TRUE;
  confines->keeps_all = mpi_link_is_open ();
  confines_add_input (confines, o->model);
  confines_add_input (confines, o->config);
  confines_add_beside (confines, o->config);
  confines_add_input (confines, o->description);
  confines_add_inputs (confines, o->annotations);
  confines_add_inputs (confines, o->images);
  confines_add_input (confines, o->val_annotations);
  confines_add_input (confines, o->val_images);
  if (speaks (session))
    name_outputs (o, confines);
}

static const Program program = {
  .name = "fbnet-train",
  .summary = "Teaches a detector new objects, or a classifier new classes.",
  .examples =
      "All that stands behind the options: docs/training.md.\n"
      "\n"
      "Examples:\n"
      "  fbnet-train --model coco.safetensors --annotations train.json --images train \\\n"
      "      --val-split 0.15 --output mine.safetensors\n"
      "  fbnet-train --config fbnet_96 --images classes --val-split 0.15 --output "
      "names.safetensors\n"
      "  fbnet-train --config faster_rcnn_fbnetv3a_C4 --annotations train.json --images train \\\n"
      "      --show-samples samples.png\n",
  .failures = "the run failed",
  .add_options = add_options,
  .check = check,
  .name_files = name_files,
  .run = run,
};

/* The other processes would wait for one that has failed. */
int
main (int argc, char **argv)
{
  Session session = { .link = mpi_link_open (&argc, &argv), .options = train_options_new () };
  const int code = program_main (&program, &session, argc, argv);

  session_clear (&session);
  if (session.began && code != EXIT_DONE)
    mpi_link_abort (code);
  mpi_link_close ();
  return code;
}
