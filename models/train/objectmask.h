/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The mask of an object in training: read, taken along with its picture, cropped for the mask head.
 * Polygons stay polygons; runs become bits when their picture becomes a sample.
 */
#ifndef FBNET_TRAIN_OBJECTMASK_H
#define FBNET_TRAIN_OBJECTMASK_H

#include <cjson/cJSON.h>

#include "augment.h"
#include "support/masks.h"

typedef struct {
  guint n_polygons; /* 0: none, but one of the others */
  guint *n_points;  /* of each polygon */
  double *points;   /* x, y, polygon after polygon */
  RleMask *runs;    /* in the picture */
  guint8 *bits;     /* in the sample: height × width, 0 or 1 */
  guint width, height;
} ObjectMask;

/* A COCO "segmentation". Polygons of fewer than three points, or an odd count of numbers, are left
 * out, as detectron2's load_coco_json does, and counted in n_left_out. NULL with error, whose message
 * begins with `where`, when nothing is left. */
ObjectMask *object_mask_read (const cJSON *segmentation, guint *n_left_out, const char *where,
    GError **error);
void object_mask_free (ObjectMask *mask); /* NULL is allowed */

/* In the sample. NULL with error: no memory. */
ObjectMask *object_mask_augment (const ObjectMask *mask, const Augmentation *augmentation,
    GError **error);

/* Of a mask in the sample: what lies in [0, width] × [0, height] is bounded by `bounds`. FALSE:
 * nothing does. */
gboolean object_mask_bounds (const ObjectMask *mask, float width, float height, Box *bounds);

/* Of a mask in the sample: side × side numbers 0 or 1. Polygons: detectron2 structures/masks.py
 * rasterize_polygons_within_box; bits: BitMasks.crop_and_resize. */
void object_mask_crop (const ObjectMask *mask, const Box *box, guint side, guint8 *target);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ObjectMask, object_mask_free)

#endif
