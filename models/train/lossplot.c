/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Losses over steps, drawn: all of them smoothed, their sum, and below them the learning rate.
 */
#include <math.h>

#include "losscurve.h"
#include "support/plot.h"

/* In points. */
#define LEFT          62.0
#define RIGHT         162.0 /* of the legend */
#define WIDTH         560.0 /* of the curves */
#define TOP           44.0
#define LOSS_HEIGHT   300.0
#define GAP           18.0
#define RATE_HEIGHT   70.0
#define BOTTOM        50.0
#define RATE_TOP      (TOP + LOSS_HEIGHT + GAP)
#define FIGURE_WIDTH  (LEFT + WIDTH + RIGHT)
#define FIGURE_HEIGHT (RATE_TOP + RATE_HEIGHT + BOTTOM)
/* Pixels a point. */
#define PNG_SCALE 2.0

/* More would not be seen. */
#define MAX_PLACES 400u
/* A place shows the mean of a fiftieth of the steps, half of them on each side. */
#define WINDOW 50u
/* What is smaller than the largest by more is drawn at the lower edge. */
#define RANGE 1000.0

enum {
  CURVE_TOTAL,
  CURVE_CLASSES,
  CURVE_BOX,
  CURVE_MASK,
  CURVE_KEYPOINT,
  CURVE_RPN,
  CURVE_RPN_BOX,
  N_CURVES,
};

static const char *const names[N_CURVES] = { "total", "classes", "boxes", "masks", "keypoints",
  "RPN objects", "RPN boxes" };

typedef struct {
  guint n_places;
  double steps[MAX_PLACES], rates[MAX_PLACES];
  double values[N_CURVES][MAX_PLACES];
  double first, last;     /* steps */
  double lowest, highest; /* of the axis of losses */
  double highest_rate;
} Curves;

/* --- Numbers ---------------------------------------------------------------------------------- */

static double
value_of (const TrainLosses *l, guint curve)
{
  const double values[N_CURVES] = { train_losses_total (l), l->classes, l->box, l->mask,
    l->keypoint, l->rpn_objectness, l->rpn_box };

  return values[curve];
}

/* The mean of the points around this one. */
static double
smoothed (const GArray *points, guint curve, guint middle)
{
  const guint half = points->len / WINDOW / 2;
  const guint begin = middle - MIN (middle, half), end = MIN (middle + half + 1, points->len);
  double sum = 0;

  for (guint i = begin; i < end; i++)
    sum += value_of (&g_array_index (points, LossPoint, i).losses, curve);
  return sum / (end - begin);
}

static void
measure (Curves *curves, const GArray *points)
{
  curves->n_places = MIN (points->len, MAX_PLACES);
  for (guint i = 0; i < curves->n_places; i++) {
    const guint middle = (guint) ((guint64) i * (points->len - 1) / MAX (curves->n_places - 1, 1));
    const LossPoint *point = &g_array_index (points, LossPoint, middle);
    curves->steps[i] = point->step;
    curves->rates[i] = point->rate;
    curves->highest_rate = MAX (curves->highest_rate, point->rate);
    for (guint c = 0; c < N_CURVES; c++)
      curves->values[c][i] = smoothed (points, c, middle);
  }
  curves->first = curves->steps[0];
  curves->last = MAX (curves->steps[curves->n_places - 1], curves->first + 1);
}

/* The axis of losses: from the smallest to the largest that is not 0, up to thousandfold. */
static void
choose_range (Curves *curves)
{
  double lowest = G_MAXDOUBLE;

  for (guint c = 0; c < N_CURVES; c++) {
    for (guint i = 0; i < curves->n_places; i++) {
      const double value = curves->values[c][i];
      curves->highest = MAX (curves->highest, value);
      if (value > 0)
        lowest = MIN (lowest, value);
    }
  }
  curves->highest = curves->highest > 0 ? curves->highest * 1.1 : 1;
  curves->lowest = CLAMP (lowest * 0.9, curves->highest / RANGE, curves->highest / 2);
}

