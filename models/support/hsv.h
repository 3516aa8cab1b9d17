/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Colours by hue: sRGB from 0 to 1.
 */
#ifndef FBNET_SUPPORT_HSV_H
#define FBNET_SUPPORT_HSV_H

typedef struct {
  double red, green, blue;
} Color;

/* hue in turns; saturation and value from 0 to 1. */
Color color_from_hsv (double hue, double saturation, double value);

#endif
