/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Symbols by their formulas, with soft edges.
 */
#include "symbols.h"

#include <math.h>

#include "frames.h"

const char *
symbols_model (void)
{
  const char *path = g_getenv ("FBNET_SYMBOLS");

  g_assert_nonnull (path);
  return path;
}

/* How much of a pixel lies on the inner side of an edge at that distance from its middle. */
static double
covered (double inside)
{
  return CLAMP (inside + 0.5, 0, 1);
}

static double
cover_ring (const Symbol *symbol, double x, double y)
{
  const double r = hypot (x, y);

  return MIN (covered (symbol->size / 2 - r), covered (r - symbol->size / 4));
}

static double
cover_cross (const Symbol *symbol, double x, double y)
{
  const double arm = symbol->size / 2, width = symbol->size / 6;

  return MAX (MIN (covered (arm - fabs (x)), covered (width - fabs (y))),
      MIN (covered (width - fabs (x)), covered (arm - fabs (y))));
}

static void
paint (guint8 *pixel, const Symbol *symbol, double x, double y)
{
  static const guint8
      inks[][3] = { [SYMBOL_RING] = { 26, 26, 26 }, [SYMBOL_CROSS] = { 12, 128, 64 } };
  const double cover =
      symbol->kind == SYMBOL_RING ? cover_ring (symbol, x, y) : cover_cross (symbol, x, y);

  for (guint c = 0; c < 3; c++)
    pixel[c] = (guint8) lrint (pixel[c] + cover * (inks[symbol->kind][c] - pixel[c]));
}

static void
draw (guint8 *rgb, guint width, guint height, const Symbol *symbol)
{
  const double reach = symbol->size / 2 + 1;
  const gint x0 = MAX ((gint) (symbol->x - reach), 0), y0 = MAX ((gint) (symbol->y - reach), 0);
  const gint x1 = MIN ((gint) (symbol->x + reach), (gint) width);
  const gint y1 = MIN ((gint) (symbol->y + reach), (gint) height);

  for (gint y = y0; y < y1; y++)
    for (gint x = x0; x < x1; x++)
      paint (rgb + 3 * ((gsize) y * width + x), symbol, x + 0.5 - symbol->x, y + 0.5 - symbol->y);
}

GstBuffer *
symbols_frame (const GstVideoInfo *info, const Symbol *symbols, guint n)
{
  const guint width = (guint) GST_VIDEO_INFO_WIDTH (info);
  const guint height = (guint) GST_VIDEO_INFO_HEIGHT (info);
  g_autofree guint8 *rgb = g_malloc ((gsize) width * height * 3);

  for (gsize i = 0; i < (gsize) width * height * 3; i++)
    rgb[i] = 250;
  for (guint i = 0; i < n; i++)
    draw (rgb, width, height, &symbols[i]);
  return frames_from_rgb (rgb, info, 0);
}
