/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Objects cut out of their pictures; see crops.h.
 */
#include "crops.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "scaled.h"
#include "support/files.h"

/* Around an object that is larger than a crop, as a share of it. */
#define MARGIN 0.15
/* An object of fewer pixels does not show what it is. */
#define MIN_SIDE 16
/* Of a picture without objects. */
#define N_OF_NOTHING       3
#define LARGEST_OF_NOTHING 1.7 /* crops */
#define GREY               114
#define QUALITY            95

typedef struct {
  const char *folder;
  guint side;
  GHashTable *numbers; /* class → how many of it are written */
} Crops;

/* A square; it may reach beyond the picture. */
typedef struct {
  int x, y, side;
} Window;

static Picture *
cut (const Picture *picture, Window window, GError **error)
{
  const guint side = (guint) window.side;
  const int x0 = MAX (window.x, 0), x1 = MIN (window.x + window.side, (int) picture->width);
  Picture *crop = picture_new (side, side, "crop", error);

  if (crop == NULL)
    return NULL;
  memset (crop->pixels, GREY, 3 * (gsize) side * side);
  for (int y = MAX (window.y, 0);
       y < MIN (window.y + window.side, (int) picture->height) && x0 < x1; y++)
    memcpy (crop->pixels + 3 * ((gsize) (y - window.y) * side + (gsize) (x0 - window.x)),
        picture->pixels + 3 * ((gsize) y * picture->width + (gsize) x0), 3 * (gsize) (x1 - x0));
  return crop;
}

/* A class may be called "1/2 pint", a folder not. */
static char *
folder_of (const Crops *crops, const char *label)
{
  g_autofree char *name = g_strdelimit (g_strdup (label), "/", '_');

  return g_build_filename (crops->folder, name, NULL);
}

static gboolean
write_crop (Crops *crops, const Picture *picture, Window window, const char *label, GError **error)
{
  const guint number = GPOINTER_TO_UINT (g_hash_table_lookup (crops->numbers, label));
  g_autofree char *folder = folder_of (crops, label);
  g_autofree char *path = g_strdup_printf ("%s/%06u.jpg", folder, number);
  g_autoptr (Picture) crop = cut (picture, window, error);

  if (crop == NULL || (number == 0 && !file_make_folder (folder, error)))
    return FALSE;
  g_hash_table_insert (crops->numbers, g_strdup (label), GUINT_TO_POINTER (number + 1));
  g_autoptr (Picture) scaled = picture_scaled (crop, crops->side, crops->side, error);
  return scaled != NULL && picture_write_jpeg (scaled, QUALITY, path, error);
}

static gboolean
write_objects (Crops *crops, const Picture *picture, const GPtrArray *objects, GError **error)
{
  for (guint i = 0; i < objects->len; i++) {
    const LabelObject *o = objects->pdata[i];
    const double longer = fmax (o->x1 - o->x0, o->y1 - o->y0);
    const double side = fmin (fmax (crops->side, (1 + MARGIN) * longer), PICTURE_MAX_SIDE);
    const Window window = { (int) floor ((o->x0 + o->x1 - side) / 2),
      (int) floor ((o->y0 + o->y1 - side) / 2), (int) ceil (side) };
    if (longer >= MIN_SIDE && !write_crop (crops, picture, window, o->label, error))
      return FALSE;
  }
  return TRUE;
}

/* The same places for the same picture. */
static gboolean
write_nothing (Crops *crops, const Picture *picture, guint64 seed, GError **error)
{
  for (guint i = 0; i < N_OF_NOTHING; i++) {
    double throws[3];
    for (guint k = 0; k < G_N_ELEMENTS (throws); k++)
      throws[k] = random_unit (random_mix (seed + (3 * i + k + 1) * RANDOM_STEP));
    const double side = crops->side * (1 + throws[2] * (LARGEST_OF_NOTHING - 1));
    const Window window = { (int) (throws[0] * fmax (picture->width - side, 0)),
      (int) (throws[1] * fmax (picture->height - side, 0)), (int) side };
    if (!write_crop (crops, picture, window, CROPS_NOTHING, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
crops_write (const LabelSet *set, const gboolean *flags, gboolean flag, guint side,
    const char *folder, GError **error)
{
  g_autoptr (GHashTable) numbers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Crops crops = { folder, side, numbers };
  gboolean written = TRUE;

  for (guint i = 0; written && i < set->pictures->len; i++) {
    const LabelPicture *labels = set->pictures->pdata[i];
    if (flags[i] != flag)
      continue;
    g_autoptr (Picture) picture = picture_read (labels->path, error);
    written = picture != NULL
        && (labels->objects->len > 0 ? write_objects (&crops, picture, labels->objects, error)
                                     : write_nothing (&crops, picture, i, error));
  }
  return written;
}
