/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Folders, walked through.
 */
#include "folder.h"

#include <string.h>

/* A folder of a folder of … : deeper than anybody sorts pictures. */
#define MAX_DEPTH 8

const char *const picture_endings[] = { ".jpg", ".jpeg", ".png", NULL };

gboolean
file_ends_so (const char *name, const char *const *endings)
{
  g_autofree char *small = g_ascii_strdown (name, -1);

  while (*endings != NULL && !g_str_has_suffix (small, *endings))
    endings++;
  return *endings != NULL;
}

static gint
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
walk (GPtrArray *files, const char *folder, const char *const *endings, guint depth)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  for (const char *name = dir != NULL ? g_dir_read_name (dir) : NULL; name != NULL;
       name = g_dir_read_name (dir)) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (!g_file_test (path, G_FILE_TEST_IS_DIR)) {
      if (file_ends_so (name, endings))
        g_ptr_array_add (files, g_steal_pointer (&path));
    } else if (depth < MAX_DEPTH && !g_file_test (path, G_FILE_TEST_IS_SYMLINK)) {
      walk (files, path, endings, depth + 1);
    }
  }
}

GPtrArray *
files_below (const char *folder, const char *const *endings)
{
  GPtrArray *files = g_ptr_array_new_with_free_func (g_free);

  walk (files, folder, endings, 0);
  g_ptr_array_sort (files, compare_paths);
  return files;
}
