/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drawing samples.
 */
#include "datasetreader.h"

#include <math.h>
#include <string.h>

#include "dataset-private.h"

/* Parts of the seed's key. */
enum {
  KEY_EPOCHS,
  KEY_AUGMENTATIONS,
  KEY_REPEATS,
  KEY_MOSAICS,
};

#define N_QUARTERS 4

struct DatasetReader {
  Dataset *dataset;
  AugmentOptions options;
  ImageResizer *resizer;
  guint32 *order; /* of the epoch, which is that of the last draw */
  guint64 seed, epoch;
  gboolean ordered;
};

typedef struct {
  TrainSample sample; /* first: the trainer hands it back */
  const char *path;
  guint8 *pixels;
  TrainObject *objects;
  GPtrArray *masks;
} OwnedSample;

DatasetReader *
dataset_reader_new (Dataset *dataset, const AugmentOptions *options, GError **error)
{
  if (!augment_options_check (options, error))
    return NULL;
  DatasetReader *reader = g_new0 (DatasetReader, 1);
  reader->dataset = dataset;
  reader->options = *options;
  reader->resizer = image_resizer_new (NULL);
  reader->order = g_new (guint32, dataset->epoch_length);
  return reader;
}

void
dataset_reader_free (DatasetReader *reader)
{
  if (reader == NULL)
    return;
  image_resizer_free (reader->resizer);
  g_free (reader->order);
  g_free (reader);
}

static void
crop_mask (const TrainSample *sample, const TrainObject *object, const Box *box, guint side,
    guint8 *target)
{
  object_mask_crop (object->mask, box, side, target);
}

static OwnedSample *
sample_new (const Augmentation *augmentation, const Item *item, guint max_objects, GError **error)
{
  const guint width = augmentation->network_width, height = augmentation->network_height;
  guint8 *pixels = g_try_malloc_n ((gsize) width * height, 3);

  if (pixels == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: no memory for %u×%u pixels",
        item->path, width, height);
    return NULL;
  }
  OwnedSample *owned = g_new0 (OwnedSample, 1);
  owned->path = item->path;
  owned->pixels = pixels;
  owned->objects = g_new (TrainObject, max_objects);
  owned->masks = g_ptr_array_new_with_free_func ((GDestroyNotify) object_mask_free);
  owned->sample = (TrainSample){ .width = width,
    .height = height,
    .pixels = pixels,
    .objects = owned->objects,
    .crop_mask = crop_mask,
    .data = owned };
  return owned;
}

void
dataset_sample_free (TrainSample *sample)
{
  if (sample == NULL)
    return;
  OwnedSample *owned = sample->data;
  g_ptr_array_unref (owned->masks);
  g_free (owned->objects);
  g_free (owned->pixels);
  g_free (owned);
}

const char *
dataset_sample_path (const TrainSample *sample)
{
  return ((const OwnedSample *) sample->data)->path;
}

/* detectron2 Boxes.nonempty, filter_empty_instances. */
static gboolean
has_area (const Box *box)
{
  const float threshold = 1e-5f;

  return box->x1 - box->x0 > threshold && box->y1 - box->y0 > threshold;
}

/* FALSE: too little of the object is left to be one. `cut`: the sample's edge goes through it. */
static gboolean
place_box (const DatasetReader *reader, const Augmentation *augmentation, const Object *object,
    const Picture *picture, Box *box, gboolean *cut)
{
  const float visible_cut = 0.5f; /* pixels; less is rounding */
  const Box whole = box_clip (&object->box, (float) picture->width, (float) picture->height);
  const Box moved = augment_box (augmentation, &whole);

  *box = augment_clip (augmentation, &moved);
  *cut = box->x0 > moved.x0 + visible_cut || box->y0 > moved.y0 + visible_cut
      || box->x1 < moved.x1 - visible_cut || box->y1 < moved.y1 - visible_cut;
  return has_area (&whole) && has_area (box)
      && box_area (box) >= (float) reader->options.min_visible * box_area (&moved);
}

/* A part of the picture without any of its objects is of no use: then all of it is shown. */
static void
keep_some_object (const DatasetReader *reader, Augmentation *augmentation, const Item *item,
    const Picture *picture)
{
  Box box;
  gboolean cut;

  for (guint i = 0; i < item->objects->len; i++)
    if (place_box (reader, augmentation, &g_array_index (item->objects, Object, i), picture, &box,
            &cut))
      return;
  if (item->objects->len > 0)
    augment_show_all (augmentation, &reader->options, picture->width, picture->height);
}

