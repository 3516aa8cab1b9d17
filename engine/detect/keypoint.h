/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From heat maps to keypoints. Semantics: detectron2 structures/keypoints.py heatmaps_to_keypoints.
 */
#ifndef FBNET_KEYPOINT_H
#define FBNET_KEYPOINT_H

#include "base/box.h"
#include "fbnet/fbnet.h"
#include "base/tensor.h"

/* Bytes of scratch that keypoint_decode() needs for heat maps of this side, n_keypoints each, and
 * boxes up to this width. */
gsize keypoint_scratch_size (gsize side, gsize n_keypoints, gsize max_width);

/* Writes one image's keypoints (maps: [image][side][side][n_keypoints]), in network pixels: each map
 * is stretched over the box by bicubic interpolation, its first maximum is the place, and the score
 * is that place's share in the softmax over the small map. The box lies within max_width pixels. */
void keypoint_decode (FbnetKeypoint *out, const Tensor *maps, gsize image, const Box *box,
    void *scratch);

#endif
