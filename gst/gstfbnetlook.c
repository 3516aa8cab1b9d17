/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * View → inference → result, in pixels of the visible frame.
 */
#include "gstfbnetlook.h"

#include <string.h>

#include "gstfbnetpart.h"

GstFbnetLook *
gst_fbnet_look_new (void)
{
  GstFbnetLook *look = g_new0 (GstFbnetLook, 1);

  look->n_refs = 1;
  look->found = g_ptr_array_new_with_free_func ((GDestroyNotify) fbnet_detections_free);
  look->items = gst_fbnet_list_new (sizeof (FbnetDetection));
  look->seen = gst_fbnet_list_new (sizeof (FbnetDetection));
  look->keypoints = gst_fbnet_list_new (sizeof (FbnetKeypoint));
  look->seen_from = gst_fbnet_list_new (sizeof (GstFbnetSource));
  look->expected = gst_fbnet_list_new (sizeof (FbnetDetection));
  look->masks = gst_fbnet_list_new (1);
  look->tracks = gst_fbnet_list_new (sizeof (FbnetTrack));
  look->sources = gst_fbnet_list_new (sizeof (GstFbnetSource));
  look->matches = gst_fbnet_list_new (sizeof (FbnetMatch));
  look->classes = gst_fbnet_list_new (sizeof (GstFbnetClass));
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
  gst_fbnet_list_free (look->items);
  gst_fbnet_list_free (look->seen);
  gst_fbnet_list_free (look->keypoints);
  gst_fbnet_list_free (look->seen_from);
  gst_fbnet_list_free (look->expected);
  gst_fbnet_list_free (look->masks);
  gst_fbnet_list_free (look->tracks);
  gst_fbnet_list_free (look->sources);
  gst_fbnet_list_free (look->matches);
  gst_fbnet_list_free (look->classes);
  g_clear_pointer (&look->labels, g_bytes_unref);
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

/* Before so many more are appended. */
static gboolean
reserve (GstFbnetLook *look, guint n, GError **error)
{
  return gst_fbnet_list_reserve (look->items, look->items->len + n, error)
      && gst_fbnet_list_reserve (look->sources, look->sources->len + n, error);
}

static void
append_one (GstFbnetLook *look, const FbnetDetection *found, const GstFbnetView *view,
    const GstFbnetSource *source)
{
  FbnetDetection d = *found;

  move_box (&d, view);
  gst_fbnet_list_append (look->items, &d);
  gst_fbnet_list_append (look->sources, source);
}

static gboolean
append (GstFbnetLook *look, const FbnetDetections *found, const GstFbnetView *view, gint parent,
    GError **error)
{
  const GstFbnetSource source = { .parent = parent };

  if (!reserve (look, found->n, error))
    return FALSE;
  for (guint i = 0; i < found->n; i++)
    append_one (look, &found->items[i], view, &source);
  return TRUE;
}

/* Into memory of the look's own, where they have to be moved, or others will write where they are. Only once there
 * are all of them: the array moves as it grows. */
static gboolean
take_keypoints (GstFbnetLook *look, const GstFbnetView *view, GError **error)
{
  const guint n = fbnet_model_get_n_keypoints (view->network->model);

  if (n == 0)
    return TRUE;
  if (!gst_fbnet_list_reserve (look->keypoints, look->items->len * n, error))
    return FALSE;
  FbnetKeypoint *to = &g_array_index (look->keypoints, FbnetKeypoint, 0);
  for (guint i = 0; i < look->items->len; i++, to += n) {
    FbnetDetection *d = &g_array_index (look->items, FbnetDetection, i);
    for (guint k = 0; d->keypoints != NULL && k < n; k++)
      to[k] = (FbnetKeypoint){ d->keypoints[k].x - (float) view->x,
        d->keypoints[k].y - (float) view->y, d->keypoints[k].score };
    if (d->keypoints != NULL)
      d->keypoints = to;
  }
  return TRUE;
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
    if (!append (look, found, view, g_array_index (view->parents, gint, i), error))
      return FALSE;
  }
  look->timings.ms[FBNET_STAGE_PREPROCESS] += view->ms;
  look->timings.total += view->ms;
  if (view->n_inputs > 1)
    sort (look);
  return (view->x == 0 && view->y == 0) || take_keypoints (look, view, error);
}

/* --- Second looks ------------------------------------------------------------------------------ */

