/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Boxes: corners in pixels, (0, 0) the outer corner of the first pixel; regression deltas.
 * Semantics: detectron2 structures/boxes.py, modeling/box_regression.py. All arithmetic in float32,
 * in the order written there.
 */
#ifndef FBNET_BOX_H
#define FBNET_BOX_H

#include <glib.h>

typedef struct {
  float x0, y0, x1, y1;
} Box;

/* log (1000 / 16): larger dw, dh are cut to this before exp (). */
#define BOX_SCALE_CLAMP 4.135166556742356f

/* The box that `delta` (dx, dy, dw, dh, divided by `weights`) makes of `anchor`. */
Box box_decode (const float delta[4], const Box *anchor, const float weights[4]);

/* Cut to [0, width] × [0, height]. */
Box box_clip (const Box *box, float width, float height);

gboolean box_is_finite (const Box *box);
float box_area (const Box *box);

/* Intersection over union; 0 when both are empty. */
float box_iou (const Box *a, const Box *b);

#endif
