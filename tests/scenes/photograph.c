/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The printed sheet as a webcam sees it.
 */
#include "photograph.h"

#include <math.h>
#include <string.h>

/* Of 255, of the darkest of the three colours. */
#define PAPER_LEVEL 200
/* Letters have fewer pixels. */
#define MIN_SYMBOL_AREA 2000
#define N_SAMPLES       3 /* across a pixel */

/* --- The sheet -------------------------------------------------------------------------------- */

static gboolean
is_ink (const Picture *sheet, gsize pixel)
{
  const guint8 *rgb = sheet->pixels + 3 * pixel;

  return MIN (rgb[0], MIN (rgb[1], rgb[2])) < PAPER_LEVEL;
}

/* Gives the connected pixels of ink around `start` the label `label`; returns how many. */
static guint
flood (const Picture *sheet, guint16 *labels, gsize start, guint16 label)
{
  g_autoptr (GArray) open = g_array_new (FALSE, FALSE, sizeof (gsize));
  guint n = 0;

  labels[start] = label;
  g_array_append_val (open, start);
  while (open->len > 0) {
    const gsize pixel = g_array_index (open, gsize, open->len - 1);
    const gsize x = pixel % sheet->width, y = pixel / sheet->width;
    const gsize around[] = { x > 0 ? pixel - 1 : pixel, x + 1 < sheet->width ? pixel + 1 : pixel,
      y > 0 ? pixel - sheet->width : pixel, y + 1 < sheet->height ? pixel + sheet->width : pixel };
    g_array_set_size (open, open->len - 1);
    n++;
    for (guint i = 0; i < G_N_ELEMENTS (around); i++) {
      if (labels[around[i]] != 0 || !is_ink (sheet, around[i]))
        continue;
      labels[around[i]] = label;
      g_array_append_val (open, around[i]);
    }
  }
  return n;
}

typedef struct {
  guint16 label;
  double x, y; /* the middle */
} Blob;

static Blob
find_middle (const Picture *sheet, const guint16 *labels, guint16 label)
{
  double x = 0, y = 0, n = 0;

  for (gsize i = 0; i < (gsize) sheet->width * sheet->height; i++)
    if (labels[i] == label) {
      x += (double) (i % sheet->width);
      y += (double) (i / sheet->width);
      n++;
    }
  return (Blob){ label, x / n, y / n };
}

static gint
compare_rows (gconstpointer a, gconstpointer b)
{
  const Blob *left = a, *right = b;

  return (left->y > right->y) - (left->y < right->y);
}

/* Along the rows: sorted downwards, then each pair from left to right. */
static void
sort_blobs (GArray *blobs)
{
  g_array_sort (blobs, compare_rows);
  for (guint i = 0; i + 1 < blobs->len; i += 2) {
    Blob *pair = &g_array_index (blobs, Blob, i);
    const Blob first = pair[0];
    if (pair[0].x <= pair[1].x)
      continue;
    pair[0] = pair[1];
    pair[1] = first;
  }
}

guint8 *
sheet_label (const Picture *sheet)
{
  const gsize n = (gsize) sheet->width * sheet->height;
  g_autofree guint16 *labels = g_new0 (guint16, n);
  g_autoptr (GArray) blobs = g_array_new (FALSE, FALSE, sizeof (Blob));
  guint16 label = 0;

  for (gsize i = 0; i < n; i++) {
    if (labels[i] != 0 || !is_ink (sheet, i))
      continue;
    if (flood (sheet, labels, i, ++label) < MIN_SYMBOL_AREA)
      continue;
    const Blob blob = find_middle (sheet, labels, label);
    g_array_append_val (blobs, blob);
  }
  if (blobs->len != PHOTOGRAPH_N_SYMBOLS)
    g_error ("expected %d symbols on the sheet, found %u", PHOTOGRAPH_N_SYMBOLS, blobs->len);
  sort_blobs (blobs);
  guint8 *symbols = g_new0 (guint8, n);
  for (gsize i = 0; i < n; i++)
    for (guint j = 0; j < blobs->len; j++)
      if (labels[i] == g_array_index (blobs, Blob, j).label)
        symbols[i] = (guint8) (j + 1);
  return symbols;
}

/* --- The map ---------------------------------------------------------------------------------- */

/* Solves the n equations whose coefficients and right sides are the rows, by elimination. */
static void
solve (double rows[8][9], guint n)
{
  for (guint column = 0; column < n; column++) {
    guint best = column;
    for (guint row = column; row < n; row++)
      if (fabs (rows[row][column]) > fabs (rows[best][column]))
        best = row;
    for (guint i = 0; i <= n; i++) {
      const double kept = rows[column][i];
      rows[column][i] = rows[best][i];
      rows[best][i] = kept;
    }
    g_assert_cmpfloat (fabs (rows[column][column]), >, 1e-12);
    for (guint row = 0; row < n; row++) {
      const double factor = row == column ? 0 : rows[row][column] / rows[column][column];
      for (guint i = column; i <= n; i++)
        rows[row][i] -= factor * rows[column][i];
    }
  }
  for (guint row = 0; row < n; row++)
    rows[row][n] /= rows[row][row];
}

/* The projective map from the photograph to the sheet, from four pairs of corners: two equations each
 * for its eight numbers. */
