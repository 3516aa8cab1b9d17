/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is behind everything: walls, wood, cloth, tiles, clutter, somebody before the camera.
 */
#ifndef FBNET_SCENES_BACKGROUND_H
#define FBNET_SCENES_BACKGROUND_H

#include <cairo.h>

#include "color.h"

/* A surface of width × height pixels of CAIRO_FORMAT_RGB24; sharp or out of focus. */
cairo_surface_t *background_new (Dice *dice, guint width, guint height, Color skin);

/* The mean colour of the surface within `radius` of (x, y). */
Color background_mean (cairo_surface_t *surface, double x, double y, double radius);

#endif
