/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One frame through all stages: trunk and pyramid, RPN, proposals, box head, detections, masks,
 * keypoints; see pass.h.
 */
#include "pass.h"

#include <string.h>
#include <time.h>

#include "model/costs.h"

#define BOX_BATCH 64

/* --- Plans ------------------------------------------------------------------------------------ */

/* Heads and pyramid read floats. */
static gboolean
is_feature (const Pass *pass, guint stage)
{
  const Description *d = pass->model->description;
  gboolean found = d->has_fpn && stage >= d->fpn_first_stage;

  for (guint i = 0; i < d->n_levels; i++)
    found |= d->rpn_features[i] == stage;
  for (guint i = 0; i < d->n_roi_levels; i++)
    found |= d->roi_features[i] == stage;
  return found;
}

static void
lay_out_trunk (Pass *pass, Planner *planner)
{
  const Network *network = pass->workspace.network;
  const Description *d = pass->model->description;

  planner_use (planner, &pass->trunk);
  pass->input =
      (Tensor){ .n = 1, .h = pass->from->padded_height, .w = pass->from->padded_width, .c = 3 };
  planner_place_floats (planner, &pass->input, TRUE);
  pass->n_stages = layers_count (network->layers, ROLE_TRUNK);
  for (guint s = 0; s < pass->n_stages; s++) {
    const PackedStage *stage = network_stage (network, ROLE_TRUNK, s);
    const Tensor *in = s == 0 ? &pass->input : &pass->stages[s - 1];
    Tensor *out = &pass->stages[s];
    *out = stage_output (stage, in);
    planner_place (planner, out, TRUE);
    if (quant_is_set (out->quant) && is_feature (pass, s))
      planner_place_floats (planner, out, TRUE);
    plan_stage (planner, stage, in, out);
  }
  if (d->has_fpn) {
    pass->n_features = plan_fpn (planner, d->fpn_first_stage, pass->stages, pass->features);
  } else {
    pass->n_features = pass->n_stages;
    memcpy (pass->features, pass->stages, sizeof pass->features);
  }
}

static RpnParams
rpn_params (const Pass *pass)
{
  const Description *d = pass->model->description;
  RpnParams params = { .pre_nms_count = pass->params.pre_nms_count,
    .post_nms_count = pass->params.post_nms_count,
    .iou_threshold = pass->params.rpn_iou_threshold,
    .min_box_size = pass->params.min_proposal_size,
    .torch_ties = pass->workspace.network->exact_bias };

  memcpy (params.weights, d->rpn_weights, sizeof params.weights);
  return params;
}

static void
lay_out_level (Pass *pass, Planner *planner, guint level)
{
  const Network *network = pass->workspace.network;
  const Description *d = pass->model->description;
  const guint index = d->rpn_features[level];
  const PackedStage *stage = network_stage (network, ROLE_RPN, 0);
  const PackedConv *logits = network_conv (network, ROLE_RPN_LOGITS, 0);
  const PackedConv *deltas = network_conv (network, ROLE_RPN_DELTAS, 0);
  const gsize mark = arena_mark (&pass->workspace.arena);
  Tensor map = stage_output (stage, &pass->features[index]);

  planner_place (planner, &map, FALSE);
  plan_stage (planner, stage, &pass->features[index], &map);
  plan_observe (planner, network_input_name (network, ROLE_RPN_LOGITS), ".input", &map);
  pass->rpn_logits[level] = conv_output (logits, &map);
  pass->rpn_deltas[level] = conv_output (deltas, &map);
  planner_place_floats (planner, &pass->rpn_logits[level], TRUE);
  planner_place_floats (planner, &pass->rpn_deltas[level], TRUE);
  plan_conv (planner, logits, &map, &pass->rpn_logits[level], NULL);
  plan_conv (planner, deltas, &map, &pass->rpn_deltas[level], NULL);
  arena_release (&pass->workspace.arena, mark);
  pass->levels[level] = (RpnLevel){ .logits = pass->rpn_logits[level].data,
    .deltas = pass->rpn_deltas[level].data,
    .height = pass->rpn_logits[level].h,
    .width = pass->rpn_logits[level].w,
    .cells = d->anchors[level].cells,
    .n_cells = d->anchors[level].n_cells,
    .stride = pass->model->layers->features[index].stride,
    .offset = d->anchor_offset };
}

