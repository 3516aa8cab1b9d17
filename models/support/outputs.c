/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Outputs of all programs by one rule.
 */
#include "outputs.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "fbnet/fbnet.h"
#include "files.h"

static gboolean
check_standard (const Output *output, GError **error)
{
  if (output->kind == OUTPUT_TEXT || output->kind == OUTPUT_LOG)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "%s: expected the name of a %s, found -, and this does not go to standard output",
      output->option, output->kind == OUTPUT_FOLDER ? "folder" : "file");
  return FALSE;
}

static gboolean
check_folder (const char *path, GError **error)
{
  g_autofree char *within = g_build_filename (path, "output", NULL);
  g_autofree char *made = file_make_folder (path, error) ? file_new_beside (within, error) : NULL;

  if (made == NULL)
    return FALSE;
  g_unlink (made);
  return TRUE;
}

/* What is there goes on. */
static gboolean
check_log (const char *path, GError **error)
{
  if (!g_file_test (path, G_FILE_TEST_EXISTS) || g_file_test (path, G_FILE_TEST_IS_DIR))
    return file_check_writable (path, error);
  if (access (path, W_OK) == 0)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: cannot be written: %s", path,
      g_strerror (errno));
  return FALSE;
}

gboolean
output_check (const Output *output, GError **error)
{
  if (output_is_standard (output->path))
    return check_standard (output, error);
  if (output->kind == OUTPUT_FOLDER)
    return check_folder (output->path, error);
  return output->kind == OUTPUT_LOG ? check_log (output->path, error)
                                    : file_check_writable (output->path, error);
}

gboolean
output_write (const char *text, const char *path, GError **error)
{
  return output_is_standard (path) ? output_print (text, error)
                                   : file_write (path, text, strlen (text), error);
}
