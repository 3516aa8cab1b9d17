/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * OpenBLAS, loaded when its row is wanted: other processes are spared its threads, its memory and its
 * start.
 */
#ifndef FBNET_KERNELS_OPENBLAS_H
#define FBNET_KERNELS_OPENBLAS_H

#include <cblas.h>
#include <glib.h>

typedef __typeof__ (cblas_sgemm) *OpenBlasSgemm;
typedef __typeof__ (cblas_dgemm) *OpenBlasDgemm;

/* Valid after a TRUE of openblas_load(). */
extern OpenBlasSgemm openblas_sgemm;
extern OpenBlasDgemm openblas_dgemm;

/* Loads the library, once and for the life of the process. Where the host has not loaded it before, it
 * starts no threads. FALSE with error (FBNET_ERROR_UNSUPPORTED) when there is none. Any thread. */
gboolean openblas_load (GError **error);

#endif
