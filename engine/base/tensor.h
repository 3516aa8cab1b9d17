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

/* Floats in a tensor of this shape; FALSE when it would not fit an address space (or 2^40, of 32 bits 2^25). */
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

/* Its bytes where it has some, else its floats; NULL where it has neither. */
static inline void *
tensor_native (const Tensor *t)
{
  return t->bytes != NULL ? (void *) t->bytes : (void *) t->data;
}

static inline gsize
tensor_pixels (const Tensor *t)
{
  return t->n * t->h * t->w;
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

#endif
