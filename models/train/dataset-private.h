/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a data set is made of: between dataset.c, which reads it, and datasetreader.c, which draws from
 * it.
 */
#ifndef FBNET_TRAIN_DATASETITEMS_H
#define FBNET_TRAIN_DATASETITEMS_H

#include "dataset.h"
#include "objectmask.h"
#include "support/problems.h"
#include "train/sample.h"

typedef struct {
  gint64 id; /* the category's */
  char *name;
} Class;

typedef struct {
  Box box; /* in the picture, as the file says: it may reach beyond */
  guint class_id;
  ObjectMask *mask;         /* NULL: none is known */
  TrainKeypoint *keypoints; /* in the picture; NULL: none are known */
} Object;

typedef struct {
  gint64 id;
  char *path;
  guint width,
      height;      /* as the file says, else as they are; 0: not known, or the picture is missing or
                          broken */
  GArray *objects; /* Object */
  gboolean broken; /* was found to be when it was read; guarded by the data set's lock */
} Item;

struct Dataset {
  GArray *classes;  /* Class, by ascending id while files are read */
  GPtrArray *items; /* Item: source after source, by ascending id */
  guint n_objects;
  guint *n_objects_of; /* by class */
  guint n_keypoints;   /* of an object */
  guint *mirrored;     /* n_keypoints: which each becomes where left and right are exchanged */
  GArray *held_out;    /* gint64 */
  double
      *repeats; /* n + 1: how often the pictures before each are drawn an epoch; NULL: once each */
  guint epoch_length;

  GMutex lock; /* of what follows, and of Item.broken */
  Problems *problems;
  guint n_broken;
};

/* NULL, and a note, when the picture cannot be read or is not the one that was annotated
 * (detectron2 data/detection_utils.py check_image_size). */
Picture *dataset_read_item (Dataset *dataset, Item *item);

#endif
