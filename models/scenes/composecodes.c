/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Codes before the camera.
 */
#include "composecodes.h"

#include <math.h>

#include "background.h"
#include "compose.h"
#include "composer.h"
#include "things.h"
#include "writing.h"

/* Of the picture's height: the longer side of a code. */
#define MIN_SIZE 0.14
#define MAX_SIZE 1.4
/* Share of the codes whose ink is not much darker than what it is on. */
#define FADED 0.12

/* --- Codes ------------------------------------------------------------------------------------ */

static CodeKind
choose_kind (Dice *dice)
{
  const double throw = dice_between (dice, 0, 1);

  return throw < 0.20 ? CODE_QR
      : throw < 0.48  ? CODE_BAR
      : throw < 0.65  ? CODE_DATA_MATRIX
      : throw < 0.80  ? CODE_AZTEC
                      : CODE_PDF417;
}

/* A code as large as that is told from the others: its modules are seen, or of bars at least that they are many. */
static Code *
choose_code (Dice *dice, double pixels, CodeKind *kind)
{
  static const double least[N_CODES] = { 1.7, 0.8, 1.7, 1.7, 0.9 }; /* pixels of a module */
  Code *code = NULL;

  for (guint try = 0; code == NULL && try < 4; try++) {
    *kind = choose_kind (dice);
    code = code_new (dice, *kind, pixels / least[*kind]);
  }
  return code;
}

typedef struct {
  Color ground, ink;
} CodeColors;

/* Mostly black on white; dark on bright, sometimes on cardboard or a coloured packet; seldom the other way
 * round; sometimes hardly there, as on metal, on film, or where the sun was. */
static CodeColors
choose_colors (Dice *dice)
{
  const Color black = { 0.05, 0.05, 0.06 }, white = { 0.97, 0.97, 0.96 };
  const double bright = dice_between (dice, 0.72, 1);
  CodeColors colors = { { bright, bright, bright }, black };

  if (dice_chance (dice, 0.25))
    colors.ground = color_mix (color_muted (dice), white, dice_between (dice, 0.3, 0.9));
  if (dice_chance (dice, 0.15))
    colors.ink = color_mix (color_ink (dice), black, dice_between (dice, 0.3, 0.9));
  if (color_distance (colors.ground, colors.ink) < 0.35)
    colors = (CodeColors){ white, black };
  if (dice_chance (dice, 0.04))
    colors = (CodeColors){ colors.ink, colors.ground };
  if (dice_chance (dice, FADED))
    colors.ink = color_mix (colors.ink, colors.ground, dice_between (dice, 0.4, 0.78));
  return colors;
}

/* A firm's sign in the middle of a QR code: it is a part of it. */
static void
add_logo (Composer *c, const Pose *pose, const Code *code, Point place, double size, double angle)
{
  const double radius = size * dice_between (c->dice, 0.08, 0.16);
  const Paint white = paint_flat ((Color){ 1, 1, 1 });
  const Paint paint = paint_flat (color_ink (c->dice));
  g_autoptr (Outline) outer = outline_ellipse (0, 0, 1, dice_between (c->dice, 0.7, 1), 0);

  if (code->width != code->height)
    return;
  stack_print (c->stack, pose_outline (pose, outer, place, radius, angle), &white);
  stack_print (c->stack, pose_outline (pose, outer, place, 0.75 * radius, angle), &paint);
}

/* What stands below a bar code, as large as a third of a bar's height at most. */
static void
add_digits (Composer *c, const Pose *pose, const Code *code, Point place, double size, double angle,
    Color ink)
{
  double length;
  g_autoptr (Outline) words = writing_outline (c->dice, code->text, &length);
  const double height = size * fmin (0.3 * code->height, 0.95 * code->width / length);
  const double x = -height * length / 2, y = size * code->height / 2 + 0.6 * height;
  const Point at = { place.x + x * cos (angle) - y * sin (angle),
    place.y + x * sin (angle) + y * cos (angle) };
  const Paint paint = paint_flat (ink);

  stack_add (c->stack, pose_outline (pose, words, at, height, angle), &paint, NO_SYMBOL);
}

