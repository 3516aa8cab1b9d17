/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How good tracks are. Semantics: TrackEval's metrics/hota.py, clear.py and identity.py.
 */
#include "trackscores.h"

#include <float.h>
#include <math.h>

#include "base/assignment.h"

#define MATCH_IOU 0.5
#define NONE      G_MAXUINT

/* What a sequence is counted with: a pair of ids is at truth * n_found + found. */
typedef struct {
  const TrackSequence *sequence;
  double *truth_boxes, *found_boxes; /* of an id */
  double *alike;                     /* of a pair of ids: how much they are together */
  double *cost;                      /* of the pairs of a frame */
  gint32 *match;
  void *scratch;
} Counting;

static gsize
pair_of (const Counting *c, const TrackFrame *frame, gsize i, gsize j)
{
  return (gsize) frame->truth[i] * c->sequence->n_found + frame->found[j];
}

static void
count_boxes (Counting *c)
{
  for (guint f = 0; f < c->sequence->n_frames; f++) {
    const TrackFrame *frame = &c->sequence->frames[f];
    for (guint i = 0; i < frame->n_truth; i++)
      c->truth_boxes[frame->truth[i]]++;
    for (guint j = 0; j < frame->n_found; j++)
      c->found_boxes[frame->found[j]]++;
  }
}

static Counting
counting_new (const TrackSequence *sequence)
{
  gsize most_truth = sequence->n_truth, most_found = sequence->n_found;
  Counting c = {
    .sequence = sequence,
    .truth_boxes = g_new0 (double, MAX (most_truth, 1)),
    .found_boxes = g_new0 (double, MAX (most_found, 1)),
    .alike = g_new0 (double, MAX (most_truth * most_found, 1)),
    .cost = g_new (double, MAX (most_truth * most_found, 1)),
    .match = g_new (gint32, MAX (most_truth, 1)),
    .scratch = g_malloc (assignment_scratch_size (most_truth, most_found)),
  };

  count_boxes (&c);
  return c;
}

static void
counting_clear (Counting *c)
{
  g_free (c->truth_boxes);
  g_free (c->found_boxes);
  g_free (c->alike);
  g_free (c->cost);
  g_free (c->match);
  g_free (c->scratch);
}

static void
forget_pairs (Counting *c)
{
  const gsize n = (gsize) c->sequence->n_truth * c->sequence->n_found;

  for (gsize k = 0; k < n; k++)
    c->alike[k] = 0;
}

/* --- HOTA ------------------------------------------------------------------------------------- */

/* Pairs of ids that are often together, of all that they could be with in those frames. */
static void
align_frame (Counting *c, const TrackFrame *frame)
{
  const guint n = frame->n_found;

  for (guint i = 0; i < frame->n_truth; i++) {
    double row = 0;
    for (guint j = 0; j < n; j++)
      row += frame->iou[i * n + j];
    for (guint j = 0; j < n; j++) {
      double all = row - frame->iou[i * n + j];
      for (guint k = 0; k < frame->n_truth; k++)
        all += frame->iou[k * n + j];
      if (all > DBL_EPSILON)
        c->alike[pair_of (c, frame, i, j)] += frame->iou[i * n + j] / all;
    }
  }
}

static void
align (Counting *c)
{
  for (guint f = 0; f < c->sequence->n_frames; f++)
    align_frame (c, &c->sequence->frames[f]);
  for (guint i = 0; i < c->sequence->n_truth; i++)
    for (guint j = 0; j < c->sequence->n_found; j++) {
      double *alike = &c->alike[(gsize) i * c->sequence->n_found + j];
      *alike /= c->truth_boxes[i] + c->found_boxes[j] - *alike;
    }
}

static void
match_aligned (Counting *c, const TrackFrame *frame)
{
  const guint n = frame->n_found;

  for (guint i = 0; i < frame->n_truth; i++)
    for (guint j = 0; j < n; j++)
      c->cost[i * n + j] = -c->alike[pair_of (c, frame, i, j)] * frame->iou[i * n + j];
  assignment_solve (c->match, c->cost, frame->n_truth, n, c->scratch);
}

static guint
n_alphas_reached (double iou)
{
  guint n = 0;

  while (n < TRACK_N_ALPHAS && iou >= 0.05 * (n + 1) - DBL_EPSILON)
    n++;
  return n;
}

