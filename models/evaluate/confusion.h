/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which class is taken for which: detections matched to objects whatever the classes of both.
 */
#ifndef FBNET_EVALUATE_CONFUSION_H
#define FBNET_EVALUATE_CONFUSION_H

#include "cocodata.h"

typedef struct {
  double iou, min_score;
  guint n; /* categories */
  guint64 *
      counts; /* n + 1 rows, of what is there, of n + 1, of what was found; the last row: nothing was
                      there; the last column: nothing was found */
} Confusion;

/* Boxes. The best detection goes first, to the object that it overlaps most, if by at least `iou` and not
 * taken yet; of two overlapped alike to the one of its class. Crowds are no objects, and a detection that
 * lies in one of its class is no mistake. */
Confusion *confusion_new (const CocoTruth *truth, const CocoResults *results, double iou,
    double min_score);
void confusion_free (Confusion *confusion); /* NULL is allowed */

guint64 confusion_get (const Confusion *confusion, guint there, guint found);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Confusion, confusion_free)

#endif
