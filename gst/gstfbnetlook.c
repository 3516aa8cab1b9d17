/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * View → inference → result, in pixels of the visible frame.
 */
#include "gstfbnetlook.h"

#include <string.h>

GstFbnetLook *
gst_fbnet_look_new (void)
{
  GstFbnetLook *look = g_new0 (GstFbnetLook, 1);

  look->n_refs = 1;
  look->found = g_ptr_array_new_with_free_func ((GDestroyNotify) fbnet_detections_free);
  look->items = g_array_new (FALSE, FALSE, sizeof (FbnetDetection));
  look->seen = g_array_new (FALSE, FALSE, sizeof (FbnetDetection));
  look->keypoints = g_array_new (FALSE, FALSE, sizeof (FbnetKeypoint));
  look->seen_from = g_array_new (FALSE, FALSE, sizeof (GstFbnetSource));
  look->expected = g_array_new (FALSE, FALSE, sizeof (FbnetDetection));
  look->masks = g_byte_array_new ();
  look->tracks = g_array_new (FALSE, FALSE, sizeof (FbnetTrack));
  look->sources = g_array_new (FALSE, FALSE, sizeof (GstFbnetSource));
  look->matches = g_array_new (FALSE, FALSE, sizeof (FbnetMatch));
  look->classes = g_array_new (FALSE, FALSE, sizeof (GstFbnetClass));
  return look;
}

GstFbnetLook *
gst_fbnet_look_ref (GstFbnetLook *look)
{
  g_atomic_int_inc (&look->n_refs);
  return look;
}

gboolean
gst_fbnet_look_is_free (GstFbnetLook *look)
{
  return g_atomic_int_get (&look->n_refs) == 1;
}

void
gst_fbnet_look_unref (GstFbnetLook *look)
{
  if (look == NULL || !g_atomic_int_dec_and_test (&look->n_refs))
    return;
  g_ptr_array_unref (look->found);
  g_array_unref (look->items);
  g_array_unref (look->seen);
  g_array_unref (look->keypoints);
  g_array_unref (look->seen_from);
  g_array_unref (look->expected);
  g_byte_array_unref (look->masks);
  g_array_unref (look->tracks);
  g_array_unref (look->sources);
  g_array_unref (look->matches);
  g_array_unref (look->classes);
  if (look->labels != NULL)
    g_atomic_rc_box_release (look->labels);
  g_free (look);
}

/* --- From regions to the frame ----------------------------------------------------------------- */

static FbnetDetections *
get_found (GstFbnetLook *look, guint index)
{
  if (index == look->found->len)
    g_ptr_array_add (look->found, fbnet_detections_new ());
  return g_ptr_array_index (look->found, index);
}

/* A region may have been widened by the pixels that share chroma with it. */
static void
move_box (FbnetDetection *d, const GstFbnetView *view)
{
  const float x = (float) view->x, y = (float) view->y;
  const float width = (float) view->width, height = (float) view->height;

  d->x0 = CLAMP (d->x0 - x, 0, width);
  d->x1 = CLAMP (d->x1 - x, 0, width);
  d->y0 = CLAMP (d->y0 - y, 0, height);
  d->y1 = CLAMP (d->y1 - y, 0, height);
  d->mask.x -= (gint) view->x;
  d->mask.y -= (gint) view->y;
}

static void
append_one (GstFbnetLook *look, const FbnetDetection *found, const GstFbnetView *view, gint parent,
    guint number)
{
  const GstFbnetSource source = { parent, number };
  FbnetDetection d = *found;

  move_box (&d, view);
  g_array_append_val (look->items, d);
  g_array_append_val (look->sources, source);
}

static void
append (GstFbnetLook *look, const FbnetDetections *found, const GstFbnetView *view, gint parent)
{
  for (guint i = 0; i < found->n; i++)
    append_one (look, &found->items[i], view, parent, 0);
}

/* Into memory of the look's own, where they have to be moved, or others will write where they are. Only once there are
 * all of them: the array moves as it grows. */
static void
take_keypoints (GstFbnetLook *look, const GstFbnetView *view, guint n)
{
  const gboolean stay = view->x == 0 && view->y == 0 && !gst_fbnet_view_zooms (view);

  g_array_set_size (look->keypoints, 0);
  if (n == 0 || stay)
    return;
  g_array_set_size (look->keypoints, look->items->len * n);
  FbnetKeypoint *to = &g_array_index (look->keypoints, FbnetKeypoint, 0);
  for (guint i = 0; i < look->items->len; i++, to += n) {
    FbnetDetection *d = &g_array_index (look->items, FbnetDetection, i);
    for (guint k = 0; d->keypoints != NULL && k < n; k++)
      to[k] = (FbnetKeypoint){ d->keypoints[k].x - (float) view->x,
        d->keypoints[k].y - (float) view->y, d->keypoints[k].score };
    if (d->keypoints != NULL)
      d->keypoints = to;
  }
}

