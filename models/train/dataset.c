/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A data set to train on.
 */
#include "dataset-private.h"

#include <math.h>
#include <string.h>

#include "support/coco.h"
#include "train/randomkey.h"

/* --- Problems --------------------------------------------------------------------------------- */

typedef enum {
  IMAGE_UNREADABLE,
  IMAGE_TWICE,
  IMAGE_FILE,
  IMAGE_BROKEN,
  IMAGE_EMPTY,
  CATEGORY_TWICE,
  CATEGORY_NAME_TWICE,
  OBJECT_UNREADABLE,
  OBJECT_IMAGE,
  OBJECT_CATEGORY,
  OBJECT_ID,
  OBJECT_CROWD,
  OBJECT_BOX,
  OBJECT_BOX_EMPTY,
  OBJECT_BOX_OUTSIDE,
  OBJECT_BOX_BEYOND,
  OBJECT_MASK_NONE,
  OBJECT_MASK,
  OBJECT_MASK_PART,
  OBJECT_MASK_SIZE,
  FILE_OTHER,
  PICTURE_BROKEN,
  PICTURE_SIZE,
  PICTURE_EXCHANGED,
  N_FLAWS,
} Flaw;

static const char *const flaws[N_FLAWS] = {
  [IMAGE_UNREADABLE] = "images without a readable id and file name: left out",
  [IMAGE_TWICE] = "images with the id of another: left out, the first one counts",
  [IMAGE_FILE] = "images whose file is missing: left out, and their annotations",
  [IMAGE_BROKEN] =
      "images of unknown size whose file cannot be read: left out, and their annotations",
  [IMAGE_EMPTY] = "images without objects to train on: left out",
  [CATEGORY_TWICE] = "categories with the id and name of another: one of them counts",
  [CATEGORY_NAME_TWICE] = "categories with the name of another: two classes of one name",
  [OBJECT_UNREADABLE] = "annotations without a readable image_id and category_id: left out",
  [OBJECT_IMAGE] = "annotations of an image that the file does not list: left out",
  [OBJECT_CATEGORY] = "annotations of a category that the file does not list: left out",
  [OBJECT_ID] = "annotations with the id of another: they count",
  [OBJECT_CROWD] = "annotations of crowds, or to be ignored: left out",
  [OBJECT_BOX] = "annotations without a readable box: left out",
  [OBJECT_BOX_EMPTY] = "annotations with a box without area: left out",
  [OBJECT_BOX_OUTSIDE] = "annotations with a box outside the picture: left out",
  [OBJECT_BOX_BEYOND] = "annotations with a box that reaches beyond the picture: cut to it",
  [OBJECT_MASK_NONE] = "annotations without a mask: masks are trained without them",
  [OBJECT_MASK] = "annotations without a readable mask: masks are trained without them",
  [OBJECT_MASK_PART] = "annotations with polygons of fewer than three points: these polygons are "
                       "left out",
  [OBJECT_MASK_SIZE] =
      "annotations with a mask of another size than the picture: masks are trained "
      "without them",
  [FILE_OTHER] = "files in the folders of classes that are no .jpg, .jpeg or .png: left out",
  [PICTURE_BROKEN] = "pictures that cannot be read: others take their place",
  [PICTURE_EXCHANGED] =
      "pictures whose width and height their annotations exchange (exchange them "
      "there; or, where EXIF turns the pictures, let fbnet-dataset turn the boxes along): "
      "others take their place",
  [PICTURE_SIZE] = "pictures of another size than their annotations say: others take their place",
};

/* --- What there is ---------------------------------------------------------------------------- */

static void
clear_object (gpointer data)
{
  object_mask_free (((Object *) data)->mask);
}

static void
item_free (gpointer data)
{
  Item *item = data;

  g_array_unref (item->objects);
  g_free (item->path);
  g_free (item);
}

static void
clear_class (gpointer data)
{
  g_free (((Class *) data)->name);
}

