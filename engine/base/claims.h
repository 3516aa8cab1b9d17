/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Processors that threads of the host need for a moment: the library's own work makes way for them.
 */
#ifndef FBNET_CLAIMS_H
#define FBNET_CLAIMS_H

#include <glib.h>
#include <stdatomic.h>

extern atomic_uint claims_count;

/* Returns when the processor that the calling thread runs on is claimed by no other thread, or one that claims it has
 * kept it for long. */
void claims_wait (void);

/* The calling thread helps one that claims a processor, which waits for it: it need not make way. */
void claims_excuse (gboolean excuse);

/* Between two pieces of work, each of which takes well less than a time slice of the scheduler: a fraction of a
 * millisecond. No lock may be held. */
static inline void
claims_make_way (void)
{
  if (atomic_load_explicit (&claims_count, memory_order_relaxed) != 0)
    claims_wait ();
}

/* Whether the calling thread claims one. */
gboolean claims_has_own (void);

/* In the child of a fork, whose only thread is not one that claims. */
void claims_forget (void);

#endif
