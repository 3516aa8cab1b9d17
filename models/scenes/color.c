/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Colours of things.
 */
#include "color.h"

#include <math.h>

/* Nearer colours are hard to tell apart once noise and poor light are added. */
#define MIN_DISTANCE 0.3
#define MAX_TRIES    16

Color
color_mix (Color from, Color to, double share)
{
  return (Color){ from.red + share * (to.red - from.red),
    from.green + share * (to.green - from.green), from.blue + share * (to.blue - from.blue) };
}

/* Brightness counts most: it survives blur and a camera that halves the colour planes. */
double
color_distance (Color left, Color right)
{
  const double red = left.red - right.red;
  const double green = left.green - right.green;
  const double blue = left.blue - right.blue;
  const double luma = 0.299 * red + 0.587 * green + 0.114 * blue;
  const double chroma = (red * red + green * green + blue * blue) / 3 - luma * luma;

  return sqrt (luma * luma + 0.5 * fmax (chroma, 0));
}

Color
color_ink (Dice *dice)
{
  if (dice_chance (dice, 0.2)) {
    const double grey = dice_between (dice, 0.02, 0.2);
    return (Color){ grey, grey, grey };
  }
  const double hue = dice_between (dice, 0, 1);
  const double saturation = dice_between (dice, 0.5, 1);
  return color_from_hsv (hue, saturation, dice_between (dice, 0.35, 1));
}

Color
color_muted (Dice *dice)
{
  /* Wood, walls and cloth are warm more often than not. */
  const double hue =
      dice_chance (dice, 0.6) ? dice_between (dice, 0, 0.16) : dice_between (dice, 0, 1);
  const double strength = dice_between (dice, 0, 0.8);

  return color_from_hsv (hue, strength * strength, dice_between (dice, 0.08, 0.92));
}

Color
color_skin (Dice *dice)
{
  const double hue = dice_between (dice, 0.03, 0.085);
  const double value = dice_between (dice, 0.3, 0.95);

  return color_from_hsv (hue, dice_between (dice, 0.65, 0.75) - 0.4 * value, value);
}

Color
color_paper (Dice *dice)
{
  if (dice_chance (dice, 0.75)) {
    const double white = dice_between (dice, 0.85, 1);
    return (Color){ white, white, white * dice_between (dice, 0.93, 1) };
  }
  const double hue = dice_between (dice, 0, 1);
  const double saturation = dice_between (dice, 0.1, 0.8);
  return color_from_hsv (hue, saturation, dice_between (dice, 0.3, 1));
}

Color
color_ink_on (Dice *dice, Color ground)
{
  for (guint i = 0; i < MAX_TRIES; i++) {
    const Color ink = color_ink (dice);
    if (color_distance (ink, ground) >= MIN_DISTANCE)
      return ink;
  }
  const Color black = { 0.05, 0.05, 0.05 }, white = { 0.95, 0.95, 0.95 };
  return color_distance (black, ground) > color_distance (white, ground) ? black : white;
}
