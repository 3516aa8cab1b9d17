/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a step says of how much is still to be learned.
 */
#ifndef FBNET_TRAIN_TRAINLOSSES_H
#define FBNET_TRAIN_TRAINLOSSES_H

/* Means over what this worker's samples count, as detectron2 normalises them. Those that a network has no
 * layers for are 0. */
typedef struct {
  double rpn_objectness, rpn_box;
  double classes, box, mask, keypoint;
  double n_rois,
      n_objects;  /* sampled, and how many of them are objects; of a classifier: pictures */
  double n_right; /* ROIs, or pictures, whose class is the most probable */
} TrainLosses;

static inline double
train_losses_total (const TrainLosses *losses)
{
  return losses->rpn_objectness + losses->rpn_box + losses->classes + losses->box + losses->mask
      + losses->keypoint;
}

#endif
