/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A detector at work on picture files.
 */
#include "picturedetector.h"

static gboolean
start (PictureDetector *detector, const DetectorOptions *options, GError **error)
{
  const FbnetDetectorOptions how = detector_options_how (options);
  detector->detector = fbnet_detector_new (detector->model, &how, error);
  if (!detector->detector)
    return FALSE;
  FbnetParams params;
  fbnet_model_get_params (detector->model, &params);
  detector_options_apply (options, &params);
  return fbnet_detector_set_params (detector->detector, &params, error);
}

gboolean
picture_detector_open (PictureDetector *detector, const DetectorOptions *options, GError **error)
{
  *detector = (PictureDetector){ .detections = fbnet_detections_new () };
  detector->model = fbnet_model_load (options->model, error);
  if (!detector->model)
    return FALSE;
  if (fbnet_model_get_task (detector->model) != FBNET_TASK_DETECTION) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: task: expected a detection model, found a classification model (fbnet-classify runs "
        "those)",
        options->model);
    return FALSE;
  }
  detector->classes = class_table_new (detector->model, error);
  return detector->classes && start (detector, options, error);
}

void
picture_detector_close (PictureDetector *detector)
{
  class_table_free (detector->classes);
  fbnet_detector_free (detector->detector);
  fbnet_detections_free (detector->detections);
  fbnet_model_unref (detector->model);
}

Picture *
picture_detector_run (PictureDetector *detector, const char *path, GError **error)
{
  g_autoptr (Picture) picture = picture_read (path, error);
  if (!picture)
    return NULL;
  const FbnetImage image = picture_image (picture);
  if (!fbnet_detector_run (detector->detector, &image, detector->detections, error)) {
    g_prefix_error (error, "%s: ", path);
    return NULL;
  }
  return g_steal_pointer (&picture);
}

Picture *
picture_detector_run_coco (PictureDetector *detector, const char *folder, const CocoImage *image,
    CocoWriter *writer, GError **error)
{
  g_autofree char *path = g_build_filename (folder, image->file_name, NULL);
  Picture *picture = picture_detector_run (detector, path, error);
  if (picture)
    coco_writer_add (writer, image->id, picture->width, picture->height, detector->detections,
        detector->classes->category_ids, detector->classes->n_keypoints);
  return picture;
}
