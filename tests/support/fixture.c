/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A golden fixture's frame and model.
 */
#include "fixture.h"

#include "import/d2go/config.h"
#include "recipe.h"

Picture *
fixture_picture (const Fixture *fixture)
{
  g_autofree char *path = fixture_path (fixture, "frame");
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (path);
  Picture *picture = picture_read (path, &error);
  g_assert_no_error (error);
  return picture;
}

TensorList *
fixture_tensors (const Fixture *fixture)
{
  g_autofree char *weights = fixture_path (fixture, "weights");
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
