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

/* Tensors of `source` (or NULL) with the right name and shape are taken over, as float32; the others
 * are random, by the key `seed`, the way detectron2 and mobile_cv begin. `fresh` receives
 * their names (char *). FALSE with error when the description is none, or the source is quantised. */
gboolean start_write (const cJSON *description, const FbnetModel *source, guint64 seed,
    const char *path, GPtrArray *fresh, GError **error);

#endif
