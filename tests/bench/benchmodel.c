/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Random detectors for benchmarks.
 */
#include "benchmodel.h"

#include <stdio.h>
#include <stdlib.h>

#include "import/d2go/config.h"
#include "randommodel.h"
#include "tensors.h"

static void
stop (const GError *error)
{
  fprintf (stderr, "%s\n", error->message);
  exit (1);
}

/* Random activations have the size of pixels. Predictors of ordinary weights would make of them boxes
 * far outside the picture and certain classes: no proposal would be left to run the heads on. */
static void
calm_predictors (TensorList *tensors)
{
  for (guint i = 0; i < tensors->views->len; i++) {
    const FbnetTensorView *view = tensors->views->pdata[i];
    float *weights = (float *) view->data;
    const gboolean boxes = g_str_has_suffix (view->name, "bbox_pred.weight");
    const gboolean classes = g_str_has_suffix (view->name, "cls_score.weight");
    for (gsize j = 0; (boxes || classes) && j < view->n_bytes / sizeof *weights; j++)
      weights[j] *= boxes ? 0.001f : 0.02f;
  }
}

static FbnetModel *
make_calm (const FbnetModel *model, const char *description, GError **error)
{
  g_autoptr (TensorList) tensors = tensor_list_new ();

  for (guint i = 0; i < fbnet_model_get_n_tensors (model); i++) {
    FbnetTensorView view;
    fbnet_model_get_tensor (model, i, &view);
    tensor_list_add_copy (tensors, &view);
  }
  calm_predictors (tensors);
  return tensor_list_to_model (tensors, description, error);
}

FbnetModel *
bench_model_new (const char *config, GError **error)
{
  cJSON *tree = import_zoo_config (config, error);
  cJSON *description = tree != NULL ? import_describe (tree, config, error) : NULL;
  char *text = description != NULL ? cJSON_PrintUnformatted (description) : NULL;
  g_autoptr (FbnetModel) random = text != NULL ? random_model_new (text, 1, error) : NULL;
  FbnetModel *model = random != NULL ? make_calm (random, text, error) : NULL;

  cJSON_free (text);
  cJSON_Delete (description);
  cJSON_Delete (tree);
  return model;
}

FbnetDetector *
bench_detector_new (FbnetModel *model, const char *kernels, guint n_threads, guint max_detections,
    gboolean full)
{
  return bench_detector_with (model, &(FbnetDetectorOptions){ n_threads, kernels }, max_detections,
      full);
}

FbnetDetector *
bench_detector_with (FbnetModel *model, const FbnetDetectorOptions *options, guint max_detections,
    gboolean full)
{
  g_autoptr (GError) error = NULL;
  FbnetParams params;

  FbnetDetector *detector = fbnet_detector_new (model, options, &error);
  if (detector == NULL)
    stop (error);
  fbnet_model_get_params (model, &params);
  if (max_detections > 0)
    params.max_detections = max_detections;
  if (full)
    params.rpn_iou_threshold = 1;
  if (full && params.masks) {
    params.score_threshold = 0;
    params.iou_threshold = 1;
  }
  if (!fbnet_detector_set_params (detector, &params, &error))
    stop (error);
  return detector;
}

/* Nothing is prepared for a frame that is timed: in that stage's place stands the total. */
const char *
bench_column_name (guint column)
{
  return column == FBNET_STAGE_PREPARE ? "total" : fbnet_stage_get_name (column);
}

double
bench_column_ms (const FbnetTimings *timings, guint column)
{
  return column == FBNET_STAGE_PREPARE ? timings->total : timings->ms[column];
}
