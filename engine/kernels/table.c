/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernel table, and the choice of a row.
 */
#include "base/cpu.h"
#include "fbnet/fbnet.h"
#include "rows.h"

#define CHANNELS_OF(row)                                                                           \
  .channel_sums = channel_sums_##row, .channel_affine = channel_affine_##row,                      \
  .weighted_sum = weighted_sum_##row, .activate = activate_##row

#define GEMM_OF(row)                                                                               \
  .gemm_packed_size = gemm_packed_size_##row, .gemm_pack = gemm_pack_##row, .gemm = gemm_##row

#define ROW(row) GEMM_OF (row), .depthwise_row = depthwise_row_##row, CHANNELS_OF (row)

static const Kernels row_c = { .name = "c", ROW (c) };

static const Kernels row_openblas = { .name = "openblas",
  .split_shows = TRUE,
  GEMM_OF (openblas),
  .depthwise_row = depthwise_row_c,
  CHANNELS_OF (c) };

#ifdef HAVE_KERNELS_AVX2
static const Kernels row_avx2 = { .name = "avx2", .cpu_flags = CPU_AVX2, ROW (avx2) };
#endif
#ifdef HAVE_KERNELS_AVX512
static const Kernels row_avx512 = { .name = "avx512",
  .cpu_flags = CPU_AVX2 | CPU_AVX512,
  ROW (avx512) };
#endif
#ifdef HAVE_KERNELS_NEON
static const Kernels row_neon = { .name = "neon", .cpu_flags = CPU_NEON, ROW (neon) };
#endif

static const Kernels *const rows[] = {
#ifdef HAVE_KERNELS_AVX512
  &row_avx512,
#endif
#ifdef HAVE_KERNELS_AVX2
  &row_avx2,
#endif
#ifdef HAVE_KERNELS_NEON
  &row_neon,
#endif
  &row_openblas,
  &row_c,
  NULL,
};

const Kernels *const *
kernels_list (void)
{
  return rows;
}

static gboolean
can_run (const Kernels *row)
{
  return (cpu_flags () & row->cpu_flags) == row->cpu_flags;
}

/* "avx2, openblas, c": what an error message may propose. */
static char *
runnable_names (void)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; rows[i]; i++)
    if (can_run (rows[i]))
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", rows[i]->name);
  return g_string_free (names, FALSE);
}

static const Kernels *
first_runnable (void)
{
  guint i = 0;

  while (!can_run (rows[i])) /* the row "c" asks for nothing */
    i++;
  return rows[i];
}

const Kernels *
kernels_find (const char *name, GError **error)
{
  const char *source = "kernel set";

  if (!name) {
    name = g_getenv ("FBNET_KERNELS");
    source = "FBNET_KERNELS: kernel set";
  }
  if (!name || name[0] == '\0')
    return first_runnable ();

  for (guint i = 0; rows[i]; i++)
    if (g_str_equal (rows[i]->name, name) && can_run (rows[i]))
      return rows[i];

  g_autofree char *names = runnable_names ();
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "%s \"%s\" is unknown or needs another processor or build; here: %s", source, name, names);
  return NULL;
}
