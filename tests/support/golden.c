/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Golden fixtures: finding them, and their files.
 */
#include "golden.h"

#include <string.h>

/* Deeper than anybody nests; a link to a folder above ends there. */
#define MAX_DEPTH 6

static char *
fixtures_folder (void)
{
  const char *golden = g_getenv ("FBNET_GOLDEN_DATA");
  g_autofree char *folder = g_build_filename (golden != NULL ? golden : "", "fixtures", NULL);

  return golden != NULL && g_file_test (folder, G_FILE_TEST_IS_DIR) ? g_steal_pointer (&folder)
                                                                    : NULL;
}

static cJSON *
read_json (const char *folder, const char *file)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autofree char *text = NULL;
  gsize length;

  return g_file_get_contents (path, &text, &length, NULL) ? cJSON_ParseWithLength (text, length)
                                                          : NULL;
}

static gboolean
has_file (const char *folder, const char *file)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);

  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

/* --- Kinds ------------------------------------------------------------------------------------ */

const char *
fixture_kind_name (FixtureKind kind)
{
  static const char *const names[FIXTURE_N_KINDS] = { "none", "detector", "classifier", "int8",
    "unknown" };

  return names[kind];
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The folder's files, or its folders, sorted. */
static GPtrArray *
list_folder (const char *folder, GFileTest test)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (g_file_test (path, test))
      g_ptr_array_add (names, g_strdup (name));
  }
  g_ptr_array_sort (names, compare_names);
  return names;
}

static gboolean
is_picture (const char *name)
{
  return g_str_has_suffix (name, ".png") || g_str_has_suffix (name, ".jpg");
}

static FixtureKind
kind_of_config (const cJSON *config)
{
  if (cJSON_IsObject (cJSON_GetObjectItemCaseSensitive (config, "cfg")))
    return FIXTURE_DETECTOR;
  if (cJSON_IsObject (cJSON_GetObjectItemCaseSensitive (config, "arch_raw")))
    return FIXTURE_CLASSIFIER;
  return FIXTURE_UNKNOWN;
}

/* Without a file that tells: what holds folders, pictures or an export's graph is no fixture itself. */
static FixtureKind
kind_of_files (const char *folder)
{
  g_autoptr (GPtrArray) folders = list_folder (folder, G_FILE_TEST_IS_DIR);
  g_autoptr (GPtrArray) files = list_folder (folder, G_FILE_TEST_IS_REGULAR);

  if (folders->len > 0 || has_file (folder, "graph.json"))
    return FIXTURE_NONE;
  for (guint i = 0; i < files->len; i++) {
    if (!is_picture (files->pdata[i]))
      return FIXTURE_UNKNOWN;
  }
  return FIXTURE_NONE;
}

static FixtureKind
kind_of (const char *folder)
{
  g_autofree char *parent = g_path_get_dirname (folder);

  if (has_file (folder, "config.json")) {
    cJSON *config = read_json (folder, "config.json");
    const FixtureKind kind = kind_of_config (config);
    cJSON_Delete (config);
    return kind;
  }
  if (has_file (folder, "result.json"))
    return has_file (parent, "graph.json") ? FIXTURE_INT8 : FIXTURE_UNKNOWN;
  return kind_of_files (folder);
}

/* `name`: the folder's path below `all`, "" for `all` itself. */
static void
collect (GPtrArray *found, const char *all, const char *name, FixtureKind kind, guint depth)
{
  g_autofree char *folder = g_build_filename (all, name, NULL);
  g_autoptr (GPtrArray) folders = list_folder (folder, G_FILE_TEST_IS_DIR);

  if (depth > 0 && kind_of (folder) == kind)
    g_ptr_array_add (found, g_strdup (name));
  for (guint i = 0; i < folders->len && depth < MAX_DEPTH; i++) {
    const char *child = folders->pdata[i];
    g_autofree char *path = depth > 0 ? g_build_filename (name, child, NULL) : g_strdup (child);
    collect (found, all, path, kind, depth + 1);
  }
}

