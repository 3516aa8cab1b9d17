/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From samples to losses; see rcnn.h.
 */
#include "rcnn.h"

#include <string.h>

#include "batch.h"
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
  Var *batch;
  Features features;
  TeacherAnswers taught; /* empty without a teacher */
  TrainLosses losses;
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
    .keypoints = d->n_keypoints > 0,
    .keypoint_weight = 1,
  };
}

const char *
rcnn_unsupported (const FbnetModel *model)
{
  const Description *d = model->description;

  if (d->quantization != NULL)
    return "its weights are int8; float models are trained";
  return NULL;
}

/* --- Region proposals ------------------------------------------------------------------------- */

/* The RPN's outputs, and a picture's anchors: level after level, which the heads of detectron2 see as one
 * list. */
typedef struct {
  guint n;
  Var *logits[MAX_LEVELS], *deltas[MAX_LEVELS];
  gsize first[MAX_LEVELS + 1]; /* anchor of each level; at last, how many there are */
  Box *anchors;
} Rpn;

static gsize
anchors_of_level (const Var *logits)
{
  return logits->h * logits->w * logits->c;
}

static void
add_anchors (const Rcnn *r, Rpn *rpn, guint level)
{
  const AnchorLevel *cells = &r->d->anchors[level];
  const Var *logits = rpn->logits[level];
  g_autofree Box *anchors = make_anchors (cells->cells, cells->n_cells, logits->h, logits->w,
      r->model->layers->features[r->d->rpn_features[level]].stride, r->d->anchor_offset);

  memcpy (rpn->anchors + rpn->first[level], anchors, anchors_of_level (logits) * sizeof *anchors);
}

static void
run_rpn (Rcnn *r, Rpn *rpn)
{
  rpn->n = r->d->n_levels;
  for (guint i = 0; i < rpn->n; i++) {
    net_rpn (r->net, r->features.levels[r->d->rpn_features[i]], &rpn->logits[i], &rpn->deltas[i]);
    rpn->first[i + 1] = rpn->first[i] + anchors_of_level (rpn->logits[i]);
  }
  rpn->anchors = g_new (Box, rpn->first[rpn->n]);
  for (guint i = 0; i < rpn->n; i++)
    add_anchors (r, rpn, i);
}

/* Boxes that are to be learned: where each one's deltas are, and what they should be. */
typedef struct {
  GArray *places; /* guint32 into the deltas */
  GArray *deltas; /* 4 × Real */
} BoxTargets;

static BoxTargets
box_targets_new (void)
{
  return (BoxTargets){ g_array_new (FALSE, FALSE, sizeof (guint32)),
    g_array_new (FALSE, FALSE, sizeof (Real)) };
}

static void
box_targets_add (BoxTargets *targets, guint32 place, const Real delta[4])
{
  g_array_append_val (targets->places, place);
  g_array_append_vals (targets->deltas, delta, 4);
}

static void
box_targets_encode (BoxTargets *targets, guint32 place, const Box *box, const Box *object,
    const float weights[4])
{
  Real delta[4];

  box_encode (delta, box, object, weights);
  box_targets_add (targets, place, delta);
}

/* Frees them, too. */
static double
box_targets_loss (BoxTargets *targets, Tape *tape, Var *deltas, double beta, double scale)
{
  const double loss =
      op_loss_smooth_l1 (tape, deltas, (const guint32 *) (gpointer) targets->places->data,
          (const Real *) (gpointer) targets->deltas->data, targets->places->len, beta, scale);

  g_array_free (targets->places, TRUE);
  g_array_free (targets->deltas, TRUE);
  return loss;
}

/* A level's arguments of the losses, collected over the samples. */
typedef struct {
  GArray *places;           /* guint32 into the logits */
  GArray *objectness;       /* Real */
  BoxTargets boxes, taught; /* as annotated, as the teacher says */
} RpnTargets;

/* What the teacher takes for an object of its own is one. */
static Real
add_taught_anchor (const Rcnn *r, RpnTargets *targets, guint32 place, gsize anchor)
{
  const Real objectness = r->taught.objectness[anchor];

  if ((double) objectness >= TEACHER_SURE)
    box_targets_add (&targets->taught, 4 * place, r->taught.rpn_deltas + 4 * anchor);
  return objectness;
}

