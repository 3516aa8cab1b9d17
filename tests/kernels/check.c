/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the kernel tests share.
 */
#include <math.h>
#include <string.h>

#include "check.h"

#ifdef CHECK_SIMDE
#  include "base/cpu.h"
#  include "kernels/rows.h"

/* The AVX-512 sources, compiled over SIMDe: what they compute is tested on every machine. */
static const Kernels row_simde = {
  .name = "avx512 (SIMDe)",
  .cpu_flags = CPU_AVX2,
  .floats = {
      .gemm_packed_size = gemm_packed_size_avx512,
      .gemm_pack = gemm_pack_avx512,
      .gemm = gemm_avx512,
      .depthwise_row = depthwise_row_avx512,
      .channel_sums = channel_sums_avx512,
      .channel_affine = channel_affine_avx512,
      .weighted_sum = weighted_sum_avx512,
      .activate = activate_avx512,
  },
};
#endif

const Kernels *const *
check_rows (void)
{
  static const Kernels *rows[16];
  guint n = 0;

#ifdef CHECK_SIMDE
  if (cpu_flags () & CPU_AVX2)
    rows[n++] = &row_simde;
#endif
  for (guint i = 0; kernels_list ()[i]; i++) {
    g_assert (n + 1 < G_N_ELEMENTS (rows));
    rows[n++] = kernels_list ()[i];
  }
  rows[n] = NULL;
  return rows;
}

gboolean
check_row_is_simd (const Kernels *kernels)
{
  return kernels->cpu_flags != 0;
}

float *
check_random (gsize n)
{
  float *numbers = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    numbers[i] = (float) g_test_rand_double_range (-1.0, 1.0);
  return numbers;
}

#define GUARD       32
#define GUARD_VALUE 12345.678f

Guarded
guarded_new (gsize n)
{
  float *block = g_new (float, n + 2 * GUARD);

  for (gsize i = 0; i < n + 2 * GUARD; i++)
    block[i] = GUARD_VALUE;
  return (Guarded){ block + GUARD, n };
}

void
guarded_free (Guarded *guarded)
{
  g_free (guarded->data - GUARD);
  guarded->data = NULL;
}

void
guarded_check (const Guarded *guarded, const char *what)
{
  for (gsize i = 0; i < GUARD; i++)
    if (guarded->data[-1 - (gssize) i] != GUARD_VALUE
        || guarded->data[guarded->n + i] != GUARD_VALUE) {
      g_test_message ("%s: wrote beside its %" G_GSIZE_FORMAT " floats", what, guarded->n);
      g_test_fail ();
      return;
    }
}

gboolean
check_same_bits (const float *a, const float *b, gsize n)
{
  return n == 0 || memcmp (a, b, n * sizeof *a) == 0;
}

gboolean
check_close (float got, double want, double bound, const char *what)
{
  if (isnan (got) && isnan (want))
    return TRUE;
  if (got == want || fabs (got - want) <= bound)
    return TRUE;
  g_test_message ("%s: %.9g, expected %.9g ± %.3g", what, got, want, bound);
  g_test_fail ();
  return FALSE;
}

static double
hsigmoid (double x)
{
  return isnan (x) ? x : CLAMP (x + 3.0, 0.0, 6.0) / 6.0;
}

double
check_activation (double x, Activation act)
{
  switch (act) {
    case ACT_RELU:
      return x < 0.0 ? 0.0 : x;
    case ACT_HSWISH:
      return x * hsigmoid (x);
    case ACT_SWISH:
      return x / (1.0 + exp (-x));
    case ACT_SIGMOID:
      return 1.0 / (1.0 + exp (-x));
    case ACT_HSIGMOID:
      return hsigmoid (x);
    case ACT_NONE:
      break;
  }
  return x;
}

const char *
check_activation_name (Activation act)
{
  static const char *const names[CHECK_N_ACTIVATIONS] = { "none", "relu", "hswish", "swish",
    "sigmoid", "hsigmoid" };
  return names[act];
}