static Dataset *
dataset_new (void)
{
  Dataset *dataset = g_new0 (Dataset, 1);

  dataset->classes = g_array_new (FALSE, FALSE, sizeof (Class));
  g_array_set_clear_func (dataset->classes, clear_class);
  dataset->items = g_ptr_array_new_with_free_func (item_free);
  dataset->held_out = g_array_new (FALSE, FALSE, sizeof (gint64));
  dataset->problems = problems_new (flaws, N_FLAWS);
  g_mutex_init (&dataset->lock);
  return dataset;
}

void
dataset_free (Dataset *dataset)
{
  if (dataset == NULL)
    return;
  g_array_unref (dataset->classes);
  g_ptr_array_unref (dataset->items);
  g_free (dataset->n_objects_of);
  g_free (dataset->repeats);
  g_array_unref (dataset->held_out);
  problems_free (dataset->problems);
  g_mutex_clear (&dataset->lock);
  g_free (dataset);
}

/* --- Classes ---------------------------------------------------------------------------------- */

static gint
compare_ids (gint64 left, gint64 right)
{
  return (left > right) - (left < right);
}

static gint
compare_classes (gconstpointer a, gconstpointer b)
{
  return compare_ids (((const Class *) a)->id, ((const Class *) b)->id);
}

static const Class *
find_known (const Dataset *dataset, gint64 id)
{
  for (guint i = 0; i < dataset->classes->len; i++) {
    const Class *class = &g_array_index (dataset->classes, Class, i);
    if (class->id == id)
      return class;
  }
  return NULL;
}

/* An id has one name in all files. */
static gboolean
add_class (Dataset *dataset, const CocoFile *file, guint index, GError **error)
{
  const CocoCategory *category = &g_array_index (file->categories, CocoCategory, index);
  g_autofree char *where = coco_file_where (file, "categories", index);
  const Class *known = find_known (dataset, category->id);

  if (known != NULL && !g_str_equal (known->name, category->name)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: category %" G_GINT64_FORMAT ": expected one name, found '%s' and '%s' "
        "(fbnet-dataset merges sets by the names of their classes)",
        where, category->id, known->name, category->name);
    return FALSE;
  }
  problems_note_if (dataset->problems, coco_file_find_category (file, category->id) != category,
      CATEGORY_TWICE, where);
  problems_note_if (dataset->problems,
      coco_file_find_name (file, category->name)->id != category->id, CATEGORY_NAME_TWICE, where);
  if (known == NULL) {
    const Class class = { category->id, g_strdup (category->name) };
    g_array_append_val (dataset->classes, class);
  }
  return TRUE;
}

static gboolean
add_classes (Dataset *dataset, const CocoFile *file, GError **error)
{
  for (guint i = 0; i < file->categories->len; i++) {
    if (!add_class (dataset, file, i, error))
      return FALSE;
  }
  if (file->categories->len > 0)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: field 'categories': expected at least one category, found none", file->path);
  return FALSE;
}

/* FALSE: there is none of this id. */
static gboolean
find_class (const Dataset *dataset, gint64 category_id, guint *class_id)
{
  const Class wanted = { .id = category_id };

  return g_array_binary_search (dataset->classes, &wanted, compare_classes, class_id);
}

/* --- Images ----------------------------------------------------------------------------------- */

/* One annotation file while it is taken over. */
typedef struct {
  Dataset *dataset;
  const char *folder;
  const DatasetOptions *options;
  GHashTable *items; /* id → Item, owned; also those that are left out later */
  GHashTable *ids;   /* of annotations */
} Reading;

/* An entry that does not say how large the picture is: the picture does. */
static void
measure_picture (Item *item, Problems *problems)
{
  g_autoptr (GError) error = NULL;

  if (!g_file_test (item->path, G_FILE_TEST_IS_REGULAR))
    return; /* is_usable() has a word for it */
  g_autoptr (Picture) picture = picture_read (item->path, &error);
  item->width = picture != NULL ? picture->width : 0;
  item->height = picture != NULL ? picture->height : 0;
  item->broken = picture == NULL;
  if (picture == NULL)
    problems_note (problems, IMAGE_BROKEN, error->message);
}

