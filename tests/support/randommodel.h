/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models of any architecture with random weights, for tests and benchmarks that need a network but no
 * meaning: weights are scaled so that activations keep their size from layer to layer.
 */
#ifndef TESTS_RANDOMMODEL_H
#define TESTS_RANDOMMODEL_H

#include "fbnet/fbnet.h"

/* `description`: JSON as models/FORMAT.md says. NULL with error when the engine refuses it. */
FbnetModel *random_model_new (const char *description, guint32 seed, GError **error);

/* A detection description around one trunk, whose last stage the heads read: `architecture` is the
 * JSON object of that name; the other numbers are those of D2Go's C4 configs. With `masks` the
 * architecture has a mask part. Free with g_free(). */
char *random_model_description (const char *architecture, guint n_trunk_stages, gboolean masks);

#endif
