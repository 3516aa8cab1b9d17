/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the time goes: what the property stats tells, and what the element answers as latency.
 */
#ifndef GST_FBNET_STATS_H
#define GST_FBNET_STATS_H

#include <fbnet/fbnet.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* All zero: nothing seen yet. */
typedef struct {
  guint64 frames;     /* that passed */
  guint64 inferences; /* frames that were looked at */
  guint64 detections;
  guint64 evaluated;        /* inferences that were compared with references */
  FbnetMatchCounts matches; /* over those */
  FbnetTimings last, sum;   /* over the inferences */
  GstClockTime latency;     /* slowly forgotten maximum of a frame's time in the element */
  GstClockTime announced;   /* what the pipeline was last told */
} GstFbnetStats;

void gst_fbnet_stats_add_inference (GstFbnetStats *stats, const FbnetTimings *timings,
    guint n_detections);

/* What a frame's comparison with its references counted. */
void gst_fbnet_stats_add_matches (GstFbnetStats *stats, const FbnetMatchCounts *counts);

/* Takes note of the time a frame took. TRUE if the pipeline should ask for the latency again. */
gboolean gst_fbnet_stats_add_latency (GstFbnetStats *stats, GstClockTime elapsed);

/* (transfer full): the last three describe the network; NULL and 0 while there is none. */
GstStructure *gst_fbnet_stats_to_structure (const GstFbnetStats *stats, const char *model,
    const char *kernels, guint n_threads);

G_END_DECLS

#endif
