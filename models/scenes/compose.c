/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is held before the camera.
 */
#include "compose.h"

#include <math.h>

#include "background.h"
#include "composer.h"
#include "things.h"

#define ONE_DEGREE (G_PI / 180)
/* Of the picture's height. */
#define MIN_SIZE    0.13
#define MAX_SIZE    0.6
#define MAX_SYMBOLS 6

/* --- Symbols ---------------------------------------------------------------------------------- */

/* How the symbols of one sheet are printed. */
typedef struct {
  Color ground, ink;
  gboolean varied; /* each symbol its own ink */
  gboolean hollow; /* as light as the ground, with a dark contour */
  double grain;
} Style;

static Style
choose_style (Dice *dice, Color ground)
{
  const Color black = { 0.06, 0.06, 0.06 };
  const gboolean bright = color_distance (ground, black) > 0.6;
  Style style = { .ground = ground, .ink = color_ink_on (dice, ground) };

  style.varied = dice_chance (dice, 0.6);
  if (bright && dice_chance (dice, 0.3)) {
    style.ink = black;
    style.varied = FALSE;
  }
  style.hollow = bright && dice_chance (dice, 0.08);
  if (dice_chance (dice, 0.3))
    style.grain = dice_between (dice, 0, 0.5);
  return style;
}

static Paint
choose_paint (Dice *dice, const Style *style, double size)
{
  const Color black = { 0.06, 0.06, 0.06 }, white = { 1, 1, 1 };
  const Color ink = style->varied ? color_ink_on (dice, style->ground) : style->ink;
  Paint paint = paint_flat (ink);

  paint.grain = style->grain;
  if (style->hollow) {
    paint.near = paint.far =
        color_mix (style->ground, color_ink (dice), dice_between (dice, 0, 0.5));
    paint.contour = black;
    paint.contour_width = size * dice_between (dice, 0.035, 0.07);
    return paint;
  }
  if (dice_chance (dice, 0.25)) {
    paint.far = color_mix (ink, dice_chance (dice, 0.5) ? black : white, 0.3);
    paint.angle = dice_between (dice, 0, 2 * G_PI);
  }
  if (dice_chance (dice, 0.25)) {
    paint.contour = color_ink_on (dice, style->ground);
    paint.contour_width = size * dice_between (dice, 0.015, 0.05);
  }
  return paint;
}

/* One symbol on a plane; size in the plane's units, one of which is pose->size pixels. */
static void
add_symbol (Composer *c, const Pose *pose, const Style *style, Point place, double size,
    double angle)
{
  const Symbol symbol = (Symbol) dice_pick (c->dice, N_SYMBOLS);
  const Paint paint = choose_paint (c->dice, style, size * pose->size);

  stack_add (c->stack, pose_outline (pose, c->symbols[symbol], place, size, angle), &paint,
      (gint) symbol);
}

/* --- Paper ------------------------------------------------------------------------------------ */

/* Symbols in rows, with what is written below them. */
static void
add_print (Composer *c, const Pose *pose, const Style *style, guint columns, guint rows,
    double cell)
{
  const gboolean labels = dice_chance (c->dice, 0.5);
  const gboolean upright = dice_chance (c->dice, 0.6);

  for (guint row = 0; row < rows; row++)
    for (guint column = 0; column < columns; column++) {
      const double x = (column - (columns - 1) / 2.0) * cell;
      const double y = (row - (rows - 1) / 2.0) * cell;
      const double angle = upright ? 0 : dice_around (c->dice, 30 * ONE_DEGREE);
      const double size = dice_between (c->dice, 0.9, 1.1);
      if (columns * rows > 2 && dice_chance (c->dice, 0.15))
        continue;
      add_symbol (c, pose, style, (Point){ x, y }, size, angle);
      if (labels)
        things_add_writing (c->stack, c->dice, pose, (Point){ x - 0.3, y + 0.64 },
            dice_between (c->dice, 0.3, 0.6), 0.1,
            style->varied ? (Color){ 0.1, 0.1, 0.1 } : style->ink);
    }
}

static void
add_text (Composer *c, const Pose *pose, Extent extent, Color ground)
{
  const Color ink = color_ink_on (c->dice, ground);
  const guint n = 3 + dice_pick (c->dice, 8);
  const double height = extent.height / (2 * n);

  for (guint i = 0; i < n; i++)
    things_add_writing (c->stack, c->dice, pose,
        (Point){ -0.4 * extent.width, (2 * i + 0.5) * height - extent.height / 2 },
        extent.width * dice_between (c->dice, 0.3, 0.8), height, ink);
}

typedef struct {
  guint columns, rows; /* of symbols; 0: text */
  double size;         /* of a symbol, in pixels */
  Place place;
  gboolean held;
} Sheet;

static void
add_sheet (Composer *c, const Sheet *sheet)
{
  const double cell = dice_between (c->dice, 1.25, 1.7), margin = dice_between (c->dice, 0.1, 0.5);
  const guint columns = MAX (sheet->columns, 1), rows = MAX (sheet->rows, 1);
  const Extent extent = { columns * cell + margin, rows * cell + margin };
  const Pose pose = composer_choose_pose (c->dice, sheet->place.x, sheet->place.y, sheet->size,
      hypot (extent.width, extent.height) / 2);
  const guint side = dice_pick (c->dice, 3);
  const double along = dice_between (c->dice, -0.8, 0.8);
  const double radius = c->height * dice_between (c->dice, 0.025, 0.055);
  const Color ground = color_paper (c->dice);
  const Style style = choose_style (c->dice, ground);

  if (sheet->held)
    composer_add_palm (c, &pose, extent, side, along, radius);
  composer_add_paper (c, &pose, extent, ground);
  if (sheet->columns > 0)
    add_print (c, &pose, &style, columns, rows, cell);
  else
    add_text (c, &pose, extent, ground);
  if (dice_chance (c->dice, 0.2))
    composer_add_shine (c, &pose, extent);
  if (sheet->held)
    composer_add_thumb (c, &pose, extent, side, along, radius);
}

