/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From samples to losses; see rcnn.h.
 */
#include "rcnn.h"

#include <string.h>

#include "detect/rpn.h"

/* Purposes of random numbers. */
enum {
  RANDOM_ANCHORS = 1,
  RANDOM_PROPOSALS,
};

/* What one call of rcnn_forward() works with. */
typedef struct {
  Net *net;
  const RcnnSettings *settings;
  const FbnetModel *model;
  const Description *d;
  const TrainSample *const *samples;
  guint n;
  guint64 seed, iteration, first;
  Var *batch, *features[MAX_LEVELS]; /* by trunk stage; those that nobody reads are NULL */
  TeacherAnswers taught;             /* empty without a teacher */
  RcnnLosses losses;
} Rcnn;

static RandomKey
key_of (const Rcnn *r, guint image, guint purpose)
{
  const RandomKey iteration = random_key_part (random_key_new (r->seed), r->iteration);

  return random_key_part (random_key_part (iteration, r->first + image), purpose);
}

RcnnSettings
rcnn_settings_of (const FbnetModel *model)
{
  const Description *d = model->description;

  return (RcnnSettings){
    .rpn = { 256, 0.5, d->rpn_iou_bounds[0], d->rpn_iou_bounds[1] },
    .heads = { 512, 0.25, d->roi_iou_bounds[0], d->roi_iou_bounds[1] },
    .pre_nms_count = 2000,
    .post_nms_count = 2000,
    .rpn_iou_threshold = d->params.rpn_iou_threshold,
    .append_objects = TRUE,
    .box_resolution = d->params.box_pooler_resolution,
    .mask_resolution = d->params.mask_pooler_resolution,
    .masks = d->has_masks,
  };
}

double
rcnn_losses_total (const RcnnLosses *losses)
{
  return losses->rpn_objectness + losses->rpn_box + losses->classes + losses->box + losses->mask;
}

const char *
rcnn_unsupported (const FbnetModel *model)
{
  const Description *d = model->description;

  if (d->task != FBNET_TASK_DETECTION)
    return "it is a classifier; detectors are trained";
  if (d->has_fpn)
    return "it has a feature pyramid; detectors of type C4 are trained";
  if (d->n_keypoints > 0)
    return "it has a keypoint head; box and mask heads are trained";
  if (d->quantization != NULL)
    return "its weights are int8; float models are trained";
  return NULL;
}

/* --- Backbone --------------------------------------------------------------------------------- */

static gsize
padded (gsize side, gsize divisibility)
{
  const gsize d = MAX (divisibility, 1);

  return (side + d - 1) / d * d;
}

static void
normalize_into (Var *batch, guint image, const TrainSample *sample, const Description *d)
{
  for (gsize y = 0; y < sample->height; y++) {
    const guint8 *row = sample->pixels + y * sample->width * 3;
    Real *out = batch->value + (image * batch->h + y) * batch->w * 3;
    for (gsize i = 0; i < (gsize) sample->width * 3; i++)
      out[i] = ((Real) row[i] - (Real) d->mean[i % 3]) / (Real) d->std[i % 3];
  }
}

/* detectron2 ImageList.from_tensors: zeros to the right and below. */
static Var *
make_batch (const Rcnn *r)
{
  gsize h = 0, w = 0;

  for (guint i = 0; i < r->n; i++) {
    h = MAX (h, r->samples[i]->height);
    w = MAX (w, r->samples[i]->width);
  }
  Var *batch = tape_var (r->net->tape, r->n, padded (h, r->d->size_divisibility),
      padded (w, r->d->size_divisibility), 3, FALSE);
  memset (batch->value, 0, var_size (batch) * sizeof (Real));
  for (guint i = 0; i < r->n; i++)
    normalize_into (batch, i, r->samples[i], r->d);
  return batch;
}

static void
run_trunk (Rcnn *r)
{
  const guint last = MAX (r->d->rpn_features[0], r->d->roi_features[0]);
  Var *x = r->batch = make_batch (r);

  for (guint s = 0; s <= last; s++)
    r->features[s] = x = net_stage (r->net, x, layers_stage (r->model->layers, ROLE_TRUNK, s));
}

