/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tracks beside their ground truth. Semantics: TrackEval's datasets/mot_challenge_2d_box.py, preprocessing of
 * MOT17 for the class pedestrian.
 */
#include "tracksequence.h"

#include <float.h>
#include <math.h>

#include "base/assignment.h"
#include "fbnet/fbnet.h"
#include "support/motfile.h"

#define PEDESTRIAN     1
#define MAX_PAIRS      100000000 /* 1.6 GB */
#define DISTRACTOR_IOU (0.5 - DBL_EPSILON)

/* A person on a vehicle, a static person, a distractor, a reflection: a box there is neither right nor wrong. */
static gboolean
is_distractor (const MotRow *row)
{
  return row->class_id == 2 || row->class_id == 7 || row->class_id == 8 || row->class_id == 12;
}

/* The rows of one frame. */
typedef struct {
  const MotRow *rows;
  guint n;
} Rows;

static Rows
take_frame (const GArray *rows, guint *position, guint frame)
{
  Rows taken = { &g_array_index (rows, MotRow, *position), 0 };

  while (*position < rows->len && g_array_index (rows, MotRow, *position).frame == frame) {
    (*position)++;
    taken.n++;
  }
  return taken;
}

static gboolean
check_ids (const GArray *rows, const char *path, GError **error)
{
  g_autoptr (GHashTable) seen =
      g_hash_table_new (g_int64_hash, g_int64_equal); /* ids, with their rows */

  for (guint i = 0; i < rows->len; i++) {
    const MotRow *row = &g_array_index (rows, MotRow, i);
    if (i > 0 && row->frame != row[-1].frame)
      g_hash_table_remove_all (seen);
    const MotRow *first = g_hash_table_lookup (seen, &row->id);
    if (first == NULL) {
      g_hash_table_insert (seen, (gpointer) &row->id, (gpointer) row);
      continue;
    }
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: line %u: expected every id once in frame %u, found %" G_GINT64_FORMAT
        " again, of line %u",
        path, row->line, row->frame, row->id, first->line);
    return FALSE;
  }
  return TRUE;
}

/* --- One frame -------------------------------------------------------------------------------- */

/* From corners in float32, to which the recorded scores were computed: some pairs lie at a threshold to the last
 * digit. */
typedef struct {
  float x0, y0, x1, y1;
} Corners;

static Corners
corners_of (const MotRow *row)
{
  const float x = (float) row->x, y = (float) row->y;

  return (Corners){ x, y, x + (float) row->width, y + (float) row->height };
}

static float
area (const Corners *c)
{
  return (c->x1 - c->x0) * (c->y1 - c->y0);
}

static double
iou (const MotRow *row, const MotRow *other)
{
  const Corners a = corners_of (row), b = corners_of (other);
  const float width = MAX (MIN (a.x1, b.x1) - MAX (a.x0, b.x0), 0);
  const float height = MAX (MIN (a.y1, b.y1) - MAX (a.y0, b.y0), 0);
  const float both = width * height;
  const float either = area (&a) + area (&b) - both;

  return area (&a) > DBL_EPSILON && area (&b) > DBL_EPSILON ? both / either : 0;
}

/* Which tracks of the frame stay: not those that are matched with a distractor when all of the ground truth may
 * be matched. */
static guint8 *
choose_found (Rows truth, Rows found)
{
  const gsize n = (gsize) truth.n * found.n;
  g_autofree double *cost = g_new (double, MAX (n, 1));
  g_autofree void *scratch = g_malloc (assignment_scratch_size (truth.n, found.n));
  g_autofree gint32 *match = g_new (gint32, MAX (truth.n, 1));
  guint8 *stays = g_malloc (MAX (found.n, 1));

  memset (stays, TRUE, found.n);
  for (gsize i = 0; i < n; i++) {
    const double similarity = iou (&truth.rows[i / found.n], &found.rows[i % found.n]);
    cost[i] = similarity < DISTRACTOR_IOU ? 0 : -similarity;
  }
  assignment_solve (match, cost, truth.n, found.n, scratch);
  for (guint i = 0; i < truth.n; i++)
    if (match[i] >= 0 && cost[i * found.n + (guint) match[i]] < 0 && is_distractor (&truth.rows[i]))
      stays[match[i]] = FALSE;
  return stays;
}

