/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One frame through a classifier. Semantics: mobile_cv model_zoo/models/preprocess.py
 * get_preprocess (torchvision Resize, CenterCrop), fbnet_v2.py (SPEC section 11).
 */
#include "classifier.h"

#include <math.h>
#include <string.h>

#include "boxhead.h"
#include "picture/image.h"
#include "model/model.h"
#include "model/quantization.h"

#define MAX_SIDE 32767

struct _FbnetClassifier {
  FbnetModel *model;
  const Network *network;
  Runner runner;
  ImageResizer *resizer;

  gsize frame_height, frame_width;     /* prepared for; 0 at first */
  gsize resized_height, resized_width; /* of the whole frame */
  Buffer resized, crop, input, features, logits;
  Buffer stages[2]; /* maps between stages, in turns */
  Tensor *maps;     /* each stage's output */
  ClassifierTaps taps;
  FbnetTimings timings;
};

FbnetClassifier *
fbnet_classifier_new (FbnetModel *model, const FbnetDetectorOptions *options, GError **error)
{
  g_return_val_if_fail (model != NULL, NULL);

  if (fbnet_model_get_task (model) != FBNET_TASK_CLASSIFICATION) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected a classification model, found a detector", fbnet_model_get_name (model));
    return NULL;
  }

  FbnetClassifier *classifier = g_new0 (FbnetClassifier, 1);
  classifier->model = fbnet_model_ref (model);
  classifier->network = runner_open (&classifier->runner, model, options, error);
  if (classifier->network == NULL) {
    fbnet_classifier_free (classifier);
    return NULL;
  }
  classifier->maps = g_new0 (Tensor, classifier->network->n_trunk);
  classifier->resizer = image_resizer_new ();
  image_resizer_set_kernels (classifier->resizer,
      resize_kernels_best (classifier->runner.kernels->cpu_flags));
  return classifier;
}

void
fbnet_classifier_free (FbnetClassifier *classifier)
{
  if (classifier == NULL)
    return;
  buffer_clear (&classifier->resized);
  buffer_clear (&classifier->crop);
  buffer_clear (&classifier->input);
  buffer_clear (&classifier->features);
  buffer_clear (&classifier->logits);
  buffer_clear (&classifier->stages[0]);
  buffer_clear (&classifier->stages[1]);
  runner_close (&classifier->runner);
  image_resizer_free (classifier->resizer);
  fbnet_model_unref (classifier->model);
  g_free (classifier->maps);
  g_free (classifier);
}

const char *
fbnet_classifier_get_kernels (const FbnetClassifier *classifier)
{
  g_return_val_if_fail (classifier != NULL, NULL);
  return classifier->network->kernels->name;
}

guint
fbnet_classifier_get_n_threads (const FbnetClassifier *classifier)
{
  g_return_val_if_fail (classifier != NULL, 0);
  return workers_count (classifier->runner.workers);
}

void
fbnet_classifier_get_timings (const FbnetClassifier *classifier, FbnetTimings *timings)
{
  g_return_if_fail (classifier != NULL && timings != NULL);
  *timings = classifier->timings;
}

void
classifier_get_taps (const FbnetClassifier *classifier, ClassifierTaps *taps)
{
  *taps = classifier->taps;
}

void
classifier_observe (FbnetClassifier *classifier, RunnerObserver observe, gpointer data)
{
  classifier->runner.observe = observe;
  classifier->runner.observer_data = data;
  classifier->frame_width = classifier->frame_height = 0; /* to be prepared again */
}

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

