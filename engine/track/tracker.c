/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tracks over looks: predicted, matched in passes, begun and given up. Semantics: ByteTrack
 * (yolox/tracker/byte_tracker.py) with what fbnet.h says beside it.
 */
#include <math.h>

#include "base/memory.h"
#include "options.h"
#include "pairing.h"
#include "track.h"
#include "tuning.h"
#include "vote.h"

#define FARTHEST       1e6 /* pixels, of places and of a camera's moves: no frame is that large */
#define USUAL_INTERVAL (1.0 / 30) /* seconds, until two looks had a time */

struct _FbnetTracker {
  gatomicrefcount references;
  FbnetTrackerOptions options;
  guint64 last_id;
  gboolean started; /* there was a look */
  double time, interval;

  Track *tracks;
  guint n_tracks, tracks_room;
  FbnetTrack *told;
  FbnetTracks public;

  /* Of a look. */
  const FbnetDetection *detections;
  guint n_detections;
  gboolean *taken; /* detections that are a track's, or nobody's */
  guint taken_room;
  guint32 *rows, *columns; /* what takes part in a pass */
  Pairing pairing;
  CameraVote vote;

  gboolean camera_known;       /* by how much it moved since the last look */
  double camera_x, camera_y;   /* that; pixels */
  double camera_vx, camera_vy; /* how it moves, which tracks do not have in their velocities */
};

/* --- Life ------------------------------------------------------------------------------------- */

FbnetTracker *
fbnet_tracker_new (const FbnetTrackerOptions *options, GError **error)
{
  FbnetTrackerOptions defaults;

  fbnet_tracker_options_init (&defaults);
  if (options == NULL)
    options = &defaults;
  if (!tracker_options_check (options, error))
    return NULL;
  FbnetTracker *tracker = memory_new0 (FbnetTracker, 1, error);
  if (tracker == NULL)
    return NULL;
  g_atomic_ref_count_init (&tracker->references);
  tracker->options = *options;
  tracker->interval = USUAL_INTERVAL;
  return tracker;
}

void
fbnet_tracker_free (FbnetTracker *tracker)
{
  if (tracker == NULL || !g_atomic_ref_count_dec (&tracker->references))
    return;
  pairing_clear (&tracker->pairing);
  g_free (tracker->tracks);
  g_free (tracker->told);
  g_free (tracker->taken);
  g_free (tracker->rows);
  g_free (tracker->columns);
  g_free (tracker);
}

static FbnetTracker *
tracker_ref (FbnetTracker *tracker)
{
  g_atomic_ref_count_inc (&tracker->references);
  return tracker;
}

G_DEFINE_BOXED_TYPE (FbnetTracker, fbnet_tracker, tracker_ref, fbnet_tracker_free)

gboolean
fbnet_tracker_set_options (FbnetTracker *tracker, const FbnetTrackerOptions *options,
    GError **error)
{
  g_return_val_if_fail (tracker != NULL && options != NULL, FALSE);

  if (!tracker_options_check (options, error))
    return FALSE;
  tracker->options = *options;
  return TRUE;
}

void
fbnet_tracker_reset (FbnetTracker *tracker)
{
  g_return_if_fail (tracker != NULL);
  tracker->n_tracks = 0;
  tracker->started = FALSE;
  tracker->public.n = 0;
  tracker->camera_known = FALSE;
  tracker->camera_x = tracker->camera_y = tracker->camera_vx = tracker->camera_vy = 0;
}

void
fbnet_tracker_move_camera (FbnetTracker *tracker, double dx, double dy)
{
  g_return_if_fail (tracker != NULL);

  if (!(fabs (dx) <= FARTHEST && fabs (dy) <= FARTHEST))
    return;
  tracker->camera_known = TRUE;
  tracker->camera_x += dx;
  tracker->camera_y += dy;
}

static gboolean
make_room_for_tracks (FbnetTracker *t, guint n, GError **error)
{
  const guint room = MAX (n, 2 * t->tracks_room);

  if (n <= t->tracks_room)
    return TRUE;
  if (!memory_renew (t->tracks, room, error) || !memory_renew (t->told, room, error)
      || !memory_renew (t->rows, room, error))
    return FALSE;
  t->tracks_room = room;
  return TRUE;
}

