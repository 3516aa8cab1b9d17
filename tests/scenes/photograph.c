/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The printed sheet as a webcam sees it.
 */
#include "photograph.h"

#include <math.h>
#include <string.h>

/* Of 255, of the darkest of the three colours. */
#define PAPER_LEVEL 200
/* From one code's middle to the next, and no further than to its name, in pixels of the preview. */
#define CELL      255
#define REACH     100
#define N_SAMPLES 3 /* across a pixel */

/* --- The sheet -------------------------------------------------------------------------------- */

static gboolean
is_ink (const Picture *sheet, gsize pixel)
{
  const guint8 *rgb = sheet->pixels + 3 * pixel;

  return MIN (rgb[0], MIN (rgb[1], rgb[2])) < PAPER_LEVEL;
}

/* The ink within REACH pixels of a cell's middle, as x0, y0, x1, y1 with the ends. */
static void
find_code (const Picture *sheet, guint middle_x, guint middle_y, guint box[4])
{
  box[0] = box[1] = G_MAXUINT;
  box[2] = box[3] = 0;
  for (guint y = middle_y - REACH; y <= middle_y + REACH; y++)
    for (guint x = middle_x - REACH; x <= middle_x + REACH; x++) {
      if (!is_ink (sheet, (gsize) y * sheet->width + x))
        continue;
      box[0] = MIN (box[0], x);
      box[1] = MIN (box[1], y);
      box[2] = MAX (box[2], x);
      box[3] = MAX (box[3], y);
    }
  if (box[0] > box[2])
    g_error ("expected a code at %u, %u of the sheet, found blank paper", middle_x, middle_y);
}

guint8 *
sheet_label (const Picture *sheet)
{
  guint8 *labels = g_new0 (guint8, (gsize) sheet->width * sheet->height);

  for (guint i = 0; i < PHOTOGRAPH_N_CODES; i++) {
    guint box[4];
    find_code (sheet, sheet->width / 2 + (i % 2 ? CELL / 2 : -CELL / 2),
        sheet->height / 2 - 10 + (i / 2) * CELL - CELL, box);
    for (guint y = box[1]; y <= box[3]; y++)
      memset (labels + (gsize) y * sheet->width + box[0], (int) i + 1, box[2] - box[0] + 1);
  }
  return labels;
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
