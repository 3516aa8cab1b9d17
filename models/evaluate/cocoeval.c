/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's metrics.
 *
 * Each category is matched image by image: how much every detection overlaps every object is
 * computed once (compare_image), then matched once per area range (match_image). The matches of all
 * images are sorted by score into one precision-recall curve per threshold (accumulate).
 */
#include "cocoeval.h"

#include <float.h>
#include <math.h>
#include <string.h>

const double coco_person_sigmas[COCO_N_PERSON_KEYPOINTS] = { 0.026, 0.025, 0.025, 0.035, 0.035,
  0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089 };

static const guint max_counts[COCO_N_KINDS][COCO_N_MAX_COUNTS] = {
  [COCO_BOX] = { 1, 10, 100 },
  [COCO_MASK] = { 1, 10, 100 },
  [COCO_KEYPOINTS] = { 20, 20, 20 },
};

static const double area_bounds[COCO_N_AREAS][2] = { { 0, 1e10 }, { 0, 32 * 32 },
  { 32 * 32, 96 * 96 }, { 96 * 96, 1e10 } };

typedef struct {
  CocoKind kind;
  guint max_count;
  const double *sigmas;
  guint n_sigmas;
} Rules;

double
coco_iou_threshold (guint index)
{
  /* The last digits matter where an overlap equals a threshold: numpy's linspace (0.5, 0.95, 10). */
  return index == COCO_N_IOUS - 1 ? 0.95 : 0.5 + index * ((0.95 - 0.5) / (COCO_N_IOUS - 1));
}

/* --- Overlap ---------------------------------------------------------------------------------- */

/* Intersection over union; over the detection's own area for crowds (pycocotools maskApi, bbIou). */
static double
box_overlap (const CocoBox *a, const CocoBox *b, gboolean crowd)
{
  const double width = fmin (a->x + a->width, b->x + b->width) - fmax (a->x, b->x);
  const double height = fmin (a->y + a->height, b->y + b->height) - fmax (a->y, b->y);

  if (width <= 0 || height <= 0)
    return 0;
  const double common = width * height;
  const double own = a->width * a->height;
  return common / (crowd ? own : own + b->width * b->height - common);
}

static double
mask_overlap (const CocoObject *detection, const CocoObject *object)
{
  if (detection->mask == NULL)
    return 0;
  return rle_mask_overlap (detection->mask, object->mask, object->crowd);
}

/* How far a coordinate lies outside of an interval three times as long as from `start` on for
 * `length`. */
static double
distance_outside (double coordinate, double start, double length)
{
  return fmax (0, start - length - coordinate) + fmax (0, coordinate - (start + 2 * length));
}

/* Object keypoint similarity over the labelled points; an object without any is met by points around
 * its box (pycocotools computeOks). */
static double
keypoint_overlap (const CocoObject *detection, const CocoObject *object, const Rules *rules)
{
  if (detection->keypoints == NULL)
    return 0;
  guint n_labelled = 0;
  for (guint i = 0; i < rules->n_sigmas; i++)
    n_labelled += object->keypoints[3 * i + 2] > 0;

  const CocoBox *box = &object->box;
  double sum = 0;
  for (guint i = 0; i < rules->n_sigmas; i++) {
    const double *found = detection->keypoints + 3 * i, *wanted = object->keypoints + 3 * i;
    if (n_labelled > 0 && !(wanted[2] > 0))
      continue;
    const double dx =
        n_labelled > 0 ? found[0] - wanted[0] : distance_outside (found[0], box->x, box->width);
    const double dy =
        n_labelled > 0 ? found[1] - wanted[1] : distance_outside (found[1], box->y, box->height);
    const double variance = (rules->sigmas[i] * 2) * (rules->sigmas[i] * 2);
    sum += exp (-((dx * dx + dy * dy) / variance / (object->area + DBL_EPSILON) / 2));
  }
  return sum / (n_labelled > 0 ? n_labelled : rules->n_sigmas);
}

static double
overlap (const CocoObject *detection, const CocoObject *object, const Rules *rules)
{
  switch (rules->kind) {
    case COCO_MASK:
      return mask_overlap (detection, object);
    case COCO_KEYPOINTS:
      return keypoint_overlap (detection, object, rules);
    default:
      return box_overlap (&detection->box, &object->box, object->crowd);
  }
}

