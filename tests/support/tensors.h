/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Named arrays that own their memory: what tests make model files from. The reader takes any
 * safetensors file, also one whose tensors are not aligned (as PyTorch's own writer leaves them),
 * and shares no code with the engine's.
 */
#ifndef TESTS_TENSORS_H
#define TESTS_TENSORS_H

#include "fbnet/fbnet.h"

typedef struct {
  GPtrArray *views; /* of FbnetTensorView, each with memory of its own */
} TensorList;

TensorList *tensor_list_new (void);
void tensor_list_free (TensorList *list); /* NULL is allowed */

/* A safetensors file's tensors, in its order. NULL with error when it is no such file. */
TensorList *tensor_list_load (const char *path, GError **error);

/* Appends a zeroed tensor of this shape; its memory may be written. */
FbnetTensorView *tensor_list_add (TensorList *list, const char *name, FbnetDtype dtype,
    const gsize *shape, guint n_dims);

/* Appends a copy. */
void tensor_list_add_copy (TensorList *list, const FbnetTensorView *view);

/* NULL when there is none of this name. */
FbnetTensorView *tensor_list_find (const TensorList *list, const char *name);

gboolean tensor_list_remove (TensorList *list, const char *name);

/* fbnet_model_write() of all of them. */
gboolean tensor_list_write (const TensorList *list, const char *path, const char *description,
    GError **error);

/* A model of these tensors, written to a temporary file, loaded from it; the file is removed. */
FbnetModel *tensor_list_to_model (const TensorList *list, const char *description, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TensorList, tensor_list_free)

#endif
