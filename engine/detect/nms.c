/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Stable selection by score, and non-maximum suppression; see nms.h.
 *
 * Everything is ordered by radix: linear in the number of candidates whatever the scores are, and
 * stable, which the order of equal (quantised) scores asks for.
 */
#include "nms.h"

#include <string.h>

#include "torchsort.h"

#define DIGIT_BITS 8
#define N_DIGITS   4
#define N_BUCKETS  (1 << DIGIT_BITS)

static inline guint
digit_of (guint32 key, guint place)
{
  return key >> (place * DIGIT_BITS) & (N_BUCKETS - 1);
}

/* Ascending keys are descending scores: -0 equals 0, NaN comes last. */
static inline guint32
score_key (float score)
{
  union {
    float value;
    guint32 bits;
  } u = { .value = score + 0.0f }; /* -0 + 0 = +0 */
  const gboolean negative = u.bits >> 31;

  if (score != score)
    return G_MAXUINT32;
  return negative ? u.bits : ~u.bits & 0x7fffffffu;
}

/* Bucket counts to bucket starts. */
static void
counts_to_starts (guint32 count[N_BUCKETS])
{
  guint32 start = 0;

  for (guint b = 0; b < N_BUCKETS; b++) {
    const guint32 next = start + count[b];
    count[b] = start;
    start = next;
  }
}

/* Stable sort of the n indices in `order` by ascending keys[index]; `spare` has room for n. */
static void
sort_by_key (guint32 *order, const guint32 *keys, gsize n, guint32 *spare)
{
  if (n == 0)
    return;
  guint32 count[N_DIGITS][N_BUCKETS] = { { 0 } };
  for (gsize i = 0; i < n; i++)
    for (guint place = 0; place < N_DIGITS; place++)
      count[place][digit_of (keys[order[i]], place)]++;

  guint32 *from = order, *to = spare;
  for (guint place = 0; place < N_DIGITS; place++) {
    if (count[place][digit_of (keys[order[0]], place)] == n)
      continue; /* the same digit everywhere */
    counts_to_starts (count[place]);
    for (gsize i = 0; i < n; i++)
      to[count[place][digit_of (keys[from[i]], place)]++] = from[i];
    guint32 *swap = from;
    from = to;
    to = swap;
  }
  if (from != order)
    memcpy (order, from, n * sizeof *order);
}

/* The k-th smallest key (k from 1), and how many keys equal to it are among the k smallest. */
static guint32
select_key (const guint32 *keys, gsize n, gsize k, gsize *n_equal)
{
  guint32 prefix = 0, mask = 0;

  for (guint place = N_DIGITS; place-- > 0;) {
    guint32 count[N_BUCKETS] = { 0 };
    for (gsize i = 0; i < n; i++)
      if ((keys[i] & mask) == prefix)
        count[digit_of (keys[i], place)]++;
    guint b = 0;
    for (; k > count[b]; b++)
      k -= count[b];
    prefix |= (guint32) b << (place * DIGIT_BITS);
    mask |= (guint32) (N_BUCKETS - 1) << (place * DIGIT_BITS);
  }
  *n_equal = k;
  return prefix;
}

void
top_k (guint32 *order, const float *scores, gsize n, gsize k, void *scratch)
{
  k = MIN (k, n);
  if (k == 0)
    return; /* there need be no scratch */
  guint32 *keys = scratch, *spare = keys + n;
  for (gsize i = 0; i < n; i++)
    keys[i] = score_key (scores[i]);

  gsize n_equal = n;
  const guint32 last = k < n ? select_key (keys, n, k, &n_equal) : G_MAXUINT32;
  gsize n_chosen = 0;
  for (gsize i = 0; n_chosen < k; i++) {
    const gboolean equal = keys[i] == last && n_equal > 0;
    n_equal -= equal;
    if (keys[i] < last || equal)
      order[n_chosen++] = (guint32) i;
  }
  sort_by_key (order, keys, k, spare);
}