/* Objects of earlier looks, in pixels of the frame as it lies in memory. */
static gboolean
expect (GstFbnetLook *look, const GstFbnetView *view, GstFbnetTracks *tracks, GError **error)
{
  const float x = (float) view->x, y = (float) view->y;
  const FbnetTracks *expected = gst_fbnet_tracks_expect (tracks, view->moment.running_time);

  gst_fbnet_list_set_length (look->expected, 0);
  if (!gst_fbnet_list_reserve (look->expected, expected->n, error))
    return FALSE;
  for (guint i = 0; i < expected->n; i++) {
    const FbnetTrack *t = &expected->items[i];
    const FbnetDetection d = { .x0 = t->x0 + x,
      .y0 = t->y0 + y,
      .x1 = t->x1 + x,
      .y1 = t->y1 + y,
      .score = t->score,
      .class_id = t->class_id };
    gst_fbnet_list_append (look->expected, &d);
  }
  return TRUE;
}

static gsize
mask_size (const FbnetMask *mask)
{
  return mask->data != NULL ? (gsize) mask->width * (gsize) mask->height : 0;
}

/* Others will write where they are; the look has to stay. */
static gboolean
take_masks (GstFbnetLook *look, GError **error)
{
  FbnetDetection *items = (FbnetDetection *) (gpointer) look->items->data;
  gsize size = 0;

  for (guint i = 0; i < look->items->len; i++)
    size += mask_size (&items[i].mask);
  if (!gst_fbnet_list_reserve (look->masks, (guint) MIN (size, G_MAXUINT), error))
    return FALSE;
  guint8 *to = (guint8 *) look->masks->data;
  for (guint i = 0; i < look->items->len; i++) {
    FbnetMask *mask = &items[i].mask;
    const gsize n = mask_size (mask);
    if (n == 0)
      continue;
    memcpy (to, mask->data, n);
    mask->data = to;
    to += n;
  }
  return TRUE;
}

/* Of an input that shows what the view does, or a part of it.
 * Returns: (transfer none) (nullable): until the next run. */
static const FbnetDetections *
run_twice (GstFbnetLook *look, const GstFbnetView *view, FbnetDetector *detector,
    const FbnetInput *input, GstFbnetTracks *tracks, GError **error)
{
  GstFbnetNetwork *network = view->network;
  FbnetTimings timings;

  if (!expect (look, view, tracks, error))
    return NULL;
  const FbnetZoomKnown known = {
    .expected = (const FbnetDetection *) (gpointer) look->expected->data,
    .n_expected = look->expected->len,
    .moved = (const FbnetRegion *) (gpointer) view->moved->data,
    .n_moved = view->moved->len,
  };
  const FbnetDetections *found = fbnet_zoom_run_input (network->zoom, detector, input, &view->image,
      &view->zoom, &known, error);
  fbnet_zoom_get_timings (network->zoom, &timings);
  add_timings (&look->timings, &timings);
  return found;
}

static GstFbnetSource
source_of (const GstFbnetView *view, guint index)
{
  return (GstFbnetSource){ .parent = -1,
    .look = gst_fbnet_view_zooms (view) ? fbnet_zoom_get_look (view->network->zoom, index) : 0 };
}

/* What was found becomes the look's own. */
static gboolean
take_found (GstFbnetLook *look, const GstFbnetView *view, GError **error)
{
  look->timings.ms[FBNET_STAGE_PREPROCESS] += view->ms;
  look->timings.total += view->ms;
  return take_masks (look, error) && take_keypoints (look, view, error);
}

static gboolean
detect_twice (GstFbnetLook *look, const GstFbnetView *view, GstFbnetTracks *tracks, GError **error)
{
  const FbnetDetections *found = run_twice (look, view, view->network->detector,
      g_ptr_array_index (view->inputs, 0), tracks, error);

  if (found == NULL || !reserve (look, found->n, error))
    return FALSE;
  for (guint i = 0; i < found->n; i++) {
    const GstFbnetSource source = source_of (view, i);
    append_one (look, &found->items[i], view, &source);
  }
  return take_found (look, view, error);
}

/* --- What moved -------------------------------------------------------------------------------- */

/* What was found before it was followed: the tracker smooths, and leaves out. */
static const GstFbnetList *
get_raw (const GstFbnetLook *look)
{
  return look->result.tracks != NULL ? look->seen : look->items;
}

