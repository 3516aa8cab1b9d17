/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Scores of tracks, sequence by sequence and combined, for people and for programs; docs/eval.md describes both.
 */
#ifndef FBNET_EVALUATE_TRACKREPORT_H
#define FBNET_EVALUATE_TRACKREPORT_H

#include "support/console.h"

/* `tracks` and `truth` are two files, or two folders: then every file of `truth` has one of its name in `tracks`.
 * Every k-th frame of the ground truth counts. What of it seems not to belong together the console says. Lines of
 * text, or one line of JSON; g_free() it. NULL with error. */
char *track_report (const char *tracks, const char *truth, guint every, gboolean json,
    Console *console, GError **error);

#endif