/* --- Arrangements ----------------------------------------------------------------------------- */

static void
add_card (Composer *c, double low, double high)
{
  Sheet sheet = { 1, 1, composer_choose_size (c, low, high), { 0 }, dice_chance (c->dice, 0.4) };

  sheet.place = composer_choose_place (c, 0.75 * sheet.size);
  add_sheet (c, &sheet);
}

/* Cut out, or painted on what is there. */
static void
add_loose (Composer *c, double low, double high)
{
  const double size = composer_choose_size (c, low, high);
  const Place place = composer_choose_place (c, 0.55 * size);
  const Color ground = background_mean (c->background, place.x, place.y, size / 2);
  const Pose pose = composer_choose_pose (c->dice, place.x, place.y, size, 0.7);
  Style style = choose_style (c->dice, ground);

  style.hollow = FALSE;
  style.varied = TRUE;
  add_symbol (c, &pose, &style, (Point){ 0, 0 }, 1, 0);
}

/* The printed sheet of docs, and others like it. */
static void
add_grid (Composer *c)
{
  static const guint8 grids[][2] = { { 2, 3 }, { 3, 2 }, { 2, 2 }, { 1, 2 }, { 2, 1 }, { 3, 1 },
    { 1, 3 }, { 2, 3 }, { 3, 2 } };
  const guint8 *grid = grids[dice_pick (c->dice, G_N_ELEMENTS (grids))];
  const double largest = 1 / (1.2 * MAX (grid[1], 0.75 * grid[0]));
  Sheet sheet = { grid[0], grid[1], 0, { 0 }, dice_chance (c->dice, 0.6) };

  sheet.size = composer_choose_size (c, MIN_SIZE, fmin (largest, 0.5));
  sheet.place.x = c->width * (0.5 + dice_around (c->dice, 0.3));
  sheet.place.y = c->height * (0.5 + dice_around (c->dice, 0.25));
  add_sheet (c, &sheet);
}

static void
add_document (Composer *c)
{
  Sheet sheet = { 0, 0, composer_choose_size (c, 0.15, 0.5), { 0 }, dice_chance (c->dice, 0.4) };

  sheet.place = composer_choose_place (c, 0.6 * sheet.size);
  add_sheet (c, &sheet);
}

/* One to six, the more the smaller. */
static void
add_several (Composer *c)
{
  const guint n = 1 + dice_pick (c->dice, MAX_SYMBOLS);
  const double high = fmax (MAX_SIZE / sqrt (n), 0.22);

  for (guint i = 0; i < n; i++)
    if (dice_chance (c->dice, 0.5))
      add_card (c, MIN_SIZE, high);
    else
      add_loose (c, MIN_SIZE, high);
}

static void
add_distractors (Composer *c, guint n)
{
  for (guint i = 0; i < n; i++) {
    const double x = dice_between (c->dice, 0, c->width), y = dice_between (c->dice, 0, c->height);
    things_add_shape (c->stack, c->dice, x, y, composer_choose_size (c, 0.05, 0.3));
  }
}

/* A pen, a cable, a finger of somebody else: before all, so few and thin. */
static void
add_obstacle (Composer *c)
{
  const Point from = { dice_between (c->dice, 0, c->width), c->height * 1.1 };
  const Point tip = { from.x + dice_around (c->dice, 0.5 * c->width),
    dice_between (c->dice, 0.4, 0.95) * c->height };

  if (dice_chance (c->dice, 0.5)) {
    things_add_finger (c->stack, c->dice, from, tip,
        c->height * dice_between (c->dice, 0.025, 0.05), c->skin);
    return;
  }
  const Paint paint = paint_flat (color_muted (c->dice));
  stack_add (c->stack, outline_capsule (from, tip, c->height * dice_between (c->dice, 0.008, 0.02)),
      &paint, NO_SYMBOL);
}

static void
arrange (Composer *c)
{
  const double kind = dice_between (c->dice, 0, 1);

  if (dice_chance (c->dice, 0.5))
    add_distractors (c, 1 + dice_pick (c->dice, 6));
  if (dice_chance (c->dice, 0.12))
    add_document (c);
  if (kind < 0.05)
    return; /* nothing to find */
  if (kind < 0.3)
    add_card (c, 0.25, MAX_SIZE);
  else if (kind < 0.6)
    add_grid (c);
  else
    add_several (c);
  if (dice_chance (c->dice, 0.15))
    add_obstacle (c);
}

Stack *
compose (Dice *dice, cairo_surface_t *background, Color skin)
{
  Composer c = composer_new (dice, background, skin);

  for (guint i = 0; i < N_SYMBOLS; i++)
    c.symbols[i] = symbol_outline ((Symbol) i);
  arrange (&c);
  for (guint i = 0; i < N_SYMBOLS; i++)
    outline_free (c.symbols[i]);
  return c.stack;
}
