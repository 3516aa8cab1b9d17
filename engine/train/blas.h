/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix products in training: OpenBLAS, in one thread, as the workers are the threads.
 */
#ifndef FBNET_TRAIN_BLAS_H
#define FBNET_TRAIN_BLAS_H

#include <cblas.h>
#include <glib.h>

#include "real.h"

/* Loads OpenBLAS and picks its kernels, once for the process; before other threads begin, as it may set
 * OPENBLAS_CORETYPE. FALSE with error (FBNET_ERROR_UNSUPPORTED) when there is no OpenBLAS. */
gboolean blas_load (GError **error);

/* C = alpha A B + beta C, rows one after another: cblas_sgemm() or cblas_dgemm(). Loads OpenBLAS if need be. */
void real_gemm (CBLAS_TRANSPOSE transpose_a, CBLAS_TRANSPOSE transpose_b, gsize m, gsize n, gsize k,
    const Real *a, gsize lda, const Real *b, gsize ldb, Real beta, Real *c, gsize ldc);

#endif
