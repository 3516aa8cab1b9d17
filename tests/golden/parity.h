/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One frame through a detector, every stage compared with what is known to be right.
 */
#ifndef TESTS_PARITY_H
#define TESTS_PARITY_H

#include "detect/detector.h"
#include "npy.h"

/* How far is near enough. */
typedef struct {
  double features; /* feature maps and logits: times their standard deviation */
  double behind;   /* the same behind the proposals, whose coordinates have rounding of their own */
  double boxes;    /* pixels; keypoints too */
  double scores;   /* probabilities */
  double masks;    /* differing pixels, as part of the pixels that are set */
  gboolean as_set; /* the cap on detections cuts between near-ties: any order, either side */
} ParityLimits;

/* Where expected arrays come from, by the golden fixtures' names (trunk3, rpn_logits_0, …); returns
 * NULL for a stage that is not recorded. */
typedef Npy *(*ParityArrays) (gconstpointer source, const char *name);

/* The worst deviation of each stage over all checks, in the unit of its limit. */
typedef struct {
  GPtrArray *rows;
} ParityTable;

ParityTable *parity_table_new (void);
void parity_table_free (ParityTable *table); /* NULL is allowed */

/* The rows as messages of the running test. */
void parity_table_print (const ParityTable *table, const char *title);

/* Fails the running test where a stage of the frame that `detector` has just run is further from
 * `expected` than `limits` allow; stages that are not recorded are passed over. */
void parity_check (const FbnetDetector *detector, const FbnetImage *image,
    const FbnetDetections *detections, ParityArrays expected, gconstpointer source,
    const ParityLimits *limits, ParityTable *table);

/* Everything that the frame left in the detector's stages and in the detections, byte by byte. */
GByteArray *parity_bytes (const FbnetDetector *detector, const FbnetDetections *detections);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParityTable, parity_table_free)

#endif
