/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Entries with a flaw, counted by flaw.
 */
#include "problems.h"

#include "plural.h"

typedef struct {
  guint n;
  char *first;
} Found;

struct Problems {
  const char *const *flaws;
  guint n_flaws;
  Found *found; /* by flaw */
};

Problems *
problems_new (const char *const *flaws, guint n_flaws)
{
  Problems *problems = g_new (Problems, 1);

  *problems = (Problems){ flaws, n_flaws, g_new0 (Found, n_flaws) };
  return problems;
}

void
problems_free (Problems *problems)
{
  if (problems == NULL)
    return;
  for (guint i = 0; i < problems->n_flaws; i++)
    g_free (problems->found[i].first);
  g_free (problems->found);
  g_free (problems);
}

void
problems_note (Problems *problems, guint flaw, const char *where)
{
  if (problems->found[flaw].n++ == 0)
    problems->found[flaw].first = g_strdup (where);
}

void
problems_note_if (Problems *problems, gboolean flawed, guint flaw, const char *where)
{
  if (flawed)
    problems_note (problems, flaw, where);
}

char **
problems_describe (const Problems *problems)
{
  g_autoptr (GPtrArray) sentences = g_ptr_array_new ();

  for (guint i = 0; i < problems->n_flaws; i++) {
    const Found *found = &problems->found[i];
    g_autofree char *flaw = plural_text (found->n, problems->flaws[i]);
    if (found->n > 0)
      g_ptr_array_add (sentences,
          g_strdup_printf ("%u %s; first: %s", found->n, flaw, found->first));
  }
  g_ptr_array_add (sentences, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&sentences), FALSE);
}