static Item *
item_new (const CocoImage *image, const char *folder, Problems *problems)
{
  Item *item = g_new0 (Item, 1);

  item->id = image->id;
  item->path = g_build_filename (folder, image->file_name, NULL);
  item->width = image->width;
  item->height = image->height;
  item->objects = g_array_new (FALSE, FALSE, sizeof (Object));
  g_array_set_clear_func (item->objects, clear_object);
  if (item->width == 0 || item->height == 0)
    measure_picture (item, problems);
  return item;
}

static void
add_images (Reading *reading, const CocoFile *file)
{
  Problems *problems = reading->dataset->problems;

  for (guint i = 0; i < file->images->len; i++) {
    const CocoImage *image = &g_array_index (file->images, CocoImage, i);
    g_autofree char *flaw = coco_file_describe_flaw (file, i);
    if (flaw != NULL) {
      problems_note (problems, IMAGE_UNREADABLE, flaw);
    } else if (g_hash_table_contains (reading->items, &image->id)) {
      g_autofree char *where = coco_file_where (file, "images", i);
      problems_note (problems, IMAGE_TWICE, where);
    } else {
      Item *item = item_new (image, reading->folder, problems);
      g_hash_table_insert (reading->items, &item->id, item);
    }
  }
}

/* --- Annotations ------------------------------------------------------------------------------ */

static gboolean
is_repeated (GHashTable *ids, const CocoAnnotation *annotation)
{
  return annotation->has_id && !g_hash_table_add (ids, (gpointer) &annotation->id);
}

/* Corners in float32 from the start, as detectron2's BoxMode.convert has them. */
static gboolean
take_box (Problems *problems, const CocoAnnotation *annotation, Box *box, const char *where)
{
  const CocoBox *sides = &annotation->box;

  if (annotation->box_flaw != NULL) {
    problems_note (problems, OBJECT_BOX, annotation->box_flaw);
    return FALSE;
  }
  box->x0 = (float) sides->x;
  box->y0 = (float) sides->y;
  box->x1 = box->x0 + (float) sides->width;
  box->y1 = box->y0 + (float) sides->height;
  if (!box_is_finite (box)) {
    problems_note (problems, OBJECT_BOX, where);
    return FALSE;
  }
  if (!(box->x1 > box->x0 && box->y1 > box->y0)) {
    problems_note (problems, OBJECT_BOX_EMPTY, where);
    return FALSE;
  }
  return TRUE;
}

/* Where the size is not known the image is left out, whatever this says. */
static gboolean
check_place (Problems *problems, const Box *box, const Item *item, const char *where)
{
  const float margin = 1; /* COCO's own boxes are rounded */
  const float width = (float) item->width, height = (float) item->height;

  if (item->width == 0 || item->height == 0)
    return TRUE;
  if (box->x0 >= width || box->y0 >= height || box->x1 <= 0 || box->y1 <= 0) {
    problems_note (problems, OBJECT_BOX_OUTSIDE, where);
    return FALSE;
  }
  problems_note_if (problems,
      box->x0 < -margin || box->y0 < -margin || box->x1 > width + margin
          || box->y1 > height + margin,
      OBJECT_BOX_BEYOND, where);
  return TRUE;
}

/* NULL, and a note, when there is none that can be used. */
static ObjectMask *
read_mask (Problems *problems, const cJSON *entry, const Item *item, const char *where)
{
  const cJSON *field = cJSON_GetObjectItemCaseSensitive (entry, "segmentation");

  if (field == NULL || cJSON_IsNull (field) || (cJSON_IsArray (field) && field->child == NULL)) {
    problems_note (problems, OBJECT_MASK_NONE, where);
    return NULL;
  }
  g_autoptr (GError) error = NULL;
  guint n_left_out = 0;
  g_autoptr (ObjectMask) mask = object_mask_read (field, &n_left_out, where, &error);
  if (mask == NULL) {
    problems_note (problems, OBJECT_MASK, error->message);
    return NULL;
  }
  problems_note_if (problems, n_left_out > 0, OBJECT_MASK_PART, where);
  const gboolean other_size = mask->runs != NULL && item->width > 0 && item->height > 0
      && (mask->width != item->width || mask->height != item->height);
  if (other_size) {
    problems_note (problems, OBJECT_MASK_SIZE, where);
    return NULL;
  }
  return g_steal_pointer (&mask);
}

