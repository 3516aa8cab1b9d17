/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Masks of a frame's detections: pooled squares, probabilities of the predicted class, pixels of the
 * frame.
 */
#include <string.h>

#include "mask.h"
#include "pass.h"

#define BATCH 8

void
mask_head_lay_out (Pass *pass, Planner *planner)
{
  RoiHead *head = &pass->heads[HEAD_MASK];
  const Tensor *map = &head->map;
  const gsize mark = arena_mark (&pass->workspace.arena);

  roi_head_lay_out (head, planner, pass->model, pass->features, BATCH, TRUE);
  arena_release (&pass->workspace.arena, mark);
  pass->mask_logits = (Tensor){ .n = head->spec.n, .h = map->h, .w = map->w, .c = 1 };
  pass->mask_probabilities = pass->mask_logits;
  planner_place_floats (planner, &pass->mask_logits, TRUE);
  planner_place_floats (planner, &pass->mask_probabilities, TRUE);
  planner_need_scratch (planner,
      workspace_kernels (&pass->workspace)->floats.gemm_packed_size (1, map->c) * sizeof (float));
  planner_need_scratch (planner,
      mask_scratch_size (pass->from->region.width, pass->from->region.height));
}

gboolean
mask_head_pool (Pass *pass, Detections *found, GError **error)
{
  roi_head_pool (&pass->heads[HEAD_MASK], &pass->workspace, pass->network_boxes);
  return TRUE;
}

/* --- Probabilities ---------------------------------------------------------------------------- */

typedef struct {
  Pass *pass;
  const Detections *found;
  const PackedConv *conv;
  gsize first; /* of this batch */
} LogitsJob;

/* The last layer has a channel per class: only the predicted one is computed. */
static void
logits_item (gpointer data, guint item, guint thread)
{
  const LogitsJob *job = data;
  const Pass *pass = job->pass;
  const FloatKernels *kernels = &workspace_kernels (&pass->workspace)->floats;
  const Tensor *map = &pass->heads[HEAD_MASK].map;
  const gsize pixels = map->h * map->w, c = map->c, at = job->first + item;
  const gsize class_id =
      pass->model->description->class_agnostic_masks ? 0 : job->found->items[at].class_id;
  float *packed = workspace_scratch (&pass->workspace, thread);
  float *logits = pass->mask_logits.data + at * pixels;
  float *probabilities = pass->mask_probabilities.data + at * pixels;

  kernels->gemm_pack (packed, (const float *) job->conv->weights + class_id * c, 1, c);
  const GemmArgs args = { .m = pixels,
    .n = 1,
    .k = c,
    .a = tensor_pixel (map, item, 0, 0),
    .lda = c,
    .packed = packed,
    .bias = job->conv->bias + class_id,
    .c = logits,
    .ldc = 1 };
  kernels->gemm (&args);
  memcpy (probabilities, logits, pixels * sizeof *logits);
  kernels->activate (probabilities, pixels, ACT_SIGMOID);
}

static void
run_logits (RoiHead *head, gsize first, gsize n, gpointer data)
{
  LogitsJob *job = data;

  job->first = first;
  workers_run (job->pass->workspace.workers, logits_item, job, n);
}

gboolean
mask_head_run (Pass *pass, Detections *found, GError **error)
{
  LogitsJob job = { pass, found, network_conv (pass->workspace.network, ROLE_MASK_LOGITS, 0) };

  pass->mask_logits.n = pass->mask_probabilities.n = found->public.n;
  return roi_head_run (&pass->heads[HEAD_MASK], &pass->workspace, NULL, run_logits, &job);
}

/* --- Pixels ----------------------------------------------------------------------------------- */

typedef struct {
  const Pass *pass;
  Detections *found;
} PasteJob;

/* Boxes and rectangles are the region's until now. */
static void
paste_item (gpointer data, guint item, guint thread)
{
  const PasteJob *job = data;
  const Pass *pass = job->pass;
  const FbnetMask *mask = &job->found->items[item].mask;
  const FbnetRegion *region = &pass->from->region;
  const MaskRect rect = { mask->x - (gint) region->x, mask->y - (gint) region->y, mask->width,
    mask->height };
  const gsize side = pass->mask_probabilities.h;

  mask_paste ((guint8 *) mask->data, &rect, pass->mask_probabilities.data + item * side * side,
      side, &pass->frame_boxes[item], pass->params.mask_threshold,
      workspace_scratch (&pass->workspace, thread));
}

/* Grows by half more than asked, so that a scene with ever larger objects soon stops it. */
static gboolean
reserve_pixels (Detections *found, gsize total, GError **error)
{
  return total <= found->masks.size || buffer_reserve (&found->masks, total + total / 2, error);
}

gboolean
mask_head_paste (Pass *pass, Detections *found, GError **error)
{
  const FbnetRegion *region = &pass->from->region;
  PasteJob job = { pass, found };
  const gsize n = found->public.n;
  gsize total = 0;

  for (gsize i = 0; i < n; i++) {
    const MaskRect rect = mask_rect (&pass->frame_boxes[i], region->width, region->height);
    found->items[i].mask = (FbnetMask){ rect.x + (gint) region->x, rect.y + (gint) region->y,
      rect.width, rect.height, NULL };
    total += (gsize) rect.width * rect.height;
  }
  if (!reserve_pixels (found, total, error))
    return FALSE;
  guint8 *pixels = found->masks.data;
  for (gsize i = 0; i < n; i++) {
    FbnetMask *mask = &found->items[i].mask;
    mask->data = pixels;
    pixels += (gsize) mask->width * mask->height;
  }
  workers_run (pass->workspace.workers, paste_item, &job, n);
  return TRUE;
}