/* `object`: NULL for the background. */
static void
add_rpn_target (const Rcnn *r, const Rpn *rpn, RpnTargets *levels, guint image, guint32 anchor,
    const TrainObject *object)
{
  guint level = 0;

  while (anchor >= rpn->first[level + 1])
    level++;
  RpnTargets *targets = &levels[level];
  const gsize size = rpn->first[level + 1] - rpn->first[level];
  const guint32 place = (guint32) (image * size + anchor - rpn->first[level]);
  Real target = object != NULL ? 1 : 0;
  if (object != NULL)
    box_targets_encode (&targets->boxes, 4 * place, &rpn->anchors[anchor], &object->box,
        r->d->rpn_weights);
  else if (r->taught.objectness != NULL)
    target = add_taught_anchor (r, targets, place, image * rpn->first[rpn->n] + anchor);
  g_array_append_val (targets->places, place);
  g_array_append_val (targets->objectness, target);
}

static void
add_rpn_targets (const Rcnn *r, const Rpn *rpn, RpnTargets *levels, guint image)
{
  const TrainSample *sample = r->samples[image];
  const RandomKey key = key_of (r, image, RANDOM_ANCHORS);
  Sampled sampled =
      sample_boxes (rpn->anchors, rpn->first[rpn->n], sample, &r->settings->rpn, TRUE, key);

  for (guint i = 0; i < sampled.n; i++)
    add_rpn_target (r, rpn, levels, image, sampled.boxes[i],
        i < sampled.n_positive ? &sample->objects[sampled.objects[i]] : NULL);
  sampled_clear (&sampled);
}

static void
rpn_level_losses (Rcnn *r, const Rpn *rpn, guint level, RpnTargets *t)
{
  const double scale = 1 / ((double) r->settings->rpn.batch * r->n);
  Tape *tape = r->net->tape;

  r->losses.rpn_objectness +=
      op_loss_bce (tape, rpn->logits[level], (const guint32 *) (gpointer) t->places->data,
          (const Real *) (gpointer) t->objectness->data, t->places->len, scale);
  r->losses.rpn_box +=
      box_targets_loss (&t->boxes, tape, rpn->deltas[level], r->settings->rpn_beta, scale);
  r->losses.rpn_box += box_targets_loss (&t->taught, tape, rpn->deltas[level], TEACHER_BETA, scale);
  g_array_free (t->places, TRUE);
  g_array_free (t->objectness, TRUE);
}

static void
rpn_losses (Rcnn *r, const Rpn *rpn)
{
  RpnTargets levels[MAX_LEVELS];

  for (guint l = 0; l < rpn->n; l++)
    levels[l] = (RpnTargets){ g_array_new (FALSE, FALSE, sizeof (guint32)),
      g_array_new (FALSE, FALSE, sizeof (Real)), box_targets_new (), box_targets_new () };
  for (guint i = 0; i < r->n; i++)
    add_rpn_targets (r, rpn, levels, i);
  for (guint l = 0; l < rpn->n; l++)
    rpn_level_losses (r, rpn, l, &levels[l]);
}

/* A level's outputs for one image, as floats that the caller frees. */
static RpnLevel
level_of (const Rcnn *r, const Rpn *rpn, guint level, guint image)
{
  const Var *logits = rpn->logits[level], *deltas = rpn->deltas[level];
  const gsize size = anchors_of_level (logits);

  return (RpnLevel){ reals_to_floats (logits->value + image * size, size),
    reals_to_floats (deltas->value + image * 4 * size, 4 * size), logits->h, logits->w,
    r->d->anchors[level].cells, r->d->anchors[level].n_cells,
    (float) r->model->layers->features[r->d->rpn_features[level]].stride,
    (float) r->d->anchor_offset };
}

