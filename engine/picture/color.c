/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pixel formats to R'G'B'.
 */
#include "color.h"

#include <math.h>
#include <string.h>

/* Rec. ITU-R BT.601, BT.709, BT.2020 (non-constant luminance), SMPTE 240M, FCC 73.682. */
static void
luma_weights (FbnetColorMatrix matrix, double *kr, double *kb)
{
  static const double weights[][2] = {
    [FBNET_MATRIX_BT601] = { 0.299, 0.114 },
    [FBNET_MATRIX_BT709] = { 0.2126, 0.0722 },
    [FBNET_MATRIX_BT2020] = { 0.2627, 0.0593 },
    [FBNET_MATRIX_SMPTE240M] = { 0.212, 0.087 },
    [FBNET_MATRIX_FCC] = { 0.30, 0.11 },
  };

  *kr = weights[matrix][0];
  *kb = weights[matrix][1];
}

static gint16
fixed_point (double value, guint bits)
{
  return (gint16) lround (ldexp (value, (gint) bits));
}

ColorMatrix
color_matrix (FbnetColorMatrix matrix, FbnetColorRange range)
{
  const gboolean limited = range == FBNET_RANGE_LIMITED;
  const double luma = limited ? 255.0 / 219.0 : 1.0;
  const double chroma = limited ? 255.0 / 224.0 : 1.0;
  const double black = limited ? 16.0 : 0.0;
  double kr, kb;

  luma_weights (matrix, &kr, &kb);
  const double kg = 1.0 - kr - kb;
  return (ColorMatrix){
    .y_scale = fixed_point (luma, 14),
    .y_offset = fixed_point (0.5 - black * luma, 6),
    .rv = fixed_point (2.0 * (1.0 - kr) * chroma, 13),
    .gu = fixed_point (2.0 * (1.0 - kb) * kb / kg * chroma, 13),
    .gv = fixed_point (2.0 * (1.0 - kr) * kr / kg * chroma, 13),
    .bu = fixed_point (2.0 * (1.0 - kb) * chroma, 13),
  };
}

static const guint8 *
row_at (const FbnetImage *image, guint plane, gsize y)
{
  return image->planes[plane] + (gssize) y * image->strides[plane];
}

/* Scratch is a few rows; each fits two bytes per pixel, or per chroma sample doubled, and one more
 * sample on both sides. */
#define N_SCRATCH_ROWS 8

static gsize
scratch_stride (gsize width)
{
  return (2 * width + 64) & ~(gsize) 31;
}

gsize
color_scratch_size (gsize width)
{
  return N_SCRATCH_ROWS * scratch_stride (width);
}

static guint8 *
scratch_row (const ColorReader *reader, void *scratch, guint index)
{
  return (guint8 *) scratch + index * scratch_stride (reader->image->width);
}

/* --- R'G'B' ----------------------------------------------------------------------------------- */

static void
read_triples (const ColorReader *reader, guint8 *const rgb[3], gsize y, void *scratch)
{
  const guint8 *order = reader->format->order;

  reader->kernels->split3 ((guint8 *[]){ rgb[order[0]], rgb[order[1]], rgb[order[2]] },
      row_at (reader->image, 0, y), reader->image->width);
}

static void
read_565 (const ColorReader *reader, guint8 *const rgb[3], gsize y, void *scratch)
{
  const guint8 *order = reader->format->order;

  reader->kernels->split565 ((guint8 *[]){ rgb[order[0]], rgb[order[1]], rgb[order[2]] },
      row_at (reader->image, 0, y), reader->image->width);
}

static void
read_quads (const ColorReader *reader, guint8 *const rgb[3], gsize y, void *scratch)
{
  const gsize width = reader->image->width;
  const guint8 *order = reader->format->order;
  guint8 *even = scratch_row (reader, scratch, 0), *odd = scratch_row (reader, scratch, 1);
  guint8 *const out[4] = { rgb[0], rgb[1], rgb[2], scratch_row (reader, scratch, 2) };

  reader->kernels->split2 (even, odd, row_at (reader->image, 0, y), 2 * width);
  reader->kernels->split2 (out[order[0]], out[order[2]], even, width);
  reader->kernels->split2 (out[order[1]], out[order[3]], odd, width);
}

