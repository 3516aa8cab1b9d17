/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How good tracks are: HOTA (Luiten et al. 2021), CLEAR MOT (Bernardin and Stiefelhagen 2008) and identities
 * (Ristani et al. 2016), as TrackEval counts them.
 */
#ifndef FBNET_EVALUATE_TRACKSCORES_H
#define FBNET_EVALUATE_TRACKSCORES_H

#include "tracksequence.h"

#define TRACK_N_ALPHAS 19 /* IoU 0.05, 0.1 … 0.95 */

/* Sums, so that sequences can be added up. */
typedef struct {
  double matches[TRACK_N_ALPHAS];      /* pairs of boxes, at each IoU */
  double iou[TRACK_N_ALPHAS];          /* of those */
  double associations[TRACK_N_ALPHAS]; /* of those, how well their tracks fit otherwise */
  double n_truth, n_found;             /* boxes */
  double clear_matches, clear_iou, switches, fragments;
  double id_matches;
} TrackCounts;

/* Adds what the sequence has. */
void track_counts_add (TrackCounts *counts, const TrackSequence *sequence);
void track_counts_sum (TrackCounts *counts, const TrackCounts *other);

typedef enum {
  TRACK_HOTA,
  TRACK_DETA,
  TRACK_ASSA,
  TRACK_LOCA,
  TRACK_MOTA,
  TRACK_MOTP,
  TRACK_IDSW,
  TRACK_FP,
  TRACK_FN,
  TRACK_FRAG,
  TRACK_IDF1,
  TRACK_IDP,
  TRACK_IDR,
  TRACK_N_SCORES,
} TrackScore;

/* "HOTA" */
const char *track_score_name (TrackScore score);
gboolean track_score_is_count (TrackScore score);

void track_scores (double scores[TRACK_N_SCORES], const TrackCounts *counts);

#endif
