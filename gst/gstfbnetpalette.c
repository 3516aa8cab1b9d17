/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opacity and contrast of colours.
 */
#include "gstfbnetpalette.h"

#include <math.h>

#define BLACK 0xff000000
#define WHITE 0xffffffff

guint32
gst_fbnet_color_fade (guint32 color, double alpha)
{
  return (color & 0xffffff) | (guint32) lrint (gst_fbnet_color_channel (color, 24) * alpha) << 24;
}

/* Of an sRGB level. */
static double
linear (guint level)
{
  const double value = level / 255.0;

  return value <= 0.04045 ? value / 12.92 : pow ((value + 0.055) / 1.055, 2.4);
}

static double
luminance (guint32 color)
{
  return 0.2126 * linear (gst_fbnet_color_channel (color, 16))
      + 0.7152 * linear (gst_fbnet_color_channel (color, 8))
      + 0.0722 * linear (gst_fbnet_color_channel (color, 0));
}

double
gst_fbnet_color_contrast (guint32 a, guint32 b)
{
  const double light = MAX (luminance (a), luminance (b));
  const double dark = MIN (luminance (a), luminance (b));

  return (light + 0.05) / (dark + 0.05);
}

guint32
gst_fbnet_color_ink (guint32 plate)
{
  return gst_fbnet_color_contrast (plate, BLACK) >= gst_fbnet_color_contrast (plate, WHITE) ? BLACK
                                                                                            : WHITE;
}
