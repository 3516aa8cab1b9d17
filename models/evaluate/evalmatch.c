/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A data set's detections labelled by the IoU bounds.
 */
#include "evalmatch.h"

static GArray *
references_of (const GArray *objects)
{
  GArray *references = g_array_new (FALSE, FALSE, sizeof (FbnetReference));

  for (guint i = 0; objects != NULL && i < objects->len; i++) {
    const CocoObject *object = &g_array_index (objects, CocoObject, i);
    const CocoBox *box = &object->box;
    const FbnetReference reference = { (float) box->x, (float) box->y,
      (float) (box->x + box->width), (float) (box->y + box->height), 0, object->crowd };
    g_array_append_val (references, reference);
  }
  return references;
}

static gint
compare_scores (gconstpointer a, gconstpointer b)
{
  const float left = ((const FbnetDetection *) a)->score;
  const float right = ((const FbnetDetection *) b)->score;

  return (left < right) - (left > right);
}

/* Best first. */
static GArray *
detections_of (const GArray *objects, double min_score)
{
  GArray *detections = g_array_new (FALSE, FALSE, sizeof (FbnetDetection));

  for (guint i = 0; objects != NULL && i < objects->len; i++) {
    const CocoObject *object = &g_array_index (objects, CocoObject, i);
    const CocoBox *box = &object->box;
    const FbnetDetection detection = { .x0 = (float) box->x,
      .y0 = (float) box->y,
      .x1 = (float) (box->x + box->width),
      .y1 = (float) (box->y + box->height),
      .score = (float) object->score };
    if (object->score >= min_score)
      g_array_append_val (detections, detection);
  }
  g_array_sort (detections, compare_scores);
  return detections;
}

static void
match_group (EvalMatch *match, FbnetMatchCounts *counts, const GArray *objects,
    const GArray *detected)
{
  g_autoptr (GArray) references = references_of (objects);
  g_autoptr (GArray) detections = detections_of (detected, match->min_score);
  g_autofree FbnetMatch *matches = g_new (FbnetMatch, detections->len);

  fbnet_match_detections (matches, (const FbnetDetection *) (gpointer) detections->data,
      detections->len, (const FbnetReference *) (gpointer) references->data, references->len,
      (float) match->lower, (float) match->upper, counts);
}

static void
add_counts (FbnetMatchCounts *sum, const FbnetMatchCounts *counts)
{
  sum->objects += counts->objects;
  sum->background += counts->background;
  sum->ignored += counts->ignored;
  sum->true_positives += counts->true_positives;
  sum->false_positives += counts->false_positives;
  sum->misses += counts->misses;
}

EvalMatch *
eval_match_new (const CocoTruth *truth, const CocoResults *results, double lower, double upper,
    double min_score)
{
  const guint n = coco_truth_n_categories (truth);
  EvalMatch *match = g_new (EvalMatch, 1);

  *match = (EvalMatch){ lower, upper, min_score, { 0 }, g_new0 (FbnetMatchCounts, n) };
  for (guint c = 0; c < n; c++) {
    const gint64 category = coco_truth_category (truth, c)->id;
    for (guint i = 0; i < coco_truth_n_images (truth); i++) {
      const gint64 image = coco_truth_image (truth, i);
      match_group (match, &match->categories[c], coco_truth_objects (truth, image, category),
          coco_results_detections (results, image, category));
    }
    add_counts (&match->total, &match->categories[c]);
  }
  return match;
}

void
eval_match_free (EvalMatch *match)
{
  if (match == NULL)
    return;
  g_free (match->categories);
  g_free (match);
}

static double
share (guint64 part, guint64 rest)
{
  return part + rest > 0 ? (double) part / (double) (part + rest) : -1;
}

double
match_precision (const FbnetMatchCounts *counts)
{
  return share (counts->true_positives, counts->false_positives);
}

double
match_recall (const FbnetMatchCounts *counts)
{
  return share (counts->true_positives, counts->misses);
}

double
match_f1 (const FbnetMatchCounts *counts)
{
  return share (2 * counts->true_positives, counts->false_positives + counts->misses);
}
