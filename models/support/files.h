/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whole files, with errors of domain FBNET_ERROR that name them.
 */
#ifndef FBNET_SUPPORT_FILES_H
#define FBNET_SUPPORT_FILES_H

#include <glib.h>

/* The contents of a file or a pipe, at most 4 GiB, and a zero after them; g_free() them. `size`: nullable. */
char *file_read (const char *path, gsize *size, GError **error);

/* The same of a text, which has no zero in it; without a byte order mark. */
char *file_read_text (const char *path, GError **error);

GBytes *file_bytes (const char *path, GError **error);

/* Replaces the file, which is where the links of that name lead, only when all of it was written. */
gboolean file_write (const char *path, const void *data, gsize size, GError **error);

/* A new, empty file beside that one, which need not be there, for the caller to remove; its name, or NULL with error. */
char *file_new_beside (const char *path, GError **error);

/* Puts the file in place of what is called so, or where that name's links lead. */
gboolean file_move (const char *from, const char *to, GError **error);

/* Finds out before the work whether the file could be written after it; leaves it as it is. FALSE with
 * error. */
gboolean file_check_writable (const char *path, GError **error);

/* Where there is none, that is well. */
gboolean file_remove (const char *path, GError **error);

/* Whether both are there, and one file or folder. */
gboolean file_is_same (const char *path, const char *other);

/* And those above it, where there are none. */
gboolean file_make_folder (const char *path, GError **error);

#endif
