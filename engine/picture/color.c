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
#define N_SCRATCH_ROWS 7

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

/* Four bytes a pixel; out[i] takes byte i. */
static void
read_quads (const ColorReader *reader, guint8 *const out[4], const guint8 *row, void *scratch)
{
  const gsize width = reader->image->width;
  guint8 *even = scratch_row (reader, scratch, 0), *odd = scratch_row (reader, scratch, 1);

  reader->kernels->split2 (even, odd, row, 2 * width);
  reader->kernels->split2 (out[0], out[2], even, width);
  reader->kernels->split2 (out[1], out[3], odd, width);
}

/* Y' alone: Cb and Cr are 0. */
static void
read_gray (const ColorReader *reader, guint8 *const rgb[3], const guint8 *row, void *scratch)
{
  const gsize width = reader->image->width;
  gint16 *none = (gint16 *) scratch_row (reader, scratch, 0);

  memset (none, 0, width * sizeof *none);
  reader->kernels->color_row (rgb, row, none, none, width, &reader->matrix);
}

/* The chroma samples of one row of pixels, and of the row that is blended into them. */
typedef struct {
  const guint8 *near[2]; /* Cb, Cr */
  const guint8 *far[2];
} Chroma;

static void
read_yuv (const ColorReader *reader, guint8 *const rgb[3], const guint8 *luma, const Chroma *chroma,
    void *scratch)
{
  const gsize width = reader->image->width, n = (width + 1) / 2;
  guint16 *blended = (guint16 *) scratch_row (reader, scratch, 0) + 1;
  gint16 *doubled[2];

  for (guint c = 0; c < 2; c++) {
    doubled[c] = (gint16 *) scratch_row (reader, scratch, 1 + c);
    reader->kernels->chroma_blend (blended, chroma->near[c], chroma->far[c], n);
    blended[-1] = blended[0];
    blended[n] = blended[n - 1];
    reader->kernels->chroma_double (doubled[c], blended, n, reader->even, reader->odd);
  }
  reader->kernels->color_row (rgb, luma, doubled[0], doubled[1], width, &reader->matrix);
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
read_i420 (const ColorReader *reader, guint8 *const rgb[3], gsize y, void *scratch)
{
  const FbnetImage *image = reader->image;
  const gsize near = y / 2, far = far_row (y, image->height);
  const Chroma chroma = {
    { row_at (image, 1, near), row_at (image, 2, near) },
    { row_at (image, 1, far), row_at (image, 2, far) },
  };

  read_yuv (reader, rgb, row_at (image, 0, y), &chroma, scratch);
}

/* `first`: which of Cb, Cr (0, 1) the first byte of a pair is. */
static void
read_nv (const ColorReader *reader, guint8 *const rgb[3], gsize y, guint first, void *scratch)
{
  const FbnetImage *image = reader->image;
  const gsize n = (image->width + 1) / 2;
  guint8 *near[2] = { scratch_row (reader, scratch, 3), scratch_row (reader, scratch, 4) };
  guint8 *far[2] = { scratch_row (reader, scratch, 5), scratch_row (reader, scratch, 6) };

  reader->kernels->split2 (near[first], near[1 - first], row_at (image, 1, y / 2), n);
  reader->kernels->split2 (far[first], far[1 - first],
      row_at (image, 1, far_row (y, image->height)), n);
  const Chroma chroma = { { near[0], near[1] }, { far[0], far[1] } };
  read_yuv (reader, rgb, row_at (image, 0, y), &chroma, scratch);
}

/* Groups of four bytes for two pixels; `luma`: whether luma is the first byte of a pair or the
 * second. An odd width ends in a whole group. */
static void
read_packed_yuv (const ColorReader *reader, guint8 *const rgb[3], const guint8 *row, guint luma,
    void *scratch)
{
  const gsize n = (reader->image->width + 1) / 2;
  guint8 *split[2] = { scratch_row (reader, scratch, 3), scratch_row (reader, scratch, 4) };
  guint8 *cb = scratch_row (reader, scratch, 5), *cr = scratch_row (reader, scratch, 6);

  reader->kernels->split2 (split[0], split[1], row, 2 * n);
  reader->kernels->split2 (cb, cr, split[1 - luma], n);
  const Chroma chroma = { { cb, cr }, { cb, cr } };
  read_yuv (reader, rgb, split[luma], &chroma, scratch);
}

void
color_reader_init (ColorReader *reader, const FbnetImage *image, gsize frame_height,
    const PictureKernels *kernels)
{
  const gboolean on_even_columns = frame_height > 576;

  reader->image = image;
  reader->kernels = kernels;
  reader->matrix = color_matrix (image->matrix, image->range);
  reader->even = on_even_columns ? 0 : 1;
  reader->odd = on_even_columns ? 2 : 1;
}

void
color_read_row (const ColorReader *reader, guint8 *const rgb[3], gsize y, void *scratch)
{
  const FbnetImage *image = reader->image;
  const guint8 *row = row_at (image, 0, y);
  guint8 *spare = scratch_row (reader, scratch, 2);

  switch (image->format) {
    case FBNET_PIXEL_RGB:
      reader->kernels->split3 (rgb, row, image->width);
      break;
    case FBNET_PIXEL_BGR:
      reader->kernels->split3 ((guint8 *[]){ rgb[2], rgb[1], rgb[0] }, row, image->width);
      break;
    case FBNET_PIXEL_RGBX:
      read_quads (reader, (guint8 *[]){ rgb[0], rgb[1], rgb[2], spare }, row, scratch);
      break;
    case FBNET_PIXEL_BGRX:
      read_quads (reader, (guint8 *[]){ rgb[2], rgb[1], rgb[0], spare }, row, scratch);
      break;
    case FBNET_PIXEL_XRGB:
      read_quads (reader, (guint8 *[]){ spare, rgb[0], rgb[1], rgb[2] }, row, scratch);
      break;
    case FBNET_PIXEL_XBGR:
      read_quads (reader, (guint8 *[]){ spare, rgb[2], rgb[1], rgb[0] }, row, scratch);
      break;
    case FBNET_PIXEL_GRAY8:
      read_gray (reader, rgb, row, scratch);
      break;
    case FBNET_PIXEL_NV12:
      read_nv (reader, rgb, y, 0, scratch);
      break;
    case FBNET_PIXEL_NV21:
      read_nv (reader, rgb, y, 1, scratch);
      break;
    case FBNET_PIXEL_I420:
      read_i420 (reader, rgb, y, scratch);
      break;
    case FBNET_PIXEL_YUY2:
      read_packed_yuv (reader, rgb, row, 0, scratch);
      break;
    case FBNET_PIXEL_UYVY:
      read_packed_yuv (reader, rgb, row, 1, scratch);
      break;
  }
}
