/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads the .npy arrays that golden data is made of.
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
#ifndef TESTS_NPY_H
#define TESTS_NPY_H

#include <glib.h>

typedef struct {
  gsize n_dims;
  gsize shape[8];
  char dtype[4]; /* as numpy writes it: "<f4", "<i4", "|u1" */
  gsize n_bytes;
  guint8 *data; /* C order */
} Npy;

/* NULL with error set (domain FBNET_ERROR) when the file is absent, damaged, in Fortran order or has
 * more than 8 dimensions. */
Npy *npy_load (const char *path, GError **error);
void npy_free (Npy *npy); /* NULL is allowed */

/* The elements; the array must be of dtype "<f4". */
const float *npy_floats (const Npy *npy);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Npy, npy_free)

#endif
