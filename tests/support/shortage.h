/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory that runs out at a chosen allocation: malloc() and its family, of every library in the program,
 * counted, and failing when asked to. Compiled into a program of its own, as a sanitizer has a malloc() too.
 */
#ifndef TESTS_SHORTAGE_H
#define TESTS_SHORTAGE_H

#include <glib.h>

/* Below it GLib may end the program; from it on nothing of ours may. */
#define SHORTAGE_LARGE 4096

/* Allocations so far, by any thread. */
gint shortage_n_allocations (void);

/* A part of `act` that allocations are counted in, and fail in. */
void shortage_on (void);
void shortage_off (void);

/* What is done from beginning to end, with everything freed again: FALSE with error, or TRUE where all came
 * out as it should; anything else is for it to abort on. */
typedef gboolean (*ShortageFunc) (gpointer data, GError **error);

/* Lets every allocation of the part fail, alone, with all that follow, and with all large ones that
 * follow; each in a process of its own: `act` gives FBNET_ERROR_MEMORY or TRUE, then TRUE again, and leaves
 * nothing behind; or the process ends because of an allocation that is not large. Allocations beyond the
 * first 16 are tried in strides, so that there are about 100, unless `all`. Returns how many were tried; a
 * finding fails the running test. */
guint shortage_check (const char *name, ShortageFunc act, gpointer data, gboolean all);

#endif
