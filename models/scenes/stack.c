/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The things of a scene, the farthest first.
 */
#include "stack.h"

#include <math.h>
#include <string.h>

#define HALF_COVERED 128
#define TILE_SIDE    64

Paint
paint_flat (Color color)
{
  return (Paint){ .near = color, .far = color, .alpha = 1 };
}

static void
clear_layer (gpointer data)
{
  Layer *layer = data;

  outline_free (layer->outline);
}

Stack *
stack_new (guint width, guint height)
{
  Stack *stack = g_new (Stack, 1);

  stack->width = width;
  stack->height = height;
  stack->layers = g_array_new (FALSE, FALSE, sizeof (Layer));
  g_array_set_clear_func (stack->layers, clear_layer);
  return stack;
}

void
stack_free (Stack *stack)
{
  if (stack == NULL)
    return;
  g_array_unref (stack->layers);
  g_free (stack);
}

void
stack_add (Stack *stack, Outline *outline, const Paint *paint, gint symbol)
{
  const Layer layer = { outline, *paint, symbol, FALSE };

  g_array_append_val (stack->layers, layer);
}

void
stack_print (Stack *stack, Outline *outline, const Paint *paint)
{
  const Layer layer = { outline, *paint, NO_SYMBOL, TRUE };

  g_array_append_val (stack->layers, layer);
}

static const Layer *
get_layer (const Stack *stack, guint index)
{
  return &g_array_index (stack->layers, Layer, index);
}

/* --- What is seen ----------------------------------------------------------------------------- */

typedef struct {
  gint x0, y0, x1, y1; /* the first pixels beyond are x1, y1 */
} Bounds;

/* Of the outline within the picture; empty when it lies outside. */
static Bounds
outline_bounds (const Outline *outline, guint width, guint height)
{
  double x0 = width, y0 = height, x1 = 0, y1 = 0;

  for (guint i = 0; i < outline->points->len; i++) {
    const Point *point = &g_array_index (outline->points, Point, i);
    x0 = fmin (x0, point->x);
    y0 = fmin (y0, point->y);
    x1 = fmax (x1, point->x);
    y1 = fmax (y1, point->y);
  }
  return (Bounds){ (gint) fmax (0, floor (x0)), (gint) fmax (0, floor (y0)),
    (gint) fmin (width, ceil (x1)), (gint) fmin (height, ceil (y1)) };
}

/* Coverage of every pixel within the bounds, in the surface's own rows. */
static const guint8 *
cover (cairo_t *cairo, cairo_surface_t *surface, const Outline *outline, const Bounds *bounds)
{
  cairo_set_operator (cairo, CAIRO_OPERATOR_CLEAR);
  cairo_rectangle (cairo, bounds->x0, bounds->y0, bounds->x1 - bounds->x0, bounds->y1 - bounds->y0);
  cairo_fill (cairo);
  cairo_set_operator (cairo, CAIRO_OPERATOR_OVER);
  outline_trace (outline, cairo);
  cairo_fill (cairo);
  cairo_surface_flush (surface);
  return cairo_image_surface_get_data (surface);
}

static void
mark (guint16 *owners, guint width, guint16 owner, const guint8 *coverage, gsize stride,
    const Bounds *bounds)
{
  for (gint y = bounds->y0; y < bounds->y1; y++) {
    const guint8 *from = coverage + (gsize) y * stride;
    guint16 *to = owners + (gsize) y * width;
    for (gint x = bounds->x0; x < bounds->x1; x++)
      if (from[x] >= HALF_COVERED)
        to[x] = owner;
  }
}

guint16 *
stack_see (const Stack *stack)
{
  guint16 *owners = g_new0 (guint16, (gsize) stack->width * stack->height);
  cairo_surface_t *surface =
      cairo_image_surface_create (CAIRO_FORMAT_A8, (int) stack->width, (int) stack->height);
  cairo_t *cairo = cairo_create (surface);
  const gsize stride = (gsize) cairo_image_surface_get_stride (surface);

  for (guint i = 0; i < stack->layers->len; i++) {
    const Layer *layer = get_layer (stack, i);
    const Bounds bounds = outline_bounds (layer->outline, stack->width, stack->height);
    if (layer->printed || layer->paint.alpha < 1 || bounds.x0 >= bounds.x1
        || bounds.y0 >= bounds.y1)
      continue;
    const guint8 *coverage = cover (cairo, surface, layer->outline, &bounds);
    const guint16 owner = layer->symbol == NO_SYMBOL ? 0 : (guint16) (i + 1);
    mark (owners, stack->width, owner, coverage, stride, &bounds);
  }
  cairo_destroy (cairo);
  cairo_surface_destroy (surface);
  return owners;
}