/* --- Region proposals ------------------------------------------------------------------------- */

/* The losses' arguments, collected over the samples. */
typedef struct {
  GArray *places;                /* guint32 into the logits */
  GArray *targets;               /* Real */
  GArray *delta_places, *deltas; /* guint32 into the deltas; 4 × Real */
  GArray *taught_places, *taught;
} RpnTargets;

static void
add_delta (GArray *places, GArray *deltas, guint32 place, const Box *box, const Box *object,
    const float weights[4])
{
  Real delta[4];

  box_encode (delta, box, object, weights);
  g_array_append_val (places, place);
  g_array_append_vals (deltas, delta, 4);
}

/* What the teacher takes for an object of its own is one. */
static void
add_taught_anchor (const Rcnn *r, RpnTargets *targets, guint32 place)
{
  const Real objectness = r->taught.objectness[place];

  g_array_append_val (targets->targets, objectness);
  if ((double) objectness < TEACHER_SURE)
    return;
  const guint32 at = 4 * place;
  g_array_append_val (targets->taught_places, at);
  g_array_append_vals (targets->taught, r->taught.rpn_deltas + at, 4);
}

static void
add_rpn_targets (const Rcnn *r, RpnTargets *targets, const Box *anchors, gsize n_anchors,
    guint image)
{
  const TrainSample *sample = r->samples[image];
  const RandomKey key = key_of (r, image, RANDOM_ANCHORS);
  Sampled sampled = sample_boxes (anchors, n_anchors, sample, &r->settings->rpn, TRUE, key);

  for (guint i = 0; i < sampled.n; i++) {
    const guint32 place = (guint32) (image * n_anchors + sampled.boxes[i]);
    const gboolean object = i < sampled.n_positive;
    const Real target = object ? 1 : 0;
    g_array_append_val (targets->places, place);
    if (!object && r->taught.objectness != NULL)
      add_taught_anchor (r, targets, place);
    else
      g_array_append_val (targets->targets, target);
    if (object)
      add_delta (targets->delta_places, targets->deltas, 4 * place, &anchors[sampled.boxes[i]],
          &sample->objects[sampled.objects[i]].box, r->d->rpn_weights);
  }
  sampled_clear (&sampled);
}

static void
rpn_losses (Rcnn *r, Var *logits, Var *deltas)
{
  const AnchorLevel *level = &r->d->anchors[0];
  const gsize n_anchors = logits->h * logits->w * logits->c;
  const double scale = 1 / ((double) r->settings->rpn.batch * r->n);
  g_autofree Box *anchors = make_anchors (level->cells, level->n_cells, logits->h, logits->w,
      r->model->layers->features[r->d->rpn_features[0]].stride, r->d->anchor_offset);
  RpnTargets t = { g_array_new (FALSE, FALSE, 4), g_array_new (FALSE, FALSE, sizeof (Real)),
    g_array_new (FALSE, FALSE, 4), g_array_new (FALSE, FALSE, sizeof (Real)),
    g_array_new (FALSE, FALSE, 4), g_array_new (FALSE, FALSE, sizeof (Real)) };

  for (guint i = 0; i < r->n; i++)
    add_rpn_targets (r, &t, anchors, n_anchors, i);
  r->losses.rpn_objectness =
      op_loss_bce (r->net->tape, logits, (guint32 *) (gpointer) t.places->data,
          (Real *) (gpointer) t.targets->data, t.places->len, scale);
  r->losses.rpn_box =
      op_loss_smooth_l1 (r->net->tape, deltas, (guint32 *) (gpointer) t.delta_places->data,
          (Real *) (gpointer) t.deltas->data, t.delta_places->len, r->settings->rpn_beta, scale);
  r->losses.rpn_box +=
      op_loss_smooth_l1 (r->net->tape, deltas, (guint32 *) (gpointer) t.taught_places->data,
          (Real *) (gpointer) t.taught->data, t.taught_places->len, TEACHER_BETA, scale);
  g_array_free (t.places, TRUE);
  g_array_free (t.targets, TRUE);
  g_array_free (t.delta_places, TRUE);
  g_array_free (t.deltas, TRUE);
  g_array_free (t.taught_places, TRUE);
  g_array_free (t.taught, TRUE);
}