static void
lay_out_rpn (Pass *pass, Planner *planner)
{
  Arena *arena = &pass->workspace.arena;
  const RpnParams params = rpn_params (pass);
  const gsize n = params.post_nms_count, mark = arena_mark (arena);

  planner_use (planner, &pass->rpn);
  pass->n_levels = pass->model->description->n_levels;
  for (guint level = 0; level < pass->n_levels; level++)
    lay_out_level (pass, planner, level);
  pass->proposals = arena_keep (arena, n * sizeof (Box));
  pass->proposal_logits = arena_keep (arena, n * sizeof (float));
  pass->proposal_scratch =
      arena_pass (arena, rpn_scratch_size (pass->levels, pass->n_levels, &params));
  arena_release (arena, mark);
}

static void
lay_out_predictors (Pass *pass, Planner *planner)
{
  const Network *network = pass->workspace.network;
  const PackedConv *cls_score = network_conv (network, ROLE_CLS_SCORE, 0);
  const PackedConv *bbox_pred = network_conv (network, ROLE_BBOX_PRED, 0);
  const gsize mark = arena_mark (&pass->workspace.arena);

  planner_use (planner, &pass->predictors);
  plan_observe (planner, network_input_name (network, ROLE_CLS_SCORE), ".input",
      &pass->box_features);
  pass->cls_logits = conv_output (cls_score, &pass->box_features);
  pass->box_deltas = conv_output (bbox_pred, &pass->box_features);
  planner_place_floats (planner, &pass->cls_logits, TRUE);
  planner_place_floats (planner, &pass->box_deltas, TRUE);
  plan_conv (planner, cls_score, &pass->box_features, &pass->cls_logits, NULL);
  plan_conv (planner, bbox_pred, &pass->box_features, &pass->box_deltas, NULL);
  arena_release (&pass->workspace.arena, mark);
}

static void
lay_out_detections (Pass *pass)
{
  Arena *arena = &pass->workspace.arena;
  const gsize max = pass->params.max_detections, mark = arena_mark (arena);

  pass->detection_scratch = arena_pass (arena,
      box_head_scratch_size (pass->params.post_nms_count, pass->model->description->n_classes));
  arena_release (arena, mark);
  pass->detections = arena_keep (arena, max * sizeof (BoxHeadDetection));
  pass->frame_boxes = arena_keep (arena, max * sizeof (Box));
  pass->network_boxes = arena_keep (arena, max * sizeof (Box));
}

static void
lay_out_box_head (Pass *pass, Planner *planner)
{
  RoiHead *head = &pass->heads[HEAD_BOX];
  const gsize mark = arena_mark (&pass->workspace.arena);

  roi_head_lay_out (head, planner, pass->model, pass->features, BOX_BATCH, FALSE);
  pass->box_features = (Tensor){ .n = head->spec.n, .h = 1, .w = 1, .c = head->map.c };
  planner_place_floats (planner, &pass->box_features, TRUE);
  head->plan.out_port = pass->box_features.data;
  Tensor batch = pass->box_features;
  batch.n = head->batch;
  plan_average (planner, &head->map, &batch);
  arena_release (&pass->workspace.arena, mark);
  lay_out_predictors (pass, planner);
  lay_out_detections (pass);
}

static const struct {
  Role role;
  void (*lay_out) (Pass *pass, Planner *planner);
} heads[] = {
  [HEAD_BOX] = { ROLE_BOX, lay_out_box_head },
  [HEAD_MASK] = { ROLE_MASK, mask_head_lay_out },
  [HEAD_KEYPOINTS] = { ROLE_KEYPOINTS, keypoint_head_lay_out },
};
G_STATIC_ASSERT (G_N_ELEMENTS (heads) == N_HEADS);

