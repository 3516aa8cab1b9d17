/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's annotations and results as tables: the objects of one image and one category lie side by
 * side.
 */
#include "cocodata.h"

#include <math.h>
#include <string.h>

#include "jsonfile.h"

/* --- Kinds ------------------------------------------------------------------------------------ */

static const struct {
  const char *name, *field;
} kinds[COCO_N_KINDS] = {
  [COCO_BOX] = { "bbox", "bbox" },
  [COCO_MASK] = { "segm", "segmentation" },
  [COCO_KEYPOINTS] = { "keypoints", "keypoints" },
};

const char *
coco_kind_name (CocoKind kind)
{
  return kinds[kind].name;
}

/* pycocotools takes an empty array for nothing, too. */
static const cJSON *
get_field (const cJSON *entry, CocoKind kind)
{
  const cJSON *field = cJSON_GetObjectItemCaseSensitive (entry, kinds[kind].field);
  const gboolean empty = cJSON_IsArray (field) && cJSON_GetArraySize (field) == 0;
  return empty ? NULL : field;
}

guint
coco_kinds_of (const cJSON *entries)
{
  guint found = 0;
  const cJSON *entry;
  cJSON_ArrayForEach (entry, entries)
  {
    for (guint kind = 0; kind < COCO_N_KINDS; kind++)
      if (get_field (entry, kind))
        found |= COCO_KIND_BIT (kind);
  }
  return found;
}

/* --- Problems --------------------------------------------------------------------------------- */

typedef enum {
  IMAGE_TWICE,
  CATEGORY_TWICE,
  TRUTH_IMAGE,
  TRUTH_CATEGORY,
  TRUTH_ID,
  TRUTH_BOX,
  TRUTH_BOX_EMPTY,
  TRUTH_BOX_OUTSIDE,
  TRUTH_AREA,
  TRUTH_MASK,
  TRUTH_MASK_SIZE,
  TRUTH_KEYPOINTS,
  RESULT_CATEGORY,
  RESULT_BOX_EMPTY,
  RESULT_MASK,
  RESULT_MASK_SIZE,
  RESULT_KEYPOINTS,
  N_FLAWS,
} Flaw;

/* What is wrong, and what was done about it. */
static const char *const flaws[N_FLAWS] = {
  [IMAGE_TWICE] = "images with the id of another: one of them counts",
  [CATEGORY_TWICE] = "categories with the id of another: one of them counts",
  [TRUTH_IMAGE] = "annotations of an image that the file does not list: left out",
  [TRUTH_CATEGORY] = "annotations of a category that the file does not list: left out",
  [TRUTH_ID] =
      "annotations without an id of their own (none, 0, or another's): they count here, but "
      "pycocotools loses them",
  [TRUTH_BOX] = "annotations without a readable box: left out",
  [TRUTH_BOX_EMPTY] = "annotations with a box without area: nothing can match it",
  [TRUTH_BOX_OUTSIDE] = "annotations with a box that reaches beyond the picture: kept as it is",
  [TRUTH_AREA] = "annotations without an area: taken from mask or box",
  [TRUTH_MASK] = "annotations without a readable mask: masks are compared without them",
  [TRUTH_MASK_SIZE] = "annotations with a mask of another size than the picture: nothing can match "
                      "it",
  [TRUTH_KEYPOINTS] = "annotations without readable keypoints: keypoints are compared without them",
  [RESULT_CATEGORY] = "results of a category that the annotation file does not list: left out",
  [RESULT_BOX_EMPTY] = "results with a box without area: it matches nothing",
  [RESULT_MASK] = "results without a readable mask: they match nothing",
  [RESULT_MASK_SIZE] = "results with a mask of another size than the picture: it matches nothing",
  [RESULT_KEYPOINTS] = "results without readable keypoints: they match nothing",
};

CocoProblems *
coco_problems_new (void)
{
  return problems_new (flaws, N_FLAWS);
}

void
coco_problems_free (CocoProblems *problems)
{
  problems_free (problems);
}

char **
coco_problems_describe (const CocoProblems *problems)
{
  return problems_describe (problems);
}

/* --- Groups ----------------------------------------------------------------------------------- */

typedef struct {
  gint64 image_id, category_id;
} Key;

struct CocoTruth {
  CocoSet *set;       /* both arrays by ascending id, each id once */
  GHashTable *groups; /* Key → GArray of CocoObject */
  guint kinds, n_keypoints, n_objects;
  CocoProblems *problems;
};

struct CocoResults {
  GHashTable *groups;
  guint n_detections;
};

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
clear_object (gpointer data)
{
  CocoObject *object = data;
  g_clear_pointer (&object->mask, rle_mask_free);
  g_clear_pointer (&object->keypoints, g_free);
}

