/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What lies in a folder and in those below it.
 */
#ifndef FBNET_SUPPORT_FOLDER_H
#define FBNET_SUPPORT_FOLDER_H

#include <glib.h>

/* Of the pictures that picture_read() takes; NULL-terminated. */
extern const char *const picture_endings[];

/* Whether the name ends in one of them, in small letters or capitals; `endings` are small and NULL-terminated. */
gboolean file_ends_so (const char *name, const char *const *endings);

/* The files whose names end so. Paths, in the order of their bytes; none where there is no such folder. Links to
 * folders are not followed: they may lead in circles. */
GPtrArray *files_below (const char *folder, const char *const *endings);

#endif
