/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution, one output row, over the primitives of a floats-vec-*.h and the numbers of a
 * floats-numbers.h that were included before.
 *
 * The common kernels (3×3 and 5×5, stride 1 and 2, up-sampling 1 and 2) work on groups of up to
 * eight neighbouring pixels of one vector of channels: one row of weights and the group's sums stay
 * in registers, every source pixel is read once per kernel row and added wherever it is under a tap.
 * Taps that hang over an edge are left out by a bit mask that groups within the row do not ask for;
 * every output is bias, then one fused multiply-add per tap, ascending, in all cases.
 */
#define MAX_GROUP  8
#define MAX_KERNEL 5

/* Channels that one round over the row takes: their weights shall stay in the first-level cache. */
#define CHANNEL_BLOCK 128

/* A group of pixels: which of the columns that it walks over exist, and how to step through them. */
typedef struct {
  gsize x;         /* first output pixel */
  guint32 present; /* bit i: column first + i lies in the source */
  gsize offset;    /* of column `first` in a source row, numbers; wraps below zero */
  gsize step_even; /* from column first + i to the next, i even */
  gsize step_odd;  /* i odd */
} Group;

typedef void (*GroupFunc) (const RowArgs *d, const Group *group, gsize channel, gsize end);

static Group
group_place (const RowArgs *d, gsize x, guint pixels)
{
  const gssize first = (gssize) (x * d->stride) - (gssize) d->pad;
  const gssize walked = (gssize) (d->in_width * d->upsample);
  const guint columns = (pixels - 1) * d->stride + d->kernel;
  const gssize source = d->upsample == 1 ? first : (first - (first & 1)) / 2;
  Group group = { .x = x, .offset = (gsize) source * d->channels };

  for (guint i = 0; i < columns; i++)
    if (first + (gssize) i >= 0 && first + (gssize) i < walked)
      group.present |= 1u << i;

  /* doubled columns: only the step from an odd one reaches the next source pixel */
  group.step_even = d->upsample == 1 || (first & 1) ? d->channels : 0;
  group.step_odd = d->upsample == 1 || !(first & 1) ? d->channels : 0;
  return group;
}

/* The one group; `kernel`, `stride`, `pixels`, and `whole`: that all columns are present, are
 * constants where it is inlined. */
static inline __attribute__ ((always_inline)) void
group_run (const RowArgs *d, const Group *group, gsize channel, gsize end, const guint kernel,
    const guint stride, const guint pixels, const gboolean whole)
{
  const Vec least = number_least (d->act);
  const guint columns = (pixels - 1) * stride + kernel;

  for (gsize c = channel; c < end; c += VEC_SIZE) {
    Vec sum[MAX_GROUP];
    const Vec bias = d->bias ? vec_load (d->bias + c) : vec_zero ();
#pragma GCC unroll 8
    for (guint x = 0; x < pixels; x++)
      sum[x] = bias;

    for (guint r = 0; r < kernel; r++) {
      const Number *source = d->rows[r];
      const float *taps = d->weight + r * kernel * d->channels + c;
      gsize offset = group->offset + c;
      Vec weight[MAX_KERNEL];
      if (!source)
        continue;
#pragma GCC unroll 5
      for (guint q = 0; q < kernel; q++)
        weight[q] = vec_load (taps + q * d->channels);
#pragma GCC unroll 19
      for (guint i = 0; i < columns; i++) {
        if (whole || (group->present & (1u << i))) {
          const Vec value = number_load (source + offset);
#pragma GCC unroll 5
          for (guint q = 0; q < kernel; q++)
            if (i >= q && (i - q) % stride == 0 && (i - q) / stride < pixels)
              sum[(i - q) / stride] = vec_fma (value, weight[q], sum[(i - q) / stride]);
        }
        offset += i % 2 == 0 ? group->step_even : group->step_odd;
      }
    }

    Number *out = d->out + group->x * d->channels + c;
#pragma GCC unroll 8
    for (guint x = 0; x < pixels; x++)
      number_store (out + x * d->channels, sum[x], least, d->act);
  }
}

