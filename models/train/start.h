/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a training run begins with, by the command line: a checkpoint to go on from, or an architecture,
 * another model's weights where they fit, and the data set's classes.
 */
#ifndef FBNET_TRAIN_START_H
#define FBNET_TRAIN_START_H

#include "dataset.h"
#include "trainoptions.h"

typedef struct {
  gboolean resumes;
  FbnetModel *source; /* --model, or NULL */
  cJSON *description; /* as asked for */
  FbnetModel *model;  /* what is trained: after train_start_make_model() */
} TrainStart;

/* Reads what the options name. */
gboolean train_start_open (TrainStart *start, const TrainOptions *options, GError **error);
void train_start_clear (TrainStart *start);

gboolean train_start_has_masks (const TrainStart *start);
guint train_start_n_keypoints (const TrainStart *start);

/* With --keep the classes of --model are put before those of the data set. FALSE with error when it has no
 * names of them. */
gboolean train_start_keep_classes (const TrainStart *start, const TrainOptions *options,
    Dataset *dataset, GError **error);

/* Makes the model, and checks one that goes on against the data set. `notes`
 * receives sentences (char *) about what was decided. A source whose norms have been folded sets
 * options->statistics, unless they are given. */
gboolean train_start_make_model (TrainStart *start, TrainOptions *options, const Dataset *dataset,
    GPtrArray *notes, GError **error);

#endif
