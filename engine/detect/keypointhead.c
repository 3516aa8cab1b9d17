/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keypoints of a frame's detections: pooled squares, heat maps, places.
 */
#include "keypoint.h"
#include "pass.h"

#define BATCH 32

void
keypoint_head_lay_out (Pass *pass, Planner *planner)
{
  const Description *d = pass->model->description;
  Arena *arena = &pass->workspace.arena;
  const gsize mark = arena_mark (arena);
  RoiHead *head = &pass->heads[HEAD_KEYPOINTS];
  const gsize n = head->spec.n;
  Tensor *maps = &pass->heatmaps;

  roi_head_lay_out (head, planner, pass->model, pass->features, BATCH, FALSE);
  *maps = heatmaps_output (pass->workspace.network, d->keypoint_predictor, &head->map);
  maps->n = n;
  maps->quant = (Quant){ 0 };
  planner_place_floats (planner, maps, TRUE);
  head->plan.out_port = maps->data;
  Tensor batch = *maps;
  batch.n = head->batch;
  plan_heatmaps (planner, d->keypoint_predictor, &head->map, &batch);
  arena_release (arena, mark);
  planner_need_scratch (planner, keypoint_scratch_size (maps->h, maps->c, pass->from->width + 1));
  pass->keypoints = arena_keep (arena, n * maps->c * sizeof (FbnetKeypoint));
}

gboolean
keypoint_head_pool (Pass *pass, Detections *found, GError **error)
{
  roi_head_pool (&pass->heads[HEAD_KEYPOINTS], &pass->workspace, pass->network_boxes);
  return TRUE;
}

gboolean
keypoint_head_run (Pass *pass, Detections *found, GError **error)
{
  pass->heatmaps.n = found->public.n;
  return roi_head_run (&pass->heads[HEAD_KEYPOINTS], &pass->workspace, &pass->heatmaps, NULL, NULL);
}

static void
decode_item (gpointer data, guint item, guint thread)
{
  const Pass *pass = data;

  keypoint_decode (pass->keypoints + item * pass->heatmaps.c, &pass->heatmaps, item,
      &pass->network_boxes[item], workspace_scratch (&pass->workspace, thread));
}

/* Network pixels to frame pixels; unlike boxes they are not clipped. */
gboolean
keypoint_head_decode (Pass *pass, Detections *found, GError **error)
{
  const FbnetRegion *region = &pass->from->region;
  const gsize n = found->public.n, n_keypoints = pass->heatmaps.c;
  const float scale_x = (float) ((double) region->width / pass->width);
  const float scale_y = (float) ((double) region->height / pass->height);

  workers_run (pass->workspace.workers, decode_item, pass, n);
  for (gsize i = 0; i < n * n_keypoints; i++) {
    const FbnetKeypoint *from = &pass->keypoints[i];
    found->keypoints[i] = (FbnetKeypoint){ from->x * scale_x + region->x,
      from->y * scale_y + region->y, from->score };
  }
  for (gsize i = 0; i < n; i++) {
    found->items[i].keypoints = found->keypoints + i * n_keypoints;
    found->items[i].n_keypoints = (guint) n_keypoints;
  }
  return TRUE;
}
