/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which parts of a model become int8, and why the others do not.
 */
#ifndef FBNET_QUANTIZE_SELECTION_H
#define FBNET_QUANTIZE_SELECTION_H

#include "model/model.h"
#include "observations.h"
#include "quantizerparts.h"

/* A layer that becomes int8. */
typedef struct {
  ConvLayer *layer;
  char *input; /* name of what it reads */
} SelectedLayer;

typedef struct {
  GArray *parts;  /* QuantizerPart */
  GArray *layers; /* SelectedLayer */
} Selection;

/* Marks the layers of `model` (its own copy: it can no longer be run) that become int8. */
Selection *selection_new (FbnetModel *model, const Observations *observations,
    const QuantizerOptions *options);
void selection_free (Selection *selection); /* NULL is allowed */

#endif
