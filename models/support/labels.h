/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of class names.
 */
#ifndef FBNET_SUPPORT_LABELS_H
#define FBNET_SUPPORT_LABELS_H

#include <glib.h>

/* One name a line, in UTF-8, in the order of the classes. A byte order mark, empty lines and the space
 * around a name do not count. Free with g_strfreev(). */
char **labels_read (const char *path, GError **error);

#endif
