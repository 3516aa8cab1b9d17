/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two tensors of bytes added, over the primitives of a bytes-vec-*.h that was included before.
 *
 * A lane of 32 bits holds a pair of words, a byte of each tensor, and one instruction multiplies both and adds.
 * A factor, up to 2^22, does not fit a word, so it is taken in two parts. Bytes are spread to lanes and
 * gathered again within quarters of 128 bits, which undo each other.
 */
#include <string.h>

#include "rows.h"

#define LOW_BITS 11 /* of a factor; the high part is at most 2^11 */

typedef struct {
  QVec low, high; /* parts of the factors: pairs of words */
  QVec constant, one, zero;
  __m128i shift; /* less one */
} AddNumbers;

static inline QVec
pairs (gint32 a, gint32 b)
{
  return QVEC_OP (set1_epi32) ((gint32) ((guint32) b << 16 | (guint32) a));
}

static inline AddNumbers
add_numbers (const QAdd *add)
{
  const gint32 mask = (1 << LOW_BITS) - 1;

  return (AddNumbers){ .low = pairs (add->factor_a & mask, add->factor_b & mask),
    .high = pairs (add->factor_a >> LOW_BITS, add->factor_b >> LOW_BITS),
    .constant = QVEC_OP (set1_epi32) (add->constant),
    .one = QVEC_OP (set1_epi32) (1),
    .zero = QVEC_OP (set1_epi16) ((gint16) add->zero),
    .shift = _mm_cvtsi32_si128 ((gint32) add->shift - 1) };
}

/* Half away from zero, without a carry out of the lane: below zero one less, to half a step, and from there
 * half up. */
static inline QVec
add_lanes (QVec words, const AddNumbers *n)
{
  const QVec low = QVEC_OP (add_epi32) (QVEC_OP (madd_epi16) (words, n->low), n->constant);
  const QVec high = QVEC_OP (slli_epi32) (QVEC_OP (madd_epi16) (words, n->high), LOW_BITS);
  const QVec sum = QVEC_OP (add_epi32) (low, high);
  const QVec away = QVEC_OP (add_epi32) (sum, QVEC_OP (srai_epi32) (sum, 31));
  const QVec halves = QVEC_OP (add_epi32) (QVEC_OP (sra_epi32) (away, n->shift), n->one);

  return QVEC_OP (srai_epi32) (halves, 1);
}

/* `bytes`: of both tensors in turn; eight of the result in a quarter. */
static inline QVec
add_words (QVec bytes, const AddNumbers *n)
{
  const QVec nothing = QVEC_OP (set1_epi32) (0);
  const QVec left = add_lanes (QVEC_OP (unpacklo_epi8) (bytes, nothing), n);
  const QVec right = add_lanes (QVEC_OP (unpackhi_epi8) (bytes, nothing), n);

  return QVEC_OP (adds_epi16) (QVEC_OP (packs_epi32) (left, right), n->zero);
}

static inline void
add_vector (guint8 *out, const guint8 *a, const guint8 *b, const AddNumbers *n)
{
  QVec left, right;

  memcpy (&left, a, sizeof left);
  memcpy (&right, b, sizeof right);
  const QVec low = add_words (QVEC_OP (unpacklo_epi8) (left, right), n);
  const QVec high = add_words (QVEC_OP (unpackhi_epi8) (left, right), n);
  const QVec bytes = QVEC_OP (packus_epi16) (low, high);
  memcpy (out, &bytes, sizeof bytes);
}

void
KERNEL (qadd) (guint8 *out, const guint8 *a, const guint8 *b, gsize n, const QAdd *add)
{
  const AddNumbers numbers = add_numbers (add);
  guint8 last[3][sizeof (QVec)] = { { 0 } };
  gsize i = 0;

  for (; i + sizeof (QVec) <= n; i += sizeof (QVec))
    add_vector (out + i, a + i, b + i, &numbers);
  if (i == n)
    return;
  memcpy (last[0], a + i, n - i);
  memcpy (last[1], b + i, n - i);
  add_vector (last[2], last[0], last[1], &numbers);
  memcpy (out + i, last[2], n - i);
}
