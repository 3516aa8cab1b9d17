/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Precision over recall, drawn.
 */
#ifndef FBNET_EVALUATE_EVALPLOT_H
#define FBNET_EVALUATE_EVALPLOT_H

#include "cocoeval.h"

/* A panel per evaluation that is there, a curve per threshold: the mean over the classes, all sizes,
 * with the most detections. SVG or PNG by the end of `path`; the file is replaced only when all of it
 * was drawn. */
gboolean eval_plot (const CocoEval *const evals[COCO_N_KINDS], const char *path, GError **error);

#endif
