/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How far found numbers are from expected ones.
 */
#ifndef TESTS_COMPARE_H
#define TESTS_COMPARE_H

#include "base/box.h"
#include "npy.h"
#include "base/tensor.h"

typedef struct {
  double max_abs; /* worst absolute deviation; infinity where only one side is finite */
  double std;     /* standard deviation of what was expected */
} Deviation;

Deviation compare_floats (const float *found, const float *expected, gsize n);

/* Channels-last found, [n][c][h][w] (or, with h = w = 1, [n][c]) expected; the shapes must be the
 * same. */
Deviation compare_tensor (const Tensor *found, const Npy *expected);

/* The images `index[0 … n)` of `found`, against all of `expected`. */
Deviation compare_images (const Tensor *found, const guint32 *index, gsize n, const Npy *expected);

typedef struct {
  Box box;
  float score;
  guint class_id;
} ComparedBox;

typedef struct {
  gsize n_missing;   /* expected ones without a partner, and found ones without */
  gsize n_at_bounds; /* of these: those whose score is within `score_slack` of the lowest expected
                        score, where a cap may cut either way */
  double max_box;    /* among partners, any of the four coordinates */
  double max_score;
} BoxMatch;

/* Pairs found and expected as sets: each expected one with the nearest unpaired one of its class no
 * further than `reach` pixels away in any coordinate. */
BoxMatch compare_boxes (const ComparedBox *found, gsize n_found, const ComparedBox *expected,
    gsize n_expected, double reach, double score_slack);

#endif
