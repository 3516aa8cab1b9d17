/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Samples for the eyes.
 */
#include "samplesheet.h"

#include <math.h>
#include <string.h>

#include "support/annotate.h"

#define GAP 4 /* pixels between the pictures of a sheet */

/* The mask as the mask head's targets are made of it, at the picture's own resolution. */
static FbnetMask
draw_mask (const TrainSample *sample, const TrainObject *object)
{
  const gint x = (gint) floorf (object->box.x0), y = (gint) floorf (object->box.y0);
  const gint side = (gint) ceilf (MAX (object->box.x1 - x, object->box.y1 - y));
  const Box square = { (float) x, (float) y, (float) (x + side), (float) (y + side) };
  guint8 *data = g_new (guint8, (gsize) side * side);

  sample->crop_mask (sample, object, &square, (guint) side, data);
  for (gsize i = 0; i < (gsize) side * side; i++)
    data[i] = data[i] ? 255 : 0;
  return (FbnetMask){ x, y, side, side, data };
}

static Picture *
copy_pixels (const TrainSample *sample, gboolean bgr, GError **error)
{
  Picture *picture = picture_new (sample->width, sample->height, "sample", error);

  if (picture == NULL)
    return NULL;
  for (gsize i = 0; i < (gsize) sample->width * sample->height; i++)
    for (guint c = 0; c < 3; c++)
      picture->pixels[3 * i + c] = sample->pixels[3 * i + (bgr ? 2 - c : c)];
  return picture;
}

Picture *
sample_picture (const TrainSample *sample, const char *const *labels, gboolean bgr, GError **error)
{
  g_autoptr (Picture) picture = copy_pixels (sample, bgr, error);

  if (picture == NULL)
    return NULL;
  g_autofree FbnetDetection *items = g_new0 (FbnetDetection, sample->n_objects);
  for (guint i = 0; i < sample->n_objects; i++) {
    const TrainObject *object = &sample->objects[i];
    const Box *box = &object->box;
    items[i] = (FbnetDetection){ box->x0, box->y0, box->x1, box->y1, NAN, object->class_id };
    if (sample->crop_mask != NULL && object->mask != NULL)
      items[i].mask = draw_mask (sample, object);
  }
  const FbnetDetections drawn = { items, sample->n_objects };
  const gboolean done = annotate_picture (picture, &drawn, labels, 0, "sample", error);
  for (guint i = 0; i < sample->n_objects; i++)
    g_free ((gpointer) items[i].mask.data);
  return done ? g_steal_pointer (&picture) : NULL;
}

static void
paste (Picture *sheet, const Picture *picture, gsize x, gsize y)
{
  for (gsize row = 0; row < picture->height; row++)
    memcpy (sheet->pixels + 3 * ((y + row) * sheet->width + x),
        picture->pixels + 3 * row * picture->width, 3 * (gsize) picture->width);
}

Picture *
sample_sheet (const Picture *const *pictures, guint n_pictures, guint columns, GError **error)
{
  g_return_val_if_fail (n_pictures > 0 && columns > 0, NULL);
  guint width = 0, height = 0;
  for (guint i = 0; i < n_pictures; i++) {
    width = MAX (width, pictures[i]->width + GAP);
    height = MAX (height, pictures[i]->height + GAP);
  }
  columns = MIN (columns, n_pictures);
  const guint rows = (n_pictures + columns - 1) / columns;
  /* Their product may not wrap: a sheet that large is refused. */
  const guint sheet_width = (guint) MIN ((guint64) width * columns, G_MAXUINT);
  const guint sheet_height = (guint) MIN ((guint64) height * rows, G_MAXUINT);
  Picture *sheet = picture_new (sheet_width, sheet_height, "sheet of samples", error);
  for (guint i = 0; sheet != NULL && i < n_pictures; i++)
    paste (sheet, pictures[i], (gsize) (i % columns) * width, (gsize) (i / columns) * height);
  return sheet;
}

static const char **
labels_new (const Dataset *dataset)
{
  const char **labels = g_new0 (const char *, dataset_n_classes (dataset) + 1);

  for (guint i = 0; i < dataset_n_classes (dataset); i++)
    labels[i] = dataset_label (dataset, i);
  return labels;
}

/* NULL with error when one of them cannot be drawn. */
static GPtrArray *
draw_pictures (Dataset *dataset, const AugmentOptions *options, guint64 seed, guint n_samples,
    GError **error)
{
  g_autoptr (DatasetReader) reader = dataset_reader_new (dataset, options, error);
  g_autoptr (GPtrArray) pictures = g_ptr_array_new_with_free_func ((GDestroyNotify) picture_free);
  g_autofree const char **labels = labels_new (dataset);

  for (guint i = 0; reader != NULL && i < n_samples; i++) {
    g_autoptr (TrainSample) sample = dataset_reader_draw (reader, seed, i, error);
    Picture *picture = sample != NULL ? sample_picture (sample, labels, options->bgr, error) : NULL;
    if (picture == NULL)
      return NULL;
    g_ptr_array_add (pictures, picture);
  }
  return reader != NULL ? g_steal_pointer (&pictures) : NULL;
}

gboolean
sample_sheet_write (Dataset *dataset, const AugmentOptions *options, guint64 seed, guint n_samples,
    guint columns, const char *path, GError **error)
{
  g_autoptr (GPtrArray) pictures = draw_pictures (dataset, options, seed, n_samples, error);

  if (pictures == NULL)
    return FALSE;
  g_autoptr (Picture) sheet =
      sample_sheet ((const Picture *const *) pictures->pdata, pictures->len, columns, error);
  return sheet != NULL && picture_write_png (sheet, path, error);
}
