/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One frame through a classifier. Semantics: mobile_cv model_zoo/models/preprocess.py
 * get_preprocess (torchvision Resize, CenterCrop), fbnet_v2.py.
 */
#include "classifier.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "boxhead.h"
#include "input.h"
#include "model/costs.h"
#include "model/params.h"

struct _FbnetClassifier {
  gatomicrefcount references;
  FbnetModel *model;
  Workspace workspace;
  ImageResizer *resizer;
  Plan plan;

  gsize frame_height, frame_width;     /* prepared for; 0 at first */
  gsize resized_height, resized_width; /* of the whole frame */
  guint8 *resized, *crop;
  ClassifierPass pass;
  FbnetTimings timings;
};

/* --- Life ------------------------------------------------------------------------------------- */

FbnetClassifier *
fbnet_classifier_new (FbnetModel *model, const FbnetDetectorOptions *options, GError **error)
{
  g_return_val_if_fail (model != NULL, NULL);

  if (fbnet_model_get_task (model) != FBNET_TASK_CLASSIFICATION) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected a classification model, found a detector", fbnet_model_get_name (model));
    return NULL;
  }
  if (!params_check_options (options, error))
    return NULL;

  FbnetClassifier *classifier = memory_new0 (FbnetClassifier, 1, error);
  if (classifier == NULL)
    return NULL;
  g_atomic_ref_count_init (&classifier->references);
  classifier->model = fbnet_model_ref (model);
  if (!workspace_open (&classifier->workspace, model, options, error)) {
    fbnet_classifier_free (classifier);
    return NULL;
  }
  classifier->resizer = image_resizer_new (&workspace_kernels (&classifier->workspace)->picture);
  return classifier;
}

void
fbnet_classifier_free (FbnetClassifier *classifier)
{
  if (classifier == NULL || !g_atomic_ref_count_dec (&classifier->references))
    return;
  plan_clear (&classifier->plan);
  workspace_close (&classifier->workspace);
  image_resizer_free (classifier->resizer);
  fbnet_model_unref (classifier->model);
  g_free (classifier);
}

static FbnetClassifier *
classifier_ref (FbnetClassifier *classifier)
{
  g_atomic_ref_count_inc (&classifier->references);
  return classifier;
}

G_DEFINE_BOXED_TYPE (FbnetClassifier, fbnet_classifier, classifier_ref, fbnet_classifier_free)

const char *
fbnet_classifier_get_kernels (const FbnetClassifier *classifier)
{
  g_return_val_if_fail (classifier != NULL, NULL);
  return workspace_kernels (&classifier->workspace)->name;
}

guint
fbnet_classifier_get_n_threads (const FbnetClassifier *classifier)
{
  g_return_val_if_fail (classifier != NULL, 0);
  return workers_count (classifier->workspace.workers);
}

void
fbnet_classifier_get_timings (const FbnetClassifier *classifier, FbnetTimings *timings)
{
  g_return_if_fail (classifier != NULL && timings != NULL);
  *timings = classifier->timings;
}

guint
classifier_get_n_classes (const FbnetClassifier *classifier)
{
  return fbnet_model_get_n_classes (classifier->model);
}

const ClassifierPass *
classifier_get_pass (const FbnetClassifier *classifier)
{
  return &classifier->pass;
}

void
classifier_observe (FbnetClassifier *classifier, LayerObserver observe, gpointer data)
{
  classifier->workspace.observe = observe;
  classifier->workspace.observer_data = data;
  classifier->frame_width = classifier->frame_height = 0; /* to be prepared again */
}

/* --- Plan ------------------------------------------------------------------------------------- */

/* torchvision Resize (int): the longer side is cut, not rounded. */
static void
resized_size (FbnetClassifier *c)
{
  const gsize shorter = c->model->description->resize;

  if (c->frame_width < c->frame_height) {
    c->resized_width = shorter;
    c->resized_height = shorter * c->frame_height / c->frame_width;
  } else {
    c->resized_height = shorter;
    c->resized_width = shorter * c->frame_width / c->frame_height;
  }
}

