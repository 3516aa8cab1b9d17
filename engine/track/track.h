/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An object that is followed.
 */
#ifndef FBNET_TRACK_TRACK_H
#define FBNET_TRACK_TRACK_H

#include "fbnet/fbnet.h"
#include "filter.h"

#define N_SCORES 9

typedef struct {
  guint64 id;
  guint class_id;
  BoxFilter filter;
  BoxFilter filter_seen; /* as it was when it was last seen */
  Box seen;              /* then: the detection's box */
  double first_time, seen_time;
  guint hits;
  guint misses;   /* looks since it was seen */
  gint detection; /* of the last look, or -1 */
  gboolean told;
  float scores[N_SCORES]; /* the last ones, round and round */
  guint n_scores;         /* ever */
} Track;

Track track_new (guint64 id, const FbnetDetection *detection, gint index, double time);

/* It is this detection, in the look at that time. */
void track_see (Track *track, const FbnetDetection *detection, gint index, double time);

void track_shift (Track *track, double dx, double dy);

float track_score (const Track *track, FbnetTrackScore which);

#endif
