/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Things on top of each other: what is said to be seen is what is drawn.
 */
#include "scenes/stack.h"

#define WIDTH  80
#define HEIGHT 60

static const Color red = { 1, 0, 0 }, blue = { 0, 0, 1 };

static void
add (Stack *stack, double x0, double x1, Color color, double alpha, gint symbol)
{
  Paint paint = paint_flat (color);

  paint.alpha = alpha;
  stack_add (stack, outline_rectangle (x0, 10, x1, 30), &paint, symbol);
}

static guint
count (const Stack *stack, guint16 owner)
{
  g_autofree guint16 *owners = stack_see (stack);
  guint n = 0;

  for (guint i = 0; i < WIDTH * HEIGHT; i++)
    n += owners[i] == owner;
  return n;
}

/* Every symbol, bent and from aside: its pixels are those that are drawn at least by half. */
static void
test_drawn_is_seen (void)
{
  for (gint symbol = 0; symbol < N_SYMBOLS; symbol++) {
    g_autoptr (Stack) stack = stack_new (WIDTH, HEIGHT);
    g_autoptr (Outline) flat = symbol_outline ((Symbol) symbol);
    Pose pose = pose_new (60, 30, 40, 0.3, 0.5, -0.3); /* partly beyond the picture's edge */
    pose.bend = 0.3;
    const Paint paint = paint_flat (red);
    stack_add (stack, pose_outline (&pose, flat, (Point){ 0, 0 }, 1, 0), &paint, symbol);

    cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
    cairo_t *cairo = cairo_create (surface);
    Dice dice = dice_new (0, 0);
    stack_draw (stack, cairo, &dice);
    cairo_destroy (cairo);
    cairo_surface_flush (surface);
    g_autofree guint16 *owners = stack_see (stack);
    const guint8 *data = cairo_image_surface_get_data (surface);
    guint n = 0;
    for (guint y = 0; y < HEIGHT; y++) {
      const guint32 *row =
          (const guint32 *) (data + (gsize) y * cairo_image_surface_get_stride (surface));
      for (guint x = 0; x < WIDTH; x++) {
        g_assert_cmpuint (owners[y * WIDTH + x], ==, (row[x] >> 16 & 0xff) >= 128);
        n += owners[y * WIDTH + x];
      }
    }
    g_assert_cmpuint (n, >, 200);
    cairo_surface_destroy (surface);
  }
}

/* What lies on top hides, unless one can see through it. */
static void
test_hiding (void)
{
  g_autoptr (Stack) stack = stack_new (WIDTH, HEIGHT);

  add (stack, 10, 30, red, 1, SYMBOL_STAR);
  g_assert_cmpuint (count (stack, 1), ==, 20 * 20);
  add (stack, 20, 40, blue, 0.5, NO_SYMBOL);
  g_assert_cmpuint (count (stack, 1), ==, 20 * 20);
  add (stack, 25, 40, blue, 1, NO_SYMBOL);
  g_assert_cmpuint (count (stack, 1), ==, 15 * 20);
  add (stack, 12, 17, blue, 1, SYMBOL_RING);
  g_assert_cmpuint (count (stack, 1), ==, 10 * 20);
  g_assert_cmpuint (count (stack, 4), ==, 5 * 20);
}

/* Hidden symbols go, whether something covers them or the picture ends; what is only a thing stays. */
static void
test_drop (void)
{
  g_autoptr (Stack) stack = stack_new (WIDTH, HEIGHT);

  add (stack, 10, 30, red, 1, SYMBOL_STAR); /* 5 of 20 columns are seen */
  add (stack, 15, 45, blue, 1, NO_SYMBOL);
  add (stack, 50, 70, red, 1, SYMBOL_RING);  /* all */
  add (stack, 75, 95, red, 1, SYMBOL_HEART); /* 5 of 20 */
  add (stack, 200, 220, blue, 1, NO_SYMBOL);
  add (stack, 46, 48, red, 1, SYMBOL_CROSS); /* all, but little */
  stack_drop_hidden (stack, 0.3, 50);
  g_assert_cmpuint (stack->layers->len, ==, 3);
  g_assert_cmpint (g_array_index (stack->layers, Layer, 1).symbol, ==, SYMBOL_RING);
  stack_drop_hidden (stack, 0.3, 50);
  g_assert_cmpuint (stack->layers->len, ==, 3);
}

/* What is printed on a thing hides nothing of it, is hidden with it, and goes with it. */
static void
test_print (void)
{
  g_autoptr (Stack) stack = stack_new (WIDTH, HEIGHT);
  const Paint ink = paint_flat (blue);

  add (stack, 10, 30, red, 1, SYMBOL_STAR);
  stack_print (stack, outline_rectangle (12, 10, 28, 30), &ink);
  stack_print (stack, outline_rectangle (14, 12, 20, 20), &ink);
  g_assert_cmpuint (count (stack, 1), ==, 20 * 20);
  add (stack, 25, 40, blue, 1, NO_SYMBOL);
  g_assert_cmpuint (count (stack, 1), ==, 15 * 20);
  stack_drop_hidden (stack, 0.9, 1);
  g_assert_cmpuint (stack->layers->len, ==, 1);
  g_assert_cmpint (g_array_index (stack->layers, Layer, 0).symbol, ==, NO_SYMBOL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scenes/stack/drawn-is-seen", test_drawn_is_seen);
  g_test_add_func ("/scenes/stack/hiding", test_hiding);
  g_test_add_func ("/scenes/stack/drop", test_drop);
  g_test_add_func ("/scenes/stack/print", test_print);
  return g_test_run ();
}
