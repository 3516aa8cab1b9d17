/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frames and parameters by an input's choice; see framerun.h.
 */
#include "framerun.h"

#include <math.h>

#include "kernels/kernels.h"
#include "model/costs.h"
#include "model/model.h"
#include "picture/format.h"
#include "verdict.h"

#define MAX_FRAME_SIDE 96

/* A frame's multiply-adds: more would take seconds under a sanitizer. */
#define MAX_WORK 20000000

/* --- Frames ----------------------------------------------------------------------------------- */

typedef struct {
  FbnetImage image;
  guint8 *memory; /* exactly the frame's: a byte further is a fault */
} Frame;

static Frame
take_frame (Take *take)
{
  const FbnetPixelFormat format = take_index (take, FBNET_PIXEL_BGR16 + 1);
  const PixelFormat *about = pixel_format (format);
  Frame frame = { .image = { .format = format,
                      .width = 1 + take_index (take, MAX_FRAME_SIDE),
                      .height = 1 + take_index (take, MAX_FRAME_SIDE),
                      .matrix = take_index (take, 2),
                      .range = take_index (take, 2) } };
  const guint padding = take_index (take, 5), n_planes = pixel_format_n_planes (about);
  guint32 seed = take_byte (take);
  gsize size = 0, at[3];

  for (guint plane = 0; plane < n_planes; plane++) {
    const PlaneLayout layout = pixel_format_plane (about, plane);
    const guint columns = (frame.image.width + layout.columns - 1) / layout.columns;
    const guint rows = (frame.image.height + layout.rows - 1) / layout.rows;
    frame.image.strides[plane] = columns * layout.bytes + padding;
    at[plane] = size;
    size += (gsize) frame.image.strides[plane] * rows - padding;
  }
  frame.memory = g_malloc (size);
  for (gsize i = 0; i < size; i++) {
    seed = seed * 1664525 + 1013904223;
    frame.memory[i] = seed >> 24;
  }
  for (guint plane = 0; plane < n_planes; plane++)
    frame.image.planes[plane] = frame.memory + at[plane];
  return frame;
}

/* --- Detectors -------------------------------------------------------------------------------- */

static void
take_params (const FbnetModel *model, FbnetParams *params, Take *take)
{
  static const float thresholds[] = { 0, 0.01f, 0.05f, 0.3f, 0.5f, 1 };

  fbnet_model_get_params (model, params);
  params->score_threshold = thresholds[take_index (take, G_N_ELEMENTS (thresholds))];
  params->iou_threshold = thresholds[take_index (take, G_N_ELEMENTS (thresholds))];
  params->rpn_iou_threshold = thresholds[take_index (take, G_N_ELEMENTS (thresholds))];
  params->mask_threshold = thresholds[take_index (take, G_N_ELEMENTS (thresholds))];
  params->pre_nms_count = 1 + take_index (take, 100);
  params->post_nms_count = 1 + take_index (take, 70);
  params->max_detections = 1 + take_index (take, 20);
  params->min_size = 1 + take_index (take, 100);
  params->max_size = 1 + take_index (take, 130);
  params->box_pooler_resolution = 1 + take_index (take, 8);
  params->mask_pooler_resolution = 1 + take_index (take, 16);
  params->class_agnostic_nms = take_index (take, 2);
  params->masks = params->masks && take_index (take, 4) != 0;
  params->min_object_width = take_index (take, 4);
  params->max_object_height = take_index (take, 3) * 20;
  if (take_index (take, 4) == 1)
    params->norm_statistics = FBNET_NORM_STATISTICS_STREAM;
  params->norm_momentum = thresholds[take_index (take, G_N_ELEMENTS (thresholds))];
}

/* NULL when the model or the parameters are refused. */
static FbnetDetector *
open_detector (FbnetModel *model, const FbnetDetectorOptions *options, const FbnetParams *params)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, options, &error);

  g_assert ((detector == NULL) == (error != NULL));
  if (detector == NULL || !fbnet_detector_set_params (detector, params, NULL))
    return NULL;
  return g_steal_pointer (&detector);
}

static FbnetDetectorOptions
take_options (Take *take)
{
  static const FbnetPrecision precisions[] = { FBNET_PRECISION_AUTO, FBNET_PRECISION_FLOAT32,
    FBNET_PRECISION_BFLOAT16 };
  const Kernels *const *rows = kernels_list ();
  guint n_rows = 0;

  while (rows[n_rows] != NULL)
    n_rows++;
  return (FbnetDetectorOptions){ .n_threads = 2 + take_index (take, 4),
    .kernels = rows[take_index (take, n_rows)]->name,
    .precision = precisions[take_index (take, G_N_ELEMENTS (precisions))],
    .int8_bias = take_index (take, 3),
    .memory_limit = 64,
    .multiply_add_limit = 1 };
}

static void
detect (FbnetModel *model, Take *take)
{
  FbnetDetectorOptions options = take_options (take);
  FbnetParams params;

  take_params (model, &params, take);
  if (!verdict_reduce_work (model, &params, MAX_WORK))
    return;
  g_autoptr (FbnetDetector) several = open_detector (model, &options, &params);
  options.n_threads = 1;
  g_autoptr (FbnetDetector) one = open_detector (model, &options, &params);
  g_autoptr (FbnetDetections) expected = fbnet_detections_new (), found = fbnet_detections_new ();
  g_assert ((one == NULL) == (several == NULL));
  for (guint i = 0; one != NULL && i < 2; i++) {
    g_autoptr (GError) error = NULL;
    Frame frame = take_frame (take);
    const gboolean ran = fbnet_detector_run (one, &frame.image, expected, &error);
    g_assert (ran == (error == NULL));
    g_assert (fbnet_detector_run (several, &frame.image, found, NULL) == ran);
    verdict_check_found (expected, &params, &frame.image);
    verdict_check_same (expected, found);
    g_free (frame.memory);
  }
}

/* --- Classifiers ------------------------------------------------------------------------------ */

static void
classify (FbnetModel *model, Take *take)
{
  const gsize n = fbnet_model_get_n_classes (model);
  FbnetDetectorOptions options = take_options (take);
  g_autofree float *expected = g_new0 (float, n), *found = g_new0 (float, n);
  g_autoptr (FbnetClassifier) several = fbnet_classifier_new (model, &options, NULL);

  if (costs_of_frame (model->description, model->layers, model->description->crop,
          model->description->crop, &model->description->params, NULL, NULL)
      > MAX_WORK)
    return;
  options.n_threads = 1;
  g_autoptr (FbnetClassifier) one = fbnet_classifier_new (model, &options, NULL);
  g_assert ((one == NULL) == (several == NULL));
  for (guint i = 0; one != NULL && i < 2; i++) {
    Frame frame = take_frame (take);
    const gboolean ran = fbnet_classifier_run (one, &frame.image, expected, NULL);
    g_assert (fbnet_classifier_run (several, &frame.image, found, NULL) == ran);
    g_assert (!ran || memcmp (expected, found, n * sizeof (float)) == 0);
    g_free (frame.memory);
  }
}

void
frame_run (FbnetModel *model, Take *take)
{
  if (fbnet_model_get_task (model) == FBNET_TASK_DETECTION)
    detect (model, take);
  else
    classify (model, take);
}
