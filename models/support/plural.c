/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Choosing between two words.
 */
#include "plural.h"

#include <string.h>

const char *
plural (guint n, const char *one, const char *many)
{
  return n == 1 ? one : many;
}

char *
plural_text (guint n, const char *text)
{
  GString *out = g_string_new (NULL);

  for (const char *open = strchr (text, '{'); open != NULL; open = strchr (text, '{')) {
    const char *bar = strchr (open, '|'), *close = strchr (open, '}');
    g_string_append_len (out, text, open - text);
    if (n == 1)
      g_string_append_len (out, open + 1, bar - open - 1);
    else
      g_string_append_len (out, bar + 1, close - bar - 1);
    text = close + 1;
  }
  g_string_append (out, text);
  return g_string_free (out, FALSE);
}
