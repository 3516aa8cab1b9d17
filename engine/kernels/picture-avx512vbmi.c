/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The horizontal pass for AVX-512 with VNNI and VBMI: a permutation of bytes brings four taps of sixteen outputs
 * side by side, straight from the row.
 */
#include "rows.h"

#include <immintrin.h>

#include "picture-digits.h"

/* Sums of more weights may round to 256. */
#define MOST_TAPS 16384

static inline __m512i
load (const void *p)
{
  return _mm512_loadu_si512 (p);
}

/* A quad of each output. Mostly the windows' number is known when it is compiled, and they stay in registers. */
static inline __attribute__ ((always_inline)) __m512i
gather (const guint8 *in, const guint32 *windows, __m512i places, guint n_windows, guint n_served)
{
  __m512i quads = _mm512_permutexvar_epi8 (places, load (in + windows[0]));

  for (guint w = 1; w < n_windows; w++) {
    const __mmask64 later = ~(__mmask64) 0 << (4 * n_served * w);
    quads = _mm512_mask_permutexvar_epi8 (quads, later, places, load (in + windows[w]));
  }
  return quads;
}

/* digits: of the 16 outputs. */
static inline void
add_quads (Sums *sums, __m512i quads, const gint32 *digits)
{
  const __m512i weights[3] = { load (digits), load (digits + RESIZE_GROUP),
    load (digits + 2 * RESIZE_GROUP) };

  sums_add (sums, quads, weights);
}

/* a's bits where the mask has them, otherwise b's */
static inline __m512i
select_bits (gint32 mask, __m512i a, __m512i b)
{
  return _mm512_ternarylogic_epi32 (_mm512_set1_epi32 (mask), a, b, 0xca);
}

/* The upper bits of the sums, three bytes a pixel; compact[] says which. */
static inline void
write_pixels (guint8 *out, __m512i first, __m512i second, __m512i third, __m512i compact)
{
  const __m512i upper = select_bits (0xff00, _mm512_srli_epi32 (second, RESIZE_BITS - 8),
      _mm512_srli_epi32 (first, RESIZE_BITS));
  const __m512i pixels = select_bits (0xff0000, _mm512_srli_epi32 (third, RESIZE_BITS - 16), upper);

  _mm512_mask_storeu_epi8 (out, ((__mmask64) 1 << 3 * RESIZE_GROUP) - 1,
      _mm512_permutexvar_epi8 (compact, pixels));
}

static inline __m512i
compact_places (void)
{
  guint8 places[64] = { 0 };

  for (guint i = 0; i < 3 * RESIZE_GROUP; i++)
    places[i] = (guint8) (i / 3 * 4 + i % 3);
  return load (places);
}

/* All groups. */
static inline __attribute__ ((always_inline)) void
write_groups (const HorizontalArgs *args, guint n_windows, guint n_served)
{
  const ResizeGroups *groups = &args->axis->groups;
  const gsize n = (args->axis->n_out + RESIZE_GROUP - 1) / RESIZE_GROUP;
  const __m512i compact = compact_places ();
  const gint32 *digits = groups->digits;

  for (gsize g = 0; g < n; g++) {
    const guint32 *windows = groups->windows + g * n_windows;
    Sums first = sums_start (), second = first, third = first;

    for (gsize begin = 0; begin < groups->n_quads; begin += groups->n_held) {
      const gsize end = MIN (begin + groups->n_held, groups->n_quads);
      const guint8 *const in[3] = { args->in[0] + 4 * begin, args->in[1] + 4 * begin,
        args->in[2] + 4 * begin };
      __m512i places = load (groups->places + g * RESIZE_WINDOW);

      for (gsize q = begin; q < end; q++, digits += 3 * RESIZE_GROUP) {
        add_quads (&first, gather (in[0], windows, places, n_windows, n_served), digits);
        add_quads (&second, gather (in[1], windows, places, n_windows, n_served), digits);
        add_quads (&third, gather (in[2], windows, places, n_windows, n_served), digits);
        places = _mm512_add_epi8 (places, _mm512_set1_epi8 (4));
      }
    }
    write_pixels (args->out + g * 3 * RESIZE_GROUP, sums_join (&first), sums_join (&second),
        sums_join (&third), compact);
  }
}

void
horizontal_avx512vbmi (const HorizontalArgs *args)
{
  const ResizeGroups *groups = &args->axis->groups;

  if (2 * args->axis->n_pairs > MOST_TAPS)
    horizontal_c (args);
  else if (groups->n_windows == 1)
    write_groups (args, 1, 16);
  else if (groups->n_windows == 2)
    write_groups (args, 2, 8);
  else if (groups->n_windows == 3)
    write_groups (args, 3, 6);
  else if (groups->n_windows == 4)
    write_groups (args, 4, 4);
  else
    write_groups (args, groups->n_windows, groups->n_served);
}
