/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The truth about a frame, on every frame: whether it was looked at and why not, and whose result it
 * carries (docs/metadata.md).
 */
#ifndef GST_FBNET_TRUTH_H
#define GST_FBNET_TRUTH_H

#include "gstfbnetdecision.h"

G_BEGIN_DECLS

/* Of the GstCustomMeta and of its structure. */
#define GST_FBNET_TRUTH_NAME "fbnetdetect"

typedef struct {
  GstFbnetReason reason;
  GstClockTime
      inferred_pts;   /* of the frame whose result this one carries, else GST_CLOCK_TIME_NONE */
  GstClockTime age;   /* of that result, ns; GST_CLOCK_TIME_NONE without one */
  gboolean repeated;  /* an earlier frame carried it too */
  gboolean predicted; /* its objects are where they are expected at the time of this frame */
  guint generation;   /* raised by flushes, segments, caps, and when the element is started */
} GstFbnetTruth;

/* Once per process, before the first buffer. More often is allowed. */
void gst_fbnet_truth_register (void);

/* In place of that of an earlier element. `buffer` must be writable. */
void gst_fbnet_truth_attach (const GstFbnetTruth *truth, GstBuffer *buffer);

G_END_DECLS

#endif
