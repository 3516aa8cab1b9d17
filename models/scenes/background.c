/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is behind everything.
 */
#include "background.h"

#include <math.h>

#include "noise.h"
#include "things.h"

#define N_SHADES 256
#define MAX_BLUR 4 /* a background out of focus is drawn so much smaller */

/* --- Textures: a number from 0 to 1 for every pixel ------------------------------------------- */

typedef struct {
  guint width, height;
  float *values;
} Field;

/* Position along a direction, in units of the picture's height. */
typedef struct {
  double x, y, start;
} Axis;

static Axis
axis_new (Dice *dice, guint height)
{
  const double angle = dice_chance (dice, 0.5)
      ? dice_around (dice, 0.3) + G_PI / 2 * dice_pick (dice, 2)
      : dice_between (dice, 0, G_PI);

  return (Axis){ cos (angle) / height, sin (angle) / height, dice_between (dice, 0, 1) };
}

static double
axis_at (const Axis *axis, guint x, guint y)
{
  return axis->start + axis->x * x + axis->y * y;
}

static void
make_gradient (Field *field, Dice *dice)
{
  const Axis axis = axis_new (dice, field->height);

  for (guint y = 0; y < field->height; y++)
    for (guint x = 0; x < field->width; x++) {
      float *value = &field->values[(gsize) y * field->width + x];
      *value = 0.3f * *value + 0.5f * (float) axis_at (&axis, x, y) - 0.1f;
    }
}

static void
make_clouds (Field *field, Dice *dice)
{
  const float contrast = (float) dice_between (dice, 1, 4);

  for (gsize i = 0; i < (gsize) field->width * field->height; i++)
    field->values[i] = 0.5f + contrast * (field->values[i] - 0.5f);
}

/* Year rings, bent by the noise that is there, and fine fibres along them. */
static void
make_wood (Field *field, Dice *dice)
{
  const float rings = (float) dice_between (dice, 4, 20), bend = (float) dice_between (dice, 1, 6);
  const guint width = field->width, height = field->height;
  g_autofree float *fibres = noise_new (dice, width, height, height / 3.0, height / 100.0, 2);

  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++) {
      const gsize i = (gsize) y * width + x;
      const float position = rings * y / height + bend * field->values[i];
      const float ring = position - floorf (position);
      field->values[i] = 0.45f * ring + 0.55f * fibres[i];
    }
}

/* Cloth, tiles, boards: bands across one axis or two. */
static void
make_bands (Field *field, Dice *dice, gboolean both)
{
  const Axis along = axis_new (dice, field->height);
  const Axis across = { -along.y, along.x, along.start };
  const double count = dice_between (dice, 2, 14), share = dice_between (dice, 0.1, 0.6);
  const float noise = (float) dice_between (dice, 0.1, 0.6);

  for (guint y = 0; y < field->height; y++)
    for (guint x = 0; x < field->width; x++) {
      float *value = &field->values[(gsize) y * field->width + x];
      const double u = count * axis_at (&along, x, y), v = count * axis_at (&across, x, y);
      const gboolean first = u - floor (u) < share, second = v - floor (v) < share;
      *value = noise * *value + (1 - noise) * (both ? first != second : first);
    }
}

static Field
field_new (Dice *dice, guint width, guint height)
{
  const double cell = height * dice_between (dice, 0.1, 0.7);
  const double stretch = dice_chance (dice, 0.3) ? 4 : 1;
  Field field = { width, height, NULL };

  field.values = noise_new (dice, width, height, stretch * cell, cell, 2 + dice_pick (dice, 4));
  switch (dice_pick (dice, 6)) {
    case 0:
    case 1:
      make_gradient (&field, dice);
      break;
    case 2:
      make_clouds (&field, dice);
      break;
    case 3:
      make_wood (&field, dice);
      break;
    case 4:
      make_bands (&field, dice, FALSE);
      break;
    default:
      make_bands (&field, dice, TRUE);
      break;
  }
  return field;
}

/* --- Colours ---------------------------------------------------------------------------------- */

static guint32
to_pixel (Color color)
{
  const guint red = (guint) lround (255 * color.red);
  const guint green = (guint) lround (255 * color.green);
  const guint blue = (guint) lround (255 * color.blue);

  return red << 16 | green << 8 | blue;
}

/* Mostly shades of one colour, sometimes two colours. */
static void
fill_palette (guint32 *palette, Dice *dice)
{
  const Color first = color_muted (dice);
  const Color other = color_muted (dice);
  const double share = dice_chance (dice, 0.3) ? 1 : dice_between (dice, 0.1, 0.6);
  const Color second = color_mix (first, other, share);

  for (guint i = 0; i < N_SHADES; i++)
    palette[i] = to_pixel (color_mix (first, second, (double) i / (N_SHADES - 1)));
}