static void
add_annotation (Reading *reading, const CocoAnnotation *annotation, const char *where)
{
  Dataset *dataset = reading->dataset;
  Problems *problems = dataset->problems;
  Object object = { 0 };

  if (annotation->flaw != NULL) {
    problems_note (problems, OBJECT_UNREADABLE, annotation->flaw);
    return;
  }
  problems_note_if (problems, is_repeated (reading->ids, annotation), OBJECT_ID, where);
  Item *item = g_hash_table_lookup (reading->items, &annotation->image_id);
  if (item == NULL) {
    problems_note (problems, OBJECT_IMAGE, where);
  } else if (!find_class (dataset, annotation->category_id, &object.class_id)) {
    problems_note (problems, OBJECT_CATEGORY, where);
  } else if (annotation->crowd || annotation->ignore) {
    problems_note (problems, OBJECT_CROWD, where);
  } else if (take_box (problems, annotation, &object.box, where)
      && check_place (problems, &object.box, item, where)) {
    if (reading->options->masks)
      object.mask = read_mask (problems, annotation->json, item, where);
    g_array_append_val (item->objects, object);
  }
}

static gboolean
add_annotations (Reading *reading, const CocoFile *file, GError **error)
{
  const GArray *annotations = coco_file_annotations (file, error);

  for (guint i = 0; annotations != NULL && i < annotations->len; i++) {
    g_autofree char *where = coco_file_where (file, "annotations", i);
    add_annotation (reading, &g_array_index (annotations, CocoAnnotation, i), where);
  }
  return annotations != NULL;
}

/* --- Whole files ------------------------------------------------------------------------------ */

static gint
compare_items (gconstpointer a, gconstpointer b)
{
  const Item *left = *(Item *const *) a, *right = *(Item *const *) b;

  return compare_ids (left->id, right->id);
}

static gboolean
is_usable (const Reading *reading, const Item *item)
{
  Problems *problems = reading->dataset->problems;

  if (!g_file_test (item->path, G_FILE_TEST_IS_REGULAR)) {
    problems_note (problems, IMAGE_FILE, item->path);
    return FALSE;
  }
  if (item->broken)
    return FALSE;
  if (item->objects->len == 0 && !reading->options->keep_empty) {
    problems_note (problems, IMAGE_EMPTY, item->path);
    return FALSE;
  }
  return TRUE;
}

/* --- Pictures to evaluate with ---------------------------------------------------------------- */

/* Always the same, whatever the run's seed: the pictures kept apart must stay unseen. */
#define HOLD_OUT_SEED 1

static guint64
hold_out_number (const Item *item)
{
  g_autofree char *name = g_path_get_basename (item->path);

  return random_key_bits (random_key_new (HOLD_OUT_SEED), g_str_hash (name));
}

static gint
compare_numbers (gconstpointer a, gconstpointer b)
{
  const Item *left = *(Item *const *) a, *right = *(Item *const *) b;
  const guint64 l = hold_out_number (left), r = hold_out_number (right);

  return l != r ? (l > r) - (l < r) : strcmp (left->path, right->path);
}

static gint
compare_held_out (gconstpointer a, gconstpointer b)
{
  return compare_ids (*(const gint64 *) a, *(const gint64 *) b);
}

/* Of the pictures that can be used. */
static void
choose_held_out (GArray *held_out, GPtrArray *items, double share)
{
  if (share <= 0 || items->len < 2)
    return;
  const guint n = CLAMP ((guint) round (share * items->len), 1, items->len - 1);
  g_ptr_array_sort (items, compare_numbers);
  for (guint i = 0; i < n; i++)
    g_array_append_val (held_out, ((const Item *) items->pdata[i])->id);
  g_array_sort (held_out, compare_held_out);
}

static gboolean
is_held_out (const Dataset *dataset, const Item *item)
{
  return g_array_binary_search (dataset->held_out, &item->id, compare_held_out, NULL);
}

/* By ascending id; they still belong to `reading`. */
static GPtrArray *
list_usable (const Reading *reading)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new ();
  GPtrArray *usable = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer item;

  g_hash_table_iter_init (&iter, reading->items);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    g_ptr_array_add (items, item);
  g_ptr_array_sort (items, compare_items);
  for (guint i = 0; i < items->len; i++) {
    if (is_usable (reading, items->pdata[i]))
      g_ptr_array_add (usable, items->pdata[i]);
  }
  return usable;
}

