/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a tensor's bytes mean: number = (byte - zero) * scale.
 */
#ifndef FBNET_QUANT_H
#define FBNET_QUANT_H

#include <glib.h>

/* A scale of 0: there are no bytes, the tensor is of floats. */
typedef struct {
  float scale;
  gint32 zero; /* 0 … 255 */
} Quant;

static inline gboolean
quant_is_set (Quant quant)
{
  return quant.scale > 0;
}

static inline gboolean
quant_equal (Quant a, Quant b)
{
  return a.scale == b.scale && a.zero == b.zero;
}

#endif