static void
lay_out (Planner *planner, gpointer data)
{
  Pass *pass = data;

  lay_out_trunk (pass, planner);
  lay_out_rpn (pass, planner);
  for (guint i = 0; i < N_HEADS; i++) {
    if (roi_head_open (&pass->heads[i], pass->model, heads[i].role, &pass->params))
      heads[i].lay_out (pass, planner);
  }
}

gboolean
pass_plan (Pass *pass, const FbnetInput *input, GError **error)
{
  const FbnetModel *model = pass->model;

  pass->from = input;
  if (costs_check (pass->workspace.work_limit, model->description, model->layers,
          input->padded_height, input->padded_width, &pass->params, error)
      && planner_lay_out (&pass->workspace, lay_out, pass, error))
    return TRUE;
  g_prefix_error (error, "frame of %u × %u: ", input->frame_width, input->frame_height);
  return FALSE;
}

void
pass_clear (Pass *pass)
{
  plan_clear (&pass->trunk);
  plan_clear (&pass->rpn);
  plan_clear (&pass->predictors);
  for (guint i = 0; i < N_HEADS; i++)
    roi_head_clear (&pass->heads[i]);
  workspace_close (&pass->workspace);
}

/* --- Stages ----------------------------------------------------------------------------------- */

static gboolean
run_trunk (Pass *pass, Detections *found, GError **error)
{
  return plan_run (&pass->trunk, &pass->workspace, 1, NULL, NULL);
}

static gboolean
run_rpn (Pass *pass, Detections *found, GError **error)
{
  return plan_run (&pass->rpn, &pass->workspace, 1, NULL, NULL);
}

static gboolean
run_proposals (Pass *pass, Detections *found, GError **error)
{
  const RpnParams params = rpn_params (pass);

  pass->n_proposals = rpn_proposals (pass->proposals, pass->proposal_logits, pass->levels,
      pass->n_levels, &params, pass->width, pass->height, pass->proposal_scratch);
  return TRUE;
}

static gboolean
run_box_pooler (Pass *pass, Detections *found, GError **error)
{
  roi_head_set_count (&pass->heads[HEAD_BOX], pass->n_proposals);
  roi_head_pool (&pass->heads[HEAD_BOX], &pass->workspace, pass->proposals);
  return TRUE;
}

static gboolean
run_box_head (Pass *pass, Detections *found, GError **error)
{
  const gsize n = pass->n_proposals;

  pass->box_features.n = pass->cls_logits.n = pass->box_deltas.n = n;
  return roi_head_run (&pass->heads[HEAD_BOX], &pass->workspace, &pass->box_features, NULL, NULL)
      && plan_run (&pass->predictors, &pass->workspace, n, NULL, NULL);
}

static gboolean
has_wanted_size (const FbnetParams *p, const Box *box)
{
  const float width = box->x1 - box->x0, height = box->y1 - box->y0;

  return width >= p->min_object_width && height >= p->min_object_height
      && (p->max_object_width == 0 || width <= p->max_object_width)
      && (p->max_object_height == 0 || height <= p->max_object_height);
}

static BoxHeadParams
box_head_params (const Pass *pass)
{
  const Description *d = pass->model->description;
  BoxHeadParams params = { .n_classes = d->n_classes,
    .class_agnostic_boxes = d->class_agnostic_boxes,
    .class_agnostic_nms = pass->params.class_agnostic_nms,
    .score_threshold = pass->params.score_threshold,
    .class_thresholds = pass->params.class_thresholds,
    .iou_threshold = pass->params.iou_threshold,
    .max_detections = pass->params.max_detections };

  memcpy (params.weights, d->box_weights, sizeof params.weights);
  return params;
}

/* The detection, if something of it is left in the region and its size is wanted. */
static void
add_detection (Pass *pass, Detections *found, const BoxHeadDetection *detection)
{
  const FbnetRegion *region = &pass->from->region;
  const guint n = found->public.n;
  Box box;

  if (!box_to_frame (&box, &detection->box, pass->width, pass->height, region->width,
          region->height)
      || !has_wanted_size (&pass->params, &box))
    return;
  found->public.n++;
  pass->network_boxes[n] = detection->box;
  pass->frame_boxes[n] = box;
  found->items[n] = (FbnetDetection){ .x0 = box.x0 + region->x,
    .y0 = box.y0 + region->y,
    .x1 = box.x1 + region->x,
    .y1 = box.y1 + region->y,
    .score = detection->score,
    .class_id = detection->class_id };
}

