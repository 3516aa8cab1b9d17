/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shapes and memory of activations.
 */
#include "tensor.h"

#include <stdlib.h>

#include "fbnet/fbnet.h"

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

void
buffer_clear (Buffer *buffer)
{
  free (buffer->data);
  *buffer = (Buffer){ 0 };
}
