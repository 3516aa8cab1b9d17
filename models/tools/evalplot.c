/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Precision over recall, with cairo and pango.
 */
#include "evalplot.h"

#include <cairo-svg.h>
#include <pango/pangocairo.h>

#include "fbnet/fbnet.h"
#include "files.h"

/* In points. */
#define SIDE          320.0 /* of the square of recall and precision */
#define MARGIN_LEFT   58.0
#define MARGIN_TOP    44.0
#define MARGIN_BOTTOM 50.0
#define LEGEND_WIDTH  142.0
#define PANEL_WIDTH   (MARGIN_LEFT + SIDE + LEGEND_WIDTH)
#define PANEL_HEIGHT  (MARGIN_TOP + SIDE + MARGIN_BOTTOM)
/* Pixels a point in PNG files. */
#define PNG_SCALE 2.0

typedef struct {
  cairo_t *cairo;
  PangoLayout *layout;
  double left, top; /* of the square */
} Panel;

static const char *const titles[COCO_N_KINDS] = {
  [COCO_BOX] = "Boxes",
  [COCO_MASK] = "Masks",
  [COCO_KEYPOINTS] = "Keypoints",
};

/* --- Words ------------------------------------------------------------------------------------ */

typedef enum {
  ALIGN_LEFT,
  ALIGN_CENTER,
  ALIGN_RIGHT,
} Align;

static void
draw_text (const Panel *panel, const char *text, double size, double x, double y, Align align)
{
  PangoFontDescription *font = pango_font_description_from_string ("Sans");
  pango_font_description_set_absolute_size (font, size * PANGO_SCALE);
  pango_layout_set_font_description (panel->layout, font);
  pango_font_description_free (font);
  pango_layout_set_text (panel->layout, text, -1);
  int width, height;
  pango_layout_get_pixel_size (panel->layout, &width, &height);
  cairo_move_to (panel->cairo, x - align * width / 2.0, y - height / 2.0);
  pango_cairo_show_layout (panel->cairo, panel->layout);
}

static void
set_grey (const Panel *panel, double grey)
{
  cairo_set_source_rgb (panel->cairo, grey, grey, grey);
}

/* --- Axes ------------------------------------------------------------------------------------- */

static void
draw_line (const Panel *panel, double x0, double y0, double x1, double y1)
{
  cairo_move_to (panel->cairo, x0, y0);
  cairo_line_to (panel->cairo, x1, y1);
  cairo_stroke (panel->cairo);
}

static void
draw_grid (const Panel *panel)
{
  const double right = panel->left + SIDE, bottom = panel->top + SIDE;
  cairo_set_line_width (panel->cairo, 0.7);
  for (guint i = 0; i <= 5; i++) {
    const double x = panel->left + SIDE * i / 5, y = bottom - SIDE * i / 5;
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd (number, sizeof number, "%.1f", i / 5.0);
    set_grey (panel, i == 0 ? 0.4 : 0.87);
    draw_line (panel, x, panel->top, x, bottom);
    draw_line (panel, panel->left, y, right, y);
    set_grey (panel, 0.35);
    draw_text (panel, number, 11, x, bottom + 12, ALIGN_CENTER);
    draw_text (panel, number, 11, panel->left - 8, y, ALIGN_RIGHT);
  }
}

static void
draw_axis_names (const Panel *panel)
{
  set_grey (panel, 0.2);
  draw_text (panel, "recall", 12, panel->left + SIDE / 2, panel->top + SIDE + 32, ALIGN_CENTER);
  cairo_save (panel->cairo);
  cairo_translate (panel->cairo, panel->left - 42, panel->top + SIDE / 2);
  cairo_rotate (panel->cairo, -G_PI / 2);
  draw_text (panel, "precision", 12, 0, 0, ALIGN_CENTER);
  cairo_restore (panel->cairo);
}

/* --- Curves ----------------------------------------------------------------------------------- */

/* From violet to yellow-green, of growing lightness: apart in print and for the colour-blind. */
static void
set_curve_color (const Panel *panel, guint threshold)
{
  static const double stops[][3] = { { 0.27, 0.00, 0.33 }, { 0.23, 0.32, 0.55 },
    { 0.13, 0.57, 0.55 }, { 0.30, 0.73, 0.40 }, { 0.78, 0.80, 0.12 } };
  const double place = (double) threshold / (COCO_N_IOUS - 1) * (G_N_ELEMENTS (stops) - 1);
  const guint stop = MIN ((guint) place, (guint) G_N_ELEMENTS (stops) - 2);
  const double *from = stops[stop], *to = stops[stop + 1], share = place - stop;
  cairo_set_source_rgb (panel->cairo, from[0] + share * (to[0] - from[0]),
      from[1] + share * (to[1] - from[1]), from[2] + share * (to[2] - from[2]));
}

/* Over the classes that have objects; FALSE: none has. */
static gboolean
mean_precision (const CocoEval *eval, guint threshold, guint recall, double *mean)
{
  double sum = 0;
  guint n = 0;
  for (guint i = 0; i < eval->n_categories; i++) {
    const double precision = eval->categories[i].precision[threshold][recall][0];
    sum += MAX (precision, 0);
    n += precision >= 0;
  }
  *mean = n > 0 ? sum / n : 0;
  return n > 0;
}

