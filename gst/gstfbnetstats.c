/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Counters and timings of one element.
 */
#include "gstfbnetstats.h"

/* A frame later, a peak in the time per frame counts for this part less. */
#define LATENCY_DECAY 64

void
gst_fbnet_stats_add_inference (GstFbnetStats *stats, const FbnetTimings *timings,
    guint n_detections)
{
  stats->inferences++;
  stats->detections += n_detections;
  stats->last = *timings;
  for (guint i = 0; i < FBNET_N_STAGES; i++)
    stats->sum.ms[i] += timings->ms[i];
  stats->sum.total += timings->total;
}

void
gst_fbnet_stats_add_matches (GstFbnetStats *stats, const FbnetMatchCounts *counts)
{
  stats->evaluated++;
  stats->matches.true_positives += counts->true_positives;
  stats->matches.false_positives += counts->false_positives;
  stats->matches.misses += counts->misses;
}

/* A live pipeline must wait for the slowest frame, not for the mean one. Telling it makes it pause
 * for a moment, so that small changes are kept back. */
gboolean
gst_fbnet_stats_add_latency (GstFbnetStats *stats, GstClockTime elapsed)
{
  const GstClockTime faded = stats->latency - stats->latency / LATENCY_DECAY;

  stats->latency = MAX (elapsed, faded);
  if (stats->latency <= stats->announced + stats->announced / 5 + GST_MSECOND)
    return FALSE;
  stats->announced = stats->latency;
  return TRUE;
}

static GstStructure *
describe_timings (const char *name, const FbnetTimings *timings, guint64 divisor)
{
  GstStructure *structure = gst_structure_new_empty (name);
  const double frames = MAX (divisor, 1);

  for (guint i = 0; i < FBNET_N_STAGES; i++)
    gst_structure_set (structure, fbnet_stage_get_name (i), G_TYPE_DOUBLE, timings->ms[i] / frames,
        NULL);
  gst_structure_set (structure, "total", G_TYPE_DOUBLE, timings->total / frames, NULL);
  return structure;
}

/* -1 where nothing was there to be right or found. */
static double
share (guint64 part, guint64 rest)
{
  return part + rest > 0 ? (double) part / (double) (part + rest) : -1;
}

static void
describe_matches (GstStructure *structure, const GstFbnetStats *stats)
{
  const FbnetMatchCounts *m = &stats->matches;

  gst_structure_set (structure, "evaluated", G_TYPE_UINT64, stats->evaluated, "true-positives",
      G_TYPE_UINT64, m->true_positives, "false-positives", G_TYPE_UINT64, m->false_positives,
      "misses", G_TYPE_UINT64, m->misses, "precision", G_TYPE_DOUBLE,
      share (m->true_positives, m->false_positives), "recall", G_TYPE_DOUBLE,
      share (m->true_positives, m->misses), NULL);
}

GstStructure *
gst_fbnet_stats_to_structure (const GstFbnetStats *stats, const char *model, const char *kernels,
    guint n_threads)
{
  g_autoptr (GstStructure) last = describe_timings ("last", &stats->last, 1);
  g_autoptr (GstStructure) mean = describe_timings ("mean", &stats->sum, stats->inferences);
  GstStructure *structure = gst_structure_new ("fbnetdetect-stats", "frames", G_TYPE_UINT64,
      stats->frames, "inferences", G_TYPE_UINT64, stats->inferences, "detections", G_TYPE_UINT64,
      stats->detections, "latency", G_TYPE_UINT64, (guint64) stats->latency, "last-ms",
      GST_TYPE_STRUCTURE, last, "mean-ms", GST_TYPE_STRUCTURE, mean, "model", G_TYPE_STRING, model,
      "kernels", G_TYPE_STRING, kernels, "threads", G_TYPE_UINT, n_threads, NULL);

  describe_matches (structure, stats);
  return structure;
}
