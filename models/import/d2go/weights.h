/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Named tensors on their way from a checkpoint into a model file: contiguous, little-endian, of the
 * model format's types.
 *
 * float64 and bfloat16 become F32 (bfloat16 loses nothing), int16 becomes I32, bool becomes U8,
 * quantised numbers become F32 as torch.dequantize has it; float16 stays F16.
 */
#ifndef FBNET_IMPORT_D2GO_WEIGHTS_H
#define FBNET_IMPORT_D2GO_WEIGHTS_H

#include "import/torch/archive.h"
#include "fbnet/fbnet.h"

typedef struct {
  GPtrArray *views;    /* FbnetTensorView, in order; each owns its name and data */
  GHashTable *by_name; /* name → FbnetTensorView */
} Weights;

Weights *weights_new (void);
void weights_free (Weights *weights); /* NULL is allowed */

/* Appends; FALSE with error when the name is taken. Takes `data`, a g_malloc'ed array. `shape` may be
 * NULL for a scalar. */
gboolean weights_take (Weights *weights, const char *name, FbnetDtype dtype, guint n_dims,
    const gsize *shape, gpointer data, gsize n_bytes, GError **error);

/* Appends the checkpoint's tensor, converted. */
gboolean weights_add (Weights *weights, const char *name, Archive *archive,
    const PickleTensor *tensor, GError **error);

/* Appends a quantised tensor as it is: NAME.weight, and NAME.weight_scale with a scale for each of its
 * first dimension. FALSE with error too when its numbers have a zero point. */
gboolean weights_add_int8 (Weights *weights, const char *name, Archive *archive,
    const PickleTensor *tensor, GError **error);

/* Appends n times `value`. */
gboolean weights_add_constant (Weights *weights, const char *name, gsize n, float value,
    GError **error);

/* Moves one tensor, which `from` need not hold any more. */
void weights_move (Weights *weights, Weights *from, const char *name);

/* All of them in a row, as fbnet_model_write() wants them; g_free() it, the names and data stay. */
FbnetTensorView *weights_list (const Weights *weights);

/* NULL when there is none. */
const FbnetTensorView *weights_find (const Weights *weights, const char *name);

/* A tensor's numbers as doubles, for the small ones that describe others. NULL with error set when
 * it has more than `max` elements or is not numeric. */
double *weights_read_numbers (Archive *archive, const PickleTensor *tensor, gsize max, gsize *n,
    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Weights, weights_free)

#endif
