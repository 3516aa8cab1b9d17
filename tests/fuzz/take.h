/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An input's bytes as choices, one after the other; behind its end there are zeros.
 */
#ifndef TESTS_TAKE_H
#define TESTS_TAKE_H

#include <glib.h>
#include <string.h>

typedef struct {
  const guint8 *data;
  gsize size, at;
} Take;

static inline guint8
take_byte (Take *take)
{
  return take->at < take->size ? take->data[take->at++] : 0;
}

static inline gboolean
take_is_over (const Take *take)
{
  return take->at >= take->size;
}

/* 0 … n - 1; n is at most 65536 */
static inline guint
take_index (Take *take, guint n)
{
  const guint low = take_byte (take);

  return (n > 256 ? low | (guint) take_byte (take) << 8 : low) % n;
}

/* Any float, not a number too. */
static inline float
take_float (Take *take)
{
  guint8 bytes[4];
  float value;

  for (guint i = 0; i < 4; i++)
    bytes[i] = take_byte (take);
  memcpy (&value, bytes, sizeof value);
  return value;
}

#endif
