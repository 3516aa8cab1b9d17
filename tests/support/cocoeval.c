/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's box metrics.
 *
 * Both files become tables of groups: the boxes of one image and one category lie side by side. Each
 * category is then matched image by image (match_image), once per area range, and the matches of all
 * images are sorted by score into one precision-recall curve per IoU threshold (accumulate).
 */
#include "cocoeval.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "fbnet/fbnet.h"
#include "jsonfile.h"

#define MAX_COUNT 100

static const guint max_counts[COCO_N_MAX_COUNTS] = { 1, 10, MAX_COUNT };
static const double area_bounds[COCO_N_AREAS][2] = { { 0, 1e10 }, { 0, 32 * 32 },
  { 32 * 32, 96 * 96 }, { 96 * 96, 1e10 } };

typedef struct {
  double x, y, width, height;
} CocoBox;

typedef struct {
  CocoBox box;
  double area;    /* of the object's outline in truth, of the box in results */
  double score;   /* results only */
  gboolean crowd; /* truth only: a group of objects, matched by any number of detections */
} Entry;

typedef struct {
  gint64 image_id, category_id;
} Key;

typedef struct {
  gint64 id;
  char *name;
} Category;

struct CocoTruth {
  GArray *image_ids;  /* gint64, ascending, each once */
  GArray *categories; /* Category, by ascending id */
  GHashTable *groups; /* Key → GArray of Entry */
};

struct CocoResults {
  GHashTable *groups;
};

/* --- Reading ---------------------------------------------------------------------------------- */

static guint
key_hash (gconstpointer data)
{
  const Key *key = data;
  return g_int64_hash (&key->image_id) * 31 + g_int64_hash (&key->category_id);
}

static gboolean
key_equal (gconstpointer a, gconstpointer b)
{
  const Key *left = a, *right = b;
  return left->image_id == right->image_id && left->category_id == right->category_id;
}

static GHashTable *
groups_new (void)
{
  return g_hash_table_new_full (key_hash, key_equal, g_free, (GDestroyNotify) g_array_unref);
}

static void
groups_add (GHashTable *groups, const Key *key, const Entry *entry)
{
  GArray *group = g_hash_table_lookup (groups, key);
  if (!group) {
    group = g_array_new (FALSE, FALSE, sizeof (Entry));
    g_hash_table_insert (groups, g_memdup2 (key, sizeof *key), group);
  }
  g_array_append_val (group, *entry);
}

static gint
compare_ids (gconstpointer a, gconstpointer b)
{
  const gint64 left = *(const gint64 *) a, right = *(const gint64 *) b;
  return (left > right) - (left < right);
}

static gboolean
has_id (const GArray *ids, gint64 id)
{
  return g_array_binary_search ((GArray *) ids, &id, compare_ids, NULL);
}

/* What annotations and results have in common. */
static gboolean
read_place (const cJSON *item, Key *key, CocoBox *box, const char *where, GError **error)
{
  double numbers[4];
  if (!json_get_integer (item, "image_id", &key->image_id, where, error)
      || !json_get_integer (item, "category_id", &key->category_id, where, error)
      || !json_get_numbers (item, "bbox", numbers, 4, where, error))
    return FALSE;
  *box = (CocoBox){ numbers[0], numbers[1], numbers[2], numbers[3] };
  return TRUE;
}

static void
sort_ids (GArray *ids)
{
  g_array_sort (ids, compare_ids);
  guint n = 0;
  for (guint i = 0; i < ids->len; i++) {
    const gint64 id = g_array_index (ids, gint64, i);
    if (n == 0 || g_array_index (ids, gint64, n - 1) != id)
      g_array_index (ids, gint64, n++) = id;
  }
  g_array_set_size (ids, n);
}

static gboolean
read_images (CocoTruth *truth, const cJSON *file, const char *path, GError **error)
{
  const cJSON *images = json_get_array (file, "images", path, error);
  if (!images)
    return FALSE;
  const cJSON *image;
  cJSON_ArrayForEach (image, images)
  {
    g_autofree char *where = g_strdup_printf ("%s: images[%u]", path, truth->image_ids->len);
    gint64 id;
    if (!json_get_integer (image, "id", &id, where, error))
      return FALSE;
    g_array_append_val (truth->image_ids, id);
  }
  sort_ids (truth->image_ids);
  return TRUE;
}

