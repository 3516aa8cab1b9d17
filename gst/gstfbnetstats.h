/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the time goes: what the property stats tells, and what the element answers as latency.
 */
#ifndef GST_FBNET_STATS_H
#define GST_FBNET_STATS_H

#include "gstfbnetdecision.h"
#include "gstfbnetlook.h"

G_BEGIN_DECLS

/* Percentiles, rates and ages are over the last so many. */
#define GST_FBNET_STATS_WINDOW 256

/* All zero: nothing seen yet. */
typedef struct {
  guint64 frames;     /* that passed */
  guint64 inferences; /* that were finished */
  guint64 replaced;   /* frames given to the network that gave way to a newer one */
  guint64 detections;
  guint64 reasons[GST_FBNET_N_REASONS]; /* frames by what was decided of them */
  guint64 evaluated;                    /* inferences that were compared with references */
  FbnetMatchCounts matches;             /* over those */
  FbnetTimings sum;                     /* over the inferences */
  FbnetTimings recent[GST_FBNET_STATS_WINDOW];
  gint64 came[GST_FBNET_STATS_WINDOW];       /* when the last frames came, µs */
  GstClockTime ages[GST_FBNET_STATS_WINDOW]; /* of the results that frames carried */
  guint64 n_ages;
  GstClockTime latency;   /* slowly forgotten maximum of a frame's time in the element */
  GstClockTime announced; /* what the pipeline was last told */
} GstFbnetStats;

/* A frame that came at `came` (µs, monotonic) leaves; `age` is of the result that it carries, or
 * GST_CLOCK_TIME_NONE. */
void gst_fbnet_stats_add_frame (GstFbnetStats *stats, GstFbnetReason reason, gint64 came,
    GstClockTime age);

void gst_fbnet_stats_add_look (GstFbnetStats *stats, const GstFbnetLook *look);

/* Takes note of the time a frame took. TRUE if the pipeline should ask for the latency again. */
gboolean gst_fbnet_stats_add_latency (GstFbnetStats *stats, GstClockTime elapsed);

/* (transfer full): `network` (nullable). */
GstStructure *gst_fbnet_stats_to_structure (const GstFbnetStats *stats,
    const GstFbnetNetwork *network);

G_END_DECLS

#endif
