/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models of any architecture with random weights, for tests and benchmarks that need a network but no
 * meaning: weights are scaled so that activations keep their size from layer to layer.
 */
#ifndef TESTS_RANDOMMODEL_H
#define TESTS_RANDOMMODEL_H

#include "model/arch.h"
#include "tensors.h"

/* `description`: JSON as models/FORMAT.md says. NULL with error when the engine refuses it. */
FbnetModel *random_model_new (const char *description, guint32 seed, GError **error);

/* Appends a layer's weights, biases and norm, so scaled, under their names. */
void random_model_add_layer (TensorList *list, GRand *random, const ConvLayer *layer);

/* Makes a detector's random predictors of use: boxes stay where the anchors are, since random ones
 * would leave the picture; and every proposal is, a little, of the first class, so that each gives
 * one candidate. */
void random_model_tame (TensorList *list);

/* A detection description around one trunk, whose last stage the heads read: `architecture` is the
 * JSON object of that name; the other numbers are those of D2Go's C4 configs. With `masks` the
 * architecture has a mask part. Free with g_free(). */
char *random_model_description (const char *architecture, guint n_trunk_stages, gboolean masks);

#endif
