/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A Kalman filter of a box: centre, width and height with a velocity each, in pixels and seconds.
 */
#ifndef FBNET_TRACK_FILTER_H
#define FBNET_TRACK_FILTER_H

#include "base/box.h"

/* Nothing couples the four: each has a state and a covariance of its own. */
typedef struct {
  double place, velocity;
  double var_place, covar, var_velocity;
} Axis;

typedef struct {
  Axis x, y, width, height;
} BoxFilter;

/* Of an object just seen. */
BoxFilter filter_new (const Box *box);

/* `seconds` later, at least 0. */
void filter_predict (BoxFilter *filter, double seconds);

void filter_update (BoxFilter *filter, const Box *box);

/* The world moved in the picture. */
void filter_shift (BoxFilter *filter, double dx, double dy);

Box filter_box (const BoxFilter *filter);

/* Where it will be. */
Box filter_box_after (const BoxFilter *filter, double seconds);

#endif
