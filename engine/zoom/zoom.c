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

static gboolean
look_first (FbnetZoom *zoom, FbnetDetector *detector, const FbnetImage *image, GError **error)
{
  FbnetParams params;

  fbnet_detector_get_params (detector, &params);
  if (!set_threshold (detector, hint_of (&params), error))
    return FALSE;
  const gboolean done = fbnet_detector_run (detector, image, zoom->looks[0], error);
  return set_threshold (detector, params.score_threshold, done ? error : NULL) && done;
}

static gboolean
look_again (FbnetZoom *zoom, const FbnetParams *params, const FbnetImage *image, guint index,
    GError **error)
{
  const FbnetRegion *region = &zoom->regions[index];
  FbnetDetections *found = zoom->looks[1 + index];

  if (!fbnet_input_fill (zoom->input, image, region, params, error)
      || !fbnet_detector_run_input (zoom->detector, zoom->input, found, error))
    return FALSE;
  merge_add (&zoom->merge, found, 1 + index, region, image->width, image->height);
  return TRUE;
}

/* Of the first look's detections those that were asked for; thresholds by class held for it, too. */
static void
add_wanted (FbnetZoom *zoom, const FbnetParams *params)
{
  FbnetDetections *first = zoom->looks[0];
  guint n = 0;

  while (n < first->n
      && (params->class_thresholds != NULL || first->items[n].score > params->score_threshold))
    n++;
  first->n = n;
  merge_add (&zoom->merge, first, 0, NULL, 0, 0);
}

static gboolean
look_all (FbnetZoom *zoom, const FbnetParams *params, const FbnetImage *image, GError **error)
{
  merge_begin (&zoom->merge);
  add_wanted (zoom, params);
  if (!fbnet_detector_set_params (zoom->detector, params, error))
    return FALSE;
  for (guint i = 0; i < zoom->n_regions; i++)
    if (!look_again (zoom, params, image, i, error))
      return FALSE;
  if (!merge_finish (&zoom->merge, params, &zoom->public.n, error))
    return FALSE;
  zoom->public.items = zoom->merge.kept;
  return TRUE;
}

const FbnetDetections *
fbnet_zoom_run (FbnetZoom *zoom, FbnetDetector *detector, const FbnetImage *image,
    const FbnetZoomOptions *options, GError **error)
{
  g_return_val_if_fail (zoom != NULL && detector != NULL && image != NULL && options != NULL, NULL);
  FbnetParams params;

  zoom->n_regions = 0;
  zoom->public = (FbnetDetections){ 0 };
  if (!zoom_options_check (options, error))
    return NULL;
  if (options->regions == 0) {
    const gboolean done = fbnet_detector_run (detector, image, zoom->looks[0], error);
    zoom->public = *zoom->looks[0];
    return done ? &zoom->public : NULL;
  }
  if (!look_first (zoom, detector, image, error))
    return NULL;
  fbnet_detector_get_params (detector, &params);
  zoom->n_regions = fbnet_zoom_choose (zoom->regions, options, zoom->looks[0]->items,
      zoom->looks[0]->n, image->width, image->height, zoom->swept);
  zoom->swept += zoom->n_regions;
  return look_all (zoom, &params, image, error) ? &zoom->public : NULL;
}
