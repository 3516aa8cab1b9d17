/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How the camera moved; see vote.h. Every pair of alike boxes votes for its displacement; those of one object
 * agree over all objects, those of two different ones over nothing.
 */
#include "vote.h"

#include <math.h>

#include "tuning.h"

#define MOST_TRIED 64 /* displacements */

void
camera_vote_add (CameraVote *vote, const Box *expected, const Box *found, double weight)
{
  const double before = (double) expected->y1 - expected->y0;
  const double now = (double) found->y1 - found->y0;
  const double dx = ((double) found->x0 + found->x1 - expected->x0 - expected->x1) / 2;
  const double dy = ((double) found->y0 + found->y1 - expected->y0 - expected->y1) / 2;

  if (!(fabs (dx) < VOTE_REACH * before && fabs (dy) < VOTE_REACH * before)
      || !(fabs (log (now / before)) < VOTE_SHAPE))
    return;
  if (vote->n < CAMERA_VOTES)
    vote->items[vote->n++] = (Displacement){ dx, dy, VOTE_WIDTH * before, weight };
}

/* How much speaks for a displacement; and its mean among those. */
static double
support (const CameraVote *vote, double dx, double dy, double *mean_dx, double *mean_dy)
{
  double sum = 0, sum_dx = 0, sum_dy = 0;

  for (guint i = 0; i < vote->n; i++) {
    const Displacement *d = &vote->items[i];
    const double x = d->dx - dx, y = d->dy - dy;
    const double share = 1 - (x * x + y * y) / (d->width * d->width);
    if (share <= 0)
      continue;
    sum += share * d->weight;
    sum_dx += share * d->weight * d->dx;
    sum_dy += share * d->weight * d->dy;
  }
  *mean_dx = sum > 0 ? sum_dx / sum : 0;
  *mean_dy = sum > 0 ? sum_dy / sum : 0;
  return sum;
}

void
camera_vote_count (const CameraVote *vote, double *dx, double *dy)
{
  double x, y, best_x = 0, best_y = 0;
  double most = MAX (VOTE_LEAD * support (vote, 0, 0, &x, &y), VOTE_LEAST);

  for (guint i = 0; i < vote->n; i += 1 + vote->n / MOST_TRIED) {
    const double sum = support (vote, vote->items[i].dx, vote->items[i].dy, &x, &y);
    if (sum <= most)
      continue;
    most = sum;
    best_x = x;
    best_y = y;
  }
  *dx = best_x;
  *dy = best_y;
}