/* One image's proposals, with room for its objects behind them; nothing of this has a gradient. */
static Box *
make_proposals (const Rcnn *r, const Var *logits, const Var *deltas, guint image, gsize *n)
{
  const TrainSample *sample = r->samples[image];
  const gsize size = logits->h * logits->w * logits->c;
  g_autofree float *image_logits = reals_to_floats (logits->value + image * size, size);
  g_autofree float *image_deltas = reals_to_floats (deltas->value + image * 4 * size, 4 * size);
  const RpnLevel level = { image_logits, image_deltas, logits->h, logits->w, r->d->anchors[0].cells,
    r->d->anchors[0].n_cells, (float) r->model->layers->features[r->d->rpn_features[0]].stride,
    (float) r->d->anchor_offset };
  RpnParams params = { r->settings->pre_nms_count, r->settings->post_nms_count,
    r->settings->rpn_iou_threshold, r->d->params.min_proposal_size };

  memcpy (params.weights, r->d->rpn_weights, sizeof params.weights);
  g_autofree void *scratch = g_malloc (rpn_scratch_size (&level, 1, &params));
  g_autofree float *scores = g_new (float, params.post_nms_count);
  Box *boxes = g_new (Box, params.post_nms_count + sample->n_objects);

  *n = rpn_proposals (boxes, scores, &level, 1, &params, (float) sample->width,
      (float) sample->height, scratch);
  return boxes;
}

/* --- Heads ------------------------------------------------------------------------------------ */

/* The ROIs that are sampled, over all samples; those of objects have one. */
typedef struct {
  GArray *boxes;   /* Box */
  GArray *images;  /* guint32: which sample */
  GArray *classes; /* guint32; n_classes: background */
  GArray *objects; /* const TrainObject *; NULL: background */
} Rois;

static Rois
rois_new (void)
{
  return (Rois){ g_array_new (FALSE, FALSE, sizeof (Box)),
    g_array_new (FALSE, FALSE, sizeof (guint32)), g_array_new (FALSE, FALSE, sizeof (guint32)),
    g_array_new (FALSE, FALSE, sizeof (const TrainObject *)) };
}

static void
rois_clear (Rois *rois)
{
  g_array_free (rois->boxes, TRUE);
  g_array_free (rois->images, TRUE);
  g_array_free (rois->classes, TRUE);
  g_array_free (rois->objects, TRUE);
}

static void
rois_add (Rois *rois, const Box *box, guint32 image, const TrainObject *object, guint32 class_id)
{
  g_array_append_val (rois->boxes, *box);
  g_array_append_val (rois->images, image);
  g_array_append_val (rois->classes, class_id);
  g_array_append_val (rois->objects, object);
}

static const TrainObject *
rois_object (const Rois *rois, guint i)
{
  return g_array_index (rois->objects, const TrainObject *, i);
}

static void
sample_proposals (const Rcnn *r, Rois *rois, Box *boxes, gsize n, guint32 image)
{
  const TrainSample *sample = r->samples[image];
  const RandomKey key = key_of (r, image, RANDOM_PROPOSALS);

  for (guint i = 0; r->settings->append_objects && i < sample->n_objects; i++)
    boxes[n++] = sample->objects[i].box;
  Sampled sampled = sample_boxes (boxes, n, sample, &r->settings->heads, FALSE, key);
  for (guint i = 0; i < sampled.n; i++) {
    const TrainObject *object =
        i < sampled.n_positive ? &sample->objects[sampled.objects[i]] : NULL;
    rois_add (rois, &boxes[sampled.boxes[i]], image, object,
        object != NULL ? object->class_id : r->d->n_classes);
  }
  sampled_clear (&sampled);
}

static Var *
pool (const Rcnn *r, const Rois *rois, guint resolution, guint sampling_ratio)
{
  const guint feature = r->d->roi_features[0];
  const RoiArgs args = { (const Box *) (gpointer) rois->boxes->data,
    (const guint32 *) (gpointer) rois->images->data, rois->boxes->len,
    1.0 / r->model->layers->features[feature].stride, resolution, sampling_ratio };

  return op_roi_align (r->net->tape, r->features[feature], &args);
}

