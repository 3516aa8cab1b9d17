/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What all arrangements are made with.
 */
#include "composer.h"

#include <math.h>

#include "things.h"

#define ONE_DEGREE (G_PI / 180)
#define MAX_ROLL   (35 * ONE_DEGREE)
#define MAX_TILT   (45 * ONE_DEGREE)
#define MAX_TRIES  12

Composer
composer_new (Dice *dice, cairo_surface_t *background, Color skin)
{
  const gint width = cairo_image_surface_get_width (background);
  const gint height = cairo_image_surface_get_height (background);

  return (Composer){ .stack = stack_new ((guint) width, (guint) height),
    .dice = dice,
    .background = background,
    .skin = skin,
    .width = width,
    .height = height };
}

/* --- Poses ------------------------------------------------------------------------------------ */

/* Small ones are as likely as large ones on a scale of ratios. */
double
composer_choose_size (Composer *c, double low, double high)
{
  return c->height * exp (dice_between (c->dice, log (low), log (high)));
}

static double
choose_roll (Dice *dice)
{
  if (dice_chance (dice, 0.12))
    return dice_between (dice, -G_PI, G_PI);
  return dice_chance (dice, 0.5) ? dice_around (dice, 0.5 * MAX_ROLL)
                                 : dice_between (dice, -MAX_ROLL, MAX_ROLL);
}

/* A plane with `size` pixels per unit and `reach` units from its middle to its edge. */
Pose
composer_choose_pose (Dice *dice, double x, double y, double size, double reach)
{
  const double roll = choose_roll (dice);
  const double yaw = dice_around (dice, MAX_TILT);
  const double pitch = dice_around (dice, MAX_TILT);
  Pose pose = pose_new (x, y, size, roll, yaw, pitch);

  pose.distance = reach * dice_between (dice, 3, 10);
  if (dice_chance (dice, 0.4))
    pose.bend = dice_around (dice, 0.5) / reach;
  return pose;
}

/* Somewhere, not too near to what is there already. */
Place
composer_choose_place (Composer *c, double radius)
{
  Place place = { .radius = radius };

  for (guint try = 0; try < MAX_TRIES; try++) {
    const double margin = 0.6 * radius;
    place.x = dice_between (c->dice, margin, c->width - margin);
    place.y = dice_between (c->dice, margin, c->height - margin);
    guint i = 0;
    while (i < c->n_taken
        && hypot (place.x - c->taken[i].x, place.y - c->taken[i].y)
            > 0.9 * (radius + c->taken[i].radius))
      i++;
    if (i == c->n_taken)
      break;
  }
  if (c->n_taken < MAX_OBJECTS)
    c->taken[c->n_taken++] = place;
  return place;
}

void
composer_add_paper (Composer *c, const Pose *pose, Extent extent, Color color)
{
  g_autoptr (Outline) flat = outline_rectangle (-extent.width / 2, -extent.height / 2,
      extent.width / 2, extent.height / 2);
  Outline *seen = pose_outline (pose, flat, (Point){ 0, 0 }, 1, 0);
  Paint paint = paint_flat (color);

  paint.far = color_mix (color, (Color){ 0, 0, 0 }, dice_between (c->dice, 0, 0.25));
  paint.angle = dice_between (c->dice, 0, 2 * G_PI);
  if (dice_chance (c->dice, 0.3))
    paint.grain = dice_between (c->dice, 0, 0.15);
  if (dice_chance (c->dice, 0.7))
    things_add_shadow (c->stack, c->dice, seen, pose->size * extent.height);
  stack_add (c->stack, seen, &paint, NO_SYMBOL);
}

/* Light that the paper throws back; it lies over what is printed. */
void
composer_add_shine (Composer *c, const Pose *pose, Extent extent)
{
  const double x = extent.width * dice_between (c->dice, -0.5, 0.5);
  const double y = extent.height * dice_between (c->dice, -0.5, 0.5);
  const double angle = dice_between (c->dice, 0, G_PI);
  Paint paint = paint_flat ((Color){ 1, 1, 1 });

  paint.alpha = dice_between (c->dice, 0.02, 0.08);
  for (guint i = 1; i <= 4; i++) {
    g_autoptr (Outline) flat =
        outline_ellipse (x, y, 0.08 * i * extent.width, 0.05 * i * extent.width, angle);
    stack_add (c->stack, pose_outline (pose, flat, (Point){ 0, 0 }, 1, 0), &paint, NO_SYMBOL);
  }
}

/* A point of the paper's edge as the camera sees it, and one further in or out. */
static Point
edge_point (const Pose *pose, Extent extent, guint side, double along, double out)
{
  const double x = extent.width / 2, y = extent.height / 2;

  switch (side) {
    case 0:
      return pose_project (pose, (Point){ -x - out, along * y });
    case 1:
      return pose_project (pose, (Point){ x + out, along * y });
    default:
      return pose_project (pose, (Point){ along * x, y + out });
  }
}

/* A hand's parts behind the paper, before it is added … */
void
composer_add_palm (Composer *c, const Pose *pose, Extent extent, guint side, double along,
    double radius)
{
  const Point hand = edge_point (pose, extent, side, along, 0);

  things_add_arm (c->stack, c->dice, hand, 2 * radius, c->skin);
  const guint n = dice_pick (c->dice, 4);
  for (guint i = 0; i < n; i++) {
    const double shift = along + (i - 1.0) * 2 * radius / (pose->size * extent.height);
    const Point from = edge_point (pose, extent, side, along, 2 * radius / pose->size);
    const Point tip = edge_point (pose, extent, side, shift, 0.6 * radius / pose->size);
    things_add_finger (c->stack, c->dice, from, tip, radius, c->skin);
  }
}

/* … and the thumb before it, after what is printed. */
void
composer_add_thumb (Composer *c, const Pose *pose, Extent extent, guint side, double along,
    double radius)
{
  const double depth = dice_between (c->dice, 0.02, 0.14) * MIN (extent.width, extent.height);
  const Point from = edge_point (pose, extent, side, along, 2.5 * radius / pose->size);
  const double shift = along + dice_around (c->dice, 0.3);
  const Point tip = edge_point (pose, extent, side, shift, -depth);

  things_add_finger (c->stack, c->dice, from, tip, radius, c->skin);
}
