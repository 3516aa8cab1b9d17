/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The object `quantization` of a description (models/FORMAT.md), and how its numbers reach the layers.
 */
#ifndef FBNET_QUANTIZATION_H
#define FBNET_QUANTIZATION_H

#include "json.h"
#include "quant.h"

typedef struct _FbnetModel FbnetModel;

typedef struct {
  gboolean exact_bias;     /* saturate biases as QNNPACK does, unless asked for otherwise */
  GHashTable *activations; /* name → Quant */
} Quantization;

/* The scales that a file may have: whatever is multiplied and divided then stays within float. */
#define QUANT_MIN_SCALE 1e-12
#define QUANT_MAX_SCALE 1e6

/* NULL when the description has none, and after a failure. */
Quantization *quantization_read (JsonReader *top);
void quantization_free (Quantization *quantization); /* NULL is allowed */

/* Tells every layer whose weights the file has as int8 that it is quantised and that its norm has been
 * folded, and every quantised block and layer what its bytes mean (arch.h). FALSE with error that
 * names the activation that is missing, or the block that cannot be run so. */
gboolean quantization_apply (FbnetModel *model, GError **error);

#endif
