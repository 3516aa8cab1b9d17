/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A data set's detections labelled by the IoU bounds: object, background, ignored.
 */
#ifndef FBNET_EVALUATE_EVALMATCH_H
#define FBNET_EVALUATE_EVALMATCH_H

#include "cocodata.h"
#include "fbnet/fbnet.h"

typedef struct {
  double lower, upper, min_score;
  FbnetMatchCounts total;
  FbnetMatchCounts *categories; /* in the truth's order */
} EvalMatch;

/* Boxes, class by class; detections of a score below min_score are left out. */
EvalMatch *eval_match_new (const CocoTruth *truth, const CocoResults *results, double lower,
    double upper, double min_score);
void eval_match_free (EvalMatch *match); /* NULL is allowed */

/* -1: not defined. */
double match_precision (const FbnetMatchCounts *counts);
double match_recall (const FbnetMatchCounts *counts);
double match_f1 (const FbnetMatchCounts *counts); /* their harmonic mean */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EvalMatch, eval_match_free)

#endif
