/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drawings with cairo and pango.
 */
#include "plot.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>

#include "fbnet/fbnet.h"
#include "files.h"

void
plot_text (const Plot *plot, const char *text, double size, double x, double y, PlotAlign align)
{
  PangoFontDescription *font = pango_font_description_from_string ("Sans");
  pango_font_description_set_absolute_size (font, size * PANGO_SCALE);
  pango_layout_set_font_description (plot->layout, font);
  pango_font_description_free (font);
  pango_layout_set_text (plot->layout, text, -1);
  int width, height;
  pango_layout_get_pixel_size (plot->layout, &width, &height);
  cairo_move_to (plot->cairo, x - align * width / 2.0, y - height / 2.0);
  pango_cairo_show_layout (plot->cairo, plot->layout);
}

void
plot_text_upwards (const Plot *plot, const char *text, double size, double x, double y)
{
  cairo_save (plot->cairo);
  cairo_translate (plot->cairo, x, y);
  cairo_rotate (plot->cairo, -G_PI / 2);
  plot_text (plot, text, size, 0, 0, ALIGN_CENTER);
  cairo_restore (plot->cairo);
}

void
plot_line (const Plot *plot, double x0, double y0, double x1, double y1)
{
  cairo_move_to (plot->cairo, x0, y0);
  cairo_line_to (plot->cairo, x1, y1);
  cairo_stroke (plot->cairo);
}

void
plot_set_grey (const Plot *plot, double grey)
{
  cairo_set_source_rgb (plot->cairo, grey, grey, grey);
}

void
plot_set_color (const Plot *plot, double place)
{
  static const double stops[][3] = { { 0.27, 0.00, 0.33 }, { 0.23, 0.32, 0.55 },
    { 0.13, 0.57, 0.55 }, { 0.30, 0.73, 0.40 }, { 0.78, 0.80, 0.12 } };
  const double at = place * (G_N_ELEMENTS (stops) - 1);
  const guint stop = MIN ((guint) at, (guint) G_N_ELEMENTS (stops) - 2);
  const double *from = stops[stop], *to = stops[stop + 1], share = at - stop;
  cairo_set_source_rgb (plot->cairo, from[0] + share * (to[0] - from[0]),
      from[1] + share * (to[1] - from[1]), from[2] + share * (to[2] - from[2]));
}

/* --- Files ------------------------------------------------------------------------------------ */

/* On white. */
static void
draw_on (cairo_surface_t *surface, double scale, PlotDraw draw, gconstpointer data)
{
  cairo_t *cairo = cairo_create (surface);
  const Plot plot = { cairo, pango_cairo_create_layout (cairo) };

  cairo_scale (cairo, scale, scale);
  cairo_set_source_rgb (cairo, 1, 1, 1);
  cairo_paint (cairo);
  draw (&plot, data);
  g_object_unref (plot.layout);
  cairo_destroy (cairo);
}

static cairo_status_t
append_bytes (void *closure, const unsigned char *data, unsigned int length)
{
  g_byte_array_append (closure, data, length);
  return CAIRO_STATUS_SUCCESS;
}

static cairo_surface_t *
svg_new (const PlotPage *page, GByteArray *file)
{
  return cairo_svg_surface_create_for_stream (append_bytes, file, page->width, page->height);
}

static cairo_surface_t *
pdf_new (const PlotPage *page, GByteArray *file)
{
  cairo_surface_t *surface =
      cairo_pdf_surface_create_for_stream (append_bytes, file, page->width, page->height);

  /* The same drawing is the same file. */
  cairo_pdf_surface_set_metadata (surface, CAIRO_PDF_METADATA_CREATE_DATE, "2024-01-01T00:00:00Z");
  cairo_pdf_surface_set_metadata (surface, CAIRO_PDF_METADATA_TITLE, page->title);
  return surface;
}

static cairo_surface_t *
png_new (const PlotPage *page, GByteArray *file)
{
  return cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) (page->width * page->png_scale),
      (int) (page->height * page->png_scale));
}

static const struct {
  const char *ending;
  cairo_surface_t *(*new_surface) (const PlotPage *page, GByteArray *file);
  gboolean pixels; /* else the surface writes the file itself */
} formats[] = {
  { ".pdf", pdf_new, FALSE },
  { ".svg", svg_new, FALSE },
  { ".png", png_new, TRUE },
};

/* G_N_ELEMENTS (formats): the path ends like none of them. */
static guint
find_format (const char *path)
{
  guint i = 0;

  while (i < G_N_ELEMENTS (formats) && !g_str_has_suffix (path, formats[i].ending))
    i++;
  return i;
}

gboolean
plot_check_format (const char *option, const char *path, GError **error)
{
  if (path == NULL || find_format (path) < G_N_ELEMENTS (formats))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "%s: expected a file name that ends in .pdf, .svg or .png, found \"%s\"", option, path);
  return FALSE;
}

gboolean
plot_write (const char *path, const PlotPage *page, PlotDraw draw, gconstpointer data,
    GError **error)
{
  const guint format = find_format (path);

  g_return_val_if_fail (format < G_N_ELEMENTS (formats), FALSE);
  g_autoptr (GByteArray) file = g_byte_array_new ();
  const gboolean pixels = formats[format].pixels;
  cairo_surface_t *surface = formats[format].new_surface (page, file);
  draw_on (surface, pixels ? page->png_scale : 1, draw, data);
  cairo_status_t status = CAIRO_STATUS_SUCCESS;
  if (pixels)
    status = cairo_surface_write_to_png_stream (surface, append_bytes, file);
  cairo_surface_finish (surface);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_status (surface);
  cairo_surface_destroy (surface);
  if (status == CAIRO_STATUS_SUCCESS)
    return file_write (path, file->data, file->len, error);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: cannot draw: %s", path,
      cairo_status_to_string (status));
  return FALSE;
}
