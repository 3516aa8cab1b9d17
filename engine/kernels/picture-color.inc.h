/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Colour with chroma that pixels share, over vectors of words of 16 bits. Whoever includes this has Words, N_WORDS of
 * them; WORDS (op), the intrinsic; load(), store(), mask_bits(), pack_in_turn(); and COLOR_FUNC (name).
 */

/* 3 * near + far - 512 */
static inline Words
blend (Words thrice_near, Words far)
{
  return WORDS (add_epi16) (thrice_near, WORDS (sub_epi16) (far, WORDS (set1_epi16) (512)));
}

void
COLOR_FUNC (
    chroma_blend_pairs) (gint16 *const out[2], const guint8 *near, const guint8 *far, gsize n)
{
  const Words thrice_first = WORDS (set1_epi16) (0x0003);
  const Words thrice_second = WORDS (set1_epi16) (0x0300);
  gint16 *const first = out[0], *const second = out[1];
  gsize i = 0;

  for (; i + N_WORDS <= n; i += N_WORDS) {
    const Words a = load (near + 2 * i), b = load (far + 2 * i);
    store (first + i, blend (WORDS (maddubs_epi16) (a, thrice_first), mask_bits (b, 0xff)));
    store (second + i, blend (WORDS (maddubs_epi16) (a, thrice_second), WORDS (srli_epi16) (b, 8)));
  }
  chroma_blend_pairs_c ((gint16 *[]){ first + i, second + i }, near + 2 * i, far + 2 * i, n - i);
}

typedef struct {
  Words y_scale, y_offset, rv, gu, gv, bu;
} MatrixVectors;

static inline MatrixVectors
matrix_vectors (const ColorMatrix *matrix)
{
  return (MatrixVectors){
    .y_scale = WORDS (set1_epi16) (matrix->y_scale),
    .y_offset = WORDS (set1_epi16) (matrix->y_offset),
    .rv = WORDS (set1_epi16) (matrix->rv),
    .gu = WORDS (set1_epi16) (matrix->gu),
    .gv = WORDS (set1_epi16) (matrix->gv),
    .bu = WORDS (set1_epi16) (matrix->bu),
  };
}

/* N_WORDS pixels, of y << 7, not yet cut to 0 … 255. Saturated sums lie far beyond. */
static inline void
color_words (Words rgb[3], Words y, Words cb, Words cr, const MatrixVectors *m)
{
  const Words luma = WORDS (add_epi16) (WORDS (mulhrs_epi16) (y, m->y_scale), m->y_offset);
  const Words r = WORDS (adds_epi16) (luma, WORDS (mulhrs_epi16) (cr, m->rv));
  const Words g = WORDS (subs_epi16) (WORDS (subs_epi16) (luma, WORDS (mulhrs_epi16) (cb, m->gu)),
      WORDS (mulhrs_epi16) (cr, m->gv));
  const Words b = WORDS (adds_epi16) (luma, WORDS (mulhrs_epi16) (cb, m->bu));

  rgb[0] = WORDS (srai_epi16) (r, 6);
  rgb[1] = WORDS (srai_epi16) (g, 6);
  rgb[2] = WORDS (srai_epi16) (b, 6);
}

/* The chroma of N_WORDS even pixels and of the odd ones behind them. */
static inline void
double_words (Words doubled[2], const gint16 *in, gboolean on_even)
{
  const Words own = load (in), right = load (in + 1);

  if (on_even) {
    doubled[0] = WORDS (slli_epi16) (own, 6);
    doubled[1] = WORDS (slli_epi16) (WORDS (add_epi16) (own, right), 5);
    return;
  }
  const Words thrice = WORDS (add_epi16) (WORDS (add_epi16) (own, own), own);
  doubled[0] = WORDS (slli_epi16) (WORDS (add_epi16) (thrice, load (in - 1)), 4);
  doubled[1] = WORDS (slli_epi16) (WORDS (add_epi16) (thrice, right), 4);
}

/* Even pixels and odd ones apart, so that neither luma nor chroma has to be widened. Returns how many it has
 * done. */
static inline gsize
color_pairs_at (guint8 *const rgb[3], const guint8 *y, const gint16 *u, const gint16 *v, gsize n,
    gboolean on_even, const ColorMatrix *matrix)
{
  const MatrixVectors m = matrix_vectors (matrix);
  guint8 *const r = rgb[0], *const g = rgb[1], *const b = rgb[2];
  gsize i = 0;

  for (; i + 2 * N_WORDS <= n; i += 2 * N_WORDS) {
    const Words luma = load (y + i);
    Words cb[2], cr[2], even[3], odd[3];
    double_words (cb, u + i / 2, on_even);
    double_words (cr, v + i / 2, on_even);
    color_words (even, mask_bits (WORDS (slli_epi16) (luma, 7), 0xff << 7), cb[0], cr[0], &m);
    color_words (odd, mask_bits (WORDS (srli_epi16) (luma, 1), 0xff << 7), cb[1], cr[1], &m);
    store (r + i, pack_in_turn (even[0], odd[0]));
    store (g + i, pack_in_turn (even[1], odd[1]));
    store (b + i, pack_in_turn (even[2], odd[2]));
  }
  return i;
}

/* The place is known when it is compiled, not asked for with every vector. */
static gsize
color_pairs (guint8 *const rgb[3], const guint8 *y, const gint16 *u, const gint16 *v, gsize n,
    gboolean on_even, const ColorMatrix *matrix)
{
  return on_even ? color_pairs_at (rgb, y, u, v, n, TRUE, matrix)
                 : color_pairs_at (rgb, y, u, v, n, FALSE, matrix);
}
