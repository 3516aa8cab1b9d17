/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which source samples make an output sample, and with what weights: the antialiased triangle filter
 * of Pillow's 8-bit resize (Resample.c precompute_coeffs, normalize_coeffs_8bpc), one axis at a time.
 */
#ifndef FBNET_RESIZE_H
#define FBNET_RESIZE_H

#include "kernels/picture.h"

/* Owns the arrays of `axis`. Zero-initialise it. */
typedef struct {
  ResizeAxis axis;
  guint32 *first, *first_quad;
  ResizePair *pairs;
  ResizeQuad *quads;
  guint32 *windows;
  guint8 *places;
  gint32 *digits;
} ResizeFilter;

/* The filter from n_in to n_out samples (1 … 32767 each), with `first` a multiple of `alignment` (1
 * or 2). FALSE with error (FBNET_ERROR_MEMORY): then the filter is as before. */
gboolean resize_filter_build (ResizeFilter *filter, gsize n_in, gsize n_out, guint alignment,
    GError **error);
void resize_filter_clear (ResizeFilter *filter);

#endif