/* Moves what can be used into the data set. */
static void
keep_items (Reading *reading)
{
  g_autoptr (GPtrArray) items = list_usable (reading);

  choose_held_out (reading->dataset->held_out, items, reading->options->hold_out);
  g_ptr_array_sort (items, compare_items);
  for (guint i = 0; i < items->len; i++) {
    Item *item = items->pdata[i];
    if (is_held_out (reading->dataset, item))
      continue;
    g_hash_table_steal (reading->items, &item->id);
    g_ptr_array_add (reading->dataset->items, item);
  }
}

static gboolean
take_file (Dataset *dataset, const CocoFile *file, const char *folder,
    const DatasetOptions *options, GError **error)
{
  Reading reading = { .dataset = dataset, .folder = folder, .options = options };

  reading.items = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, item_free);
  reading.ids = g_hash_table_new (g_int64_hash, g_int64_equal);
  add_images (&reading, file);
  const gboolean taken = add_annotations (&reading, file, error);
  if (taken)
    keep_items (&reading);
  g_hash_table_unref (reading.items);
  g_hash_table_unref (reading.ids);
  return taken;
}

static gboolean
check_folder (const DatasetSource *source, GError **error)
{
  if (g_file_test (source->folder, G_FILE_TEST_IS_DIR))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND,
      "%s: expected the folder of the pictures of %s, found %s", source->folder,
      source->annotations, g_file_test (source->folder, G_FILE_TEST_EXISTS) ? "a file" : "nothing");
  return FALSE;
}

static gboolean
check_usable (const Dataset *dataset, const DatasetSource *source, GError **error)
{
  if (dataset->items->len > 0)
    return TRUE;
  g_auto (GStrv) sentences = problems_describe (dataset->problems);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected a picture with objects, found none: %s", source->annotations,
      sentences[0] != NULL ? sentences[0] : "the file lists no images");
  return FALSE;
}

static void
count_objects (Dataset *dataset)
{
  dataset->n_objects_of = g_new0 (guint, dataset->classes->len);
  for (guint i = 0; i < dataset->items->len; i++) {
    const Item *item = dataset->items->pdata[i];
    dataset->n_objects += item->objects->len;
    for (guint j = 0; j < item->objects->len; j++)
      dataset->n_objects_of[g_array_index (item->objects, Object, j).class_id]++;
  }
}

/* --- Other classes before ---------------------------------------------------------------------- */

static guint
find_name (const GArray *classes, const char *name)
{
  guint i = 0;

  while (i < classes->len && !g_str_equal (g_array_index (classes, Class, i).name, name))
    i++;
  return i;
}

/* The id, or one behind all others if it is taken. */
static gint64
free_id (const GArray *classes, gint64 id)
{
  gint64 last = 0;
  gboolean taken = FALSE;

  for (guint i = 0; i < classes->len; i++) {
    const gint64 other = g_array_index (classes, Class, i).id;
    last = MAX (last, other);
    taken = taken || other == id;
  }
  return taken ? last + 1 : id;
}

/* The class's place among all, behind them if there is none of its name. */
static guint
join_class (GArray *classes, const Class *class)
{
  const guint place = find_name (classes, class->name);

  if (place == classes->len) {
    const Class added = { free_id (classes, class->id), g_strdup (class->name) };
    g_array_append_val (classes, added);
  }
  return place;
}

static void
renumber_objects (Dataset *dataset, const guint *places)
{
  for (guint i = 0; i < dataset->items->len; i++) {
    const Item *item = dataset->items->pdata[i];
    for (guint j = 0; j < item->objects->len; j++) {
      Object *object = &g_array_index (item->objects, Object, j);
      object->class_id = places[object->class_id];
    }
  }
}

