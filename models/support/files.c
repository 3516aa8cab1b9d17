/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whole files.
 */
#include "files.h"

#include "fbnet/fbnet.h"

static void
set_read_error (GError **error, const char *path, const GError *cause)
{
  const gboolean absent = g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOENT);

  g_set_error (error, FBNET_ERROR, absent ? FBNET_ERROR_NOT_FOUND : FBNET_ERROR_IO, "%s: %s", path,
      absent ? "no such file" : cause->message);
}

char *
file_read (const char *path, gsize *size, GError **error)
{
  char *data = NULL;
  g_autoptr (GError) cause = NULL;

  if (!g_file_get_contents (path, &data, size, &cause))
    set_read_error (error, path, cause);
  return data;
}

GBytes *
file_map (const char *path, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, &cause);

  if (file != NULL)
    return g_mapped_file_get_bytes (file);
  set_read_error (error, path, cause);
  return NULL;
}

gboolean
file_write (const char *path, const void *data, gsize size, GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (g_file_set_contents (path, data, (gssize) size, &cause))
    return TRUE;
  g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_IO, cause->message);
  return FALSE;
}
