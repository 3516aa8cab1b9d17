/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernel table, and the choice of a row.
 */
#include "base/cpu.h"
#include "fbnet/fbnet.h"
#include "kernels.h"
#include "openblas.h"
#include "rows.h"

#define GEMM(isa)                                                                                  \
  .gemm_packed_size = gemm_packed_size_##isa, .gemm_pack = gemm_pack_##isa, .gemm = gemm_##isa

#define CHANNELS(isa)                                                                              \
  .channel_sums = channel_sums_##isa, .channel_affine = channel_affine_##isa,                      \
  .weighted_sum = weighted_sum_##isa, .activate = activate_##isa

#define FLOATS(isa)                                                                                \
  {                                                                                                \
    GEMM (isa), .depthwise_row = depthwise_row_##isa, CHANNELS (isa),                              \
  }

#define BFLOATS(isa)                                                                               \
  {                                                                                                \
    .gemm_packed_size = bgemm_packed_size_##isa, .gemm_pack = bgemm_pack_##isa,                    \
    .gemm = bgemm_##isa, .depthwise_row = bdepthwise_row_##isa, .round = bround_##isa,             \
  }

/* The products of bytes of one instruction set, the rest of another, the look-up of a third. */
#define BYTES(isa, channels_isa, lookup_isa)                                                       \
  {                                                                                                \
    .gemm_packed_size = qgemm_packed_size_##isa, .gemm_pack = qgemm_pack_##isa,                    \
    .gemm = qgemm_##isa, .depthwise_packed_size = qdepthwise_packed_size_##isa,                    \
    .depthwise_pack = qdepthwise_pack_##isa, .depthwise_row = qdepthwise_row_##isa,                \
    .add = qadd_##channels_isa, .quantize = qquantize_##channels_isa,                              \
    .dequantize = qdequantize_##channels_isa, .channel_sums = qchannel_sums_##channels_isa,        \
    .gate = qgate_##channels_isa, .lookup = qlookup_##lookup_isa,                                  \
  }

#define PICTURE(isa, n_rows)                                                                       \
  {                                                                                                \
    .split2 = split2_##isa, .split3 = split3_##isa, .split565 = split565_##isa,                    \
    .narrow = narrow_##isa, .chroma_widen = chroma_widen_##isa,                                    \
    .chroma_blend = chroma_blend_##isa, .chroma_blend_pairs = chroma_blend_pairs_##isa,            \
    .color_row = color_row_##isa, .color_row_shared = color_row_shared_##isa,                      \
    .horizontal_rows = n_rows, .horizontal = horizontal_##isa, .vertical = vertical_##isa,         \
  }

/* Best first. A processor must have what is in cpu_flags; what only some of them have comes with fill(). A row
 * may want something loaded before it runs. */
static Kernels rows[] = {
#ifdef HAVE_KERNELS_AMX
  { "amx", CPU_AVX2 | CPU_AVX512 | CPU_AMX, FLOATS (avx512), BYTES (avx2, avx2, avx2),
      PICTURE (avx2, RESIZE_ROWS) },
#endif
#ifdef HAVE_KERNELS_AVX512
  { "avx512", CPU_AVX2 | CPU_AVX512, FLOATS (avx512), BYTES (avx2, avx2, avx2),
      PICTURE (avx2, RESIZE_ROWS) },
#endif
#ifdef HAVE_KERNELS_AVXVNNI
  { "avxvnni", CPU_AVX2 | CPU_AVX_VNNI, FLOATS (avx2), BYTES (avxvnni, avxvnni, avx2),
      PICTURE (avx2, RESIZE_ROWS) },
#endif
#ifdef HAVE_KERNELS_AVX2
  { "avx2", CPU_AVX2, FLOATS (avx2), BYTES (avx2, avx2, avx2), PICTURE (avx2, RESIZE_ROWS) },
#endif
#ifdef HAVE_KERNELS_SSE41
  { "sse41", CPU_SSE41, FLOATS (sse41), BYTES (sse41, sse41, c), PICTURE (c, 1) },
#endif
#ifdef HAVE_KERNELS_NEONI8MM
  { "neoni8mm", CPU_NEON | CPU_NEON_DOT | CPU_NEON_I8MM, FLOATS (neon),
      BYTES (neoni8mm, neon, neon), PICTURE (c, 1) },
#endif
#ifdef HAVE_KERNELS_NEONDOT
  { "neondot", CPU_NEON | CPU_NEON_DOT, FLOATS (neon), BYTES (neondot, neon, neon),
      PICTURE (c, 1) },
#endif
#ifdef HAVE_KERNELS_NEON
  { "neon", CPU_NEON, FLOATS (neon), BYTES (neon, neon, neon), PICTURE (c, 1) },
#endif
  { "openblas", 0,
      { GEMM (openblas), .depthwise_row = depthwise_row_c, CHANNELS (c), .split_shows = TRUE },
      BYTES (c, c, c), PICTURE (c, 1), openblas_load },
  { "c", 0, FLOATS (c), BYTES (c, c, c), PICTURE (c, 1), .bfloats = BFLOATS (c) },
};

