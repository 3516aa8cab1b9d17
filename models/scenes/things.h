/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Things that are no symbols: shapes, writing, hands, people.
 */
#ifndef FBNET_SCENES_THINGS_H
#define FBNET_SCENES_THINGS_H

#include "stack.h"

/* A shape of about `size` pixels around (x, y): a polygon, an ellipse, a bar, a line, a cluster. */
void things_add_shape (Stack *stack, Dice *dice, double x, double y, double size);

/* A line of marks like writing on a plane, from `place` on: width and letter height in the plane's
 * units. */
void things_add_writing (Stack *stack, Dice *dice, const Pose *pose, Point place, double width,
    double height, Color ink);

/* A finger as a thick line from `from` to its tip, in pixels. */
void things_add_finger (Stack *stack, Dice *dice, Point from, Point tip, double radius, Color skin);

/* A sleeve and a forearm that end at `hand`, coming from the picture's lower edge. */
void things_add_arm (Stack *stack, Dice *dice, Point hand, double radius, Color skin);

/* Head and shoulders, as in front of a webcam. */
void things_add_person (Stack *stack, Dice *dice, Color skin);

/* The soft shadow that a thing of this outline throws on what is behind it. Does not take it. */
void things_add_shadow (Stack *stack, Dice *dice, const Outline *outline, double size);

#endif
