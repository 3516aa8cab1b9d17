/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matching by IoU; see match.h.
 */
#include "match.h"

#include "fbnet/fbnet.h"

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

/* --- Detections ------------------------------------------------------------------------------- */

static Box
box_of_detection (const FbnetDetection *detection)
{
  return (Box){ detection->x0, detection->y0, detection->x1, detection->y1 };
}

static Box
box_of_reference (const FbnetReference *reference)
{
  return (Box){ reference->x0, reference->y0, reference->x1, reference->y1 };
}

/* The share of the detection that lies in the reference. */
static float
covered_share (const Box *box, const Box *reference)
{
  const float width = MIN (box->x1, reference->x1) - MAX (box->x0, reference->x0);
  const float height = MIN (box->y1, reference->y1) - MAX (box->y0, reference->y0);

  if (!(width > 0 && height > 0))
    return 0;
  return width * height / ((box->x1 - box->x0) * (box->y1 - box->y0));
}

static FbnetMatch
match_detection (const FbnetDetection *detection, const FbnetReference *references,
    guint n_references, float lower, float upper)
{
  const Box box = box_of_detection (detection);
  FbnetMatch match = { .label = FBNET_MATCH_BACKGROUND, .reference = -1 };
  gboolean compared = FALSE, in_group = FALSE;

  for (guint r = 0; r < n_references; r++) {
    const Box reference = box_of_reference (&references[r]);
    if (references[r].class_id != detection->class_id && references[r].class_id != FBNET_ANY_CLASS)
      continue;
    if (references[r].group) {
      in_group |= covered_share (&box, &reference) >= upper;
      continue;
    }
    const float iou = box_iou (&reference, &box);
    compared = TRUE;
    if (iou > match.iou) {
      match.reference = (gint) r;
      match.iou = iou;
    }
  }
  const MatchLabel label = compared ? label_of (match.iou, lower, upper) : MATCH_BACKGROUND;
  if (label == MATCH_OBJECT)
    match.label = FBNET_MATCH_OBJECT;
  else if (label == MATCH_IGNORED || in_group)
    match.label = FBNET_MATCH_IGNORED;
  return match;
}

static gboolean
is_taken (const FbnetMatch *matches, guint n_matches, gint reference)
{
  for (guint i = 0; i < n_matches; i++)
    if (matches[i].is_first && matches[i].reference == reference)
      return TRUE;
  return FALSE;
}

void
fbnet_match_detections (FbnetMatch *matches, const FbnetDetection *detections, guint n_detections,
    const FbnetReference *references, guint n_references, float lower, float upper,
    FbnetMatchCounts *counts)
{
  g_return_if_fail ((matches || n_detections == 0) && counts && (detections || n_detections == 0));
  g_return_if_fail (references || n_references == 0);
  g_return_if_fail (lower >= 0 && lower <= upper && upper <= 1);

  guint64 n_wanted = 0, n_found = 0;
  for (guint r = 0; r < n_references; r++)
    n_wanted += !references[r].group;
  for (guint i = 0; i < n_detections; i++) {
    FbnetMatch match = match_detection (&detections[i], references, n_references, lower, upper);
    const gboolean object = match.label == FBNET_MATCH_OBJECT;
    match.is_first = object && match.reference >= 0 && !is_taken (matches, i, match.reference);
    matches[i] = match;
    n_found += match.is_first;
    counts->objects += object;
    counts->background += match.label == FBNET_MATCH_BACKGROUND;
    counts->ignored += match.label == FBNET_MATCH_IGNORED;
    counts->false_positives += match.label == FBNET_MATCH_BACKGROUND || (object && !match.is_first);
  }
  counts->true_positives += n_found;
  counts->misses += n_wanted - n_found;
}
