/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of pixel formats.
 */
#include "format.h"

/* 16 bits of grey are read as 15: their products with a weight of 16 bits fit 32. */
static const PixelFormat formats[] = {
  [FBNET_PIXEL_RGB] = { PIXELS_TRIPLES, 3, .order = { 0, 1, 2 } },
  [FBNET_PIXEL_BGR] = { PIXELS_TRIPLES, 3, .order = { 2, 1, 0 } },
  [FBNET_PIXEL_RGBX] = { PIXELS_QUADS, 4, .order = { 0, 1, 2, 3 } },
  [FBNET_PIXEL_BGRX] = { PIXELS_QUADS, 4, .order = { 2, 1, 0, 3 } },
  [FBNET_PIXEL_XRGB] = { PIXELS_QUADS, 4, .order = { 3, 0, 1, 2 } },
  [FBNET_PIXEL_XBGR] = { PIXELS_QUADS, 4, .order = { 3, 2, 1, 0 } },
  [FBNET_PIXEL_GRAY8] = { PIXELS_GRAY, 1, .bits = 8 },
  [FBNET_PIXEL_NV12] = { PIXELS_SEMI_PLANAR, 1, .columns = 2, .rows = 2, .bits = 8 },
  [FBNET_PIXEL_NV21] = { PIXELS_SEMI_PLANAR, 1, .columns = 2, .rows = 2, .cr = 1, .bits = 8 },
  [FBNET_PIXEL_I420] = { PIXELS_PLANAR, 1, .columns = 2, .rows = 2, .bits = 8 },
  [FBNET_PIXEL_YUY2] = { PIXELS_PACKED, 4, .columns = 2, .rows = 1, .bits = 8 },
  [FBNET_PIXEL_UYVY] = { PIXELS_PACKED, 4, .columns = 2, .rows = 1, .luma = 1, .bits = 8 },
  [FBNET_PIXEL_YVYU] = { PIXELS_PACKED, 4, .columns = 2, .rows = 1, .cr = 1, .bits = 8 },
  [FBNET_PIXEL_NV16] = { PIXELS_SEMI_PLANAR, 1, .columns = 2, .rows = 1, .bits = 8 },
  [FBNET_PIXEL_Y42B] = { PIXELS_PLANAR, 1, .columns = 2, .rows = 1, .bits = 8 },
  [FBNET_PIXEL_Y444] = { PIXELS_PLANAR, 1, .columns = 1, .rows = 1, .bits = 8 },
  [FBNET_PIXEL_I420_10LE] = { PIXELS_PLANAR, 2, .columns = 2, .rows = 2, .bits = 10 },
  [FBNET_PIXEL_I422_10LE] = { PIXELS_PLANAR, 2, .columns = 2, .rows = 1, .bits = 10 },
  [FBNET_PIXEL_Y444_10LE] = { PIXELS_PLANAR, 2, .columns = 1, .rows = 1, .bits = 10 },
  [FBNET_PIXEL_P010_10LE] = { PIXELS_SEMI_PLANAR, 2, .columns = 2, .rows = 2, .bits = 10,
      .shift = 6 },
  [FBNET_PIXEL_GRAY16_LE] = { PIXELS_GRAY, 2, .bits = 15, .shift = 1 },
  [FBNET_PIXEL_RGB16] = { PIXELS_565, 2, .order = { 0, 1, 2 } },
  [FBNET_PIXEL_BGR16] = { PIXELS_565, 2, .order = { 2, 1, 0 } },
};

const PixelFormat *
pixel_format (FbnetPixelFormat format)
{
  g_assert ((guint) format < G_N_ELEMENTS (formats));
  return &formats[format];
}

guint
pixel_format_n_planes (const PixelFormat *format)
{
  switch (format->arrangement) {
    case PIXELS_PLANAR:
      return 3;
    case PIXELS_SEMI_PLANAR:
      return 2;
    default:
      return 1;
  }
}

PlaneLayout
pixel_format_plane (const PixelFormat *format, guint plane)
{
  if (plane == 0)
    return (PlaneLayout){ format->bytes, format->arrangement == PIXELS_PACKED ? 2 : 1, 1 };
  return (
      PlaneLayout){ format->arrangement == PIXELS_SEMI_PLANAR ? 2u * format->bytes : format->bytes,
    format->columns, format->rows };
}
