/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Starting, running and ending the watched model.
 */
#include "watched.h"

gboolean
watched_open (Watched *watched, FbnetModel *model, const char *kernels, guint n_threads,
    LayerObserver observe, gpointer data, GError **error)
{
  const FbnetDetectorOptions options = { .n_threads = n_threads,
    .kernels = kernels,
    .precision = FBNET_PRECISION_FLOAT32 };

  if (fbnet_model_get_task (model) == FBNET_TASK_DETECTION) {
    watched->detections = fbnet_detections_new ();
    watched->detector = fbnet_detector_new (model, &options, error);
    if (watched->detector != NULL)
      detector_observe (watched->detector, observe, data);
  } else {
    watched->probabilities = g_new (float, fbnet_model_get_n_classes (model));
    watched->classifier = fbnet_classifier_new (model, &options, error);
    if (watched->classifier != NULL)
      classifier_observe (watched->classifier, observe, data);
  }
  return watched->detector != NULL || watched->classifier != NULL;
}

void
watched_close (Watched *watched)
{
  fbnet_detector_free (watched->detector);
  fbnet_classifier_free (watched->classifier);
  fbnet_detections_free (watched->detections);
  g_free (watched->probabilities);
}

gboolean
watched_run (Watched *watched, const FbnetImage *image, GError **error)
{
  return watched->detector != NULL
      ? fbnet_detector_run (watched->detector, image, watched->detections, error)
      : fbnet_classifier_run (watched->classifier, image, watched->probabilities, error);
}
