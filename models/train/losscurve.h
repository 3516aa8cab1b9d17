/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The losses of a run: kept, read again from its log, drawn.
 */
#ifndef FBNET_TRAIN_LOSSCURVE_H
#define FBNET_TRAIN_LOSSCURVE_H

#include "train/rcnn.h"

typedef struct {
  guint step; /* from 1 */
  double rate;
  TrainLosses losses;
} LossPoint;

/* The steps 1 … last that the lines of a log tell of, as LossPoint; where a run was resumed, a step's
 * last line counts. Other lines are passed over; a log that cannot be read has none. */
GArray *loss_curve_read (const char *path, guint last);

/* The mean of the last n points, or of as many as there are. */
TrainLosses loss_curve_mean (const GArray *points, guint n);

#ifdef HAVE_ANNOTATE
/* At least one point; SVG or PNG by the end of `path`. */
gboolean loss_curve_draw (const GArray *points, const char *path, GError **error);
#endif

#endif
