/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Smooth random fields.
 */
#include "noise.h"

/* Where a pixel lies between two columns of the grid. */
typedef struct {
  guint column;
  float share;
} Between;

static Between
between (guint pixel, double cell)
{
  const double position = pixel / cell;
  const guint column = (guint) position;
  const float part = (float) (position - column);

  return (Between){ column, part * part * (3 - 2 * part) };
}

static void
add_octave (float *field, guint width, guint height, Dice *dice, double cell_x, double cell_y,
    float strength)
{
  const guint columns = (guint) (width / cell_x) + 2, rows = (guint) (height / cell_y) + 2;
  g_autofree float *grid = g_new (float, (gsize) columns *rows);
  g_autofree float *line = g_new (float, columns);
  g_autofree Between *places = g_new (Between, width);

  for (gsize i = 0; i < (gsize) columns * rows; i++)
    grid[i] = strength * (float) dice_between (dice, 0, 1);
  for (guint x = 0; x < width; x++)
    places[x] = between (x, cell_x);
  for (guint y = 0; y < height; y++) {
    const Between row = between (y, cell_y);
    const float *upper = grid + (gsize) row.column * columns, *lower = upper + columns;
    for (guint i = 0; i < columns; i++)
      line[i] = upper[i] + row.share * (lower[i] - upper[i]);
    float *out = field + (gsize) y * width;
    for (guint x = 0; x < width; x++) {
      const float *left = line + places[x].column;
      out[x] += left[0] + places[x].share * (left[1] - left[0]);
    }
  }
}

float *
noise_new (Dice *dice, guint width, guint height, double cell_x, double cell_y, guint octaves)
{
  float *field = g_new0 (float, (gsize) width *height);
  float strength = 0.5f / (1 - 1.0f / (1u << octaves));

  for (guint i = 0; i < octaves; i++, strength /= 2, cell_x /= 2, cell_y /= 2)
    add_octave (field, width, height, dice, MAX (cell_x, 1), MAX (cell_y, 1), strength);
  return field;
}