static gint
compare_categories (gconstpointer a, gconstpointer b)
{
  return compare_ids (&((const Category *) a)->id, &((const Category *) b)->id);
}

static gboolean
read_categories (CocoTruth *truth, const cJSON *file, const char *path, GError **error)
{
  const cJSON *categories = json_get_array (file, "categories", path, error);
  if (!categories)
    return FALSE;
  const cJSON *item;
  cJSON_ArrayForEach (item, categories)
  {
    g_autofree char *where = g_strdup_printf ("%s: categories[%u]", path, truth->categories->len);
    gint64 id;
    const char *name = json_get_string (item, "name", where, error);
    if (!name || !json_get_integer (item, "id", &id, where, error))
      return FALSE;
    Category category = { id, g_strdup (name) };
    g_array_append_val (truth->categories, category);
  }
  g_array_sort (truth->categories, compare_categories);
  return TRUE;
}

static gboolean
read_annotations (CocoTruth *truth, const cJSON *file, const char *path, GError **error)
{
  const cJSON *annotations = json_get_array (file, "annotations", path, error);
  if (!annotations)
    return FALSE;
  guint i = 0;
  const cJSON *item;
  cJSON_ArrayForEach (item, annotations)
  {
    g_autofree char *where = g_strdup_printf ("%s: annotations[%u]", path, i++);
    Key key;
    Entry entry = { 0 };
    if (!read_place (item, &key, &entry.box, where, error)
        || !json_get_number (item, "area", &entry.area, where, error))
      return FALSE;
    const cJSON *crowd = cJSON_GetObjectItemCaseSensitive (item, "iscrowd");
    entry.crowd = cJSON_IsTrue (crowd) || (cJSON_IsNumber (crowd) && crowd->valuedouble != 0);
    groups_add (truth->groups, &key, &entry);
  }
  return TRUE;
}

static void
clear_category (gpointer data)
{
  g_free (((Category *) data)->name);
}

CocoTruth *
coco_truth_read (const char *path, GError **error)
{
  g_autoptr (cJSON) file = json_read (path, error);
  if (!file)
    return NULL;
  g_autoptr (CocoTruth) truth = g_new0 (CocoTruth, 1);
  truth->image_ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  truth->categories = g_array_new (FALSE, FALSE, sizeof (Category));
  g_array_set_clear_func (truth->categories, clear_category);
  truth->groups = groups_new ();
  if (!read_images (truth, file, path, error) || !read_categories (truth, file, path, error)
      || !read_annotations (truth, file, path, error))
    return NULL;
  return g_steal_pointer (&truth);
}

void
coco_truth_free (CocoTruth *truth)
{
  if (!truth)
    return;
  g_array_unref (truth->image_ids);
  g_array_unref (truth->categories);
  g_hash_table_unref (truth->groups);
  g_free (truth);
}

static gboolean
read_result (CocoResults *results, const cJSON *item, const CocoTruth *truth, const char *where,
    GError **error)
{
  Key key;
  Entry entry = { 0 };
  if (!read_place (item, &key, &entry.box, where, error)
      || !json_get_number (item, "score", &entry.score, where, error))
    return FALSE;
  if (!has_id (truth->image_ids, key.image_id)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: field 'image_id': expected an image of the annotation file, found %" G_GINT64_FORMAT,
        where, key.image_id);
    return FALSE;
  }
  entry.area = entry.box.width * entry.box.height;
  groups_add (results->groups, &key, &entry);
  return TRUE;
}

CocoResults *
coco_results_read (const char *path, const CocoTruth *truth, GError **error)
{
  g_autoptr (cJSON) file = json_read (path, error);
  if (!file)
    return NULL;
  if (!cJSON_IsArray (file)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: COCO results: expected an array, found something else", path);
    return NULL;
  }
  g_autoptr (CocoResults) results = g_new0 (CocoResults, 1);
  results->groups = groups_new ();
  guint i = 0;
  const cJSON *item;
  cJSON_ArrayForEach (item, file)
  {
    g_autofree char *where = g_strdup_printf ("%s: [%u]", path, i++);
    if (!read_result (results, item, truth, where, error))
      return NULL;
  }
  return g_steal_pointer (&results);
}

