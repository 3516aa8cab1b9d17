/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Second looks at parts of a frame.
 */
#include "zoom.h"

#include "merge.h"

#define HINT 0.05f /* a first look is asked for detections down to this score, for the policy */

struct _FbnetZoom {
  FbnetDetector *detector; /* of regions: they have one size, for which it stays planned */
  FbnetInput *input;
  FbnetDetections *looks[1 + FBNET_ZOOM_MOST];
  FbnetRegion regions[FBNET_ZOOM_MOST];
  guint n_regions, swept;
  FbnetTimings timings;
  Merge merge;
  FbnetDetections public;
};

FbnetZoom *
fbnet_zoom_new (FbnetModel *model, const FbnetDetectorOptions *options, GError **error)
{
  g_return_val_if_fail (model != NULL, NULL);

  FbnetZoom *zoom = g_new0 (FbnetZoom, 1);
  zoom->detector = fbnet_detector_new (model, options, error);
  if (zoom->detector != NULL)
    zoom->input = fbnet_input_new (model, options, error);
  if (zoom->input == NULL) {
    fbnet_zoom_free (zoom);
    return NULL;
  }
  for (guint i = 0; i < G_N_ELEMENTS (zoom->looks); i++)
    zoom->looks[i] = fbnet_detections_new ();
  return zoom;
}

void
fbnet_zoom_free (FbnetZoom *zoom)
{
  if (zoom == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (zoom->looks); i++)
    fbnet_detections_free (zoom->looks[i]);
  merge_clear (&zoom->merge);
  fbnet_input_free (zoom->input);
  fbnet_detector_free (zoom->detector);
  g_free (zoom);
}

void
fbnet_zoom_cancel (FbnetZoom *zoom)
{
  g_return_if_fail (zoom != NULL);
  fbnet_detector_cancel (zoom->detector);
}

void
fbnet_zoom_get_timings (const FbnetZoom *zoom, FbnetTimings *timings)
{
  g_return_if_fail (zoom != NULL && timings != NULL);
  *timings = zoom->timings;
}

guint
fbnet_zoom_get_n_regions (const FbnetZoom *zoom)
{
  g_return_val_if_fail (zoom != NULL, 0);
  return zoom->n_regions;
}

guint
fbnet_zoom_get_look (const FbnetZoom *zoom, guint index)
{
  g_return_val_if_fail (zoom != NULL && index < zoom->public.n, 0);
  return zoom->n_regions == 0 ? 0 : zoom->merge.look[index];
}

/* --- Looks ------------------------------------------------------------------------------------ */

/* Down to which score detections are of use to the policy. Masks and keypoints cost by the detection: then only what
 * was asked for is known. */
static float
hint_of (const FbnetParams *params)
{
  return params->masks || params->keypoints ? params->score_threshold
                                            : MIN (params->score_threshold, HINT);
}

static gboolean
set_threshold (FbnetDetector *detector, float threshold, GError **error)
{
  FbnetParams params;

  fbnet_detector_get_params (detector, &params);
  params.score_threshold = threshold;
  return fbnet_detector_set_params (detector, &params, error);
}

/* `input` (nullable): the first look's; NULL: it is made of all of the image. */
typedef struct {
  FbnetDetector *detector;
  const FbnetInput *input;
  const FbnetImage *image;
  FbnetRegion frame; /* what is looked at */
  FbnetParams params;
} Sight;

static void
add_timings (FbnetZoom *zoom, const FbnetDetector *detector)
{
  FbnetTimings timings;

  fbnet_detector_get_timings (detector, &timings);
  for (guint i = 0; i < FBNET_N_STAGES; i++)
    zoom->timings.ms[i] += timings.ms[i];
  zoom->timings.total += timings.total;
}

static gboolean
run_first (FbnetZoom *zoom, const Sight *sight, GError **error)
{
  const gboolean done = sight->input != NULL
      ? fbnet_detector_run_input (sight->detector, sight->input, zoom->looks[0], error)
      : fbnet_detector_run (sight->detector, sight->image, zoom->looks[0], error);

  if (done)
    add_timings (zoom, sight->detector);
  return done;
}

static gboolean
look_first (FbnetZoom *zoom, const Sight *sight, GError **error)
{
  const FbnetParams *params = &sight->params;

  if (!set_threshold (sight->detector, hint_of (params), error))
    return FALSE;
  const gboolean done = run_first (zoom, sight, error);
  return set_threshold (sight->detector, params->score_threshold, done ? error : NULL) && done;
}

