/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Generated codes: what readers find them by is where it belongs; they are seen as wholes; scenes of them
 * are pure, and have something of everything.
 */
#include <math.h>
#include <string.h>

#include "scenes/background.h"
#include "scenes/composecodes.h"
#include "scenes/scene.h"

#define SIDE     512 /* pixels of a unit of the plane */
#define N_THROWN 24

typedef struct {
  Code *code;
  cairo_surface_t *surface;
} Drawn;

/* The code as it is, dark modules 255. */
static Drawn
draw (Dice *dice, CodeKind kind)
{
  Drawn drawn = { code_new (dice, kind, G_MAXDOUBLE),
    cairo_image_surface_create (CAIRO_FORMAT_A8, SIDE, SIDE) };
  const Pose pose = { .x = SIDE / 2.0,
    .y = SIDE / 2.0,
    .size = SIDE,
    .rotation = { { 1, 0 }, { 0, 1 }, { 0, 0 } },
    .distance = 10 };
  g_autoptr (Outline) seen = pose_outline (&pose, drawn.code->modules, (Point){ 0, 0 }, 1, 0);
  cairo_t *cairo = cairo_create (drawn.surface);

  outline_trace (seen, cairo);
  cairo_fill (cairo);
  cairo_destroy (cairo);
  cairo_surface_flush (drawn.surface);
  return drawn;
}

static void
clear (Drawn *drawn)
{
  cairo_surface_destroy (drawn->surface);
  code_free (drawn->code);
}

/* The middle of a module, counted from the code's upper left one; rows may be higher than modules. */
static gboolean
is_dark (const Drawn *drawn, double column, double row, double row_height)
{
  const Code *code = drawn->code;
  const double x = SIDE * (0.5 - code->width / 2 + (column + 0.5) * code->module);
  const double y = SIDE * (0.5 - code->height / 2 + (row + 0.5) * row_height);
  const guint8 *data = cairo_image_surface_get_data (drawn->surface);

  return data[(gsize) floor (y) * cairo_image_surface_get_stride (drawn->surface)
             + (gsize) floor (x)]
      > 127;
}

/* Three squares in squares, 7 modules wide, in three corners and not in the fourth (ISO/IEC 18004,
 * 6.3.3). */
static gboolean
has_finder (const Drawn *drawn, guint left, guint top)
{
  for (guint i = 0; i < 49; i++) {
    const gint x = (gint) (i % 7) - 3, y = (gint) (i / 7) - 3;
    const gint ring = MAX (ABS (x), ABS (y));
    if (is_dark (drawn, left + i % 7, top + i / 7, drawn->code->module) != (ring != 2))
      return FALSE;
  }
  return TRUE;
}

static void
test_qr (void)
{
  Dice dice = dice_new (1, 0);

  for (guint i = 0; i < N_THROWN; i++) {
    Drawn drawn = draw (&dice, CODE_QR);
    const guint n = (guint) lround (1 / drawn.code->module);
    g_assert_cmpuint (n % 4, ==, 1);
    g_assert_cmpuint (n, >=, 21);
    g_assert_true (has_finder (&drawn, 0, 0));
    g_assert_true (has_finder (&drawn, n - 7, 0));
    g_assert_true (has_finder (&drawn, 0, n - 7));
    g_assert_false (has_finder (&drawn, n - 7, n - 7));
    clear (&drawn);
  }
}

/* The left column and the lowest row are dark, the others of the border dark and light in turn (ISO/IEC
 * 16022, 5.1). */
static void
test_data_matrix (void)
{
  Dice dice = dice_new (2, 0);

  for (guint i = 0; i < N_THROWN; i++) {
    Drawn drawn = draw (&dice, CODE_DATA_MATRIX);
    const double module = drawn.code->module;
    const guint columns = (guint) lround (drawn.code->width / module);
    const guint rows = (guint) lround (drawn.code->height / module);
    for (guint row = 0; row < rows; row++)
      g_assert_true (is_dark (&drawn, 0, row, module));
    for (guint column = 0; column < columns; column++) {
      g_assert_true (is_dark (&drawn, column, rows - 1, module));
      g_assert_true (is_dark (&drawn, column, 0, module) == (column % 2 == 0));
    }
    clear (&drawn);
  }
}

/* Squares around the middle, dark and light in turn (ISO/IEC 24778, 7.1). */
static void
test_aztec (void)
{
  Dice dice = dice_new (3, 0);

  for (guint i = 0; i < N_THROWN; i++) {
    Drawn drawn = draw (&dice, CODE_AZTEC);
    const guint middle = (guint) lround (1 / drawn.code->module) / 2;
    for (guint ring = 0; ring < 5; ring++) {
      g_assert_true (
          is_dark (&drawn, middle + ring, middle, drawn.code->module) == (ring % 2 == 0));
      g_assert_true (
          is_dark (&drawn, middle, middle - ring, drawn.code->module) == (ring % 2 == 0));
    }
    clear (&drawn);
  }
}

/* Every row begins with eight dark modules, then light and dark ones (ISO/IEC 15438, 5.3). */
static void
test_pdf417 (void)
{
  static const char start[] = "11111111010101000";
  Dice dice = dice_new (4, 0);

  for (guint i = 0; i < N_THROWN; i++) {
    Drawn drawn = draw (&dice, CODE_PDF417);
    for (double y = 0.03; y < 0.98; y += 0.05) {
      for (guint column = 0; column < sizeof start - 1; column++)
        g_assert_true (is_dark (&drawn, column, y * drawn.code->height / drawn.code->module - 0.5,
                           drawn.code->module)
            == (start[column] == '1'));
    }
    clear (&drawn);
  }
}

