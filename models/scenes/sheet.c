/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sheet to print and hold before a camera.
 */
#include "sheet.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <pango/pangocairo.h>

#include "color.h"
#include "support/files.h"
#include "fbnet/fbnet.h"
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
draw_text (cairo_t *cairo, double x, double y, double size, const char *text)
{
  PangoLayout *layout = pango_cairo_create_layout (cairo);
  PangoFontDescription *font = pango_font_description_from_string ("Sans");
  int width;
  pango_font_description_set_absolute_size (font, size * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_layout_set_text (layout, text, -1);
  pango_layout_get_size (layout, &width, NULL);
  cairo_set_source_rgb (cairo, 0.2, 0.2, 0.2);
  cairo_move_to (cairo, x - width / (2.0 * PANGO_SCALE), y);
  pango_cairo_show_layout (cairo, layout);
  pango_font_description_free (font);
  g_object_unref (layout);
}

static void
draw_symbol (cairo_t *cairo, Symbol symbol, double x, double y)
{
  const Color ink = inks[symbol];
  g_autoptr (Outline) outline = symbol_outline (symbol);
  cairo_save (cairo);
  cairo_translate (cairo, x, y);
  cairo_scale (cairo, SIZE, SIZE);
  outline_trace (outline, cairo);
  cairo_restore (cairo);
  cairo_set_source_rgb (cairo, ink.red, ink.green, ink.blue);
  cairo_fill (cairo);
  draw_text (cairo, x, y + LABEL_DOWN, LABEL_SIZE, symbol_name (symbol));
}

static void
draw_sheet (cairo_t *cairo)
{
  cairo_set_source_rgb (cairo, 1, 1, 1);
  cairo_paint (cairo);
  for (guint i = 0; i < N_SYMBOLS; i++) {
    const double x = WIDTH / 2 + (i % COLUMNS - (COLUMNS - 1) / 2.0) * CELL;
    const double y = HEIGHT / 2 + (i / COLUMNS - (ROWS - 1) / 2.0) * CELL - 10;
    draw_symbol (cairo, (Symbol) i, x, y);
  }
}

static cairo_status_t
append_bytes (void *closure, const unsigned char *data, unsigned int length)
{
  g_byte_array_append (closure, data, length);
  return CAIRO_STATUS_SUCCESS;
}

static cairo_surface_t *
surface_new (const char *path, GByteArray *file)
{
  if (g_str_has_suffix (path, ".svg"))
    return cairo_svg_surface_create_for_stream (append_bytes, file, WIDTH, HEIGHT);
  if (g_str_has_suffix (path, ".png"))
    return cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) (WIDTH * PREVIEW_SCALE),
        (int) (HEIGHT * PREVIEW_SCALE));
  cairo_surface_t *surface =
      cairo_pdf_surface_create_for_stream (append_bytes, file, WIDTH, HEIGHT);
  /* The same sheet is the same file. */
  cairo_pdf_surface_set_metadata (surface, CAIRO_PDF_METADATA_CREATE_DATE, "2024-01-01T00:00:00Z");
  cairo_pdf_surface_set_metadata (surface, CAIRO_PDF_METADATA_TITLE, "fbnet: symbols to detect");
  return surface;
}

static cairo_status_t
draw_file (const char *path, GByteArray *file)
{
  cairo_surface_t *surface = surface_new (path, file);
  cairo_t *cairo = cairo_create (surface);
  const gboolean preview = g_str_has_suffix (path, ".png");
  if (preview)
    cairo_scale (cairo, PREVIEW_SCALE, PREVIEW_SCALE);
  draw_sheet (cairo);
  cairo_status_t status = cairo_status (cairo);
  cairo_destroy (cairo);
  if (preview && status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_write_to_png_stream (surface, append_bytes, file);
  cairo_surface_finish (surface);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_status (surface);
  cairo_surface_destroy (surface);
  return status;
}

gboolean
sheet_has_format (const char *path)
{
  return g_str_has_suffix (path, ".pdf") || g_str_has_suffix (path, ".svg")
      || g_str_has_suffix (path, ".png");
}

gboolean
sheet_write (const char *path, GError **error)
{
  g_return_val_if_fail (sheet_has_format (path), FALSE);
  g_autoptr (GByteArray) file = g_byte_array_new ();
  const cairo_status_t status = draw_file (path, file);
  if (status == CAIRO_STATUS_SUCCESS)
    return file_write (path, file->data, file->len, error);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: cannot draw: %s", path,
      cairo_status_to_string (status));
  return FALSE;
}