/* Takes what the object owns. */
static void
groups_add (GHashTable *groups, const Key *key, const CocoObject *object)
{
  GArray *group = g_hash_table_lookup (groups, key);
  if (!group) {
    group = g_array_new (FALSE, FALSE, sizeof (CocoObject));
    g_array_set_clear_func (group, clear_object);
    g_hash_table_insert (groups, g_memdup2 (key, sizeof *key), group);
  }
  g_array_append_val (group, *object);
}

static gint
compare_ids (gint64 left, gint64 right)
{
  return (left > right) - (left < right);
}

static gint
compare_images (gconstpointer a, gconstpointer b)
{
  return compare_ids (((const CocoImage *) a)->id, ((const CocoImage *) b)->id);
}

static gint
compare_categories (gconstpointer a, gconstpointer b)
{
  return compare_ids (((const CocoCategory *) a)->id, ((const CocoCategory *) b)->id);
}

static void
sort_once_each (GArray *items, GCompareFunc compare, Flaw flaw, const char *path,
    CocoProblems *problems)
{
  const guint size = g_array_get_element_size (items);
  g_array_sort (items, compare);
  for (guint i = items->len; i-- > 1;) {
    if (compare (items->data + i * size, items->data + (i - 1) * size) != 0)
      continue;
    g_array_remove_index (items, i);
    problems_note (problems, flaw, path);
  }
}

static const CocoImage *
find_image (const CocoTruth *truth, gint64 id)
{
  const CocoImage wanted = { .id = id };
  guint index;
  if (!g_array_binary_search (truth->set->images, &wanted, compare_images, &index))
    return NULL;
  return &g_array_index (truth->set->images, CocoImage, index);
}

static gboolean
has_category (const CocoTruth *truth, gint64 id)
{
  const CocoCategory wanted = { .id = id };
  return g_array_binary_search (truth->set->categories, &wanted, compare_categories, NULL);
}

/* --- What annotations and results have in common ---------------------------------------------- */

static gboolean
read_key (const cJSON *item, Key *key, const char *where, GError **error)
{
  return json_get_integer (item, "image_id", &key->image_id, where, error)
      && json_get_integer (item, "category_id", &key->category_id, where, error);
}

static gboolean
read_box (const cJSON *item, CocoBox *box, const char *where, GError **error)
{
  double numbers[4];
  if (!json_get_numbers (item, "bbox", numbers, 4, where, error))
    return FALSE;
  *box = (CocoBox){ numbers[0], numbers[1], numbers[2], numbers[3] };
  return TRUE;
}

/* NULL, and a note, when there is none that can be read. */
static RleMask *
read_mask (const cJSON *item, const CocoImage *image, CocoProblems *problems, Flaw broken,
    Flaw other_size, const char *where)
{
  g_autoptr (GError) error = NULL;
  const cJSON *field = get_field (item, COCO_MASK);
  RleMask *mask = rle_mask_from_json (field, image->width, image->height, where, &error);
  if (!mask)
    problems_note (problems, broken, error->message);
  else if (image->width > 0 && image->height > 0)
    problems_note_if (problems, mask->width != image->width || mask->height != image->height,
        other_size, where);
  return mask;
}

static double *
read_keypoints (const cJSON *item, guint n, CocoProblems *problems, Flaw broken, const char *where)
{
  g_autoptr (GError) error = NULL;
  g_autofree double *keypoints = g_new (double, 3 * n);
  if (json_get_numbers (item, "keypoints", keypoints, 3 * n, where, &error))
    return g_steal_pointer (&keypoints);
  problems_note (problems, broken, error->message);
  return NULL;
}

/* --- Annotations ------------------------------------------------------------------------------ */

/* Zero is none: pycocotools marks "not matched" by it. */
static gboolean
take_id (const cJSON *item, GHashTable *ids)
{
  const cJSON *id = cJSON_GetObjectItemCaseSensitive (item, "id");
  if (!cJSON_IsNumber (id) || id->valuedouble == 0)
    return FALSE;
  return g_hash_table_add (ids, g_memdup2 (&id->valuedouble, sizeof (double)));
}

static gboolean
reaches_beyond (const CocoBox *box, const CocoImage *image)
{
  const double margin = 1; /* COCO's own boxes are rounded */
  return box->x < -margin || box->y < -margin
      || (image->width > 0 && box->x + box->width > image->width + margin)
      || (image->height > 0 && box->y + box->height > image->height + margin);
}

static double
area_of (const CocoObject *object)
{
  return object->mask ? (double) rle_mask_area (object->mask)
                      : object->box.width * object->box.height;
}

static gboolean
is_crowd (const cJSON *item)
{
  const cJSON *crowd = cJSON_GetObjectItemCaseSensitive (item, "iscrowd");
  return cJSON_IsTrue (crowd) || (cJSON_IsNumber (crowd) && crowd->valuedouble != 0);
}