/* --- One image -------------------------------------------------------------------------------- */

typedef struct {
  CocoKind kind;
  guint n_objects, n_detections;
  const CocoObject **objects;
  const CocoObject **detections; /* best first */
  double *overlaps;              /* [n_detections][n_objects] */
} Comparison;

/* Stable: equal scores keep the file's order, as numpy's mergesort does. */
static gint
compare_scores (gconstpointer a, gconstpointer b)
{
  const double left = (*(const CocoObject *const *) a)->score;
  const double right = (*(const CocoObject *const *) b)->score;

  return (left < right) - (left > right);
}

static const CocoObject **
best_detections (const GArray *group, guint max_count, guint *n)
{
  GPtrArray *best = g_ptr_array_new ();

  for (guint i = 0; group != NULL && i < group->len; i++)
    g_ptr_array_add (best, &g_array_index (group, CocoObject, i));
  g_ptr_array_sort (best, compare_scores);
  *n = MIN (best->len, max_count);
  return (const CocoObject **) g_ptr_array_free (best, FALSE);
}

/* Those that can be compared at all. */
static const CocoObject **
usable_objects (const GArray *group, CocoKind kind, guint *n)
{
  GPtrArray *usable = g_ptr_array_new ();

  for (guint i = 0; group != NULL && i < group->len; i++) {
    CocoObject *object = &g_array_index (group, CocoObject, i);
    if ((kind != COCO_MASK || object->mask != NULL)
        && (kind != COCO_KEYPOINTS || object->keypoints != NULL))
      g_ptr_array_add (usable, object);
  }
  *n = usable->len;
  return (const CocoObject **) g_ptr_array_free (usable, FALSE);
}

static Comparison
compare_image (const GArray *objects, const GArray *detections, const Rules *rules)
{
  Comparison c = { .kind = rules->kind };

  c.objects = usable_objects (objects, rules->kind, &c.n_objects);
  c.detections = best_detections (detections, rules->max_count, &c.n_detections);
  c.overlaps = g_new (double,
      (gsize) c.n_detections *c.n_objects + 1); /* rows of nothing, too, have an address */
  for (guint d = 0; d < c.n_detections; d++)
    for (guint o = 0; o < c.n_objects; o++)
      c.overlaps[(gsize) d * c.n_objects + o] = overlap (c.detections[d], c.objects[o], rules);
  return c;
}

static void
comparison_clear (Comparison *comparison)
{
  g_free (comparison->objects);
  g_free (comparison->detections);
  g_free (comparison->overlaps);
}

/* --- Matching --------------------------------------------------------------------------------- */

typedef struct {
  double score;
  guint rank; /* among the detections of its image */
  gboolean matched[COCO_N_IOUS];
  gboolean ignored[COCO_N_IOUS]; /* counts neither as right nor as wrong */
} Outcome;

typedef struct {
  GArray *outcomes; /* Outcome, image after image */
  guint n_objects;  /* that should have been found */
} Outcomes;

typedef struct {
  guint index; /* of the object */
  gboolean ignored, crowd;
  gboolean taken[COCO_N_IOUS];
} Candidate;

static gboolean
outside (double area, guint range)
{
  return area < area_bounds[range][0] || area > area_bounds[range][1];
}

static gboolean
is_ignored (const CocoObject *object, CocoKind kind, guint range)
{
  return object->crowd || (kind == COCO_KEYPOINTS && object->unlabelled)
      || outside (object->area, range);
}

/* The image's objects, those to be ignored last: a detection prefers one that counts. */
static GArray *
candidates_new (const Comparison *comparison, guint range)
{
  GArray *candidates = g_array_new (FALSE, TRUE, sizeof (Candidate));

  for (guint ignored = 0; ignored < 2; ignored++) {
    for (guint i = 0; i < comparison->n_objects; i++) {
      const CocoObject *object = comparison->objects[i];
      const gboolean ignore = is_ignored (object, comparison->kind, range);
      if (ignore != (gboolean) ignored)
        continue;
      const Candidate candidate = { i, ignore, object->crowd, { FALSE } };
      g_array_append_val (candidates, candidate);
    }
  }
  return candidates;
}

