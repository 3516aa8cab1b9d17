/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The int8 kernel table, and the choice of a row.
 */
#include "base/cpu.h"
#include "qrows.h"

#define ROW(row)                                                                                   \
  .gemm_packed_size = qgemm_packed_size_##row, .gemm_pack = qgemm_pack_##row, .gemm = qgemm_##row, \
  .depthwise_packed_size = qdepthwise_packed_size_##row, .depthwise_pack = qdepthwise_pack_##row,  \
  .depthwise_row = qdepthwise_row_##row, .add = qadd_##row, .quantize = qquantize_##row,           \
  .dequantize = qdequantize_##row, .channel_sums = qchannel_sums_##row, .gate = qgate_##row

static const QKernels row_c = { .name = "c", ROW (c), .lookup = qlookup_c };

#ifdef HAVE_KERNELS_AVX2
static const QKernels row_avx2 = { .name = "avx2",
  .cpu_flags = CPU_AVX2,
  ROW (avx2),
  .lookup = qlookup_avx2 };
#endif
#ifdef HAVE_KERNELS_AVX512VNNI
static const QKernels row_avx512vnni = { .name = "avx512vnni",
  .cpu_flags = CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI,
  ROW (avx512vnni),
  .lookup = qlookup_avx2 };
#endif
#ifdef HAVE_KERNELS_AVX512VBMI
static const QKernels row_avx512vbmi = { .name = "avx512vbmi",
  .cpu_flags = CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_VBMI,
  ROW (avx512vnni),
  .lookup = qlookup_avx512vbmi };
#endif

static const QKernels *const rows[] = {
#ifdef HAVE_KERNELS_AVX512VBMI
  &row_avx512vbmi,
#endif
#ifdef HAVE_KERNELS_AVX512VNNI
  &row_avx512vnni,
#endif
#ifdef HAVE_KERNELS_AVX2
  &row_avx2,
#endif
  &row_c,
  NULL,
};

const QKernels *const *
qkernels_list (void)
{
  return rows;
}

const QKernels *
qkernels_best (guint cpu_flags)
{
  guint i = 0;

  while ((cpu_flags & rows[i]->cpu_flags) != rows[i]->cpu_flags) /* the row "c" asks for nothing */
    i++;
  return rows[i];
}