static gsize
argmax (const Real *x, gsize n)
{
  gsize best = 0;

  for (gsize i = 1; i < n; i++)
    best = x[i] > x[best] ? i : best;
  return best;
}

static void
count_rois (Rcnn *r, const Rois *rois, const Var *logits)
{
  for (guint i = 0; i < rois->boxes->len; i++) {
    r->losses.n_objects += rois_object (rois, i) != NULL;
    r->losses.n_right += argmax (logits->value + i * logits->c, logits->c)
        == g_array_index (rois->classes, guint32, i);
  }
  r->losses.n_rois = rois->boxes->len;
}

/* Of each ROI, with the background behind the classes. */
static Real *
class_targets (const Rcnn *r, const Rois *rois)
{
  const gsize c = r->d->n_classes + 1;
  Real *targets = g_new0 (Real, rois->boxes->len * c);

  for (guint i = 0; i < rois->boxes->len; i++) {
    if (r->taught.classes != NULL && rois_object (rois, i) == NULL)
      teacher_answers_class (&r->taught, i, targets + i * c, c);
    else
      targets[i * c + g_array_index (rois->classes, guint32, i)] = 1;
  }
  return targets;
}

/* Where something is annotated. */
static double
box_loss (const Rcnn *r, const Rois *rois, Var *deltas, double scale)
{
  GArray *places = g_array_new (FALSE, FALSE, sizeof (guint32));
  GArray *targets = g_array_new (FALSE, FALSE, sizeof (Real));

  for (guint i = 0; i < rois->boxes->len; i++) {
    const TrainObject *object = rois_object (rois, i);
    const guint32 column = object == NULL || r->d->class_agnostic_boxes ? 0 : 4 * object->class_id;
    if (object != NULL)
      add_delta (places, targets, (guint32) (i * deltas->c + column),
          &g_array_index (rois->boxes, Box, i), &object->box, r->d->box_weights);
  }
  const double loss = op_loss_smooth_l1 (r->net->tape, deltas, (guint32 *) (gpointer) places->data,
      (Real *) (gpointer) targets->data, places->len, r->settings->box_beta, scale);
  g_array_free (places, TRUE);
  g_array_free (targets, TRUE);
  return loss;
}

/* Where nothing is annotated, and the teacher sees something. */
static double
taught_box_loss (const Rcnn *r, const Rois *rois, Var *deltas, double scale)
{
  GArray *places = g_array_new (FALSE, FALSE, sizeof (guint32));
  GArray *targets = g_array_new (FALSE, FALSE, sizeof (Real));
  guint class_id;

  for (guint i = 0; i < rois->boxes->len; i++) {
    if (rois_object (rois, i) != NULL || !teacher_answers_object (&r->taught, i, &class_id))
      continue;
    const guint32 column = r->d->class_agnostic_boxes ? 0 : 4 * class_id;
    const guint32 place = (guint32) (i * deltas->c + column);
    g_array_append_val (places, place);
    g_array_append_vals (targets, r->taught.deltas + i * r->taught.n_deltas + column, 4);
  }
  const double loss = op_loss_smooth_l1 (r->net->tape, deltas, (guint32 *) (gpointer) places->data,
      (Real *) (gpointer) targets->data, places->len, TEACHER_BETA, scale);
  g_array_free (places, TRUE);
  g_array_free (targets, TRUE);
  return loss;
}

static void
box_losses (Rcnn *r, const Rois *rois, Var *logits, Var *deltas)
{
  const double scale = 1.0 / MAX (rois->boxes->len, 1);
  g_autofree Real *classes = class_targets (r, rois);

  r->losses.classes = op_loss_softmax (r->net->tape, logits, classes, scale);
  r->losses.box = box_loss (r, rois, deltas, scale);
  if (r->taught.classes != NULL)
    r->losses.box += taught_box_loss (r, rois, deltas, scale);
}

static void
box_head (Rcnn *r, const Rois *rois)
{
  Var *x = pool (r, rois, r->settings->box_resolution, r->d->box_sampling_ratio);
  Var *logits, *deltas;

  net_box_head (r->net, x, &logits, &deltas);
  count_rois (r, rois, logits);
  box_losses (r, rois, logits, deltas);
}