static void
append_new (GstFbnetLook *look, const GstFbnetView *view, const FbnetRegion *part,
    const FbnetDetections *found)
{
  for (guint i = 0; i < found->n; i++) {
    const GstFbnetSource source = source_of (view, i);
    if (!gst_fbnet_part_cuts (view, part, &found->items[i]))
      append_one (look, &found->items[i], view, &source);
  }
}

/* Among the first `n`. */
static gboolean
has_like (const GstFbnetLook *look, guint n, const FbnetDetection *d)
{
  for (guint i = 0; i < n; i++)
    if (gst_fbnet_part_is_like (&g_array_index (look->items, FbnetDetection, i), d))
      return TRUE;
  return FALSE;
}

/* What was looked at is a little more than the part: what is found there again is not carried over. */
static void
append_carried (GstFbnetLook *look, const GstFbnetView *view, const FbnetRegion *part,
    const GstFbnetList *before)
{
  const GstFbnetSource source = { .parent = -1, .carried = TRUE };
  const guint n = look->items->len;

  for (guint i = 0; i < before->len; i++) {
    const FbnetDetection *d = &g_array_index (before, FbnetDetection, i);
    if (!gst_fbnet_part_touches (part, d) && !has_like (look, n, d))
      append_one (look, d, view, &source);
  }
}

static const FbnetDetections *
run_part (GstFbnetLook *look, const GstFbnetView *view, GstFbnetTracks *tracks, GError **error)
{
  GstFbnetNetwork *network = view->network;
  FbnetDetections *found = get_found (look, 0);
  FbnetTimings timings;

  if (gst_fbnet_view_zooms (view))
    return run_twice (look, view, network->part_detector, network->part, tracks, error);
  if (!fbnet_detector_run_input (network->part_detector, network->part, found, error))
    return NULL;
  fbnet_detector_get_timings (network->part_detector, &timings);
  add_timings (&look->timings, &timings);
  return found;
}

/* Looks at that part only; elsewhere everything is as it was. If something that was there is not found again,
 * `whole`: all of the frame has to be looked at. */
static gboolean
detect_part (GstFbnetLook *look, const GstFbnetView *view, const GstFbnetList *before,
    const FbnetRegion *part, GstFbnetTracks *tracks, gboolean *whole, GError **error)
{
  GstFbnetNetwork *network = view->network;
  FbnetRegion cut;

  if (!fbnet_input_cut (network->part, g_ptr_array_index (view->inputs, 0), part, error))
    return FALSE;
  const FbnetDetections *found = run_part (look, view, tracks, error);
  if (found == NULL || !reserve (look, found->n + before->len, error))
    return FALSE;
  fbnet_input_get_region (network->part, &cut);
  append_new (look, view, &cut, found);
  *whole = gst_fbnet_part_misses (view, part, before, look->items);
  if (*whole)
    return TRUE;
  append_carried (look, view, part, before);
  sort (look);
  return take_found (look, view, error);
}

/* Whether the look before was at the frame from which this one differs in little. */
static gboolean
find_part (const GstFbnetView *view, const GstFbnetLook *before, FbnetRegion *part)
{
  return view->since != 0 && before != NULL && before->serial == view->since
      && before->generation == view->generation
      && gst_fbnet_part_find (view, get_raw (before), part);
}

static gboolean
classify (GstFbnetLook *look, const GstFbnetView *view, GError **error)
{
  guint n = 0;

  if (!gst_fbnet_list_reserve (look->classes, view->network->n_classes, error))
    return FALSE;
  const gboolean done = gst_fbnet_network_classify (view->network, &view->image, &view->params,
      view->n_top, &g_array_index (look->classes, GstFbnetClass, 0), &n, error);
  gst_fbnet_list_set_length (look->classes, n);
  gst_fbnet_network_get_timings (view->network, &look->timings);
  return done;
}

/* `whole`: it was no use. */
static gboolean
try_part (GstFbnetLook *look, const GstFbnetView *view, const GstFbnetLook *before,
    GstFbnetTracks *tracks, gboolean *whole, GError **error)
{
  FbnetRegion part;

  if (!find_part (view, before, &part))
    return TRUE;
  if (!detect_part (look, view, get_raw (before), &part, tracks, whole, error))
    return FALSE;
  if (*whole) {
    gst_fbnet_list_set_length (look->items, 0);
    gst_fbnet_list_set_length (look->sources, 0);
  }
  return TRUE;
}

