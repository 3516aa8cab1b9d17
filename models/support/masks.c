/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Masks as runs: read, written, joined, measured, compared.
 */
#include "masks.h"

#include <math.h>

#include "jsonfile.h"

static gboolean
refuse (GError **error, const char *where, const char *expected, const char *found)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: segmentation: expected %s, found %s",
      where, expected, found);
  return FALSE;
}

static gboolean
check_size (double width, double height, const char *where, GError **error)
{
  if (width >= 1 && height >= 1 && width * height <= PICTURE_MAX_PIXELS)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: segmentation: expected a picture of 1 to %d pixels, found %g×%g", where,
      PICTURE_MAX_PIXELS, width, height);
  return FALSE;
}

/* Takes the runs. */
static RleMask *
mask_new (guint width, guint height, GArray *runs)
{
  RleMask *mask = g_new (RleMask, 1);

  *mask = (RleMask){ .width = width, .height = height, .n_runs = runs->len };
  mask->runs = (guint32 *) g_array_free (runs, FALSE);
  return mask;
}

void
rle_mask_free (RleMask *mask)
{
  if (mask == NULL)
    return;
  g_free (mask->runs);
  g_free (mask);
}

/* --- Two masks at once ------------------------------------------------------------------------ */

/* Walks along a mask; past its end it stands on an endless stretch of what came last. */
typedef struct {
  const RleMask *mask;
  guint next;   /* run */
  guint32 left; /* of the one before it */
  gboolean set;
} Walk;

static Walk
walk_new (const RleMask *mask)
{
  return (Walk){ mask, 1, mask->runs[0], FALSE };
}

static void
walk_on (Walk *walk, guint32 n)
{
  walk->left -= n;
  while (walk->left == 0 && walk->next < walk->mask->n_runs) {
    walk->left = walk->mask->runs[walk->next++];
    walk->set = !walk->set;
  }
}

/* The next stretch on which neither mask changes; 0 at the end. */
static guint32
common_stretch (Walk *a, Walk *b)
{
  walk_on (a, 0);
  walk_on (b, 0);
  return MIN (a->left, b->left);
}

/* The pixels of either mask, both of one size. */
static RleMask *
join (const RleMask *a, const RleMask *b)
{
  GArray *runs = g_array_new (FALSE, FALSE, sizeof (guint32));
  Walk walk_a = walk_new (a), walk_b = walk_new (b);
  gboolean value = FALSE;
  guint32 run = 0, n;

  while ((n = common_stretch (&walk_a, &walk_b)) > 0) {
    if ((walk_a.set || walk_b.set) != value) {
      g_array_append_val (runs, run);
      run = 0;
      value = !value;
    }
    run += n;
    walk_on (&walk_a, n);
    walk_on (&walk_b, n);
  }
  g_array_append_val (runs, run);
  return mask_new (a->width, a->height, runs);
}

double
rle_mask_overlap (const RleMask *mask, const RleMask *object, gboolean crowd)
{
  if (mask->width != object->width || mask->height != object->height)
    return 0;
  Walk a = walk_new (mask), b = walk_new (object);
  guint64 both = 0, either = 0;
  guint32 n;
  while ((n = common_stretch (&a, &b)) > 0) {
    both += a.set && b.set ? n : 0;
    either += a.set || b.set ? n : 0;
    walk_on (&a, n);
    walk_on (&b, n);
  }
  if (both == 0)
    return 0;
  return (double) both / (double) (crowd ? rle_mask_area (mask) : either);
}

/* --- One mask --------------------------------------------------------------------------------- */

void
rle_mask_paint (const RleMask *mask, guint8 *pixels)
{
  guint32 place = 0; /* counted down the columns */

  for (guint i = 0; i < mask->n_runs; i++)
    for (guint32 left = mask->runs[i]; left > 0; left--, place++)
      if (i % 2 == 1)
        pixels[(gsize) (place % mask->height) * mask->width + place / mask->height] = 1;
}

guint64
rle_mask_area (const RleMask *mask)
{
  guint64 area = 0;

  for (guint i = 1; i < mask->n_runs; i += 2)
    area += mask->runs[i];
  return area;
}

