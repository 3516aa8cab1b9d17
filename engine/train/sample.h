/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What training is fed with: pictures as the network gets them, and the objects in them. Whoever reads
 * data sets makes samples (models/training/); the trainer only looks at them.
 */
#ifndef FBNET_TRAIN_SAMPLE_H
#define FBNET_TRAIN_SAMPLE_H

#include "base/box.h"

/* In network pixels: a place between them, not a pixel's number. */
typedef struct {
  float x, y;
  gboolean labelled; /* its place is known, hidden or not */
} TrainKeypoint;

typedef struct {
  Box box; /* network pixels, inside the picture, of positive width and height */
  guint class_id;
  gconstpointer mask; /* whatever the sample's crop_mask() understands; NULL: none is known */
  const TrainKeypoint *keypoints; /* as many as the model has; NULL: none is known */
} TrainObject;

typedef struct TrainSample TrainSample;

/* target: side × side numbers 0 or 1, row by row: is the middle of this cell of the box (network
 * pixels) on the object? Called by several threads at once. detectron2 structures/masks.py
 * PolygonMasks.crop_and_resize, BitMasks.crop_and_resize. */
typedef void (*TrainCropMask) (const TrainSample *sample, const TrainObject *object, const Box *box,
    guint side, guint8 *target);

/* Owned by who made it. */
struct TrainSample {
  guint width, height;  /* network pixels: after resizing and augmentation, without padding */
  const guint8 *pixels; /* height × width × 3, in the model's channel order */
  guint n_objects;      /* crowds are left out before */
  TrainObject *objects;
  TrainCropMask crop_mask; /* NULL: no masks */
  gpointer data;           /* of who made it */
};

#endif
