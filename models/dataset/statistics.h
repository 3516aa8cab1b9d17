/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is in a set, class by class and size by size, and what a network that sees its pictures at a certain
 * size should know of it.
 */
#ifndef FBNET_DATASET_STATISTICS_H
#define FBNET_DATASET_STATISTICS_H

#include "labelset.h"

typedef struct {
  guint min_size,
      max_size; /* the network sees pictures with their shorter side as min_size, at most … */
} StatisticsOptions;

/* Lines for people; `flags`: of the pictures to evaluate with. g_free() it. */
char *statistics_to_text (const LabelSet *set, const gboolean *flags,
    const StatisticsOptions *options);

/* The best that a box of these sides can overlap one of those, both around one middle. */
double sides_overlap (double width, double height, double other_width, double other_height);

/* `n_sizes` sizes for anchors, ascending, of the n numbers (square roots of areas): the middles of as many
 * groups of them, on a scale of ratios (k-means). */
void choose_anchor_sizes (double *sizes, guint n_sizes, const double *roots, guint n);

#endif
