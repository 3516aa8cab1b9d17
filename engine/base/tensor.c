/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shapes and memory of activations.
 */
#include "tensor.h"

#include <stdlib.h>

#include "fbnet/fbnet.h"
#include "kernels/bytes.h"

#define MAX_FLOATS ((gsize) 1 << 40)

gboolean
tensor_size (gsize n, gsize h, gsize w, gsize c, gsize *floats)
{
  return g_size_checked_mul (floats, n, h) && g_size_checked_mul (floats, *floats, w)
      && g_size_checked_mul (floats, *floats, c) && *floats <= MAX_FLOATS;
}

gboolean
buffer_reserve (Buffer *buffer, gsize bytes, GError **error)
{
  if (bytes <= buffer->size)
    return TRUE;
  const gsize rounded = (bytes + 63) & ~(gsize) 63; /* aligned_alloc wants whole multiples */
  void *data = rounded >= bytes ? aligned_alloc (64, rounded) : NULL;
  if (data == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
        "expected %" G_GSIZE_FORMAT " bytes of memory, found less", bytes);
    return FALSE;
  }
  free (buffer->data);
  buffer->data = data;
  buffer->size = rounded;
  return TRUE;
}

/* Elements of a tensor that has some. */
static gboolean
count_elements (const Tensor *tensor, gsize *count, GError **error)
{
  if (!tensor_size (tensor->n, tensor->h, tensor->w, tensor->c, count) || *count == 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "expected sizes that leave pixels in every layer and fit memory, found %" G_GSIZE_FORMAT
        " × %" G_GSIZE_FORMAT " × %" G_GSIZE_FORMAT " × %" G_GSIZE_FORMAT,
        tensor->n, tensor->h, tensor->w, tensor->c);
    return FALSE;
  }
  return TRUE;
}

gboolean
tensor_reserve (Tensor *tensor, Buffer *buffer, GError **error)
{
  gsize count;

  tensor->data = NULL;
  if (!count_elements (tensor, &count, error)
      || !buffer_reserve (buffer, count * sizeof (float), error))
    return FALSE;
  tensor->data = buffer->data;
  return TRUE;
}

gboolean
tensor_reserve_bytes (Tensor *tensor, Buffer *buffer, GError **error)
{
  gsize count;

  tensor->bytes = NULL;
  if (!count_elements (tensor, &count, error) || !buffer_reserve (buffer, count + Q_SLACK, error))
    return FALSE;
  tensor->bytes = buffer->data;
  return TRUE;
}

gboolean
tensor_reserve_native (Tensor *tensor, Buffer *buffer, GError **error)
{
  return quant_is_set (tensor->quant) ? tensor_reserve_bytes (tensor, buffer, error)
                                      : tensor_reserve (tensor, buffer, error);
}

void
tensor_place_native (Tensor *tensor, const Buffer *buffer)
{
  if (quant_is_set (tensor->quant))
    tensor->bytes = buffer->data;
  else
    tensor->data = buffer->data;
}

void
buffer_clear (Buffer *buffer)
{
  free (buffer->data);
  *buffer = (Buffer){ 0 };
}
