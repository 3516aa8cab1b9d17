/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The loop of a training run; see trainer.h. All workers run the same loop side by side; what must
 * happen once happens in thread 0 between two waits.
 */
#include "trainer.h"

#include <string.h>

#define STATE_ITERATION TRAIN_STATE_PREFIX "iteration"
#define STATE_MOMENTUM  TRAIN_STATE_PREFIX "momentum"
#define STATE_SQUARES   TRAIN_STATE_PREFIX "squares"
#define STATE_EMA       TRAIN_STATE_PREFIX "ema"
#define STATE_EMA_STATS TRAIN_STATE_PREFIX "ema_statistics"
#define STATE_SETTINGS  TRAIN_STATE_PREFIX "settings"
#define STATE_NOTE      TRAIN_STATE_PREFIX "note"

typedef struct {
  Trainer *trainer;
  Net net;
  Teacher *teacher; /* or NULL */
  TrainSample **samples;
  guint n_samples; /* drawn */
  GThread *thread;
  GError *error;
} Worker;

struct Trainer {
  const FbnetModel *model;
  TrainSettings settings;
  TrainSource source;
  Group *group;
  gboolean writes;                 /* this process keeps the checkpoints */
  Params *params, *teacher_params; /* the latter NULL without a teacher */
  SgdState state;
  guint iteration; /* done */
  Worker *workers;
  char *note;
  double rate_factor;

  TrainProgress progress;
  gpointer progress_data;
  gboolean stop;
};

/* --- Making ----------------------------------------------------------------------------------- */

static void
freeze_layer (const ConvLayer *layer, gpointer params)
{
  params_freeze_layer (params, layer);
}

static void
freeze_stages (Trainer *t)
{
  for (guint s = 0; s < t->settings.frozen_stages; s++) {
    const LayerEntry *stage = layers_find (t->model->layers, ROLE_TRUNK, s);
    if (stage != NULL)
      layers_entry_foreach (stage, freeze_layer, t->params);
  }
}

static void
add_worker (Trainer *t, guint thread)
{
  Worker *worker = &t->workers[thread];

  worker->trainer = t;
  worker->samples = g_new0 (TrainSample *, t->settings.batch);
  worker->net = (Net){ .params = t->params,
    .tape = tape_new (),
    .group = t->group,
    .thread = thread,
    .statistics = t->settings.statistics,
    .momentum = t->settings.statistics_momentum,
    .gradient = g_new (Real, t->params->n_values),
    .updates_statistics = thread == 0 };
  if (t->teacher_params != NULL)
    worker->teacher = teacher_new (t->teacher_params, t->settings.frozen_stages);
}

static Params *
frozen_params_new (const FbnetModel *model)
{
  Params *params = params_new (model);

  layers_foreach (model->layers, freeze_layer, params);
  return params;
}

static gboolean
is_classifier (const FbnetModel *model)
{
  return fbnet_model_get_task (model) == FBNET_TASK_CLASSIFICATION;
}

static const char *
unsupported (const FbnetModel *model)
{
  return is_classifier (model) ? classify_unsupported (model) : rcnn_unsupported (model);
}

Trainer *
trainer_new (const FbnetModel *model, const TrainSettings *settings, const TrainSource *source,
    const GroupLink *link, GError **error)
{
  const char *problem = unsupported (model);

  if (problem != NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED, "%s: cannot be trained: %s",
        model->path, problem);
    return NULL;
  }
  Trainer *t = g_new0 (Trainer, 1);
  t->model = model;
  t->settings = *settings;
  t->source = *source;
  t->group = group_new (settings->n_threads, link);
  t->rate_factor = 1;
  t->writes = group_rank (t->group, 0) == 0;
  t->params = params_new (model);
  freeze_stages (t);
  if (settings->teacher != NULL)
    t->teacher_params = frozen_params_new (settings->teacher);
  t->state = sgd_state_new (t->params);
  t->workers = g_new0 (Worker, settings->n_threads);
  for (guint i = 0; i < settings->n_threads; i++)
    add_worker (t, i);
  return t;
}

void
trainer_free (Trainer *t)
{
  if (t == NULL)
    return;
  for (guint i = 0; i < t->settings.n_threads; i++) {
    teacher_free (t->workers[i].teacher);
    tape_free (t->workers[i].net.tape);
    g_free (t->workers[i].net.gradient);
    g_free (t->workers[i].samples);
  }
  g_free (t->workers);
  sgd_state_clear (&t->state);
  params_free (t->params);
  params_free (t->teacher_params);
  group_free (t->group);
  g_free (t->note);
  g_free (t);
}