static gboolean
fill (FbnetZoom *zoom, const Sight *sight, const FbnetRegion *region, GError **error)
{
  const gint64 began = g_get_monotonic_time ();

  if (!fbnet_input_fill (zoom->input, sight->image, region, &sight->params, error))
    return FALSE;
  const double ms = (double) (g_get_monotonic_time () - began) / 1000;
  zoom->timings.ms[FBNET_STAGE_PREPROCESS] += ms;
  zoom->timings.total += ms;
  return TRUE;
}

static gboolean
look_again (FbnetZoom *zoom, const Sight *sight, guint index, GError **error)
{
  const FbnetRegion *region = &zoom->regions[index];
  FbnetDetections *found = zoom->looks[1 + index];

  if (!fill (zoom, sight, region, error)
      || !fbnet_detector_run_input (zoom->detector, zoom->input, found, error))
    return FALSE;
  add_timings (zoom, zoom->detector);
  return merge_add (&zoom->merge, found, 1 + index, region, &sight->frame, error);
}

/* Of the first look's detections those that were asked for; thresholds by class held for it, too. */
static gboolean
add_wanted (FbnetZoom *zoom, const FbnetParams *params, GError **error)
{
  FbnetDetections *first = zoom->looks[0];
  guint n = 0;

  while (n < first->n
      && (params->class_thresholds != NULL || first->items[n].score > params->score_threshold))
    n++;
  first->n = n;
  return merge_add (&zoom->merge, first, 0, NULL, NULL, error);
}

static gboolean
look_all (FbnetZoom *zoom, const Sight *sight, GError **error)
{
  merge_begin (&zoom->merge);
  if (!add_wanted (zoom, &sight->params, error)
      || !fbnet_detector_set_params (zoom->detector, &sight->params, error))
    return FALSE;
  for (guint i = 0; i < zoom->n_regions; i++)
    if (!look_again (zoom, sight, i, error))
      return FALSE;
  if (!merge_finish (&zoom->merge, &sight->params, &zoom->public.n, error))
    return FALSE;
  zoom->public.items = zoom->merge.kept;
  return TRUE;
}

static void
choose (FbnetZoom *zoom, const Sight *sight, const FbnetZoomOptions *options,
    const FbnetZoomKnown *known)
{
  FbnetZoomKnown all = known != NULL ? *known : (FbnetZoomKnown){ 0 };

  all.detections = zoom->looks[0]->items;
  all.n_detections = zoom->looks[0]->n;
  zoom->n_regions = fbnet_zoom_choose (zoom->regions, options, &all, &sight->frame, &zoom->swept);
}

static const FbnetDetections *
run (FbnetZoom *zoom, Sight *sight, const FbnetZoomOptions *options, const FbnetZoomKnown *known,
    GError **error)
{
  zoom->n_regions = 0;
  zoom->timings = (FbnetTimings){ 0 };
  zoom->public = (FbnetDetections){ 0 };
  if (!zoom_options_check (options, error))
    return NULL;
  if (options->regions == 0) {
    const gboolean done = run_first (zoom, sight, error);
    zoom->public = *zoom->looks[0];
    return done ? &zoom->public : NULL;
  }
  fbnet_detector_get_params (sight->detector, &sight->params);
  if (!look_first (zoom, sight, error))
    return NULL;
  /* Anew: thresholds by class are the detector's copy. */
  fbnet_detector_get_params (sight->detector, &sight->params);
  choose (zoom, sight, options, known);
  return look_all (zoom, sight, error) ? &zoom->public : NULL;
}

const FbnetDetections *
fbnet_zoom_run (FbnetZoom *zoom, FbnetDetector *detector, const FbnetImage *image,
    const FbnetZoomOptions *options, GError **error)
{
  g_return_val_if_fail (zoom != NULL && detector != NULL && image != NULL && options != NULL, NULL);

  Sight sight = { .detector = detector,
    .image = image,
    .frame = { 0, 0, image->width, image->height } };
  return run (zoom, &sight, options, NULL, error);
}

const FbnetDetections *
fbnet_zoom_run_input (FbnetZoom *zoom, FbnetDetector *detector, const FbnetInput *input,
    const FbnetImage *image, const FbnetZoomOptions *options, const FbnetZoomKnown *known,
    GError **error)
{
  g_return_val_if_fail (zoom != NULL && detector != NULL && input != NULL, NULL);
  g_return_val_if_fail (image != NULL && options != NULL, NULL);

  Sight sight = { .detector = detector, .input = input, .image = image };
  fbnet_input_get_region (input, &sight.frame);
  return run (zoom, &sight, options, known, error);
}