static gboolean
make_room_for_detections (FbnetTracker *t, guint n, GError **error)
{
  const guint room = MAX (n, 2 * t->taken_room);

  if (n <= t->taken_room)
    return TRUE;
  if (!memory_renew (t->taken, room, error) || !memory_renew (t->columns, room, error))
    return FALSE;
  t->taken_room = room;
  return TRUE;
}

/* --- Likeness --------------------------------------------------------------------------------- */

static Box
box_of (const FbnetDetection *d)
{
  return (Box){ d->x0, d->y0, d->x1, d->y1 };
}

static Box
move (const Box *box, double dx, double dy)
{
  const float x = (float) dx, y = (float) dy;

  return (Box){ box->x0 + x, box->y0 + y, box->x1 + x, box->y1 + y };
}

static Box
widen (const Box *box, double share)
{
  const float x = (float) share * (box->x1 - box->x0), y = (float) share * (box->y1 - box->y0);

  return (Box){ box->x0 - x, box->y0 - y, box->x1 + x, box->y1 + y };
}

static double
likeness (const Box *expected, const FbnetDetection *detection, double gap)
{
  const double buffer = MIN (BUFFER_GROWTH * gap, BUFFER_MOST);
  const Box found = box_of (detection);
  const Box a = widen (expected, buffer), b = widen (&found, buffer);
  const double before = (double) expected->y1 - expected->y0, now = (double) found.y1 - found.y0;
  const double shape = MIN (before, now) / MAX (before, now);

  return box_iou (&a, &b) * (1 - SHAPE_WEIGHT * (1 - shape))
      * (1 - SCORE_WEIGHT * (1 - (double) detection->score));
}

/* --- Passes ----------------------------------------------------------------------------------- */

typedef struct {
  gboolean (*takes_part) (const Track *track);
  float from, below; /* the detections' scores */
  double least;      /* likeness */
} MatchPass;

static gboolean
is_told (const Track *track)
{
  return track->detection < 0 && track->told;
}

static gboolean
is_told_and_recent (const Track *track)
{
  return track->detection < 0 && track->told && track->misses == 0;
}

static gboolean
is_untold (const Track *track)
{
  return track->detection < 0 && !track->told;
}

static guint
choose_rows (FbnetTracker *t, const MatchPass *pass)
{
  guint n = 0;

  for (guint i = 0; i < t->n_tracks; i++)
    if (pass->takes_part (&t->tracks[i]))
      t->rows[n++] = i;
  return n;
}

static guint
choose_columns (FbnetTracker *t, const MatchPass *pass)
{
  guint n = 0;

  for (guint j = 0; j < t->n_detections; j++)
    if (!t->taken[j] && t->detections[j].score >= pass->from
        && t->detections[j].score < pass->below)
      t->columns[n++] = j;
  return n;
}

static gboolean
add_pairs (FbnetTracker *t, const MatchPass *pass, guint row, guint n_columns, GError **error)
{
  const Track *track = &t->tracks[t->rows[row]];
  const double gap = t->time - track->seen_time;
  const Box box = filter_box (&track->filter);

  for (guint j = 0; j < n_columns; j++) {
    const FbnetDetection *d = &t->detections[t->columns[j]];
    if (d->class_id != track->class_id)
      continue;
    const double gain = likeness (&box, d, gap) - GAP_PENALTY * gap - pass->least;
    if (gain > 0 && !pairing_add (&t->pairing, row, j, gain, error))
      return FALSE;
  }
  return TRUE;
}

/* The best pairs of what takes part in the pass: returns the column of each row, NULL with error. */
static const gint32 *
find_pairs (FbnetTracker *t, const MatchPass *pass, guint n_rows, guint n_columns, GError **error)
{
  if (!pairing_begin (&t->pairing, n_rows, n_columns, error))
    return NULL;
  for (guint i = 0; i < n_rows; i++)
    if (!add_pairs (t, pass, i, n_columns, error))
      return NULL;
  return pairing_solve (&t->pairing, n_rows, n_columns, error);
}

