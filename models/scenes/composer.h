/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What all arrangements are made with: where things are, how they lie in space, paper and the hands that
 * hold it.
 */
#ifndef FBNET_SCENES_COMPOSER_H
#define FBNET_SCENES_COMPOSER_H

#include "stack.h"

#define MAX_OBJECTS 12

typedef struct {
  double x, y, radius;
} Place;

typedef struct {
  Stack *stack;
  Dice *dice;
  cairo_surface_t *background;
  Color skin;
  double width, height;
  Outline *symbols[N_SYMBOLS]; /* of arrangements that show them */
  Place taken[MAX_OBJECTS];
  guint n_taken;
} Composer;

/* In the plane's units, the middle at (0, 0). */
typedef struct {
  double width, height;
} Extent;

/* For a picture of the background's size, with nothing in it yet. */
Composer composer_new (Dice *dice, cairo_surface_t *background, Color skin);

/* From `low` to `high` times the picture's height: small ones are as likely as large ones on a scale of
 * ratios. */
double composer_choose_size (Composer *composer, double low, double high);

/* Somewhere, not too near to what is there already. */
Place composer_choose_place (Composer *composer, double radius);

/* A plane with `size` pixels per unit and `reach` units from its middle to its edge. */
Pose composer_choose_pose (Dice *dice, double x, double y, double size, double reach);

void composer_add_paper (Composer *composer, const Pose *pose, Extent extent, Color color);

/* Light that the paper throws back; it lies over what is printed. */
void composer_add_shine (Composer *composer, const Pose *pose, Extent extent);

/* A hand's parts behind the paper, before it is added, and the thumb before it, after what is printed. */
void composer_add_palm (Composer *composer, const Pose *pose, Extent extent, guint side,
    double along, double radius);
void composer_add_thumb (Composer *composer, const Pose *pose, Extent extent, guint side,
    double along, double radius);

#endif
