/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How far a run is, on standard error: a bar that redraws itself on a terminal, a line for every
 * tenth of the way elsewhere.
 */
#ifndef FBNET_SUPPORT_PROGRESS_H
#define FBNET_SUPPORT_PROGRESS_H

#include <glib.h>

typedef struct {
  const char *unit; /* "{picture|pictures}", for plural_text() */
  guint total, done;
  gint64 start_us, drawn_us;
  gboolean terminal, visible;
  char note[128]; /* stands behind the rest */
} Progress;

/* `unit` must outlive it. */
Progress progress_new (guint total, const char *unit);

/* One more is done. */
void progress_step (Progress *progress);

/* Makes room for a message on the terminal; the next step draws the bar again. */
void progress_hide (Progress *progress);

/* "1:23", "1:02:03". Not known (negative): "-:--". g_free() it. */
char *progress_format_time (double seconds);

#endif
