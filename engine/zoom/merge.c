/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Several looks' detections as one frame's.
 */
#include "merge.h"

#include "base/memory.h"
#include "detect/nms.h"

#define EDGE                                                                                       \
  0.005 /* of a region's side, a pixel or two of the network: what comes so near is cut */
#define INSIDE  0.8 /* of a box's area that lies in another one */
#define NEAR    0.1 /* of a region's side: where pieces end */
#define LIKELY  0.5 /* of its score, at least, has what it may be a part of */
#define FILLING 0.5 /* of a region's area: what is larger the first look saw as well, and whole */

void
merge_clear (Merge *m)
{
  g_free (m->all);
  g_free (m->kept);
  g_free (m->look_of_all);
  g_free (m->look);
  buffer_clear (&m->boxes);
  buffer_clear (&m->scores);
  buffer_clear (&m->classes);
  buffer_clear (&m->order);
  buffer_clear (&m->scratch);
}

void
merge_begin (Merge *m)
{
  m->n = m->n_whole = 0;
}

static gboolean
make_room (Merge *m, guint n, GError **error)
{
  const guint room = MAX (n, 2 * m->room);

  if (n <= m->room)
    return TRUE;
  if (!memory_renew (m->all, room, error) || !memory_renew (m->kept, room, error)
      || !memory_renew (m->look_of_all, room, error) || !memory_renew (m->look, room, error))
    return FALSE;
  m->room = room;
  return TRUE;
}

/* --- What a region's edge cut ----------------------------------------------------------------- */

/* Along one axis: of a box from a to b in a region of that length, in a frame of that, and how near to the edge that
 * is, as a part of the region's side. */
static gboolean
is_cut_low (double a, double margin, guint start, guint length, guint frame)
{
  return start > frame && a < start + margin * length;
}

static gboolean
is_cut_high (double b, double margin, guint start, guint length, guint frame, guint frame_length)
{
  return start + length < frame + frame_length && b > start + length - margin * length;
}

static gboolean
is_cut_along (double a, double b, guint start, guint length, guint frame, guint frame_length)
{
  return is_cut_low (a, EDGE, start, length, frame)
      || is_cut_high (b, EDGE, start, length, frame, frame_length);
}

static gboolean
is_cut (const FbnetDetection *d, const FbnetRegion *r, const FbnetRegion *frame)
{
  const double area = ((double) d->x1 - d->x0) * ((double) d->y1 - d->y0);

  return is_cut_along (d->x0, d->x1, r->x, r->width, frame->x, frame->width)
      || is_cut_along (d->y0, d->y1, r->y, r->height, frame->y, frame->height)
      || area > FILLING * r->width * r->height;
}

/* --- Parts of what the first look saw whole ---------------------------------------------------- */

static double
area_of_both (const FbnetDetection *a, const FbnetDetection *b)
{
  const double width = MIN (a->x1, b->x1) - MAX (a->x0, b->x0);
  const double height = MIN (a->y1, b->y1) - MAX (a->y0, b->y0);

  return MAX (width, 0) * MAX (height, 0);
}

/* An edge of the region that the whole crosses and the part ends at, nearly. */
static gboolean
shares_edge (const FbnetDetection *d, const FbnetDetection *whole, const FbnetRegion *r,
    const FbnetRegion *f)
{
  return (is_cut_low (whole->x0, EDGE, r->x, r->width, f->x)
             && is_cut_low (d->x0, NEAR, r->x, r->width, f->x))
      || (is_cut_high (whole->x1, EDGE, r->x, r->width, f->x, f->width)
          && is_cut_high (d->x1, NEAR, r->x, r->width, f->x, f->width))
      || (is_cut_low (whole->y0, EDGE, r->y, r->height, f->y)
          && is_cut_low (d->y0, NEAR, r->y, r->height, f->y))
      || (is_cut_high (whole->y1, EDGE, r->y, r->height, f->y, f->height)
          && is_cut_high (d->y1, NEAR, r->y, r->height, f->y, f->height));
}

/* Whether the region, which sees a piece of `whole` only, took that for an object. */
static gboolean
is_part_of (const FbnetDetection *d, const FbnetDetection *whole, const FbnetRegion *r,
    const FbnetRegion *frame)
{
  const double area = ((double) d->x1 - d->x0) * ((double) d->y1 - d->y0);

  return whole->class_id == d->class_id && whole->score >= LIKELY * d->score
      && shares_edge (d, whole, r, frame) && area_of_both (d, whole) >= INSIDE * area;
}

static gboolean
is_part (const Merge *m, const FbnetDetection *d, const FbnetRegion *r, const FbnetRegion *frame)
{
  for (guint i = 0; i < m->n_whole; i++) {
    if (is_part_of (d, &m->all[i], r, frame))
      return TRUE;
  }
  return FALSE;
}

gboolean
merge_add (Merge *m, const FbnetDetections *found, guint look, const FbnetRegion *region,
    const FbnetRegion *frame, GError **error)
{
  if (!make_room (m, m->n + found->n, error))
    return FALSE;
  for (guint i = 0; i < found->n; i++) {
    const FbnetDetection *d = &found->items[i];
    if (region != NULL && (is_cut (d, region, frame) || is_part (m, d, region, frame)))
      continue;
    m->all[m->n] = *d;
    m->look_of_all[m->n++] = look;
  }
  if (region == NULL)
    m->n_whole = m->n;
  return TRUE;
}

/* --- Suppression ------------------------------------------------------------------------------ */

static gboolean
reserve (Merge *m, GError **error)
{
  const gsize n = m->n;

  return buffer_reserve (&m->boxes, n * sizeof (Box), error)
      && buffer_reserve (&m->scores, n * sizeof (float), error)
      && buffer_reserve (&m->classes, n * sizeof (guint32), error)
      && buffer_reserve (&m->order, n * sizeof (guint32), error)
      && buffer_reserve (&m->scratch, nms_scratch_size (n), error);
}

gboolean
merge_finish (Merge *m, const FbnetParams *params, guint *n, GError **error)
{
  *n = 0;
  if (m->n == 0)
    return TRUE;
  if (!reserve (m, error))
    return FALSE;
  Box *boxes = m->boxes.data;
  float *scores = m->scores.data;
  guint32 *classes = m->classes.data, *order = m->order.data;
  for (guint i = 0; i < m->n; i++) {
    const FbnetDetection *d = &m->all[i];
    boxes[i] = (Box){ d->x0, d->y0, d->x1, d->y1 };
    scores[i] = d->score;
    classes[i] = d->class_id;
  }
  *n = (guint) nms (order, params->max_detections, boxes, scores,
      params->class_agnostic_nms ? NULL : classes, m->n, params->iou_threshold, m->scratch.data);
  for (guint i = 0; i < *n; i++) {
    m->kept[i] = m->all[order[i]];
    m->look[i] = m->look_of_all[order[i]];
  }
  return TRUE;
}
