/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * English for one thing and for several.
 */
#ifndef FBNET_SUPPORT_PLURAL_H
#define FBNET_SUPPORT_PLURAL_H

#include <glib.h>

/* `one` if n is 1, else `many`. */
const char *plural (guint n, const char *one, const char *many);

/* The text with `one` or `many` in place of each "{one|many}"; g_free() it. */
char *plural_text (guint n, const char *text);

#endif