static gboolean
prepare_network (FbnetClassifier *c, GError **error)
{
  const Network *network = c->network;
  ClassifierTaps *taps = &c->taps;
  const Tensor *in = &taps->input;

  taps->input = (Tensor){ NULL, 1, taps->side, taps->side, 3 };
  if (!tensor_reserve (&taps->input, &c->input, error))
    return FALSE;
  for (guint s = 0; s < network->n_trunk; s++) {
    if (!runner_reserve_stage (&c->runner, &network->trunk[s], in, &c->maps[s], error)
        || !tensor_reserve (&c->maps[s], &c->stages[s % 2], error))
      return FALSE;
    in = &c->maps[s];
  }
  taps->features = (Tensor){ NULL, 1, 1, 1, in->c };
  return runner_reserve_sums (&c->runner, in, error)
      && tensor_reserve (&taps->features, &c->features, error)
      && runner_reserve_conv (&c->runner, &network->class_logits, &taps->features, &taps->logits,
          error)
      && tensor_reserve (&taps->logits, &c->logits, error);
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
  if (MAX (c->resized_width, c->resized_height) > MAX_SIDE) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "frame: expected at most %d pixels on its longer side once the shorter has %u, found %u × "
        "%u",
        MAX_SIDE, c->model->description->resize, image->width, image->height);
    c->frame_width = c->frame_height = 0;
    return FALSE;
  }
  c->taps.side = c->model->description->crop;
  const gboolean good =
      image_resizer_prepare (c->resizer, c->frame_height, c->frame_width, c->resized_height,
          c->resized_width, workers_count (c->runner.workers), error)
      && buffer_reserve (&c->resized, 3 * c->resized_height * c->resized_width, error)
      && buffer_reserve (&c->crop, 3 * c->taps.side * c->taps.side, error)
      && prepare_network (c, error);
  if (!good)
    c->frame_width = c->frame_height = 0;
  c->taps.crop = c->crop.data;
  return good;
}

/* torchvision CenterCrop: the offset is rounded half to even, as Python does. */
static void
run_input (FbnetClassifier *c, const FbnetImage *image)
{
  const Description *d = c->model->description;
  const gsize side = c->taps.side;
  const gsize top = (gsize) rint ((double) (c->resized_height - side) / 2);
  const gsize left = (gsize) rint ((double) (c->resized_width - side) / 2);
  const guint8 *resized = c->resized.data;
  guint8 *crop = c->crop.data;

  image_resize (c->resizer, c->resized.data, image, d->bgr, c->runner.workers);
  for (gsize y = 0; y < side; y++)
    memcpy (crop + 3 * y * side, resized + 3 * ((top + y) * c->resized_width + left), 3 * side);
  image_normalize (&c->taps.input, crop, side, side, d->mean, d->std);
}

/* Shared buffers may have moved while later stages were reserved, so their data is looked up now. */
static void
run_network (FbnetClassifier *c)
{
  const Tensor *in = &c->taps.input;

  for (guint s = 0; s < c->network->n_trunk; s++) {
    c->maps[s].data = c->stages[s % 2].data;
    runner_run_stage (&c->runner, &c->network->trunk[s], in, &c->maps[s]);
    in = &c->maps[s];
  }
  runner_global_average (&c->runner, in, &c->taps.features);
  runner_observe (&c->runner, QUANTIZATION_CLASS_INPUT, ".input", &c->taps.features);
  runner_run_conv (&c->runner, &c->network->class_logits, &c->taps.features, &c->taps.logits, NULL);
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

  ClassifierTaps *taps = &classifier->taps;
  FbnetTimings *t = &classifier->timings;
  gint64 last = g_get_monotonic_time ();

  *t = (FbnetTimings){ 0 };
  if (!prepare (classifier, image, error))
    return FALSE;
  workers_begin_frame (classifier->runner.workers);
  t->prepare = lap (&last);
  run_input (classifier, image);
  t->preprocess = lap (&last);
  run_network (classifier);
  workers_end_frame (classifier->runner.workers);
  memcpy (probabilities, taps->logits.data, taps->logits.c * sizeof *probabilities);
  softmax_rows (probabilities, 1, taps->logits.c);
  t->trunk = lap (&last);
  t->total = t->prepare + t->preprocess + t->trunk;
  return TRUE;
}