#define DEFINE_GROUP(kernel, stride, pixels)                                                       \
  static void group_##kernel##_##stride##_##pixels (const RowArgs *d, const Group *group,          \
      gsize channel, gsize end)                                                                    \
  {                                                                                                \
    if (group->present == (1u << ((pixels - 1) * stride + kernel)) - 1)                            \
      group_run (d, group, channel, end, kernel, stride, pixels, TRUE);                            \
    else                                                                                           \
      group_run (d, group, channel, end, kernel, stride, pixels, FALSE);                           \
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

/* By number of pixels; NULL: not one of the common kernels. */
static const GroupFunc *
groups_find (const RowArgs *d)
{
  if (d->upsample > 2 || d->channels < VEC_SIZE)
    return NULL;
  if (d->kernel == 3)
    return d->stride == 1 ? groups_3_1 : d->stride == 2 ? groups_3_2 : NULL;
  if (d->kernel == 5)
    return d->stride == 1 ? groups_5_1 : d->stride == 2 ? groups_5_2 : NULL;
  return NULL;
}

/* Channels `channel` … `end` of the row, in groups of nearly equal size: a group of one or two
 * pixels would wait for its own sums. */
static void
run_block (const RowArgs *d, const GroupFunc *groups, gsize channel, gsize end)
{
  gsize n_left = (d->out_width + MAX_GROUP - 1) / MAX_GROUP;

  for (gsize x = 0; x < d->out_width; n_left--) {
    const guint pixels = (guint) ((d->out_width - x + n_left - 1) / n_left);
    const Group group = group_place (d, x, pixels);
    groups[pixels](d, &group, channel, end);
    x += pixels;
  }
}

static void
run_groups (const RowArgs *d, const GroupFunc *groups)
{
  const gsize whole = d->channels / VEC_SIZE * VEC_SIZE;

  for (gsize c = 0; c < whole; c += CHANNEL_BLOCK)
    run_block (d, groups, c, MIN (c + CHANNEL_BLOCK, whole));
  /* the last, ragged vector: once more over channels that are done already, to the same bits */
  if (whole < d->channels)
    run_block (d, groups, d->channels - VEC_SIZE, d->channels);
}

/* Where tap `q` of pixel x falls in a source row; FALSE: over an edge. */
static inline gboolean
tap_place (const RowArgs *d, gsize x, guint q, gsize *offset)
{
  const gsize v = x * d->stride + q; /* plus pad, so that it is not negative */
  if (v < d->pad || v - d->pad >= d->in_width * d->upsample)
    return FALSE;
  const gsize column = v - d->pad;
  *offset =
      (d->upsample == 1 ? column : column / d->upsample) * d->channels; /* divisions are slow */
  return TRUE;
}

/* Any kernel, stride, up-sampling: up to four vectors of one pixel's channels, the last of them
 * 1 … VEC_SIZE channels long; `vectors` is a constant where it is inlined. */
static inline __attribute__ ((always_inline)) void
pixel_run (const RowArgs *d, gsize x, gsize channel, gsize tail, const guint vectors)
{
  const Vec least = number_least (d->act);
  const gsize last = (vectors - 1) * VEC_SIZE;
  Vec sum[4];

#pragma GCC unroll 4
  for (guint i = 0; i < vectors; i++)
    sum[i] = d->bias
        ? vec_load_tail (d->bias + channel + i * VEC_SIZE, i + 1 < vectors ? VEC_SIZE : tail)
        : vec_zero ();

  for (guint r = 0; r < d->kernel; r++) {
    if (!d->rows[r])
      continue;
    for (guint q = 0; q < d->kernel; q++) {
      gsize offset;
      if (!tap_place (d, x, q, &offset))
        continue;
      const Number *source = d->rows[r] + offset + channel;
      const float *weight = d->weight + (r * d->kernel + q) * d->channels + channel;
#pragma GCC unroll 4
      for (guint i = 0; i + 1 < vectors; i++)
        sum[i] =
            vec_fma (number_load (source + i * VEC_SIZE), vec_load (weight + i * VEC_SIZE), sum[i]);
      sum[vectors - 1] = vec_fma (number_load_tail (source + last, tail),
          vec_load_tail (weight + last, tail), sum[vectors - 1]);
    }
  }

  Number *out = d->out + x * d->channels + channel;
#pragma GCC unroll 4
  for (guint i = 0; i + 1 < vectors; i++)
    number_store (out + i * VEC_SIZE, sum[i], least, d->act);
  number_store_tail (out + last, sum[vectors - 1], tail, least, d->act);
}

static void
run_any (const RowArgs *d)
{
  for (gsize x = 0; x < d->out_width; x++) {
    gsize c = 0;
    for (; c + 4 * VEC_SIZE <= d->channels; c += 4 * VEC_SIZE)
      pixel_run (d, x, c, VEC_SIZE, 4);
    for (; c < d->channels; c += VEC_SIZE)
      pixel_run (d, x, c, MIN (VEC_SIZE, d->channels - c), 1);
  }
}

void
KERNEL (depthwise_row) (const RowArgs *d)
{
  const GroupFunc *groups = groups_find (d);

  if (groups)
    run_groups (d, groups);
  else
    run_any (d);
  row_finish (d);
}