/* One image's proposals, with room for its objects behind them; nothing of this has a gradient. */
static Box *
make_proposals (const Rcnn *r, const Rpn *rpn, guint image, gsize *n)
{
  const TrainSample *sample = r->samples[image];
  RpnParams params = { .pre_nms_count = r->settings->pre_nms_count,
    .post_nms_count = r->settings->post_nms_count,
    .iou_threshold = r->settings->rpn_iou_threshold,
    .min_box_size = r->d->params.min_proposal_size };
  RpnLevel levels[MAX_LEVELS];

  memcpy (params.weights, r->d->rpn_weights, sizeof params.weights);
  for (guint l = 0; l < rpn->n; l++)
    levels[l] = level_of (r, rpn, l, image);
  g_autofree void *scratch = g_malloc (rpn_scratch_size (levels, rpn->n, &params));
  g_autofree float *scores = g_new (float, params.post_nms_count);
  Box *boxes = g_new (Box, params.post_nms_count + sample->n_objects);
  *n = rpn_proposals (boxes, scores, levels, rpn->n, &params, (float) sample->width,
      (float) sample->height, scratch);
  for (guint l = 0; l < rpn->n; l++) {
    g_free ((gpointer) levels[l].logits);
    g_free ((gpointer) levels[l].deltas);
  }
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
  const NetRois pooled = { (const Box *) (gpointer) rois->boxes->data,
    (const guint32 *) (gpointer) rois->images->data, rois->boxes->len };

  return net_pool (r->net, &r->features, &pooled, resolution, sampling_ratio);
}

