/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From names to picture files.
 */
#include "picturefinder.h"

#include <string.h>

#include "support/folder.h"

struct PictureFinder {
  char *folder;
  GHashTable *by_name, *by_stem; /* → path; "" where several are called so */
};

static void
insert (GHashTable *table, char *key, const char *path)
{
  const gboolean known = g_hash_table_contains (table, key);

  g_hash_table_replace (table, key, g_strdup (known ? "" : path));
}

static char *
without_ending (const char *name)
{
  const char *dot = strrchr (name, '.');

  return dot != NULL && dot != name ? g_strndup (name, (gsize) (dot - name)) : g_strdup (name);
}

PictureFinder *
picture_finder_new (const char *folder)
{
  PictureFinder *finder = g_new0 (PictureFinder, 1);

  finder->folder = g_canonicalize_filename (folder, NULL);
  finder->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  finder->by_stem = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GPtrArray) files = files_below (finder->folder, picture_endings);
  for (guint i = 0; i < files->len; i++) {
    char *name = g_path_get_basename (files->pdata[i]);
    insert (finder->by_stem, without_ending (name), files->pdata[i]);
    insert (finder->by_name, name, files->pdata[i]);
  }
  return finder;
}

void
picture_finder_free (gpointer data)
{
  PictureFinder *finder = data;

  if (finder == NULL)
    return;
  g_hash_table_unref (finder->by_name);
  g_hash_table_unref (finder->by_stem);
  g_free (finder->folder);
  g_free (finder);
}

/* Without its drive and with our separator. */
static char *
plain_name (const char *name)
{
  char *plain = g_strdelimit (g_strdup (name), "\\", '/');

  if (g_ascii_isalpha (plain[0]) && plain[1] == ':')
    memmove (plain, plain + 2, strlen (plain) - 1);
  return plain;
}

/* Dots are no endings in the name of a YOLO file, which has none. */
static const char *
look_up (const PictureFinder *finder, const char *base)
{
  g_autofree char *stem = without_ending (base);
  const char *found = g_hash_table_lookup (finder->by_name, base);

  if (found == NULL)
    found = g_hash_table_lookup (finder->by_stem, base);
  return found != NULL ? found : g_hash_table_lookup (finder->by_stem, stem);
}

char *
picture_finder_find (const PictureFinder *finder, const char *name, gboolean *ambiguous)
{
  g_autofree char *plain = plain_name (name), *base = g_path_get_basename (plain);
  g_autofree char *joined = g_build_filename (finder->folder, plain, NULL);

  *ambiguous = FALSE;
  if (g_file_test (joined, G_FILE_TEST_IS_REGULAR))
    return g_canonicalize_filename (joined, NULL);
  if (g_path_is_absolute (plain) && g_file_test (plain, G_FILE_TEST_IS_REGULAR))
    return g_canonicalize_filename (plain, NULL);
  const char *found = look_up (finder, base);
  *ambiguous = found != NULL && *found == '\0';
  return found != NULL && !*ambiguous ? g_strdup (found) : NULL;
}