static gboolean
match (FbnetTracker *t, const MatchPass *pass, GError **error)
{
  const guint n_rows = choose_rows (t, pass), n_columns = choose_columns (t, pass);

  if (n_rows == 0 || n_columns == 0)
    return TRUE;
  const gint32 *column_of = find_pairs (t, pass, n_rows, n_columns, error);
  if (column_of == NULL)
    return FALSE;
  for (guint i = 0; i < n_rows; i++) {
    if (column_of[i] < 0)
      continue;
    const guint32 j = t->columns[column_of[i]];
    track_see (&t->tracks[t->rows[i]], &t->detections[j], (gint) j, t->time);
    t->taken[j] = TRUE;
  }
  return TRUE;
}

static gboolean
match_all (FbnetTracker *t, GError **error)
{
  const float high = t->options.high_score, low = t->options.low_score;
  const MatchPass passes[] = {
    { is_told, high, INFINITY, LEAST_FIRST },
    { is_told_and_recent, low, high, LEAST_SECOND },
    { is_untold, high, INFINITY, LEAST_UNTOLD },
  };

  for (guint i = 0; i < G_N_ELEMENTS (passes); i++)
    if (!match (t, &passes[i], error))
      return FALSE;
  return TRUE;
}

/* --- A look ----------------------------------------------------------------------------------- */

/* Seconds since the last look. */
static double
advance (FbnetTracker *t, double time)
{
  const double passed = isfinite (time) ? time - t->time : t->interval;

  if (!t->started) {
    t->time = isfinite (time) ? time : 0;
    return 0;
  }
  if (passed <= 0) {
    for (guint i = 0; i < t->n_tracks; i++) {
      t->tracks[i].first_time += passed;
      t->tracks[i].seen_time += passed;
    }
    t->time += passed;
    return 0;
  }
  t->interval = passed;
  t->time += passed;
  return passed;
}

static gboolean
is_sound (const FbnetDetection *d)
{
  return d->x1 > d->x0 && d->y1 > d->y0 && d->x0 >= -FARTHEST && d->y0 >= -FARTHEST
      && d->x1 <= FARTHEST && d->y1 <= FARTHEST && d->score >= 0 && d->score <= 1;
}

static void
give_up (FbnetTracker *t)
{
  guint n = 0;

  for (guint i = 0; i < t->n_tracks; i++)
    if (t->time - t->tracks[i].seen_time <= t->options.timeout || t->tracks[i].misses == 0)
      t->tracks[n++] = t->tracks[i];
  t->n_tracks = n;
}

static void
predict (FbnetTracker *t, double passed)
{
  for (guint i = 0; i < t->n_tracks; i++) {
    t->tracks[i].detection = -1;
    filter_predict (&t->tracks[i].filter, passed);
  }
}

static void
shift (FbnetTracker *t, double dx, double dy)
{
  for (guint i = 0; i < t->n_tracks; i++)
    track_shift (&t->tracks[i], dx, dy);
}

static void
take_vote (FbnetTracker *t)
{
  double dx, dy;

  t->vote.n = 0;
  for (guint i = 0; i < t->n_tracks; i += 1 + t->n_tracks / CAMERA_VOTERS) {
    const Track *track = &t->tracks[i];
    const Box expected = filter_box (&track->filter);
    const double weight = track->hits > 2 ? 1 : 0.5;
    for (guint j = 0; track->misses == 0 && j < t->n_detections; j++) {
      const Box found = box_of (&t->detections[j]);
      if (!t->taken[j] && t->detections[j].score >= t->options.high_score
          && t->detections[j].class_id == track->class_id)
        camera_vote_add (&t->vote, &expected, &found, weight);
    }
  }
  camera_vote_count (&t->vote, &dx, &dy);
  shift (t, dx, dy);
}

/* Towards so many pixels in these seconds. */
static void
pan (FbnetTracker *t, double dx, double dy, double passed)
{
  if (passed <= 0)
    return;
  t->camera_vx += PAN_SHARE * (dx / passed - t->camera_vx);
  t->camera_vy += PAN_SHARE * (dy / passed - t->camera_vy);
}

