/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Config, weights, provenance and labels into one model file.
 */
#include "import.h"

#include <string.h>

#include "classifiers.h"
#include "config.h"
#include "sources.h"
#include "support/files.h"
#include "support/jsonfile.h"
#include "support/labels.h"
#include "support/modelfile.h"
#include "yaml-tree.h"

/* --- Config ----------------------------------------------------------------------------------- */

static gboolean
is_path (const char *config)
{
  return strchr (config, G_DIR_SEPARATOR) != NULL || g_str_has_suffix (config, ".yaml")
      || g_str_has_suffix (config, ".yml");
}

/* Puts what `over` has into `tree`, group by group, as D2Go's configs do with their bases. */
static void
merge (cJSON *tree, const cJSON *over)
{
  const cJSON *item;

  cJSON_ArrayForEach (item, over)
  {
    cJSON *own = cJSON_GetObjectItemCaseSensitive (tree, item->string);
    if (cJSON_IsObject (own) && cJSON_IsObject (item)) {
      merge (own, item);
      continue;
    }
    cJSON_DeleteItemFromObjectCaseSensitive (tree, item->string);
    cJSON_AddItemToObject (tree, item->string, cJSON_Duplicate (item, TRUE));
  }
}

/* The config of the zoo that a _BASE_ names; NULL if it is none. */
static cJSON *
load_base (const cJSON *config)
{
  const char *base = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (config, "_BASE_"));

  if (base == NULL || !g_str_has_suffix (base, ".yaml"))
    return NULL;
  g_autofree char *name = g_path_get_basename (base);
  name[strlen (name) - strlen (".yaml")] = '\0';
  g_auto (GStrv) names = import_zoo_names ();
  return g_strv_contains ((const char *const *) names, name) ? import_zoo_config (name, NULL)
                                                             : NULL;
}

/* With its base, if that is a config of the zoo. */
static cJSON *
load_yaml (const char *path, GError **error)
{
  cJSON *config = yaml_load (path, error);
  cJSON *base = config != NULL ? load_base (config) : NULL;

  if (base == NULL)
    return config;
  cJSON_DeleteItemFromObjectCaseSensitive (config, "_BASE_");
  merge (base, config);
  cJSON_Delete (config);
  return base;
}

static cJSON *
load_config (const char *config, GError **error)
{
  if (is_path (config))
    return load_yaml (config, error);
  g_auto (GStrv) names = import_zoo_names ();
  if (g_strv_contains ((const char *const *) names, config))
    return import_zoo_config (config, error);
  g_auto (GStrv) classifier_names = import_classifier_names ();
  g_autofree char *known = g_strjoinv (", ", names);
  g_autofree char *classifiers = g_strjoinv (", ", classifier_names);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "%s: expected a path to a .yaml file, one of D2Go's configs: %s; or one of mobile_cv's "
      "classifiers: %s",
      config, known, classifiers);
  return NULL;
}

cJSON *
import_describe_config (const char *config, GError **error)
{
  g_autoptr (cJSON) tree = load_config (config, error);

  if (tree == NULL)
    return NULL;
  g_autofree char *name = g_filename_display_basename (config);
  char *ending = is_path (config) ? strrchr (name, '.') : NULL;
  if (ending != NULL && ending != name)
    *ending = '\0';
  return import_describe (tree, name, error);
}

/* NULL without error when no config is given, or a classifier's name, of which the weights decide
 * more. */
static cJSON *
describe_config (const char *config, GError **error)
{
  return config == NULL || import_is_classifier (config) ? NULL
                                                         : import_describe_config (config, error);
}

/* --- Labels and provenance -------------------------------------------------------------------- */

static gboolean
take_labels (cJSON *description, const char *path, GError **error)
{
  g_auto (GStrv) labels = labels_read (path, error);

  if (labels == NULL)
    return FALSE;
  cJSON_DeleteItemFromObjectCaseSensitive (description, "labels");
  cJSON_AddItemToObject (description, "labels",
      cJSON_CreateStringArray ((const char *const *) labels, (int) g_strv_length (labels)));
  return TRUE;
}

static char *
file_checksum (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = file_bytes (path, error);

  return bytes != NULL ? g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes) : NULL;
}

static gboolean
add_provenance (Imported *imported, const char *source, GError **error)
{
  g_autofree char *checksum = file_checksum (source, error);
  g_autofree char *name = g_filename_display_basename (source);

  if (checksum == NULL)
    return FALSE;
  cJSON *provenance = cJSON_CreateObject ();
  cJSON_AddStringToObject (provenance, "source", name);
  cJSON_AddStringToObject (provenance, "sha256", checksum);
  cJSON_AddStringToObject (provenance, "config", imported->config);
  cJSON_AddStringToObject (provenance, "weights", imported->source);
  if (imported->from_archive != NULL)
    cJSON_AddStringToObject (provenance, "fields_from_source", imported->from_archive);
  cJSON_DeleteItemFromObjectCaseSensitive (imported->description, "provenance");
  cJSON_AddItemToObject (imported->description, "provenance", provenance);
  return TRUE;
}

static gboolean
finish (Imported *imported, const char *source, const ImportOptions *options, GError **error)
{
  if (options->labels != NULL && !take_labels (imported->description, options->labels, error))
    return FALSE;
  if (options->name != NULL) {
    cJSON_DeleteItemFromObjectCaseSensitive (imported->description, "name");
    cJSON_AddStringToObject (imported->description, "name", options->name);
  }
  return add_provenance (imported, source, error);
}

/* --- Reading and writing ---------------------------------------------------------------------- */

Imported *
import_read (const char *source, const ImportOptions *options, GError **error)
{
  GError *failure = NULL;
  g_autoptr (cJSON) description = describe_config (options->config, &failure);

  if (failure != NULL) {
    g_propagate_error (error, failure);
    return NULL;
  }
  g_autofree char *config =
      options->config != NULL ? g_filename_display_basename (options->config) : NULL;
  g_autoptr (Archive) archive = archive_open (source, error);
  if (archive == NULL)
    return NULL;
  g_autoptr (Imported) imported = source_read (archive, description, config, options, error);
  if (imported == NULL || !finish (imported, source, options, error))
    return NULL;
  return g_steal_pointer (&imported);
}

gboolean
import_write (const Imported *imported, const char *path, guint64 *n_parameters, GError **error)
{
  g_autofree FbnetTensorView *views = weights_list (imported->weights);
  g_autoptr (FbnetModel) model =
      model_file_write (path, imported->description, views, imported->weights->views->len, error);

  if (model == NULL)
    return FALSE;
  *n_parameters = fbnet_model_get_n_parameters (model);
  return TRUE;
}
