/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sheet to print and hold before a camera.
 */
#include "sheet.h"

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

G_STATIC_ASSERT (COLUMNS *ROWS == N_SYMBOLS);

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
draw_symbol (const Plot *plot, Symbol symbol, double x, double y)
{
  const Color ink = inks[symbol];
  g_autoptr (Outline) outline = symbol_outline (symbol);

  cairo_save (plot->cairo);
  cairo_translate (plot->cairo, x, y);
  cairo_scale (plot->cairo, SIZE, SIZE);
  outline_trace (outline, plot->cairo);
  cairo_restore (plot->cairo);
  cairo_set_source_rgb (plot->cairo, ink.red, ink.green, ink.blue);
  cairo_fill (plot->cairo);
  draw_text (plot, x, y + LABEL_DOWN, LABEL_SIZE, symbol_name (symbol));
}

static void
draw_sheet (const Plot *plot, gconstpointer data)
{
  for (guint i = 0; i < N_SYMBOLS; i++) {
    const double x = WIDTH / 2 + (i % COLUMNS - (COLUMNS - 1) / 2.0) * CELL;
    const double y = HEIGHT / 2 + (i / COLUMNS - (ROWS - 1) / 2.0) * CELL - 10;
    draw_symbol (plot, (Symbol) i, x, y);
  }
}

gboolean
sheet_write (const char *path, GError **error)
{
  const PlotPage page = { WIDTH, HEIGHT, PREVIEW_SCALE, "fbnet: symbols to detect" };

  return plot_write (path, &page, draw_sheet, NULL, error);
}
