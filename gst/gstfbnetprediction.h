/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the objects of an earlier look are by now.
 */
#ifndef GST_FBNET_PREDICTION_H
#define GST_FBNET_PREDICTION_H

#include "gstfbnetresult.h"

G_BEGIN_DECLS

/* Reused from frame to frame, so that nothing is allocated. One thread at a time. */
typedef struct _GstFbnetPrediction GstFbnetPrediction;

GstFbnetPrediction *gst_fbnet_prediction_new (void);
void gst_fbnet_prediction_free (GstFbnetPrediction *prediction); /* NULL is allowed */

/* Moves the objects of `result`, which has tracks, on by so many seconds, each as fast as it was, with its mask and
 * keypoints; what has left the frame by then is left out. From here on `result` points into `prediction`, until the
 * next one is made. FALSE: without memory for that `result` stays as it is. */
gboolean gst_fbnet_prediction_make (GstFbnetPrediction *prediction, GstFbnetResult *result,
    double seconds);

G_END_DECLS

#endif
