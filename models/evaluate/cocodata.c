/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's annotations and results as tables: the objects of one image and one category lie side by
 * side.
 */
#include "cocodata.h"

#include <math.h>
#include <stdlib.h>

#include "support/jsonfile.h"

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

static guint
kinds_of (const cJSON *entry)
{
  guint found = 0;

  for (guint kind = 0; kind < COCO_N_KINDS; kind++) {
    if (get_field (entry, kind) != NULL)
      found |= COCO_KIND_BIT (kind);
  }
  return found;
}

guint
coco_kinds_of_results (const cJSON *results)
{
  guint found = 0;
  const cJSON *entry;

  cJSON_ArrayForEach (entry, results) found |= kinds_of (entry);
  return found;
}

guint
coco_kinds_of_file (const CocoFile *file)
{
  guint found = 0;

  for (guint i = 0; file->annotations != NULL && i < file->annotations->len; i++)
    found |= kinds_of (g_array_index (file->annotations, CocoAnnotation, i).json);
  return found;
}

/* --- Problems --------------------------------------------------------------------------------- */

typedef enum {
  IMAGE_TWICE,
  CATEGORY_TWICE,
  CATEGORY_NAME_TWICE,
  TRUTH_UNREADABLE,
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
  [IMAGE_TWICE] = "{image|images} with the id of another: the first one counts",
  [CATEGORY_TWICE] = "{category|categories} with the id of another: the first one counts",
  [CATEGORY_NAME_TWICE] = "{category|categories} with the name of another: the first is what "
                          "detections are compared with",
  [TRUTH_UNREADABLE] =
      "{annotation|annotations} without a readable image_id and category_id: left out",
  [TRUTH_IMAGE] = "{annotation|annotations} of an image that the file does not list: left out",
  [TRUTH_CATEGORY] = "{annotation|annotations} of a category that the file does not list: left out",
  [TRUTH_ID] = "{annotation|annotations} without an id of {its|their} own (none, 0, or another's): "
               "{it counts|they count} here, but "
               "pycocotools loses {it|them}",
  [TRUTH_BOX] = "{annotation|annotations} without a readable box: left out",
  [TRUTH_BOX_EMPTY] = "{annotation|annotations} with a box without area: nothing can match it",
  [TRUTH_BOX_OUTSIDE] =
      "{annotation|annotations} with a box that reaches beyond the picture: kept as it is",
  [TRUTH_AREA] = "{annotation|annotations} without an area: taken from mask or box",
  [TRUTH_MASK] =
      "{annotation|annotations} without a readable mask: masks are compared without {it|them}",
  [TRUTH_MASK_SIZE] =
      "{annotation|annotations} with a mask of another size than the picture: nothing can match "
      "it",
  [TRUTH_KEYPOINTS] = "{annotation|annotations} without readable keypoints: keypoints are compared "
                      "without {it|them}",
  [RESULT_CATEGORY] =
      "{result|results} of a category that the annotation file does not list: left out",
  [RESULT_BOX_EMPTY] = "{result|results} with a box without area: it matches nothing",
  [RESULT_MASK] = "{result|results} without a readable mask: {it matches|they match} nothing",
  [RESULT_MASK_SIZE] =
      "{result|results} with a mask of another size than the picture: it matches nothing",
  [RESULT_KEYPOINTS] =
      "{result|results} without readable keypoints: {it matches|they match} nothing",
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
  const CocoFile *file;
  GPtrArray *images, *categories; /* of the file, by ascending id, each id once */
  GHashTable *groups;             /* Key → GArray of CocoObject */
  guint kinds, n_keypoints, n_objects;
  CocoProblems *problems;
};

struct CocoResults {
  GHashTable *groups;
  guint n_detections;
  CocoProblems *problems;
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

  if (group == NULL) {
    group = g_array_new (FALSE, FALSE, sizeof (CocoObject));
    g_array_set_clear_func (group, clear_object);
    g_hash_table_insert (groups, g_memdup2 (key, sizeof *key), group);
  }
  g_array_append_val (group, *object);
}

