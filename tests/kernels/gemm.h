/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix products to test and to time, of floats, of bfloat16 and of bytes.
 */
#ifndef FBNET_TESTS_GEMM_H
#define FBNET_TESTS_GEMM_H

#include "check.h"

typedef enum {
  RESIDUAL_NONE,
  RESIDUAL_OTHER, /* its own memory */
  RESIDUAL_SAME,  /* c's memory */
  N_RESIDUALS
} Residual;

typedef struct {
  gsize m, n, k;
  gsize step;         /* rows of c in one call; 0: all */
  gsize a_gap, c_gap; /* between rows */

  /* floats and bfloat16, whose residual is never c's memory */
  gsize residual_gap;
  gboolean bias;
  Residual residual;
  Activation act;

  /* bfloat16 only */
  gboolean rounded;

  /* bytes only */
  Fill a, weight;
  gboolean extreme_output;
} GemmCase;

/* Every row of the table against sums in double, and SIMD rows against each other, bit for bit. */
void gemm_check_floats (const GemmCase *t);

/* Every row of the table that has bfloat16 against sums in double, and against the row "c", bit for bit. */
void gemm_check_bfloats (const GemmCase *t);

/* Every row of the table against sums in 64 bits, bit for bit. */
void gemm_check_bytes (const GemmCase *t);

/* What only floats, only bfloat16, only bytes can get wrong. */
void gemm_add_float_tests (void);
void gemm_add_bfloat_tests (void);
void gemm_add_byte_tests (void);

/* Microseconds of a product. */
double gemm_time_floats (const Kernels *row, const GemmCase *t);
double gemm_time_bfloats (const Kernels *row, const GemmCase *t);
double gemm_time_bytes (const Kernels *row, const GemmCase *t);

#endif
