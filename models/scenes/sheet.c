/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sheet to print and hold before a camera.
 */
#include "sheet.h"

#include "codes.h"
#include "color.h"
#include "support/plot.h"
#include "symbols.h"

/* A4 in points of 1/72 inch. */
#define WIDTH   595.276
#define HEIGHT  841.89
#define COLUMNS 2
#define ROWS    3
/* The symbols' own size, and the room that each has. */
#define SIZE       190.0
#define CELL       255.0
#define LABEL_SIZE 20.0
#define LABEL_DOWN 112.0 /* from a symbol's middle to its name */
/* Pixels per point. */
#define PREVIEW_SCALE 1.0

#define N_CELLS (COLUMNS * ROWS)

G_STATIC_ASSERT (N_CELLS == N_SYMBOLS);

/* Strong colours that print well, each as dark as its neighbours on a grey printer. */
static const Color inks[N_SYMBOLS] = {
  [SYMBOL_ARROW] = { 0.05, 0.35, 0.75 },
  [SYMBOL_CROSS] = { 0.05, 0.5, 0.25 },
  [SYMBOL_HEART] = { 0.8, 0.1, 0.15 },
  [SYMBOL_MOON] = { 0.4, 0.2, 0.6 },
  [SYMBOL_RING] = { 0.1, 0.1, 0.1 },
  [SYMBOL_STAR] = { 0.85, 0.4, 0 },
};

static void
draw_text (const Plot *plot, double x, double y, double size, const char *text)
{
  PangoFontDescription *font = pango_font_description_from_string ("Sans");
  int width;

  pango_font_description_set_absolute_size (font, size * PANGO_SCALE);
  pango_layout_set_font_description (plot->layout, font);
  pango_layout_set_text (plot->layout, text, -1);
  pango_layout_get_size (plot->layout, &width, NULL);
  cairo_set_source_rgb (plot->cairo, 0.2, 0.2, 0.2);
  cairo_move_to (plot->cairo, x - width / (2.0 * PANGO_SCALE), y);
  pango_cairo_show_layout (plot->cairo, plot->layout);
  pango_font_description_free (font);
}

static void
draw_outline (const Plot *plot, const Outline *outline, Color ink, double x, double y)
{
  cairo_save (plot->cairo);
  cairo_translate (plot->cairo, x, y);
  cairo_scale (plot->cairo, SIZE, SIZE);
  outline_trace (outline, plot->cairo);
  cairo_restore (plot->cairo);
  cairo_set_source_rgb (plot->cairo, ink.red, ink.green, ink.blue);
  cairo_fill (plot->cairo);
}

/* The middle of the sheet's cell i, along the rows. */
static Point
middle_of (guint i)
{
  return (Point){ WIDTH / 2 + (i % COLUMNS - (COLUMNS - 1) / 2.0) * CELL,
    HEIGHT / 2 + (i / COLUMNS - (ROWS - 1) / 2.0) * CELL - 10 };
}

static void
draw_symbols (const Plot *plot, gconstpointer data)
{
  for (guint i = 0; i < N_CELLS; i++) {
    const Point at = middle_of (i);
    g_autoptr (Outline) outline = symbol_outline ((Symbol) i);
    draw_outline (plot, outline, inks[i], at.x, at.y);
    draw_text (plot, at.x, at.y + LABEL_DOWN, LABEL_SIZE, symbol_name ((Symbol) i));
  }
}

/* One of each kind, and a second bar code: most of what is found in a house are bar codes. */
static void
draw_codes (const Plot *plot, gconstpointer data)
{
  static const CodeKind kinds[N_CELLS] = { CODE_QR, CODE_BAR, CODE_DATA_MATRIX, CODE_AZTEC,
    CODE_PDF417, CODE_BAR };
  static const char *const texts[N_CELLS] = { "fbnet finds QR codes", "fbnet", "fbnet: Data Matrix",
    "fbnet finds Aztec codes", "fbnet finds PDF417, which tickets and boarding passes show",
    "0123456789" };
  const Color black = { 0, 0, 0 };

  for (guint i = 0; i < N_CELLS; i++) {
    const Point at = middle_of (i);
    g_autoptr (Code) code = code_of_text (kinds[i], texts[i]);
    draw_outline (plot, code->modules, black, at.x, at.y);
    draw_text (plot, at.x, at.y + LABEL_DOWN, LABEL_SIZE, code_name (kinds[i]));
  }
}

gboolean
sheet_write (const char *path, gboolean codes, GError **error)
{
  const PlotPage page = { WIDTH, HEIGHT, PREVIEW_SCALE,
    codes ? "fbnet: codes to detect" : "fbnet: symbols to detect" };

  return plot_write (path, &page, codes ? draw_codes : draw_symbols, NULL, error);
}