static void
draw_curve (const Panel *panel, const CocoEval *eval, guint threshold)
{
  cairo_new_path (panel->cairo);
  for (guint r = 0; r < COCO_N_RECALLS; r++) {
    double precision;
    if (!mean_precision (eval, threshold, r, &precision))
      return;
    cairo_line_to (panel->cairo, panel->left + SIDE * r / (COCO_N_RECALLS - 1),
        panel->top + SIDE * (1 - precision));
  }
  set_curve_color (panel, threshold);
  cairo_set_line_width (panel->cairo, 1.8);
  cairo_set_line_join (panel->cairo, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke (panel->cairo);
}

static double
threshold_ap (const CocoEval *eval, guint threshold)
{
  const CocoMetric metric = { .threshold = (gint) threshold, .max_count = COCO_N_MAX_COUNTS - 1 };
  return coco_eval_measure (eval, &metric);
}

static char *
format_ap (double ap)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_formatd (number, sizeof number, "%.3f", ap);
  return g_strdup (ap < 0 ? "–" : number);
}

static void
draw_legend (const Panel *panel, const CocoEval *eval)
{
  const double x = panel->left + SIDE + 16;
  set_grey (panel, 0.35);
  draw_text (panel, eval->kind == COCO_KEYPOINTS ? "OKS" : "IoU", 11, x + 24, panel->top + 6,
      ALIGN_LEFT);
  draw_text (panel, "AP", 11, x + 104, panel->top + 6, ALIGN_RIGHT);
  for (guint t = 0; t < COCO_N_IOUS; t++) {
    const double y = panel->top + 26 + 18 * t;
    char threshold[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd (threshold, sizeof threshold, "%.2f", coco_iou_threshold (t));
    g_autofree char *ap = format_ap (threshold_ap (eval, t));
    set_curve_color (panel, t);
    cairo_set_line_width (panel->cairo, 3);
    draw_line (panel, x, y, x + 16, y);
    set_grey (panel, 0.2);
    draw_text (panel, threshold, 11, x + 24, y, ALIGN_LEFT);
    draw_text (panel, ap, 11, x + 104, y, ALIGN_RIGHT);
  }
}

static void
draw_panel (const Panel *panel, const CocoEval *eval)
{
  g_autofree char *ap = format_ap (coco_eval_get (eval, "AP"));
  g_autofree char *title = g_strdup_printf ("%s: AP %s", titles[eval->kind], ap);
  set_grey (panel, 0.1);
  draw_text (panel, title, 15, panel->left, panel->top - 22, ALIGN_LEFT);
  draw_grid (panel);
  draw_axis_names (panel);
  /* The strictest first, so that the best-known curve, 0.50, lies on top. */
  for (guint t = COCO_N_IOUS; t-- > 0;)
    draw_curve (panel, eval, t);
  draw_legend (panel, eval);
}

static void
draw_panels (cairo_t *cairo, const CocoEval *const evals[COCO_N_KINDS])
{
  cairo_set_source_rgb (cairo, 1, 1, 1);
  cairo_paint (cairo);
  Panel panel = { cairo, pango_cairo_create_layout (cairo), MARGIN_LEFT, MARGIN_TOP };
  for (guint kind = 0; kind < COCO_N_KINDS; kind++) {
    if (!evals[kind])
      continue;
    draw_panel (&panel, evals[kind]);
    panel.left += PANEL_WIDTH;
  }
  g_object_unref (panel.layout);
}

/* --- Files ------------------------------------------------------------------------------------ */

static cairo_status_t
append_bytes (void *closure, const unsigned char *data, unsigned int length)
{
  g_byte_array_append (closure, data, length);
  return CAIRO_STATUS_SUCCESS;
}

static cairo_status_t
draw_svg (GByteArray *file, const CocoEval *const evals[COCO_N_KINDS], double width, double height)
{
  cairo_surface_t *surface =
      cairo_svg_surface_create_for_stream (append_bytes, file, width, height);
  cairo_t *cairo = cairo_create (surface);
  draw_panels (cairo, evals);
  cairo_destroy (cairo);
  cairo_surface_finish (surface);
  const cairo_status_t status = cairo_surface_status (surface);
  cairo_surface_destroy (surface);
  return status;
}

static cairo_status_t
draw_png (GByteArray *file, const CocoEval *const evals[COCO_N_KINDS], double width, double height)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24,
      (int) (width * PNG_SCALE), (int) (height * PNG_SCALE));
  cairo_t *cairo = cairo_create (surface);
  cairo_scale (cairo, PNG_SCALE, PNG_SCALE);
  draw_panels (cairo, evals);
  cairo_destroy (cairo);
  const cairo_status_t status = cairo_surface_write_to_png_stream (surface, append_bytes, file);
  cairo_surface_destroy (surface);
  return status;
}

gboolean
eval_plot (const CocoEval *const evals[COCO_N_KINDS], const char *path, GError **error)
{
  guint n = 0;
  for (guint kind = 0; kind < COCO_N_KINDS; kind++)
    n += evals[kind] != NULL;
  g_autoptr (GByteArray) file = g_byte_array_new ();
  const cairo_status_t status = g_str_has_suffix (path, ".svg")
      ? draw_svg (file, evals, n * PANEL_WIDTH, PANEL_HEIGHT)
      : draw_png (file, evals, n * PANEL_WIDTH, PANEL_HEIGHT);
  if (status != CAIRO_STATUS_SUCCESS) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: cannot draw: %s", path,
        cairo_status_to_string (status));
    return FALSE;
  }
  return file_write (path, file->data, file->len, error);
}
