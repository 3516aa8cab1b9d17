/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Hue, saturation and value to red, green and blue.
 */
#include "hsv.h"

#include <math.h>

Color
color_from_hsv (double hue, double saturation, double value)
{
  const double sector = 6 * (hue - floor (hue));
  const double low = value * (1 - saturation);
  const double rise = low + (value - low) * (1 - fabs (fmod (sector, 2) - 1));

  switch ((int) sector) {
    case 0:
      return (Color){ value, rise, low };
    case 1:
      return (Color){ rise, value, low };
    case 2:
      return (Color){ low, value, rise };
    case 3:
      return (Color){ low, rise, value };
    case 4:
      return (Color){ rise, low, value };
    default:
      return (Color){ value, low, rise };
  }
}