/* The number of an id, the next one when it is new. */
static guint
number_of (GHashTable *ids, const MotRow *row)
{
  gpointer number = g_hash_table_lookup (ids, &row->id);

  if (number == NULL) {
    number = GUINT_TO_POINTER (g_hash_table_size (ids) + 1);
    g_hash_table_insert (ids, g_memdup2 (&row->id, sizeof row->id), number);
  }
  return GPOINTER_TO_UINT (number) - 1;
}

static TrackFrame
make_frame (Rows truth, Rows found, GHashTable *truth_ids, GHashTable *found_ids)
{
  g_autofree guint8 *stays = choose_found (truth, found);
  g_autofree const MotRow **kept = g_new (const MotRow *, MAX (found.n, 1));
  TrackFrame frame = {
    .truth = g_new (guint, MAX (truth.n, 1)),
    .found = g_new (guint, MAX (found.n, 1)),
    .iou = g_new (double, MAX ((gsize) truth.n * found.n, 1)),
  };

  for (guint i = 0; i < found.n; i++) {
    if (!stays[i])
      continue;
    kept[frame.n_found] = &found.rows[i];
    frame.found[frame.n_found++] = number_of (found_ids, &found.rows[i]);
  }
  for (guint i = 0; i < truth.n; i++) {
    const MotRow *row = &truth.rows[i];
    if (trunc (row->score) == 0 || row->class_id != PEDESTRIAN) /* TrackEval reads a whole number */
      continue;
    for (guint j = 0; j < frame.n_found; j++)
      frame.iou[frame.n_truth * frame.n_found + j] = iou (row, kept[j]);
    frame.truth[frame.n_truth++] = number_of (truth_ids, row);
  }
  return frame;
}

/* --- The sequence ----------------------------------------------------------------------------- */

/* Of rows by frame. */
static guint
last_frame (const GArray *rows)
{
  return rows->len > 0 ? g_array_index (rows, MotRow, rows->len - 1).frame : 0;
}

static TrackSequence *
make_sequence (const GArray *truth, const GArray *found)
{
  g_autoptr (GHashTable) truth_ids =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_autoptr (GHashTable) found_ids =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_autoptr (GArray) frames = g_array_new (FALSE, FALSE, sizeof (TrackFrame));
  TrackSequence *sequence = g_new0 (TrackSequence, 1);
  guint t = 0, f = 0;

  while (t < truth->len || f < found->len) {
    const guint of_truth = t < truth->len ? g_array_index (truth, MotRow, t).frame : G_MAXUINT;
    const guint of_found = f < found->len ? g_array_index (found, MotRow, f).frame : G_MAXUINT;
    const guint number = MIN (of_truth, of_found);
    const Rows truth_rows = take_frame (truth, &t, number);
    const TrackFrame frame =
        make_frame (truth_rows, take_frame (found, &f, number), truth_ids, found_ids);
    g_array_append_val (frames, frame);
  }
  sequence->n_frames = frames->len;
  sequence->frames = (TrackFrame *) g_array_free (g_steal_pointer (&frames), FALSE);
  sequence->n_truth = g_hash_table_size (truth_ids);
  sequence->n_found = g_hash_table_size (found_ids);
  sequence->truth_end = last_frame (truth);
  sequence->found_end = last_frame (found);
  return sequence;
}

/* Every id of the one may be every id of the other, and each such pair has numbers. */
static gboolean
check_pairs (const TrackSequence *sequence, const char *tracks, GError **error)
{
  if ((guint64) sequence->n_truth * sequence->n_found <= MAX_PAIRS)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected at most %d pairs of tracks with the ground truth's, found %u × %u", tracks,
      MAX_PAIRS, sequence->n_found, sequence->n_truth);
  return FALSE;
}

TrackSequence *
track_sequence_read (const char *tracks, const char *truth, guint every, GError **error)
{
  g_autoptr (GArray) right = mot_read (truth, error);
  g_autoptr (GArray) found = right != NULL ? mot_read (tracks, error) : NULL;

  if (found == NULL || !check_ids (right, truth, error) || !check_ids (found, tracks, error))
    return NULL;
  mot_thin (right, every);
  g_autoptr (TrackSequence) sequence = make_sequence (right, found);
  return check_pairs (sequence, tracks, error) ? g_steal_pointer (&sequence) : NULL;
}

void
track_sequence_free (TrackSequence *sequence)
{
  if (sequence == NULL)
    return;
  for (guint i = 0; i < sequence->n_frames; i++) {
    g_free (sequence->frames[i].truth);
    g_free (sequence->frames[i].found);
    g_free (sequence->frames[i].iou);
  }
  g_free (sequence->frames);
  g_free (sequence);
}
