/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections compared with the regions that were on the buffer before: docs/element.md, `evaluate`.
 */
#ifndef GST_FBNET_EVALUATE_H
#define GST_FBNET_EVALUATE_H

#include <fbnet/fbnet.h>
#include <gst/gst.h>

#include "gstfbnetnetwork.h"

G_BEGIN_DECLS

/* The references of one frame, and what its detections are by them. Reused from frame to frame. */
typedef struct _GstFbnetEvaluation GstFbnetEvaluation;

GstFbnetEvaluation *gst_fbnet_evaluation_new (void);
void gst_fbnet_evaluation_free (GstFbnetEvaluation *evaluation); /* NULL is allowed */

/* Takes the regions on `buffer`, a frame of width × height pixels, for the references, in place of
 * those of the frame before: to be called before detections are attached. `thresholds` (nullable): of
 * the network's classes, see FbnetParams. */
void gst_fbnet_evaluation_read (GstFbnetEvaluation *evaluation, GstBuffer *buffer,
    const GstFbnetNetwork *network, const float *thresholds, guint width, guint height);

/* Adds a reference box, in pixels. A label that is none of the network's stands for any class. One
 * whose class is switched off is left out: it cannot be found. Every kind of metadata that holds
 * regions comes through here; what is on a buffer twice, as two kinds, must be added once. */
void gst_fbnet_evaluation_add (GstFbnetEvaluation *evaluation, const char *label, double x0,
    double y0, double x1, double y1);

/* Compares by the network's bounds, one match per detection, and adds the frame's counts to `counts`. FALSE with error:
 * there was no memory for all references. */
gboolean gst_fbnet_evaluation_match (GstFbnetEvaluation *evaluation, const FbnetDetections *found,
    const FbnetParams *params, FbnetMatch *matches, FbnetMatchCounts *counts, GError **error);

G_END_DECLS

#endif