const Params *
trainer_params (const Trainer *t)
{
  return t->params;
}

/* --- Checkpoints ------------------------------------------------------------------------------ */

static gboolean
bad_state (const Trainer *t, GError **error, const char *tensor, const char *expected)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: tensor \"%s\": expected %s",
      t->model->path, tensor, expected);
  return FALSE;
}

static gboolean
read_vector (const Trainer *t, const char *name, Real *values, gsize n, GError **error)
{
  const FbnetTensorView *view = safetensors_find (t->model->file, name);

  if (view == NULL || view->dtype != FBNET_DTYPE_F32 || view->n_bytes != n * sizeof (float))
    return bad_state (t, error, name, "as many F32 numbers as the model has, found others or none");
  const float *floats = view->data;
  for (gsize i = 0; i < n; i++)
    values[i] = (Real) floats[i];
  return TRUE;
}

/* The first line that differs is the one to tell of. */
static gboolean
check_settings (const Trainer *t, gboolean *differs, GError **error)
{
  const FbnetTensorView *view = safetensors_find (t->model->file, STATE_SETTINGS);

  if (view == NULL || view->dtype != FBNET_DTYPE_U8)
    return bad_state (t, error, STATE_SETTINGS, "the run's settings as text, found none");
  g_autofree char *text = g_strndup (view->data, view->n_bytes);
  g_auto (GStrv) theirs = g_strsplit (text, "\n", -1);
  g_auto (GStrv) ours = g_strsplit (t->settings.fingerprint, "\n", -1);
  for (guint i = 0; ours[i] != NULL && theirs[i] != NULL; i++) {
    if (strcmp (ours[i], theirs[i]) != 0 && ours[i][0] == '~') {
      *differs = TRUE;
    } else if (strcmp (ours[i], theirs[i]) != 0) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
          "%s: expected the settings that the run began with, found %s where it had %s",
          t->model->path, ours[i], theirs[i]);
      return FALSE;
    }
  }
  return TRUE;
}

void
trainer_scale_rate (Trainer *t, double factor)
{
  t->rate_factor = factor;
}

void
trainer_set_note (Trainer *t, const char *note)
{
  g_free (t->note);
  t->note = g_strdup (note);
}

const char *
trainer_note (const Trainer *t)
{
  return t->note;
}

static void
read_note (Trainer *t)
{
  const FbnetTensorView *view = safetensors_find (t->model->file, STATE_NOTE);

  if (view == NULL || view->dtype != FBNET_DTYPE_U8)
    return;
  g_free (t->note);
  t->note = g_strndup (view->data, view->n_bytes);
}

gboolean
trainer_resume (Trainer *t, guint *iteration, gboolean *differs, GError **error)
{
  const FbnetTensorView *view = safetensors_find (t->model->file, STATE_ITERATION);

  if (view == NULL || view->dtype != FBNET_DTYPE_I64 || view->n_bytes != sizeof (gint64))
    return bad_state (t, error, STATE_ITERATION, "a checkpoint's count, found none");
  const gint64 done = *(const gint64 *) view->data;
  *differs = FALSE;
  if (done < 0 || done > G_MAXINT)
    return bad_state (t, error, STATE_ITERATION, "a number of iterations");
  if (!check_settings (t, differs, error)
      || !read_vector (t, STATE_MOMENTUM, t->state.momentum, t->params->n_values, error)
      || !read_vector (t, STATE_SQUARES, t->state.squares, t->params->n_values, error)
      || !read_vector (t, STATE_EMA, t->state.ema_values, t->params->n_values, error)
      || !read_vector (t, STATE_EMA_STATS, t->state.ema_statistics, t->params->n_statistics, error))
    return FALSE;
  read_note (t);
  *iteration = t->iteration = (guint) done;
  return TRUE;
}

static FbnetTensorView
vector_view (const char *name, const float *floats, gsize n)
{
  return (FbnetTensorView){ name, FBNET_DTYPE_F32, 1, { n }, floats, n * sizeof (float) };
}

