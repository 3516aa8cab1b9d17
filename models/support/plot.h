/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What curves and other drawings share: words, lines, colours, and the files that they end up in.
 */
#ifndef FBNET_SUPPORT_PLOT_H
#define FBNET_SUPPORT_PLOT_H

#include <pango/pangocairo.h>

/* Lengths are in points. */
typedef struct {
  cairo_t *cairo;
  PangoLayout *layout;
} Plot;

typedef enum {
  ALIGN_LEFT,
  ALIGN_CENTER,
  ALIGN_RIGHT,
} PlotAlign;

/* y is the middle of the line. */
void plot_text (const Plot *plot, const char *text, double size, double x, double y,
    PlotAlign align);

/* From below to above, around this point. */
void plot_text_upwards (const Plot *plot, const char *text, double size, double x, double y);

void plot_line (const Plot *plot, double x0, double y0, double x1, double y1);

/* 0: black; 1: white. */
void plot_set_grey (const Plot *plot, double grey);

/* From violet (0) to yellow-green (1), of growing lightness: apart in print and for the colour-blind. */
void plot_set_color (const Plot *plot, double place);

typedef void (*PlotDraw) (const Plot *plot, gconstpointer data);

typedef struct {
  double width, height;
  double png_scale;  /* pixels a point */
  const char *title; /* in a PDF's metadata */
} PlotPage;

/* FALSE with error when the path that an option was given ends like none of the formats: .pdf, .svg, .png.
 * NULL: it was not given. */
gboolean plot_check_format (const char *option, const char *path, GError **error);

/* In the format that `path` ends like; the file is replaced only when all of it was drawn. */
gboolean plot_write (const char *path, const PlotPage *page, PlotDraw draw, gconstpointer data,
    GError **error);

#endif
