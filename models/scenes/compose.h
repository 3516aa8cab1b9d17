/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is held before the camera: sheets and cards with symbols, loose symbols, and what hides them.
 */
#ifndef FBNET_SCENES_COMPOSE_H
#define FBNET_SCENES_COMPOSE_H

#include "stack.h"

/* Things for a picture of the background's size. */
Stack *compose (Dice *dice, cairo_surface_t *background, Color skin);

#endif