/* Its ground with the quiet zone, its body, which is what is looked for, and what is printed on that. */
static void
add_code (Composer *c, const Pose *pose, Point place, double size, double angle,
    const CodeColors *colors)
{
  CodeKind kind;
  g_autoptr (Code) code = choose_code (c->dice, pose->size * size, &kind);

  if (code == NULL)
    return;
  const double x = code->width / 2, y = code->height / 2;
  const double quiet = code->module * dice_between (c->dice, 1, kind == CODE_BAR ? 10 : 5);
  g_autoptr (Outline) zone = outline_rectangle (-x - quiet, -y - quiet, x + quiet, y + quiet);
  g_autoptr (Outline) body = outline_rectangle (-x, -y, x, y);
  const Paint ground = paint_flat (colors->ground);
  Paint ink = paint_flat (colors->ink);

  if (dice_chance (c->dice, 0.2))
    ink.grain = dice_between (c->dice, 0, 0.4);
  stack_add (c->stack, pose_outline (pose, zone, place, size, angle), &ground, NO_SYMBOL);
  stack_add (c->stack, pose_outline (pose, body, place, size, angle), &ground,
      N_SYMBOLS + (gint) kind);
  stack_print (c->stack, pose_outline (pose, code->modules, place, size, angle), &ink);
  if (kind == CODE_QR && dice_chance (c->dice, 0.1))
    add_logo (c, pose, code, place, size, angle);
  if (code->text != NULL)
    add_digits (c, pose, code, place, size, angle, colors->ink);
}

/* --- What is none ----------------------------------------------------------------------------- */

/* Words of one to thirty letters, line below line. */
static void
add_lines (Composer *c, const Pose *pose, Point corner, double width, double height, Color ink)
{
  const guint n = 1 + dice_pick (c->dice, 9);
  const double line = height / n;
  const Paint paint = paint_flat (ink);

  for (guint i = 0; i < n; i++) {
    g_autofree char *words = writing_words (c->dice, 3 + dice_pick (c->dice, 30));
    double length;
    g_autoptr (Outline) outline = writing_outline (c->dice, words, &length);
    const double size = fmin (0.8 * line, width / length);
    const Point at = { corner.x, corner.y + (i + 0.5) * line };
    stack_add (c->stack, pose_outline (pose, outline, at, size, 0), &paint, NO_SYMBOL);
  }
}

/* A fence, a radiator, a blind, a crossing, a keyboard's row: bars that are all alike, or two kinds of
 * them in turn. */
static void
add_stripes (Composer *c)
{
  const double size = composer_choose_size (c, 0.2, 1.2);
  const Place place = composer_choose_place (c, 0.4 * size);
  const Pose pose = composer_choose_pose (c->dice, place.x, place.y, size, 0.7);
  const guint n = 3 + dice_pick (c->dice, 22);
  const double share = dice_between (c->dice, 0.2, 0.8), other = dice_between (c->dice, 0.5, 1);
  const double height = dice_between (c->dice, 0.15, 1);
  const Color ground = color_muted (c->dice);
  const Paint paint = paint_flat (color_ink_on (c->dice, ground)), back = paint_flat (ground);
  g_autoptr (Outline) flat = outline_rectangle (-0.5, -height / 2, 0.5, height / 2);

  if (dice_chance (c->dice, 0.6))
    stack_add (c->stack, pose_outline (&pose, flat, (Point){ 0, 0 }, 1, 0), &back, NO_SYMBOL);
  for (guint i = 0; i < n; i++) {
    const double x = (double) i / n - 0.5, width = share / n * (i % 2 ? other : 1);
    g_autoptr (Outline) bar = outline_rectangle (x, -height / 2, x + width, height / 2);
    stack_add (c->stack, pose_outline (&pose, bar, (Point){ 0, 0 }, 1, 0), &paint, NO_SYMBOL);
  }
}

/* Windows, tiles, a chessboard, a crossword, a keyboard, a wall of bricks. */
static void
add_grid (Composer *c)
{
  const double size = composer_choose_size (c, 0.2, 1.2);
  const Place place = composer_choose_place (c, 0.4 * size);
  const Pose pose = composer_choose_pose (c->dice, place.x, place.y, size, 0.7);
  const guint columns = 2 + dice_pick (c->dice, 12), rows = 2 + dice_pick (c->dice, 10);
  const double cell = 1.0 / columns, filled = dice_between (c->dice, 0.4, 0.95);
  const double shift = dice_chance (c->dice, 0.3) ? 0.5 : 0; /* of every other row */
  const double part = dice_chance (c->dice, 0.3) ? dice_between (c->dice, 0.1, 0.35) : 1;
  const gboolean chess = dice_chance (c->dice, 0.2);
  const Color ground = color_muted (c->dice);
  const Paint paint = paint_flat (color_ink_on (c->dice, ground)), back = paint_flat (ground);
  g_autoptr (Outline) flat = outline_rectangle (-0.5, -cell * rows / 2, 0.5, cell * rows / 2);

  stack_add (c->stack, pose_outline (&pose, flat, (Point){ 0, 0 }, 1, 0), &back, NO_SYMBOL);
  for (guint i = 0; i < columns * rows; i++) {
    const guint column = i % columns, row = i / columns;
    const double x = (column + shift * (row % 2)) * cell - 0.5;
    const double y = row * cell - cell * rows / 2;
    const gboolean shown = chess ? (column + row) % 2 == 0 : dice_chance (c->dice, part);
    if (!shown || x + filled * cell > 0.5)
      continue;
    g_autoptr (Outline) square =
        outline_rectangle (x, y, x + (chess ? 1 : filled) * cell, y + (chess ? 1 : filled) * cell);
    stack_add (c->stack, pose_outline (&pose, square, (Point){ 0, 0 }, 1, 0), &paint, NO_SYMBOL);
  }
}

