/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detectors of D2Go's configs with random weights that do the same work in every frame: speed does not
 * depend on weights but through the number of proposals and detections, which is fixed here.
 */
#ifndef BENCH_BENCHMODEL_H
#define BENCH_BENCHMODEL_H

#include "fbnet/fbnet.h"

/* NULL with error. */
FbnetModel *bench_model_new (const char *config, GError **error);

/* A wrong parameter ends the program. max_detections 0: the model's own. `full`: no proposal is
 * suppressed, so that the cap on their number cuts; with masks no detection either. */
FbnetDetector *bench_detector_with (FbnetModel *model, const FbnetDetectorOptions *options,
    guint max_detections, gboolean full);
FbnetDetector *bench_detector_new (FbnetModel *model, const char *kernels, guint n_threads,
    guint max_detections, gboolean full);

/* A table's columns, 0 … FBNET_N_STAGES - 1: a frame's milliseconds in all, and in each stage. */
const char *bench_column_name (guint column);
double bench_column_ms (const FbnetTimings *timings, guint column);

#endif
