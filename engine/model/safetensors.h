/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The safetensors container: 8 bytes little-endian header length, JSON header, raw tensors.
 */
#ifndef FBNET_SAFETENSORS_H
#define FBNET_SAFETENSORS_H

#include "fbnet/fbnet.h"

typedef struct {
  GBytes *bytes;          /* the whole file */
  FbnetTensorView *views; /* in the file's order; names and data belong to this struct */
  guint n_views;
  const FbnetTensorView **by_name; /* the same, sorted */
  char *description;               /* __metadata__.fbnet, or NULL */
} Safetensors;

/* Checks every length, offset, shape and type. NULL with error: messages begin with `name`. */
Safetensors *safetensors_parse (GBytes *bytes, const char *name, GError **error);
void safetensors_free (Safetensors *file); /* NULL is allowed */

const FbnetTensorView *safetensors_find (const Safetensors *file, const char *tensor);

/* IEEE 754 binary16, the nearest to `x`, of two equally near ones the even; too large: infinity. */
guint16 half_from_float (float x);

/* Number i of an F32, F16 or I8 tensor. */
float tensor_element (const FbnetTensorView *view, gsize i);

#endif