static void
find_map (double map[8], const PhotoPoint corners[4], double width, double height)
{
  const PhotoPoint sheet[] = { { 0, 0 }, { width, 0 }, { width, height }, { 0, height } };
  double rows[8][9];

  for (guint i = 0; i < 4; i++) {
    const double x = corners[i].x, y = corners[i].y, u = sheet[i].x, v = sheet[i].y;
    const double first[] = { x, y, 1, 0, 0, 0, -u * x, -u * y, u };
    const double second[] = { 0, 0, 0, x, y, 1, -v * x, -v * y, v };
    memcpy (rows[2 * i], first, sizeof first);
    memcpy (rows[2 * i + 1], second, sizeof second);
  }
  solve (rows, 8);
  for (guint i = 0; i < 8; i++)
    map[i] = rows[i][8];
}

/* The sheet's pixel there; −1: beside the sheet. */
static gssize
look (const double map[8], const Picture *sheet, double x, double y)
{
  const double depth = map[6] * x + map[7] * y + 1;
  const double u = (map[0] * x + map[1] * y + map[2]) / depth;
  const double v = (map[3] * x + map[4] * y + map[5]) / depth;

  if (!(depth > 0) || !(u >= 0) || !(v >= 0) || u >= sheet->width || v >= sheet->height)
    return -1;
  return (gssize) v * sheet->width + (gssize) u;
}

static guint8
to_byte (double value)
{
  return (guint8) (CLAMP (value, 0, 255) + 0.5);
}

guint8 *
photograph_sheet (Picture *photo, const Picture *sheet, const guint8 *labels,
    const PhotoPoint corners[4], double gain)
{
  double map[8];

  find_map (map, corners, sheet->width, sheet->height);
  guint8 *seen = g_new0 (guint8, (gsize) photo->width * photo->height);
  for (guint y = 0; y < photo->height; y++)
    for (guint x = 0; x < photo->width; x++) {
      const gsize pixel = (gsize) y * photo->width + x;
      double sum[3] = { 0 };
      for (guint i = 0; i < N_SAMPLES * N_SAMPLES; i++) {
        const gssize there = look (map, sheet, x + (i % N_SAMPLES + 0.5) / N_SAMPLES,
            y + (i / N_SAMPLES + 0.5) / N_SAMPLES);
        for (guint channel = 0; channel < 3; channel++)
          sum[channel] += there < 0 ? photo->pixels[3 * pixel + channel]
                                    : gain * sheet->pixels[3 * there + channel];
      }
      const gssize middle = look (map, sheet, x + 0.5, y + 0.5);
      seen[pixel] = middle < 0 ? 0 : labels[middle];
      for (guint channel = 0; channel < 3; channel++)
        photo->pixels[3 * pixel + channel] = to_byte (sum[channel] / (N_SAMPLES * N_SAMPLES));
    }
  return seen;
}

/* --- The camera ------------------------------------------------------------------------------- */

Picture *
photograph_room (guint width, guint height, guint32 seed)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  Picture *photo = picture_new (width, height, "a room", &error);

  g_assert_no_error (error);
  double wave[6], tint[3];
  for (guint i = 0; i < G_N_ELEMENTS (wave); i++)
    wave[i] = g_rand_double_range (rand, 0, 0.03);
  for (guint i = 0; i < G_N_ELEMENTS (tint); i++)
    tint[i] = g_rand_double_range (rand, 70, 150);
  const double wall = g_rand_double_range (rand, 0.5, 0.8) * height;
  const double door = g_rand_double_range (rand, 0, 0.9) * width;
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++) {
      const double shade = 20 * sin (wave[0] * x + wave[1] * y)
          + 12 * sin (wave[2] * x - wave[3] * y) + (y > wall ? -35 : 0)
          + (fabs (x - door) < 0.06 * width && y < wall ? 45 : 0);
      for (guint channel = 0; channel < 3; channel++)
        photo->pixels[3 * ((gsize) y * width + x) + channel] = to_byte (tint[channel] + shade);
    }
  return photo;
}

static void
blur (Picture *photo)
{
  const gint width = (gint) photo->width, height = (gint) photo->height;
  g_autofree guint8 *sharp = g_memdup2 (photo->pixels, (gsize) 3 * width * height);

  for (gint y = 1; y + 1 < height; y++)
    for (gint x = 3; x < 3 * (width - 1); x++) {
      guint sum = 0;
      for (gint down = -1; down <= 1; down++)
        for (gint right = -3; right <= 3; right += 3)
          sum += sharp[(gsize) (y + down) * 3 * width + x + right];
      photo->pixels[(gsize) y * 3 * width + x] = (guint8) ((sum + 4) / 9);
    }
}

void
photograph_spoil (Picture *photo, guint n_blurs, guint noise, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

  for (guint i = 0; i < n_blurs; i++)
    blur (photo);
  for (gsize i = 0; i < (gsize) 3 * photo->width * photo->height; i++)
    photo->pixels[i] =
        to_byte (photo->pixels[i] + g_rand_int_range (rand, -(gint) noise, (gint) noise + 1));
}

gboolean
photograph_box (const guint8 *labels, guint width, guint height, guint8 symbol, gdouble box[4])
{
  box[0] = width;
  box[1] = height;
  box[2] = box[3] = 0;
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++) {
      if (labels[(gsize) y * width + x] != symbol)
        continue;
      box[0] = fmin (box[0], x);
      box[1] = fmin (box[1], y);
      box[2] = fmax (box[2], x + 1);
      box[3] = fmax (box[3], y + 1);
    }
  return box[2] > box[0];
}