/* --- Y'CbCr ----------------------------------------------------------------------------------- */

/* n samples of a plane's row in 8 bits: as they are, or narrowed into `spare`. */
static const guint8 *
read_samples (const ColorReader *reader, guint plane, gsize y, gsize n, guint8 *spare)
{
  const guint8 *row = row_at (reader->image, plane, y);

  if (reader->format->bits == 8)
    return row;
  reader->kernels->narrow (spare, row, n, reader->format->shift,
      plane == 0 ? reader->luma_scale : reader->chroma_scale);
  return spare;
}

static const guint8 *
read_luma (const ColorReader *reader, gsize y, void *scratch)
{
  return read_samples (reader, 0, y, reader->image->width, scratch_row (reader, scratch, 7));
}

/* Y' alone: Cb and Cr are 0. */
static void
read_gray (const ColorReader *reader, guint8 *const rgb[3], gsize y, void *scratch)
{
  const gsize width = reader->image->width;
  gint16 *none = (gint16 *) scratch_row (reader, scratch, 0);

  memset (none, 0, width * sizeof *none);
  reader->kernels->color_row (rgb, read_luma (reader, y, scratch), none, none, width,
      &reader->matrix);
}

/* The chroma samples of one row of pixels, and of the row that is blended into them. */
typedef struct {
  const guint8 *near[2]; /* Cb, Cr */
  const guint8 *far[2];
} Chroma;

/* Room for n blended samples in scratch row `index`, with one more on either side. */
static gint16 *
blended_row (const ColorReader *reader, void *scratch, guint index)
{
  return (gint16 *) scratch_row (reader, scratch, index) + 1;
}

/* From blended chroma in scratch rows 0 and 1, one sample for each two pixels. */
static void
write_shared (const ColorReader *reader, guint8 *const rgb[3], const guint8 *luma, void *scratch)
{
  const gsize width = reader->image->width, n = (width + 1) / 2;
  gint16 *blended[2];

  for (guint c = 0; c < 2; c++) {
    blended[c] = blended_row (reader, scratch, c);
    blended[c][-1] = blended[c][0];
    blended[c][n] = blended[c][n - 1];
  }
  reader->kernels->color_row_shared (rgb, luma, blended[0], blended[1], width,
      reader->on_even_columns, &reader->matrix);
}

/* Scratch rows 0 to 2 are free. */
static void
write_rgb (const ColorReader *reader, guint8 *const rgb[3], const guint8 *luma,
    const Chroma *chroma, void *scratch)
{
  const gsize width = reader->image->width;
  gint16 *full[2];

  if (reader->format->columns == 2) {
    for (guint c = 0; c < 2; c++)
      reader->kernels->chroma_blend (blended_row (reader, scratch, c), chroma->near[c],
          chroma->far[c], (width + 1) / 2);
    write_shared (reader, rgb, luma, scratch);
    return;
  }
  for (guint c = 0; c < 2; c++) {
    full[c] = (gint16 *) scratch_row (reader, scratch, c);
    reader->kernels->chroma_widen (full[c], chroma->near[c], width);
  }
  reader->kernels->color_row (rgb, luma, full[0], full[1], width, &reader->matrix);
}

/* With chroma at half height, row y lies a quarter of the way from its own chroma row to the next
 * one, up or down, that there is. */
static gsize
far_row (gsize y, gsize height)
{
  const gsize near = y / 2, last = (height - 1) / 2;

  if (y % 2 == 1)
    return MIN (near + 1, last);
  return near > 0 ? near - 1 : 0;
}

