/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * MOTChallenge's text files: a box of a frame a line, for detections, tracks and ground truth alike.
 */
#ifndef FBNET_SUPPORT_MOTFILE_H
#define FBNET_SUPPORT_MOTFILE_H

#include <glib.h>

typedef struct {
  guint line;                 /* of the file, from 1 */
  guint frame;                /* from 1 */
  gint64 id;                  /* -1 in files of detections */
  double x, y, width, height; /* pixels */
  double score;    /* 1 where the line has none; of ground truth: 0 for what is not considered */
  gint64 class_id; /* 1 where the line has none */
} MotRow;

/* MotRows in the order of their frames; the caller owns the array. NULL with error naming the line and the
 * column that is not as it must be: frame, id, x, y, width, height, and as many numbers more as there are, with
 * commas between. */
GArray *mot_read (const char *path, GError **error);

/* Keeps every k-th frame, from the first on, and numbers those that are left from 1. */
void mot_thin (GArray *rows, guint every);

gboolean mot_write (const GArray *rows, const char *path, GError **error);

#endif