/* FALSE with error: no memory. */
static gboolean
place_mask (const Augmentation *augmentation, const Object *object, ObjectMask **mask,
    GError **error)
{
  const ObjectMask *known = object->mask;

  *mask = NULL;
  if (known == NULL)
    return TRUE;
  *mask = object_mask_augment (known, augmentation, error);
  return *mask != NULL;
}

/* The box around what is left of a mask that was cut, as detectron2's DatasetMapper makes boxes anew
 * from masks (recompute_boxes) when it crops. FALSE: nothing is. */
static gboolean
fit_box (Box *box, const ObjectMask *mask, const TrainSample *sample)
{
  Box bounds;

  if (!object_mask_bounds (mask, (float) sample->width, (float) sample->height, &bounds))
    return FALSE;
  *box = (Box){ fmaxf (box->x0, bounds.x0), fmaxf (box->y0, bounds.y0), fminf (box->x1, bounds.x1),
    fminf (box->y1, bounds.y1) };
  return has_area (box);
}

static gboolean
add_object (const DatasetReader *reader, OwnedSample *owned, const Augmentation *augmentation,
    const Object *object, const Picture *picture, GError **error)
{
  TrainObject added = { .class_id = object->class_id };
  g_autoptr (ObjectMask) mask = NULL;
  gboolean cut;

  if (!place_box (reader, augmentation, object, picture, &added.box, &cut))
    return TRUE;
  if (!place_mask (augmentation, object, &mask, error))
    return FALSE;
  if (mask != NULL && cut && !fit_box (&added.box, mask, &owned->sample))
    return TRUE;
  added.mask = mask;
  if (mask != NULL)
    g_ptr_array_add (owned->masks, g_steal_pointer (&mask));
  owned->objects[owned->sample.n_objects++] = added;
  return TRUE;
}

static gboolean
add_objects (const DatasetReader *reader, OwnedSample *owned, const Augmentation *augmentation,
    const Item *item, const Picture *picture, GError **error)
{
  for (guint i = 0; i < item->objects->len; i++)
    if (!add_object (reader, owned, augmentation, &g_array_index (item->objects, Object, i),
            picture, error))
      return FALSE;
  return TRUE;
}

/* --- Mosaics ---------------------------------------------------------------------------------- */

static void
copy_quarter (guint8 *to, const guint8 *from, guint width, guint height, guint quarter)
{
  const gsize x0 = quarter % 2 == 0 ? 0 : width / 2, x1 = quarter % 2 == 0 ? width / 2 : width;
  const gsize y0 = quarter / 2 == 0 ? 0 : height / 2, y1 = quarter / 2 == 0 ? height / 2 : height;

  for (gsize y = y0; y < y1; y++)
    memcpy (to + 3 * (y * width + x0), from + 3 * (y * width + x0), 3 * (x1 - x0));
}

/* Each quarter has its own flips and colours; the size of all is that of the first. */
static gboolean
add_quarter (DatasetReader *reader, OwnedSample *owned, const Augmentation *first, const Item *item,
    RandomKey key, guint quarter, GError **error)
{
  g_autoptr (Picture) picture = dataset_read_item (reader->dataset, (Item *) item);
  const guint width = first->network_width, height = first->network_height;

  if (picture == NULL)
    return TRUE; /* the border's colour is there */
  Augmentation augmentation =
      augment_choose (&reader->options, picture->width, picture->height, key);
  augmentation.network_width = width;
  augmentation.network_height = height;
  if (!augment_show_quarter (&augmentation, picture->width, picture->height, quarter))
    return TRUE;
  g_autofree guint8 *pixels = g_try_malloc_n ((gsize) width * height, 3);
  if (pixels == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: no memory for %u×%u pixels",
        item->path, width, height);
    return FALSE;
  }
  if (!augment_pixels (&augmentation, &reader->options, pixels, picture, reader->resizer, error)
      || !add_objects (reader, owned, &augmentation, item, picture, error))
    return FALSE;
  copy_quarter (owned->pixels, pixels, width, height, quarter);
  return TRUE;
}

static void
fill_border (OwnedSample *owned, const guint8 border[3])
{
  const gsize n = (gsize) owned->sample.width * owned->sample.height;

  for (gsize i = 0; i < n; i++)
    memcpy (owned->pixels + 3 * i, border, 3);
}

