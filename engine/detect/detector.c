/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stream's detector: its life, its parameters, and when a frame needs new plans.
 */
#include "detector.h"

#include "base/memory.h"
#include "model/params.h"

struct _FbnetDetector {
  gatomicrefcount references;
  Pass pass;
  FbnetInput *input;       /* of frames that come as images */
  float *class_thresholds; /* copy of the caller's, or NULL */
  gboolean planned;        /* for these sizes and the pass's parameters: */
  gsize input_height, input_width, region_height, region_width;
};

/* --- Life ------------------------------------------------------------------------------------- */

FbnetDetector *
fbnet_detector_new (FbnetModel *model, const FbnetDetectorOptions *options, GError **error)
{
  g_return_val_if_fail (model != NULL, NULL);

  if (fbnet_model_get_task (model) != FBNET_TASK_DETECTION) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected a detection model, found a classifier", fbnet_model_get_name (model));
    return NULL;
  }
  if (!params_check_options (options, error))
    return NULL;

  FbnetDetector *detector = memory_new0 (FbnetDetector, 1, error);
  if (detector == NULL)
    return NULL;
  Workspace *workspace = &detector->pass.workspace;
  g_atomic_ref_count_init (&detector->references);
  detector->pass.model = fbnet_model_ref (model);
  if (!workspace_open (workspace, model, options, error)) {
    fbnet_detector_free (detector);
    return NULL;
  }
  detector->input = input_new (model, workspace->workers, &workspace_kernels (workspace)->picture,
      workspace->work_limit);
  fbnet_model_get_params (model, &detector->pass.params);
  return detector;
}

void
fbnet_detector_free (FbnetDetector *detector)
{
  if (detector == NULL || !g_atomic_ref_count_dec (&detector->references))
    return;
  fbnet_input_free (detector->input);
  pass_clear (&detector->pass);
  g_free (detector->class_thresholds);
  fbnet_model_unref (detector->pass.model);
  g_free (detector);
}

static FbnetDetector *
detector_ref (FbnetDetector *detector)
{
  g_atomic_ref_count_inc (&detector->references);
  return detector;
}

G_DEFINE_BOXED_TYPE (FbnetDetector, fbnet_detector, detector_ref, fbnet_detector_free)

/* --- Asking ----------------------------------------------------------------------------------- */

FbnetPrecision
fbnet_detector_get_precision (const FbnetDetector *detector)
{
  g_return_val_if_fail (detector != NULL, FBNET_PRECISION_FLOAT32);
  const Network *network = detector->pass.workspace.stored;

  if (network->bfloat16)
    return FBNET_PRECISION_BFLOAT16;
  return network->int8 ? FBNET_PRECISION_INT8 : FBNET_PRECISION_FLOAT32;
}

FbnetInt8Bias
fbnet_detector_get_int8_bias (const FbnetDetector *detector)
{
  g_return_val_if_fail (detector != NULL, FBNET_INT8_BIAS_AUTO);
  const Network *network = detector->pass.workspace.stored;

  if (!network->int8)
    return FBNET_INT8_BIAS_AUTO;
  return network->exact_bias ? FBNET_INT8_BIAS_EXACT : FBNET_INT8_BIAS_WIDE;
}

const char *
fbnet_detector_get_kernels (const FbnetDetector *detector)
{
  g_return_val_if_fail (detector != NULL, NULL);
  return workspace_kernels (&detector->pass.workspace)->name;
}

guint
fbnet_detector_get_n_threads (const FbnetDetector *detector)
{
  g_return_val_if_fail (detector != NULL, 0);
  return workers_count (detector->pass.workspace.workers);
}

void
fbnet_detector_get_timings (const FbnetDetector *detector, FbnetTimings *timings)
{
  g_return_if_fail (detector != NULL && timings != NULL);
  *timings = detector->pass.timings;
}

const Pass *
detector_get_pass (const FbnetDetector *detector)
{
  return &detector->pass;
}

const double *
detector_get_norm_stats (const FbnetDetector *detector)
{
  return detector->pass.workspace.norm_stats;
}

void
detector_observe (FbnetDetector *detector, LayerObserver observe, gpointer data)
{
  detector->pass.workspace.observe = observe;
  detector->pass.workspace.observer_data = data;
  detector->planned = FALSE;
}

/* --- Parameters ------------------------------------------------------------------------------- */

void
fbnet_detector_reset_norm_statistics (FbnetDetector *detector)
{
  g_return_if_fail (detector != NULL);

  if (detector->pass.workspace.norm_stats != NULL)
    workspace_begin_stream (&detector->pass.workspace, detector->pass.model, NULL);
}

/* From stored statistics to the stream's, which begin there, or back. FALSE with error: no change. */
static gboolean
choose_statistics (Pass *pass, FbnetNormStatistics statistics, GError **error)
{
  if (statistics == FBNET_NORM_STATISTICS_STREAM)
    return workspace_begin_stream (&pass->workspace, pass->model, error);
  workspace_end_stream (&pass->workspace);
  return TRUE;
}