static void
lay_out (Planner *planner, gpointer data)
{
  FbnetClassifier *c = data;
  Arena *arena = &c->workspace.arena;
  const Network *network = c->workspace.network;
  const PackedConv *logits = network_conv (network, ROLE_CLASS_LOGITS, 0);
  const guint n_stages = layers_count (network->layers, ROLE_TRUNK);
  ClassifierPass *pass = &c->pass;

  planner_use (planner, &c->plan);
  pass->side = c->model->description->crop;
  c->resized = arena_keep (arena, 3 * c->resized_height * c->resized_width);
  pass->crop = c->crop = arena_keep (arena, 3 * pass->side * pass->side);
  pass->input = (Tensor){ .n = 1, .h = pass->side, .w = pass->side, .c = 3 };
  planner_place_floats (planner, &pass->input, TRUE);
  Tensor current = pass->input;
  for (guint s = 0; s < n_stages; s++) {
    const PackedStage *stage = network_stage (network, ROLE_TRUNK, s);
    Tensor next = stage_output (stage, &current);
    planner_place (planner, &next, TRUE);
    plan_stage (planner, stage, &current, &next);
    current = next;
  }
  pass->features = (Tensor){ .n = 1, .h = 1, .w = 1, .c = current.c };
  planner_place_floats (planner, &pass->features, TRUE);
  /* The average is of floats. */
  const Tensor last = plan_as_floats (planner, &current);
  plan_average (planner, &last, &pass->features);
  plan_observe (planner, network_input_name (network, ROLE_CLASS_LOGITS), ".input",
      &pass->features);
  pass->logits = conv_output (logits, &pass->features);
  planner_place_floats (planner, &pass->logits, TRUE);
  plan_conv (planner, logits, &pass->features, &pass->logits, NULL);
}

static gboolean
check_sizes (const FbnetClassifier *c, const FbnetImage *image, GError **error)
{
  if (MAX (c->resized_width, c->resized_height) <= MAX_SIDE)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "frame: expected at most %d pixels on its longer side once the shorter has %u, found %u × %u",
      MAX_SIDE, c->model->description->resize, image->width, image->height);
  return FALSE;
}

static gboolean
prepare (FbnetClassifier *c, const FbnetImage *image, GError **error)
{
  if (image->width == c->frame_width && image->height == c->frame_height)
    return TRUE;
  if (image->width < 1 || image->height < 1 || image->width > MAX_SIDE
      || image->height > MAX_SIDE) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "frame: expected 1 … %d pixels a side, found %u × %u", MAX_SIDE, image->width,
        image->height);
    return FALSE;
  }
  c->frame_width = image->width;
  c->frame_height = image->height;
  resized_size (c);
  const Description *d = c->model->description;
  const gboolean good = check_sizes (c, image, error)
      && costs_check (c->workspace.work_limit, d, c->model->layers, d->crop, d->crop, &d->params,
          error)
      && image_resizer_prepare (c->resizer, c->frame_height, c->frame_width, c->resized_height,
          c->resized_width, workers_count (c->workspace.workers), error)
      && planner_lay_out (&c->workspace, lay_out, c, error);
  if (!good)
    c->frame_width = c->frame_height = 0;
  return good;
}

/* --- The frame -------------------------------------------------------------------------------- */

/* torchvision CenterCrop: the offset is rounded half to even, as Python does. */
static void
run_input (FbnetClassifier *c, const FbnetImage *image)
{
  const Description *d = c->model->description;
  const gsize side = c->pass.side;
  const gsize top = (gsize) rint ((double) (c->resized_height - side) / 2);
  const gsize left = (gsize) rint ((double) (c->resized_width - side) / 2);

  image_resize (c->resizer, c->resized, image, d->bgr, c->workspace.workers);
  for (gsize y = 0; y < side; y++)
    memcpy (c->crop + 3 * y * side, c->resized + 3 * ((top + y) * c->resized_width + left),
        3 * side);
  image_normalize (&c->pass.input, c->crop, side, side, d->mean, d->std, c->workspace.workers);
}

/* Milliseconds since *last, which becomes now. */
static double
lap (gint64 *last)
{
  const gint64 now = g_get_monotonic_time (), elapsed = now - *last;

  *last = now;
  return elapsed / 1000.0;
}

gboolean
fbnet_classifier_run (FbnetClassifier *classifier, const FbnetImage *image, float *probabilities,
    GError **error)
{
  g_return_val_if_fail (classifier != NULL && image != NULL && probabilities != NULL, FALSE);

  const Tensor *logits = &classifier->pass.logits;
  FbnetTimings *t = &classifier->timings;
  gint64 last = g_get_monotonic_time ();

  *t = (FbnetTimings){ 0 };
  if (!prepare (classifier, image, error))
    return FALSE;
  t->ms[FBNET_STAGE_PREPARE] = lap (&last);
  workers_take_turn (classifier->workspace.workers);
  workers_begin_frame (classifier->workspace.workers);
  last = g_get_monotonic_time (); /* a turn that was waited for is no work */
  run_input (classifier, image);
  t->ms[FBNET_STAGE_PREPROCESS] = lap (&last);
  plan_run (&classifier->plan, &classifier->workspace, 1, NULL, NULL);
  workers_end_frame (classifier->workspace.workers);
  memcpy (probabilities, logits->data, logits->c * sizeof *probabilities);
  softmax_rows (probabilities, 1, logits->c);
  t->ms[FBNET_STAGE_TRUNK] = lap (&last);
  t->total = t->ms[FBNET_STAGE_PREPARE] + t->ms[FBNET_STAGE_PREPROCESS] + t->ms[FBNET_STAGE_TRUNK];
  return TRUE;
}
