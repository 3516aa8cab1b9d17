/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A sequence of tracks beside its ground truth, cleaned by MOT17's rules: what the measures are taken of.
 */
#ifndef FBNET_EVALUATE_TRACKSEQUENCE_H
#define FBNET_EVALUATE_TRACKSEQUENCE_H

#include <glib.h>

typedef struct {
  guint n_truth, n_found;
  guint *truth, *found; /* ids, counted from 0 over the sequence */
  double *iou;          /* n_truth × n_found */
} TrackFrame;

typedef struct {
  guint n_frames; /* that have any box */
  TrackFrame *frames;
  guint n_truth, n_found;     /* ids */
  guint truth_end, found_end; /* the last frame that has a box; 0: none has */
} TrackSequence;

/* Both files in MOTChallenge's format; every k-th frame of the ground truth counts, numbered anew from 1, as
 * the tracks are. The tracks that lie on distractors are left out, and what of the ground truth is not considered
 * or no pedestrian. NULL with error, for an id twice in a frame, too. */
TrackSequence *track_sequence_read (const char *tracks, const char *truth, guint every,
    GError **error);
void track_sequence_free (TrackSequence *sequence); /* NULL is allowed */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrackSequence, track_sequence_free)

#endif