/* The rows that this processor runs, NULL-terminated; and of them those that are ready. */
static const Kernels *runnable[G_N_ELEMENTS (rows) + 1];
static const Kernels *ready[G_N_ELEMENTS (rows) + 1];

/* The extensions of AVX-512 that not every processor with AVX-512 has, and the tiles of a row that is for them. */
static void
extend_avx512 (Kernels *row, guint flags)
{
#ifdef HAVE_KERNELS_AVX512BF16
  if (flags & CPU_AVX512_BF16)
    row->bfloats = (BFloatKernels) BFLOATS (avx512bf16);
#endif
#ifdef HAVE_KERNELS_AVX512VNNI
  if (flags & CPU_AVX512_VNNI) {
    row->bytes = (ByteKernels) BYTES (avx512vnni, avx512vnni, avx2);
    row->picture.chroma_blend_pairs = chroma_blend_pairs_avx512vnni;
    row->picture.color_row_shared = color_row_shared_avx512vnni;
    row->picture.horizontal = horizontal_avx512vnni;
    row->picture.vertical = vertical_avx512vnni;
  }
#endif
#ifdef HAVE_KERNELS_AVX512VBMI
  if ((flags & CPU_AVX512_VBMI) && (flags & CPU_AVX512_VNNI)) {
    row->bytes.lookup = qlookup_avx512vbmi;
    row->picture.horizontal_rows = 1;
    row->picture.horizontal = horizontal_avx512vbmi;
  }
#endif
#ifdef HAVE_KERNELS_AMX
  if (row->cpu_flags & CPU_AMX) {
    row->bytes.gemm_packed_size = qgemm_packed_size_amx;
    row->bytes.gemm_pack = qgemm_pack_amx;
    row->bytes.gemm = qgemm_amx;
    row->bfloats.gemm_packed_size = bgemm_packed_size_amx;
    row->bfloats.gemm_pack = bgemm_pack_amx;
    row->bfloats.gemm = bgemm_amx;
  }
#endif
}

static void
fill (guint flags)
{
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    if (rows[i].cpu_flags & CPU_AVX512)
      extend_avx512 (&rows[i], flags);
    if ((flags & rows[i].cpu_flags) == rows[i].cpu_flags)
      runnable[n++] = &rows[i];
  }
}

static const Kernels *const *
list_runnable (void)
{
  static gsize filled = 0;

  if (g_once_init_enter (&filled)) {
    fill (cpu_flags ());
    g_once_init_leave (&filled, 1);
  }
  return runnable;
}

static gboolean
load (const Kernels *row, GError **error)
{
  return row->load == NULL || row->load (error);
}

const Kernels *const *
kernels_list (void)
{
  static gsize filled = 0;

  if (g_once_init_enter (&filled)) {
    guint n = 0;
    for (const Kernels *const *row = list_runnable (); *row != NULL; row++) {
      if (load (*row, NULL))
        ready[n++] = *row;
    }
    g_once_init_leave (&filled, 1);
  }
  return ready;
}

/* The last row is always there. */
static const Kernels *
find_best (const Kernels *const *list)
{
  while (!load (*list, NULL))
    list++;
  return *list;
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
  const Kernels *const *list = list_runnable ();
  const char *source = "kernels";

  if (name == NULL) {
    name = g_getenv ("FBNET_KERNELS");
    source = "FBNET_KERNELS";
  }
  if (name == NULL || name[0] == '\0')
    return find_best (list);

  for (guint i = 0; list[i] != NULL; i++)
    if (g_str_equal (list[i]->name, name))
      return load (list[i], error) ? list[i] : NULL;

  g_autofree char *names = names_of (list);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "%s: expected one of %s, which this processor and build have, found \"%s\"", source, names,
      name);
  return NULL;
}