static gboolean
write_checkpoint (const Trainer *t, GError **error)
{
  const gsize n = t->params->n_values, n_statistics = t->params->n_statistics;
  const gint64 iteration = t->iteration;
  const gsize length = strlen (t->settings.fingerprint);
  const gsize note_length = t->note != NULL ? strlen (t->note) : 0;
  g_autofree float *momentum = reals_to_floats (t->state.momentum, n);
  g_autofree float *squares = reals_to_floats (t->state.squares, n);
  g_autofree float *ema = reals_to_floats (t->state.ema_values, n);
  g_autofree float *ema_statistics = reals_to_floats (t->state.ema_statistics, n_statistics);
  const FbnetTensorView extra[] = {
    { STATE_ITERATION, FBNET_DTYPE_I64, 0, { 0 }, &iteration, sizeof iteration },
    { STATE_SETTINGS, FBNET_DTYPE_U8, 1, { length }, t->settings.fingerprint, length },
    vector_view (STATE_MOMENTUM, momentum, n),
    vector_view (STATE_SQUARES, squares, n),
    vector_view (STATE_EMA, ema, n),
    vector_view (STATE_EMA_STATS, ema_statistics, n_statistics),
    { STATE_NOTE, FBNET_DTYPE_U8, 1, { note_length }, t->note, note_length },
  };
  const guint n_extra = G_N_ELEMENTS (extra) - (note_length > 0 ? 0 : 1);

  return params_write (t->params, t->params->values, t->params->statistics_values, iteration, FALSE,
      extra, n_extra, t->settings.checkpoint, error);
}

gboolean
trainer_write_model (const Trainer *t, const char *path, gboolean half, GError **error)
{
  const gboolean averaged = t->settings.sgd.ema_decay > 0;

  return params_write (t->params, averaged ? t->state.ema_values : t->params->values,
      averaged ? t->state.ema_statistics : t->params->statistics_values, t->iteration, half, NULL,
      0, path, error);
}

/* --- The loop --------------------------------------------------------------------------------- */

static void
release_samples (Worker *worker)
{
  for (guint i = 0; i < worker->n_samples; i++)
    worker->trainer->source.release (worker->samples[i]);
  worker->n_samples = 0;
}

/* The worker's first sample among those of an iteration. */
static guint64
first_sample (const Worker *worker)
{
  const Trainer *t = worker->trainer;

  return (guint64) group_rank (t->group, worker->net.thread) * t->settings.batch;
}

static gboolean
draw_samples (Worker *worker)
{
  const Trainer *t = worker->trainer;
  const guint64 per_iteration = (guint64) group_size (t->group) * t->settings.batch;
  const guint64 first = t->iteration * per_iteration + first_sample (worker);

  for (guint i = 0; i < t->settings.batch; i++) {
    TrainSample *sample =
        t->source.draw (t->source.data, worker->net.thread, first + i, &worker->error);
    if (sample == NULL)
      return FALSE;
    worker->samples[worker->n_samples++] = sample;
  }
  return TRUE;
}

static TrainLosses
forward (Worker *worker)
{
  const Trainer *t = worker->trainer;
  const TrainSample *const *samples = (const TrainSample *const *) worker->samples;

  if (is_classifier (t->model))
    return classify_forward (&worker->net, &t->settings.classify, samples, worker->n_samples);
  return rcnn_forward (&worker->net, worker->teacher, &t->settings.rcnn, samples, worker->n_samples,
      t->settings.seed, t->iteration, first_sample (worker));
}

static char *
describe_losses (const FbnetModel *model, const TrainLosses *l)
{
  if (is_classifier (model))
    return g_strdup_printf ("%g", l->classes);
  return g_strdup_printf ("RPN %g and %g, classes %g, boxes %g, masks %g, keypoints %g",
      l->rpn_objectness, l->rpn_box, l->classes, l->box, l->mask, l->keypoint);
}

static gboolean
run_forward (Worker *worker, TrainLosses *losses)
{
  const Trainer *t = worker->trainer;

  tape_reset (worker->net.tape);
  memset (worker->net.gradient, 0, t->params->n_values * sizeof (Real));
  *losses = forward (worker);
  if (isfinite (train_losses_total (losses)))
    return TRUE;
  g_autofree char *found = describe_losses (t->model, losses);
  g_set_error (&worker->error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "iteration %u: expected finite losses, found %s; a smaller learning rate, a longer warm-up "
      "or "
      "a bound of the gradient's norm helps",
      t->iteration + 1, found);
  return FALSE;
}

