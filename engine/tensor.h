/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shapes and memory of activations: channels-last float32, n images of h × w pixels of c channels.
 */
#ifndef FBNET_TENSOR_H
#define FBNET_TENSOR_H

#include <glib.h>

typedef struct {
  float *data;
  gsize n, h, w, c;
} Tensor;

/* Floats in a tensor of this shape; FALSE when it would not fit an address space (or 2^40). */
gboolean tensor_size (gsize n, gsize h, gsize w, gsize c, gsize *floats);

static inline float *
tensor_pixel (const Tensor *t, gsize n, gsize y, gsize x)
{
  return t->data + ((n * t->h + y) * t->w + x) * t->c;
}

/* A growing, 64-byte aligned block that keeps its memory: grown when a new frame size asks for more,
 * never per frame. Contents are undefined after growing. Zero-initialise it. */
typedef struct {
  void *data;
  gsize size;
} Buffer;

/* At least `bytes` bytes; FALSE with error (FBNET_ERROR_MEMORY) when they cannot be had: then the
 * buffer is as before. */
gboolean buffer_reserve (Buffer *buffer, gsize bytes, GError **error);
void buffer_clear (Buffer *buffer);

/* Makes room for the tensor's shape and points its data there. FALSE with error when the shape has no
 * element, or more than memory: then data is NULL. */
gboolean tensor_reserve (Tensor *tensor, Buffer *buffer, GError **error);

#endif