/* COCOeval.evaluateImg's inner loop: the best overlap that reaches the threshold; later ones win
 * ties; ignored objects only when no other was found. NULL: none. */
static Candidate *
find_match (const GArray *candidates, const double *overlaps, guint threshold)
{
  double best_overlap = fmin (coco_iou_threshold (threshold), 1 - 1e-10);
  Candidate *best = NULL;

  for (guint i = 0; i < candidates->len; i++) {
    Candidate *candidate = &g_array_index (candidates, Candidate, i);
    if (candidate->taken[threshold] && !candidate->crowd)
      continue;
    if (best != NULL && !best->ignored && candidate->ignored)
      break;
    const double found = overlaps[candidate->index];
    if (found < best_overlap)
      continue;
    best_overlap = found;
    best = candidate;
  }
  return best;
}

static void
match_image (Outcomes *outcomes, const Comparison *comparison, guint range)
{
  g_autoptr (GArray) candidates = candidates_new (comparison, range);

  for (guint i = 0; i < candidates->len; i++)
    outcomes->n_objects += !g_array_index (candidates, Candidate, i).ignored;

  for (guint i = 0; i < comparison->n_detections; i++) {
    const CocoObject *detection = comparison->detections[i];
    const double *overlaps = comparison->overlaps + (gsize) i * comparison->n_objects;
    Outcome outcome = { .score = detection->score, .rank = i };
    for (guint t = 0; t < COCO_N_IOUS; t++) {
      Candidate *match = find_match (candidates, overlaps, t);
      outcome.matched[t] = match != NULL;
      outcome.ignored[t] = match != NULL ? match->ignored : outside (detection->area, range);
      if (match != NULL)
        match->taken[t] = TRUE;
    }
    g_array_append_val (outcomes->outcomes, outcome);
  }
}

/* --- Accumulating ----------------------------------------------------------------------------- */

static gint
compare_outcomes (gconstpointer a, gconstpointer b)
{
  const double left = ((const Outcome *) a)->score, right = ((const Outcome *) b)->score;

  return (left < right) - (left > right);
}

/* The curve at the recall points: precision made monotone from the right, 0 beyond the last recall
 * (COCOeval.accumulate). precision and recall have n numbers; precision is changed. */
static void
sample_curve (double (*sampled)[COCO_N_AREAS], guint range, double *precision, const double *recall,
    guint n)
{
  for (guint i = n; i-- > 1;)
    precision[i - 1] = fmax (precision[i - 1], precision[i]);
  guint i = 0;
  for (guint r = 0; r < COCO_N_RECALLS; r++) {
    const double wanted = r == COCO_N_RECALLS - 1 ? 1 : r * 0.01;
    while (i < n && recall[i] < wanted)
      i++;
    sampled[r][range] = i < n ? precision[i] : 0;
  }
}

/* Running precision and recall over the outcomes, already by descending score, that are among the
 * first max_count of their image; returns how many those are. */
static guint
trace_curve (const Outcomes *outcomes, guint threshold, guint max_count, double *precision,
    double *recall)
{
  guint n = 0, right = 0, wrong = 0;

  for (guint i = 0; i < outcomes->outcomes->len; i++) {
    const Outcome *outcome = &g_array_index (outcomes->outcomes, Outcome, i);
    if (outcome->rank >= max_count)
      continue;
    right += !outcome->ignored[threshold] && outcome->matched[threshold];
    wrong += !outcome->ignored[threshold] && !outcome->matched[threshold];
    recall[n] = (double) right / outcomes->n_objects;
    precision[n] = right / (right + wrong + DBL_EPSILON);
    n++;
  }
  return n;
}

static void
accumulate (CocoCategoryEval *category, const Outcomes *outcomes, guint range, const guint *counts)
{
  if (outcomes->n_objects == 0)
    return;
  g_array_sort (outcomes->outcomes, compare_outcomes);
  g_autofree double *precision = g_new (double, outcomes->outcomes->len + 1);
  g_autofree double *recall = g_new (double, outcomes->outcomes->len + 1);
  for (guint t = 0; t < COCO_N_IOUS; t++) {
    for (guint m = 0; m < COCO_N_MAX_COUNTS; m++) {
      const guint n = trace_curve (outcomes, t, counts[m], precision, recall);
      category->recall[t][range][m] = n > 0 ? recall[n - 1] : 0;
      if (m == COCO_N_MAX_COUNTS - 1)
        sample_curve (category->precision[t], range, precision, recall, n);
    }
  }
}

