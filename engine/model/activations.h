/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the bytes between a quantised model's layers mean: which layers have int8 weights, and how the
 * description's list of activations reaches them.
 */
#ifndef FBNET_ACTIVATIONS_H
#define FBNET_ACTIVATIONS_H

#include "layers.h"
#include "safetensors.h"

/* Whether a block, or a layer outside the blocks, can run on bytes once its batch or frozen norms are
 * folded. Shuffles, pools over whole images and norms of each image stay with floats. */
gboolean activations_can_run_block (const Block *block);
gboolean activations_can_run_layer (const ConvLayer *layer);

/* Tells every layer whose weights the file has as int8 that it is quantised and that its norm has been
 * folded, and every quantised block and layer what its bytes mean (arch.h). FALSE with error that
 * names the activation that is missing, or the block that cannot be run so. */
gboolean activations_apply (Layers *layers, const Quantization *quantization,
    const Safetensors *file, GError **error);

/* The bytes of the tensor `name`. `table`: they go through the table of this activation, unless it is
 * ACT_NONE. */
typedef Quant (*ActivationsFunc) (const char *name, Activation table, gpointer data);

/* The second half of that, for layers that the caller has marked as quantised: `find` is asked, in the
 * order of execution, for every activation that they need. */
gboolean activations_resolve (Layers *layers, ActivationsFunc find, gpointer data, GError **error);

#endif
