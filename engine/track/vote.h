/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How the camera moved, told from the objects themselves: a vote over displacements.
 */
#ifndef FBNET_TRACK_VOTE_H
#define FBNET_TRACK_VOTE_H

#include "base/box.h"

/* Of a crowd a part votes: that many agree shows in a part as well. */
#define CAMERA_VOTERS 64  /* tracks */
#define CAMERA_VOTES  512 /* pairs */

/* What may be one object, before and now. */
typedef struct {
  double dx, dy;
  double width; /* how far apart displacements of this pair may be and be one: pixels */
  double weight;
} Displacement;

/* Zero-initialise it. */
typedef struct {
  Displacement items[CAMERA_VOTES];
  guint n;
} CameraVote;

/* A box where it is expected, and one that was found: a candidate if they are alike. */
void camera_vote_add (CameraVote *vote, const Box *expected, const Box *found, double weight);

/* The displacement that explains most; none where standing still explains nearly as much. */
void camera_vote_count (const CameraVote *vote, double *dx, double *dy);

#endif