/* `together[alpha]` counts the frames of each pair of ids. */
static void
count_aligned (Counting *c, TrackCounts *counts, const TrackFrame *frame, double *const *together)
{
  for (guint i = 0; i < frame->n_truth; i++) {
    if (c->match[i] < 0)
      continue;
    const guint j = (guint) c->match[i];
    const double iou = frame->iou[i * frame->n_found + j];
    for (guint a = 0; a < n_alphas_reached (iou); a++) {
      counts->matches[a]++;
      counts->iou[a] += iou;
      together[a][pair_of (c, frame, i, j)]++;
    }
  }
}

static double
associate (const Counting *c, const double *together)
{
  double sum = 0;

  for (guint i = 0; i < c->sequence->n_truth; i++)
    for (guint j = 0; j < c->sequence->n_found; j++) {
      const double n = together[(gsize) i * c->sequence->n_found + j];
      sum += n * n / MAX (1, c->truth_boxes[i] + c->found_boxes[j] - n);
    }
  return sum;
}

static void
count_hota (Counting *c, TrackCounts *counts)
{
  const gsize n_pairs = (gsize) c->sequence->n_truth * c->sequence->n_found;
  double *together[TRACK_N_ALPHAS];

  for (guint a = 0; a < TRACK_N_ALPHAS; a++)
    together[a] = g_new0 (double, MAX (n_pairs, 1));
  align (c);
  for (guint f = 0; f < c->sequence->n_frames; f++) {
    const TrackFrame *frame = &c->sequence->frames[f];
    counts->n_truth += frame->n_truth;
    counts->n_found += frame->n_found;
    match_aligned (c, frame);
    count_aligned (c, counts, frame, together);
  }
  for (guint a = 0; a < TRACK_N_ALPHAS; a++) {
    counts->associations[a] += associate (c, together[a]);
    g_free (together[a]);
  }
}

/* --- CLEAR ------------------------------------------------------------------------------------ */

/* By ids of the ground truth. */
typedef struct {
  guint *last;    /* the track that had it last, or NONE */
  guint *current; /* in the last frame that had anything, or NONE */
  guint *parts;   /* how often it was taken up */
} Continuity;

/* A pair that goes on is worth more than any overlap. */
static void
match_continued (Counting *c, const TrackFrame *frame, const Continuity *continuity)
{
  const guint n = frame->n_found;

  for (guint i = 0; i < frame->n_truth; i++)
    for (guint j = 0; j < n; j++) {
      const double iou = frame->iou[i * n + j];
      const double bonus = continuity->current[frame->truth[i]] == frame->found[j] ? 1000 : 0;
      c->cost[i * n + j] = iou < MATCH_IOU - DBL_EPSILON ? 0 : -(iou + bonus);
    }
  assignment_solve (c->match, c->cost, frame->n_truth, n, c->scratch);
}

static void
count_continued (Counting *c, TrackCounts *counts, const TrackFrame *frame,
    const Continuity *continuity)
{
  g_autofree guint *before = g_memdup2 (continuity->current, c->sequence->n_truth * sizeof (guint));

  for (guint i = 0; i < c->sequence->n_truth; i++)
    continuity->current[i] = NONE;
  for (guint i = 0; i < frame->n_truth; i++) {
    if (c->match[i] < 0 || c->cost[i * frame->n_found + (guint) c->match[i]] >= 0)
      continue;
    const guint id = frame->truth[i], track = frame->found[c->match[i]];
    counts->switches += continuity->last[id] != NONE && continuity->last[id] != track;
    continuity->parts[id] += before[id] == NONE;
    continuity->last[id] = continuity->current[id] = track;
    counts->clear_matches++;
    counts->clear_iou += frame->iou[i * frame->n_found + (guint) c->match[i]];
  }
}

