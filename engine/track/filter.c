/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A Kalman filter of a box. The model is ByteTrack's (yolox/tracker/kalman_filter.py), constant velocities and
 * noise in proportion to the height, with white noise of acceleration over the time that passed instead of
 * noise per frame.
 */
#include "filter.h"

#include "tuning.h"

#define LEAST_SIZE 1.0 /* pixels: nothing that is tracked becomes smaller */

static double
square (double x)
{
  return x * x;
}

static Axis
axis_new (double place, double scale)
{
  return (Axis){
    .place = place,
    .var_place = square (MEASUREMENT * scale),
    .var_velocity = square (FIRST_SPEED * scale),
  };
}

static void
axis_predict (Axis *axis, double t, double scale)
{
  const double q = square (ACCELERATION * scale);

  axis->place += axis->velocity * t;
  axis->var_place += t * (2 * axis->covar + t * axis->var_velocity) + q * t * t * t / 3
      + square (WANDER * scale) * t;
  axis->covar += t * axis->var_velocity + q * t * t / 2;
  axis->var_velocity += q * t;
}

static void
axis_update (Axis *axis, double measured, double deviation)
{
  const double var = axis->var_place + square (deviation);
  const double gain = axis->var_place / var, gain_velocity = axis->covar / var;
  const double surprise = measured - axis->place;

  axis->place += gain * surprise;
  axis->velocity += gain_velocity * surprise;
  axis->var_velocity -= gain_velocity * axis->covar;
  axis->covar *= 1 - gain;
  axis->var_place *= 1 - gain;
}

/* A box's height, by which all noise is measured. */
static double
scale_of (const BoxFilter *filter)
{
  return MAX (filter->height.place, LEAST_SIZE);
}

BoxFilter
filter_new (const Box *box)
{
  const double height = MAX ((double) box->y1 - box->y0, LEAST_SIZE);

  return (BoxFilter){
    .x = axis_new (((double) box->x0 + box->x1) / 2, height),
    .y = axis_new (((double) box->y0 + box->y1) / 2, height),
    .width = axis_new ((double) box->x1 - box->x0, height * SIZE_CHANGE),
    .height = axis_new (height, height * SIZE_CHANGE),
  };
}

void
filter_predict (BoxFilter *filter, double seconds)
{
  const double scale = scale_of (filter);

  axis_predict (&filter->x, seconds, scale);
  axis_predict (&filter->y, seconds, scale);
  axis_predict (&filter->width, seconds, scale * SIZE_CHANGE);
  axis_predict (&filter->height, seconds, scale * SIZE_CHANGE);
  filter->width.place = MAX (filter->width.place, LEAST_SIZE);
  filter->height.place = MAX (filter->height.place, LEAST_SIZE);
}

void
filter_update (BoxFilter *filter, const Box *box)
{
  const double deviation = scale_of (filter) * MEASUREMENT;

  axis_update (&filter->x, ((double) box->x0 + box->x1) / 2, deviation);
  axis_update (&filter->y, ((double) box->y0 + box->y1) / 2, deviation);
  axis_update (&filter->width, (double) box->x1 - box->x0, deviation);
  axis_update (&filter->height, (double) box->y1 - box->y0, deviation);
}

void
filter_shift (BoxFilter *filter, double dx, double dy)
{
  filter->x.place += dx;
  filter->y.place += dy;
}

Box
filter_box_after (const BoxFilter *filter, double seconds)
{
  const double x = filter->x.place + filter->x.velocity * seconds;
  const double y = filter->y.place + filter->y.velocity * seconds;
  const double width = MAX (filter->width.place, LEAST_SIZE);
  const double height = MAX (filter->height.place, LEAST_SIZE);

  return (Box){ (float) (x - width / 2), (float) (y - height / 2), (float) (x + width / 2),
    (float) (y + height / 2) };
}

Box
filter_box (const BoxFilter *filter)
{
  return filter_box_after (filter, 0);
}
