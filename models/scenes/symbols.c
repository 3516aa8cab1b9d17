/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The printed symbols that the bundled model finds.
 */
#include "symbols.h"

#include <math.h>

#define STAR_POINTS 5
#define STAR_OUTER  0.54
#define STAR_INNER  0.26
#define RING_OUTER  0.5
#define RING_INNER  0.25
#define HEART_STEPS 64

/* A disc, and another that is cut out of it. */
#define MOON_RADIUS     0.5
#define MOON_CUT_RADIUS 0.4
#define MOON_CUT_X      0.26
/* The crescent's middle, so that it is the one it turns about. */
#define MOON_X (-0.12)

static void
add_arrow (Outline *outline)
{
  static const Point corners[] = { { 0, -0.52 }, { 0.46, 0.02 }, { 0.19, 0.02 }, { 0.19, 0.5 },
    { -0.19, 0.5 }, { -0.19, 0.02 }, { -0.46, 0.02 } };

  outline_polygon (outline, corners, G_N_ELEMENTS (corners));
}

static void
add_cross (Outline *outline)
{
  const double arm = 0.17, end = 0.5;
  const Point corners[] = { { -arm, -end }, { arm, -end }, { arm, -arm }, { end, -arm },
    { end, arm }, { arm, arm }, { arm, end }, { -arm, end }, { -arm, arm }, { -end, arm },
    { -end, -arm }, { -arm, -arm } };

  outline_polygon (outline, corners, G_N_ELEMENTS (corners));
}

/* The well-known curve with a third power of the sine; it is 32 wide and 29 high. */
static void
add_heart (Outline *outline)
{
  outline_begin (outline);
  for (guint i = 0; i < HEART_STEPS; i++) {
    const double turn = 2 * G_PI * i / HEART_STEPS;
    const double x = 16 * pow (sin (turn), 3);
    const double y =
        13 * cos (turn) - 5 * cos (2 * turn) - 2 * cos (3 * turn) - cos (4 * turn) + 2.5;
    outline_add (outline, x / 32, -y / 32);
  }
}

static void
add_moon (Outline *outline)
{
  const double x =
      (MOON_CUT_X * MOON_CUT_X + MOON_RADIUS * MOON_RADIUS - MOON_CUT_RADIUS * MOON_CUT_RADIUS)
      / (2 * MOON_CUT_X);
  const double y = sqrt (MOON_RADIUS * MOON_RADIUS - x * x);
  const double outer = atan2 (y, x), inner = atan2 (y, x - MOON_CUT_X);

  outline_begin (outline);
  outline_arc (outline, -MOON_X, 0, MOON_RADIUS, outer, 2 * G_PI - outer);
  outline_arc (outline, MOON_CUT_X - MOON_X, 0, MOON_CUT_RADIUS, 2 * G_PI - inner, inner);
}

static void
add_ring (Outline *outline)
{
  outline_begin (outline);
  outline_arc (outline, 0, 0, RING_OUTER, 0, 2 * G_PI);
  outline_begin (outline);
  outline_arc (outline, 0, 0, RING_INNER, 2 * G_PI, 0);
}

static void
add_star (Outline *outline)
{
  Point corners[2 * STAR_POINTS];

  for (guint i = 0; i < G_N_ELEMENTS (corners); i++) {
    const double radius = i % 2 ? STAR_INNER : STAR_OUTER;
    const double turn = G_PI * i / STAR_POINTS;
    corners[i] = (Point){ radius * sin (turn), -radius * cos (turn) };
  }
  outline_polygon (outline, corners, G_N_ELEMENTS (corners));
}

static const struct {
  const char *name;
  void (*add) (Outline *outline);
} symbols[N_SYMBOLS] = {
  [SYMBOL_ARROW] = { "arrow", add_arrow },
  [SYMBOL_CROSS] = { "cross", add_cross },
  [SYMBOL_HEART] = { "heart", add_heart },
  [SYMBOL_MOON] = { "moon", add_moon },
  [SYMBOL_RING] = { "ring", add_ring },
  [SYMBOL_STAR] = { "star", add_star },
};

const char *
symbol_name (Symbol symbol)
{
  g_return_val_if_fail (symbol < N_SYMBOLS, NULL);
  return symbols[symbol].name;
}

Outline *
symbol_outline (Symbol symbol)
{
  g_return_val_if_fail (symbol < N_SYMBOLS, NULL);
  Outline *outline = outline_new ();
  symbols[symbol].add (outline);
  return outline;
}
