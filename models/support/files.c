/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whole files.
 */
#include "files.h"

#include "fbnet/fbnet.h"

char *
file_read (const char *path, gsize *size, GError **error)
{
  char *data = NULL;
  g_autoptr (GError) io_error = NULL;
  if (g_file_get_contents (path, &data, size, &io_error))
    return data;
  const gboolean absent = g_error_matches (io_error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_set_error (error, FBNET_ERROR, absent ? FBNET_ERROR_NOT_FOUND : FBNET_ERROR_IO, "%s: %s", path,
      absent ? "no such file" : io_error->message);
  return NULL;
}

gboolean
file_write (const char *path, const void *data, gsize size, GError **error)
{
  g_autoptr (GError) io_error = NULL;
  if (g_file_set_contents (path, data, (gssize) size, &io_error))
    return TRUE;
  g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_IO, io_error->message);
  return FALSE;
}
