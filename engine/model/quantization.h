/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The object `quantization` of a description (models/FORMAT.md).
 */
#ifndef FBNET_QUANTIZATION_H
#define FBNET_QUANTIZATION_H

#include "base/json.h"
#include "base/quant.h"

typedef struct {
  char *name;
  Quant quant;
} NamedQuant;

typedef struct {
  gboolean exact_bias; /* saturate biases as QNNPACK does, unless asked for otherwise */
  guint n_activations;
  NamedQuant *activations; /* sorted by name */
} Quantization;

/* The scales that a file may have: whatever is multiplied and divided then stays within float. */
#define QUANT_MIN_SCALE 1e-12
#define QUANT_MAX_SCALE 1e6

/* The activation's place in the list; -1: there is none. */
gint quantization_find (const Quantization *quantization, const char *name);

/* NULL when the description has none, and after a failure. */
Quantization *quantization_read (JsonReader *top);
void quantization_free (Quantization *quantization); /* NULL is allowed */

#endif
