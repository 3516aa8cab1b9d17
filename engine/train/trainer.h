/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A training run: workers that draw samples, add up their gradients and take a step together. Each is
 * a thread; through a GroupLink the workers of several processes are one group.
 *
 * A run is a function of the model, the settings, the source and the numbers of processes and threads:
 * one that was stopped and goes on from its checkpoint ends with the same bits as one that was not.
 */
#ifndef FBNET_TRAIN_TRAINER_H
#define FBNET_TRAIN_TRAINER_H

#include "classify.h"
#include "rcnn.h"
#include "sgd.h"

/* Where samples come from. Called by the workers' threads, several at a time. */
typedef struct {
  /* Sample number `draw` of an endless row; NULL with error ends the run. */
  TrainSample *(*draw) (gpointer data, guint thread, guint64 draw, GError **error);
  void (*release) (TrainSample *sample);
  gpointer data;
} TrainSource;

typedef struct {
  guint64 seed;
  guint n_threads;
  guint batch; /* samples per worker and iteration */
  Schedule schedule;
  SgdSettings sgd;
  Statistics statistics;
  double statistics_momentum;
  guint frozen_stages; /* of the trunk, from the first */
  const FbnetModel
      *teacher;      /* what is not to be unlearned (teacher.h), or NULL: of the same trunk, its
                                classes the model's first */
  RcnnSettings rcnn; /* of a detector */
  ClassifySettings classify; /* of a classifier */

  char *checkpoint; /* path; NULL: none are written */
  guint checkpoint_period;
  char *fingerprint; /* "key=value" lines of all that the result depends on; a checkpoint of other
                        ones is refused, but for those that begin with ~ */
} TrainSettings;

/* After an iteration. */
typedef struct {
  guint iteration;    /* from 1 */
  TrainLosses losses; /* means over the workers; counts summed */
  double rate, gradient_norm;
} TrainStatus;

/* Called by one thread of each process; FALSE: stop after a checkpoint. */
typedef gboolean (*TrainProgress) (gpointer data, const TrainStatus *status);

typedef struct Trainer Trainer;

/* `link` may be NULL. The models, the source and the settings' strings must outlive the trainer. NULL
 * with error when the model is not one to train. */
Trainer *trainer_new (const FbnetModel *model, const TrainSettings *settings,
    const TrainSource *source, const GroupLink *link, GError **error);
void trainer_free (Trainer *trainer); /* NULL is allowed */

/* Goes on from the state in the model file, if it is a checkpoint; how many iterations it has behind
 * it, and whether a line that begins with ~ is another. FALSE with error when that state is not one of
 * these settings. */
gboolean trainer_resume (Trainer *trainer, guint *iteration, gboolean *differs, GError **error);

/* All rates that follow are the schedule's times this; to be set as the note is, and again after
 * trainer_resume(). Of one process alone: others would not know. */
void trainer_scale_rate (Trainer *trainer, double factor);

/* What else the checkpoints are to keep, for whoever resumes; copied. NULL: nothing. To be set between
 * iterations: before the run, or by `progress`. */
void trainer_set_note (Trainer *trainer, const char *note);
const char *trainer_note (const Trainer *trainer); /* also what a checkpoint had */

/* To the last iteration, if it is not behind already, or until `progress` says stop. */
gboolean trainer_run (Trainer *trainer, TrainProgress progress, gpointer data, GError **error);

/* The model as it is now: the moving average where there is one; parameters in half precision, if
 * asked. */
gboolean trainer_write_model (const Trainer *trainer, const char *path, gboolean half,
    GError **error);

const Params *trainer_params (const Trainer *trainer);

#endif
