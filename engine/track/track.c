/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An object that is followed.
 */
#include "track.h"

#define MOST_STEPS 32 /* of the way that is made up after a gap */

static Box
box_of (const FbnetDetection *d)
{
  return (Box){ d->x0, d->y0, d->x1, d->y1 };
}

static void
add_score (Track *track, float score)
{
  track->scores[track->n_scores++ % N_SCORES] = score;
}

Track
track_new (guint64 id, const FbnetDetection *detection, gint index, double time)
{
  const Box box = box_of (detection);
  Track track = {
    .id = id,
    .class_id = detection->class_id,
    .filter = filter_new (&box),
    .seen = box,
    .first_time = time,
    .seen_time = time,
    .hits = 1,
    .detection = index,
  };

  track.filter_seen = track.filter;
  add_score (&track, detection->score);
  return track;
}

static Box
between (const Box *a, const Box *b, double share)
{
  const float s = (float) share;

  return (Box){ a->x0 + (b->x0 - a->x0) * s, a->y0 + (b->y0 - a->y0) * s,
    a->x1 + (b->x1 - a->x1) * s, a->y1 + (b->y1 - a->y1) * s };
}

/* From where it was seen last the filter goes again, along the straight way to where it is now: OC-SORT's
 * observation-centric re-update. */
static void
catch_up (Track *track, const Box *box, double gap)
{
  const guint n = MIN (track->misses + 1, MOST_STEPS);

  track->filter = track->filter_seen;
  for (guint i = 1; i < n; i++) {
    const Box on_the_way = between (&track->seen, box, (double) i / n);
    filter_predict (&track->filter, gap / n);
    filter_update (&track->filter, &on_the_way);
  }
  filter_predict (&track->filter, gap / n);
}

void
track_see (Track *track, const FbnetDetection *detection, gint index, double time)
{
  const Box box = box_of (detection);

  if (track->misses > 0)
    catch_up (track, &box, time - track->seen_time);
  filter_update (&track->filter, &box);
  track->filter_seen = track->filter;
  track->seen = box;
  track->seen_time = time;
  track->hits++;
  track->misses = 0;
  track->detection = index;
  add_score (track, detection->score);
}

void
track_shift (Track *track, double dx, double dy)
{
  const float x = (float) dx, y = (float) dy;

  filter_shift (&track->filter, dx, dy);
  filter_shift (&track->filter_seen, dx, dy);
  track->seen =
      (Box){ track->seen.x0 + x, track->seen.y0 + y, track->seen.x1 + x, track->seen.y1 + y };
}

/* --- Scores ----------------------------------------------------------------------------------- */

static float
rank (const float *scores, guint n, guint k)
{
  float sorted[N_SCORES];

  for (guint i = 0; i < n; i++) {
    guint j = i;
    for (; j > 0 && sorted[j - 1] < scores[i]; j--)
      sorted[j] = sorted[j - 1];
    sorted[j] = scores[i];
  }
  return sorted[k];
}

float
track_score (const Track *track, FbnetTrackScore which)
{
  const guint n = MIN (track->n_scores, N_SCORES);

  if (which == FBNET_TRACK_SCORE_DETECTION)
    return track->scores[(track->n_scores - 1) % N_SCORES];
  return rank (track->scores, n, which == FBNET_TRACK_SCORE_MEDIAN ? n / 2 : 0);
}
