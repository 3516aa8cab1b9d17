/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of preprocessing: pulling pixels apart, Y'CbCr to R'G'B', and the two passes of the
 * antialiased resize. Whole numbers only: every row gives the bits of the row "c". The rest of the
 * contract is that of kernels.h.
 */
#ifndef FBNET_KERNELS_PICTURE_H
#define FBNET_KERNELS_PICTURE_H

#include <glib.h>

/* Rows that a horizontal pass works on at once whose vectors' lanes are rows. */
#define RESIZE_ROWS 16

/* Outputs that one works on at once whose lanes are outputs, and samples that it reads at once. */
#define RESIZE_GROUP  16
#define RESIZE_WINDOW 64

/* Fractional bits of a weight, as in Pillow's 8-bit resize. */
#define RESIZE_BITS 22

/* The weights of two neighbouring taps, each split as high * 65536 + low, so that products of 8 and
 * 16 bits do. The weights of one output sum to 2^22 but for rounding, hence 0 <= high <= 64. */
typedef struct {
  gint16 low[2];
  gint8 high[4]; /* the two, twice: a pair is two 32-bit words */
} ResizePair;

/* The weights of four neighbouring taps, each as digits[0] * 65536 + digits[1] * 256 + digits[2] of bytes with a
 * sign; a word has a digit of each tap, the first one's lowest. */
typedef struct {
  gint32 digits[3];
} ResizeQuad;

/* An axis by groups of RESIZE_GROUP outputs, for the horizontal pass: an output's taps begin at any sample, and are
 * 4 * n_quads. So that all samples of a group come out of few registers, window w of a group, of RESIZE_WINDOW
 * samples, serves n_served outputs, from output w * n_served of the group on. */
typedef struct {
  gsize n_quads;
  gsize n_held;              /* quads that lie in a window, from any that it begins with */
  guint n_windows, n_served; /* n_windows * n_served >= RESIZE_GROUP */
  const guint32 *windows;    /* [groups][n_windows]: each one's first sample */
  const guint8 *places; /* [groups][RESIZE_GROUP][4]: the first quad's, in the output's window */
  const gint32 *digits; /* [groups][n_quads][3][RESIZE_GROUP], as in a ResizeQuad */
} ResizeGroups;

/* One axis: output i is the weighted sum of in[first[i]], in[first[i] + 1], …, 2 * n_pairs of them.
 * The last one may be in[n_in], with weight 0. */
typedef struct {
  gsize n_in, n_out;
  gsize n_pairs;
  const guint32 *first;    /* [n_out], ascending */
  const ResizePair *pairs; /* [n_out][n_pairs] */

  /* The same sums from in[4 * first_quad[i]] on, of an axis whose first[] are even; all of them within
   * resize_in_stride (n_in), with weight 0 beyond n_in. */
  gsize n_quads;
  const guint32 *first_quad; /* [n_out] */
  const ResizeQuad *quads;   /* [n_out][n_quads] */
  ResizeGroups groups;
} ResizeAxis;

/* Bytes that a row of this many samples takes for horizontal(), as its input and as its output. */
static inline gsize
resize_in_stride (gsize n_in)
{
  return (n_in + 31) & ~(gsize) 31;
}

static inline gsize
resize_out_stride (gsize n_out)
{
  return ((n_out + 15) & ~(gsize) 15) * 3;
}

/* Bytes of a colour's rows for horizontal(): it may read a window from the last sample on. */
static inline gsize
resize_plane_size (gsize n_in, gsize n_rows)
{
  return resize_in_stride (n_in) * n_rows + RESIZE_WINDOW;
}

/* Bytes of scratch for horizontal(). */
static inline gsize
resize_scratch_size (gsize n_in, gsize n_rows)
{
  return resize_in_stride (n_in) * 3 * n_rows;
}

/* The horizontal pass over `horizontal_rows` rows. first[] of the axis must be even.
 * Equivalent loop:
 *   for r < horizontal_rows, x < n_out, c < 3:
 *     s = 2^21
 *     for k < 2 * n_pairs: s += weight (x, k) * in[c][r * in_stride + first[x] + k]
 *     out[r * out_stride + x * 3 + c] = MIN (s >> 22, 255)
 * All bytes of a plane are read, so they must be readable; all out_stride bytes of an output
 * row may be written. */
typedef struct {
  guint8 *out; /* packed, three channels in the order of in[] */
  const guint8 *in[3];
  const ResizeAxis *axis;
  void *scratch; /* 32-byte aligned */
} HorizontalArgs;