static void
fill (double *values, gsize n, double value)
{
  for (gsize i = 0; i < n; i++)
    values[i] = value;
}

static void
evaluate_category (CocoCategoryEval *category, const CocoTruth *truth, const CocoResults *results,
    const Rules *rules)
{
  Outcomes outcomes[COCO_N_AREAS];

  for (guint range = 0; range < COCO_N_AREAS; range++)
    outcomes[range] = (Outcomes){ g_array_new (FALSE, FALSE, sizeof (Outcome)), 0 };
  for (guint i = 0; i < coco_truth_n_images (truth); i++) {
    const gint64 image = coco_truth_image (truth, i);
    const GArray *objects = coco_truth_objects (truth, image, category->category_id);
    const GArray *detections = coco_results_detections (results, image, category->category_id);
    Comparison comparison = compare_image (objects, detections, rules);
    for (guint range = 0; range < COCO_N_AREAS; range++)
      match_image (&outcomes[range], &comparison, range);
    comparison_clear (&comparison);
  }
  category->n_objects = outcomes[0].n_objects;
  category->n_detections = outcomes[0].outcomes->len;
  for (guint range = 0; range < COCO_N_AREAS; range++) {
    accumulate (category, &outcomes[range], range, max_counts[rules->kind]);
    g_array_unref (outcomes[range].outcomes);
  }
}

CocoEval *
coco_eval_new (const CocoTruth *truth, const CocoResults *results, CocoKind kind,
    const double *sigmas, guint n_sigmas)
{
  const Rules rules = { kind, max_counts[kind][COCO_N_MAX_COUNTS - 1], sigmas, n_sigmas };
  CocoEval *eval = g_new (CocoEval, 1);

  eval->kind = kind;
  eval->n_categories = coco_truth_n_categories (truth);
  eval->categories = g_new (CocoCategoryEval, eval->n_categories);
  for (guint i = 0; i < eval->n_categories; i++) {
    CocoCategoryEval *category = &eval->categories[i];
    category->category_id = coco_truth_category (truth, i)->id;
    category->name = g_strdup (coco_truth_category (truth, i)->name);
    fill (&category->precision[0][0][0], sizeof category->precision / sizeof (double), -1);
    fill (&category->recall[0][0][0], sizeof category->recall / sizeof (double), -1);
    evaluate_category (category, truth, results, &rules);
  }
  return eval;
}

void
coco_eval_free (CocoEval *eval)
{
  if (eval == NULL)
    return;
  for (guint i = 0; i < eval->n_categories; i++)
    g_free (eval->categories[i].name);
  g_free (eval->categories);
  g_free (eval);
}

/* --- Metrics ---------------------------------------------------------------------------------- */

/* Indices of the thresholds and areas that have names. */
enum {
  ALL_IOUS = -1,
  IOU_50 = 0,
  IOU_75 = 5,
  AREA_ALL = 0,
  AREA_SMALL,
  AREA_MEDIUM,
  AREA_LARGE,
};

/* pycocotools _summarizeDets */
static const CocoMetric box_metrics[] = {
  { "AP", "average precision, IoU 0.50:0.95", FALSE, ALL_IOUS, AREA_ALL, 2 },
  { "AP50", "average precision, IoU 0.50", FALSE, IOU_50, AREA_ALL, 2 },
  { "AP75", "average precision, IoU 0.75", FALSE, IOU_75, AREA_ALL, 2 },
  { "APs", "average precision, small objects", FALSE, ALL_IOUS, AREA_SMALL, 2 },
  { "APm", "average precision, medium objects", FALSE, ALL_IOUS, AREA_MEDIUM, 2 },
  { "APl", "average precision, large objects", FALSE, ALL_IOUS, AREA_LARGE, 2 },
  { "AR1", "average recall, 1 detection", TRUE, ALL_IOUS, AREA_ALL, 0 },
  { "AR10", "average recall, 10 detections", TRUE, ALL_IOUS, AREA_ALL, 1 },
  { "AR100", "average recall, 100 detections", TRUE, ALL_IOUS, AREA_ALL, 2 },
  { "ARs", "average recall, small objects", TRUE, ALL_IOUS, AREA_SMALL, 2 },
  { "ARm", "average recall, medium objects", TRUE, ALL_IOUS, AREA_MEDIUM, 2 },
  { "ARl", "average recall, large objects", TRUE, ALL_IOUS, AREA_LARGE, 2 },
};