/* NULL: there is none. */
static const GArray *
find_group (GHashTable *groups, gint64 image_id, gint64 category_id)
{
  const Key key = { image_id, category_id };

  return g_hash_table_lookup (groups, &key);
}

static gint
compare_ids (gint64 left, gint64 right)
{
  return (left > right) - (left < right);
}

static gint
compare_images (gconstpointer a, gconstpointer b)
{
  return compare_ids ((*(const CocoImage *const *) a)->id, (*(const CocoImage *const *) b)->id);
}

static gint
compare_categories (gconstpointer a, gconstpointer b)
{
  return compare_ids ((*(const CocoCategory *const *) a)->id,
      (*(const CocoCategory *const *) b)->id);
}

/* Two rows of one id. */
typedef void (*NoteTwice) (const CocoFile *file, gconstpointer first, gconstpointer again,
    CocoProblems *problems);

static void
note_image_twice (const CocoFile *file, gconstpointer first, gconstpointer again,
    CocoProblems *problems)
{
  const CocoImage *images = (const CocoImage *) (gconstpointer) file->images->data;
  const CocoImage *a = first, *b = again;
  g_autofree char *where =
      g_strdup_printf ("%s: images[%u] and images[%u] are both %" G_GINT64_FORMAT, file->path,
          (guint) (a - images), (guint) (b - images), a->id);

  problems_note (problems, IMAGE_TWICE, where);
}

static void
note_category_twice (const CocoFile *file, gconstpointer first, gconstpointer again,
    CocoProblems *problems)
{
  const CocoCategory *a = first, *b = again;
  g_autofree char *where = g_strdup_printf ("%s: '%s' and '%s' are both %" G_GINT64_FORMAT,
      file->path, a->name, b->name, a->id);

  problems_note (problems, CATEGORY_TWICE, where);
}

/* Of what the rows point to, the first of each id: GLib's sort is stable. */
static GPtrArray *
sort_once_each (const CocoFile *file, const GArray *rows, GCompareFunc compare, NoteTwice note,
    CocoProblems *problems)
{
  const guint size = g_array_get_element_size ((GArray *) rows);
  g_autoptr (GPtrArray) all = g_ptr_array_sized_new (rows->len);
  GPtrArray *items = g_ptr_array_sized_new (rows->len);

  for (guint i = 0; i < rows->len; i++)
    g_ptr_array_add (all, rows->data + i * size);
  g_ptr_array_sort (all, compare);
  for (guint i = 0; i < all->len; i++) {
    gpointer *last = items->len > 0 ? &items->pdata[items->len - 1] : NULL;
    if (last != NULL && compare (last, &all->pdata[i]) == 0)
      note (file, *last, all->pdata[i], problems);
    else
      g_ptr_array_add (items, all->pdata[i]);
  }
  return items;
}

/* The place in the array of pointers; NULL: there is none. */
static gpointer
find (const GPtrArray *items, gconstpointer wanted, GCompareFunc compare)
{
  gpointer *found = bsearch (&wanted, items->pdata, items->len, sizeof *items->pdata, compare);

  return found != NULL ? *found : NULL;
}

static const CocoImage *
find_image (const CocoTruth *truth, gint64 id)
{
  const CocoImage wanted = { .id = id };

  return find (truth->images, &wanted, compare_images);
}

static gboolean
has_category (const CocoTruth *truth, gint64 id)
{
  const CocoCategory wanted = { .id = id };

  return find (truth->categories, &wanted, compare_categories) != NULL;
}

/* --- What annotations and results have in common ---------------------------------------------- */