/* Y'CbCr to R'G'B' with 6 fractional bits; see color_matrix(). */
typedef struct {
  gint16 y_scale;        /* 14 fractional bits */
  gint16 y_offset;       /* 6, half a unit of the result included */
  gint16 rv, gu, gv, bu; /* 13; gu and gv are subtracted */
} ColorMatrix;

typedef struct {
  /* even[i] = in[2 * i]; odd[i] = in[2 * i + 1] */
  void (*split2) (guint8 *even, guint8 *odd, const guint8 *in, gsize n);

  /* out[c][i] = in[3 * i + c] */
  void (*split3) (guint8 *const out[3], const guint8 *in, gsize n);

  /* Words of 5, 6 and 5 bits, little-endian, from the high ones on; the high bits of a part are repeated
   * below it, so that all of them set is 255. */
  void (*split565) (guint8 *const out[3], const guint8 *in, gsize n);

  /* Samples of more than 8 bits in little-endian words, which need not be aligned:
   *   v = (gint16) ((in[2 * i] | in[2 * i + 1] << 8) >> shift)
   *   out[i] = clip8 ((v * scale + 2^14) >> 15) */
  void (*narrow) (guint8 *out, const guint8 *in, gsize n, guint shift, gint16 scale);

  /* Chroma that every pixel has, around 0, 8 fractional bits: out[i] = 256 * in[i] - 32768 */
  void (*chroma_widen) (gint16 *out, const guint8 *in, gsize n);

  /* Chroma between two rows, around 0, 2 fractional bits: out[i] = 3 * near[i] + far[i] - 512 */
  void (*chroma_blend) (gint16 *out, const guint8 *near, const guint8 *far, gsize n);

  /* The same of rows of pairs: out[c][i] = 3 * near[2 * i + c] + far[2 * i + c] - 512 */
  void (*chroma_blend_pairs) (gint16 *const out[2], const guint8 *near, const guint8 *far, gsize n);

  /* With a * b meaning (a * b + 2^14) >> 15:
   *   luma = (y << 7) * y_scale + y_offset
   *   r = clip8 ((luma + v * rv) >> 6)
   *   g = clip8 ((luma - u * gu - v * gv) >> 6)
   *   b = clip8 ((luma + u * bu) >> 6) */
  void (*color_row) (guint8 *const rgb[3], const guint8 *y, const gint16 *u, const gint16 *v,
      gsize n, const ColorMatrix *matrix);

  /* color_row() where each two columns share chroma, with 2 fractional bits, from -1 to (n + 1) / 2. It lies
   * between the two,
   *   u of pixel 2 * i     = 16 * (u[i - 1] + 3 * u[i])
   *   u of pixel 2 * i + 1 = 16 * (u[i + 1] + 3 * u[i])
   * or, `on_even`, in the first of them:
   *   u of pixel 2 * i     = 64 * u[i]
   *   u of pixel 2 * i + 1 = 32 * (u[i] + u[i + 1]) */
  void (*color_row_shared) (guint8 *const rgb[3], const guint8 *y, const gint16 *u, const gint16 *v,
      gsize n, gboolean on_even, const ColorMatrix *matrix);

  gsize horizontal_rows; /* at most RESIZE_ROWS */
  void (*horizontal) (const HorizontalArgs *args);

  /* The vertical pass for one output row of n bytes.
   * Equivalent loop:
   *   for i < n:
   *     s = 2^21
   *     for k < 2 * n_pairs: s += weight (k) * rows[k][i]
   *     out[i] = MIN (s >> 22, 255) */
  void (*vertical) (guint8 *out, const guint8 *const *rows, const ResizePair *pairs, gsize n_pairs,
      gsize n);
} PictureKernels;

static inline gint32
resize_weight (const ResizePair *pair, guint which)
{
  return pair->high[which] * 65536 + pair->low[which];
}

/* Into quads that have been 0: weight = high * 65536 + middle * 256 + low, each from -128 to 127. */
static inline void
resize_quad_set (ResizeQuad *quads, gsize tap, gint32 weight)
{
  const gint8 low = (gint8) weight;
  const gint8 middle = (gint8) ((weight - low) >> 8);
  const gint8 digits[3] = { (gint8) ((weight - low - middle * 256) >> 16), middle, low };

  for (guint d = 0; d < 3; d++)
    quads[tap / 4].digits[d] |= (gint32) ((guint32) (guint8) digits[d] << (8 * (tap % 4)));
}

#endif
