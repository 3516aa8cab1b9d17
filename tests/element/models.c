/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Model files made of golden fixtures.
 */
#include "models.h"

#include <glib/gstdio.h>
#include <string.h>

#include "fixture.h"

static char *folder;        /* created on demand */
static GHashTable *written; /* name of a fixture → path */

static const char *
get_folder (void)
{
  if (!folder) {
    g_autoptr (GError) error = NULL;
    folder = g_dir_make_tmp ("fbnet-element-XXXXXX", &error);
    g_assert_no_error (error);
    written = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  }
  return folder;
}

char *
models_path (const char *name)
{
  return g_build_filename (get_folder (), name, NULL);
}

static char *
write_model (const Fixture *fixture, const char *name)
{
  g_autofree char *file = g_strconcat (name, ".safetensors", NULL);
  g_autofree char *path = models_path (g_strdelimit (file, "/", '-'));
  g_autofree char *description = fixture_description (fixture);
  g_autoptr (TensorList) tensors = fixture_tensors (fixture);
  g_autoptr (GError) error = NULL;
  tensor_list_write (tensors, path, description, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&path);
}

const char *
models_file (const char *name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);
  if (!fixture)
    return NULL;
  get_folder ();
  if (!g_hash_table_contains (written, name))
    g_hash_table_insert (written, g_strdup (name), write_model (fixture, name));
  return g_hash_table_lookup (written, name);
}

void
models_clean_up (void)
{
  if (!folder)
    return;
  GDir *dir = g_dir_open (folder, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name (dir));) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_unlink (path);
  }
  g_clear_pointer (&dir, g_dir_close);
  g_rmdir (folder);
  g_clear_pointer (&folder, g_free);
  g_clear_pointer (&written, g_hash_table_unref);
}
