/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Thick lines with round ends: how much of each pixel they cover, by the distance of its middle.
 */
#include "gstfbnetline.h"

#include <math.h>
#include <string.h>

/* A line is drawn in bands of this height, and these in pieces of this width. */
#define BAND_HEIGHT 16
#define BAND_WIDTH  256

typedef struct {
  float x, y;               /* the beginning */
  float dx, dy;             /* to the end */
  float along_x, along_y;   /* the same through the length's square: 0 for a dot */
  float across_x, across_y; /* from the middle to the reach's edge */
  float reach;              /* of the outermost pixel that is covered in part */
} Line;

static Line
make_line (double x0, double y0, double x1, double y1, double radius)
{
  const double dx = x1 - x0, dy = y1 - y0, length = hypot (dx, dy), reach = radius + 0.5;
  Line line = { (float) x0, (float) y0, (float) dx, (float) dy, .reach = (float) reach };

  if (length > 0) {
    line.along_x = (float) (dx / length / length);
    line.along_y = (float) (dy / length / length);
    line.across_x = (float) (-dy / length * reach);
    line.across_y = (float) (dx / length * reach);
  }
  return line;
}

static inline float
distance_to (const Line *line, float x, float y)
{
  const float along = (x - line->x) * line->along_x + (y - line->y) * line->along_y;
  const float t = CLAMP (along, 0.0f, 1.0f);
  const float across_x = x - line->x - t * line->dx, across_y = y - line->y - t * line->dy;

  return sqrtf (across_x * across_x + across_y * across_y);
}

/* The part of a row's middle that is within reach. */
typedef struct {
  float left, right;
} Span;

static void
span_add (Span *span, float left, float right)
{
  span->left = MIN (span->left, left);
  span->right = MAX (span->right, right);
}

/* The disc around an end. */
static void
span_add_disc (Span *span, const Line *line, float x, float y, float at)
{
  const float squared = line->reach * line->reach - (at - y) * (at - y);

  if (squared >= 0)
    span_add (span, x - sqrtf (squared), x + sqrtf (squared));
}

/* One of the two long sides, on that side of the middle. Level ones end in the discs. */
static void
span_add_side (Span *span, const Line *line, float side, float at)
{
  const float y = line->y + side * line->across_y;

  if (line->dy == 0 || (at - y) / line->dy < 0 || (at - y) / line->dy > 1)
    return;
  const float x = line->x + side * line->across_x + (at - y) / line->dy * line->dx;
  span_add (span, x, x);
}

static Span
span_at (const Line *line, float at)
{
  Span span = { G_MAXFLOAT, -G_MAXFLOAT };

  span_add_disc (&span, line, line->x, line->y, at);
  span_add_disc (&span, line, line->x + line->dx, line->y + line->dy, at);
  span_add_side (&span, line, 1, at);
  span_add_side (&span, line, -1, at);
  return span;
}

static void
cover_row (guint8 *covers, const Line *line, gint x, gint width, gint y, const Span *span)
{
  const Line l = *line;
  const float at = (float) y + 0.5f;

  memset (covers, 0, (gsize) width);
  if (span->left > span->right)
    return;
  const gint begin = (gint) CLAMP (span->left - (float) x - 1, 0, (float) width);
  const gint end = (gint) CLAMP (span->right - (float) x + 2, 0, (float) width);
  for (gint i = begin; i < end; i++) {
    const float inside = l.reach - distance_to (&l, (float) (x + i) + 0.5f, at);
    covers[i] = (guint8) (255 * CLAMP (inside, 0.0f, 1.0f) + 0.5f);
  }
}

static void
draw_band (const GstFbnetCanvas *canvas, const Line *line, gint y, gint height, guint32 color)
{
  guint8 covers[BAND_HEIGHT * BAND_WIDTH];
  Span spans[BAND_HEIGHT], all = { G_MAXFLOAT, -G_MAXFLOAT };

  for (gint row = 0; row < height; row++) {
    spans[row] = span_at (line, (float) (y + row) + 0.5f);
    span_add (&all, spans[row].left, spans[row].right);
  }
  const float left = MAX (all.left - 1, (float) canvas->x);
  const float right = MIN (all.right + 2, (float) (canvas->x + canvas->width));
  if (left >= right)
    return;
  /* From even pixels on, so that no two pieces share a chroma sample. */
  for (gint x = (gint) left & ~1; x < (gint) right; x += BAND_WIDTH) {
    const gint width = MIN (BAND_WIDTH, (gint) right - x);
    for (gint row = 0; row < height; row++)
      cover_row (covers + row * BAND_WIDTH, line, x, width, y + row, &spans[row]);
    gst_fbnet_canvas_cover (canvas, x, y, width, height, covers, BAND_WIDTH, color);
  }
}

void
gst_fbnet_line_draw (const GstFbnetCanvas *canvas, double x0, double y0, double x1, double y1,
    double radius, guint32 color)
{
  const Line line = make_line (x0, y0, x1, y1, radius);
  const double top = MAX (MIN (y0, y1) - radius - 1, canvas->y);
  const double bottom = MIN (MAX (y0, y1) + radius + 1, canvas->y + canvas->height);

  for (gint y = (gint) top & ~1; y < bottom; y += BAND_HEIGHT)
    draw_band (canvas, &line, y, MIN (BAND_HEIGHT, (gint) ceil (bottom) - y), color);
}
