/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernel table, and the choice of a row.
 */
#include "base/cpu.h"
#include "fbnet/fbnet.h"
#include "kernels.h"
#include "rows.h"

#define GEMM(row)                                                                                  \
  .gemm_packed_size = gemm_packed_size_##row, .gemm_pack = gemm_pack_##row, .gemm = gemm_##row

#define CHANNELS(row)                                                                              \
  .channel_sums = channel_sums_##row, .channel_affine = channel_affine_##row,                      \
  .weighted_sum = weighted_sum_##row, .activate = activate_##row

#define FLOATS(row)                                                                                \
  {                                                                                                \
    GEMM (row), .depthwise_row = depthwise_row_##row, CHANNELS (row),                              \
  }

/* The bytes of one instruction set, with the look-up of another. */
#define BYTES(row, lookup_row)                                                                     \
  {                                                                                                \
    .gemm_packed_size = qgemm_packed_size_##row, .gemm_pack = qgemm_pack_##row,                    \
    .gemm = qgemm_##row, .depthwise_packed_size = qdepthwise_packed_size_##row,                    \
    .depthwise_pack = qdepthwise_pack_##row, .depthwise_row = qdepthwise_row_##row,                \
    .add = qadd_##row, .quantize = qquantize_##row, .dequantize = qdequantize_##row,               \
    .channel_sums = qchannel_sums_##row, .gate = qgate_##row, .lookup = qlookup_##lookup_row,      \
  }

#define PICTURE(row)                                                                               \
  {                                                                                                \
    .split2 = split2_##row, .split3 = split3_##row, .chroma_blend = chroma_blend_##row,            \
    .chroma_double = chroma_double_##row, .color_row = color_row_##row,                            \
    .horizontal = horizontal_##row, .vertical = vertical_##row,                                    \
  }

/* Best first. What a row asks for is in cpu_flags; what it takes where it is there is added by fill(). */
static Kernels rows[] = {
#ifdef HAVE_KERNELS_AVX512
  { "avx512", CPU_AVX2 | CPU_AVX512, FLOATS (avx512), BYTES (avx2, avx2), PICTURE (avx2) },
#endif
#ifdef HAVE_KERNELS_AVX2
  { "avx2", CPU_AVX2, FLOATS (avx2), BYTES (avx2, avx2), PICTURE (avx2) },
#endif
#ifdef HAVE_KERNELS_NEON
  { "neon", CPU_NEON, FLOATS (neon), BYTES (c, c), PICTURE (c) },
#endif
  { "openblas", 0,
      { GEMM (openblas), .depthwise_row = depthwise_row_c, CHANNELS (c), .split_shows = TRUE },
      BYTES (c, c), PICTURE (c) },
  { "c", 0, FLOATS (c), BYTES (c, c), PICTURE (c) },
};

/* The rows that this processor runs, NULL-terminated. */
static const Kernels *runnable[G_N_ELEMENTS (rows) + 1];

/* Bytes with the extensions of AVX-512 that not every processor with AVX-512 has. */
static void
extend_avx512 (ByteKernels *bytes, guint flags)
{
#ifdef HAVE_KERNELS_AVX512VNNI
  if (flags & CPU_AVX512_VNNI)
    *bytes = (ByteKernels) BYTES (avx512vnni, avx2);
#endif
#ifdef HAVE_KERNELS_AVX512VBMI
  if ((flags & CPU_AVX512_VNNI) && (flags & CPU_AVX512_VBMI))
    bytes->lookup = qlookup_avx512vbmi;
#endif
}

static void
fill (guint flags)
{
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    if (rows[i].cpu_flags & CPU_AVX512)
      extend_avx512 (&rows[i].bytes, flags);
    if ((flags & rows[i].cpu_flags) == rows[i].cpu_flags)
      runnable[n++] = &rows[i];
  }
}

const Kernels *const *
kernels_list (void)
{
  static gsize filled = 0;

  if (g_once_init_enter (&filled)) {
    fill (cpu_flags ());
    g_once_init_leave (&filled, 1);
  }
  return runnable;
}

/* "avx2, openblas, c": what an error message may propose. */
static char *
names_of (const Kernels *const *list)
{
  GString *names = g_string_new (NULL);

  for (; *list != NULL; list++)
    g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", (*list)->name);
  return g_string_free (names, FALSE);
}

const Kernels *
kernels_find (const char *name, GError **error)
{
  const Kernels *const *list = kernels_list ();
  const char *source = "kernels";

  if (name == NULL) {
    name = g_getenv ("FBNET_KERNELS");
    source = "FBNET_KERNELS";
  }
  if (name == NULL || name[0] == '\0')
    return list[0];

  for (guint i = 0; list[i] != NULL; i++)
    if (g_str_equal (list[i]->name, name))
      return list[i];

  g_autofree char *names = names_of (list);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "%s: expected one of %s, which this processor and build have, found \"%s\"", source, names,
      name);
  return NULL;
}
