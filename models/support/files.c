/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whole files.
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>

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

gboolean
file_move (const char *from, const char *to, GError **error)
{
  if (g_rename (from, to) == 0)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: cannot be written: %s", to,
      g_strerror (errno));
  return FALSE;
}

/* Files are replaced by new ones: what counts is whether one can be made beside it. */
gboolean
file_check_writable (const char *path, GError **error)
{
  g_autofree char *beside = g_strconcat (path, ".part", NULL);
  const int file = g_open (beside, O_CREAT | O_WRONLY, 0666);
  const int reason = errno;

  if (file >= 0) {
    g_close (file, NULL);
    g_unlink (beside);
  }
  if (file >= 0 && !g_file_test (path, G_FILE_TEST_IS_DIR))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: cannot be written: %s", path,
      file >= 0 ? "it is a folder" : g_strerror (reason));
  return FALSE;
}
