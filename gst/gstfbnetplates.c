/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The search for a label's place.
 */
#include "gstfbnetplates.h"

/* A plate may not hide more of an object than this, its own included. */
#define MOST_HIDDEN 0.34
/* What a place further down the list has to save of an object: plates that jump are hard to read. */
#define RELUCTANCE 0.02

static double
area_of (const GstVideoRectangle *r)
{
  return (double) r->w * r->h;
}

static double
shared_area (const GstVideoRectangle *a, const GstVideoRectangle *b)
{
  const gint width = MIN (a->x + a->w, b->x + b->w) - MAX (a->x, b->x);
  const gint height = MIN (a->y + a->h, b->y + b->h) - MAX (a->y, b->y);

  return width > 0 && height > 0 ? (double) width * height : 0;
}

static gboolean
is_free (const GstFbnetPlates *plates, const GstVideoRectangle *place)
{
  if (place->x < 0 || place->y < 0 || place->x + place->w > plates->width
      || place->y + place->h > plates->height)
    return FALSE;
  for (guint i = 0; i < plates->plates->len; i++)
    if (shared_area (place, &g_array_index (plates->plates, GstVideoRectangle, i)) > 0)
      return FALSE;
  return TRUE;
}

/* The parts of objects that a plate there hides, added up; G_MAXDOUBLE if it is too much of one. */
static double
hidden_by (const GstFbnetPlates *plates, const GstVideoRectangle *place)
{
  double sum = 0;

  for (guint i = 0; i < plates->n_boxes; i++) {
    const double part = shared_area (place, &plates->boxes[i]) / area_of (&plates->boxes[i]);
    if (part > MOST_HIDDEN)
      return G_MAXDOUBLE;
    sum += part;
  }
  return sum;
}

/* Above the box, below it, inside at its upper and lower edge, each from its left and from its right edge,
 * then beside it; the first ones are where people look. */
static guint
list_places (const GstVideoRectangle *box, gint w, gint h, gint frame_width,
    GstVideoRectangle places[10])
{
  const gint last = MAX (frame_width - w, 0);
  const gint left = CLAMP (box->x, 0, last), right = CLAMP (box->x + box->w - w, 0, last);
  const gint above = box->y - h, below = box->y + box->h;
  const gint rows[] = { above, below, box->y, below - h };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    places[n++] = (GstVideoRectangle){ left, rows[i], w, h };
    places[n++] = (GstVideoRectangle){ right, rows[i], w, h };
  }
  places[n++] = (GstVideoRectangle){ box->x + box->w, box->y, w, h };
  places[n++] = (GstVideoRectangle){ box->x - w, box->y, w, h };
  return n;
}

gboolean
gst_fbnet_plates_place (GstFbnetPlates *plates, guint box, gint width, gint height,
    GstVideoRectangle *place)
{
  GstVideoRectangle places[10];
  const guint n = list_places (&plates->boxes[box], width, height, plates->width, places);
  double least = G_MAXDOUBLE;

  for (guint i = 0; i < n; i++) {
    if (!is_free (plates, &places[i]))
      continue;
    const double hidden = hidden_by (plates, &places[i]);
    if (hidden + i * RELUCTANCE < least) {
      least = hidden + i * RELUCTANCE;
      *place = places[i];
    }
  }
  if (least == G_MAXDOUBLE)
    return FALSE;
  g_array_append_val (plates->plates, *place);
  return TRUE;
}
