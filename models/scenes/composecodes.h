/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Codes before the camera: on labels, packets, pages and screens, among print; and what looks like them and
 * is none.
 */
#ifndef FBNET_SCENES_COMPOSECODES_H
#define FBNET_SCENES_COMPOSECODES_H

#include "scenekind.h"
#include "stack.h"

/* Things for a picture of the background's size; with symbols, too, if `kind` asks for them. */
Stack *compose_codes (Dice *dice, cairo_surface_t *background, Color skin, const SceneKind *kind);

#endif
