/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution of bytes, one output row, over the primitives of a bytes-vec-*.h that was
 * included before.
 *
 * 3×3 and 5×5 kernels work on groups of up to eight neighbouring pixels of one vector of channels.
 * The taps that a lane multiplies at once are one column of as many kernel rows ("vertical"), since
 * such a column serves all the outputs it lies under; what rows are left over lie as neighbouring
 * columns in a lane ("horizontal"). Every tap is found through a table of pointers that the groups of
 * a segment and their channels share: what hangs over an edge points to zero_in.
 */
#include <string.h>

#include "bytes-offset.inc.h"
#include "rows.h"

#define MAX_GROUP   8
#define MAX_SEGMENT (4 * MAX_GROUP)
#define MAX_KERNEL  5
#define MAX_STRIDE  2
#define MAX_COLUMNS ((MAX_SEGMENT - 1) * MAX_STRIDE + MAX_KERNEL + QVEC_TAPS - 1)

/* Channels that one round over the row takes: their sources and weights shall stay in the
 * first-level cache. */
#define CHANNEL_BLOCK 128

/* Vertical strips of a kernel, and whether its last row is a horizontal one. */
#define VERTICALS(kernel)  ((kernel) < QVEC_TAPS ? 1 : (kernel) / QVEC_TAPS)
#define HORIZONTAL(kernel) ((kernel) > VERTICALS (kernel) * QVEC_TAPS)
#define ACROSS(kernel)     (((kernel) + QVEC_TAPS - 1) / QVEC_TAPS) /* its dot products */
#define DOTS(kernel)       (VERTICALS (kernel) * (kernel) + HORIZONTAL (kernel) * ACROSS (kernel))

/* Packed weights of one vector of channels. */
#define VECTOR_WEIGHTS(kernel) (QVEC_SIZE * (OFFSET_SIZE + DOTS (kernel) * QVEC_TAPS))

static gboolean
is_common (guint kernel, gsize channels)
{
  return (kernel == 3 || kernel == 5) && channels >= QVEC_SIZE;
}

/* Vectors that cover the channels; the last may lie over the one before. */
static gsize
vectors_of (gsize channels)
{
  return (channels + QVEC_SIZE - 1) / QVEC_SIZE;
}

gsize
KERNEL (qdepthwise_packed_size) (guint kernel, gsize channels)
{
  if (!is_common (kernel, channels))
    return qdepthwise_packed_size_c (kernel, channels);
  return vectors_of (channels) * VECTOR_WEIGHTS (kernel) * sizeof (QWeight);
}

/* One dot product: taps (r, q), (r + down, q + right), … of a vector of channels; zeros for what
 * the kernel does not have. */
static QWeight *
pack_dot (QWeight *packed, const gint8 *weight, guint kernel, gsize channels, guint r, guint q,
    guint down, guint right)
{
  for (gsize c = 0; c < QVEC_SIZE; c++)
    for (guint t = 0; t < QVEC_TAPS; t++) {
      const guint row = r + t * down, column = q + t * right;
      *packed++ =
          row < kernel && column < kernel ? weight[(row * kernel + column) * channels + c] : 0;
    }
  return packed;
}

static QWeight *
pack_vector (QWeight *packed, const gint8 *weight, guint kernel, gsize channels)
{
  packed = pack_offsets (packed, weight, QVEC_SIZE, QVEC_SIZE, 1, kernel * kernel, channels);
  for (guint s = 0; s < VERTICALS (kernel); s++)
    for (guint q = 0; q < kernel; q++)
      packed = pack_dot (packed, weight, kernel, channels, s * QVEC_TAPS, q, 1, 0);
  if (HORIZONTAL (kernel))
    for (guint q = 0; q < kernel; q += QVEC_TAPS)
      packed = pack_dot (packed, weight, kernel, channels, kernel - 1, q, 0, 1);
  return packed;
}

void
KERNEL (qdepthwise_pack) (void *packed, const gint8 *weight, guint kernel, gsize channels)
{
  QWeight *to = packed;

  if (!is_common (kernel, channels)) {
    qdepthwise_pack_c (packed, weight, kernel, channels);
    return;
  }
  for (gsize v = 0; v < vectors_of (channels); v++)
    to = pack_vector (to, weight + MIN (v * QVEC_SIZE, channels - QVEC_SIZE), kernel, channels);
}

/* A segment of the row, and where each row of the kernel finds each column that the segment walks
 * over, in the first channel of a block. */
typedef struct {
  gsize x; /* first output pixel */
  gsize channel, end;
  const guint8 *tap[MAX_KERNEL][MAX_COLUMNS];
  guint8 zeros[CHANNEL_BLOCK + Q_SLACK]; /* zero_in for any channel of a block */
} Segment;

