/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A part of an input as an input of its own.
 */
#include <string.h>

#include "detect/input.h"

#define CELL 32 /* network pixels: parts have few sizes, as each is planned anew */

/* Network pixels along an axis, and what of the frame they show. */
typedef struct {
  gsize first, n;
  guint start, length;
} Span;

/* Of `n` network pixels that show `length` of the frame from `start` on those that show the wanted part. */
static Span
find_span (gsize n, guint start, guint length, guint wanted, guint wanted_length)
{
  const gsize low = (gsize) (wanted - start) * n / length / CELL * CELL;
  const gsize end = ((gsize) (wanted - start + wanted_length) * n + length - 1) / length;
  const gsize high = MIN ((end + CELL - 1) / CELL * CELL, n);
  const guint from = (guint) ((low * length + n / 2) / n);
  const guint to = (guint) ((high * length + n / 2) / n);

  return (Span){ low, high - low, start + from, MAX (to - from, 1) };
}

static gboolean
make_room (FbnetInput *input, const FbnetInput *whole, const Span *x, const Span *y, GError **error)
{
  input->height = input->width = 0;
  if (!buffer_reserve (&input->pixels, 3 * y->n * x->n, error))
    return FALSE;
  input_set_size (input, y->n, x->n);
  input->frame_height = whole->frame_height;
  input->frame_width = whole->frame_width;
  input->region = (FbnetRegion){ x->start, y->start, x->length, y->length };
  return TRUE;
}

static gboolean
holds (const FbnetRegion *whole, const FbnetRegion *part)
{
  return part->width >= 1 && part->height >= 1 && part->x >= whole->x && part->y >= whole->y
      && (guint64) part->x + part->width <= (guint64) whole->x + whole->width
      && (guint64) part->y + part->height <= (guint64) whole->y + whole->height;
}

gboolean
fbnet_input_cut (FbnetInput *input, const FbnetInput *whole, const FbnetRegion *region,
    GError **error)
{
  g_return_val_if_fail (input != NULL && whole != NULL && region != NULL, FALSE);
  g_return_val_if_fail (input->model == whole->model && whole->width > 0, FALSE);

  const FbnetRegion *all = &whole->region;
  if (!holds (all, region)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "region: expected a part of %u × %u at (%u, %u), found %u × %u at (%u, %u)", all->width,
        all->height, all->x, all->y, region->width, region->height, region->x, region->y);
    return FALSE;
  }
  const Span x = find_span (whole->width, all->x, all->width, region->x, region->width);
  const Span y = find_span (whole->height, all->y, all->height, region->y, region->height);
  if (!make_room (input, whole, &x, &y, error))
    return FALSE;
  guint8 *to = input->pixels.data;
  const guint8 *from = whole->pixels.data;
  for (gsize row = 0; row < y.n; row++)
    memcpy (to + 3 * row * x.n, from + 3 * ((y.first + row) * whole->width + x.first), 3 * x.n);
  return TRUE;
}
