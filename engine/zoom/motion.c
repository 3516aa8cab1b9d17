/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the network saw last, and where a frame differs from it.
 */
#include <stdlib.h>
#include <string.h>

#include "detect/input.h"

#define CELL                                                                                       \
  16 /* network pixels: the least that is told to have moved, the stride of the trunk's last map */

struct _FbnetMotion {
  Buffer pixels;
  gsize height, width; /* 0: nothing was kept */
  FbnetRegion region;
};

FbnetMotion *
fbnet_motion_new (void)
{
  return g_new0 (FbnetMotion, 1);
}

void
fbnet_motion_free (FbnetMotion *motion)
{
  if (motion == NULL)
    return;
  buffer_clear (&motion->pixels);
  g_free (motion);
}

void
fbnet_motion_reset (FbnetMotion *motion)
{
  g_return_if_fail (motion != NULL);
  motion->height = motion->width = 0;
}

gboolean
fbnet_motion_keep (FbnetMotion *motion, const FbnetInput *input, GError **error)
{
  g_return_val_if_fail (motion != NULL && input != NULL, FALSE);
  const gsize size = 3 * input->height * input->width;

  fbnet_motion_reset (motion);
  if (!buffer_reserve (&motion->pixels, size, error))
    return FALSE;
  if (size > 0)
    memcpy (motion->pixels.data, input->pixels.data, size);
  motion->height = input->height;
  motion->width = input->width;
  motion->region = input->region;
  return TRUE;
}

/* Whether they show the same part of the frame in the same size. */
static gboolean
is_comparable (const FbnetMotion *motion, const FbnetInput *input)
{
  return input->height > 0 && motion->height == input->height && motion->width == input->width
      && memcmp (&motion->region, &input->region, sizeof motion->region) == 0;
}

static gint
most_difference (const guint8 *a, const guint8 *b, gsize n)
{
  gint most = 0;

  for (gsize i = 0; i < n; i++) {
    const gint difference = abs (a[i] - b[i]);
    most = difference > most ? difference : most;
  }
  return most;
}

gboolean
fbnet_motion_is_still (const FbnetMotion *motion, const FbnetInput *input, guint threshold)
{
  g_return_val_if_fail (motion != NULL && input != NULL, FALSE);

  if (!is_comparable (motion, input))
    return FALSE;
  const gsize row = 3 * input->width;
  const guint8 *before = motion->pixels.data, *now = input->pixels.data;
  for (gsize y = 0; y < input->height; y++)
    if ((guint) most_difference (before + y * row, now + y * row, row) > threshold)
      return FALSE;
  return TRUE;
}

/* --- Where ------------------------------------------------------------------------------------ */

static gboolean
cell_differs (const FbnetMotion *motion, const FbnetInput *input, gsize x, gsize y, guint threshold)
{
  const gsize row = 3 * input->width;
  const gsize width = MIN (CELL, input->width - x), height = MIN (CELL, input->height - y);
  const guint8 *before = motion->pixels.data, *now = input->pixels.data;

  for (gsize i = 0; i < height; i++) {
    const gsize at = (y + i) * row + 3 * x;
    if ((guint) most_difference (before + at, now + at, 3 * width) > threshold)
      return TRUE;
  }
  return FALSE;
}

/* Network pixels from `from` to `to` of `n`, along an axis of the frame that they show from `start` on; at least one
 * pixel. */
static void
to_frame (gsize from, gsize to, gsize n, guint start, guint length, guint *first, guint *size)
{
  const guint low = (guint) (from * length / n), high = (guint) ((to * length + n - 1) / n);

  *first = start + low;
  *size = MAX (high - low, 1);
}

static FbnetRegion
cell_region (const FbnetInput *input, gsize x, gsize y)
{
  FbnetRegion region;

  to_frame (x, MIN (x + CELL, input->width), input->width, input->region.x, input->region.width,
      &region.x, &region.width);
  to_frame (y, MIN (y + CELL, input->height), input->height, input->region.y, input->region.height,
      &region.y, &region.height);
  return region;
}

guint
fbnet_motion_find (const FbnetMotion *motion, const FbnetInput *input, guint threshold,
    FbnetRegion *regions, guint most)
{
  g_return_val_if_fail (motion != NULL && input != NULL && regions != NULL, 0);
  guint n = 0;

  if (!is_comparable (motion, input))
    return 0;
  for (gsize y = 0; y < input->height; y += CELL)
    for (gsize x = 0; x < input->width && n < most; x += CELL)
      if (cell_differs (motion, input, x, y, threshold))
        regions[n++] = cell_region (input, x, y);
  return n;
}