static void
read_planar (const ColorReader *reader, guint8 *const rgb[3], gsize y, void *scratch)
{
  const FbnetImage *image = reader->image;
  const PixelFormat *format = reader->format;
  const gsize n = (image->width + format->columns - 1) / format->columns;
  Chroma chroma;

  for (guint c = 0; c < 2; c++) {
    chroma.near[c] =
        read_samples (reader, 1 + c, y / format->rows, n, scratch_row (reader, scratch, 3 + c));
    chroma.far[c] = format->rows == 1 ? chroma.near[c]
                                      : read_samples (reader, 1 + c, far_row (y, image->height), n,
                                          scratch_row (reader, scratch, 5 + c));
  }
  write_rgb (reader, rgb, read_luma (reader, y, scratch), &chroma, scratch);
}

static void
read_semi_planar (const ColorReader *reader, guint8 *const rgb[3], gsize y, void *scratch)
{
  const PixelFormat *format = reader->format;
  const gsize n = (reader->image->width + 1) / 2;
  const guint8 *near =
      read_samples (reader, 1, y / format->rows, 2 * n, scratch_row (reader, scratch, 3));
  const guint8 *far = format->rows == 1
      ? near
      : read_samples (reader, 1, far_row (y, reader->image->height), 2 * n,
          scratch_row (reader, scratch, 4));
  gint16 *const blended[2] = { blended_row (reader, scratch, format->cr),
    blended_row (reader, scratch, 1 - format->cr) };

  reader->kernels->chroma_blend_pairs (blended, near, far, n);
  write_shared (reader, rgb, read_luma (reader, y, scratch), scratch);
}

/* An odd width ends in a whole group of four bytes. */
static void
read_packed (const ColorReader *reader, guint8 *const rgb[3], gsize y, void *scratch)
{
  const gsize n = (reader->image->width + 1) / 2;
  const guint luma = reader->format->luma, cr = reader->format->cr;
  guint8 *split[2] = { scratch_row (reader, scratch, 3), scratch_row (reader, scratch, 4) };
  guint8 *parts[2] = { scratch_row (reader, scratch, 5), scratch_row (reader, scratch, 6) };

  reader->kernels->split2 (split[0], split[1], row_at (reader->image, 0, y), 2 * n);
  reader->kernels->split2 (parts[cr], parts[1 - cr], split[1 - luma], n);
  const Chroma chroma = { { parts[0], parts[1] }, { parts[0], parts[1] } };
  write_rgb (reader, rgb, split[luma], &chroma, scratch);
}

/* --- All formats ------------------------------------------------------------------------------ */

/* To 8 bits: limited ranges grow by powers of two, full ranges reach from 0 to the largest number.
 * Chroma lies around the middle, which is a power of two in both; that its full range is then wider by
 * 3 in 1023 is less than its rounding. */
static gint16
narrow_scale (guint bits, gboolean full)
{
  return (gint16) lround (32768.0 * (full ? 255.0 / ((1 << bits) - 1) : 256.0 / (1 << bits)));
}

void
color_reader_init (ColorReader *reader, const FbnetImage *image, gsize frame_height,
    const PictureKernels *kernels)
{
  reader->image = image;
  reader->format = pixel_format (image->format);
  reader->kernels = kernels;
  reader->matrix = color_matrix (image->matrix, image->range);
  reader->on_even_columns = frame_height > 576;
  if (reader->format->bits > 8) {
    reader->luma_scale = narrow_scale (reader->format->bits, image->range == FBNET_RANGE_FULL);
    reader->chroma_scale = narrow_scale (reader->format->bits, FALSE);
  }
}

typedef void (*ReadFunc) (const ColorReader *reader, guint8 *const rgb[3], gsize y, void *scratch);

void
color_read_row (const ColorReader *reader, guint8 *const rgb[3], gsize y, void *scratch)
{
  static const ReadFunc readers[N_PIXEL_ARRANGEMENTS] = {
    [PIXELS_TRIPLES] = read_triples,
    [PIXELS_QUADS] = read_quads,
    [PIXELS_565] = read_565,
    [PIXELS_GRAY] = read_gray,
    [PIXELS_PLANAR] = read_planar,
    [PIXELS_SEMI_PLANAR] = read_semi_planar,
    [PIXELS_PACKED] = read_packed,
  };

  readers[reader->format->arrangement](reader, rgb, y, scratch);
}
