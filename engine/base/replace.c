/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Links followed to their end, one by one, as the last of them may lead to a file that is yet to be made.
 */
#include "replace.h"

#include <sys/stat.h>

#include "fbnet/fbnet.h"

/* As many as Linux follows. */
#define MAX_LINKS 40

/* A device, a pipe or a link to one is not replaced by a file: /dev/stdout would be one from then on, for everybody.
 * Folders are told of by whoever replaces them. */
static gboolean
check_replaceable (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  struct stat about;
  const gboolean special =
      stat (path, &about) == 0 && !S_ISREG (about.st_mode) && !S_ISDIR (about.st_mode);

  if (!special && !g_str_equal (folder, "/dev") && !g_str_has_prefix (folder, "/proc/"))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO,
      "%s: cannot be written: expected a file or a new name, found a device or a pipe", path);
  return FALSE;
}

/* NULL: it is no link. */
static char *
follow_link (const char *path)
{
  g_autofree char *link = g_file_read_link (path, NULL);

  if (link == NULL || g_path_is_absolute (link))
    return g_steal_pointer (&link);
  g_autofree char *folder = g_path_get_dirname (path);
  return g_build_filename (folder, link, NULL);
}

char *
replace_target (const char *path, GError **error)
{
  g_autofree char *target = g_strdup (path);

  for (guint i = 0; i <= MAX_LINKS; i++) {
    if (!check_replaceable (target, error))
      return NULL;
    char *next = follow_link (target);
    if (next == NULL)
      return g_steal_pointer (&target);
    g_free (target);
    target = next;
  }
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO,
      "%s: cannot be written: expected at most %d links to a file, found more, or a circle of them",
      path, MAX_LINKS);
  return NULL;
}

gboolean
replace_file (const char *path, const void *data, gsize size, GError **error)
{
  g_autofree char *target = replace_target (path, error);
  g_autoptr (GError) cause = NULL;

  if (target == NULL)
    return FALSE;
  if (g_file_set_contents (target, data, (gssize) size, &cause))
    return TRUE;
  g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_IO, cause->message);
  return FALSE;
}