/* The ROIs of objects whose mask is known. */
static Rois
rois_with_masks (const Rcnn *r, const Rois *rois)
{
  Rois some = rois_new ();

  for (guint i = 0; i < rois->boxes->len; i++) {
    const TrainObject *object = rois_object (rois, i);
    const guint32 image = g_array_index (rois->images, guint32, i);
    if (object != NULL && object->mask != NULL && r->samples[image]->crop_mask != NULL)
      rois_add (&some, &g_array_index (rois->boxes, Box, i), image, object, object->class_id);
  }
  return some;
}

static void
mask_loss (Rcnn *r, const Rois *rois, Var *logits)
{
  const gsize area = logits->h * logits->w, n = rois->boxes->len * area;
  g_autofree guint32 *places = g_new (guint32, n);
  g_autofree guint8 *cells = g_new (guint8, area);
  g_autofree Real *targets = g_new (Real, n);

  for (guint i = 0; i < rois->boxes->len; i++) {
    const TrainObject *object = rois_object (rois, i);
    const TrainSample *sample = r->samples[g_array_index (rois->images, guint32, i)];
    const guint32 channel = r->d->class_agnostic_masks ? 0 : object->class_id;
    sample->crop_mask (sample, object, &g_array_index (rois->boxes, Box, i), (guint) logits->h,
        cells);
    for (gsize p = 0; p < area; p++) {
      places[i * area + p] = (guint32) ((i * area + p) * logits->c + channel);
      targets[i * area + p] = cells[p];
    }
  }
  r->losses.mask =
      op_loss_bce (r->net->tape, logits, places, targets, n, 1.0 / (double) MAX (n, 1));
}

/* Even without an object: its norms may be pooled with other workers'. */
static void
mask_head (Rcnn *r, const Rois *rois)
{
  Rois masked = rois_with_masks (r, rois);
  Var *x = pool (r, &masked, r->settings->mask_resolution, r->d->mask_sampling_ratio);

  x = net_stage (r->net, x, layers_stage (r->model->layers, ROLE_MASK, 0));
  mask_loss (r, &masked, net_conv (r->net, x, layers_conv (r->model->layers, ROLE_MASK_LOGITS)));
  rois_clear (&masked);
}

/* Shows the teacher the batch and the ROIs; stages that are its own, too, are not run again. */
static void
ask_teacher (Rcnn *r, Teacher *teacher, const Rois *rois)
{
  const guint shared = teacher_n_shared (teacher);
  const TeacherQuestion question = { .stage = shared,
    .x = shared > 0 ? r->features[shared - 1] : r->batch,
    .boxes = (const Box *) (gpointer) rois->boxes->data,
    .images = (const guint32 *) (gpointer) rois->images->data,
    .n_rois = rois->boxes->len,
    .resolution = r->settings->box_resolution };

  teacher_ask (teacher, &question, &r->taught);
}

RcnnLosses
rcnn_forward (Net *net, Teacher *teacher, const RcnnSettings *settings,
    const TrainSample *const *samples, guint n, guint64 seed, guint64 iteration, guint64 first)
{
  const FbnetModel *model = net->params->model;
  Rcnn r = { net, settings, model, model->description, samples, n, seed, iteration, first };
  Rois rois = rois_new ();
  Var *logits, *deltas;

  run_trunk (&r);
  net_rpn (net, r.features[r.d->rpn_features[0]], &logits, &deltas);
  for (guint i = 0; i < n; i++) {
    gsize n_proposals;
    g_autofree Box *proposals = make_proposals (&r, logits, deltas, i, &n_proposals);
    sample_proposals (&r, &rois, proposals, n_proposals, i);
  }
  if (teacher != NULL)
    ask_teacher (&r, teacher, &rois);
  rpn_losses (&r, logits, deltas);
  box_head (&r, &rois);
  if (settings->masks)
    mask_head (&r, &rois);
  teacher_answers_clear (&r.taught);
  rois_clear (&rois);
  return r.losses;
}
