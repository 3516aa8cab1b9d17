/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A frame through the whole detector at D2Go's own input size, 224×320: the box detector with 30
 * proposals and the mask detector with ten masks, by kernel set and number of threads. Minimum and
 * median of each stage, in milliseconds. Weights are random: speed does not depend on them but through
 * the number of detections, which is fixed here.
 */
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "drawing.h"
#include "fbnet/fbnet.h"
#include "kernels/kernels.h"
#include "randommodel.h"
#include "tensors.h"
#include "timing.h"

#define WIDTH      320
#define HEIGHT     224
#define N_WARM_UP  3
#define MIN_FRAMES 15
#define MAX_FRAMES 200
#define BUDGET_MS  2000.0

static const struct {
  const char *config;
  guint max_detections;
} detectors[] = {
  { "faster_rcnn_fbnetv3a_dsmask_C4", 100 },
  { "mask_rcnn_fbnetv3a_dsmask_C4", 10 },
};

#define STAGE(name)                                                                                \
  {                                                                                                \
#    name, G_STRUCT_OFFSET(FbnetTimings, name)                                                     \
  }

static const struct {
  const char *name;
  gsize offset;
} stages[] = {
  STAGE (total),
  STAGE (preprocess),
  STAGE (trunk),
  STAGE (rpn),
  STAGE (proposals),
  STAGE (box_pooler),
  STAGE (box_head),
  STAGE (detections),
  STAGE (mask_pooler),
  STAGE (mask_head),
  STAGE (mask_paste),
};

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

static FbnetModel *
make_model (const char *config)
{
  g_autoptr (GError) error = NULL;
  cJSON *tree = import_zoo_config (config, &error);
  cJSON *description = tree != NULL ? import_describe (tree, config, &error) : NULL;

  if (description == NULL)
    stop (error);
  char *text = cJSON_PrintUnformatted (description);
  g_autoptr (FbnetModel) random = random_model_new (text, 1, &error);
  FbnetModel *model = random != NULL ? make_calm (random, text, &error) : NULL;
  if (model == NULL)
    stop (error);
  cJSON_free (text);
  cJSON_Delete (description);
  cJSON_Delete (tree);
  return model;
}

/* Full numbers in every frame: no proposal is suppressed, so that the cap of 30 cuts; with masks no
 * detection either. */
static FbnetDetector *
make_detector (FbnetModel *model, const char *kernels, guint n_threads, guint max_detections)
{
  const FbnetDetectorOptions options = { n_threads, kernels };
  g_autoptr (GError) error = NULL;
  FbnetParams params;

  FbnetDetector *detector = fbnet_detector_new (model, &options, &error);
  if (detector == NULL)
    stop (error);
  fbnet_model_get_params (model, &params);
  params.max_detections = max_detections;
  params.rpn_iou_threshold = 1;
  if (params.masks) {
    params.score_threshold = 0;
    params.iou_threshold = 1;
  }
  if (!fbnet_detector_set_params (detector, &params, &error))
    stop (error);
  return detector;
}

static void
print_stages (FbnetTimings *frames, guint n)
{
  double samples[MAX_FRAMES];

  for (guint s = 0; s < G_N_ELEMENTS (stages); s++) {
    for (guint i = 0; i < n; i++)
      samples[i] = G_STRUCT_MEMBER (double, &frames[i], stages[s].offset);
    const Timing timing = timing_of (samples, n);
    printf (" %6.2f %6.2f |", timing.least, timing.median);
  }
}

static void
measure (FbnetDetector *detector, const FbnetImage *image)
{
  static FbnetTimings frames[MAX_FRAMES];
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (GError) error = NULL;
  double spent = 0;
  guint n = 0;

  for (guint i = 0; i < N_WARM_UP; i++) {
    if (!fbnet_detector_run (detector, image, detections, &error))
      stop (error);
  }
  while (n < MIN_FRAMES || (n < MAX_FRAMES && spent < BUDGET_MS)) {
    if (!fbnet_detector_run (detector, image, detections, &error))
      stop (error);
    fbnet_detector_get_timings (detector, &frames[n]);
    spent += frames[n++].total;
  }
  print_stages (frames, n);
  printf (" %4u | %u\n", n, detections->n);
}

static void
print_heading (const char *config)
{
  printf ("\n%s, %u×%u, ms (minimum, median)\n| kernels | threads |", config, HEIGHT, WIDTH);
  for (guint s = 0; s < G_N_ELEMENTS (stages); s++)
    printf (" %-13s |", stages[s].name);
  printf (" frames | detections\n");
}

int
main (void)
{
  g_autoptr (Picture) picture = picture_draw (WIDTH, HEIGHT, 1);
  const FbnetImage image = picture_image (picture);

  for (guint d = 0; d < G_N_ELEMENTS (detectors); d++) {
    g_autoptr (FbnetModel) model = make_model (detectors[d].config);
    print_heading (detectors[d].config);
    for (const Kernels *const *row = kernels_list (); *row != NULL; row++) {
      if (kernels_find ((*row)->name, NULL) == NULL)
        continue;
      for (guint n_threads = 1; n_threads <= 2; n_threads++) {
        g_autoptr (FbnetDetector) detector =
            make_detector (model, (*row)->name, n_threads, detectors[d].max_detections);
        printf ("| %-8s | %u |", (*row)->name, n_threads);
        fflush (stdout);
        measure (detector, &image);
      }
    }
  }
  return 0;
}
