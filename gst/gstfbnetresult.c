/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A frame's result: rectangles of whole pixels, and masks that fit them.
 */
#include "gstfbnetresult.h"

#include <math.h>
#include <string.h>

static void
whole_pixels (float low, float high, guint limit, gint *start, gint *length)
{
  const gint last = (gint) limit - 1;
  const gint first = CLAMP ((gint) floorf (low), 0, last);
  const gint end = CLAMP ((gint) ceilf (high), first + 1, last + 1);

  *start = first;
  *length = end - first;
}

void
gst_fbnet_result_rectangle (const GstFbnetResult *result, guint index, GstVideoRectangle *rectangle)
{
  const FbnetDetection *d = &result->found->items[index];

  whole_pixels (d->x0, d->x1, result->width, &rectangle->x, &rectangle->w);
  whole_pixels (d->y0, d->y1, result->height, &rectangle->y, &rectangle->h);
}

static void
copy_row (guint8 *out, const guint8 *mask, gint n, guint8 inside)
{
  for (gint i = 0; i < n; i++)
    out[i] = mask[i] & inside; /* 0 or 255 before */
}

/* The engine's mask covers the box rounded outwards and a pixel more (detectron2,
 * paste_masks_in_image); readers get exactly the region's rectangle. */
static void
crop_mask (guint8 *out, const GstVideoRectangle *rectangle, const FbnetMask *mask, guint8 inside)
{
  const gint x0 = MAX (rectangle->x, mask->x);
  const gint x1 = MIN (rectangle->x + rectangle->w, mask->x + mask->width);

  memset (out, 0, (gsize) rectangle->w * rectangle->h);
  if (x1 <= x0)
    return;
  for (gint row = 0; row < rectangle->h; row++) {
    const gint y = rectangle->y + row - mask->y;
    if (y < 0 || y >= mask->height)
      continue;
    copy_row (out + (gsize) row * rectangle->w + (x0 - rectangle->x),
        mask->data + (gsize) y * mask->width + (x0 - mask->x), x1 - x0, inside);
  }
}

GstBuffer *
gst_fbnet_result_copy_mask (const GstFbnetResult *result, guint index, guint8 inside)
{
  const FbnetMask *mask = &result->found->items[index].mask;
  GstVideoRectangle r;

  if (mask->data == NULL)
    return NULL;
  gst_fbnet_result_rectangle (result, index, &r);
  const gsize size = (gsize) r.w * r.h;
  guint8 *pixels = g_try_malloc (size);
  if (pixels == NULL) {
    GST_WARNING ("no memory for a mask of %d x %d pixels", r.w, r.h);
    return NULL;
  }
  crop_mask (pixels, &r, mask, inside);
  return gst_buffer_new_wrapped (pixels, size);
}

const char *
gst_fbnet_result_label (const GstFbnetResult *result, guint class_id)
{
  return g_quark_to_string (result->labels[class_id]);
}

const char *
gst_fbnet_result_match (const GstFbnetResult *result, guint index)
{
  if (result->matches == NULL)
    return NULL;
  switch (result->matches[index].label) {
    case FBNET_MATCH_OBJECT:
      return "object";
    case FBNET_MATCH_BACKGROUND:
      return "background";
    case FBNET_MATCH_IGNORED:
      return "ignored";
  }
  g_assert_not_reached ();
}

guint
gst_fbnet_result_count (const GstFbnetResult *result)
{
  return result->found->n + (result->n_classes > 0);
}
