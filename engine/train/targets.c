/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matching and sampling; see targets.h.
 */
#include "targets.h"

#include "detect/match.h"

typedef struct {
  guint32 *items;
  guint n;
} List;

static List
boxes_with_label (const Match *matches, gsize n, MatchLabel label)
{
  List list = { g_new (guint32, n), 0 };

  for (gsize i = 0; i < n; i++) {
    if (matches[i].label == label)
      list.items[list.n++] = (guint32) i;
  }
  return list;
}

/* Keeps n of the list, any with the same probability. */
static void
thin_out (List *list, guint n, RandomKey key)
{
  if (n >= list->n)
    return;
  for (guint i = 0; i < n; i++) {
    const guint other = i + random_key_below (key, i, list->n - i);
    const guint32 kept = list->items[other];
    list->items[other] = list->items[i];
    list->items[i] = kept;
  }
  list->n = n;
}

static Match *
match_to_objects (const Box *boxes, gsize n_boxes, const TrainSample *sample,
    const SampleSettings *settings, gboolean keep_low_quality)
{
  Match *matches = g_new (Match, n_boxes);
  g_autofree Box *objects = g_new (Box, sample->n_objects);
  g_autofree float *best = g_new (float, sample->n_objects);

  for (guint i = 0; i < sample->n_objects; i++)
    objects[i] = sample->objects[i].box;
  match_boxes (matches, boxes, n_boxes, objects, sample->n_objects, settings->lower,
      settings->upper, keep_low_quality, best);
  return matches;
}

Sampled
sample_boxes (const Box *boxes, gsize n_boxes, const TrainSample *sample,
    const SampleSettings *settings, gboolean keep_low_quality, RandomKey key)
{
  g_autofree Match *matches = match_to_objects (boxes, n_boxes, sample, settings, keep_low_quality);
  List positive = boxes_with_label (matches, n_boxes, MATCH_OBJECT);
  List negative = boxes_with_label (matches, n_boxes, MATCH_BACKGROUND);

  thin_out (&positive, (guint) (settings->batch * settings->fraction), random_key_part (key, 0));
  thin_out (&negative, settings->batch - MIN (positive.n, settings->batch),
      random_key_part (key, 1));

  Sampled sampled = { g_new (guint32, positive.n + negative.n), g_new (guint32, positive.n),
    positive.n + negative.n, positive.n };
  for (guint i = 0; i < positive.n; i++) {
    sampled.boxes[i] = positive.items[i];
    sampled.objects[i] = (guint32) matches[positive.items[i]].reference;
  }
  for (guint i = 0; i < negative.n; i++)
    sampled.boxes[positive.n + i] = negative.items[i];
  g_free (positive.items);
  g_free (negative.items);
  return sampled;
}

void
sampled_clear (Sampled *sampled)
{
  g_free (sampled->boxes);
  g_free (sampled->objects);
  *sampled = (Sampled){ NULL };
}

/* One axis: shift of the centre in sides of the box, logarithm of the scale. */
static void
encode_axis (Real *shift, Real *log_scale, const float box[2], const float object[2],
    float shift_weight, float scale_weight)
{
  const double size = (double) box[1] - (double) box[0];
  const double object_size = (double) object[1] - (double) object[0];
  const double from = (double) box[0] + 0.5 * size;
  const double to = (double) object[0] + 0.5 * object_size;

  *shift = (Real) ((double) shift_weight * (to - from) / size);
  *log_scale = (Real) ((double) scale_weight * log (object_size / size));
}

void
box_encode (Real delta[4], const Box *box, const Box *object, const float weights[4])
{
  encode_axis (&delta[0], &delta[2], (const float[]){ box->x0, box->x1 },
      (const float[]){ object->x0, object->x1 }, weights[0], weights[2]);
  encode_axis (&delta[1], &delta[3], (const float[]){ box->y0, box->y1 },
      (const float[]){ object->y0, object->y1 }, weights[1], weights[3]);
}

Box *
make_anchors (const Box *cells, guint n_cells, gsize height, gsize width, double stride,
    double offset)
{
  Box *anchors = g_new (Box, height * width * n_cells), *next = anchors;

  for (gsize y = 0; y < height; y++) {
    for (gsize x = 0; x < width; x++) {
      const float left = (float) (((double) x + offset) * stride);
      const float top = (float) (((double) y + offset) * stride);
      for (guint a = 0; a < n_cells; a++)
        *next++ =
            (Box){ cells[a].x0 + left, cells[a].y0 + top, cells[a].x1 + left, cells[a].y1 + top };
    }
  }
  return anchors;
}
