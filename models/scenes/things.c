/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Things that are no symbols.
 */
#include "things.h"

#include <math.h>

#define MAX_CORNERS 7

/* Round things are brighter on one side. */
static Paint
shaded (Dice *dice, Color color)
{
  const Color black = { 0, 0, 0 }, white = { 1, 1, 1 };
  Paint paint = paint_flat (color);

  paint.near = color_mix (color, white, dice_between (dice, 0, 0.2));
  paint.far = color_mix (color, black, dice_between (dice, 0, 0.35));
  paint.angle = dice_between (dice, 0, 2 * G_PI);
  return paint;
}

/* --- Shapes ----------------------------------------------------------------------------------- */

/* Corners in order around the middle; convex, or nearly. */
static Outline *
polygon_new (Dice *dice, double x, double y, double size)
{
  Point corners[MAX_CORNERS];
  const guint n = 3 + dice_pick (dice, MAX_CORNERS - 2);
  const double first = dice_between (dice, 0, 2 * G_PI);

  for (guint i = 0; i < n; i++) {
    const double turn = first + 2 * G_PI * (i + dice_around (dice, 0.4)) / n;
    const double radius = size * dice_between (dice, 0.35, 0.55);
    corners[i] = (Point){ x + radius * cos (turn), y + radius * sin (turn) };
  }
  Outline *outline = outline_new ();
  outline_polygon (outline, corners, n);
  return outline;
}

static Outline *
bar_new (Dice *dice, double x, double y, double size)
{
  const double angle =
      dice_chance (dice, 0.5) ? dice_around (dice, 0.1) : dice_between (dice, 0, 7);
  const Pose pose = pose_new (x, y, size, angle, dice_around (dice, 0.6), 0);
  const double height = dice_between (dice, 0.1, 0.9);
  g_autoptr (Outline) flat = outline_rectangle (-0.5, -height / 2, 0.5, height / 2);

  return pose_outline (&pose, flat, (Point){ 0, 0 }, 1, 0);
}

static Outline *
line_new (Dice *dice, double x, double y, double size)
{
  const double angle = dice_between (dice, 0, 2 * G_PI);
  const double along = size * cos (angle), across = size * sin (angle);

  return outline_capsule ((Point){ x - along, y - across }, (Point){ x + along, y + across },
      size * dice_between (dice, 0.02, 0.1));
}

static Outline *
shape_new (Dice *dice, double x, double y, double size)
{
  switch (dice_pick (dice, 4)) {
    case 0:
      return polygon_new (dice, x, y, size);
    case 1: {
      const double narrow = dice_between (dice, 0.4, 1);
      return outline_ellipse (x, y, size / 2, narrow * size / 2, dice_between (dice, 0, G_PI));
    }
    case 2:
      return bar_new (dice, x, y, size);
    default:
      return line_new (dice, x, y, size);
  }
}

