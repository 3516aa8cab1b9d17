/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Colours of things, as sRGB from 0 to 1.
 */
#ifndef FBNET_SCENES_COLOR_H
#define FBNET_SCENES_COLOR_H

#include "dice.h"
#include "support/hsv.h"

/* `to` in the amount `share`, the rest `from`. */
Color color_mix (Color from, Color to, double share);

/* How well the eye keeps them apart: 0 equal, about 1 black and white. */
double color_distance (Color left, Color right);

/* Ink: any hue, strong. Muted: walls, furniture, clothes. Skin: of any people. */
Color color_ink (Dice *dice);
Color color_muted (Dice *dice);
Color color_skin (Dice *dice);
Color color_paper (Dice *dice);

/* An ink that stands out from `ground`. */
Color color_ink_on (Dice *dice, Color ground);

#endif