void
coco_results_free (CocoResults *results)
{
  if (!results)
    return;
  g_hash_table_unref (results->groups);
  g_free (results);
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

static double
iou_threshold (guint index)
{
  /* The last digits matter where an overlap equals a threshold: numpy's linspace (0.5, 0.95, 10). */
  return index == COCO_N_IOUS - 1 ? 0.95 : 0.5 + index * ((0.95 - 0.5) / (COCO_N_IOUS - 1));
}

/* Intersection over union; over the detection's own area for crowds (pycocotools maskApi, bbIou). */
static double
overlap (const Entry *detection, const Entry *object)
{
  const CocoBox *a = &detection->box, *b = &object->box;
  const double width = fmin (a->x + a->width, b->x + b->width) - fmax (a->x, b->x);
  const double height = fmin (a->y + a->height, b->y + b->height) - fmax (a->y, b->y);
  if (width <= 0 || height <= 0)
    return 0;
  const double common = width * height;
  const double own = a->width * a->height;
  return common / (object->crowd ? own : own + b->width * b->height - common);
}

static gboolean
outside (double area, guint range)
{
  return area < area_bounds[range][0] || area > area_bounds[range][1];
}

/* Stable: equal scores keep the file's order, as numpy's mergesort does. */
static gint
compare_scores (gconstpointer a, gconstpointer b)
{
  const double left = ((const Entry *) a)->score, right = ((const Entry *) b)->score;
  return (left < right) - (left > right);
}

/* A copy of the image's detections, best first, MAX_COUNT at most. */
static GArray *
best_detections (const GArray *group)
{
  GArray *best = g_array_new (FALSE, FALSE, sizeof (Entry));
  if (group)
    g_array_append_vals (best, group->data, group->len);
  g_array_sort (best, compare_scores);
  g_array_set_size (best, MIN (best->len, MAX_COUNT));
  return best;
}

typedef struct {
  const Entry *entry;
  gboolean ignored;
  gboolean taken[COCO_N_IOUS];
} Candidate;

/* The image's objects, those to be ignored last: a detection prefers one that counts. */
static GArray *
candidates_new (const GArray *group, guint range)
{
  GArray *candidates = g_array_new (FALSE, TRUE, sizeof (Candidate));
  for (guint ignored = 0; group && ignored < 2; ignored++) {
    for (guint i = 0; i < group->len; i++) {
      const Entry *entry = &g_array_index (group, Entry, i);
      const gboolean ignore = entry->crowd || outside (entry->area, range);
      if (ignore != (gboolean) ignored)
        continue;
      const Candidate candidate = { entry, ignore, { FALSE } };
      g_array_append_val (candidates, candidate);
    }
  }
  return candidates;
}

/* COCOeval.evaluateImg's inner loop: the best overlap that reaches the threshold; later ones win
 * ties; ignored objects only when no other was found. NULL: none. */
static Candidate *
find_match (const GArray *candidates, const Entry *detection, guint threshold)
{
  double best_overlap = fmin (iou_threshold (threshold), 1 - 1e-10);
  Candidate *best = NULL;
  for (guint i = 0; i < candidates->len; i++) {
    Candidate *candidate = &g_array_index (candidates, Candidate, i);
    if (candidate->taken[threshold] && !candidate->entry->crowd)
      continue;
    if (best && !best->ignored && candidate->ignored)
      break;
    const double found = overlap (detection, candidate->entry);
    if (found < best_overlap)
      continue;
    best_overlap = found;
    best = candidate;
  }
  return best;
}

static void
match_image (Outcomes *outcomes, const GArray *objects, const GArray *detections, guint range)
{
  g_autoptr (GArray) candidates = candidates_new (objects, range);
  g_autoptr (GArray) best = best_detections (detections);
  for (guint i = 0; i < candidates->len; i++)
    outcomes->n_objects += !g_array_index (candidates, Candidate, i).ignored;

  for (guint i = 0; i < best->len; i++) {
    const Entry *detection = &g_array_index (best, Entry, i);
    Outcome outcome = { .score = detection->score, .rank = i };
    for (guint t = 0; t < COCO_N_IOUS; t++) {
      Candidate *match = find_match (candidates, detection, t);
      outcome.matched[t] = match != NULL;
      outcome.ignored[t] = match ? match->ignored : outside (detection->area, range);
      if (match)
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
accumulate (CocoCategoryEval *category, const Outcomes *outcomes, guint range)
{
  if (outcomes->n_objects == 0)
    return;
  g_array_sort (outcomes->outcomes, compare_outcomes);
  g_autofree double *precision = g_new (double, outcomes->outcomes->len + 1);
  g_autofree double *recall = g_new (double, outcomes->outcomes->len + 1);
  for (guint t = 0; t < COCO_N_IOUS; t++) {
    for (guint m = 0; m < COCO_N_MAX_COUNTS; m++) {
      const guint n = trace_curve (outcomes, t, max_counts[m], precision, recall);
      category->recall[t][range][m] = n > 0 ? recall[n - 1] : 0;
      if (max_counts[m] == MAX_COUNT)
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
evaluate_category (CocoCategoryEval *category, const CocoTruth *truth, const CocoResults *results)
{
  fill (&category->precision[0][0][0], sizeof category->precision / sizeof (double), -1);
  fill (&category->recall[0][0][0], sizeof category->recall / sizeof (double), -1);
  for (guint range = 0; range < COCO_N_AREAS; range++) {
    g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (Outcome));
    Outcomes outcomes = { list, 0 };
    for (guint i = 0; i < truth->image_ids->len; i++) {
      const Key key = { g_array_index (truth->image_ids, gint64, i), category->category_id };
      match_image (&outcomes, g_hash_table_lookup (truth->groups, &key),
          g_hash_table_lookup (results->groups, &key), range);
    }
    accumulate (category, &outcomes, range);
  }
}

CocoEval *
coco_eval_new (const CocoTruth *truth, const CocoResults *results)
{
  CocoEval *eval = g_new (CocoEval, 1);
  eval->n_categories = truth->categories->len;
  eval->categories = g_new (CocoCategoryEval, eval->n_categories);
  for (guint i = 0; i < eval->n_categories; i++) {
    const Category *category = &g_array_index (truth->categories, Category, i);
    eval->categories[i].category_id = category->id;
    eval->categories[i].name = g_strdup (category->name);
    evaluate_category (&eval->categories[i], truth, results);
  }
  return eval;
}

void
coco_eval_free (CocoEval *eval)
{
  if (!eval)
    return;
  for (guint i = 0; i < eval->n_categories; i++)
    g_free (eval->categories[i].name);
  g_free (eval->categories);
  g_free (eval);
}

/* --- Summaries -------------------------------------------------------------------------------- */

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

/* IoU thresholds first … last. */
static void
add_precision (Mean *mean, const CocoCategoryEval *category, guint range, guint first, guint last)
{
  for (guint t = first; t <= last; t++)
    for (guint r = 0; r < COCO_N_RECALLS; r++)
      mean_add (mean, category->precision[t][r][range]);
}

static double
mean_precision (const CocoEval *eval, guint range, guint first, guint last)
{
  Mean mean = { 0 };
  for (guint i = 0; i < eval->n_categories; i++)
    add_precision (&mean, &eval->categories[i], range, first, last);
  return mean_get (&mean);
}

static double
mean_recall (const CocoEval *eval, guint range, guint max_count)
{
  Mean mean = { 0 };
  for (guint i = 0; i < eval->n_categories; i++)
    for (guint t = 0; t < COCO_N_IOUS; t++)
      mean_add (&mean, eval->categories[i].recall[t][range][max_count]);
  return mean_get (&mean);
}

CocoSummary
coco_eval_summarise (const CocoEval *eval)
{
  const guint last = COCO_N_IOUS - 1;
  return (CocoSummary){
    .ap = mean_precision (eval, 0, 0, last),
    .ap50 = mean_precision (eval, 0, 0, 0),
    .ap75 = mean_precision (eval, 0, 5, 5),
    .ap_small = mean_precision (eval, 1, 0, last),
    .ap_medium = mean_precision (eval, 2, 0, last),
    .ap_large = mean_precision (eval, 3, 0, last),
    .ar_1 = mean_recall (eval, 0, 0),
    .ar_10 = mean_recall (eval, 0, 1),
    .ar_100 = mean_recall (eval, 0, 2),
    .ar_small = mean_recall (eval, 1, 2),
    .ar_medium = mean_recall (eval, 2, 2),
    .ar_large = mean_recall (eval, 3, 2),
  };
}

double
coco_category_ap (const CocoCategoryEval *category)
{
  Mean mean = { 0 };
  add_precision (&mean, category, 0, 0, COCO_N_IOUS - 1);
  return mean_get (&mean);
}
