/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns: how many frames of the process are worked on at once, first come, first served. Left to the operating
 * system alone, of 32 streams on two processors some get a third less than others, for as long as they run: one
 * processor has more threads, or is the slower one. So a frame waits where there are a few for every processor.
 */
#ifndef FBNET_TURNS_H
#define FBNET_TURNS_H

#include <glib.h>
#include <pthread.h>

/* Of one stream of frames. */
typedef struct Turn Turn;
struct Turn {
  Turn *next;   /* that waits */
  gint waits;   /* atomic */
  gboolean has; /* its thread's alone */
  pthread_cond_t granted;
};

void turn_init (Turn *turn); /* needs no clearing up */

/* Returns when fewer than n_at_once have a turn, and at once to who claims a processor: that one has a frame to hand on.
 * Nobody waits for longer than a tenth of a second, since who is inside may take far longer. FALSE: there was no need to
 * wait. */
gboolean turn_take (Turn *turn, guint n_at_once);

/* Without one nothing happens. */
void turn_give (Turn *turn, guint n_at_once);

/* Any thread: whoever waits, if somebody does, waits no longer. */
void turn_hurry (Turn *turn);

/* In the child of a fork: nobody has one. */
void turns_forget (void);

#endif