/* NULL, and a note, when there is none that can be read. */
static RleMask *
read_mask (const cJSON *item, const CocoImage *image, CocoProblems *problems, Flaw broken,
    Flaw other_size, const char *where)
{
  g_autoptr (GError) error = NULL;
  const cJSON *field = get_field (item, COCO_MASK);
  RleMask *mask = rle_mask_from_json (field, image->width, image->height, where, &error);

  if (mask == NULL)
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
take_id (const CocoAnnotation *annotation, GHashTable *ids)
{
  return annotation->has_id && annotation->id != 0
      && g_hash_table_add (ids, (gpointer) &annotation->id);
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
  return object->mask != NULL ? (double) rle_mask_area (object->mask)
                              : object->box.width * object->box.height;
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
read_details (CocoTruth *truth, CocoObject *object, const CocoAnnotation *annotation,
    const CocoImage *image, const char *where)
{
  CocoProblems *problems = truth->problems;
  const cJSON *json = annotation->json;

  if (truth->kinds & COCO_KIND_BIT (COCO_MASK))
    object->mask = read_mask (json, image, problems, TRUTH_MASK, TRUTH_MASK_SIZE, where);
  if (truth->kinds & COCO_KIND_BIT (COCO_KEYPOINTS))
    object->keypoints = read_keypoints (json, truth->n_keypoints, problems, TRUTH_KEYPOINTS, where);
  if (object->keypoints != NULL)
    object->unlabelled = is_unlabelled (json, object->keypoints, truth->n_keypoints);
  object->crowd = annotation->crowd;
  object->area = annotation->has_area ? annotation->area : area_of (object);
  problems_note_if (problems, !annotation->has_area, TRUTH_AREA, where);
  problems_note_if (problems, !(object->box.width > 0 && object->box.height > 0), TRUTH_BOX_EMPTY,
      where);
  problems_note_if (problems, reaches_beyond (&object->box, image), TRUTH_BOX_OUTSIDE, where);
}

static void
take_annotation (CocoTruth *truth, GHashTable *ids, const CocoAnnotation *annotation,
    const char *where)
{
  const Key key = { annotation->image_id, annotation->category_id };
  CocoProblems *problems = truth->problems;
  const CocoImage *image = find_image (truth, key.image_id);
  CocoObject object = { .box = annotation->box };

  if (image == NULL) {
    problems_note (problems, TRUTH_IMAGE, where);
  } else if (!has_category (truth, key.category_id)) {
    problems_note (problems, TRUTH_CATEGORY, where);
  } else if (annotation->box_flaw != NULL) {
    problems_note (problems, TRUTH_BOX, annotation->box_flaw);
  } else {
    problems_note_if (problems, !take_id (annotation, ids), TRUTH_ID, where);
    read_details (truth, &object, annotation, image, where);
    groups_add (truth->groups, &key, &object);
    truth->n_objects++;
  }
}

static gboolean
take_annotations (CocoTruth *truth, const CocoFile *file, GError **error)
{
  const GArray *annotations = coco_file_annotations (file, error);
  g_autoptr (GHashTable) ids = g_hash_table_new (g_int64_hash, g_int64_equal);

  for (guint i = 0; annotations != NULL && i < annotations->len; i++) {
    const CocoAnnotation *annotation = &g_array_index (annotations, CocoAnnotation, i);
    g_autofree char *where = coco_file_where (file, "annotations", i);
    if (annotation->flaw != NULL)
      problems_note (truth->problems, TRUTH_UNREADABLE, annotation->flaw);
    else
      take_annotation (truth, ids, annotation, where);
  }
  return annotations != NULL;
}

static void
note_names (const CocoFile *file, CocoProblems *problems)
{
  for (guint i = 0; i < file->categories->len; i++) {
    g_autofree char *repeat = coco_file_describe_repeat (file, i);
    problems_note_if (problems, repeat != NULL, CATEGORY_NAME_TWICE, repeat);
  }
}

CocoTruth *
coco_truth_new (const CocoFile *file, guint wanted, guint n_keypoints, CocoProblems *problems,
    GError **error)
{
  if (!coco_file_check_images (file, FALSE, error))
    return NULL;
  g_autoptr (CocoTruth) truth = g_new0 (CocoTruth, 1);
  truth->file = file;
  truth->groups = groups_new ();
  truth->kinds = wanted;
  truth->n_keypoints = n_keypoints;
  truth->problems = problems;
  truth->images = sort_once_each (file, file->images, compare_images, note_image_twice, problems);
  truth->categories =
      sort_once_each (file, file->categories, compare_categories, note_category_twice, problems);
  note_names (file, problems);
  return take_annotations (truth, file, error) ? g_steal_pointer (&truth) : NULL;
}

void
coco_truth_free (CocoTruth *truth)
{
  if (truth == NULL)
    return;
  g_ptr_array_unref (truth->images);
  g_ptr_array_unref (truth->categories);
  g_hash_table_unref (truth->groups);
  g_free (truth);
}

guint
coco_truth_n_images (const CocoTruth *truth)
{
  return truth->images->len;
}

gint64
coco_truth_image (const CocoTruth *truth, guint index)
{
  return ((const CocoImage *) truth->images->pdata[index])->id;
}

guint
coco_truth_n_categories (const CocoTruth *truth)
{
  return truth->categories->len;
}

const CocoCategory *
coco_truth_category (const CocoTruth *truth, guint index)
{
  return truth->categories->pdata[index];
}

guint
coco_truth_n_objects (const CocoTruth *truth)
{
  return truth->n_objects;
}

const GArray *
coco_truth_objects (const CocoTruth *truth, gint64 image_id, gint64 category_id)
{
  return find_group (truth->groups, image_id, category_id);
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

  if (mask == NULL)
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
    const CocoTruth *truth, CocoProblems *problems, const char *where, GError **error)
{
  const gboolean has_box = get_field (item, COCO_BOX) != NULL;
  const gboolean has_mask = get_field (item, COCO_MASK) != NULL;
  const gboolean want_mask = truth->kinds & COCO_KIND_BIT (COCO_MASK) || !has_box;
  const gboolean want_keypoints =
      truth->kinds & COCO_KIND_BIT (COCO_KEYPOINTS) || (!has_box && !has_mask);

  double box[4];

  if (has_box && !json_get_numbers (item, "bbox", box, 4, where, error))
    return FALSE;
  if (has_box)
    object->box = (CocoBox){ box[0], box[1], box[2], box[3] };
  if (has_mask && want_mask)
    object->mask = read_mask (item, image, problems, RESULT_MASK, RESULT_MASK_SIZE, where);
  else if (has_box && want_mask)
    object->mask = mask_from_box (&object->box, image, problems, where);
  if (want_keypoints)
    object->keypoints =
        read_keypoints (item, truth->n_keypoints, problems, RESULT_KEYPOINTS, where);

  if (!has_box && object->mask != NULL)
    object->box = box_of_mask (object->mask);
  else if (!has_box && !has_mask && object->keypoints != NULL)
    object->box = box_of_keypoints (object->keypoints, truth->n_keypoints);
  object->area = !has_box && object->mask != NULL ? (double) rle_mask_area (object->mask)
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

  if (!coco_file_read_id (truth->file, item, "image_id", &key.image_id, where, error)
      || !coco_file_read_id (truth->file, item, "category_id", &key.category_id, where, error)
      || !json_get_number (item, "score", &object.score, where, error))
    return FALSE;
  const CocoImage *image = find_image (truth, key.image_id);
  if (image == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: field 'image_id': expected an image of the annotation file, found %" G_GINT64_FORMAT,
        where, key.image_id);
    return FALSE;
  }
  results->n_detections++;
  if (!has_category (truth, key.category_id)) {
    problems_note (results->problems, RESULT_CATEGORY, where);
    return TRUE;
  }
  if (!complete_result (&object, item, image, truth, results->problems, where, error)) {
    clear_object (&object);
    return FALSE;
  }
  groups_add (results->groups, &key, &object);
  return TRUE;
}

CocoResults *
coco_results_new (const cJSON *file, const char *path, const CocoTruth *truth,
    CocoProblems *problems, GError **error)
{
  if (!cJSON_IsArray (file)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: COCO results: expected an array, found something else", path);
    return NULL;
  }
  g_autoptr (CocoResults) results = g_new0 (CocoResults, 1);
  results->groups = groups_new ();
  results->problems = problems;
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
  if (results == NULL)
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
  return find_group (results->groups, image_id, category_id);
}
