/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a training run begins with, by the command line: a checkpoint to go on from, or an architecture,
 * another model's weights where they fit, and the data set's classes.
 */
#ifndef FBNET_TRAINING_BEGINNING_H
#define FBNET_TRAINING_BEGINNING_H

#include "dataset.h"
#include "trainoptions.h"

typedef struct {
  gboolean resumes;
  FbnetModel *source; /* --model, or NULL */
  cJSON *description; /* as asked for */
  FbnetModel *model;  /* what is trained: after beginning_make_model() */
} Beginning;

/* Reads what the options name. */
gboolean beginning_open (Beginning *beginning, const TrainOptions *options, GError **error);
void beginning_clear (Beginning *beginning);

gboolean beginning_has_masks (const Beginning *beginning);

/* Makes the model, and checks one that goes on against the data set. `notes`
 * receives sentences (char *) about what was decided. A source whose norms have been folded sets
 * options->statistics, unless they are given. */
gboolean beginning_make_model (Beginning *beginning, TrainOptions *options, const Dataset *dataset,
    GPtrArray *notes, GError **error);

#endif
