/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Closed outlines of flat things, and how they look in space.
 */
#include "outline.h"

#include <math.h>

#define LINE_STEPS 8
#define ARC_STEP   (G_PI / 24)
/* Nothing comes nearer to the camera than this share of its distance. */
#define MIN_DEPTH 0.2

Outline *
outline_new (void)
{
  Outline *outline = g_new (Outline, 1);

  outline->points = g_array_new (FALSE, FALSE, sizeof (Point));
  outline->starts = g_array_new (FALSE, FALSE, sizeof (guint));
  return outline;
}

void
outline_free (Outline *outline)
{
  if (outline == NULL)
    return;
  g_array_unref (outline->points);
  g_array_unref (outline->starts);
  g_free (outline);
}

void
outline_begin (Outline *outline)
{
  g_array_append_val (outline->starts, outline->points->len);
}

void
outline_add (Outline *outline, double x, double y)
{
  const Point point = { x, y };

  g_array_append_val (outline->points, point);
}

void
outline_line_to (Outline *outline, double x, double y)
{
  g_return_if_fail (outline->points->len > 0);
  const Point from = g_array_index (outline->points, Point, outline->points->len - 1);
  for (guint i = 1; i <= LINE_STEPS; i++) {
    const double share = (double) i / LINE_STEPS;
    outline_add (outline, from.x + share * (x - from.x), from.y + share * (y - from.y));
  }
}

void
outline_arc (Outline *outline, double x, double y, double radius, double from, double to)
{
  const guint n = (guint) ceil (fabs (to - from) / ARC_STEP);

  for (guint i = 0; i <= n; i++) {
    const double angle = from + (to - from) * i / n;
    outline_add (outline, x + radius * cos (angle), y + radius * sin (angle));
  }
}

void
outline_polygon (Outline *outline, const Point *corners, guint n)
{
  outline_begin (outline);
  outline_add (outline, corners[0].x, corners[0].y);
  for (guint i = 1; i <= n; i++)
    outline_line_to (outline, corners[i % n].x, corners[i % n].y);
}

Outline *
outline_rectangle (double x0, double y0, double x1, double y1)
{
  const Point corners[] = { { x0, y0 }, { x1, y0 }, { x1, y1 }, { x0, y1 } };
  Outline *outline = outline_new ();

  outline_polygon (outline, corners, G_N_ELEMENTS (corners));
  return outline;
}

Outline *
outline_ellipse (double x, double y, double radius_x, double radius_y, double angle)
{
  Outline *outline = outline_new ();

  outline_begin (outline);
  for (double turn = 0; turn < 2 * G_PI; turn += ARC_STEP) {
    const double along = radius_x * cos (turn), across = radius_y * sin (turn);
    outline_add (outline, x + along * cos (angle) - across * sin (angle),
        y + along * sin (angle) + across * cos (angle));
  }
  return outline;
}

Outline *
outline_capsule (Point from, Point to, double radius)
{
  const double angle = atan2 (to.y - from.y, to.x - from.x);
  Outline *outline = outline_new ();

  outline_begin (outline);
  outline_arc (outline, to.x, to.y, radius, angle - G_PI / 2, angle + G_PI / 2);
  outline_arc (outline, from.x, from.y, radius, angle + G_PI / 2, angle + 1.5 * G_PI);
  return outline;
}

static guint
contour_end (const Outline *outline, guint contour)
{
  return contour + 1 < outline->starts->len ? g_array_index (outline->starts, guint, contour + 1)
                                            : outline->points->len;
}

static double
contour_area (const Point *points, guint n)
{
  double sum = 0;

  for (guint i = 0; i < n; i++) {
    const Point *next = &points[(i + 1) % n];
    sum += points[i].x * next->y - next->x * points[i].y;
  }
  return sum / 2;
}

double
outline_area (const Outline *outline)
{
  double area = 0;

  for (guint i = 0; i < outline->starts->len; i++) {
    const guint start = g_array_index (outline->starts, guint, i);
    area += contour_area (&g_array_index (outline->points, Point, start),
        contour_end (outline, i) - start);
  }
  return fabs (area);
}

void
outline_trace (const Outline *outline, cairo_t *cairo)
{
  cairo_new_path (cairo);
  for (guint i = 0; i < outline->starts->len; i++) {
    cairo_new_sub_path (cairo);
    for (guint j = g_array_index (outline->starts, guint, i); j < contour_end (outline, i); j++) {
      const Point *point = &g_array_index (outline->points, Point, j);
      cairo_line_to (cairo, point->x, point->y);
    }
    cairo_close_path (cairo);
  }
}

/* --- Planes in space -------------------------------------------------------------------------- */

Pose
pose_new (double x, double y, double size, double roll, double yaw, double pitch)
{
  const double cr = cos (roll), sr = sin (roll);
  const double cy = cos (yaw), sy = sin (yaw);
  const double cp = cos (pitch), sp = sin (pitch);

  /* Rz (roll) · Ry (yaw) · Rx (pitch), of which a plane needs two columns. */
  return (Pose){ .x = x,
    .y = y,
    .size = size,
    .rotation = { { cr * cy, cr * sy * sp - sr * cp }, { sr * cy, sr * sy * sp + cr * cp },
        { -sy, cy * sp } },
    .distance = 4 };
}

Point
pose_project (const Pose *pose, Point point)
{
  const double (*r)[2] = pose->rotation;
  /* The bend moves the point along the normal, nearly the depth's own direction. */
  const double depth = r[2][0] * point.x + r[2][1] * point.y + pose->bend * point.x * point.x;
  const double nearness =
      pose->distance / fmax (pose->distance + depth, MIN_DEPTH * pose->distance);

  return (Point){
    pose->x + pose->size * nearness * (r[0][0] * point.x + r[0][1] * point.y),
    pose->y + pose->size * nearness * (r[1][0] * point.x + r[1][1] * point.y),
  };
}

Outline *
pose_outline (const Pose *pose, const Outline *outline, Point place, double size, double angle)
{
  const double along = size * cos (angle), across = size * sin (angle);
  Outline *seen = outline_new ();

  g_array_append_vals (seen->starts, outline->starts->data, outline->starts->len);
  for (guint i = 0; i < outline->points->len; i++) {
    const Point *point = &g_array_index (outline->points, Point, i);
    const Point there = { place.x + along * point->x - across * point->y,
      place.y + across * point->x + along * point->y };
    const Point projected = pose_project (pose, there);
    g_array_append_val (seen->points, projected);
  }
  return seen;
}
