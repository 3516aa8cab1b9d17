/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Verdicts; see verdict.h.
 */
#include "verdict.h"

#include <math.h>
#include <string.h>

#include "model/costs.h"

static gboolean
is_little_work (const FbnetModel *model, const FbnetParams *params, guint64 most)
{
  const gsize side = params->max_size;

  return costs_of_frame (model->description, model->layers, side, side, params, NULL, NULL) <= most;
}

gboolean
verdict_reduce_work (const FbnetModel *model, FbnetParams *params, guint64 most)
{
  while (!is_little_work (model, params, most)) {
    if (params->max_size == 1 && params->post_nms_count == 1 && params->max_detections == 1)
      return FALSE;
    params->max_size = (params->max_size + 1) / 2;
    params->post_nms_count = (params->post_nms_count + 1) / 2;
    params->max_detections = (params->max_detections + 1) / 2;
  }
  return TRUE;
}

static void
check_mask (const FbnetMask *mask, const FbnetImage *image)
{
  if (mask->data == NULL)
    return;
  g_assert (mask->x >= 0 && mask->y >= 0 && mask->width >= 0 && mask->height >= 0);
  g_assert (mask->x + mask->width <= (gint) image->width);
  g_assert (mask->y + mask->height <= (gint) image->height);
  for (gsize i = 0; i < (gsize) mask->width * mask->height; i++)
    g_assert (mask->data[i] == 0 || mask->data[i] == 255);
}

/* They may lie outside the frame, and their scores above 1. */
static void
check_keypoints (const FbnetDetection *d)
{
  g_assert ((d->keypoints == NULL) == (d->n_keypoints == 0));
  for (guint i = 0; i < d->n_keypoints; i++) {
    const FbnetKeypoint *k = &d->keypoints[i];
    g_assert (isfinite (k->x) && isfinite (k->y) && isfinite (k->score) && k->score >= 0);
  }
}

void
verdict_check_found (const FbnetDetections *found, const FbnetParams *params,
    const FbnetImage *image)
{
  g_assert (found->n <= params->max_detections);
  for (guint i = 0; i < found->n; i++) {
    const FbnetDetection *d = &found->items[i];
    g_assert (d->x0 >= 0 && d->y0 >= 0 && d->x0 < d->x1 && d->y0 < d->y1);
    g_assert (d->x1 <= image->width && d->y1 <= image->height);
    g_assert (d->score > 0 && d->score <= 1);
    g_assert (i == 0 || d->score <= d[-1].score);
    check_mask (&d->mask, image);
    check_keypoints (d);
  }
}

void
verdict_check_same (const FbnetDetections *a, const FbnetDetections *b)
{
  g_assert (a->n == b->n);
  for (guint i = 0; i < a->n; i++) {
    const FbnetDetection *x = &a->items[i], *y = &b->items[i];
    g_assert (memcmp (&x->x0, &y->x0, 5 * sizeof (float)) == 0 && x->class_id == y->class_id);
    g_assert (x->n_keypoints == y->n_keypoints);
    g_assert (x->n_keypoints == 0
        || memcmp (x->keypoints, y->keypoints, x->n_keypoints * sizeof *x->keypoints) == 0);
    g_assert ((x->mask.data == NULL) == (y->mask.data == NULL));
    g_assert (x->mask.width == y->mask.width && x->mask.height == y->mask.height);
    if (x->mask.data != NULL)
      g_assert (memcmp (x->mask.data, y->mask.data, (gsize) x->mask.width * x->mask.height) == 0);
  }
}