/* Insertion: what comes from each region is in order, and of equals the first region's is first. */
static void
sort (GstFbnetLook *look)
{
  FbnetDetection *items = &g_array_index (look->items, FbnetDetection, 0);
  GstFbnetSource *sources = &g_array_index (look->sources, GstFbnetSource, 0);

  for (guint i = 1; i < look->items->len; i++) {
    const FbnetDetection d = items[i];
    const GstFbnetSource source = sources[i];
    guint j = i;
    for (; j > 0 && items[j - 1].score < d.score; j--) {
      items[j] = items[j - 1];
      sources[j] = sources[j - 1];
    }
    items[j] = d;
    sources[j] = source;
  }
}

static void
add_timings (FbnetTimings *sum, const FbnetTimings *timings)
{
  for (guint i = 0; i < FBNET_N_STAGES; i++)
    sum->ms[i] += timings->ms[i];
  sum->total += timings->total;
}

static gboolean
detect (GstFbnetLook *look, const GstFbnetView *view, GError **error)
{
  GstFbnetNetwork *network = view->network;

  for (guint i = 0; i < view->n_inputs; i++) {
    FbnetDetections *found = get_found (look, i);
    FbnetTimings timings;
    if (!fbnet_detector_run_input (network->detector, g_ptr_array_index (view->inputs, i), found,
            error))
      return FALSE;
    gst_fbnet_network_get_timings (network, &timings);
    add_timings (&look->timings, &timings);
    append (look, found, view, g_array_index (view->parents, gint, i));
  }
  look->timings.ms[FBNET_STAGE_PREPROCESS] += view->ms;
  look->timings.total += view->ms;
  if (view->n_inputs > 1)
    sort (look);
  take_keypoints (look, view, fbnet_model_get_n_keypoints (network->model));
  return TRUE;
}

/* --- Second looks ------------------------------------------------------------------------------ */

/* Objects of earlier looks, in pixels of the frame as it lies in memory. */
static void
expect (GstFbnetLook *look, const GstFbnetView *view, GstFbnetTracks *tracks)
{
  const float x = (float) view->x, y = (float) view->y;
  const FbnetTracks *expected = gst_fbnet_tracks_expect (tracks, view->moment.running_time);

  g_array_set_size (look->expected, 0);
  for (guint i = 0; i < expected->n; i++) {
    const FbnetTrack *t = &expected->items[i];
    const FbnetDetection d = { .x0 = t->x0 + x,
      .y0 = t->y0 + y,
      .x1 = t->x1 + x,
      .y1 = t->y1 + y,
      .score = t->score,
      .class_id = t->class_id };
    g_array_append_val (look->expected, d);
  }
}

static gsize
mask_size (const FbnetMask *mask)
{
  return mask->data != NULL ? (gsize) mask->width * (gsize) mask->height : 0;
}

/* The next run writes where they are; the look has to stay. */
static void
take_masks (GstFbnetLook *look)
{
  FbnetDetection *items = (FbnetDetection *) (gpointer) look->items->data;
  gsize size = 0;

  for (guint i = 0; i < look->items->len; i++)
    size += mask_size (&items[i].mask);
  g_byte_array_set_size (look->masks, (guint) size);
  guint8 *to = look->masks->data;
  for (guint i = 0; i < look->items->len; i++) {
    FbnetMask *mask = &items[i].mask;
    const gsize n = mask_size (mask);
    if (n == 0)
      continue;
    memcpy (to, mask->data, n);
    mask->data = to;
    to += n;
  }
}

static gboolean
detect_twice (GstFbnetLook *look, const GstFbnetView *view, GstFbnetTracks *tracks, GError **error)
{
  GstFbnetNetwork *network = view->network;

  expect (look, view, tracks);
  const FbnetZoomKnown known = {
    .expected = (const FbnetDetection *) (gpointer) look->expected->data,
    .n_expected = look->expected->len,
    .moved = (const FbnetRegion *) (gpointer) view->moved->data,
    .n_moved = view->moved->len,
  };
  const FbnetDetections *found = fbnet_zoom_run_input (network->zoom, network->detector,
      g_ptr_array_index (view->inputs, 0), &view->image, &view->zoom, &known, error);
  if (found == NULL)
    return FALSE;
  for (guint i = 0; i < found->n; i++)
    append_one (look, &found->items[i], view, -1, fbnet_zoom_get_look (network->zoom, i));
  fbnet_zoom_get_timings (network->zoom, &look->timings);
  look->timings.ms[FBNET_STAGE_PREPROCESS] += view->ms;
  look->timings.total += view->ms;
  take_masks (look);
  take_keypoints (look, view, fbnet_model_get_n_keypoints (network->model));
  return TRUE;
}

static gboolean
classify (GstFbnetLook *look, const GstFbnetView *view, GError **error)
{
  guint n = 0;

  g_array_set_size (look->classes, view->network->n_classes);
  const gboolean done = gst_fbnet_network_classify (view->network, &view->image, &view->params,
      view->n_top, &g_array_index (look->classes, GstFbnetClass, 0), &n, error);
  g_array_set_size (look->classes, n);
  gst_fbnet_network_get_timings (view->network, &look->timings);
  return done;
}