static gboolean
is_unlabelled (const cJSON *item, const double *keypoints, guint n)
{
  const cJSON *count = cJSON_GetObjectItemCaseSensitive (item, "num_keypoints");
  if (cJSON_IsNumber (count))
    return count->valuedouble == 0;
  for (guint i = 0; i < n; i++)
    if (keypoints[3 * i + 2] > 0)
      return FALSE;
  return TRUE;
}

static void
read_details (CocoTruth *truth, CocoObject *object, const cJSON *item, const CocoImage *image,
    const char *where)
{
  CocoProblems *problems = truth->problems;
  if (truth->kinds & COCO_KIND_BIT (COCO_MASK))
    object->mask = read_mask (item, image, problems, TRUTH_MASK, TRUTH_MASK_SIZE, where);
  if (truth->kinds & COCO_KIND_BIT (COCO_KEYPOINTS))
    object->keypoints = read_keypoints (item, truth->n_keypoints, problems, TRUTH_KEYPOINTS, where);
  if (object->keypoints)
    object->unlabelled = is_unlabelled (item, object->keypoints, truth->n_keypoints);
  object->crowd = is_crowd (item);
  const gboolean has_area = json_get_number (item, "area", &object->area, where, NULL);
  if (!has_area)
    object->area = area_of (object);
  problems_note_if (problems, !has_area, TRUTH_AREA, where);
  problems_note_if (problems, !(object->box.width > 0 && object->box.height > 0), TRUTH_BOX_EMPTY,
      where);
  problems_note_if (problems, reaches_beyond (&object->box, image), TRUTH_BOX_OUTSIDE, where);
}

static gboolean
read_annotation (CocoTruth *truth, GHashTable *ids, const cJSON *item, const char *where,
    GError **error)
{
  Key key;
  if (!read_key (item, &key, where, error))
    return FALSE;
  CocoProblems *problems = truth->problems;
  const CocoImage *image = find_image (truth, key.image_id);
  g_autoptr (GError) box_error = NULL;
  CocoObject object = { 0 };
  if (!image)
    problems_note (problems, TRUTH_IMAGE, where);
  else if (!has_category (truth, key.category_id))
    problems_note (problems, TRUTH_CATEGORY, where);
  else if (!read_box (item, &object.box, where, &box_error))
    problems_note (problems, TRUTH_BOX, box_error->message);
  else {
    problems_note_if (problems, !take_id (item, ids), TRUTH_ID, where);
    read_details (truth, &object, item, image, where);
    groups_add (truth->groups, &key, &object);
    truth->n_objects++;
  }
  return TRUE;
}

static gboolean
read_annotations (CocoTruth *truth, const cJSON *file, const char *path, GError **error)
{
  const cJSON *annotations = json_get_array (file, "annotations", path, error);
  if (!annotations)
    return FALSE;
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_double_hash, g_double_equal, g_free, NULL);
  guint i = 0;
  const cJSON *item;
  cJSON_ArrayForEach (item, annotations)
  {
    g_autofree char *where = g_strdup_printf ("%s: annotations[%u]", path, i++);
    if (!read_annotation (truth, ids, item, where, error))
      return FALSE;
  }
  return TRUE;
}

CocoTruth *
coco_truth_new (const cJSON *file, const char *path, guint wanted, guint n_keypoints,
    CocoProblems *problems, GError **error)
{
  g_autoptr (CocoTruth) truth = g_new0 (CocoTruth, 1);
  truth->groups = groups_new ();
  truth->kinds = wanted;
  truth->n_keypoints = n_keypoints;
  truth->problems = problems;
  truth->set = coco_set_new (file, path, FALSE, error);
  if (!truth->set)
    return NULL;
  sort_once_each (truth->set->images, compare_images, IMAGE_TWICE, path, problems);
  sort_once_each (truth->set->categories, compare_categories, CATEGORY_TWICE, path, problems);
  if (!read_annotations (truth, file, path, error))
    return NULL;
  return g_steal_pointer (&truth);
}

void
coco_truth_free (CocoTruth *truth)
{
  if (!truth)
    return;
  coco_set_free (truth->set);
  g_hash_table_unref (truth->groups);
  g_free (truth);
}

guint
coco_truth_n_images (const CocoTruth *truth)
{
  return truth->set->images->len;
}

gint64
coco_truth_image (const CocoTruth *truth, guint index)
{
  return g_array_index (truth->set->images, CocoImage, index).id;
}

guint
coco_truth_n_categories (const CocoTruth *truth)
{
  return truth->set->categories->len;
}

const CocoCategory *
coco_truth_category (const CocoTruth *truth, guint index)
{
  return &g_array_index (truth->set->categories, CocoCategory, index);
}