void
things_add_shape (Stack *stack, Dice *dice, double x, double y, double size)
{
  const Color color = dice_chance (dice, 0.3) ? color_ink (dice) : color_muted (dice);
  Paint paint = dice_chance (dice, 0.5) ? paint_flat (color) : shaded (dice, color);

  if (dice_chance (dice, 0.3))
    paint.grain = dice_between (dice, 0.1, 0.5);
  if (dice_chance (dice, 0.25)) {
    paint.contour = color_muted (dice);
    paint.contour_width = size * dice_between (dice, 0.02, 0.08);
  }
  stack_add (stack, shape_new (dice, x, y, size), &paint, NO_SYMBOL);
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void
add_stroke (Outline *outline, double x, double y, double width, double height)
{
  const Point corners[] = { { x, y }, { x + width, y }, { x + width, y + height },
    { x, y + height } };

  outline_begin (outline);
  for (guint i = 0; i < G_N_ELEMENTS (corners); i++)
    outline_add (outline, corners[i].x, corners[i].y);
}

/* One to three strokes in a cell, as letters have them. */
static void
add_letter (Outline *outline, Dice *dice, double x, double width, double height)
{
  const double pen = 0.22 * width;
  const guint bits = 1 + dice_pick (dice, 15);

  if (bits & 1)
    add_stroke (outline, x, 0, pen, height);
  if (bits & 2)
    add_stroke (outline, x + width - pen, 0.3 * height, pen, 0.7 * height);
  if (bits & 4)
    add_stroke (outline, x, dice_pick (dice, 3) * 0.42 * height, width, pen);
  if (bits & 8)
    add_stroke (outline, x, height - pen, width, pen);
}

void
things_add_writing (Stack *stack, Dice *dice, const Pose *pose, Point place, double width,
    double height, Color ink)
{
  g_autoptr (Outline) flat = outline_new ();
  const double letter = 0.6 * height;

  for (double x = 0; x + letter <= width; x += 1.35 * letter)
    if (!dice_chance (dice, 0.15))
      add_letter (flat, dice, x, letter, height);
  const Paint paint = paint_flat (ink);
  if (flat->points->len > 0)
    stack_add (stack, pose_outline (pose, flat, place, 1, 0), &paint, NO_SYMBOL);
}

/* --- People ----------------------------------------------------------------------------------- */

void
things_add_finger (Stack *stack, Dice *dice, Point from, Point tip, double radius, Color skin)
{
  const Color black = { 0, 0, 0 }, white = { 1, 1, 1 };
  const Color edge = color_mix (skin, black, dice_between (dice, 0.15, 0.45));
  const double length = hypot (tip.x - from.x, tip.y - from.y);
  const double along = (tip.x - from.x) / length, across = (tip.y - from.y) / length;
  const Paint rim = paint_flat (edge);

  stack_add (stack, outline_capsule (from, tip, radius), &rim, NO_SYMBOL);
  Paint flesh = paint_flat (skin);
  flesh.far = color_mix (skin, white, 0.15);
  flesh.angle = dice_between (dice, 0, 2 * G_PI);
  stack_add (stack, outline_capsule (from, tip, 0.88 * radius), &flesh, NO_SYMBOL);
  if (dice_chance (dice, 0.5))
    return;
  const Paint nail = paint_flat (color_mix (skin, (Color){ 1, 0.85, 0.85 }, 0.5));
  stack_add (stack,
      outline_ellipse (tip.x + 0.2 * radius * along, tip.y + 0.2 * radius * across, 0.6 * radius,
          0.45 * radius, atan2 (across, along)),
      &nail, NO_SYMBOL);
}

void
things_add_arm (Stack *stack, Dice *dice, Point hand, double radius, Color skin)
{
  const double lean = dice_around (dice, 0.6) * stack->height;
  const Point elbow = { hand.x + lean, stack->height + 2 * radius };
  const Paint arm = shaded (dice, skin);

  stack_add (stack, outline_capsule (elbow, hand, radius), &arm, NO_SYMBOL);
  if (dice_chance (dice, 0.4))
    return;
  const double share = dice_between (dice, 0.2, 0.7);
  const Point cuff = { hand.x + share * lean, hand.y + share * (elbow.y - hand.y) };
  const Paint sleeve = shaded (dice, color_muted (dice));
  stack_add (stack, outline_capsule (elbow, cuff, 1.3 * radius), &sleeve, NO_SYMBOL);
}

static void
add_face (Stack *stack, Dice *dice, double x, double y, double size, Color skin)
{
  const Color black = { 0, 0, 0 };
  const Paint dark = paint_flat (color_mix (skin, black, 0.75));
  const Paint lips = paint_flat (color_mix (skin, (Color){ 0.6, 0.2, 0.2 }, 0.5));
  const Paint face = shaded (dice, skin);

  stack_add (stack, outline_ellipse (x, y, 0.37 * size, 0.5 * size, 0), &face, NO_SYMBOL);
  for (gint side = -1; side <= 1; side += 2) {
    const double eye = x + side * 0.16 * size;
    stack_add (stack, outline_ellipse (eye, y - 0.06 * size, 0.05 * size, 0.03 * size, 0), &dark,
        NO_SYMBOL);
    stack_add (stack, outline_ellipse (eye, y - 0.14 * size, 0.08 * size, 0.015 * size, 0), &dark,
        NO_SYMBOL);
  }
  stack_add (stack, outline_ellipse (x, y + 0.27 * size, 0.12 * size, 0.03 * size, 0), &lips,
      NO_SYMBOL);
}

void
things_add_person (Stack *stack, Dice *dice, Color skin)
{
  const double size = stack->height * dice_between (dice, 0.3, 0.6);
  const double x = stack->width * dice_between (dice, 0.25, 0.75);
  const double y = stack->height * dice_between (dice, 0.3, 0.5);
  const Color hair_color = color_from_hsv (0.07, 0.5, dice_between (dice, 0.05, 0.6));
  const Paint hair = shaded (dice, hair_color);
  const Paint cloth =
      shaded (dice, dice_chance (dice, 0.3) ? color_ink (dice) : color_muted (dice));
  const Paint neck = paint_flat (color_mix (skin, (Color){ 0, 0, 0 }, 0.2));
  const double low = y + 1.15 * size;

  stack_add (stack, outline_ellipse (x, y - 0.08 * size, 0.42 * size, 0.52 * size, 0), &hair,
      NO_SYMBOL);
  stack_add (stack, outline_capsule ((Point){ x, y }, (Point){ x, y + 0.7 * size }, 0.2 * size),
      &neck, NO_SYMBOL);
  stack_add (stack,
      outline_capsule ((Point){ x - 0.6 * size, low }, (Point){ x + 0.6 * size, low }, 0.42 * size),
      &cloth, NO_SYMBOL);
  stack_add (stack, outline_rectangle (x - 1.02 * size, low, x + 1.02 * size, 2 * stack->height),
      &cloth, NO_SYMBOL);
  add_face (stack, dice, x, y, size, skin);
}

/* --- Shadows ---------------------------------------------------------------------------------- */

void
things_add_shadow (Stack *stack, Dice *dice, const Outline *outline, double size)
{
  const double reach = size * dice_between (dice, 0.01, 0.06);
  const double turn = dice_between (dice, 0, G_PI);
  const double depth = dice_between (dice, 0.05, 0.14);

  for (guint step = 1; step <= 3; step++) {
    const Pose moved = { .x = step * reach * cos (turn),
      .y = step * reach * sin (turn),
      .size = 1,
      .rotation = { { 1, 0 }, { 0, 1 } },
      .distance = 1 };
    Paint paint = paint_flat ((Color){ 0, 0, 0 });
    paint.alpha = depth;
    stack_add (stack, pose_outline (&moved, outline, (Point){ 0, 0 }, 1, 0), &paint, NO_SYMBOL);
  }
}