static void
count_rois (Rcnn *r, const Rois *rois, const Var *logits)
{
  for (guint i = 0; i < rois->boxes->len; i++) {
    r->losses.n_objects += rois_object (rois, i) != NULL;
    r->losses.n_right += var_largest (logits, i) == g_array_index (rois->classes, guint32, i);
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

/* As annotated, or where nothing is as the teacher says. */
static void
add_box_target (const Rcnn *r, const Rois *rois, guint roi, gsize n_deltas, BoxTargets *annotated,
    BoxTargets *taught)
{
  const TrainObject *object = rois_object (rois, roi);
  guint class_id = object != NULL ? object->class_id : 0;

  if (object == NULL
      && (r->taught.classes == NULL || !teacher_answers_object (&r->taught, roi, &class_id)))
    return;
  const guint32 column = r->d->class_agnostic_boxes ? 0 : 4 * class_id;
  const guint32 place = (guint32) (roi * n_deltas + column);
  if (object != NULL)
    box_targets_encode (annotated, place, &g_array_index (rois->boxes, Box, roi), &object->box,
        r->d->box_weights);
  else
    box_targets_add (taught, place, r->taught.deltas + roi * r->taught.n_deltas + column);
}

static void
box_losses (Rcnn *r, const Rois *rois, Var *logits, Var *deltas)
{
  const double scale = 1.0 / MAX (rois->boxes->len, 1);
  g_autofree Real *classes = class_targets (r, rois);
  BoxTargets annotated = box_targets_new (), taught = box_targets_new ();
  Tape *tape = r->net->tape;

  for (guint i = 0; i < rois->boxes->len; i++)
    add_box_target (r, rois, i, deltas->c, &annotated, &taught);
  r->losses.classes = op_loss_softmax (tape, logits, classes, scale);
  r->losses.box = box_targets_loss (&annotated, tape, deltas, r->settings->box_beta, scale);
  r->losses.box += box_targets_loss (&taught, tape, deltas, TEACHER_BETA, scale);
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

/* detectron2 structures/keypoints.py _keypoints_to_heatmap: the pixel of the map over the box; FALSE: the
 * keypoint is not in it, or not labelled. */
static gboolean
keypoint_pixel (const TrainKeypoint *keypoint, const Box *box, gsize side, guint32 *pixel)
{
  const float size = (float) side;
  const float x = floorf ((keypoint->x - box->x0) * (size / (box->x1 - box->x0)));
  const float y = floorf ((keypoint->y - box->y0) * (size / (box->y1 - box->y0)));
  const float column = keypoint->x == box->x1 ? size - 1 : x;
  const float row = keypoint->y == box->y1 ? size - 1 : y;

  if (!keypoint->labelled || !(column >= 0 && column < size && row >= 0 && row < size))
    return FALSE;
  *pixel = (guint32) (row * size + column);
  return TRUE;
}

static gboolean
is_inside (const TrainKeypoint *keypoint, const Box *box)
{
  return keypoint->labelled && keypoint->x >= box->x0 && keypoint->x <= box->x1
      && keypoint->y >= box->y0 && keypoint->y <= box->y1;
}

/* The ROIs of objects of which they hold a keypoint: detectron2 modeling/roi_heads/roi_heads.py
 * select_proposals_with_visible_keypoints. */
static Rois
rois_with_keypoints (const Rcnn *r, const Rois *rois)
{
  Rois some = rois_new ();

  for (guint i = 0; i < rois->boxes->len; i++) {
    const TrainObject *object = rois_object (rois, i);
    const Box *box = &g_array_index (rois->boxes, Box, i);
    guint k = object != NULL && object->keypoints != NULL ? 0 : r->d->n_keypoints;
    while (k < r->d->n_keypoints && !is_inside (&object->keypoints[k], box))
      k++;
    if (k < r->d->n_keypoints)
      rois_add (&some, box, g_array_index (rois->images, guint32, i), object, object->class_id);
  }
  return some;
}

static void
keypoint_loss (Rcnn *r, const Rois *rois, Var *maps)
{
  const gsize most = rois->boxes->len * maps->c;
  g_autofree guint32 *numbers = g_new (guint32, most);
  g_autofree guint32 *pixels = g_new (guint32, most);
  gsize n = 0;

  for (guint i = 0; i < most; i++) {
    const Box *box = &g_array_index (rois->boxes, Box, i / maps->c);
    const TrainObject *object = rois_object (rois, (guint) (i / maps->c));
    numbers[n] = i;
    n += keypoint_pixel (&object->keypoints[i % maps->c], box, maps->h, &pixels[n]);
  }
  r->losses.keypoint = op_loss_place (r->net->tape, maps, numbers, pixels, n,
      r->settings->keypoint_weight / (double) MAX (n, 1));
}

/* Even without an object, as the mask head. */
static void
keypoint_head (Rcnn *r, const Rois *rois)
{
  Rois some = rois_with_keypoints (r, rois);
  Var *x = pool (r, &some, r->d->keypoint_resolution, r->d->keypoint_sampling_ratio);

  keypoint_loss (r, &some, net_keypoint_head (r->net, x));
  rois_clear (&some);
}

/* Shows the teacher the batch and the ROIs; stages that are its own, too, are not run again. */
static void
ask_teacher (Rcnn *r, Teacher *teacher, const Rois *rois)
{
  const guint shared = teacher_n_shared (teacher);
  const TeacherQuestion question = { .stage = shared,
    .x = shared > 0 ? r->features.stages[shared - 1] : r->batch,
    .rois = { (const Box *) (gpointer) rois->boxes->data,
        (const guint32 *) (gpointer) rois->images->data, rois->boxes->len },
    .resolution = r->settings->box_resolution };

  teacher_ask (teacher, &question, &r->taught);
}

TrainLosses
rcnn_forward (Net *net, Teacher *teacher, const RcnnSettings *settings,
    const TrainSample *const *samples, guint n, guint64 seed, guint64 iteration, guint64 first)
{
  const FbnetModel *model = net->params->model;
  Rcnn r = { net, settings, model, model->description, samples, n, seed, iteration, first };
  Rois rois = rois_new ();
  Rpn rpn = { 0 };

  r.batch = batch_new (net->tape, r.d, samples, n);
  net_features (net, r.batch, 0, &r.features);
  run_rpn (&r, &rpn);
  for (guint i = 0; i < n; i++) {
    gsize n_proposals;
    g_autofree Box *proposals = make_proposals (&r, &rpn, i, &n_proposals);
    sample_proposals (&r, &rois, proposals, n_proposals, i);
  }
  if (teacher != NULL)
    ask_teacher (&r, teacher, &rois);
  rpn_losses (&r, &rpn);
  g_free (rpn.anchors);
  box_head (&r, &rois);
  if (settings->masks)
    mask_head (&r, &rois);
  if (settings->keypoints)
    keypoint_head (&r, &rois);
  teacher_answers_clear (&r.taught);
  rois_clear (&rois);
  return r.losses;
}