/* --- Objects ----------------------------------------------------------------------------------- */

static gboolean
is_told (const FbnetParams *params, const FbnetTrack *track)
{
  return track->score > (params->class_thresholds != NULL
                 ? params->class_thresholds[track->class_id]
                 : params->score_threshold);
}

/* Behind those that are at least as good. */
static void
insert_track (GstFbnetLook *look, const FbnetTrack *track, const GstFbnetView *view)
{
  const float width = (float) view->width, height = (float) view->height;
  FbnetDetection d = g_array_index (look->seen, FbnetDetection, track->detection);
  guint i = look->items->len;

  d.x0 = CLAMP (track->x0, 0, width);
  d.x1 = CLAMP (track->x1, 0, width);
  d.y0 = CLAMP (track->y0, 0, height);
  d.y1 = CLAMP (track->y1, 0, height);
  d.score = track->score;
  while (i > 0 && g_array_index (look->items, FbnetDetection, i - 1).score < d.score)
    i--;
  g_array_insert_val (look->items, i, d);
  g_array_insert_vals (look->sources, i,
      &g_array_index (look->seen_from, GstFbnetSource, track->detection), 1);
  g_array_insert_vals (look->tracks, i, track, 1);
}

static void
exchange (GArray **a, GArray **b)
{
  GArray *kept = *a;

  *a = *b;
  *b = kept;
}

/* What is told from here on are the objects that detections belong to. */
static void
follow (GstFbnetLook *look, const GstFbnetView *view, GstFbnetTracks *tracks)
{
  exchange (&look->items, &look->seen);
  exchange (&look->sources, &look->seen_from);
  g_array_set_size (look->items, 0);
  g_array_set_size (look->sources, 0);
  const FbnetTracks *told = gst_fbnet_tracks_update (tracks, view->moment.running_time,
      (const FbnetDetection *) (gpointer) look->seen->data, look->seen->len);
  for (guint i = 0; i < told->n; i++)
    if (is_told (&view->params, &told->items[i]))
      insert_track (look, &told->items[i], view);
}

/* --- The result -------------------------------------------------------------------------------- */

static void
begin (GstFbnetLook *look, const GstFbnetView *view)
{
  g_array_set_size (look->items, 0);
  g_array_set_size (look->sources, 0);
  g_array_set_size (look->tracks, 0);
  g_array_set_size (look->matches, 0);
  g_array_set_size (look->classes, 0);
  look->timings = (FbnetTimings){ 0 };
  look->counts = (FbnetMatchCounts){ 0 };
  look->moment = view->moment;
  look->generation = view->generation;
  look->evaluated = view->evaluate;
  if (look->labels != view->network->labels) {
    if (look->labels != NULL)
      g_atomic_rc_box_release (look->labels);
    look->labels = g_atomic_rc_box_acquire (view->network->labels);
  }
}

static void
describe (GstFbnetLook *look, const GstFbnetView *view)
{
  look->all.items = (const FbnetDetection *) (gpointer) look->items->data;
  look->all.n = MIN (look->items->len, view->params.max_detections);
  look->result = (GstFbnetResult){
    .found = &look->all,
    .width = view->width,
    .height = view->height,
    .labels = look->labels,
    .mask_threshold = view->params.mask_threshold,
    .inferred_pts = view->moment.pts,
    .n_keypoints = fbnet_model_get_n_keypoints (view->network->model),
    .classes = (const GstFbnetClass *) (gpointer) look->classes->data,
    .n_classes = look->classes->len,
    .sources = (const GstFbnetSource *) (gpointer) look->sources->data,
  };
  if (view->tracking.follow)
    look->result.tracks = (const FbnetTrack *) (gpointer) look->tracks->data;
}

static void
match (GstFbnetLook *look, const GstFbnetView *view)
{
  const FbnetMatch *matches =
      gst_fbnet_evaluation_match (view->evaluation, &look->all, &view->params, &look->counts);

  g_array_append_vals (look->matches, matches, look->all.n);
  look->result.matches = (const FbnetMatch *) (gpointer) look->matches->data;
}

static gboolean
see (GstFbnetLook *look, const GstFbnetView *view, GstFbnetTracks *tracks, GError **error)
{
  if (view->network->classifier != NULL)
    return classify (look, view, error);
  if (gst_fbnet_view_zooms (view))
    return detect_twice (look, view, tracks, error);
  return detect (look, view, error);
}

gboolean
gst_fbnet_look_take (GstFbnetLook *look, const GstFbnetView *view, GstFbnetTracks *tracks,
    GError **error)
{
  GstFbnetNetwork *network = view->network;

  begin (look, view);
  gst_fbnet_tracks_begin (tracks, &view->tracking, view->generation, view->jumps);
  if (!gst_fbnet_network_set_params (network, &view->wide, view->revision, error)
      || !see (look, view, tracks, error))
    return FALSE;
  if (view->tracking.follow)
    follow (look, view, tracks);
  describe (look, view);
  if (view->evaluate)
    match (look, view);
  return TRUE;
}
