/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Smooth random fields: random numbers on a coarse grid, eased in between, added up over finer and
 * finer grids.
 */
#ifndef FBNET_SCENES_NOISE_H
#define FBNET_SCENES_NOISE_H

#include "dice.h"

/* width × height numbers from 0 to 1, around 0.5. The coarsest grid has cells of cell_x × cell_y
 * pixels, each next one half of that at half the strength. g_free() it. */
float *noise_new (Dice *dice, guint width, guint height, double cell_x, double cell_y,
    guint octaves);

#endif