/* pycocotools _summarizeKps */
static const CocoMetric keypoint_metrics[] = {
  { "AP", "average precision, OKS 0.50:0.95", FALSE, ALL_IOUS, AREA_ALL, 2 },
  { "AP50", "average precision, OKS 0.50", FALSE, IOU_50, AREA_ALL, 2 },
  { "AP75", "average precision, OKS 0.75", FALSE, IOU_75, AREA_ALL, 2 },
  { "APm", "average precision, medium objects", FALSE, ALL_IOUS, AREA_MEDIUM, 2 },
  { "APl", "average precision, large objects", FALSE, ALL_IOUS, AREA_LARGE, 2 },
  { "AR", "average recall, OKS 0.50:0.95", TRUE, ALL_IOUS, AREA_ALL, 2 },
  { "AR50", "average recall, OKS 0.50", TRUE, IOU_50, AREA_ALL, 2 },
  { "AR75", "average recall, OKS 0.75", TRUE, IOU_75, AREA_ALL, 2 },
  { "ARm", "average recall, medium objects", TRUE, ALL_IOUS, AREA_MEDIUM, 2 },
  { "ARl", "average recall, large objects", TRUE, ALL_IOUS, AREA_LARGE, 2 },
};

const CocoMetric *
coco_metrics (CocoKind kind, guint *n)
{
  *n = kind == COCO_KEYPOINTS ? G_N_ELEMENTS (keypoint_metrics) : G_N_ELEMENTS (box_metrics);
  return kind == COCO_KEYPOINTS ? keypoint_metrics : box_metrics;
}

/* Mean of the numbers that are defined. */
typedef struct {
  double sum;
  guint n;
} Mean;

static void
mean_add (Mean *mean, double value)
{
  if (value < 0)
    return;
  mean->sum += value;
  mean->n++;
}

static double
mean_get (const Mean *mean)
{
  return mean->n ? mean->sum / mean->n : -1;
}

static void
add_category (Mean *mean, const CocoCategoryEval *category, const CocoMetric *metric)
{
  const guint first = metric->threshold < 0 ? 0 : (guint) metric->threshold;
  const guint last = metric->threshold < 0 ? COCO_N_IOUS - 1 : (guint) metric->threshold;

  for (guint t = first; t <= last; t++) {
    if (metric->recall)
      mean_add (mean, category->recall[t][metric->area][metric->max_count]);
    for (guint r = 0; !metric->recall && r < COCO_N_RECALLS; r++)
      mean_add (mean, category->precision[t][r][metric->area]);
  }
}

double
coco_eval_measure (const CocoEval *eval, const CocoMetric *metric)
{
  Mean mean = { 0 };

  for (guint i = 0; i < eval->n_categories; i++)
    add_category (&mean, &eval->categories[i], metric);
  return mean_get (&mean);
}

double
coco_category_measure (const CocoCategoryEval *category, const CocoMetric *metric)
{
  Mean mean = { 0 };

  add_category (&mean, category, metric);
  return mean_get (&mean);
}

static const CocoMetric *
find_metric (CocoKind kind, const char *name)
{
  guint n;
  const CocoMetric *metrics = coco_metrics (kind, &n);

  for (guint i = 0; i < n; i++)
    if (strcmp (metrics[i].name, name) == 0)
      return &metrics[i];
  g_return_val_if_reached (NULL);
}

double
coco_eval_get (const CocoEval *eval, const char *name)
{
  return coco_eval_measure (eval, find_metric (eval->kind, name));
}

double
coco_category_get (const CocoEval *eval, guint index, const char *name)
{
  return coco_category_measure (&eval->categories[index], find_metric (eval->kind, name));
}