static guint *
count_pixels (const Stack *stack)
{
  g_autofree guint16 *owners = stack_see (stack);
  guint *counts = g_new0 (guint, stack->layers->len + 1);

  for (gsize i = 0; i < (gsize) stack->width * stack->height; i++)
    counts[owners[i]]++;
  return counts;
}

static void
remove_with_print (Stack *stack, guint index)
{
  do
    g_array_remove_index (stack->layers, index);
  while (index < stack->layers->len && get_layer (stack, index)->printed);
}

/* What a hidden symbol hid is seen once it is gone: one pass is enough. */
void
stack_drop_hidden (Stack *stack, double min_visible, guint min_pixels)
{
  g_autofree guint *counts = count_pixels (stack);

  for (guint i = stack->layers->len; i-- > 0;) {
    const Layer *layer = get_layer (stack, i);
    if (layer->symbol == NO_SYMBOL)
      continue;
    const guint seen = counts[i + 1];
    if (seen < min_pixels || seen < min_visible * outline_area (layer->outline))
      remove_with_print (stack, i);
  }
}

/* --- Drawing ---------------------------------------------------------------------------------- */

/* Dark and light specks, to be laid over a surface again and again. */
static cairo_pattern_t *
tile_new (Dice *dice)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, TILE_SIDE, TILE_SIDE);
  guint8 *data = cairo_image_surface_get_data (surface);
  const gsize stride = (gsize) cairo_image_surface_get_stride (surface);

  for (guint y = 0; data != NULL && y < TILE_SIDE; y++) {
    guint32 *row = (guint32 *) (data + y * stride);
    for (guint x = 0; x < TILE_SIDE; x++) {
      const guint64 bits = dice_bits (dice);
      const guint32 alpha = (guint32) (bits & (bits >> 8) & 0xff);
      row[x] = bits >> 63 ? alpha * 0x01010101u : alpha << 24;
    }
  }
  cairo_surface_mark_dirty (surface);
  cairo_pattern_t *tile = cairo_pattern_create_for_surface (surface);
  cairo_pattern_set_extend (tile, CAIRO_EXTEND_REPEAT);
  cairo_surface_destroy (surface);
  return tile;
}

static void
set_color (cairo_t *cairo, Color color, double alpha)
{
  cairo_set_source_rgba (cairo, color.red, color.green, color.blue, alpha);
}

/* The source becomes a gradient over the current path. */
static void
set_gradient (cairo_t *cairo, const Paint *paint)
{
  double x0, y0, x1, y1;

  cairo_path_extents (cairo, &x0, &y0, &x1, &y1);
  const double x = (x0 + x1) / 2, y = (y0 + y1) / 2;
  const double reach = fmax (1, fmax (x1 - x0, y1 - y0) / 2);
  const double along = reach * cos (paint->angle), across = reach * sin (paint->angle);
  cairo_pattern_t *gradient =
      cairo_pattern_create_linear (x - along, y - across, x + along, y + across);
  cairo_pattern_add_color_stop_rgba (gradient, 0, paint->near.red, paint->near.green,
      paint->near.blue, paint->alpha);
  cairo_pattern_add_color_stop_rgba (gradient, 1, paint->far.red, paint->far.green, paint->far.blue,
      paint->alpha);
  cairo_set_source (cairo, gradient);
  cairo_pattern_destroy (gradient);
}

static void
draw_layer (const Layer *layer, cairo_t *cairo, cairo_pattern_t *tile)
{
  const Paint *paint = &layer->paint;

  outline_trace (layer->outline, cairo);
  if (memcmp (&paint->near, &paint->far, sizeof (Color)) == 0)
    set_color (cairo, paint->near, paint->alpha);
  else
    set_gradient (cairo, paint);
  cairo_fill_preserve (cairo);
  if (paint->grain <= 0 && paint->contour_width <= 0) {
    cairo_new_path (cairo);
    return;
  }
  cairo_save (cairo);
  cairo_clip_preserve (cairo);
  if (paint->grain > 0) {
    cairo_set_source (cairo, tile);
    cairo_paint_with_alpha (cairo, paint->grain);
  }
  if (paint->contour_width > 0) {
    set_color (cairo, paint->contour, paint->alpha);
    /* Its outer half is clipped away. */
    cairo_set_line_width (cairo, 2 * paint->contour_width);
    cairo_stroke_preserve (cairo);
  }
  cairo_restore (cairo);
  cairo_new_path (cairo);
}

void
stack_draw (const Stack *stack, cairo_t *cairo, Dice *dice)
{
  cairo_pattern_t *tile = tile_new (dice);

  for (guint i = 0; i < stack->layers->len; i++)
    draw_layer (get_layer (stack, i), cairo, tile);
  cairo_pattern_destroy (tile);
}
