/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From samples to a classifier's loss; see classify.h.
 */
#include "classify.h"

#include "batch.h"

const char *
classify_unsupported (const FbnetModel *model)
{
  return model->description->quantization != NULL ? "its weights are int8; float models are trained"
                                                  : NULL;
}

static guint
class_of (const TrainSample *sample)
{
  g_assert (sample->n_objects == 1);
  return sample->objects[0].class_id;
}

static Real *
smoothed_targets (const TrainSample *const *samples, guint n, gsize n_classes, double smoothing)
{
  Real *targets = g_new (Real, n * n_classes);

  for (gsize i = 0; i < n * n_classes; i++)
    targets[i] = (Real) (smoothing / (double) n_classes);
  for (guint i = 0; i < n; i++)
    targets[i * n_classes + class_of (samples[i])] += (Real) (1 - smoothing);
  return targets;
}

TrainLosses
classify_forward (Net *net, const ClassifySettings *settings, const TrainSample *const *samples,
    guint n)
{
  const Description *d = net->params->model->description;
  Var *logits = net_classifier (net, batch_new (net->tape, d, samples, n));
  g_autofree Real *targets = smoothed_targets (samples, n, logits->c, settings->label_smoothing);
  TrainLosses losses = { .n_rois = n, .n_objects = n };

  losses.classes = op_loss_softmax (net->tape, logits, targets, 1.0 / n);
  for (guint i = 0; i < n; i++)
    losses.n_right += var_largest (logits, i) == class_of (samples[i]);
  return losses;
}