/* The drawn picture, whose size decides, and three others of the set. */
static TrainSample *
make_mosaic (DatasetReader *reader, const Item *item, const Picture *picture, RandomKey key,
    GError **error)
{
  const GPtrArray *items = reader->dataset->items;
  const RandomKey others = random_key_part (key, KEY_MOSAICS);
  const Augmentation first =
      augment_choose (&reader->options, picture->width, picture->height, key);
  const Item *quarters[N_QUARTERS] = { item };
  guint n = item->objects->len;

  for (guint q = 1; q < N_QUARTERS; q++) {
    quarters[q] = items->pdata[random_key_below (others, q, items->len)];
    n += quarters[q]->objects->len;
  }
  OwnedSample *owned = sample_new (&first, item, n, error);
  if (owned == NULL)
    return NULL;
  g_autoptr (TrainSample) sample = &owned->sample;
  fill_border (owned, reader->options.border);
  for (guint q = 0; q < N_QUARTERS; q++)
    if (!add_quarter (reader, owned, &first, quarters[q], random_key_part (others, q), q, error))
      return NULL;
  return g_steal_pointer (&sample);
}

/* --- Samples ---------------------------------------------------------------------------------- */

static TrainSample *
make_sample (DatasetReader *reader, const Item *item, const Picture *picture, RandomKey key,
    GError **error)
{
  Augmentation augmentation =
      augment_choose (&reader->options, picture->width, picture->height, key);

  keep_some_object (reader, &augmentation, item, picture);
  OwnedSample *owned = sample_new (&augmentation, item, item->objects->len, error);
  if (owned == NULL)
    return NULL;
  g_autoptr (TrainSample) sample = &owned->sample;
  if (!augment_pixels (&augmentation, &reader->options, owned->pixels, picture, reader->resizer,
          error)
      || !add_objects (reader, owned, &augmentation, item, picture, error))
    return NULL;
  return g_steal_pointer (&sample);
}

/* Which picture each of an epoch's places is: a picture whose share of the epoch is no whole number has
 * one place more in some epochs than in others. */
static void
fill_places (const Dataset *dataset, guint32 *places, double offset)
{
  guint n = 0;

  for (guint i = 0; i < dataset->items->len; i++) {
    const double end = floor (dataset->repeats[i + 1] + offset);
    while (n < end && n < dataset->epoch_length)
      places[n++] = i;
  }
}

static void
repeat_pictures (DatasetReader *reader, guint64 seed, guint64 epoch)
{
  const Dataset *dataset = reader->dataset;
  const RandomKey key = random_key_part (random_key_new (seed), KEY_REPEATS);
  g_autofree guint32 *places = g_new (guint32, dataset->epoch_length);

  fill_places (dataset, places, random_key_uniform (key, epoch));
  for (guint i = 0; i < dataset->epoch_length; i++)
    reader->order[i] = places[reader->order[i]];
}

static void
order_epoch (DatasetReader *reader, guint64 seed, guint64 epoch)
{
  if (reader->ordered && reader->seed == seed && reader->epoch == epoch)
    return;
  const RandomKey epochs = random_key_part (random_key_new (seed), KEY_EPOCHS);
  random_key_shuffle (random_key_part (epochs, epoch), reader->order,
      reader->dataset->epoch_length);
  if (reader->dataset->repeats != NULL)
    repeat_pictures (reader, seed, epoch);
  reader->seed = seed;
  reader->epoch = epoch;
  reader->ordered = TRUE;
}

TrainSample *
dataset_reader_draw (DatasetReader *reader, guint64 seed, guint64 draw, GError **error)
{
  const GPtrArray *items = reader->dataset->items;
  const guint length = reader->dataset->epoch_length;
  const RandomKey augmentations = random_key_part (random_key_new (seed), KEY_AUGMENTATIONS);

  order_epoch (reader, seed, draw / length);
  for (guint i = 0; i < length; i++) {
    Item *item = items->pdata[reader->order[(draw + i) % length]];
    g_autoptr (Picture) picture = dataset_read_item (reader->dataset, item);
    const RandomKey key = random_key_part (augmentations, draw);
    if (picture != NULL)
      return (augment_is_mosaic (&reader->options, key) ? make_mosaic : make_sample) (reader, item,
          picture, key, error);
  }
  const Item *first = items->pdata[0];
  g_auto (GStrv) problems = dataset_problems (reader->dataset);
  g_autofree char *found = g_strjoinv ("; ", problems);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected a data set of pictures, found that none of its %u can be used: %s", first->path,
      items->len, found);
  return NULL;
}