/* `first`: of the group's pixels in the segment. */
typedef void (*GroupFunc) (const QDepthwiseArgs *d, const Segment *segment, gsize first);

/* Source pixel of column v. */
static inline gsize
source_pixel (const QDepthwiseArgs *d, gsize v)
{
  return d->upsample == 1 ? v : d->upsample == 2 ? v / 2 : v / d->upsample;
}

static void
place_row (const guint8 *tap[MAX_COLUMNS], const guint8 *row, const gsize *offset, guint columns)
{
  for (guint i = 0; i < columns; i++)
    tap[i] = row + offset[i];
}

/* Points to zero_in the columns `first` … `end` of a row. */
static void
place_zeros (const guint8 *tap[MAX_COLUMNS], const guint8 *zeros, guint first, guint end)
{
  for (guint i = first; i < end; i++)
    tap[i] = zeros;
}

/* Weights of zero reach QVEC_TAPS - 1 columns behind the last: they are placed too. */
static void
segment_place (Segment *segment, const QDepthwiseArgs *d, gsize x, guint pixels)
{
  const guint columns = (pixels - 1) * d->stride + d->kernel + QVEC_TAPS - 1;
  const gsize begin = x * d->stride; /* plus pad, so that it is not negative */
  const gsize walked_end = d->in_width * d->upsample + d->pad;
  const guint right = (guint) CLAMP ((gssize) (walked_end - begin), 0, (gssize) columns);
  const guint left = begin < d->pad ? MIN ((guint) (d->pad - begin), right) : 0;
  gsize offset[MAX_COLUMNS];

  segment->x = x;
  for (guint i = left; i < right; i++)
    offset[i] = source_pixel (d, begin + i - d->pad) * d->channels + segment->channel;
  for (guint r = 0; r < d->kernel; r++) {
    const guint8 *row = d->rows[r];
    const guint present = row ? left : right; /* from here to `right` */
    place_zeros (segment->tap[r], segment->zeros, 0, present);
    place_row (segment->tap[r] + present, row, offset + present, right - present);
    place_zeros (segment->tap[r], segment->zeros, right, columns);
  }
}

/* One strip: `across` 0: from row r downwards; 1: along row r. Its `dots` products lie QVEC_TAPS
 * columns apart where it goes across, else one. Everything but the pointers is a constant where it
 * is inlined. */
static inline __attribute__ ((always_inline)) void
strip (QVec sum[MAX_GROUP], const Segment *segment, gsize first, gsize c, const QWeight *weights,
    guint r, const guint kernel, const guint stride, const guint pixels, const guint across)
{
  const guint columns = (pixels - 1) * stride + kernel;
  const guint apart = across ? QVEC_TAPS : 1, dots = across ? ACROSS (kernel) : kernel;
  QTaps weight[MAX_KERNEL];

#pragma GCC unroll 5
  for (guint q = 0; q < dots; q++)
    weight[q] = qvec_load_weights (weights + q * QVEC_SIZE * QVEC_TAPS);
#pragma GCC unroll 19
  for (guint i = 0; i < columns; i++) {
    const guint8 *tap[QVEC_TAPS];
#pragma GCC unroll 4
    for (guint t = 0; t < QVEC_TAPS; t++)
      tap[t] = segment->tap[across ? r : MIN (r + t, kernel - 1)][first + i + (across ? t : 0)] + c;
    const QTaps x = qvec_gather (tap);
#pragma GCC unroll 5
    for (guint q = 0; q < dots; q++)
      if (i >= q * apart && (i - q * apart) % stride == 0 && (i - q * apart) / stride < pixels)
        sum[(i - q * apart) / stride] = qvec_dot (sum[(i - q * apart) / stride], x, weight[q]);
  }
}

