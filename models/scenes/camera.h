/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From light to pixels, as a webcam does it: lamps and shadows, blur, exposure, white balance, noise,
 * sharpening.
 */
#ifndef FBNET_SCENES_CAMERA_H
#define FBNET_SCENES_CAMERA_H

#include <cairo.h>

#include "dice.h"
#include "support/picture.h"

/* `picture` becomes what the camera makes of the surface, which has its size and
 * CAIRO_FORMAT_RGB24. */
void camera_shoot (Dice *dice, cairo_surface_t *surface, Picture *picture);

#endif
