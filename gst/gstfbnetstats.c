/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Counters and timings of one element.
 */
#include "gstfbnetstats.h"

#include <stdlib.h>

/* A frame later, a peak in the time per frame counts for this part less. */
#define LATENCY_DECAY 64

void
gst_fbnet_stats_add_frame (GstFbnetStats *stats, GstFbnetReason reason, gint64 came,
    GstClockTime age)
{
  stats->came[stats->frames++ % GST_FBNET_STATS_WINDOW] = came;
  stats->reasons[reason]++;
  if (GST_CLOCK_TIME_IS_VALID (age))
    stats->ages[stats->n_ages++ % GST_FBNET_STATS_WINDOW] = age;
}

static void
add_matches (GstFbnetStats *stats, const FbnetMatchCounts *counts)
{
  stats->evaluated++;
  stats->matches.true_positives += counts->true_positives;
  stats->matches.false_positives += counts->false_positives;
  stats->matches.misses += counts->misses;
}

void
gst_fbnet_stats_add_look (GstFbnetStats *stats, const GstFbnetLook *look)
{
  stats->recent[stats->inferences++ % GST_FBNET_STATS_WINDOW] = look->timings;
  stats->detections += gst_fbnet_result_count (&look->result);
  for (guint i = 0; i < FBNET_N_STAGES; i++)
    stats->sum.ms[i] += look->timings.ms[i];
  stats->sum.total += look->timings.total;
  if (look->evaluated)
    add_matches (stats, &look->counts);
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

/* --- The window -------------------------------------------------------------------------------- */

static guint
in_window (guint64 n)
{
  return (guint) MIN (n, GST_FBNET_STATS_WINDOW);
}

static int
compare_numbers (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

/* By nearest rank; sorts `numbers`. */
static double
percentile (double *numbers, guint n, double share)
{
  if (n == 0)
    return 0;
  qsort (numbers, n, sizeof *numbers, compare_numbers);
  return numbers[(guint) (share * (n - 1) + 0.5)];
}

static double
stage_percentile (const GstFbnetStats *stats, guint stage, double share)
{
  const guint n = in_window (stats->inferences);
  double numbers[GST_FBNET_STATS_WINDOW];

  for (guint i = 0; i < n; i++)
    numbers[i] = stage < FBNET_N_STAGES ? stats->recent[i].ms[stage] : stats->recent[i].total;
  return percentile (numbers, n, share);
}

static void
percentile_timings (const GstFbnetStats *stats, double share, FbnetTimings *timings)
{
  for (guint stage = 0; stage < FBNET_N_STAGES; stage++)
    timings->ms[stage] = stage_percentile (stats, stage, share);
  timings->total = stage_percentile (stats, FBNET_N_STAGES, share);
}

/* 0 before there are two. */
static double
frames_per_second (const GstFbnetStats *stats)
{
  const guint n = in_window (stats->frames);

  if (n < 2)
    return 0;
  const gint64 last = stats->came[(stats->frames - 1) % GST_FBNET_STATS_WINDOW];
  const gint64 first = stats->came[(stats->frames - n) % GST_FBNET_STATS_WINDOW];
  return last > first ? (double) (n - 1) * G_USEC_PER_SEC / (double) (last - first) : 0;
}

static void
describe_ages (GstStructure *structure, const GstFbnetStats *stats)
{
  const guint n = in_window (stats->n_ages);
  double numbers[GST_FBNET_STATS_WINDOW];

  for (guint i = 0; i < n; i++)
    numbers[i] = (double) stats->ages[i];
  const guint64 last =
      n > 0 ? stats->ages[(stats->n_ages - 1) % GST_FBNET_STATS_WINDOW] : GST_CLOCK_TIME_NONE;
  gst_structure_set (structure, "age", G_TYPE_UINT64, last, "age-p50", G_TYPE_UINT64,
      (guint64) percentile (numbers, n, 0.5), "age-p95", G_TYPE_UINT64,
      (guint64) percentile (numbers, n, 0.95), NULL);
}

static GstStructure *
describe_reasons (const GstFbnetStats *stats)
{
  GstStructure *structure = gst_structure_new_empty ("reasons");

  for (guint i = 0; i < GST_FBNET_N_REASONS; i++)
    gst_structure_set (structure, gst_fbnet_reason_get_name (i), G_TYPE_UINT64, stats->reasons[i],
        NULL);
  return structure;
}

static void
describe_timing_sets (GstStructure *structure, const GstFbnetStats *stats)
{
  static const FbnetTimings none = { 0 };
  const FbnetTimings *last = stats->inferences > 0
      ? &stats->recent[(stats->inferences - 1) % GST_FBNET_STATS_WINDOW]
      : &none;
  FbnetTimings p50, p95;

  percentile_timings (stats, 0.5, &p50);
  percentile_timings (stats, 0.95, &p95);
  g_autoptr (GstStructure) last_ms = describe_timings ("last", last, 1);
  g_autoptr (GstStructure) mean_ms = describe_timings ("mean", &stats->sum, stats->inferences);
  g_autoptr (GstStructure) p50_ms = describe_timings ("p50", &p50, 1);
  g_autoptr (GstStructure) p95_ms = describe_timings ("p95", &p95, 1);
  gst_structure_set (structure, "last-ms", GST_TYPE_STRUCTURE, last_ms, "mean-ms",
      GST_TYPE_STRUCTURE, mean_ms, "p50-ms", GST_TYPE_STRUCTURE, p50_ms, "p95-ms",
      GST_TYPE_STRUCTURE, p95_ms, NULL);
}

GstStructure *
gst_fbnet_stats_to_structure (const GstFbnetStats *stats, const GstFbnetNetwork *network)
{
  const gboolean open = network != NULL;
  g_autoptr (GstStructure) reasons = describe_reasons (stats);
  GstStructure *structure = gst_structure_new ("fbnetdetect-stats", "frames", G_TYPE_UINT64,
      stats->frames, "inferences", G_TYPE_UINT64, stats->inferences, "replaced", G_TYPE_UINT64,
      stats->replaced, "detections", G_TYPE_UINT64, stats->detections, "frames-per-second",
      G_TYPE_DOUBLE, frames_per_second (stats), "latency", G_TYPE_UINT64, (guint64) stats->latency,
      "reasons", GST_TYPE_STRUCTURE, reasons, "model", G_TYPE_STRING, open ? network->path : NULL,
      "kernels", G_TYPE_STRING, open ? gst_fbnet_network_get_kernels (network) : NULL, "threads",
      G_TYPE_UINT, open ? gst_fbnet_network_get_n_threads (network) : 0, NULL);

  describe_ages (structure, stats);
  describe_timing_sets (structure, stats);
  describe_matches (structure, stats);
  return structure;
}