void
rle_mask_bounds (const RleMask *mask, double bounds[4])
{
  guint x0 = mask->width, y0 = mask->height, x1 = 0, y1 = 0; /* the last two one further */
  guint32 start = 0;

  for (guint i = 0; i < mask->n_runs; start += mask->runs[i++]) {
    if (i % 2 == 0 || mask->runs[i] == 0)
      continue;
    const guint32 last = start + mask->runs[i] - 1;
    const gboolean whole_columns = start / mask->height != last / mask->height;
    x0 = MIN (x0, start / mask->height);
    x1 = MAX (x1, last / mask->height + 1);
    y0 = whole_columns ? 0 : MIN (y0, start % mask->height);
    y1 = whole_columns ? mask->height : MAX (y1, last % mask->height + 1);
  }
  const gboolean empty = x1 == 0;
  bounds[0] = empty ? 0 : x0;
  bounds[1] = empty ? 0 : y0;
  bounds[2] = empty ? 0 : x1 - x0;
  bounds[3] = empty ? 0 : y1 - y0;
}

/* --- Detections ------------------------------------------------------------------------------- */

typedef struct {
  GArray *runs;   /* guint32, finished */
  guint32 length; /* of the one that is growing */
  gboolean value; /* its pixels' */
} RunWriter;

static void
finish_run (RunWriter *writer)
{
  g_array_append_val (writer->runs, writer->length);
  writer->length = 0;
  writer->value = !writer->value;
}

static void
add_run (RunWriter *writer, gboolean value, guint32 length)
{
  if (length == 0)
    return;
  if (value != writer->value)
    finish_run (writer);
  writer->length += length;
}

static void
add_column (RunWriter *writer, const FbnetMask *mask, gint column)
{
  const guint8 *pixel = mask->data + column;

  for (gint y = 0; y < mask->height; y++, pixel += mask->width)
    add_run (writer, *pixel != 0, 1);
}

RleMask *
rle_mask_from_detection (const FbnetMask *mask, guint frame_width, guint frame_height)
{
  g_return_val_if_fail (frame_width > 0 && frame_height > 0, NULL);
  RunWriter writer = { .runs = g_array_new (FALSE, FALSE, sizeof (guint32)) };

  guint columns_left = frame_width;
  if (mask->data != NULL && mask->width > 0 && mask->height > 0) {
    const guint above = (guint) mask->y, below = frame_height - above - (guint) mask->height;
    add_run (&writer, FALSE, (guint) mask->x * frame_height);
    for (gint column = 0; column < mask->width; column++) {
      add_run (&writer, FALSE, above);
      add_column (&writer, mask, column);
      add_run (&writer, FALSE, below);
    }
    columns_left -= (guint) (mask->x + mask->width);
  }
  add_run (&writer, FALSE, columns_left * frame_height);
  finish_run (&writer);
  return mask_new (frame_width, frame_height, writer.runs);
}

/* --- Polygons --------------------------------------------------------------------------------- */

#define SCALE 5 /* points a pixel along the outline */
/* Bounds the time that an edge takes. */
#define MAX_COORDINATE RLE_MASK_MAX_COORDINATE

typedef struct {
  guint width, height;
  GArray *crossings; /* guint32: where, counted down the columns, inside and outside change */
  gint x, y;         /* the outline's last point */
  gboolean started;
} Outline;

/* Between two points of the outline in neighbouring columns of the fine grid; where the middle of a
 * column of pixels lies there, the outline crosses it. */
static void
add_crossing (Outline *outline, gint x, gint y)
{
  const double column = ((x < outline->x ? x : x - 1) + 0.5) / SCALE - 0.5;

  if (floor (column) != column || column < 0 || column > outline->width - 1.0)
    return;
  const double row = (MIN (y, outline->y) + 0.5) / SCALE - 0.5;
  const double last = outline->height;
  const guint32 crossing =
      (guint32) column * outline->height + (guint32) ceil (CLAMP (row, 0, last));
  g_array_append_val (outline->crossings, crossing);
}

static void
add_point (Outline *outline, gint x, gint y)
{
  if (outline->started && x != outline->x)
    add_crossing (outline, x, y);
  outline->x = x;
  outline->y = y;
  outline->started = TRUE;
}

/* All points of the fine grid along the edge, both ends among them. It is walked from its lower
 * coordinate on and the points are taken in the outline's direction, so that an edge has the same
 * points whichever way it is drawn. */
static void
add_edge (Outline *outline, gint from_x, gint from_y, gint to_x, gint to_y)
{
  const gint dx = abs (to_x - from_x), dy = abs (to_y - from_y);
  const gboolean along_x = dx >= dy;
  const gboolean turned = along_x ? from_x > to_x : from_y > to_y;
  const gint x0 = turned ? to_x : from_x, y0 = turned ? to_y : from_y;
  const gint x1 = turned ? from_x : to_x, y1 = turned ? from_y : to_y;
  const gint n = along_x ? dx : dy;
  const double slope = along_x ? (double) (y1 - y0) / dx : (double) (x1 - x0) / dy;

  for (gint i = 0; i <= n; i++) {
    const gint step = turned ? n - i : i;
    const double across = n > 0 ? slope * step : 0;
    if (along_x)
      add_point (outline, x0 + step, (gint) (y0 + across + 0.5));
    else
      add_point (outline, (gint) (x0 + across + 0.5), y0 + step);
  }
}