/* Where nobody says how the camera moved it is taken to go on as it did, and less so each time: tracks learn the rest. */
static void
follow_camera (FbnetTracker *t, double passed)
{
  if (t->camera_known) {
    shift (t, t->camera_x, t->camera_y);
    pan (t, t->camera_x, t->camera_y, passed);
  } else {
    shift (t, t->camera_vx * passed, t->camera_vy * passed);
    pan (t, 0, 0, passed);
    take_vote (t);
  }
  t->camera_known = FALSE;
  t->camera_x = t->camera_y = 0;
}

static void
miss (FbnetTracker *t)
{
  guint n = 0;

  for (guint i = 0; i < t->n_tracks; i++) {
    Track *track = &t->tracks[i];
    if (track->detection < 0) {
      track->misses++;
      if (!track->told)
        continue;
    }
    t->tracks[n++] = *track;
  }
  t->n_tracks = n;
}

static void
begin_tracks (FbnetTracker *t)
{
  for (guint j = 0; j < t->n_detections; j++) {
    const FbnetDetection *d = &t->detections[j];
    if (!t->taken[j] && d->score >= t->options.new_score)
      t->tracks[t->n_tracks++] = track_new (++t->last_id, d, (gint) j, t->time);
  }
}

/* --- What is told ----------------------------------------------------------------------------- */

static FbnetTrack
describe (const FbnetTracker *t, const Track *track, const Box *box, gint detection)
{
  return (FbnetTrack){
    .id = track->id,
    .x0 = box->x0,
    .y0 = box->y0,
    .x1 = box->x1,
    .y1 = box->y1,
    .score = track_score (track, t->options.score),
    .class_id = track->class_id,
    .detection = detection,
    .hits = track->hits,
    .age = t->time - track->first_time,
    .vx = (float) (track->filter.x.velocity + t->camera_vx),
    .vy = (float) (track->filter.y.velocity + t->camera_vy),
  };
}

static Box
blend (const Track *track)
{
  const Box box = filter_box (&track->filter);
  const float s = BLEND;

  return (Box){ track->seen.x0 + (box.x0 - track->seen.x0) * s,
    track->seen.y0 + (box.y0 - track->seen.y0) * s, track->seen.x1 + (box.x1 - track->seen.x1) * s,
    track->seen.y1 + (box.y1 - track->seen.y1) * s };
}

static void
tell (FbnetTracker *t)
{
  guint n = 0;

  for (guint i = 0; i < t->n_tracks; i++) {
    Track *track = &t->tracks[i];
    track->told |= track->hits >= t->options.min_hits || !t->started;
    if (track->detection < 0 || !track->told)
      continue;
    const Box box = blend (track);
    t->told[n++] = describe (t, track, &box, track->detection);
  }
  t->public = (FbnetTracks){ t->told, n };
}

const FbnetTracks *
fbnet_tracker_update (FbnetTracker *t, const FbnetDetection *detections, guint n, double time,
    GError **error)
{
  g_return_val_if_fail (t != NULL && (detections != NULL || n == 0), NULL);

  if (!make_room_for_tracks (t, t->n_tracks + n, error) || !make_room_for_detections (t, n, error))
    return NULL;
  const double passed = advance (t, time);
  t->detections = detections;
  t->n_detections = n;
  for (guint j = 0; j < n; j++)
    t->taken[j] = !is_sound (&detections[j]);
  give_up (t);
  predict (t, passed);
  follow_camera (t, passed);
  if (!match_all (t, error)) {
    fbnet_tracker_reset (t); /* half of a look is worse than none */
    return NULL;
  }
  miss (t);
  begin_tracks (t);
  tell (t);
  t->started = TRUE;
  return &t->public;
}

const FbnetTracks *
fbnet_tracker_predict (FbnetTracker *t, double time)
{
  g_return_val_if_fail (t != NULL, NULL);

  const double passed = isfinite (time) ? MAX (time - t->time, 0) : 0;
  guint n = 0;
  for (guint i = 0; i < t->n_tracks; i++) {
    const Track *track = &t->tracks[i];
    if (!track->told || track->misses > 0)
      continue;
    const Box still = filter_box_after (&track->filter, passed);
    const Box box = move (&still, t->camera_vx * passed, t->camera_vy * passed);
    t->told[n++] = describe (t, track, &box, -1);
  }
  t->public = (FbnetTracks){ t->told, n };
  return &t->public;
}