static void
count_clear (Counting *c, TrackCounts *counts)
{
  const guint n = c->sequence->n_truth;
  g_autofree guint *last = g_new (guint, MAX (n, 1));
  g_autofree guint *current = g_new (guint, MAX (n, 1));
  g_autofree guint *parts = g_new0 (guint, MAX (n, 1));
  const Continuity continuity = { last, current, parts };

  for (guint i = 0; i < n; i++)
    last[i] = current[i] = NONE;
  for (guint f = 0; f < c->sequence->n_frames; f++) {
    const TrackFrame *frame = &c->sequence->frames[f];
    if (frame->n_truth == 0 || frame->n_found == 0)
      continue;
    match_continued (c, frame, &continuity);
    count_continued (c, counts, frame, &continuity);
  }
  for (guint i = 0; i < n; i++)
    counts->fragments += parts[i] > 0 ? parts[i] - 1 : 0;
}

/* --- Identities ------------------------------------------------------------------------------- */

/* Each id of the ground truth may be one track, for the whole sequence. */
static void
count_identities (Counting *c, TrackCounts *counts)
{
  const guint n_truth = c->sequence->n_truth, n_found = c->sequence->n_found;

  forget_pairs (c);
  for (guint f = 0; f < c->sequence->n_frames; f++) {
    const TrackFrame *frame = &c->sequence->frames[f];
    for (guint i = 0; i < frame->n_truth; i++)
      for (guint j = 0; j < frame->n_found; j++)
        if (frame->iou[i * frame->n_found + j] >= MATCH_IOU)
          c->alike[pair_of (c, frame, i, j)]--;
  }
  assignment_solve (c->match, c->alike, n_truth, n_found, c->scratch);
  for (guint i = 0; i < n_truth; i++)
    if (c->match[i] >= 0)
      counts->id_matches -= c->alike[(gsize) i * n_found + (guint) c->match[i]];
}

void
track_counts_add (TrackCounts *counts, const TrackSequence *sequence)
{
  Counting c = counting_new (sequence);

  count_hota (&c, counts);
  count_clear (&c, counts);
  count_identities (&c, counts);
  counting_clear (&c);
}

/* --- Scores ----------------------------------------------------------------------------------- */

void
track_counts_sum (TrackCounts *counts, const TrackCounts *other)
{
  double *to = (double *) counts;
  const double *from = (const double *) other;

  for (guint i = 0; i < sizeof *counts / sizeof (double); i++)
    to[i] += from[i];
}

static const char *const names[TRACK_N_SCORES] = { "HOTA", "DetA", "AssA", "LocA", "MOTA", "MOTP",
  "IDSW", "FP", "FN", "Frag", "IDF1", "IDP", "IDR" };

const char *
track_score_name (TrackScore score)
{
  return names[score];
}

gboolean
track_score_is_count (TrackScore score)
{
  return score == TRACK_IDSW || score == TRACK_FP || score == TRACK_FN || score == TRACK_FRAG;
}

/* Means over the IoUs. */
static void
score_hota (double *scores, const TrackCounts *c)
{
  for (guint a = 0; a < TRACK_N_ALPHAS; a++) {
    const double n = c->matches[a];
    const double detection = n / MAX (1, c->n_truth + c->n_found - n);
    const double association = c->associations[a] / MAX (1, n);
    scores[TRACK_HOTA] += sqrt (detection * association) / TRACK_N_ALPHAS;
    scores[TRACK_DETA] += detection / TRACK_N_ALPHAS;
    scores[TRACK_ASSA] += association / TRACK_N_ALPHAS;
    scores[TRACK_LOCA] += (n > 0 ? c->iou[a] / n : 1) / TRACK_N_ALPHAS;
  }
}

void
track_scores (double scores[TRACK_N_SCORES], const TrackCounts *c)
{
  for (guint i = 0; i < TRACK_N_SCORES; i++)
    scores[i] = 0;
  score_hota (scores, c);
  scores[TRACK_FP] = c->n_found - c->clear_matches;
  scores[TRACK_FN] = c->n_truth - c->clear_matches;
  scores[TRACK_IDSW] = c->switches;
  scores[TRACK_FRAG] = c->fragments;
  scores[TRACK_MOTA] = (c->clear_matches - scores[TRACK_FP] - c->switches) / MAX (1, c->n_truth);
  scores[TRACK_MOTP] = c->clear_iou / MAX (1, c->clear_matches);
  scores[TRACK_IDP] = c->id_matches / MAX (1, c->n_found);
  scores[TRACK_IDR] = c->id_matches / MAX (1, c->n_truth);
  scores[TRACK_IDF1] = c->id_matches / MAX (1, (c->n_truth + c->n_found) / 2);
}