/* A page, a sign, a screen: words in any ink, and nothing to find. */
static void
add_page (Composer *c)
{
  const double size = composer_choose_size (c, 0.25, 1.2);
  const Place place = composer_choose_place (c, 0.5 * size);
  const Extent extent = { 1, dice_between (c->dice, 0.3, 1.3) };
  const Pose pose = composer_choose_pose (c->dice, place.x, place.y, size, 0.7);
  const Color ground = dice_chance (c->dice, 0.6) ? color_paper (c->dice) : color_muted (c->dice);

  composer_add_paper (c, &pose, extent, ground);
  add_lines (c, &pose, (Point){ -0.46, -0.46 * extent.height }, 0.92, 0.92 * extent.height,
      color_ink_on (c->dice, ground));
}

static void
add_lookalikes (Composer *c, guint n)
{
  for (guint i = 0; i < n; i++) {
    const double throw = dice_between (c->dice, 0, 1);
    if (throw < 0.35)
      add_page (c);
    else if (throw < 0.6)
      add_stripes (c);
    else if (throw < 0.85)
      add_grid (c);
    else
      things_add_shape (c->stack, c->dice, dice_between (c->dice, 0, c->width),
          dice_between (c->dice, 0, c->height), composer_choose_size (c, 0.05, 0.4));
  }
}

/* --- Arrangements ----------------------------------------------------------------------------- */

/* A lamp in a glossy surface: bright in its middle. */
static void
add_glare (Composer *c, const Pose *pose, Extent extent)
{
  const double x = extent.width * dice_between (c->dice, -0.5, 0.5);
  const double y = extent.height * dice_between (c->dice, -0.5, 0.5);
  const double angle = dice_between (c->dice, 0, G_PI);
  const double narrow = dice_between (c->dice, 0.15, 1), reach = dice_between (c->dice, 0.1, 0.4);
  Paint paint = paint_flat ((Color){ 1, 1, 1 });

  paint.alpha = dice_between (c->dice, 0.04, 0.16);
  for (guint i = 1; i <= 6; i++) {
    g_autoptr (Outline) flat = outline_ellipse (x, y, reach * i / 6, narrow * reach * i / 6, angle);
    stack_add (c->stack, pose_outline (pose, flat, (Point){ 0, 0 }, 1, 0), &paint, NO_SYMBOL);
  }
}

/* Bottles and cans bend a label more than hands bend paper. */
static Pose
choose_label_pose (Composer *c, Place place, double size, double reach)
{
  Pose pose = composer_choose_pose (c->dice, place.x, place.y, size, reach);

  if (dice_chance (c->dice, 0.15))
    pose.bend = dice_between (c->dice, 0.4, 0.9) / reach;
  return pose;
}

/* One code on paper, a packet, a card, with words beside it; in a hand, perhaps. */
static void
add_label (Composer *c, double low, double high)
{
  const double size = composer_choose_size (c, low, high);
  const Place place = composer_choose_place (c, 0.5 * size);
  const Extent extent = { dice_between (c->dice, 1.05, 2.2), dice_between (c->dice, 1.05, 1.8) };
  const Pose pose = choose_label_pose (c, place, size, hypot (extent.width, extent.height) / 2);
  const CodeColors colors = choose_colors (c->dice);
  const Color packet = dice_chance (c->dice, 0.5) ? colors.ground
      : dice_chance (c->dice, 0.5)                ? color_ink (c->dice)
                                                  : color_muted (c->dice);
  const guint side = dice_pick (c->dice, 3);
  const double along = dice_between (c->dice, -0.8, 0.8);
  const double radius = c->height * dice_between (c->dice, 0.025, 0.07);
  const gboolean held = dice_chance (c->dice, 0.25);
  const double y = dice_around (c->dice, (extent.height - 1) / 2);
  const double angle = dice_chance (c->dice, 0.12) ? G_PI / 2 * dice_pick (c->dice, 4) : 0;

  if (held)
    composer_add_palm (c, &pose, extent, side, along, radius);
  composer_add_paper (c, &pose, extent, packet);
  if (dice_chance (c->dice, 0.6))
    add_lines (c, &pose, (Point){ -0.48 * extent.width, -0.48 * extent.height },
        0.96 * extent.width, 0.96 * extent.height, color_ink_on (c->dice, packet));
  add_code (c, &pose, (Point){ dice_around (c->dice, (extent.width - 1) / 2), y }, 1, angle,
      &colors);
  if (dice_chance (c->dice, 0.25))
    add_glare (c, &pose, extent);
  if (held)
    composer_add_thumb (c, &pose, extent, side, along, radius);
}

