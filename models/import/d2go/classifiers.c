/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a classifier's name to its description.
 */
#include "classifiers.h"

#include <math.h>
#include <stdlib.h>

#include "fbnet/fbnet.h"
#include "registry.h"
#include "support/jsonfile.h"

/* --- The table -------------------------------------------------------------------------------- */

static const cJSON *
find_row (const cJSON *table, const char *name)
{
  const cJSON *aliases = cJSON_GetObjectItemCaseSensitive (table, "aliases");
  const cJSON *alias = cJSON_GetObjectItemCaseSensitive (aliases, name);
  const char *real_name = alias != NULL ? alias->valuestring : name;
  const cJSON *row;
  cJSON_ArrayForEach (row, cJSON_GetObjectItemCaseSensitive (table, "classifiers"))
  {
    if (g_strcmp0 (cJSON_GetObjectItemCaseSensitive (row, "name")->valuestring, real_name) == 0)
      return row;
  }
  return NULL;
}

static int
compare_names (const void *a, const void *b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

char **
import_classifier_names (void)
{
  g_autoptr (cJSON) table = import_classifier_table ();
  const cJSON *rows = cJSON_GetObjectItemCaseSensitive (table, "classifiers");
  const guint n = (guint) cJSON_GetArraySize (rows);
  char **names = g_new0 (char *, n + 1);
  guint i = 0;
  const cJSON *row;
  cJSON_ArrayForEach (row, rows)
  {
    names[i++] = g_strdup (cJSON_GetObjectItemCaseSensitive (row, "name")->valuestring);
  }
  qsort (names, n, sizeof *names, compare_names);
  return names;
}

gboolean
import_is_classifier (const char *name)
{
  g_autoptr (cJSON) table = import_classifier_table ();
  return find_row (table, name) != NULL;
}

/* --- The description -------------------------------------------------------------------------- */

/* mobile_cv, model_zoo/models/preprocess.py get_preprocess: a multiple of 8, in the proportion of 256
 * to 224. */
static double
default_resize (double crop)
{
  return ceil (256.0 / 224.0 * crop / 8) * 8;
}

static cJSON *
describe_input (const cJSON *table, const cJSON *row)
{
  cJSON *input = cJSON_Duplicate (cJSON_GetObjectItemCaseSensitive (table, "input"), TRUE);
  const double crop = cJSON_GetObjectItemCaseSensitive (row, "crop")->valuedouble;
  const cJSON *resize = cJSON_GetObjectItemCaseSensitive (row, "resize");
  cJSON_AddNumberToObject (input, "resize",
      resize != NULL ? resize->valuedouble : default_resize (crop));
  cJSON_AddNumberToObject (input, "crop", crop);
  return input;
}

static cJSON *
need_basic_args (cJSON *architecture)
{
  cJSON *args = cJSON_GetObjectItemCaseSensitive (architecture, "basic_args");
  return args != NULL ? args : cJSON_AddObjectToObject (architecture, "basic_args");
}

static void
replace_argument (cJSON *architecture, const char *name, const cJSON *value)
{
  cJSON *args = need_basic_args (architecture);
  cJSON_DeleteItemFromObjectCaseSensitive (args, name);
  cJSON_AddItemToObject (args, name, cJSON_Duplicate (value, TRUE));
}

static void
apply_early_defaults (cJSON *architecture)
{
  g_autoptr (cJSON) yes = cJSON_CreateTrue ();
  replace_argument (architecture, "bias", yes);
  cJSON_DeleteItemFromObjectCaseSensitive (need_basic_args (architecture), "width_divisor");
}

static cJSON *
describe_architecture (const cJSON *row, ClassifierDefaults defaults)
{
  const cJSON *borrowed = cJSON_GetObjectItemCaseSensitive (row, "architecture");
  const cJSON *name = cJSON_GetObjectItemCaseSensitive (row, "name");
  cJSON *architecture =
      import_classifier_architecture ((borrowed != NULL ? borrowed : name)->valuestring);
  const cJSON *argument;
  cJSON_ArrayForEach (argument, cJSON_GetObjectItemCaseSensitive (row, "basic_args"))
      replace_argument (architecture, argument->string, argument);
  if (defaults == CLASSIFIER_DEFAULTS_EARLY)
    apply_early_defaults (architecture);
  cJSON_AddStringToObject (cJSON_AddObjectToObject (architecture, "norm"), "name", "bn");
  return architecture;
}

static cJSON *
describe_row (const cJSON *table, const cJSON *row, ClassifierDefaults defaults, guint n_classes)
{
  cJSON *description = cJSON_CreateObject ();
  cJSON_AddStringToObject (description, "format", "fbnet-model");
  cJSON_AddNumberToObject (description, "version", 1);
  cJSON_AddStringToObject (description, "name",
      cJSON_GetObjectItemCaseSensitive (row, "name")->valuestring);
  cJSON_AddStringToObject (description, "task", "classification");
  cJSON_AddItemToObject (description, "input", describe_input (table, row));
  cJSON_AddItemToObject (description, "architecture", describe_architecture (row, defaults));
  cJSON_AddStringToObject (cJSON_AddObjectToObject (description, "backbone"), "prefix",
      "backbone.stages");
  cJSON_AddNumberToObject (cJSON_AddObjectToObject (description, "head"), "n_classes", n_classes);
  return description;
}

cJSON *
import_describe_classifier (const char *name, ClassifierDefaults defaults, guint n_classes,
    GError **error)
{
  g_return_val_if_fail (name != NULL, NULL);

  g_autoptr (cJSON) table = import_classifier_table ();
  const cJSON *row = find_row (table, name);
  if (row != NULL)
    return describe_row (table, row, defaults, n_classes);
  g_auto (GStrv) names = import_classifier_names ();
  g_autofree char *known = g_strjoinv (", ", names);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND,
      "no classifier is called '%s'; there are %s", name, known);
  return NULL;
}
