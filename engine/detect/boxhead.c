/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Final detections; see boxhead.h.
 */
#include "boxhead.h"

#include <math.h>
#include <string.h>

#include "base/exponential.h"
#include "nms.h"

enum { LANES = 8 };

/* In ATen's order (vec::reduce_all, eight floats a vector): as many sums side by side, then halves
 * added to halves. It also rounds less than one sum would. */
static float
sum_row (const float *x, gsize n)
{
  float lanes[LANES] = { 0 };

  if (n < LANES) {
    for (gsize i = 0; i < n; i++)
      lanes[0] += x[i];
    return lanes[0];
  }
  for (gsize i = 0; i < n; i++)
    lanes[i % LANES] += x[i];
  for (gsize half = LANES / 2; half > 0; half /= 2) {
    for (gsize i = 0; i < half; i++)
      lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

/* Softmax of one row into `out`, which may be `logits`. Returns the sum that was divided by: it is
 * finite exactly when all results are. */
static float
softmax_row (float *out, const float *logits, gsize n)
{
  float largest = -INFINITY;

  for (gsize i = 0; i < n; i++)
    largest = MAX (largest, logits[i]);
  for (gsize i = 0; i < n; i++)
    out[i] = exponential (logits[i] - largest);
  const float sum = sum_row (out, n);
  const float factor = 1 / sum;
  for (gsize i = 0; i < n; i++)
    out[i] *= factor;
  return sum;
}

void
softmax_rows (float *logits, gsize n, gsize n_columns)
{
  for (gsize i = 0; i < n; i++) {
    float *row = logits + i * n_columns;
    if (!isfinite (softmax_row (row, row, n_columns)))
      memset (row, 0, n_columns * sizeof *row);
  }
}

/* (proposal, class) pairs over the threshold, and the memory NMS needs. */
typedef struct {
  Box *boxes;
  float *scores;
  guint32 *classes, *proposals, *keep;
  float *row; /* one proposal's probabilities */
  void *nms;
  gsize n;
} Candidates;

enum { CANDIDATE_SIZE = sizeof (Box) + sizeof (float) + 3 * sizeof (guint32) };

/* No check for overflow: the logits, 4 bytes for each pair, exist, and this is below 20 times as
 * much. */
gsize
box_head_scratch_size (gsize n_proposals, gsize n_classes)
{
  const gsize capacity = n_proposals * n_classes;

  return capacity * CANDIDATE_SIZE + (n_classes + 1) * sizeof (float) + nms_scratch_size (capacity);
}

static Candidates
cut_scratch (void *scratch, gsize capacity, gsize n_classes)
{
  Candidates c = { .boxes = scratch };

  c.scores = (float *) (c.boxes + capacity);
  c.classes = (guint32 *) (c.scores + capacity);
  c.proposals = c.classes + capacity;
  c.keep = c.proposals + capacity;
  c.row = (float *) (c.keep + capacity);
  c.nms = c.row + n_classes + 1;
  return c;
}

static gboolean
all_within (const float *values, gsize n, float bound)
{
  guint32 beyond = 0;

  for (gsize i = 0; i < n; i++)
    beyond |= !(fabsf (values[i]) <= bound); /* NaN too */
  return !beyond;
}

/* Whether every box of a proposal is finite, decoded only when the numbers leave a doubt: within
 * these bounds nothing can overflow, because exp () is cut at 62.5. */
static gboolean
row_is_finite (const Box *proposal, const float *deltas, gsize n_boxes, const float weights[4])
{
  const float smallest = MIN (MIN (weights[0], weights[1]), MIN (weights[2], weights[3]));
  const float corners[4] = { proposal->x0, proposal->y0, proposal->x1, proposal->y1 };

  if (all_within (corners, 4, 1e6f) && all_within (deltas, 4 * n_boxes, 1e6f * smallest))
    return TRUE;
  for (gsize i = 0; i < n_boxes; i++) {
    const Box box = box_decode (deltas + 4 * i, proposal, weights);
    if (!box_is_finite (&box))
      return FALSE;
  }
  return TRUE;
}

static float
threshold_of (const BoxHeadParams *params, gsize class_id)
{
  return params->class_thresholds != NULL ? params->class_thresholds[class_id]
                                          : params->score_threshold;
}

/* The candidates of one proposal, whose probabilities are c->row. Only their boxes are decoded. */
static void
append_row (Candidates *c, guint32 proposal_index, const Box *proposal, const float *deltas,
    const BoxHeadParams *params, float image_width, float image_height)
{
  for (gsize k = 0; k < params->n_classes; k++) {
    if (!(c->row[k] > threshold_of (params, k)))
      continue;
    const float *delta = params->class_agnostic_boxes ? deltas : deltas + 4 * k;
    const Box box = box_decode (delta, proposal, params->weights);
    c->boxes[c->n] = box_clip (&box, image_width, image_height);
    c->scores[c->n] = c->row[k];
    c->classes[c->n] = (guint32) k;
    c->proposals[c->n++] = proposal_index;
  }
}

gsize
box_head_detections (BoxHeadDetection *out, const Box *proposals, const float *logits,
    const float *deltas, gsize n, const BoxHeadParams *params, float image_width,
    float image_height, void *scratch)
{
  const gsize n_classes = params->n_classes;
  const gsize n_boxes = params->class_agnostic_boxes ? 1 : n_classes;
  Candidates c = cut_scratch (scratch, n * n_classes, n_classes);

  for (gsize i = 0; i < n; i++) {
    const float *row_deltas = deltas + i * 4 * n_boxes;
    const float sum = softmax_row (c.row, logits + i * (n_classes + 1), n_classes + 1);
    if (!isfinite (sum) || !row_is_finite (&proposals[i], row_deltas, n_boxes, params->weights))
      continue; /* the whole proposal goes, as in fast_rcnn_inference_single_image */
    append_row (&c, (guint32) i, &proposals[i], row_deltas, params, image_width, image_height);
  }

  const gsize n_kept = nms (c.keep, params->max_detections, c.boxes, c.scores,
      params->class_agnostic_nms ? NULL : c.classes, c.n, params->iou_threshold, c.nms);
  for (gsize i = 0; i < n_kept; i++) {
    const guint32 from = c.keep[i];
    out[i] =
        (BoxHeadDetection){ c.boxes[from], c.scores[from], c.classes[from], c.proposals[from] };
  }
  return n_kept;
}

gboolean
box_to_frame (Box *frame_box, const Box *network_box, gsize network_width, gsize network_height,
    gsize frame_width, gsize frame_height)
{
  /* The ratios are Python floats, the products torch's: detector_postprocess. */
  const float scale_x = (float) ((double) frame_width / (double) network_width);
  const float scale_y = (float) ((double) frame_height / (double) network_height);
  const Box scaled = { network_box->x0 * scale_x, network_box->y0 * scale_y,
    network_box->x1 * scale_x, network_box->y1 * scale_y };

  *frame_box = box_clip (&scaled, (float) frame_width, (float) frame_height);
  return frame_box->x1 > frame_box->x0 && frame_box->y1 > frame_box->y0;
}
