/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Model files made of golden fixtures.
 */
#include "models.h"

#include <glib/gstdio.h>
#include <string.h>

#include "fixture.h"
#include "randommodel.h"
#ifdef HAVE_IMPORTER
#  include "import/d2go/import.h"
#endif

static char *folder;        /* created on demand */
static GHashTable *written; /* name → path */

static const char *
get_folder (void)
{
  if (folder == NULL) {
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

  if (fixture == NULL)
    return NULL;
  get_folder ();
  if (!g_hash_table_contains (written, name))
    g_hash_table_insert (written, g_strdup (name), write_model (fixture, name));
  return g_hash_table_lookup (written, name);
}

static char *
write_copy (const FbnetModel *model, const char *name)
{
  const guint n = fbnet_model_get_n_tensors (model);
  g_autofree char *file = g_strconcat (name, ".safetensors", NULL);
  g_autofree FbnetTensorView *views = g_new (FbnetTensorView, n);
  g_autoptr (GError) error = NULL;
  char *path = models_path (file);

  for (guint i = 0; i < n; i++)
    fbnet_model_get_tensor (model, i, &views[i]);
  fbnet_model_write (path, fbnet_model_get_description (model), views, n, &error);
  g_assert_no_error (error);
  return path;
}

const char *
models_random (const char *name, const char *description)
{
  g_autoptr (GError) error = NULL;

  get_folder ();
  if (!g_hash_table_contains (written, name)) {
    g_autoptr (FbnetModel) model = random_model_new (description, 1, &error);
    g_assert_no_error (error);
    g_hash_table_insert (written, g_strdup (name), write_copy (model, name));
  }
  return g_hash_table_lookup (written, name);
}

#ifdef HAVE_IMPORTER
static char *
import_weights (const char *source, const char *file, ImportPrecision precision)
{
  const ImportOptions options = { .precision = precision };
  guint64 n_parameters;
  g_autoptr (GError) error = NULL;
  g_autoptr (Imported) imported = import_read (source, &options, &error);

  g_assert_no_error (error);
  char *path = models_path (file);
  import_write (imported, path, &n_parameters, &error);
  g_assert_no_error (error);
  return path;
}

static const char *
weights_in (const char *name, const char *ending, ImportPrecision precision)
{
  g_autofree char *source =
      g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "weights", name, NULL);
  g_autofree char *file = g_strconcat (name, ending, NULL);

  if (!g_file_test (source, G_FILE_TEST_EXISTS)) {
    g_test_skip ("no golden data");
    return NULL;
  }
  get_folder ();
  if (!g_hash_table_contains (written, file))
    g_hash_table_insert (written, g_strdup (file), import_weights (source, file, precision));
  return g_hash_table_lookup (written, file);
}

const char *
models_weights (const char *name)
{
  return weights_in (name, ".safetensors", IMPORT_FLOAT32);
}

const char *
models_weights_int8 (const char *name)
{
  return weights_in (name, "-int8.safetensors", IMPORT_INT8);
}
#else
const char *
models_weights (const char *name)
{
  g_test_skip ("built without the importer");
  return NULL;
}

const char *
models_weights_int8 (const char *name)
{
  return models_weights (name);
}
#endif

const char *
models_keypoints (void)
{
  return models_weights ("d2go-keypoint-int8.ptl");
}

void
models_clean_up (void)
{
  if (folder == NULL)
    return;
  GDir *dir = g_dir_open (folder, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name (dir));) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_unlink (path);
  }
  g_clear_pointer (&dir, g_dir_close);
  g_rmdir (folder);
  g_clear_pointer (&folder, g_free);
  g_clear_pointer (&written, g_hash_table_unref);
}