void
dataset_lead_with (Dataset *dataset, const char *const *labels, const gint64 *ids, guint n)
{
  GArray *classes = g_array_new (FALSE, FALSE, sizeof (Class));
  g_autofree guint *places = g_new (guint, dataset->classes->len);

  g_array_set_clear_func (classes, clear_class);
  for (guint i = 0; i < n; i++) {
    const Class class = { ids[i], g_strdup (labels[i]) };
    g_array_append_val (classes, class);
  }
  for (guint i = 0; i < dataset->classes->len; i++)
    places[i] = join_class (classes, &g_array_index (dataset->classes, Class, i));
  renumber_objects (dataset, places);
  g_array_unref (dataset->classes);
  dataset->classes = classes;
  g_clear_pointer (&dataset->n_objects_of, g_free);
  dataset->n_objects = 0;
  count_objects (dataset);
}

/* --- Rare classes ----------------------------------------------------------------------------- */

static guint8 *
classes_of (const Dataset *dataset, const Item *item)
{
  guint8 *shown = g_new0 (guint8, dataset->classes->len);

  for (guint i = 0; i < item->objects->len; i++)
    shown[g_array_index (item->objects, Object, i).class_id] = 1;
  return shown;
}

/* How often each class asks for the pictures that show it. */
static double *
class_repeats (const Dataset *dataset, double threshold)
{
  double *repeats = g_new0 (double, dataset->classes->len);

  for (guint i = 0; i < dataset->items->len; i++) {
    g_autofree guint8 *shown = classes_of (dataset, dataset->items->pdata[i]);
    for (guint c = 0; c < dataset->classes->len; c++)
      repeats[c] += shown[c];
  }
  for (guint c = 0; c < dataset->classes->len; c++)
    repeats[c] = repeats[c] > 0 ? fmax (1, sqrt (threshold * dataset->items->len / repeats[c])) : 1;
  return repeats;
}

static double
picture_repeats (const Dataset *dataset, const Item *item, const double *of_classes)
{
  g_autofree guint8 *shown = classes_of (dataset, item);
  double most = 1;

  for (guint c = 0; c < dataset->classes->len; c++)
    most = shown[c] ? fmax (most, of_classes[c]) : most;
  return most;
}

/* The sum becomes a whole number, so that all epochs are as long. */
static void
count_repeats (Dataset *dataset, double threshold)
{
  const guint n = dataset->items->len;

  dataset->epoch_length = n;
  if (threshold <= 0)
    return;
  g_autofree double *of_classes = class_repeats (dataset, threshold);
  double *sums = dataset->repeats = g_new0 (double, n + 1);
  for (guint i = 0; i < n; i++)
    sums[i + 1] = sums[i] + picture_repeats (dataset, dataset->items->pdata[i], of_classes);
  const double length = ceil (sums[n]);
  for (guint i = 1; i < n; i++)
    sums[i] *= length / sums[n];
  sums[n] = length;
  dataset->epoch_length = (guint) length;
}

/* The classes are known when all files have named theirs: two rounds. */
static gboolean
read_files (Dataset *dataset, const DatasetSource *sources, guint n_sources,
    const DatasetOptions *options, GPtrArray *files, GError **error)
{
  for (guint i = 0; i < n_sources; i++) {
    CocoFile *file =
        check_folder (&sources[i], error) ? coco_file_read (sources[i].annotations, error) : NULL;
    if (file == NULL)
      return FALSE;
    g_ptr_array_add (files, file);
    if (!add_classes (dataset, file, error))
      return FALSE;
  }
  g_array_sort (dataset->classes, compare_classes);
  for (guint i = 0; i < n_sources; i++) {
    if (!take_file (dataset, files->pdata[i], sources[i].folder, options, error))
      return FALSE;
  }
  return TRUE;
}

Dataset *
dataset_open (const DatasetSource *sources, guint n_sources, const DatasetOptions *options,
    GError **error)
{
  g_return_val_if_fail (n_sources > 0, NULL);
  const DatasetOptions defaults = { 0 };
  g_autoptr (Dataset) dataset = dataset_new ();
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func ((GDestroyNotify) coco_file_free);
  if (!read_files (dataset, sources, n_sources, options != NULL ? options : &defaults, files, error)
      || !check_usable (dataset, &sources[0], error))
    return NULL;
  count_objects (dataset);
  count_repeats (dataset, options != NULL ? options->repeat_threshold : 0);
  return g_steal_pointer (&dataset);
}

