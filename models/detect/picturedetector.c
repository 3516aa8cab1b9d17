/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A detector at work on picture files.
 */
#include "picturedetector.h"

#include "support/commandline.h"
#include "support/modelfile.h"

gboolean
picture_detector_check_zoom (ParamOptions *zoom, GError **error)
{
  if (!param_options_check (zoom, error))
    return FALSE;
  const char *given = param_options_given (zoom, "zoom-regions");
  if (given != NULL && !param_options_has (zoom, "zoom-regions"))
    return usage_error (error, "--%s: expected --zoom-regions beside it, found none", given);
  return param_options_number (zoom, "zoom-policy", FBNET_ZOOM_AUTO) != FBNET_ZOOM_MOTION
      || usage_error (error,
          "--zoom-policy: expected another than motion: nothing moves in single pictures");
}

static gboolean
start (PictureDetector *detector, const ParamOptions *options, const ParamOptions *zoom,
    GError **error)
{
  const FbnetDetectorOptions how =
      options != NULL ? param_options_how (options) : (FbnetDetectorOptions){ 0 };
  FbnetParams params;

  detector->detector = fbnet_detector_new (detector->model, &how, error);
  if (detector->detector == NULL)
    return FALSE;
  fbnet_model_get_params (detector->model, &params);
  if (options != NULL)
    param_options_apply (options, &params);
  fbnet_zoom_options_init (&detector->zoom_options);
  if (zoom != NULL)
    param_options_apply_to (zoom, &detector->zoom_options);
  if (detector->zoom_options.regions > 0) {
    detector->zoom = fbnet_zoom_new (detector->model, &how, error);
    if (detector->zoom == NULL)
      return FALSE;
  }
  return fbnet_detector_set_params (detector->detector, &params, error);
}

gboolean
picture_detector_open (PictureDetector *detector, const char *model, const ParamOptions *params,
    const ParamOptions *zoom, GError **error)
{
  *detector = (PictureDetector){ .found = fbnet_detections_new () };
  detector->model = model_file_load (model, FBNET_TASK_DETECTION, error);
  if (detector->model == NULL)
    return FALSE;
  detector->classes = class_table_new (detector->model, error);
  if (detector->classes == NULL)
    return FALSE;
  const gboolean started = start (detector, params, zoom, error);
  usage_error_adopt (error);
  return started;
}

void
picture_detector_close (PictureDetector *detector)
{
  class_table_free (detector->classes);
  fbnet_detector_free (detector->detector);
  fbnet_zoom_free (detector->zoom);
  fbnet_detections_free (detector->found);
  fbnet_model_unref (detector->model);
}

static const FbnetDetections *
look (PictureDetector *detector, const FbnetImage *image, GError **error)
{
  if (detector->zoom != NULL)
    return fbnet_zoom_run (detector->zoom, detector->detector, image, &detector->zoom_options,
        error);
  return fbnet_detector_run (detector->detector, image, detector->found, error) ? detector->found
                                                                                : NULL;
}

Picture *
picture_detector_run (PictureDetector *detector, const char *path, GError **error)
{
  g_autoptr (Picture) picture = picture_read (path, error);

  if (picture == NULL)
    return NULL;
  const FbnetImage image = picture_image (picture);
  detector->detections = look (detector, &image, error);
  if (detector->detections != NULL) {
    detector->n_pictures++;
    detector->n_passes +=
        1 + (detector->zoom != NULL ? fbnet_zoom_get_n_regions (detector->zoom) : 0);
    return g_steal_pointer (&picture);
  }
  g_prefix_error (error, "%s: ", path);
  return NULL;
}