/* Every worker's losses become those of all. */
static void
share_losses (Worker *worker, TrainLosses *losses)
{
  Group *group = worker->trainer->group;
  double all[] = { losses->rpn_objectness, losses->rpn_box, losses->classes, losses->box,
    losses->mask, losses->keypoint, losses->n_rois, losses->n_objects, losses->n_right };
  const double share = 1.0 / group_size (group);

  group_sum_doubles (group, worker->net.thread, all, G_N_ELEMENTS (all));
  *losses = (TrainLosses){ all[0] * share, all[1] * share, all[2] * share, all[3] * share,
    all[4] * share, all[5] * share, all[6], all[7], all[8] };
}

/* The mean gradient of all workers, then each thread's share of the step. */
static void
take_step (Worker *worker, TrainStatus *status)
{
  Trainer *t = worker->trainer;
  Real *gradient = worker->net.gradient;
  const gsize n = t->params->n_values;
  const Real share = 1 / (Real) group_size (t->group);

  group_sum_reals (t->group, worker->net.thread, gradient, n);
  for (gsize i = 0; i < n; i++)
    gradient[i] *= share;
  status->gradient_norm = sgd_norm (gradient, n);
  status->rate = t->rate_factor * schedule_rate (&t->settings.schedule, t->iteration);
  sgd_step (t->params, &t->state, &t->settings.sgd, gradient, status->gradient_norm, status->rate,
      t->iteration + 1, worker->net.thread, t->settings.n_threads);
  group_wait (t->group);
}

/* What one thread does for all of the process's. */
static void
count_iteration (Worker *worker, TrainStatus *status)
{
  Trainer *t = worker->trainer;
  const TrainSettings *settings = &t->settings;

  status->iteration = ++t->iteration;
  if (settings->sgd.ema_decay > 0)
    sgd_average (t->params, &t->state, &settings->sgd, t->iteration);
  t->stop = t->progress != NULL && !t->progress (t->progress_data, status);
  t->stop = t->stop || t->iteration >= settings->schedule.iterations;
}

static gboolean
keep_checkpoint (Worker *worker)
{
  const Trainer *t = worker->trainer;

  if (!t->writes || t->settings.checkpoint == NULL)
    return TRUE;
  return (!t->stop && t->iteration % MAX (t->settings.checkpoint_period, 1) != 0)
      || write_checkpoint (t, &worker->error);
}

/* FALSE when the run is at its end, well or not: all workers agree. A process that is told to stop
 * stops all of them, after one and the same iteration. */
static gboolean
iterate (Worker *worker)
{
  Trainer *t = worker->trainer;
  const guint thread = worker->net.thread;
  TrainStatus status = { 0 };

  if (group_any (t->group, thread, !draw_samples (worker))
      || group_any (t->group, thread, !run_forward (worker, &status.losses)))
    return FALSE;
  tape_backward (worker->net.tape);
  take_step (worker, &status);
  share_losses (worker, &status.losses);
  if (thread == 0)
    count_iteration (worker, &status);
  const gboolean stop = group_any (t->group, thread, thread == 0 && t->stop);
  if (thread == 0)
    t->stop = stop;
  const gboolean good = thread > 0 || keep_checkpoint (worker);
  return !group_any (t->group, thread, !good || stop);
}

static gpointer
worker_main (gpointer data)
{
  Worker *worker = data;
  gboolean more = TRUE;

  while (more) {
    more = iterate (worker);
    release_samples (worker);
  }
  return NULL;
}

/* The first worker's error; without one, of another process. */
static gboolean
collect_errors (Trainer *t, GError **error)
{
  GError *first = NULL;

  for (guint i = 0; i < t->settings.n_threads; i++) {
    if (first == NULL)
      first = g_steal_pointer (&t->workers[i].error);
    g_clear_error (&t->workers[i].error);
  }
  if (first != NULL)
    g_propagate_error (error, first);
  else if (!t->stop)
    g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_IO, "another process of the run failed");
  return first == NULL && t->stop;
}

gboolean
trainer_run (Trainer *t, TrainProgress progress, gpointer data, GError **error)
{
  if (t->iteration >= t->settings.schedule.iterations)
    return TRUE;

  t->progress = progress;
  t->progress_data = data;
  t->stop = FALSE;
  for (guint i = 1; i < t->settings.n_threads; i++)
    t->workers[i].thread = g_thread_new ("train", worker_main, &t->workers[i]);
  worker_main (&t->workers[0]);
  for (guint i = 1; i < t->settings.n_threads; i++)
    g_thread_join (t->workers[i].thread);
  return collect_errors (t, error);
}