/* --- A folder for each class ------------------------------------------------------------------- */

static Item *
item_of_class (const ClassPicture *picture, guint number)
{
  static const Object all = { .box = { 0, 0, PICTURE_MAX_SIDE, PICTURE_MAX_SIDE } };
  Item *item = g_new0 (Item, 1);

  item->id = number + 1;
  item->path = g_strdup (picture->path);
  item->objects = g_array_new (FALSE, FALSE, sizeof (Object));
  g_array_append_val (item->objects, all);
  g_array_index (item->objects, Object, 0).class_id = picture->class_id;
  return item;
}

Dataset *
dataset_open_folders (const ClassFolders *folders, const DatasetOptions *options, GError **error)
{
  if (folders->labels->len < 2) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected folders of at least two classes, found one: %s", folders->folder,
        (const char *) folders->labels->pdata[0]);
    return NULL;
  }
  Dataset *dataset = dataset_new ();
  for (guint i = 0; i < folders->labels->len; i++) {
    const Class class = { i + 1, g_strdup (folders->labels->pdata[i]) };
    g_array_append_val (dataset->classes, class);
  }
  for (guint i = 0; i < folders->pictures->len; i++)
    g_ptr_array_add (dataset->items,
        item_of_class (&g_array_index (folders->pictures, ClassPicture, i), i));
  for (guint i = 0; i < folders->others->len; i++)
    problems_note (dataset->problems, FILE_OTHER, folders->others->pdata[i]);
  count_objects (dataset);
  count_repeats (dataset, options->repeat_threshold);
  return dataset;
}

guint
dataset_n_pictures (const Dataset *dataset)
{
  return dataset->items->len;
}

guint
dataset_n_objects (const Dataset *dataset)
{
  return dataset->n_objects;
}

guint
dataset_epoch_length (const Dataset *dataset)
{
  return dataset->epoch_length;
}

const GArray *
dataset_held_out (const Dataset *dataset)
{
  return dataset->held_out;
}

guint
dataset_n_classes (const Dataset *dataset)
{
  return dataset->classes->len;
}

const char *
dataset_label (const Dataset *dataset, guint class_id)
{
  return g_array_index (dataset->classes, Class, class_id).name;
}

gint64
dataset_category (const Dataset *dataset, guint class_id)
{
  return g_array_index (dataset->classes, Class, class_id).id;
}

guint
dataset_n_objects_of (const Dataset *dataset, guint class_id)
{
  return dataset->n_objects_of[class_id];
}

char **
dataset_problems (Dataset *dataset)
{
  g_mutex_lock (&dataset->lock);
  char **sentences = problems_describe (dataset->problems);
  g_mutex_unlock (&dataset->lock);
  return sentences;
}

guint
dataset_n_broken_pictures (Dataset *dataset)
{
  g_mutex_lock (&dataset->lock);
  const guint n = dataset->n_broken;
  g_mutex_unlock (&dataset->lock);
  return n;
}

/* Once per picture, however often it is tried. */
static void
note_broken (Dataset *dataset, Item *item, Flaw flaw, const char *message)
{
  g_mutex_lock (&dataset->lock);
  if (!item->broken) {
    item->broken = TRUE;
    dataset->n_broken++;
    problems_note (dataset->problems, flaw, message);
  }
  g_mutex_unlock (&dataset->lock);
}

Picture *
dataset_read_item (Dataset *dataset, Item *item)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Picture) picture = picture_read (item->path, &error);

  if (picture == NULL) {
    note_broken (dataset, item, PICTURE_BROKEN, error->message);
    return NULL;
  }
  const gboolean known = item->width != 0;
  if (known && (item->width != picture->width || item->height != picture->height)) {
    g_autofree char *message = g_strdup_printf ("%s: expected %u×%u pixels, found %u×%u",
        item->path, item->width, item->height, picture->width, picture->height);
    const gboolean exchanged = item->width == picture->height && item->height == picture->width;
    note_broken (dataset, item, exchanged ? PICTURE_EXCHANGED : PICTURE_SIZE, message);
    return NULL;
  }
  return g_steal_pointer (&picture);
}
