/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The model that training begins with: a description, and for every tensor that it asks for either what
 * another model has by that name, or numbers to begin with.
 */
#ifndef FBNET_TRAIN_STARTWEIGHTS_H
#define FBNET_TRAIN_STARTWEIGHTS_H

#include <cjson/cJSON.h>

#include "fbnet/fbnet.h"

/* Gives the description these classes. `ids` may be NULL. */
void start_set_classes (cJSON *description, const char *const *labels, const gint64 *ids,
    guint n_classes);

/* Replaces architecture.norm; n_groups only with "gn". */
void start_set_norm (cJSON *description, const char *norm, guint n_groups);

/* What a model began with. */
typedef struct {
  GPtrArray *fresh; /* char *: tensors that are random */
  GPtrArray
      *kept; /* char *: classes whose part of the predictors was taken over, by name, from other
                         places */
  gboolean by_number; /* a list of classes has no names: they were taken for each other by place */
} StartTaken;

void start_taken_clear (StartTaken *taken);

/* Tensors of `source` (or NULL) with the right name and shape are taken over, as float32; those of a trunk also from
 * a source of another kind (a classifier, a detector, one over a pyramid), block by block as far as both trunks are
 * the same. The others are random, by the key `seed`, the way detectron2 and mobile_cv begin. What belongs to a class
 * (its score, box deltas, mask logits) is taken from the source's class of that name, wherever it stands there, if
 * the source is for the same task. `taken` is filled in. FALSE with error when the description is none, or the source
 * is quantised. */
gboolean start_write (const cJSON *description, const FbnetModel *source, guint64 seed,
    const char *path, StartTaken *taken, GError **error);

#endif
