/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the ROI heads have in common; see roihead.h.
 */
#include "roihead.h"

gboolean
roi_head_open (RoiHead *head, const FbnetModel *model, Role role, const FbnetParams *params)
{
  head->entry = layers_find (model->layers, role, 0);
  head->spec =
      head->entry != NULL ? head->entry->rois (model->description, params) : (RoiSpec){ 0 };
  return head->spec.n > 0;
}

static void
set_pooler (RoiHead *head, const FbnetModel *model, const Tensor *features)
{
  const Description *d = model->description;

  for (guint i = 0; i < d->n_roi_levels; i++) {
    const guint feature = d->roi_features[i];
    head->levels[i] =
        (RoiLevel){ features[feature], 1.0f / model->layers->features[feature].stride };
  }
  head->pooler = (RoiPooler){ .levels = head->levels,
    .n_levels = d->n_roi_levels,
    .min_level = g_bit_nth_msf (model->layers->features[d->roi_features[0]].stride, -1),
    .resolution = head->spec.side,
    .sampling_ratio = head->spec.sampling_ratio };
}

/* Where batch norms follow the stream they need the numbers of the whole frame: then all ROIs at once. */
void
roi_head_lay_out (RoiHead *head, Planner *planner, const FbnetModel *model, const Tensor *features,
    gsize batch, gboolean floats)
{
  const Workspace *workspace = planner->workspace;
  const PackedStage *stage = network_stage (workspace->network, head->entry->role, 0);
  const RoiSpec *spec = &head->spec;

  set_pooler (head, model, features);
  planner_need_scratch (planner, roi_scratch_size (&head->pooler));
  head->rois =
      (Tensor){ .n = spec->n, .h = spec->side, .w = spec->side, .c = head->levels[0].feature.c };
  planner_place_floats (planner, &head->rois, TRUE);
  head->batch = workspace->norm_stats != NULL ? spec->n : MIN (spec->n, batch);
  planner_use (planner, &head->plan);
  head->plan.in_port = head->rois.data;
  Tensor in = head->rois;
  in.n = head->batch;
  head->map = stage_output (stage, &in);
  if (floats)
    planner_place_floats (planner, &head->map, FALSE);
  else
    planner_place (planner, &head->map, FALSE);
  plan_stage (planner, stage, &in, &head->map);
}

void
roi_head_clear (RoiHead *head)
{
  plan_clear (&head->plan);
}

void
roi_head_set_count (RoiHead *head, gsize n)
{
  head->rois.n = head->spec.n > 0 ? n : 0;
}

void
roi_head_pool (RoiHead *head, Workspace *workspace, const Box *boxes)
{
  roi_align (head->rois.data, &head->pooler, boxes, head->rois.n, workspace_kernels (workspace),
      workspace->workers, workspace->scratch);
}

gboolean
roi_head_run (RoiHead *head, Workspace *workspace, const Tensor *out, RoiBatchFunc behind,
    gpointer data)
{
  const gsize n = head->rois.n;

  for (gsize first = 0; first < n; first += head->batch) {
    const gsize m = MIN (head->batch, n - first);
    if (!plan_run (&head->plan, workspace, m, tensor_pixel (&head->rois, first, 0, 0),
            out != NULL ? tensor_pixel (out, first, 0, 0) : NULL))
      return FALSE;
    if (behind != NULL)
      behind (head, first, m, data);
  }
  return TRUE;
}
