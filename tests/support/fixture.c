/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One golden fixture.
 */
#include "fixture.h"

#include "import/d2go/config.h"
#include "recipe.h"

static char *
fixtures_folder (void)
{
  const char *golden = g_getenv ("FBNET_GOLDEN_DATA");

  return golden != NULL ? g_build_filename (golden, "fixtures", NULL) : NULL;
}

static cJSON *
load_json (const char *path)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_file_get_contents (path, &text, &length, &error);
  g_assert_no_error (error);
  cJSON *json = cJSON_ParseWithLength (text, length);
  g_assert_nonnull (json);
  return json;
}

Fixture *
fixture_open (const char *name)
{
  g_autofree char *all = fixtures_folder ();

  if (all == NULL || !g_file_test (all, G_FILE_TEST_IS_DIR)) {
    g_test_skip ("no golden data");
    return NULL;
  }
  Fixture *fixture = g_new0 (Fixture, 1);
  fixture->folder = g_build_filename (all, name, NULL);
  g_autofree char *config = g_build_filename (fixture->folder, "config.json", NULL);
  fixture->config = load_json (config);
  return fixture;
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

Npy *
fixture_array (const Fixture *fixture, const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.npy", fixture->folder, name);
  g_autoptr (GError) error = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
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

/* A file that config.json names, relative to the fixture's folder. NULL when it names none. */
static char *
named_file (const Fixture *fixture, const char *key)
{
  const char *name = cJSON_GetStringValue (fixture_config (fixture, key));

  return name != NULL ? g_build_filename (fixture->folder, name, NULL) : NULL;
}

Picture *
fixture_picture (const Fixture *fixture)
{
  g_autofree char *path = named_file (fixture, "frame");
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (path);
  Picture *picture = picture_read (path, &error);
  g_assert_no_error (error);
  return picture;
}

TensorList *
fixture_tensors (const Fixture *fixture)
{
  g_autofree char *weights = named_file (fixture, "weights");
  g_autoptr (GError) error = NULL;

  TensorList *tensors =
      weights != NULL ? tensor_list_load (weights, &error) : recipe_load (fixture->folder, &error);
  g_assert_no_error (error);
  return tensors;
}

char *
fixture_description (const Fixture *fixture)
{
  const char *name = cJSON_GetStringValue (fixture_config (fixture, "config"));
  g_autoptr (GError) error = NULL;

  cJSON *description = import_describe (fixture_config (fixture, "cfg"), name, &error);
  g_assert_no_error (error);
  char *printed = cJSON_PrintUnformatted (description);
  char *text = g_strdup (printed);
  cJSON_free (printed);
  cJSON_Delete (description);
  return text;
}

FbnetModel *
fixture_model (const Fixture *fixture)
{
  g_autofree char *description = fixture_description (fixture);
  g_autoptr (TensorList) tensors = fixture_tensors (fixture);
  g_autoptr (GError) error = NULL;

  FbnetModel *model = tensor_list_to_model (tensors, description, &error);
  g_assert_no_error (error);
  return model;
}
