/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Curves with cairo and pango; see plot.h.
 */
#include "plot.h"

#include <cairo-svg.h>

#include "fbnet/fbnet.h"
#include "files.h"

/* Pixels a point in PNG files. */
#define PNG_SCALE 2.0

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

static cairo_status_t
write_svg (GByteArray *file, double width, double height, PlotDraw draw, gconstpointer data)
{
  cairo_surface_t *surface =
      cairo_svg_surface_create_for_stream (append_bytes, file, width, height);
  draw_on (surface, 1, draw, data);
  cairo_surface_finish (surface);
  const cairo_status_t status = cairo_surface_status (surface);
  cairo_surface_destroy (surface);
  return status;
}

static cairo_status_t
write_png (GByteArray *file, double width, double height, PlotDraw draw, gconstpointer data)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24,
      (int) (width * PNG_SCALE), (int) (height * PNG_SCALE));
  draw_on (surface, PNG_SCALE, draw, data);
  const cairo_status_t status = cairo_surface_write_to_png_stream (surface, append_bytes, file);
  cairo_surface_destroy (surface);
  return status;
}

gboolean
plot_has_format (const char *path)
{
  return g_str_has_suffix (path, ".svg") || g_str_has_suffix (path, ".png");
}

gboolean
plot_write (const char *path, double width, double height, PlotDraw draw, gconstpointer data,
    GError **error)
{
  g_autoptr (GByteArray) file = g_byte_array_new ();
  const cairo_status_t status = g_str_has_suffix (path, ".svg")
      ? write_svg (file, width, height, draw, data)
      : write_png (file, width, height, draw, data);
  if (status != CAIRO_STATUS_SUCCESS) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: cannot draw: %s", path,
        cairo_status_to_string (status));
    return FALSE;
  }
  return file_write (path, file->data, file->len, error);
}
