/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The mask of an object in training.
 */
#include "objectmask.h"

#include <math.h>
#include <string.h>

#include "fbnet/fbnet.h"

void
object_mask_free (ObjectMask *mask)
{
  if (mask == NULL)
    return;
  g_free (mask->n_points);
  g_free (mask->points);
  rle_mask_free (mask->runs);
  g_free (mask->bits);
  g_free (mask);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static gboolean
append_polygon (GArray *points, GArray *n_points, const cJSON *polygon, guint *n_left_out,
    const char *where, GError **error)
{
  const guint before = points->len;

  if (!polygon_is_whole (polygon)) {
    (*n_left_out)++;
    return TRUE;
  }
  if (!polygon_append (points, polygon, where, error))
    return FALSE;
  const guint n = (points->len - before) / 2;
  g_array_append_val (n_points, n);
  return TRUE;
}

static gboolean
append_polygons (GArray *points, GArray *n_points, const cJSON *polygons, guint *n_left_out,
    const char *where, GError **error)
{
  const cJSON *polygon;

  if (polygon_is_alone (polygons))
    return append_polygon (points, n_points, polygons, n_left_out, where, error);
  cJSON_ArrayForEach (polygon, polygons)
  {
    if (!append_polygon (points, n_points, polygon, n_left_out, where, error))
      return FALSE;
  }
  return TRUE;
}

static ObjectMask *
read_polygons (const cJSON *polygons, guint *n_left_out, const char *where, GError **error)
{
  g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) n_points = g_array_new (FALSE, FALSE, sizeof (guint));

  if (!append_polygons (points, n_points, polygons, n_left_out, where, error))
    return NULL;
  if (n_points->len == 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: segmentation: expected a polygon of at least three points, found none", where);
    return NULL;
  }
  ObjectMask *mask = g_new0 (ObjectMask, 1);
  mask->n_polygons = n_points->len;
  mask->n_points = (guint *) g_array_free (g_steal_pointer (&n_points), FALSE);
  mask->points = (double *) g_array_free (g_steal_pointer (&points), FALSE);
  return mask;
}

ObjectMask *
object_mask_read (const cJSON *segmentation, guint *n_left_out, const char *where, GError **error)
{
  if (cJSON_IsArray (segmentation))
    return read_polygons (segmentation, n_left_out, where, error);
  g_autoptr (RleMask) runs = rle_mask_from_json (segmentation, 0, 0, where, error);
  if (runs == NULL)
    return NULL;
  if (rle_mask_area (runs) == 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: segmentation: expected runs with pixels, found none", where);
    return NULL;
  }
  ObjectMask *mask = g_new0 (ObjectMask, 1);
  mask->width = runs->width;
  mask->height = runs->height;
  mask->runs = g_steal_pointer (&runs);
  return mask;
}

/* --- From the picture to the sample ----------------------------------------------------------- */

static guint
count_points (const ObjectMask *mask)
{
  guint n = 0;

  for (guint i = 0; i < mask->n_polygons; i++)
    n += mask->n_points[i];
  return n;
}

static ObjectMask *
augment_polygons (const ObjectMask *mask, const Augmentation *augmentation)
{
  ObjectMask *moved = g_new0 (ObjectMask, 1);
  const guint n = count_points (mask);

  moved->n_polygons = mask->n_polygons;
  moved->n_points = g_memdup2 (mask->n_points, mask->n_polygons * sizeof (guint));
  moved->points = g_memdup2 (mask->points, 2 * n * sizeof (double));
  for (guint i = 0; i < n; i++)
    augment_point (augmentation, &moved->points[2 * i], &moved->points[2 * i + 1]);
  return moved;
}

static guint8 *
bits_new (guint width, guint height, GError **error)
{
  guint8 *bits = g_try_malloc0_n (width, height);

  if (bits == NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "mask: no memory for %u×%u pixels", width,
        height);
  return bits;
}

