/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The object `quantization` of a description (models/FORMAT.md), and how its numbers reach the layers.
 */
#ifndef FBNET_QUANTIZATION_H
#define FBNET_QUANTIZATION_H

#include "arch.h"
#include "base/json.h"

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

/* What lone layers read that come after float stages is called by these names and ".input"; an FPN's
 * layers read what is called by their own. */
#define QUANTIZATION_RPN_INPUT   "proposal_generator.rpn_head.rpn_regressor"
#define QUANTIZATION_BOX_INPUT   "roi_heads.box_predictor"
#define QUANTIZATION_CLASS_INPUT "head"

/* Whether a block, or a layer outside the blocks, can run on bytes once its batch or frozen norms are
 * folded. Shuffles, pools over whole images and norms of each image stay with floats. */
gboolean quantization_can_run_block (const Block *block);
gboolean quantization_can_run_layer (const ConvLayer *layer);

/* Tells every layer whose weights the file has as int8 that it is quantised and that its norm has been
 * folded, and every quantised block and layer what its bytes mean (arch.h). FALSE with error that
 * names the activation that is missing, or the block that cannot be run so. */
gboolean quantization_apply (FbnetModel *model, GError **error);

/* The bytes of the tensor `name`. `table`: they go through the table of this activation, unless it is
 * ACT_NONE. */
typedef Quant (*QuantizationFunc) (const char *name, Activation table, gpointer data);

/* The second half of that, for layers that the caller has marked as quantised: `find` is asked, in the
 * order of execution, for every activation that they need. */
gboolean quantization_resolve (FbnetModel *model, QuantizationFunc find, gpointer data,
    GError **error);

#endif
