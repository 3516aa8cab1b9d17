/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the ROI heads have in common; see roihead.h.
 */
#include "roihead.h"

static void
set_pooler (RoiHead *head, const FbnetModel *model, const Tensor *features, const RoiHeadSpec *spec)
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
    .resolution = spec->resolution,
    .sampling_ratio = spec->sampling_ratio };
}

/* Where batch norms follow the stream they need the numbers of the whole frame: then all ROIs at once. */
void
roi_head_lay_out (RoiHead *head, Planner *planner, const FbnetModel *model, const Tensor *features,
    const RoiHeadSpec *spec)
{
  const Workspace *workspace = planner->workspace;
  const PackedStage *stage = network_stage (workspace->network, spec->role, 0);

  set_pooler (head, model, features, spec);
  planner_need_scratch (planner, roi_scratch_size (&head->pooler));
  head->rois = (Tensor){ .n = spec->n,
    .h = spec->resolution,
    .w = spec->resolution,
    .c = head->levels[0].feature.c };
  planner_place_floats (planner, &head->rois, TRUE);
  head->batch = workspace->norm_stats != NULL ? spec->n : MIN (spec->n, spec->batch);
  planner_use (planner, &head->plan);
  head->plan.in_port = head->rois.data;
  Tensor batch = head->rois;
  batch.n = head->batch;
  head->map = stage_output (stage, &batch);
  if (spec->floats)
    planner_place_floats (planner, &head->map, FALSE);
  else
    planner_place (planner, &head->map, FALSE);
  plan_stage (planner, stage, &batch, &head->map);
}

void
roi_head_clear (RoiHead *head)
{
  plan_clear (&head->plan);
}

void
roi_head_pool (RoiHead *head, Workspace *workspace, const Box *boxes, gsize n)
{
  head->rois.n = n;
  roi_align (head->rois.data, &head->pooler, boxes, n, workspace_kernels (workspace),
      workspace->workers, workspace->scratch);
}

gboolean
roi_head_run (RoiHead *head, Workspace *workspace, gsize n, const Tensor *out, RoiBatchFunc behind,
    gpointer data)
{
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