/* On whatever is there: a sticker, a poster, a screen. */
static void
add_sticker (Composer *c, double low, double high)
{
  const double size = composer_choose_size (c, low, high);
  const Place place = composer_choose_place (c, 0.5 * size);
  const Pose pose = choose_label_pose (c, place, size, 0.7);
  const CodeColors colors = choose_colors (c->dice);

  add_code (c, &pose, (Point){ 0, 0 }, 1, 0, &colors);
  if (dice_chance (c->dice, 0.15))
    add_glare (c, &pose, (Extent){ 1, 1 });
}

/* Bright paper, or a screen, is all there is to see. */
static void
add_ground (Composer *c, Color color)
{
  Paint paint = paint_flat (color);

  paint.far = color_mix (color, (Color){ 0, 0, 0 }, dice_between (c->dice, 0, 0.3));
  paint.angle = dice_between (c->dice, 0, 2 * G_PI);
  stack_add (c->stack, outline_rectangle (0, 0, c->width, c->height), &paint, NO_SYMBOL);
}

/* A page that is held under the camera, with words or without. */
static void
add_sheet (Composer *c)
{
  const double size = composer_choose_size (c, 0.25, 1.2);
  const Place place = composer_choose_place (c, 0.5 * size);
  const Pose pose = composer_choose_pose (c->dice, place.x, place.y, size, 0.7);
  const CodeColors colors = choose_colors (c->dice);
  const double words = dice_between (c->dice, 0.1, 0.6);

  add_ground (c, colors.ground);
  if (dice_chance (c->dice, 0.4))
    add_lines (c, &pose, (Point){ -0.7, -0.65 - words }, 1.4, words, colors.ink);
  add_code (c, &pose, (Point){ 0, 0 }, 1, 0, &colors);
}

/* A picture that a program made, upright, as large as the code or larger. */
static void
add_screen (Composer *c)
{
  const double size = fmin (c->width, c->height) * dice_between (c->dice, 0.4, 1.15);
  const Pose pose = pose_new (c->width * dice_between (c->dice, 0.4, 0.6),
      c->height * dice_between (c->dice, 0.4, 0.6), size, 0, 0, 0);
  const CodeColors colors = choose_colors (c->dice);

  add_ground (c, colors.ground);
  add_code (c, &pose, (Point){ 0, 0 }, 1, 0, &colors);
}

/* Shelves, sheets of stamps, parcels: several of them, the more the smaller. */
static void
add_several (Composer *c)
{
  const guint n = 3 + dice_pick (c->dice, MAX_OBJECTS - 2);
  const double high = fmax (1 / sqrt (n), 0.28);

  for (guint i = 0; i < n; i++) {
    if (dice_chance (c->dice, 0.4))
      add_label (c, MIN_SIZE, 0.7 * high);
    else
      add_sticker (c, MIN_SIZE, high);
  }
}

static void
arrange (Composer *c, double nothing)
{
  if (dice_chance (c->dice, 0.45))
    add_lookalikes (c, 1 + dice_pick (c->dice, 3));
  if (dice_chance (c->dice, nothing))
    return;
  const double what = dice_between (c->dice, 0, 1);
  if (what < 0.15)
    add_label (c, 0.3, MAX_SIZE);
  else if (what < 0.22)
    add_sticker (c, 0.3, MAX_SIZE);
  else if (what < 0.29)
    add_sheet (c);
  else if (what < 0.34)
    add_screen (c);
  else if (what < 0.39)
    add_label (c, MIN_SIZE, 0.4);
  else
    add_several (c);
}

Stack *
compose_codes (Dice *dice, cairo_surface_t *background, Color skin, const SceneKind *kind)
{
  if (kind->symbols && dice_chance (dice, 0.5))
    return compose (dice, background, skin);
  Composer c = composer_new (dice, background, skin);
  arrange (&c, kind->nothing);
  return c.stack;
}