static ObjectMask *
augment_runs (const ObjectMask *mask, const Augmentation *augmentation, GError **error)
{
  g_autofree guint8 *pixels = bits_new (mask->width, mask->height, error);

  if (pixels == NULL)
    return NULL;
  rle_mask_paint (mask->runs, pixels);
  guint8 *bits = bits_new (augmentation->network_width, augmentation->network_height, error);
  if (bits == NULL)
    return NULL;
  augment_bits (augmentation, bits, pixels, mask->width, mask->height);
  ObjectMask *moved = g_new0 (ObjectMask, 1);
  moved->bits = bits;
  moved->width = augmentation->network_width;
  moved->height = augmentation->network_height;
  return moved;
}

ObjectMask *
object_mask_augment (const ObjectMask *mask, const Augmentation *augmentation, GError **error)
{
  return mask->runs != NULL ? augment_runs (mask, augmentation, error)
                            : augment_polygons (mask, augmentation);
}

/* --- Bounds ----------------------------------------------------------------------------------- */

static void
include (Box *bounds, double x, double y)
{
  bounds->x0 = fminf (bounds->x0, (float) x);
  bounds->y0 = fminf (bounds->y0, (float) y);
  bounds->x1 = fmaxf (bounds->x1, (float) x);
  bounds->y1 = fmaxf (bounds->y1, (float) y);
}

/* Narrows [*first, *last] to where from + t × by is in [0, limit]. */
static gboolean
narrow (double from, double by, double limit, double *first, double *last)
{
  if (by == 0)
    return from >= 0 && from <= limit;
  const double a = -from / by, b = (limit - from) / by;
  *first = fmax (*first, fmin (a, b));
  *last = fmin (*last, fmax (a, b));
  return *first <= *last;
}

/* What of an edge lies in the picture (Liang and Barsky). */
static void
include_edge (Box *bounds, const double *from, const double *to, double width, double height)
{
  const double dx = to[0] - from[0], dy = to[1] - from[1];
  double first = 0, last = 1;

  if (!narrow (from[0], dx, width, &first, &last) || !narrow (from[1], dy, height, &first, &last))
    return;
  include (bounds, CLAMP (from[0] + first * dx, 0, width), CLAMP (from[1] + first * dy, 0, height));
  include (bounds, CLAMP (from[0] + last * dx, 0, width), CLAMP (from[1] + last * dy, 0, height));
}

