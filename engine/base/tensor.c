/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shapes and memory of activations.
 */
#include "tensor.h"

#include <stdlib.h>

#include "memory.h"

/* Scratch of up to 80 bytes for each float is reckoned without looking for overflow. */
#define MAX_FLOATS ((gsize) MIN ((guint64) 1 << 40, G_MAXSIZE / 128))

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
  void *data = memory_take_aligned (bytes, error);
  if (data == NULL)
    return FALSE;
  free (buffer->data);
  buffer->data = data;
  buffer->size = bytes;
  return TRUE;
}

void
buffer_clear (Buffer *buffer)
{
  free (buffer->data);
  *buffer = (Buffer){ 0 };
}
