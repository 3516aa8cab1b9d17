/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files that are replaced by new ones, whole or not at all, where their links lead.
 */
#ifndef FBNET_BASE_REPLACE_H
#define FBNET_BASE_REPLACE_H

#include <glib.h>

/* Where what is written under that name is to be: behind all links, the last of which may lead to nothing yet. NULL
 * with error where no file can be replaced: links in a circle, a device, a pipe. */
char *replace_target (const char *path, GError **error);

/* Writes beside the target, and gives the new file its name when all of it is there. */
gboolean replace_file (const char *path, const void *data, gsize size, GError **error);

#endif
