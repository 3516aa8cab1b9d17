/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Introspective sort (Musser 1997) with the choices that libstdc++ makes: the median of three moved to
 * the front as pivot, ranges of at most 16 elements left to one insertion sort at the end, a heap sort
 * where partitions go too deep. Only where these choices are the same is the order of equal elements.
 */
#include "torchsort.h"

#define SMALL_RANGE 16

typedef struct {
  guint32 *a; /* indices */
  const guint32 *keys;
} Sort;

static gboolean
before (const Sort *s, gsize i, gsize j)
{
  return s->keys[s->a[i]] < s->keys[s->a[j]];
}

static void
swap (const Sort *s, gsize i, gsize j)
{
  const guint32 index = s->a[i];

  s->a[i] = s->a[j];
  s->a[j] = index;
}

/* --- Partition -------------------------------------------------------------------------------- */

static void
move_median_to (const Sort *s, gsize target, gsize x, gsize y, gsize z)
{
  if (before (s, x, y))
    swap (s, target, before (s, y, z) ? y : before (s, x, z) ? z : x);
  else
    swap (s, target, before (s, x, z) ? x : before (s, y, z) ? z : y);
}

/* Around the element at `first`; elements equal to it stop both ends. */
static gsize
partition (const Sort *s, gsize first, gsize last)
{
  const gsize pivot = first++;

  for (;;) {
    while (before (s, first, pivot))
      first++;
    last--;
    while (before (s, pivot, last))
      last--;
    if (first >= last)
      return first;
    swap (s, first++, last);
  }
}

/* --- Heap sort -------------------------------------------------------------------------------- */

/* Fills the hole by moving the larger child up all the way down, then `value` up to its place. */
static void
fill_hole (const Sort *s, guint32 *heap, gsize hole, gsize n, guint32 value)
{
  const gsize top = hole;
  gsize child = hole;

  while (child < (n - 1) / 2) {
    child = 2 * (child + 1);
    if (s->keys[heap[child]] < s->keys[heap[child - 1]])
      child--;
    heap[hole] = heap[child];
    hole = child;
  }
  if (n % 2 == 0 && child == (n - 2) / 2) {
    child = 2 * child + 1;
    heap[hole] = heap[child];
    hole = child;
  }
  while (hole > top && s->keys[heap[(hole - 1) / 2]] < s->keys[value]) {
    heap[hole] = heap[(hole - 1) / 2];
    hole = (hole - 1) / 2;
  }
  heap[hole] = value;
}

static void
heap_sort (const Sort *s, gsize first, gsize last)
{
  guint32 *heap = s->a + first;
  gsize n = last - first;

  for (gsize parent = (n - 2) / 2 + 1; parent-- > 0;)
    fill_hole (s, heap, parent, n, heap[parent]);
  while (n > 1) {
    const guint32 value = heap[--n];
    heap[n] = heap[0];
    fill_hole (s, heap, 0, n, value);
  }
}

/* --- The sort --------------------------------------------------------------------------------- */

static void
sort_range (const Sort *s, gsize first, gsize last, guint depth)
{
  while (last - first > SMALL_RANGE) {
    if (depth-- == 0) {
      heap_sort (s, first, last);
      return;
    }
    move_median_to (s, first, first + 1, first + (last - first) / 2, last - 1);
    const gsize cut = partition (s, first, last);
    sort_range (s, cut, last, depth);
    last = cut;
  }
}

static void
insertion_sort (const Sort *s, gsize n)
{
  for (gsize i = 1; i < n; i++) {
    const guint32 value = s->a[i];
    gsize at = i;
    for (; at > 0 && s->keys[value] < s->keys[s->a[at - 1]]; at--)
      s->a[at] = s->a[at - 1];
    s->a[at] = value;
  }
}

void
torch_sort (guint32 *order, const guint32 *keys, gsize n)
{
  const Sort sort = { order, keys };

  for (gsize i = 0; i < n; i++)
    order[i] = (guint32) i;
  sort_range (&sort, 0, n, 2 * (g_bit_storage (n) - 1));
  insertion_sort (&sort, n);
}
