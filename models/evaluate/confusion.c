/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which class is taken for which.
 */
#include "confusion.h"

#include "cocoeval.h"

/* An object or a detection of one image. */
typedef struct {
  CocoBox box;
  double score;
  guint category;
  gboolean crowd, taken;
} Candidate;

static void
add_candidates (GArray *candidates, const GArray *objects, guint category, double min_score)
{
  for (guint i = 0; objects != NULL && i < objects->len; i++) {
    const CocoObject *object = &g_array_index (objects, CocoObject, i);
    const Candidate candidate = { object->box, object->score, category, object->crowd, FALSE };
    if (object->score >= min_score)
      g_array_append_val (candidates, candidate);
  }
}

static gint
compare_scores (gconstpointer a, gconstpointer b)
{
  const double left = ((const Candidate *) a)->score, right = ((const Candidate *) b)->score;

  return (left < right) - (left > right);
}

/* NULL: none is overlapped enough. */
static Candidate *
find_object (GArray *objects, const Candidate *detection, double iou)
{
  Candidate *best = NULL;
  double most = iou;

  for (guint i = 0; i < objects->len; i++) {
    Candidate *object = &g_array_index (objects, Candidate, i);
    const double overlap = coco_box_overlap (&detection->box, &object->box, FALSE);
    if (object->taken || object->crowd || overlap < most)
      continue;
    if (best != NULL && overlap == most && best->category == detection->category)
      continue;
    best = object;
    most = overlap;
  }
  return best;
}

static gboolean
lies_in_crowd (const GArray *objects, const Candidate *detection, double iou)
{
  for (guint i = 0; i < objects->len; i++) {
    const Candidate *crowd = &g_array_index (objects, Candidate, i);
    if (crowd->crowd && crowd->category == detection->category
        && coco_box_overlap (&detection->box, &crowd->box, TRUE) >= iou)
      return TRUE;
  }
  return FALSE;
}

static void
count_image (Confusion *confusion, GArray *objects, const GArray *detections)
{
  const guint n = confusion->n;

  for (guint i = 0; i < detections->len; i++) {
    const Candidate *detection = &g_array_index (detections, Candidate, i);
    Candidate *object = find_object (objects, detection, confusion->iou);
    if (object != NULL)
      object->taken = TRUE;
    else if (lies_in_crowd (objects, detection, confusion->iou))
      continue;
    confusion->counts[(object != NULL ? object->category : n) * (n + 1) + detection->category]++;
  }
  for (guint i = 0; i < objects->len; i++) {
    const Candidate *object = &g_array_index (objects, Candidate, i);
    if (!object->taken && !object->crowd)
      confusion->counts[object->category * (n + 1) + n]++;
  }
}

Confusion *
confusion_new (const CocoTruth *truth, const CocoResults *results, double iou, double min_score)
{
  const guint n = coco_truth_n_categories (truth);
  Confusion *confusion = g_new (Confusion, 1);

  *confusion = (Confusion){ iou, min_score, n, g_new0 (guint64, (gsize) (n + 1) * (n + 1)) };
  for (guint i = 0; i < coco_truth_n_images (truth); i++) {
    const gint64 image = coco_truth_image (truth, i);
    g_autoptr (GArray) objects = g_array_new (FALSE, FALSE, sizeof (Candidate));
    g_autoptr (GArray) detections = g_array_new (FALSE, FALSE, sizeof (Candidate));
    for (guint c = 0; c < n; c++) {
      const gint64 category = coco_truth_category (truth, c)->id;
      add_candidates (objects, coco_truth_objects (truth, image, category), c, 0);
      add_candidates (detections, coco_results_detections (results, image, category), c, min_score);
    }
    g_array_sort (detections, compare_scores);
    count_image (confusion, objects, detections);
  }
  return confusion;
}

void
confusion_free (Confusion *confusion)
{
  if (confusion == NULL)
    return;
  g_free (confusion->counts);
  g_free (confusion);
}

guint64
confusion_get (const Confusion *confusion, guint there, guint found)
{
  return confusion->counts[(gsize) there * (confusion->n + 1) + found];
}