void
top_k_torch (guint32 *order, const float *scores, gsize n, gsize k, void *scratch)
{
  guint32 *keys = scratch, *sorted = keys + n;

  for (gsize i = 0; i < n; i++)
    keys[i] = score_key (scores[i]);
  torch_sort (sorted, keys, n);
  memcpy (order, sorted, MIN (k, n) * sizeof *order);
}

/* The kept boxes of all groups, in columns so that the test against them vectorises. A group's boxes
 * stand together from its segment on. */
typedef struct {
  float *x0, *y0, *x1, *y1, *area;
} Columns;

/* Whether `box` overlaps one of the n kept boxes by more than the threshold. In blocks, because most
 * boxes that go are hit by one of the best. Two boxes of no area give 0 / 0, which is not greater
 * than anything (as in torchvision). */
static gboolean
is_suppressed (const Columns *kept, gsize first, gsize n, const Box *box, float threshold)
{
  enum { BLOCK = 32 };
  const float area = box_area (box);
  const float *const kx0 = kept->x0 + first, *const ky0 = kept->y0 + first;
  const float *const kx1 = kept->x1 + first, *const ky1 = kept->y1 + first;
  const float *const karea = kept->area + first;

  for (gsize begin = 0; begin < n; begin += BLOCK) {
    const gsize end = MIN (begin + BLOCK, n);
    guint32 hit = 0;
    for (gsize i = begin; i < end; i++) {
      const float width = MIN (kx1[i], box->x1) - MAX (kx0[i], box->x0);
      const float height = MIN (ky1[i], box->y1) - MAX (ky0[i], box->y0);
      const float both = MAX (width, 0.0f) * MAX (height, 0.0f);
      hit |= both / (karea[i] + area - both) > threshold;
    }
    if (hit)
      return TRUE;
  }
  return FALSE;
}

static void
columns_put (Columns *columns, gsize at, const Box *box)
{
  columns->x0[at] = box->x0;
  columns->y0[at] = box->y0;
  columns->x1[at] = box->x1;
  columns->y1[at] = box->y1;
  columns->area[at] = box_area (box);
}

/* segment[i]: where the columns of box i's group begin. `sorted` and `spare` have room for n. */
static void
place_groups (guint32 *segment, const guint32 *groups, gsize n, guint32 *sorted, guint32 *spare)
{
  for (gsize i = 0; i < n; i++)
    sorted[i] = (guint32) i;
  sort_by_key (sorted, groups, n, spare);
  guint32 begin = 0;
  for (gsize i = 0; i < n; i++) {
    if (groups[sorted[i]] != groups[sorted[begin]])
      begin = (guint32) i;
    segment[sorted[i]] = begin;
  }
}

enum { SCRATCH_COLUMNS = 10 }; /* 4-byte columns that nms() cuts its scratch into */

gsize
nms_scratch_size (gsize capacity)
{
  return capacity * SCRATCH_COLUMNS * sizeof (guint32);
}

gsize
nms (guint32 *keep, gsize limit, const Box *boxes, const float *scores, const guint32 *groups,
    gsize n, float threshold, void *scratch)
{
  if (n == 0)
    return 0;
  guint32 *order = scratch, *spare = order + n, *segment = order + 3 * n;
  guint32 *n_kept = order + 4 * n; /* by segment */
  float *floats = (float *) (order + 5 * n);
  Columns kept = { floats, floats + n, floats + 2 * n, floats + 3 * n, floats + 4 * n };

  memset (segment, 0, n * sizeof *segment);
  memset (n_kept, 0, n * sizeof *n_kept);
  if (groups != NULL)
    place_groups (segment, groups, n, order, spare);
  top_k (order, scores, n, n, spare);

  gsize n_found = 0;
  for (gsize i = 0; i < n && n_found < limit; i++) {
    const guint32 candidate = order[i], first = segment[candidate];
    const Box *box = &boxes[candidate];
    if (is_suppressed (&kept, first, n_kept[first], box, threshold))
      continue;
    columns_put (&kept, first + n_kept[first]++, box);
    keep[n_found++] = candidate;
  }
  return n_found;
}
