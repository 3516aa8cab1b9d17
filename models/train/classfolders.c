/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Folders as classes.
 */
#include "classfolders.h"

#include <math.h>
#include <string.h>

#include "fbnet/fbnet.h"
#include "support/folder.h"
#include "train/randomkey.h"

/* Always the same, whatever the run's seed: the pictures kept apart must stay unseen. */
#define HOLD_OUT_SEED 1

static void
clear_picture (gpointer data)
{
  g_free (((ClassPicture *) data)->path);
}

static ClassFolders *
class_folders_new (const char *folder)
{
  ClassFolders *folders = g_new0 (ClassFolders, 1);

  folders->folder = g_strdup (folder);
  folders->labels = g_ptr_array_new_with_free_func (g_free);
  folders->pictures = g_array_new (FALSE, FALSE, sizeof (ClassPicture));
  g_array_set_clear_func (folders->pictures, clear_picture);
  folders->others = g_ptr_array_new_with_free_func (g_free);
  return folders;
}

void
class_folders_free (ClassFolders *folders)
{
  if (folders == NULL)
    return;
  g_free (folders->folder);
  g_ptr_array_unref (folders->labels);
  g_array_unref (folders->pictures);
  g_ptr_array_unref (folders->others);
  g_free (folders);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Names, sorted. */
static GPtrArray *
list_folder (const char *folder, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &reason);
  GPtrArray *names = NULL;
  const char *name;

  if (dir == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND,
        "%s: expected a folder with a folder of pictures for each class: %s", folder,
        reason->message);
    return NULL;
  }
  names = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (dir)) != NULL) {
    if (name[0] != '.')
      g_ptr_array_add (names, g_strdup (name));
  }
  g_ptr_array_sort (names, compare_names);
  return names;
}

static gboolean
is_picture (const char *path)
{
  return file_ends_so (path, picture_endings) && g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

static gboolean
add_class (ClassFolders *folders, const char *label, GError **error)
{
  g_autofree char *folder = g_build_filename (folders->folder, label, NULL);
  g_autoptr (GPtrArray) names = list_folder (folder, error);
  const guint before = folders->pictures->len;

  for (guint i = 0; names != NULL && i < names->len; i++) {
    char *path = g_build_filename (folder, names->pdata[i], NULL);
    const ClassPicture picture = { path, folders->labels->len };
    if (is_picture (path))
      g_array_append_val (folders->pictures, picture);
    else
      g_ptr_array_add (folders->others, path);
  }
  g_ptr_array_add (folders->labels, g_strdup (label));
  if (names == NULL)
    return FALSE;
  if (folders->pictures->len > before)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected pictures of a class (.jpg, .jpeg, .png), found %s", folder,
      names->len > 0 ? "other files only" : "an empty folder");
  return FALSE;
}

ClassFolders *
class_folders_read (const char *folder, GError **error)
{
  g_autoptr (ClassFolders) folders = class_folders_new (folder);
  g_autoptr (GPtrArray) names = list_folder (folder, error);

  if (names == NULL)
    return NULL;
  for (guint i = 0; i < names->len; i++) {
    char *path = g_build_filename (folder, names->pdata[i], NULL);
    const gboolean class = g_file_test (path, G_FILE_TEST_IS_DIR);
    if (!class)
      g_ptr_array_add (folders->others, path);
    else
      g_free (path);
    if (class && !add_class (folders, names->pdata[i], error))
      return NULL;
  }
  if (folders->labels->len > 0)
    return g_steal_pointer (&folders);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected a folder of pictures for each class, found %s", folder,
      names->len > 0 ? "files only" : "an empty folder");
  return NULL;
}

/* --- Pictures to evaluate with ---------------------------------------------------------------- */

static guint64
hold_out_number (const ClassPicture *picture)
{
  g_autofree char *name = g_path_get_basename (picture->path);

  return random_key_bits (random_key_new (HOLD_OUT_SEED), g_str_hash (name));
}

static gint
compare_numbers (gconstpointer a, gconstpointer b)
{
  const ClassPicture *left = a, *right = b;
  const guint64 l = hold_out_number (left), r = hold_out_number (right);

  if (left->class_id != right->class_id)
    return left->class_id < right->class_id ? -1 : 1;
  return l != r ? (l > r) - (l < r) : strcmp (left->path, right->path);
}

static gint
compare_pictures (gconstpointer a, gconstpointer b)
{
  const ClassPicture *left = a, *right = b;

  if (left->class_id != right->class_id)
    return left->class_id < right->class_id ? -1 : 1;
  return strcmp (left->path, right->path);
}

static guint
count_of_class (const GArray *pictures, guint first)
{
  const guint class_id = g_array_index (pictures, ClassPicture, first).class_id;
  guint n = 0;

  while (first + n < pictures->len
      && g_array_index (pictures, ClassPicture, first + n).class_id == class_id)
    n++;
  return n;
}

ClassFolders *
class_folders_split (ClassFolders *folders, double share)
{
  ClassFolders *taken = class_folders_new (folders->folder);
  GArray *pictures = folders->pictures;

  for (guint i = 0; i < folders->labels->len; i++)
    g_ptr_array_add (taken->labels, g_strdup (folders->labels->pdata[i]));
  g_array_sort (pictures, compare_numbers);
  for (guint first = 0; first < pictures->len;) {
    const guint n = count_of_class (pictures, first);
    const guint n_taken = CLAMP ((guint) round (share * n), MIN (1, n - 1), n - 1);
    for (guint i = first; i < first + n_taken; i++) {
      const ClassPicture *picture = &g_array_index (pictures, ClassPicture, i);
      const ClassPicture copy = { g_strdup (picture->path), picture->class_id };
      g_array_append_val (taken->pictures, copy);
    }
    g_array_remove_range (pictures, first, n_taken);
    first += n - n_taken;
  }
  g_array_sort (pictures, compare_pictures);
  g_array_sort (taken->pictures, compare_pictures);
  return taken;
}
