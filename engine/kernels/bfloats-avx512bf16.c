/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of bfloat16 for AVX-512 with BF16.
 */
#include "floats-vec-avx512.h"

#include "bfloats-numbers-avx512bf16.h"

#include "floats-depthwise.inc.h"
#include "floats-gemm.inc.h"

void
bround_avx512bf16 (BFloat *out, const float *in, gsize n)
{
  const Vec least = number_least (ACT_NONE);
  gsize i = 0;

  for (; i + VEC_SIZE <= n; i += VEC_SIZE)
    number_store (out + i, vec_load (in + i), least, ACT_NONE);
  if (i < n)
    number_store_tail (out + i, vec_load_tail (in + i, n - i), n - i, least, ACT_NONE);
}
