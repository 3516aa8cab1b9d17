/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The least rectangle around what moved.
 */
#include "gstfbnetpart.h"

#include <math.h>
#include <string.h>

#define ROOM                                                                                       \
  1.5 /* of the squares that moved, around them: what the network needs to see of the surroundings */
/* Of the whole. A larger part costs about three quarters of a look, as the heads work on as many boxes, and another
 * one if something is not found in it; and the network judges what is doubtful by its surroundings, too. */
#define MOST 0.4
#define SAME 0.5  /* IoU */
#define EDGE 0.01 /* of the part's side: what comes so near to it is cut */

typedef struct {
  double x0, y0, x1, y1;
} Extent;

static void
include (Extent *e, double x0, double y0, double x1, double y1)
{
  e->x0 = MIN (e->x0, x0);
  e->y0 = MIN (e->y0, y0);
  e->x1 = MAX (e->x1, x1);
  e->y1 = MAX (e->y1, y1);
}

static Extent
around_moved (const GstFbnetList *moved)
{
  const FbnetRegion *first = &g_array_index (moved, FbnetRegion, 0);
  const double x = ROOM * first->width, y = ROOM * first->height;
  Extent e = { G_MAXDOUBLE, G_MAXDOUBLE, 0, 0 };

  for (guint i = 0; i < moved->len; i++) {
    const FbnetRegion *r = &g_array_index (moved, FbnetRegion, i);
    include (&e, r->x - x, r->y - y, (double) r->x + r->width + x, (double) r->y + r->height + y);
  }
  return e;
}

static gboolean
shares (const Extent *e, const FbnetDetection *d)
{
  return d->x0 < e->x1 && d->x1 > e->x0 && d->y0 < e->y1 && d->y1 > e->y0;
}

static gboolean
is_told (const GstFbnetView *view, const FbnetDetection *d)
{
  return d->score > gst_fbnet_network_get_threshold (&view->params, d->class_id);
}

/* Those that are told, whole and with room around them; each may bring others. */
static void
include_objects (Extent *e, const GstFbnetView *view, const GstFbnetList *known)
{
  const FbnetRegion *square = &g_array_index (view->moved, FbnetRegion, 0);
  const double x = ROOM * square->width, y = ROOM * square->height;
  Extent before;

  do {
    before = *e;
    for (guint i = 0; i < known->len; i++) {
      const FbnetDetection *d = &g_array_index (known, FbnetDetection, i);
      if (is_told (view, d) && shares (e, d))
        include (e, d->x0 - x, d->y0 - y, d->x1 + x, d->y1 + y);
    }
  } while (memcmp (&before, e, sizeof before) != 0);
}

gboolean
gst_fbnet_part_find (const GstFbnetView *view, const GstFbnetList *known, FbnetRegion *part)
{
  FbnetRegion all;

  if (view->moved->len == 0)
    return FALSE;
  fbnet_input_get_region (g_ptr_array_index (view->inputs, 0), &all);
  Extent e = around_moved (view->moved);
  include_objects (&e, view, known);
  const guint x0 = (guint) CLAMP (floor (e.x0), all.x, all.x + all.width - 1);
  const guint y0 = (guint) CLAMP (floor (e.y0), all.y, all.y + all.height - 1);
  const guint x1 = (guint) CLAMP (ceil (e.x1), x0 + 1, all.x + all.width);
  const guint y1 = (guint) CLAMP (ceil (e.y1), y0 + 1, all.y + all.height);
  *part = (FbnetRegion){ x0, y0, x1 - x0, y1 - y0 };
  return (double) part->width * part->height <= MOST * all.width * all.height;
}

static gboolean
is_cut_along (double a, double b, guint start, guint length, guint whole, guint whole_length)
{
  const double margin = EDGE * length;

  return (start > whole && a < start + margin)
      || (start + length < whole + whole_length && b > start + length - margin);
}

gboolean
gst_fbnet_part_cuts (const GstFbnetView *view, const FbnetRegion *part, const FbnetDetection *d)
{
  FbnetRegion all;

  fbnet_input_get_region (g_ptr_array_index (view->inputs, 0), &all);
  return is_cut_along (d->x0, d->x1, part->x, part->width, all.x, all.width)
      || is_cut_along (d->y0, d->y1, part->y, part->height, all.y, all.height);
}

static double
area_of (const FbnetDetection *d)
{
  return ((double) d->x1 - d->x0) * ((double) d->y1 - d->y0);
}

gboolean
gst_fbnet_part_is_like (const FbnetDetection *a, const FbnetDetection *b)
{
  const double width = MIN (a->x1, b->x1) - MAX (a->x0, b->x0);
  const double height = MIN (a->y1, b->y1) - MAX (a->y0, b->y0);

  if (a->class_id != b->class_id || width <= 0 || height <= 0)
    return FALSE;
  return width * height >= SAME * (area_of (a) + area_of (b) - width * height);
}

static gboolean
has_like (const GstFbnetList *found, const FbnetDetection *d)
{
  for (guint i = 0; i < found->len; i++)
    if (gst_fbnet_part_is_like (&g_array_index (found, FbnetDetection, i), d))
      return TRUE;
  return FALSE;
}

gboolean
gst_fbnet_part_misses (const GstFbnetView *view, const FbnetRegion *part, const GstFbnetList *known,
    const GstFbnetList *found)
{
  for (guint i = 0; i < known->len; i++) {
    const FbnetDetection *d = &g_array_index (known, FbnetDetection, i);
    if (is_told (view, d) && gst_fbnet_part_touches (part, d) && !has_like (found, d))
      return TRUE;
  }
  return FALSE;
}

gboolean
gst_fbnet_part_touches (const FbnetRegion *part, const FbnetDetection *detection)
{
  const Extent e = { part->x, part->y, (double) part->x + part->width,
    (double) part->y + part->height };

  return shares (&e, detection);
}
