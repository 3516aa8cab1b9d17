/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a detector should have said: anchors and proposals matched to the objects of a sample, and which
 * of them count. Semantics: detectron2 modeling/proposal_generator/rpn.py label_and_sample_anchors,
 * modeling/roi_heads/roi_heads.py label_and_sample_proposals, modeling/sampling.py subsample_labels,
 * modeling/box_regression.py get_deltas.
 */
#ifndef FBNET_TRAIN_TARGETS_H
#define FBNET_TRAIN_TARGETS_H

#include "base/box.h"
#include "randomkey.h"
#include "real.h"
#include "sample.h"

/* How many count, and what is an object. */
typedef struct {
  guint batch;        /* per image: RPN 256, heads 512 */
  double fraction;    /* of objects among them, at most: RPN 0.5, heads 0.25 */
  float lower, upper; /* best IoU >= upper: an object, < lower: background, between: ignored */
} SampleSettings;

/* Of the boxes that were matched: those that are sampled, objects first. */
typedef struct {
  guint32 *boxes;   /* n; numbers of boxes */
  guint32 *objects; /* n_positive; each one's object */
  guint n, n_positive;
} Sampled;

/* `keep_low_quality`: every object's best boxes are objects too, whatever their IoU. */
Sampled sample_boxes (const Box *boxes, gsize n_boxes, const TrainSample *sample,
    const SampleSettings *settings, gboolean keep_low_quality, RandomKey key);
void sampled_clear (Sampled *sampled);

/* The deltas that make `object` of `box`. */
void box_encode (Real delta[4], const Box *box, const Box *object, const float weights[4]);

/* All anchors of a feature, in the order of the RPN's logits. */
Box *make_anchors (const Box *cells, guint n_cells, gsize height, gsize width, double stride,
    double offset);

#endif
