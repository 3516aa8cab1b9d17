/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Proposals; see rpn.h.
 */
#include "rpn.h"

#include <math.h>

#include "nms.h"

static gsize
level_size (const RpnLevel *level)
{
  return level->height * level->width * level->n_cells;
}

static gsize
level_count (const RpnLevel *level, const RpnParams *params)
{
  return MIN (level_size (level), params->pre_nms_count);
}

/* What stands before NMS, and the memory it and the sorting need. */
typedef struct {
  Box *boxes;
  float *logits;
  guint32 *levels, *keep;
  void *sort; /* of top_k() and nms(), one after the other */
} Candidates;

static gsize
count_candidates (const RpnLevel *levels, gsize n_levels, const RpnParams *params)
{
  gsize n = 0;

  for (gsize l = 0; l < n_levels; l++)
    n += level_count (&levels[l], params);
  return n;
}

/* top_k() over the largest level, its result besides, or nms() over the candidates. */
static gsize
sort_scratch_size (const RpnLevel *levels, gsize n_levels, gsize n_candidates)
{
  gsize size = nms_scratch_size (n_candidates);

  for (gsize l = 0; l < n_levels; l++)
    size = MAX (size, level_size (&levels[l]) * 8);
  return size;
}

/* No check for overflow: the logits, of 4 bytes each, exist, and this is below 20 times as much. */
gsize
rpn_scratch_size (const RpnLevel *levels, gsize n_levels, const RpnParams *params)
{
  const gsize n = count_candidates (levels, n_levels, params);

  return n * (sizeof (Box) + sizeof (float) + 2 * sizeof (guint32))
      + sort_scratch_size (levels, n_levels, n);
}

static Candidates
cut_scratch (void *scratch, gsize n)
{
  Candidates c = { .boxes = scratch };

  c.logits = (float *) (c.boxes + n);
  c.levels = (guint32 *) (c.logits + n);
  c.keep = c.levels + n;
  c.sort = c.keep + n; /* 32 n bytes from the start: as aligned as the scratch */
  return c;
}

static Box
anchor_at (const RpnLevel *level, gsize index)
{
  const Box *cell = &level->cells[index % level->n_cells];
  const gsize pixel = index / level->n_cells;
  const float x = level->offset * level->stride + (float) (pixel % level->width) * level->stride;
  const float y = level->offset * level->stride + (float) (pixel / level->width) * level->stride;

  return (Box){ x + cell->x0, y + cell->y0, x + cell->x1, y + cell->y1 };
}

/* Appends the level's best anchors, decoded and clipped, behind the n candidates there are, without
 * those that are not finite or too small. Returns how many there are then. */
static gsize
append_level (Candidates *c, gsize n, const RpnLevel *level, guint32 level_index,
    const RpnParams *params, float image_width, float image_height)
{
  guint32 *order = c->keep + n; /* not in use before NMS */
  const gsize count = level_count (level, params);

  (params->torch_ties ? top_k_torch : top_k) (order, level->logits, level_size (level), count,
      c->sort);
  for (gsize i = 0; i < count; i++) {
    const gsize index = order[i];
    const float logit = level->logits[index];
    const Box anchor = anchor_at (level, index);
    const Box decoded = box_decode (level->deltas + index * 4, &anchor, params->weights);
    if (!box_is_finite (&decoded) || !isfinite (logit))
      continue;
    const Box box = box_clip (&decoded, image_width, image_height);
    if (!(box.x1 - box.x0 > params->min_box_size && box.y1 - box.y0 > params->min_box_size))
      continue;
    c->boxes[n] = box;
    c->logits[n] = logit;
    c->levels[n++] = level_index;
  }
  return n;
}

gsize
rpn_proposals (Box *boxes, float *logits, const RpnLevel *levels, gsize n_levels,
    const RpnParams *params, float image_width, float image_height, void *scratch)
{
  const gsize n_candidates = count_candidates (levels, n_levels, params);

  if (n_candidates == 0)
    return 0; /* there need be no scratch */
  Candidates c = cut_scratch (scratch, n_candidates);
  gsize n = 0;
  for (gsize l = 0; l < n_levels; l++)
    n = append_level (&c, n, &levels[l], (guint32) l, params, image_width, image_height);

  const gsize n_kept = nms (c.keep, params->post_nms_count, c.boxes, c.logits,
      n_levels > 1 ? c.levels : NULL, n, params->iou_threshold, c.sort);
  for (gsize i = 0; i < n_kept; i++) {
    boxes[i] = c.boxes[c.keep[i]];
    logits[i] = c.logits[c.keep[i]];
  }
  return n_kept;
}
