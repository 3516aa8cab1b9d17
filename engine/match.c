/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matching by IoU; see match.h.
 */
#include "match.h"

static MatchLabel
label_of (float iou, float lower, float upper)
{
  return iou >= upper ? MATCH_OBJECT : iou < lower ? MATCH_BACKGROUND : MATCH_IGNORED;
}

/* The reference that overlaps the box most, the first of equals. */
static Match
best_match (const Box *box, const Box *references, gsize n_references)
{
  Match match = { .reference = 0, .iou = 0.0f };
  for (gsize r = 0; r < n_references; r++) {
    const float iou = box_iou (&references[r], box);
    if (iou > match.iou)
      match = (Match){ .reference = (gint32) r, .iou = iou };
  }
  return match;
}

/* Matcher.set_low_quality_matches_. The IoUs are computed again rather than stored: the same two
 * boxes give the same number, so that comparing for equality finds the ties. */
static void
promote_best (Match *matches, const Box *boxes, gsize n_boxes, const Box *references,
    gsize n_references, float *best)
{
  for (gsize r = 0; r < n_references; r++) {
    best[r] = 0.0f;
    for (gsize i = 0; i < n_boxes; i++)
      best[r] = MAX (best[r], box_iou (&references[r], &boxes[i]));
    for (gsize i = 0; i < n_boxes; i++)
      if (best[r] > 0.0f && box_iou (&references[r], &boxes[i]) == best[r])
        matches[i].label = MATCH_OBJECT;
  }
}

void
match_boxes (Match *matches, const Box *boxes, gsize n_boxes, const Box *references,
    gsize n_references, float lower, float upper, gboolean keep_low_quality, float *best)
{
  for (gsize i = 0; i < n_boxes; i++) {
    matches[i] = best_match (&boxes[i], references, n_references);
    matches[i].label =
        n_references > 0 ? label_of (matches[i].iou, lower, upper) : MATCH_BACKGROUND;
  }
  if (keep_low_quality)
    promote_best (matches, boxes, n_boxes, references, n_references, best);
}
