/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a mask head's small probability map to pixels of the frame. Semantics: detectron2
 * layers/mask_ops.py paste_masks_in_image, the CPU form that evaluates only around the box.
 */
#ifndef FBNET_MASK_H
#define FBNET_MASK_H

#include "base/box.h"

typedef struct {
  gint x, y, width, height;
} MaskRect;

/* The pixels that paste_mask() evaluates: the box rounded outwards and one more on each side,
 * clipped to the frame. */
MaskRect mask_rect (const Box *frame_box, gsize frame_width, gsize frame_height);

/* Bytes of scratch that mask_paste() needs. */
gsize mask_scratch_size (gsize rect_width, gsize rect_height);

/* out: rect.width × rect.height bytes, 255 where the probability, sampled bilinearly from the
 * side × side map stretched over the box with zeros outside, is at least `threshold`, else 0. */
void mask_paste (guint8 *out, const MaskRect *rect, const float *probabilities, gsize side,
    const Box *frame_box, float threshold, void *scratch);

#endif