/* The segment's pixels `first` … `first` + `pixels`. */
static inline __attribute__ ((always_inline)) void
group_run (const QDepthwiseArgs *d, const Segment *segment, gsize first, const guint kernel,
    const guint stride, const guint pixels)
{
  const gsize dot = QVEC_SIZE * QVEC_TAPS;
  const gsize channel = segment->channel;
  const QWeight *weights =
      (const QWeight *) d->packed + vectors_of (channel) * VECTOR_WEIGHTS (kernel);
  const QLimits limits = qvec_limits (&d->output);

  for (gsize c = channel; c < segment->end; c += QVEC_SIZE) {
    QVec sum[MAX_GROUP];
    const QVec bias = qvec_load_bias (d->output.bias + c, QVEC_SIZE);
    const QVec begin = add_offsets (bias, weights);
#pragma GCC unroll 8
    for (guint x = 0; x < pixels; x++)
      sum[x] = begin;
    weights += QVEC_SIZE * OFFSET_SIZE;

    for (guint s = 0; s < VERTICALS (kernel); s++) {
      strip (sum, segment, first * stride, c - channel, weights, s * QVEC_TAPS, kernel, stride,
          pixels, 0);
      weights += kernel * dot;
    }
    if (HORIZONTAL (kernel)) {
      strip (sum, segment, first * stride, c - channel, weights, kernel - 1, kernel, stride, pixels,
          1);
      weights += ACROSS (kernel) * dot;
    }

    const QFactors factors = qvec_load_factors (&d->output, c, QVEC_SIZE);
    guint8 *out = d->out + (segment->x + first) * d->channels + c;
#pragma GCC unroll 8
    for (guint x = 0; x < pixels; x += QVEC_STORE)
      qvec_store (out + x * d->channels, d->channels, sum + x, MIN (pixels - x, QVEC_STORE),
          factors, limits, QVEC_SIZE);
  }
}

#define DEFINE_GROUP(kernel, stride, pixels)                                                       \
  static void group_##kernel##_##stride##_##pixels (const QDepthwiseArgs *d,                       \
      const Segment *segment, gsize first)                                                         \
  {                                                                                                \
    group_run (d, segment, first, kernel, stride, pixels);                                         \
  }

#define DEFINE_GROUPS(kernel, stride)                                                              \
  DEFINE_GROUP (kernel, stride, 1)                                                                 \
  DEFINE_GROUP (kernel, stride, 2)                                                                 \
  DEFINE_GROUP (kernel, stride, 3)                                                                 \
  DEFINE_GROUP (kernel, stride, 4)                                                                 \
  DEFINE_GROUP (kernel, stride, 5)                                                                 \
  DEFINE_GROUP (kernel, stride, 6)                                                                 \
  DEFINE_GROUP (kernel, stride, 7)                                                                 \
  DEFINE_GROUP (kernel, stride, 8)                                                                 \
  static const GroupFunc groups_##kernel##_##stride[] = { NULL, group_##kernel##_##stride##_1,     \
    group_##kernel##_##stride##_2, group_##kernel##_##stride##_3, group_##kernel##_##stride##_4,   \
    group_##kernel##_##stride##_5, group_##kernel##_##stride##_6, group_##kernel##_##stride##_7,   \
    group_##kernel##_##stride##_8 };

DEFINE_GROUPS (3, 1)
DEFINE_GROUPS (3, 2)
DEFINE_GROUPS (5, 1)
DEFINE_GROUPS (5, 2)

/* By number of pixels. A group of one pixel is the same for every stride. */
static const GroupFunc *
groups_find (const QDepthwiseArgs *d)
{
  if (d->kernel == 3)
    return d->stride == 2 ? groups_3_2 : groups_3_1;
  return d->stride == 2 ? groups_5_2 : groups_5_1;
}

/* In groups of nearly equal size: a small one gathers more columns for each of its pixels. */
static void
run_segment (const QDepthwiseArgs *d, const Segment *segment, guint n_pixels)
{
  const GroupFunc *groups = groups_find (d);
  guint n_left = (n_pixels + MAX_GROUP - 1) / MAX_GROUP;

  for (guint first = 0; first < n_pixels; n_left--) {
    const guint pixels = (n_pixels - first + n_left - 1) / n_left;
    groups[pixels](d, segment, first);
    first += pixels;
  }
}

/* The segment's channels of the row. */
static void
run_block (const QDepthwiseArgs *d, Segment *segment)
{
  const gsize most = d->stride <= MAX_STRIDE ? MAX_SEGMENT : 1;

  for (gsize x = 0; x < d->out_width; x += most) {
    const guint pixels = (guint) MIN (most, d->out_width - x);
    segment_place (segment, d, x, pixels);
    run_segment (d, segment, pixels);
  }
}

void
KERNEL (qdepthwise_row) (const QDepthwiseArgs *d)
{
  const gsize whole = d->channels / QVEC_SIZE * QVEC_SIZE;
  Segment segment;

  if (!is_common (d->kernel, d->channels)) {
    qdepthwise_row_c (d);
    return;
  }
  memset (segment.zeros, d->zero_in, sizeof segment.zeros);
  for (segment.channel = 0; segment.channel < whole; segment.channel = segment.end) {
    segment.end = MIN (segment.channel + CHANNEL_BLOCK, whole);
    run_block (d, &segment);
  }
  /* the last, ragged vector: once more over channels that are done already, to the same bytes */
  if (whole < d->channels) {
    segment.channel = d->channels - QVEC_SIZE;
    segment.end = d->channels;
    run_block (d, &segment);
  }
}