static gint
compare_crossings (gconstpointer a, gconstpointer b)
{
  const guint32 left = *(const guint32 *) a, right = *(const guint32 *) b;

  return (left > right) - (left < right);
}

/* From crossing to crossing; two at one place are none. */
static GArray *
runs_between (GArray *crossings, guint32 n_pixels)
{
  GArray *runs = g_array_new (FALSE, FALSE, sizeof (guint32));
  guint32 last = 0, run;

  g_array_sort (crossings, compare_crossings);
  for (guint i = 0; i < crossings->len; i++) {
    const guint32 here = g_array_index (crossings, guint32, i);
    if (i + 1 < crossings->len && here == g_array_index (crossings, guint32, i + 1)) {
      i++;
      continue;
    }
    run = here - last;
    g_array_append_val (runs, run);
    last = here;
  }
  run = n_pixels - last;
  g_array_append_val (runs, run);
  return runs;
}

static gboolean
check_coordinate (double coordinate, const char *where, GError **error)
{
  if (fabs (coordinate) <= MAX_COORDINATE)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: segmentation: expected coordinates from %d to %d, found %g", where, -MAX_COORDINATE,
      MAX_COORDINATE, coordinate);
  return FALSE;
}

static gboolean
check_points (const double *points, guint n_points, const char *where, GError **error)
{
  for (guint i = 0; i < 2 * n_points; i++) {
    if (!check_coordinate (points[i], where, error))
      return FALSE;
  }
  return TRUE;
}

static gint
to_grid (double coordinate)
{
  return (gint) (SCALE * coordinate + 0.5);
}

RleMask *
rle_mask_from_polygon (const double *points, guint n_points, guint width, guint height,
    const char *where, GError **error)
{
  if (!check_size (width, height, where, error) || !check_points (points, n_points, where, error))
    return NULL;
  g_autoptr (GArray) crossings = g_array_new (FALSE, FALSE, sizeof (guint32));
  Outline outline = { .width = width, .height = height, .crossings = crossings };
  for (guint i = 0; i < n_points; i++) {
    const double *from = points + 2 * i, *to = points + 2 * ((i + 1) % n_points);
    add_edge (&outline, to_grid (from[0]), to_grid (from[1]), to_grid (to[0]), to_grid (to[1]));
  }
  return mask_new (width, height, runs_between (crossings, width * height));
}

gboolean
polygon_is_alone (const cJSON *polygons)
{
  return cJSON_IsArray (polygons) && cJSON_IsNumber (polygons->child);
}

gboolean
polygon_is_whole (const cJSON *polygon)
{
  const int n = cJSON_IsArray (polygon) ? cJSON_GetArraySize (polygon) : 0;

  return n >= 6 && n % 2 == 0;
}

gboolean
polygon_append (GArray *points, const cJSON *polygon, const char *where, GError **error)
{
  const cJSON *number;

  cJSON_ArrayForEach (number, polygon)
  {
    if (!cJSON_IsNumber (number))
      return refuse (error, where, "polygons of numbers", "something else");
    if (!check_coordinate (number->valuedouble, where, error))
      return FALSE;
    g_array_append_val (points, number->valuedouble);
  }
  return TRUE;
}

static RleMask *
polygon_from_json (const cJSON *polygon, guint width, guint height, const char *where,
    GError **error)
{
  g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (double));

  if (!polygon_is_whole (polygon)) {
    refuse (error, where, "polygons of at least three points", "a shorter or odd one");
    return NULL;
  }
  if (!polygon_append (points, polygon, where, error))
    return NULL;
  return rle_mask_from_polygon ((const double *) points->data, points->len / 2, width, height,
      where, error);
}

static RleMask *
polygons_from_json (const cJSON *polygons, guint width, guint height, const char *where,
    GError **error)
{
  g_autoptr (RleMask) all = NULL;
  const cJSON *polygon;

  if (polygon_is_alone (polygons))
    return polygon_from_json (polygons, width, height, where, error);
  cJSON_ArrayForEach (polygon, polygons)
  {
    g_autoptr (RleMask) mask = polygon_from_json (polygon, width, height, where, error);
    if (mask == NULL)
      return NULL;
    RleMask *joined = all != NULL ? join (all, mask) : g_steal_pointer (&mask);
    rle_mask_free (all);
    all = joined;
  }
  if (all == NULL)
    refuse (error, where, "at least one polygon", "none");
  return g_steal_pointer (&all);
}

