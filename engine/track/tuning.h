/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tracker takes for granted about how things move; lengths are in heights of the object. docs/seeing.md
 * says how they were chosen.
 */
#ifndef FBNET_TRACK_TUNING_H
#define FBNET_TRACK_TUNING_H

/* Standard deviations. */
#define ACCELERATION 1.0 /* how fast velocities change, per s^1.5 */
#define WANDER       0.2 /* how fast places change beside that, per s^0.5 */
#define MEASUREMENT  0.1 /* of a detection */
#define FIRST_SPEED  0.6 /* of an object just seen, per s */
#define SIZE_CHANGE  0.5 /* of widths and heights, as a share of the above */

/* Gates and likeness. */
/* Before IoUs a box is widened by a share of its size on each side, for every second since it was seen. */
#define BUFFER_GROWTH 0.3
#define BUFFER_MOST   0.3
#define LEAST_FIRST   0.15 /* likeness of a sure detection and a track */
#define LEAST_SECOND  0.3  /* of an unsure one */
#define LEAST_UNTOLD  0.2  /* of a track that is not told yet */
#define SCORE_WEIGHT  0.5  /* how much of a detection's score counts */
#define SHAPE_WEIGHT  1.0  /* how much of likeness in height counts */
#define GAP_PENALTY   0.1  /* per second */

/* The camera. */
#define VOTE_WIDTH 0.1 /* displacements so alike are one */
#define VOTE_REACH 1.5 /* farthest displacement */
#define VOTE_SHAPE 0.2 /* largest difference of log heights */
#define VOTE_LEAST 1.5 /* pairs that must agree */
#define VOTE_LEAD  1.3 /* a moved camera must explain so much more than one that stands still */

#define PAN_SHARE 0.5 /* of a camera's velocity: the last look's */

/* What is told. */
#define BLEND 0.3 /* share of the filter's box */

#endif
