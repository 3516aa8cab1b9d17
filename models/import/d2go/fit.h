/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tensors that a description asks for, by D2Go's names: what an importer takes out of a
 * checkpoint, and what it misses there.
 */
#ifndef FBNET_IMPORT_D2GO_FIT_H
#define FBNET_IMPORT_D2GO_FIT_H

#include <cjson/cJSON.h>

#include "model/layers.h"
#include "weights.h"

/* A classifier's last layer. */
#define CLASSIFIER_HEAD "head.conv"

/* The layers that a description has: the engine's list. NULL with error. */
Layers *fit_layers (const cJSON *description, GError **error);

/* Of how well a checkpoint's tensors fit a description. */
typedef struct {
  GPtrArray *wanted; /* names (char *) that are there with the right shape, in the layers' order */
  GPtrArray *problems; /* sentences (char *): missing, of another shape or type, without a place */
  guint n_tolerated; /* tensors of heads that the description has not got, and of D2Go's buffers */
} Fit;

Fit *fit_new (const Layers *layers, const Weights *weights);
void fit_free (Fit *fit); /* NULL is allowed */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fit, fit_free)

#endif