/* 1, 2 or 5 times a power of ten: about `n` of them make up `span`. */
static double
nice_step (double span, guint n)
{
  const double rough = MAX (span, 1e-300) / n;
  const double power = pow (10, floor (log10 (rough)));
  const double digit = rough / power;

  return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

/* --- Places ----------------------------------------------------------------------------------- */

static double
x_of (const Curves *curves, double step)
{
  return LEFT + WIDTH * (step - curves->first) / (curves->last - curves->first);
}

static double
y_of_loss (const Curves *curves, double loss)
{
  const double height = log (MAX (loss, curves->lowest) / curves->lowest);

  return TOP + LOSS_HEIGHT * (1 - height / log (curves->highest / curves->lowest));
}

static double
y_of_rate (const Curves *curves, double rate)
{
  return RATE_TOP + RATE_HEIGHT * (1 - rate / MAX (curves->highest_rate, 1e-300));
}

/* --- Drawing ---------------------------------------------------------------------------------- */

static void
draw_steps (const Plot *plot, const Curves *curves)
{
  const double step = MAX (nice_step (curves->last - curves->first, 6), 1);

  for (double at = ceil (curves->first / step) * step; at <= curves->last; at += step) {
    const double x = x_of (curves, at);
    g_autofree char *number = g_strdup_printf ("%.0f", at);
    plot_set_grey (plot, 0.87);
    plot_line (plot, x, TOP, x, TOP + LOSS_HEIGHT);
    plot_line (plot, x, RATE_TOP, x, RATE_TOP + RATE_HEIGHT);
    plot_set_grey (plot, 0.35);
    plot_text (plot, number, 11, x, RATE_TOP + RATE_HEIGHT + 12, ALIGN_CENTER);
  }
}

static void
draw_level (const Plot *plot, double y, double number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (text, sizeof text, "%.2g", number);
  plot_set_grey (plot, 0.87);
  plot_line (plot, LEFT, y, LEFT + WIDTH, y);
  plot_set_grey (plot, 0.35);
  plot_text (plot, text, 11, LEFT - 8, y, ALIGN_RIGHT);
}

/* 1, 2 and 5 of each power of ten that the axis has. */
static void
draw_losses_grid (const Plot *plot, const Curves *curves)
{
  static const double digits[] = { 1, 2, 5 };

  for (int power = (int) floor (log10 (curves->lowest)); pow (10, power) <= curves->highest;
       power++) {
    for (guint i = 0; i < G_N_ELEMENTS (digits); i++) {
      const double loss = digits[i] * pow (10, power);
      if (loss >= curves->lowest && loss <= curves->highest)
        draw_level (plot, y_of_loss (curves, loss), loss);
    }
  }
}

static void
draw_frame (const Plot *plot)
{
  plot_set_grey (plot, 0.4);
  plot_line (plot, LEFT, TOP, LEFT, TOP + LOSS_HEIGHT);
  plot_line (plot, LEFT, TOP + LOSS_HEIGHT, LEFT + WIDTH, TOP + LOSS_HEIGHT);
  plot_line (plot, LEFT, RATE_TOP, LEFT, RATE_TOP + RATE_HEIGHT);
  plot_line (plot, LEFT, RATE_TOP + RATE_HEIGHT, LEFT + WIDTH, RATE_TOP + RATE_HEIGHT);
  plot_set_grey (plot, 0.2);
  plot_text (plot, "step", 12, LEFT + WIDTH / 2, RATE_TOP + RATE_HEIGHT + 32, ALIGN_CENTER);
  plot_text_upwards (plot, "loss", 12, LEFT - 48, TOP + LOSS_HEIGHT / 2);
  plot_text_upwards (plot, "rate", 12, LEFT - 48, RATE_TOP + RATE_HEIGHT / 2);
}

static void
set_curve_color (const Plot *plot, guint curve)
{
  if (curve == CURVE_TOTAL)
    plot_set_grey (plot, 0.1);
  else
    plot_set_color (plot, (curve - 1.0) / (N_CURVES - 2));
}

/* A loss that is 0 throughout is not one of this run. */
static gboolean
is_trained (const Curves *curves, guint curve)
{
  for (guint i = 0; i < curves->n_places; i++) {
    if (curves->values[curve][i] > 0)
      return TRUE;
  }
  return FALSE;
}

static void
draw_loss (const Plot *plot, const Curves *curves, guint curve)
{
  cairo_new_path (plot->cairo);
  for (guint i = 0; i < curves->n_places; i++)
    cairo_line_to (plot->cairo, x_of (curves, curves->steps[i]),
        y_of_loss (curves, curves->values[curve][i]));
  set_curve_color (plot, curve);
  cairo_set_line_width (plot->cairo, 1.8);
  cairo_stroke (plot->cairo);
}

static void
draw_rate (const Plot *plot, const Curves *curves)
{
  cairo_new_path (plot->cairo);
  for (guint i = 0; i < curves->n_places; i++)
    cairo_line_to (plot->cairo, x_of (curves, curves->steps[i]),
        y_of_rate (curves, curves->rates[i]));
  plot_set_grey (plot, 0.35);
  cairo_set_line_width (plot->cairo, 1.4);
  cairo_stroke (plot->cairo);
}

/* Each curve's name and where it ends. */
static void
draw_legend (const Plot *plot, const Curves *curves)
{
  const double x = LEFT + WIDTH + 16;
  double y = TOP + 8;

  for (guint c = 0; c < N_CURVES; c++) {
    if (!is_trained (curves, c))
      continue;
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd (text, sizeof text, "%.3f", curves->values[c][curves->n_places - 1]);
    set_curve_color (plot, c);
    cairo_set_line_width (plot->cairo, 3);
    plot_line (plot, x, y, x + 16, y);
    plot_set_grey (plot, 0.2);
    plot_text (plot, names[c], 11, x + 24, y, ALIGN_LEFT);
    plot_text (plot, text, 11, x + 136, y, ALIGN_RIGHT);
    y += 18;
  }
}

static void
draw_figure (const Plot *plot, gconstpointer data)
{
  const Curves *curves = data;
  g_autofree char *title = g_strdup_printf ("Losses, steps %.0f to %.0f", curves->first,
      curves->steps[curves->n_places - 1]);

  plot_set_grey (plot, 0.1);
  plot_text (plot, title, 15, LEFT, TOP - 22, ALIGN_LEFT);
  cairo_set_line_width (plot->cairo, 0.7);
  draw_steps (plot, curves);
  draw_losses_grid (plot, curves);
  draw_level (plot, y_of_rate (curves, 0), 0);
  draw_level (plot, y_of_rate (curves, curves->highest_rate), curves->highest_rate);
  draw_frame (plot);
  cairo_set_line_join (plot->cairo, CAIRO_LINE_JOIN_ROUND);
  for (guint c = N_CURVES; c-- > 0;) {
    if (is_trained (curves, c))
      draw_loss (plot, curves, c);
  }
  draw_rate (plot, curves);
  draw_legend (plot, curves);
}

gboolean
loss_curve_draw (const GArray *points, const char *path, GError **error)
{
  const PlotPage page = { FIGURE_WIDTH, FIGURE_HEIGHT, PNG_SCALE, "Losses" };

  g_return_val_if_fail (points->len > 0, FALSE);
  g_autofree Curves *curves = g_new0 (Curves, 1);

  measure (curves, points);
  choose_range (curves);
  return plot_write (path, &page, draw_figure, curves, error);
}
