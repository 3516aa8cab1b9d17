/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * OpenBLAS for training. A release takes a processor that came after it for the oldest that it knows (0.3.21, of
 * Debian 12, takes Emerald Rapids for a Prescott of 2004), and is then several times slower than it can be: it is
 * told what the processor can do, unless somebody has told it already.
 */
#include "blas.h"

#include "kernels/openblas.h"

#ifdef FBNET_TRAIN_DOUBLE
#  define OPENBLAS_GEMM openblas_dgemm
#else
#  define OPENBLAS_GEMM openblas_sgemm
#endif

/* NULL: the library's own choice. */
static const char *
core_name (void)
{
#if defined(__x86_64__)
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512bw") && __builtin_cpu_supports ("avx512vl"))
    return "SkylakeX";
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    return "Haswell";
#endif
  return NULL;
}

gboolean
blas_load (GError **error)
{
  const char *core = core_name ();

  if (openblas_sgemm == NULL && core != NULL)
    g_setenv ("OPENBLAS_CORETYPE", core, FALSE);
  return openblas_load (error);
}

void
real_gemm (CBLAS_TRANSPOSE transpose_a, CBLAS_TRANSPOSE transpose_b, gsize m, gsize n, gsize k,
    const Real *a, gsize lda, const Real *b, gsize ldb, Real beta, Real *c, gsize ldc)
{
  if (openblas_sgemm == NULL && !blas_load (NULL))
    g_return_if_reached ();
  OPENBLAS_GEMM (CblasRowMajor, transpose_a, transpose_b, (blasint) m, (blasint) n, (blasint) k, 1,
      a, (blasint) lda, b, (blasint) ldb, beta, c, (blasint) ldc);
}
