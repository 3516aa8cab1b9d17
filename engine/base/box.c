/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Boxes and deltas; see box.h.
 */
#include "box.h"

#include <math.h>

#include "exponential.h"

/* One axis of Box2BoxTransform.apply_deltas: from [lo, hi], shifted by `shift` sides and scaled by
 * exp (`log_scale`). The comparison keeps NaN, as torch.clamp does. */
static void
decode_axis (float *out_lo, float *out_hi, float lo, float hi, float shift, float log_scale)
{
  const float size = hi - lo;
  const float centre = lo + 0.5f * size;
  const float new_centre = shift * size + centre;
  const float new_size =
      exponential (log_scale > BOX_SCALE_CLAMP ? BOX_SCALE_CLAMP : log_scale) * size;

  *out_lo = new_centre - 0.5f * new_size;
  *out_hi = new_centre + 0.5f * new_size;
}

Box
box_decode (const float delta[4], const Box *anchor, const float weights[4])
{
  Box box;

  decode_axis (&box.x0, &box.x1, anchor->x0, anchor->x1, delta[0] / weights[0],
      delta[2] / weights[2]);
  decode_axis (&box.y0, &box.y1, anchor->y0, anchor->y1, delta[1] / weights[1],
      delta[3] / weights[3]);
  return box;
}

/* NaN stays NaN. */
static float
clip (float value, float limit)
{
  return value < 0.0f ? 0.0f : value > limit ? limit : value;
}

Box
box_clip (const Box *box, float width, float height)
{
  return (Box){ clip (box->x0, width), clip (box->y0, height), clip (box->x1, width),
    clip (box->y1, height) };
}

gboolean
box_is_finite (const Box *box)
{
  return isfinite (box->x0) && isfinite (box->y0) && isfinite (box->x1) && isfinite (box->y1);
}

float
box_area (const Box *box)
{
  return (box->x1 - box->x0) * (box->y1 - box->y0);
}

float
box_iou (const Box *a, const Box *b)
{
  const float width = MIN (a->x1, b->x1) - MAX (a->x0, b->x0);
  const float height = MIN (a->y1, b->y1) - MAX (a->y0, b->y0);

  if (!(width > 0.0f && height > 0.0f))
    return 0.0f;
  const float both = width * height;
  return both / (box_area (a) + box_area (b) - both);
}
