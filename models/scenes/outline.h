/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Closed outlines of flat things, and how they look when their plane is turned and bent in space.
 */
#ifndef FBNET_SCENES_OUTLINE_H
#define FBNET_SCENES_OUTLINE_H

#include <cairo.h>
#include <glib.h>

typedef struct {
  double x, y;
} Point;

/* One or more closed contours. Holes run the other way round. */
typedef struct {
  GArray *points; /* Point */
  GArray *starts; /* guint: the first point of each contour */
} Outline;

Outline *outline_new (void);
void outline_free (Outline *outline); /* NULL is allowed */

/* Points added from here on belong to a new contour. */
void outline_begin (Outline *outline);
void outline_add (Outline *outline, double x, double y);

/* Points along the line from the last point to here, so that a bent plane bends it. */
void outline_line_to (Outline *outline, double x, double y);

/* Points along an arc, angles in radians, both ends included. */
void outline_arc (Outline *outline, double x, double y, double radius, double from, double to);

/* A contour through these corners. */
void outline_polygon (Outline *outline, const Point *corners, guint n);

Outline *outline_rectangle (double x0, double y0, double x1, double y1);
Outline *outline_ellipse (double x, double y, double radius_x, double radius_y, double angle);

/* A thick line with round ends. */
Outline *outline_capsule (Point from, Point to, double radius);

/* Without its holes; positive. */
double outline_area (const Outline *outline);

/* The contours become cairo's current path. */
void outline_trace (const Outline *outline, cairo_t *cairo);

/* How a plane lies before the camera. Its point (0, 0) is seen at (x, y). */
typedef struct {
  double x, y;
  double size;           /* pixels per unit of the plane, there */
  double rotation[3][2]; /* plane to space */
  double bend;           /* depth per square of the distance from the middle line */
  double distance;       /* of the camera, in units of the plane */
} Pose;

/* Angles in radians: roll turns in the picture's plane, yaw about the upright axis, pitch about the
 * level one. */
Pose pose_new (double x, double y, double size, double roll, double yaw, double pitch);

Point pose_project (const Pose *pose, Point point);

/* Puts the outline, scaled by `size` and turned by `angle`, at `place` of the plane, and looks at it. */
Outline *pose_outline (const Pose *pose, const Outline *outline, Point place, double size,
    double angle);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Outline, outline_free)

#endif