static void
paint_field (cairo_surface_t *surface, Dice *dice, const Field *field)
{
  guint32 palette[N_SHADES];

  fill_palette (palette, dice);
  guint8 *data = cairo_image_surface_get_data (surface);
  const gsize stride = (gsize) cairo_image_surface_get_stride (surface);
  for (guint y = 0; y < field->height; y++) {
    guint32 *row = (guint32 *) (data + y * stride);
    const float *values = field->values + (gsize) y * field->width;
    for (guint x = 0; x < field->width; x++)
      row[x] = palette[(guint) (CLAMP (values[x], 0, 1) * (N_SHADES - 1))];
  }
  cairo_surface_mark_dirty (surface);
}

/* --- Things in the background ----------------------------------------------------------------- */

/* Shelves, tables, frames: rectangles that stand level. */
static void
add_furniture (Stack *stack, Dice *dice)
{
  const guint n = 1 + dice_pick (dice, 6);

  for (guint i = 0; i < n; i++) {
    const double x = stack->width * dice_between (dice, -0.1, 1);
    const double y = stack->height * dice_between (dice, -0.1, 1);
    const double width = stack->width * dice_between (dice, 0.03, 0.6);
    const double height = stack->height * dice_between (dice, 0.05, 0.8);
    Paint paint = paint_flat (color_muted (dice));
    paint.far = color_mix (paint.near, color_muted (dice), dice_between (dice, 0, 0.4));
    paint.angle = dice_between (dice, 0, 2 * G_PI);
    stack_add (stack, outline_rectangle (x, y, x + width, y + height), &paint, NO_SYMBOL);
  }
}

static void
add_shapes (Stack *stack, Dice *dice, guint n)
{
  for (guint i = 0; i < n; i++) {
    const double x = stack->width * dice_between (dice, -0.05, 1.05);
    const double y = stack->height * dice_between (dice, -0.05, 1.05);
    const double size = dice_between (dice, 0.2, 0.9);
    things_add_shape (stack, dice, x, y, stack->height * size * size);
  }
}

static void
draw_things (cairo_t *cairo, Dice *dice, guint width, guint height, Color skin)
{
  g_autoptr (Stack) stack = stack_new (width, height);

  if (dice_chance (dice, 0.4))
    add_furniture (stack, dice);
  if (dice_chance (dice, 0.35))
    add_shapes (stack, dice, 1 + dice_pick (dice, 4));
  else if (dice_chance (dice, 0.3))
    add_shapes (stack, dice, 8 + dice_pick (dice, 20));
  if (dice_chance (dice, 0.35))
    things_add_person (stack, dice, skin);
  stack_draw (stack, cairo, dice);
}

static cairo_surface_t *
draw_background (Dice *dice, guint width, guint height, Color skin)
{
  cairo_surface_t *surface =
      cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) width, (int) height);
  const Field field = field_new (dice, width, height);

  paint_field (surface, dice, &field);
  g_free (field.values);
  cairo_t *cairo = cairo_create (surface);
  draw_things (cairo, dice, width, height, skin);
  cairo_destroy (cairo);
  return surface;
}

/* Takes the small surface. */
static cairo_surface_t *
enlarge (cairo_surface_t *small, guint width, guint height, guint factor)
{
  cairo_surface_t *surface =
      cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) width, (int) height);
  cairo_t *cairo = cairo_create (surface);

  cairo_scale (cairo, factor, factor);
  cairo_set_source_surface (cairo, small, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cairo), CAIRO_FILTER_BILINEAR);
  cairo_pattern_set_extend (cairo_get_source (cairo), CAIRO_EXTEND_PAD);
  cairo_paint (cairo);
  cairo_destroy (cairo);
  cairo_surface_destroy (small);
  return surface;
}

cairo_surface_t *
background_new (Dice *dice, guint width, guint height, Color skin)
{
  const guint factor = dice_chance (dice, 0.5) ? 1 : 2 + dice_pick (dice, MAX_BLUR - 1);
  cairo_surface_t *surface =
      draw_background (dice, (width + factor - 1) / factor, (height + factor - 1) / factor, skin);

  return factor == 1 ? surface : enlarge (surface, width, height, factor);
}

Color
background_mean (cairo_surface_t *surface, double x, double y, double radius)
{
  const gint width = cairo_image_surface_get_width (surface);
  const gint height = cairo_image_surface_get_height (surface);
  const gint x0 = (gint) CLAMP (x - radius, 0, width - 1),
             x1 = (gint) CLAMP (x + radius, x0, width - 1);
  const gint y0 = (gint) CLAMP (y - radius, 0, height - 1),
             y1 = (gint) CLAMP (y + radius, y0, height - 1);
  const guint8 *data = cairo_image_surface_get_data (surface);
  const gsize stride = (gsize) cairo_image_surface_get_stride (surface);
  guint64 red = 0, green = 0, blue = 0;

  cairo_surface_flush (surface);
  for (gint row = y0; row <= y1; row++) {
    const guint32 *pixels = (const guint32 *) (data + (gsize) row * stride);
    for (gint column = x0; column <= x1; column++) {
      red += pixels[column] >> 16 & 0xff;
      green += pixels[column] >> 8 & 0xff;
      blue += pixels[column] & 0xff;
    }
  }
  const double scale = 1 / (255.0 * (x1 - x0 + 1) * (y1 - y0 + 1));
  return (Color){ red * scale, green * scale, blue * scale };
}
