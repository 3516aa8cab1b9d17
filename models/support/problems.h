/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Entries of a file with a flaw, counted by flaw: for files in which a single broken entry does not
 * spoil the rest.
 */
#ifndef FBNET_SUPPORT_PROBLEMS_H
#define FBNET_SUPPORT_PROBLEMS_H

#include <glib.h>

typedef struct Problems Problems;

/* flaws[0 … n_flaws) say what is wrong, and what was done about it, for plural_text(): "{entry|entries} without …". They
 * are not copied. */
Problems *problems_new (const char *const *flaws, guint n_flaws);
void problems_free (Problems *problems); /* NULL is allowed */

/* `where`: which entry, or a sentence about it. */
void problems_note (Problems *problems, guint flaw, const char *where);
void problems_note_if (Problems *problems, gboolean flawed, guint flaw, const char *where);

/* A sentence per flaw: how many entries have it, what became of them, which was the first.
 * NULL-terminated; the caller frees it with g_strfreev(). */
char **problems_describe (const Problems *problems);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Problems, problems_free)

#endif
