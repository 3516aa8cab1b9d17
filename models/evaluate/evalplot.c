/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Precision over recall, with cairo and pango.
 */
#include "evalplot.h"

#include "support/plot.h"

/* In points. */
#define SIDE          320.0 /* of the square of recall and precision */
#define MARGIN_LEFT   58.0
#define MARGIN_TOP    44.0
#define MARGIN_BOTTOM 50.0
#define LEGEND_WIDTH  142.0
#define PANEL_WIDTH   (MARGIN_LEFT + SIDE + LEGEND_WIDTH)
#define PANEL_HEIGHT  (MARGIN_TOP + SIDE + MARGIN_BOTTOM)
/* Pixels a point. */
#define PNG_SCALE 2.0

typedef struct {
  const Plot *plot;
  double left, top; /* of the square */
} Panel;

static const char *const titles[COCO_N_KINDS] = {
  [COCO_BOX] = "Boxes",
  [COCO_MASK] = "Masks",
  [COCO_KEYPOINTS] = "Keypoints",
};

/* --- Axes ------------------------------------------------------------------------------------- */

static void
draw_grid (const Panel *panel)
{
  const double right = panel->left + SIDE, bottom = panel->top + SIDE;
  cairo_set_line_width (panel->plot->cairo, 0.7);
  for (guint i = 0; i <= 5; i++) {
    const double x = panel->left + SIDE * i / 5, y = bottom - SIDE * i / 5;
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd (number, sizeof number, "%.1f", i / 5.0);
    plot_set_grey (panel->plot, i == 0 ? 0.4 : 0.87);
    plot_line (panel->plot, x, panel->top, x, bottom);
    plot_line (panel->plot, panel->left, y, right, y);
    plot_set_grey (panel->plot, 0.35);
    plot_text (panel->plot, number, 11, x, bottom + 12, ALIGN_CENTER);
    plot_text (panel->plot, number, 11, panel->left - 8, y, ALIGN_RIGHT);
  }
}

static void
draw_axis_names (const Panel *panel)
{
  plot_set_grey (panel->plot, 0.2);
  plot_text (panel->plot, "recall", 12, panel->left + SIDE / 2, panel->top + SIDE + 32,
      ALIGN_CENTER);
  plot_text_upwards (panel->plot, "precision", 12, panel->left - 42, panel->top + SIDE / 2);
}

/* --- Curves ----------------------------------------------------------------------------------- */

static void
set_curve_color (const Panel *panel, guint threshold)
{
  plot_set_color (panel->plot, (double) threshold / (COCO_N_IOUS - 1));
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
  cairo_new_path (panel->plot->cairo);
  for (guint r = 0; r < COCO_N_RECALLS; r++) {
    double precision;
    if (!mean_precision (eval, threshold, r, &precision))
      return;
    cairo_line_to (panel->plot->cairo, panel->left + SIDE * r / (COCO_N_RECALLS - 1),
        panel->top + SIDE * (1 - precision));
  }
  set_curve_color (panel, threshold);
  cairo_set_line_width (panel->plot->cairo, 1.8);
  cairo_set_line_join (panel->plot->cairo, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke (panel->plot->cairo);
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
  plot_set_grey (panel->plot, 0.35);
  plot_text (panel->plot, eval->kind == COCO_KEYPOINTS ? "OKS" : "IoU", 11, x + 24, panel->top + 6,
      ALIGN_LEFT);
  plot_text (panel->plot, "AP", 11, x + 104, panel->top + 6, ALIGN_RIGHT);
  for (guint t = 0; t < COCO_N_IOUS; t++) {
    const double y = panel->top + 26 + 18 * t;
    char threshold[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd (threshold, sizeof threshold, "%.2f", coco_iou_threshold (t));
    g_autofree char *ap = format_ap (threshold_ap (eval, t));
    set_curve_color (panel, t);
    cairo_set_line_width (panel->plot->cairo, 3);
    plot_line (panel->plot, x, y, x + 16, y);
    plot_set_grey (panel->plot, 0.2);
    plot_text (panel->plot, threshold, 11, x + 24, y, ALIGN_LEFT);
    plot_text (panel->plot, ap, 11, x + 104, y, ALIGN_RIGHT);
  }
}

static void
draw_panel (const Panel *panel, const CocoEval *eval)
{
  g_autofree char *ap = format_ap (coco_eval_get (eval, "AP"));
  g_autofree char *title = g_strdup_printf ("%s: AP %s", titles[eval->kind], ap);
  plot_set_grey (panel->plot, 0.1);
  plot_text (panel->plot, title, 15, panel->left, panel->top - 22, ALIGN_LEFT);
  draw_grid (panel);
  draw_axis_names (panel);
  /* The strictest first, so that the best-known curve, 0.50, lies on top. */
  for (guint t = COCO_N_IOUS; t-- > 0;)
    draw_curve (panel, eval, t);
  draw_legend (panel, eval);
}

static void
draw_panels (const Plot *plot, gconstpointer data)
{
  const CocoEval *const *evals = data;
  Panel panel = { plot, MARGIN_LEFT, MARGIN_TOP };
  for (guint kind = 0; kind < COCO_N_KINDS; kind++) {
    if (!evals[kind])
      continue;
    draw_panel (&panel, evals[kind]);
    panel.left += PANEL_WIDTH;
  }
}

gboolean
eval_plot (const CocoEval *const evals[COCO_N_KINDS], const char *path, GError **error)
{
  guint n = 0;
  for (guint kind = 0; kind < COCO_N_KINDS; kind++)
    n += evals[kind] != NULL;
  const PlotPage page = { n * PANEL_WIDTH, PANEL_HEIGHT, PNG_SCALE, "Precision over recall" };
  return plot_write (path, &page, draw_panels, evals, error);
}