/* --- Runs as a string ------------------------------------------------------------------------- */

/* The format is the one of cocoapi's maskApi.h: each run's length less that of the run two before it (from
 * the fourth on), five bits a character, low bits first, bit 5 for "more follows", the last character's
 * bit 4 the sign, 48 added. */

static void
append_number (GString *text, gint64 number)
{
  gboolean more;

  do {
    guint bits = number & 0x1f;
    number >>= 5; /* arithmetic: the sign stays */
    more = bits & 0x10 ? number != -1 : number != 0;
    if (more)
      bits |= 0x20;
    g_string_append_c (text, (char) (bits + 48));
  } while (more);
}

char *
rle_mask_print (const RleMask *mask)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < mask->n_runs; i++)
    append_number (text, (gint64) mask->runs[i] - (i > 2 ? mask->runs[i - 2] : 0));
  return g_string_free (text, FALSE);
}

/* FALSE: it is cut off, or too long. */
static gboolean
read_number (const char **text, gint64 *number)
{
  *number = 0;
  for (guint shift = 0; shift < 40; shift += 5) {
    const gint bits = **text - 48;
    if (bits < 0 || bits > 63)
      return FALSE;
    (*text)++;
    *number |= (gint64) (bits & 0x1f) << shift;
    if (bits & 0x20)
      continue;
    if (bits & 0x10)
      *number -= (gint64) 1 << (shift + 5);
    return TRUE;
  }
  return FALSE;
}

static gboolean
append_run (GArray *runs, double length, guint64 *total, guint64 n_pixels)
{
  if (!(length >= 0 && length == floor (length) && length <= (double) (n_pixels - *total)))
    return FALSE;
  const guint32 run = (guint32) length;
  g_array_append_val (runs, run);
  *total += run;
  return TRUE;
}

static gboolean
read_string (GArray *runs, const char *text, guint64 *total, guint64 n_pixels)
{
  while (*text) {
    gint64 number;
    if (!read_number (&text, &number))
      return FALSE;
    if (runs->len > 2)
      number += g_array_index (runs, guint32, runs->len - 2);
    if (!append_run (runs, (double) number, total, n_pixels))
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_array (GArray *runs, const cJSON *counts, guint64 *total, guint64 n_pixels)
{
  const cJSON *count;

  cJSON_ArrayForEach (count, counts)
  {
    if (!cJSON_IsNumber (count) || !append_run (runs, count->valuedouble, total, n_pixels))
      return FALSE;
  }
  return TRUE;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static RleMask *
runs_from_json (const cJSON *object, const char *where, GError **error)
{
  double size[2];
  g_autofree char *place = g_strdup_printf ("%s: segmentation", where);

  if (!json_get_numbers (object, "size", size, 2, place, error)
      || !check_size (floor (size[1]), floor (size[0]), where, error))
    return NULL;
  const guint width = (guint) size[1], height = (guint) size[0];
  const cJSON *counts = cJSON_GetObjectItemCaseSensitive (object, "counts");
  g_autoptr (GArray) runs = g_array_new (FALSE, FALSE, sizeof (guint32));
  const guint64 n_pixels = (guint64) width * height;
  guint64 total = 0;
  const gboolean read = cJSON_IsString (counts)
      ? read_string (runs, counts->valuestring, &total, n_pixels)
      : cJSON_IsArray (counts) && read_array (runs, counts, &total, n_pixels);
  if (!read || total != n_pixels) {
    refuse (error, where, "runs that add up to the picture", "others");
    return NULL;
  }
  return mask_new (width, height, g_steal_pointer (&runs));
}

RleMask *
rle_mask_from_json (const cJSON *segmentation, guint width, guint height, const char *where,
    GError **error)
{
  if (cJSON_IsArray (segmentation))
    return polygons_from_json (segmentation, width, height, where, error);
  if (cJSON_IsObject (segmentation))
    return runs_from_json (segmentation, where, error);
  refuse (error, where, "polygons or runs", "something else");
  return NULL;
}

cJSON *
rle_mask_to_json (const RleMask *mask)
{
  const int size[] = { (int) mask->height, (int) mask->width };
  g_autofree char *counts = rle_mask_print (mask);
  cJSON *object = cJSON_CreateObject ();

  cJSON_AddItemToObject (object, "size", cJSON_CreateIntArray (size, 2));
  cJSON_AddStringToObject (object, "counts", counts);
  return object;
}

cJSON *
rle_detection_to_json (const FbnetMask *mask, guint frame_width, guint frame_height)
{
  g_autoptr (RleMask) runs = rle_mask_from_detection (mask, frame_width, frame_height);

  return rle_mask_to_json (runs);
}
