/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matching boxes to reference boxes by IoU. Semantics: detectron2 modeling/matcher.py Matcher.
 */
#ifndef FBNET_MATCH_H
#define FBNET_MATCH_H

#include "base/box.h"

typedef enum {
  MATCH_BACKGROUND = 0,
  MATCH_OBJECT = 1,
  MATCH_IGNORED = -1,
} MatchLabel;

typedef struct {
  gint32 reference; /* index of the best reference; 0 when there are none */
  float iou;        /* with it */
  MatchLabel label;
} Match;

/* Best IoU >= upper: object; < lower: background; between: ignored. With `keep_low_quality` every
 * reference's best boxes (all that tie) are objects too, whatever their IoU (> 0), keeping the
 * reference that is best for the box. No references: everything is background.
 * `best` is scratch of n_references floats (only with keep_low_quality). */
void match_boxes (Match *matches, const Box *boxes, gsize n_boxes, const Box *references,
    gsize n_references, float lower, float upper, gboolean keep_low_quality, float *best);

#endif