/* --- Objects ----------------------------------------------------------------------------------- */

static gboolean
is_told (const FbnetParams *params, const FbnetTrack *track)
{
  return track->score > gst_fbnet_network_get_threshold (params, track->class_id);
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
  gst_fbnet_list_insert (look->items, i, &d);
  gst_fbnet_list_insert (look->sources, i,
      &g_array_index (look->seen_from, GstFbnetSource, track->detection));
  gst_fbnet_list_insert (look->tracks, i, track);
}

static void
exchange (GstFbnetList **a, GstFbnetList **b)
{
  GstFbnetList *kept = *a;

  *a = *b;
  *b = kept;
}

/* What is told from here on are the objects that detections belong to. */
static gboolean
follow (GstFbnetLook *look, const GstFbnetView *view, GstFbnetTracks *tracks, GError **error)
{
  if (view->n_inputs == 1
      && !gst_fbnet_tracks_see (tracks, g_ptr_array_index (view->inputs, 0), error))
    return FALSE;
  exchange (&look->items, &look->seen);
  exchange (&look->sources, &look->seen_from);
  gst_fbnet_list_set_length (look->items, 0);
  gst_fbnet_list_set_length (look->sources, 0);
  const FbnetTracks *told = gst_fbnet_tracks_update (tracks, view->moment.running_time,
      (const FbnetDetection *) (gpointer) look->seen->data, look->seen->len, error);
  if (told == NULL || !reserve (look, told->n, error)
      || !gst_fbnet_list_reserve (look->tracks, told->n, error))
    return FALSE;
  for (guint i = 0; i < told->n; i++)
    if (is_told (&view->params, &told->items[i]))
      insert_track (look, &told->items[i], view);
  return TRUE;
}

/* --- The result -------------------------------------------------------------------------------- */

static void
begin (GstFbnetLook *look, const GstFbnetView *view)
{
  gst_fbnet_list_set_length (look->items, 0);
  gst_fbnet_list_set_length (look->sources, 0);
  gst_fbnet_list_set_length (look->tracks, 0);
  gst_fbnet_list_set_length (look->classes, 0);
  look->timings = (FbnetTimings){ 0 };
  look->counts = (FbnetMatchCounts){ 0 };
  look->moment = view->moment;
  look->generation = view->generation;
  look->serial = view->serial;
  look->evaluated = view->evaluate;
  if (look->labels != view->network->label_bytes) {
    g_clear_pointer (&look->labels, g_bytes_unref);
    look->labels = g_bytes_ref (view->network->label_bytes);
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
    .labels = g_bytes_get_data (look->labels, NULL),
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

static gboolean
match (GstFbnetLook *look, const GstFbnetView *view, GError **error)
{
  if (!gst_fbnet_list_reserve (look->matches, look->all.n, error))
    return FALSE;
  FbnetMatch *matches = (FbnetMatch *) (gpointer) look->matches->data;
  look->result.matches = matches;
  return gst_fbnet_evaluation_match (view->evaluation, &look->all, &view->params, matches,
      &look->counts, error);
}

static gboolean
see (GstFbnetLook *look, const GstFbnetView *view, const GstFbnetLook *before,
    GstFbnetTracks *tracks, GError **error)
{
  gboolean whole = TRUE;

  if (view->network->classifier != NULL)
    return classify (look, view, error);
  if (!try_part (look, view, before, tracks, &whole, error))
    return FALSE;
  if (!whole)
    return TRUE;
  if (gst_fbnet_view_zooms (view))
    return detect_twice (look, view, tracks, error);
  return detect (look, view, error);
}

gboolean
gst_fbnet_look_take (GstFbnetLook *look, const GstFbnetView *view, const GstFbnetLook *before,
    GstFbnetTracks *tracks, GError **error)
{
  GstFbnetNetwork *network = view->network;

  begin (look, view);
  if (!gst_fbnet_tracks_begin (tracks, &view->tracking, view->generation, view->jumps, error)
      || !gst_fbnet_network_set_params (network, &view->wide, view->revision, error)
      || !see (look, view, before, tracks, error))
    return FALSE;
  if (view->tracking.follow && !follow (look, view, tracks, error))
    return FALSE;
  describe (look, view);
  return !view->evaluate || match (look, view, error);
}