guint
coco_truth_n_objects (const CocoTruth *truth)
{
  return truth->n_objects;
}

const GArray *
coco_truth_objects (const CocoTruth *truth, gint64 image_id, gint64 category_id)
{
  const Key key = { image_id, category_id };
  return g_hash_table_lookup (truth->groups, &key);
}

/* --- Results ---------------------------------------------------------------------------------- */

static RleMask *
mask_from_box (const CocoBox *box, const CocoImage *image, CocoProblems *problems,
    const char *where)
{
  const double x1 = box->x + box->width, y1 = box->y + box->height;
  const double points[] = { box->x, box->y, box->x, y1, x1, y1, x1, box->y };
  g_autoptr (GError) error = NULL;
  RleMask *mask = rle_mask_from_polygon (points, 4, image->width, image->height, where, &error);
  if (!mask)
    problems_note (problems, RESULT_MASK, error->message);
  return mask;
}

static CocoBox
box_of_mask (const RleMask *mask)
{
  double bounds[4];
  rle_mask_bounds (mask, bounds);
  return (CocoBox){ bounds[0], bounds[1], bounds[2], bounds[3] };
}

static CocoBox
box_of_keypoints (const double *keypoints, guint n)
{
  double x0 = INFINITY, y0 = INFINITY, x1 = -INFINITY, y1 = -INFINITY;
  for (guint i = 0; i < n; i++) {
    x0 = fmin (x0, keypoints[3 * i]);
    y0 = fmin (y0, keypoints[3 * i + 1]);
    x1 = fmax (x1, keypoints[3 * i]);
    y1 = fmax (y1, keypoints[3 * i + 1]);
  }
  return (CocoBox){ x0, y0, x1 - x0, y1 - y0 };
}

/* Box and area are those of the first of box, mask and keypoints that the result has; without a mask
 * the box is one. */
static gboolean
complete_result (CocoObject *object, const cJSON *item, const CocoImage *image,
    const CocoTruth *truth, const char *where, GError **error)
{
  CocoProblems *problems = truth->problems;
  const gboolean has_box = get_field (item, COCO_BOX) != NULL;
  const gboolean has_mask = get_field (item, COCO_MASK) != NULL;
  const gboolean want_mask = truth->kinds & COCO_KIND_BIT (COCO_MASK) || !has_box;
  const gboolean want_keypoints =
      truth->kinds & COCO_KIND_BIT (COCO_KEYPOINTS) || (!has_box && !has_mask);

  if (has_box && !read_box (item, &object->box, where, error))
    return FALSE;
  if (has_mask && want_mask)
    object->mask = read_mask (item, image, problems, RESULT_MASK, RESULT_MASK_SIZE, where);
  else if (has_box && want_mask)
    object->mask = mask_from_box (&object->box, image, problems, where);
  if (want_keypoints)
    object->keypoints =
        read_keypoints (item, truth->n_keypoints, problems, RESULT_KEYPOINTS, where);

  if (!has_box && object->mask)
    object->box = box_of_mask (object->mask);
  else if (!has_box && !has_mask && object->keypoints)
    object->box = box_of_keypoints (object->keypoints, truth->n_keypoints);
  object->area = !has_box && object->mask ? (double) rle_mask_area (object->mask)
                                          : object->box.width * object->box.height;
  problems_note_if (problems, !(object->box.width > 0 && object->box.height > 0), RESULT_BOX_EMPTY,
      where);
  return TRUE;
}

static gboolean
read_result (CocoResults *results, const cJSON *item, const CocoTruth *truth, const char *where,
    GError **error)
{
  Key key;
  CocoObject object = { 0 };
  if (!read_key (item, &key, where, error)
      || !json_get_number (item, "score", &object.score, where, error))
    return FALSE;
  const CocoImage *image = find_image (truth, key.image_id);
  if (!image) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: field 'image_id': expected an image of the annotation file, found %" G_GINT64_FORMAT,
        where, key.image_id);
    return FALSE;
  }
  results->n_detections++;
  if (!has_category (truth, key.category_id)) {
    problems_note (truth->problems, RESULT_CATEGORY, where);
    return TRUE;
  }
  if (!complete_result (&object, item, image, truth, where, error)) {
    clear_object (&object);
    return FALSE;
  }
  groups_add (results->groups, &key, &object);
  return TRUE;
}

CocoResults *
coco_results_new (const cJSON *file, const char *path, const CocoTruth *truth, GError **error)
{
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

guint
coco_results_n_detections (const CocoResults *results)
{
  return results->n_detections;
}

const GArray *
coco_results_detections (const CocoResults *results, gint64 image_id, gint64 category_id)
{
  const Key key = { image_id, category_id };
  return g_hash_table_lookup (results->groups, &key);
}