/* Bars from the upper edge to the lower one, a dark one at each end. */
static void
test_bars (void)
{
  Dice dice = dice_new (5, 0);
  guint n_texts = 0;

  for (guint i = 0; i < N_THROWN; i++) {
    Drawn drawn = draw (&dice, CODE_BAR);
    const double module = drawn.code->module, rows = drawn.code->height / module;
    const guint n = (guint) lround (1 / module);
    guint n_dark = 0;
    g_assert_true (is_dark (&drawn, 0, rows / 2, module));
    g_assert_true (is_dark (&drawn, n - 1, rows / 2, module));
    for (guint column = 0; column < n; column++) {
      const gboolean dark = is_dark (&drawn, column, rows / 2, module);
      g_assert_true (is_dark (&drawn, column, 0.1 * rows, module) == dark);
      g_assert_true (is_dark (&drawn, column, 0.8 * rows, module) == dark);
      n_dark += dark;
    }
    g_assert_cmpuint (n_dark, >, n / 4);
    g_assert_cmpuint (n_dark, <, 3 * n / 4);
    n_texts += drawn.code->text != NULL;
    clear (&drawn);
  }
  g_assert_cmpuint (n_texts, >, N_THROWN / 2);
}

/* --- Scenes ----------------------------------------------------------------------------------- */

static Scene *
make (guint64 index, const SceneKind *kind)
{
  g_autoptr (GError) error = NULL;
  Scene *scene = scene_new (7, index, 384, 288, kind, &error);

  g_assert_no_error (error);
  return scene;
}

/* A code is one thing: its mask has no holes where it is light, and most are about as large as their
 * boxes; a narrow one that stands across its box is not. */
static void
test_masks (void)
{
  const SceneKind kind = { .codes = TRUE, .nothing = 0.2 };
  guint n_full = 0, n = 0;

  for (guint index = 0; index < 30; index++) {
    g_autoptr (Scene) scene = make (index, &kind);
    for (guint i = 0; i < scene->objects->len; i++) {
      const SceneObject *object = &g_array_index (scene->objects, SceneObject, i);
      const double share = (double) object->area / (object->mask.width * object->mask.height);
      g_assert_cmpuint (object->class_id, >=, N_SYMBOLS);
      g_assert_cmpfloat (share, >, 0.1);
      n_full += share > 0.6;
      n++;
    }
  }
  g_assert_cmpuint (n, >, 60);
  g_assert_cmpuint (n_full, >, n / 2);
}

/* Every kind of code is there, and pictures without any; with symbols, these too. */
static void
test_variety (void)
{
  const SceneKind codes = { .codes = TRUE, .nothing = 0.2 };
  const SceneKind both = { .symbols = TRUE, .codes = TRUE };
  guint counts[N_SCENE_CLASSES] = { 0 }, n_empty = 0, n_symbols = 0;

  for (guint index = 0; index < 100; index++) {
    g_autoptr (Scene) scene = make (index, &codes);
    n_empty += scene->objects->len == 0;
    for (guint i = 0; i < scene->objects->len; i++)
      counts[g_array_index (scene->objects, SceneObject, i).class_id]++;
  }
  for (guint i = 0; i < N_SCENE_CLASSES; i++)
    g_assert_true (i < N_SYMBOLS ? counts[i] == 0 : counts[i] > 4);
  g_assert_cmpuint (n_empty, >, 8);
  for (guint index = 0; index < 20; index++) {
    g_autoptr (Scene) scene = make (index, &both);
    for (guint i = 0; i < scene->objects->len; i++)
      n_symbols += g_array_index (scene->objects, SceneObject, i).class_id < N_SYMBOLS;
  }
  g_assert_cmpuint (n_symbols, >, 5);
}

/* What is printed on the code at `index` of the stack, against what it is printed on. */
static double
contrast_at (const Stack *stack, guint index)
{
  const Layer *body = &g_array_index (stack->layers, Layer, index);
  const Layer *modules = &g_array_index (stack->layers, Layer, index + 1);

  g_assert_true (modules->printed);
  return color_distance (body->paint.near, modules->paint.near);
}

/* Most codes are plain to see; some are faded, one in thirty at least, and none has gone. */
static void
test_faded (void)
{
  const SceneKind kind = { .codes = TRUE, .nothing = 0 };
  guint n_faded = 0, n = 0;

  for (guint index = 0; index < 60; index++) {
    Dice dice = dice_new (3, index);
    const Color skin = color_skin (&dice);
    cairo_surface_t *background = background_new (&dice, 384, 288, skin);
    g_autoptr (Stack) stack = compose_codes (&dice, background, skin, &kind);
    for (guint i = 0; i < stack->layers->len; i++) {
      if (g_array_index (stack->layers, Layer, i).symbol == NO_SYMBOL)
        continue;
      const double contrast = contrast_at (stack, i);
      g_assert_cmpfloat (contrast, >, 0.07);
      n_faded += contrast < 0.34;
      n++;
    }
    cairo_surface_destroy (background);
  }
  g_assert_cmpuint (n, >, 100);
  g_assert_cmpuint (30 * n_faded, >, n);
  g_assert_cmpuint (4 * n_faded, <, n);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!codes_available ())
    return 77; /* built without libzint: skipped */
  g_test_add_func ("/scenes/codes/qr", test_qr);
  g_test_add_func ("/scenes/codes/data-matrix", test_data_matrix);
  g_test_add_func ("/scenes/codes/aztec", test_aztec);
  g_test_add_func ("/scenes/codes/pdf417", test_pdf417);
  g_test_add_func ("/scenes/codes/bars", test_bars);
  g_test_add_func ("/scenes/codes/masks", test_masks);
  g_test_add_func ("/scenes/codes/variety", test_variety);
  g_test_add_func ("/scenes/codes/faded", test_faded);
  return g_test_run ();
}