gboolean
fbnet_detector_set_params (FbnetDetector *detector, const FbnetParams *params, GError **error)
{
  g_return_val_if_fail (detector != NULL && params != NULL, FALSE);
  Pass *pass = &detector->pass;

  if (!fbnet_params_check (pass->model, params, error))
    return FALSE;
  const FbnetParamChange change = params_compare (&pass->params, params);
  g_autofree float *thresholds = NULL;
  if (params->class_thresholds != NULL) {
    thresholds = memory_copy (params->class_thresholds,
        fbnet_model_get_n_classes (pass->model) * sizeof (float), error);
    if (thresholds == NULL)
      return FALSE;
  }
  if (change >= FBNET_CHANGE_NETWORK && !choose_statistics (pass, params->norm_statistics, error))
    return FALSE;
  if (change >= FBNET_CHANGE_PLAN)
    detector->planned = FALSE;
  pass->workspace.norm_momentum = params->norm_momentum;
  g_free (detector->class_thresholds);
  detector->class_thresholds = g_steal_pointer (&thresholds);
  pass->params = *params;
  pass->params.class_thresholds = detector->class_thresholds;
  return TRUE;
}

void
fbnet_detector_get_params (const FbnetDetector *detector, FbnetParams *params)
{
  g_return_if_fail (detector != NULL && params != NULL);
  *params = detector->pass.params;
}

/* --- The frame -------------------------------------------------------------------------------- */

static gboolean
plan (FbnetDetector *detector, const FbnetInput *input, GError **error)
{
  const FbnetRegion *region = &input->region;

  if (detector->planned && input->height == detector->input_height
      && input->width == detector->input_width && region->height == detector->region_height
      && region->width == detector->region_width)
    return TRUE;
  detector->planned = pass_plan (&detector->pass, input, error);
  detector->input_height = input->height;
  detector->input_width = input->width;
  detector->region_height = region->height;
  detector->region_width = region->width;
  return detector->planned;
}

static double
to_ms (gint64 microseconds)
{
  return (double) microseconds / 1000;
}

static void
add_up (FbnetTimings *timings)
{
  timings->total = 0;
  for (guint stage = 0; stage < FBNET_N_STAGES; stage++)
    timings->total += timings->ms[stage];
}

/* What comes behind the input. */
static gboolean
run (FbnetDetector *detector, const FbnetInput *input, Detections *found, GError **error)
{
  Pass *pass = &detector->pass;
  const gint64 begin = g_get_monotonic_time ();

  if (!plan (detector, input, error)
      || !detections_begin (found, pass->params.max_detections,
          pass->model->description->n_keypoints, error))
    return FALSE;
  pass->timings.ms[FBNET_STAGE_PREPARE] = to_ms (g_get_monotonic_time () - begin);
  const gboolean done = pass_run (pass, input, found, error);
  add_up (&pass->timings);
  return done;
}

/* The image as the detector's own input. */
static gboolean
fill (FbnetDetector *detector, const FbnetImage *image, GError **error)
{
  Pass *pass = &detector->pass;
  const gint64 begin = g_get_monotonic_time ();
  const gboolean filled = fbnet_input_fill (detector->input, image, NULL, &pass->params, error);

  pass->timings.ms[FBNET_STAGE_PREPROCESS] = to_ms (g_get_monotonic_time () - begin);
  return filled;
}

gboolean
fbnet_detector_run (FbnetDetector *detector, const FbnetImage *image, FbnetDetections *detections,
    GError **error)
{
  g_return_val_if_fail (detector != NULL && image != NULL && detections != NULL, FALSE);
  Workers *workers = detector->pass.workspace.workers;

  detections->n = 0;
  detector->pass.timings = (FbnetTimings){ 0 };
  workers_take_turn (workers);
  workers_begin_frame (workers);
  const gboolean done = fill (detector, image, error)
      && run (detector, detector->input, (Detections *) detections, error);
  workers_end_frame (workers);
  return done;
}

static gboolean
check_input (const FbnetDetector *detector, const FbnetInput *input, GError **error)
{
  if (input->model != detector->pass.model) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "input: expected one made for the detector's model, found one for another");
    return FALSE;
  }
  if (input->width == 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "input: expected one with a frame in it, found an empty one");
    return FALSE;
  }
  return TRUE;
}

gboolean
fbnet_detector_run_input (FbnetDetector *detector, const FbnetInput *input,
    FbnetDetections *detections, GError **error)
{
  g_return_val_if_fail (detector != NULL && input != NULL && detections != NULL, FALSE);
  Workers *workers = detector->pass.workspace.workers;

  detections->n = 0;
  detector->pass.timings = (FbnetTimings){ 0 };
  if (!check_input (detector, input, error))
    return FALSE;
  workers_take_turn (workers);
  workers_begin_frame (workers);
  const gboolean done = run (detector, input, (Detections *) detections, error);
  workers_end_frame (workers);
  return done;
}

void
fbnet_detector_cancel (FbnetDetector *detector)
{
  g_return_if_fail (detector != NULL);
  g_atomic_int_set (&detector->pass.workspace.cancelled, TRUE);
  workers_hurry (detector->pass.workspace.workers);
}
