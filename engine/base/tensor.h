/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shapes and memory of activations: channels-last, n images of h × w pixels of c channels, as float32,
 * as bytes, or as both.
 */
#ifndef FBNET_TENSOR_H
#define FBNET_TENSOR_H

#include <glib.h>

#include "quant.h"

typedef struct {
  float *data; /* NULL where only bytes are wanted */
  gsize n, h, w, c;
  guint8 *bytes; /* the same tensor quantised; NULL where it is not */
  Quant quant;   /* what the bytes mean */
} Tensor;

/* Floats in a tensor of this shape; FALSE when it would not fit an address space (or 2^40). */
gboolean tensor_size (gsize n, gsize h, gsize w, gsize c, gsize *floats);

static inline float *
tensor_pixel (const Tensor *t, gsize n, gsize y, gsize x)
{
  return t->data + ((n * t->h + y) * t->w + x) * t->c;
}

static inline guint8 *
tensor_byte (const Tensor *t, gsize n, gsize y, gsize x)
{
  return t->bytes + ((n * t->h + y) * t->w + x) * t->c;
}

/* Bytes that mean what is asked for. */
static inline gboolean
tensor_has_bytes (const Tensor *t, Quant quant)
{
  return t->bytes != NULL && quant_equal (t->quant, quant);
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

/* The same for its bytes, with the slack behind them that int8 kernels ask for. */
gboolean tensor_reserve_bytes (Tensor *tensor, Buffer *buffer, GError **error);

/* Bytes where the tensor has a quantisation, else floats. */
gboolean tensor_reserve_native (Tensor *tensor, Buffer *buffer, GError **error);

/* Points there again, after the buffer may have moved. */
void tensor_place_native (Tensor *tensor, const Buffer *buffer);

#endif