/* By the edges that a ray to the right crosses. */
static gboolean
polygon_holds (const double *points, guint n, double x, double y)
{
  gboolean inside = FALSE;

  for (guint i = 0; i < n; i++) {
    const double *a = points + 2 * i, *b = points + 2 * ((i + 1) % n);
    if ((a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
      inside = !inside;
  }
  return inside;
}

/* The polygon and the picture cut each other: what both hold is bounded by the outline's parts in
 * the picture and the picture's corners in the outline. */
static void
include_polygon (Box *bounds, const double *points, guint n, double width, double height)
{
  for (guint i = 0; i < n; i++)
    include_edge (bounds, points + 2 * i, points + 2 * ((i + 1) % n), width, height);
  const double corners[4][2] = { { 0, 0 }, { width, 0 }, { 0, height }, { width, height } };
  for (guint i = 0; i < 4; i++)
    if (polygon_holds (points, n, corners[i][0], corners[i][1]))
      include (bounds, corners[i][0], corners[i][1]);
}

static void
include_bits (Box *bounds, const ObjectMask *mask)
{
  const guint8 *bit = mask->bits;

  for (guint y = 0; y < mask->height; y++)
    for (guint x = 0; x < mask->width; x++)
      if (*bit++) {
        include (bounds, x, y);
        include (bounds, x + 1, y + 1);
      }
}

gboolean
object_mask_bounds (const ObjectMask *mask, float width, float height, Box *bounds)
{
  *bounds = (Box){ INFINITY, INFINITY, -INFINITY, -INFINITY };
  const double *points = mask->points;
  for (guint i = 0; i < mask->n_polygons; points += 2 * mask->n_points[i++])
    include_polygon (bounds, points, mask->n_points[i], width, height);
  if (mask->bits != NULL)
    include_bits (bounds, mask);
  return bounds->x0 < bounds->x1 && bounds->y0 < bounds->y1;
}

/* --- Crops of polygons ------------------------------------------------------------------------ */

/* Below this a box's side counts as this long, as detectron2 has it. */
#define MIN_BOX_SIDE 0.1f

/* Kept to what can be rasterised: further away than any picture, and thousands of boxes from the
 * one that is cropped. */
static double
to_cell (double coordinate, float start, double scale)
{
  return CLAMP ((coordinate - start) * scale, -RLE_MASK_MAX_COORDINATE, RLE_MASK_MAX_COORDINATE);
}

static void
crop_polygon (const double *points, guint n, const Box *box, guint side, guint8 *columns)
{
  g_autofree double *moved = g_new (double, 2 * n);
  const double scale_x = side / (double) fmaxf (box->x1 - box->x0, MIN_BOX_SIDE);
  const double scale_y = side / (double) fmaxf (box->y1 - box->y0, MIN_BOX_SIDE);

  for (guint i = 0; i < n; i++) {
    moved[2 * i] = to_cell (points[2 * i], box->x0, scale_x);
    moved[2 * i + 1] = to_cell (points[2 * i + 1], box->y0, scale_y);
  }
  g_autoptr (RleMask) mask = rle_mask_from_polygon (moved, n, side, side, "mask", NULL);
  if (mask != NULL) /* always: size and coordinates are in bounds */
    rle_mask_paint (mask, columns);
}

/* --- Crops of bits ---------------------------------------------------------------------------- */

/* torchvision's bilinear_interpolate, in float32 and in its order. */
static float
sample_bits (const ObjectMask *mask, float y, float x)
{
  const gint height = (gint) mask->height, width = (gint) mask->width;

  if (y < -1 || y > (float) height || x < -1 || x > (float) width)
    return 0;
  y = fmaxf (y, 0);
  x = fmaxf (x, 0);
  gint y0 = (gint) y, x0 = (gint) x;
  if (y0 >= height - 1) {
    y0 = height - 1;
    y = (float) y0;
  }
  if (x0 >= width - 1) {
    x0 = width - 1;
    x = (float) x0;
  }
  const gint y1 = MIN (y0 + 1, height - 1), x1 = MIN (x0 + 1, width - 1);
  const float ly = y - (float) y0, lx = x - (float) x0, hy = 1 - ly, hx = 1 - lx;
  const guint8 *upper = mask->bits + (gsize) y0 * mask->width;
  const guint8 *lower = mask->bits + (gsize) y1 * mask->width;
  return hy * hx * upper[x0] + hy * lx * upper[x1] + ly * hx * lower[x0] + ly * lx * lower[x1];
}

/* The samples of one side of a cell. */
typedef struct {
  float start, cell;
  gint n;
} CropAxis;

static CropAxis
crop_axis (float from, float to, guint side)
{
  const float start = from - 0.5f;
  const float length = (to - 0.5f) - start;

  return (CropAxis){ start, length / (float) side, (gint) ceilf (length / (float) side) };
}

static float
crop_at (const CropAxis *axis, guint cell, gint sample)
{
  return axis->start + (float) cell * axis->cell
      + ((float) sample + 0.5f) * axis->cell / (float) axis->n;
}

/* ROIAlign with aligned = True, scale 1 and as many samples as the box has pixels. */
static void
crop_bits (const ObjectMask *mask, const Box *box, guint side, guint8 *target)
{
  const CropAxis across = crop_axis (box->x0, box->x1, side);
  const CropAxis down = crop_axis (box->y0, box->y1, side);
  const gint count = MAX (across.n * down.n, 1);

  for (guint row = 0; row < side; row++)
    for (guint column = 0; column < side; column++) {
      float sum = 0;
      for (gint i = 0; i < down.n; i++)
        for (gint j = 0; j < across.n; j++)
          sum += sample_bits (mask, crop_at (&down, row, i), crop_at (&across, column, j));
      target[row * side + column] = sum / (float) count >= 0.5f;
    }
}

void
object_mask_crop (const ObjectMask *mask, const Box *box, guint side, guint8 *target)
{
  if (mask->bits != NULL) {
    crop_bits (mask, box, side, target);
    return;
  }
  memset (target, 0, (gsize) side * side);
  const double *points = mask->points;
  for (guint i = 0; i < mask->n_polygons; points += 2 * mask->n_points[i++])
    crop_polygon (points, mask->n_points[i], box, side, target);
}