static gboolean
run_detections (Pass *pass, Detections *found, GError **error)
{
  const BoxHeadParams params = box_head_params (pass);

  pass->n_detections = box_head_detections (pass->detections, pass->proposals,
      pass->cls_logits.data, pass->box_deltas.data, pass->n_proposals, &params, pass->width,
      pass->height, pass->detection_scratch);
  for (gsize i = 0; i < pass->n_detections; i++)
    add_detection (pass, found, &pass->detections[i]);
  for (guint i = HEAD_BOX + 1; i < N_HEADS; i++)
    roi_head_set_count (&pass->heads[i], found->public.n);
  return TRUE;
}

/* --- The frame -------------------------------------------------------------------------------- */

static const struct {
  FbnetStage stage; /* whose time it is; several may share one */
  gboolean (
      *run) (Pass *pass, Detections *found, GError **error); /* FALSE without error: cancelled */
  Head head; /* without a box for it there is nothing to do; HEAD_BOX: it always runs */
} stages[] = {
  { FBNET_STAGE_TRUNK, run_trunk },
  { FBNET_STAGE_RPN, run_rpn },
  { FBNET_STAGE_PROPOSALS, run_proposals },
  { FBNET_STAGE_BOX_POOLER, run_box_pooler },
  { FBNET_STAGE_BOX_HEAD, run_box_head },
  { FBNET_STAGE_DETECTIONS, run_detections },
  { FBNET_STAGE_MASK_POOLER, mask_head_pool, HEAD_MASK },
  { FBNET_STAGE_MASK_HEAD, mask_head_run, HEAD_MASK },
  { FBNET_STAGE_MASK_PASTE, mask_head_paste, HEAD_MASK },
  { FBNET_STAGE_KEYPOINT_POOLER, keypoint_head_pool, HEAD_KEYPOINTS },
  { FBNET_STAGE_KEYPOINT_HEAD, keypoint_head_run, HEAD_KEYPOINTS },
  { FBNET_STAGE_KEYPOINT_DECODE, keypoint_head_decode, HEAD_KEYPOINTS },
};

/* A run whose cancelling nobody has seen yet sees it here. */
static gboolean
is_cancelled (Pass *pass)
{
  return g_atomic_int_compare_and_exchange (&pass->workspace.cancelled, TRUE, FALSE);
}

static double
now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec * 1e-6;
}

static gboolean
has_work (const Pass *pass, guint i)
{
  return stages[i].head == HEAD_BOX || pass->heads[stages[i].head].rois.n > 0;
}

static gboolean
run_stage (Pass *pass, guint i, Detections *found, GError **error)
{
  GError *failure = NULL;
  const gboolean done = stages[i].run (pass, found, &failure);

  if (is_cancelled (pass)) {
    g_clear_error (&failure);
    g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_CANCELLED, "the run was cancelled");
    return FALSE;
  }
  if (!done)
    g_propagate_error (error, failure);
  return done;
}

static void
take_input (Pass *pass, const FbnetInput *input)
{
  const Description *d = pass->model->description;
  const double begin = now_ms ();

  pass->from = input;
  pass->resized = input->pixels.data;
  pass->height = input->height;
  pass->width = input->width;
  image_normalize (&pass->input, pass->resized, pass->height, pass->width, d->mean, d->std,
      pass->workspace.workers);
  pass->timings.ms[FBNET_STAGE_PREPROCESS] += now_ms () - begin;
}

gboolean
pass_run (Pass *pass, const FbnetInput *input, Detections *found, GError **error)
{
  take_input (pass, input);
  for (guint i = 0; i < G_N_ELEMENTS (stages); i++) {
    const double begin = now_ms ();
    if (!has_work (pass, i))
      continue;
    if (!run_stage (pass, i, found, error)) {
      found->public.n = 0;
      return FALSE;
    }
    pass->timings.ms[stages[i].stage] += now_ms () - begin;
  }
  return TRUE;
}