char **
fixture_names (FixtureKind kind)
{
  GPtrArray *found = g_ptr_array_new ();
  g_autofree char *all = fixtures_folder ();

  if (all != NULL)
    collect (found, all, "", kind, 0);
  g_ptr_array_add (found, NULL);
  return (char **) g_ptr_array_free (found, FALSE);
}

/* --- Cases ------------------------------------------------------------------------------------ */

static gboolean
has_member (const Fixture *fixture, const char *name)
{
  const cJSON *member = fixture_config (fixture, name);

  return member != NULL && !cJSON_IsNull (member);
}

static gboolean
has_all (const char *name, const char *needs)
{
  g_autoptr (Fixture) fixture = *needs != '\0' ? fixture_open (name) : NULL;
  g_auto (GStrv) list = g_strsplit (needs, " ", -1);

  for (guint i = 0; fixture != NULL && list[i] != NULL; i++) {
    if (!fixture_has (fixture, list[i]) && !has_member (fixture, list[i]))
      return FALSE;
  }
  return TRUE;
}

static void
skip_none (gconstpointer why)
{
  g_test_skip (why);
}

void
fixture_add_cases (const char *prefix, FixtureKind kind, const char *needs, GTestDataFunc test)
{
  g_auto (GStrv) names = fixture_names (kind);
  guint n = 0;

  for (guint i = 0; names[i] != NULL; i++) {
    g_autofree char *path = g_strdup_printf ("%s/%s", prefix, names[i]);
    if (!has_all (names[i], needs))
      continue;
    g_test_add_data_func_full (path, g_strdup (names[i]), test, g_free);
    n++;
  }
  if (n > 0)
    return;
  g_autofree char *none = g_strconcat (prefix, "/none", NULL);
  char *why = g_strdup_printf ("no golden data of the kind %s%s%s", fixture_kind_name (kind),
      *needs != '\0' ? " with " : "", needs);
  g_test_add_data_func_full (none, why, skip_none, g_free);
}

/* --- One fixture ------------------------------------------------------------------------------ */

Fixture *
fixture_open_file (const char *name, const char *file)
{
  g_autofree char *all = fixtures_folder ();

  if (all == NULL) {
    g_test_skip ("no golden data");
    return NULL;
  }
  Fixture *fixture = g_new0 (Fixture, 1);
  fixture->folder = g_build_filename (all, name, NULL);
  fixture->config = read_json (fixture->folder, file);
  if (fixture->config == NULL)
    g_error ("%s/%s: expected JSON", fixture->folder, file);
  return fixture;
}

Fixture *
fixture_open (const char *name)
{
  g_autofree char *all = fixtures_folder ();
  g_autofree char *folder = all != NULL ? g_build_filename (all, name, NULL) : NULL;
  const gboolean is_result = folder != NULL && has_file (folder, "result.json");

  return fixture_open_file (name, is_result ? "result.json" : "config.json");
}

void
fixture_free (Fixture *fixture)
{
  if (fixture == NULL)
    return;
  cJSON_Delete (fixture->config);
  g_free (fixture->folder);
  g_free (fixture);
}

gboolean
fixture_has (const Fixture *fixture, const char *array)
{
  g_autofree char *file = g_strconcat (array, ".npy", NULL);

  return has_file (fixture->folder, file);
}

Npy *
fixture_array (const Fixture *fixture, const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.npy", fixture->folder, name);
  g_autoptr (GError) error = NULL;

  if (!fixture_has (fixture, name))
    return NULL;
  Npy *array = npy_load (path, &error);
  g_assert_no_error (error);
  return array;
}

const cJSON *
fixture_config (const Fixture *fixture, const char *path)
{
  g_auto (GStrv) keys = g_strsplit (path, ".", -1);
  const cJSON *at = fixture->config;

  for (guint i = 0; keys[i] != NULL; i++)
    at = cJSON_GetObjectItemCaseSensitive (at, keys[i]);
  return at;
}

char *
fixture_path (const Fixture *fixture, const char *key)
{
  const char *name = cJSON_GetStringValue (fixture_config (fixture, key));

  return name != NULL ? g_build_filename (fixture->folder, name, NULL) : NULL;
}
