/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Config, weights, provenance and labels into one model file.
 */
#include "import.h"

#include <stdlib.h>
#include <string.h>

#include "classifiers.h"
#include "config.h"
#include "sources.h"
#include "support/files.h"
#include "support/jsonfile.h"
#include "support/labels.h"
#include "support/modelfile.h"
#include "yaml-tree.h"

/* Configs that stand on each other. */
#define MAX_BASES 8
/* As model files have it. */
#define MAX_LABEL 255

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
load_zoo_base (const char *base)
{
  g_autofree char *name = g_path_get_basename (base);
  g_auto (GStrv) names = import_zoo_names ();

  if (!g_str_has_suffix (name, ".yaml"))
    return NULL;
  name[strlen (name) - strlen (".yaml")] = '\0';
  return g_strv_contains ((const char *const *) names, name) ? import_zoo_config (name, NULL)
                                                             : NULL;
}

/* The file that a _BASE_ names below the folder of the config; NULL if it is none. Links that lead out of there do not
 * count. */
static char *
find_base (const char *path, const char *base)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *named = g_build_filename (folder, base, NULL);
  char *home = realpath (folder, NULL), *found = realpath (named, NULL);
  const gsize length = home != NULL ? strlen (home) : 0;
  const gboolean within = !g_path_is_absolute (base) && home != NULL && found != NULL
      && strncmp (found, home, length) == 0 && found[length] == G_DIR_SEPARATOR
      && g_file_test (found, G_FILE_TEST_IS_REGULAR);

  free (home);
  free (found);
  return within ? g_steal_pointer (&named) : NULL;
}

static cJSON *load_yaml (const char *path, guint depth, GError **error);

/* NULL without error: it has none that is known, and whoever describes it says so. */
static cJSON *
load_base (const cJSON *config, const char *path, guint depth, GError **error)
{
  const char *base = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (config, "_BASE_"));
  g_autofree char *file = base != NULL ? find_base (path, base) : NULL;

  if (base == NULL)
    return NULL;
  if (file == NULL)
    return load_zoo_base (base);
  if (depth < MAX_BASES)
    return load_yaml (file, depth + 1, error);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: _BASE_: expected at most %d configs below each other, found more, or a circle of them",
      path, MAX_BASES);
  return NULL;
}

/* With its base, if that lies beside it or is a config of the zoo. */
static cJSON *
load_yaml (const char *path, guint depth, GError **error)
{
  g_autoptr (cJSON) config = yaml_load (path, error);
  GError *failure = NULL;
  cJSON *base = config != NULL ? load_base (config, path, depth, &failure) : NULL;

  if (failure != NULL) {
    g_propagate_error (error, failure);
    return NULL;
  }
  if (base == NULL)
    return g_steal_pointer (&config);
  cJSON_DeleteItemFromObjectCaseSensitive (config, "_BASE_");
  merge (base, config);
  return base;
}

static cJSON *
load_config (const char *config, GError **error)
{
  if (is_path (config))
    return load_yaml (config, 0, error);
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

static guint
count_classes (const cJSON *description)
{
  const cJSON *heads = cJSON_GetObjectItemCaseSensitive (description, "roi_heads");
  const cJSON *head = cJSON_GetObjectItemCaseSensitive (description, "head");
  const cJSON *count = cJSON_GetObjectItemCaseSensitive (heads != NULL ? heads : head, "n_classes");

  return cJSON_IsNumber (count) ? (guint) CLAMP (count->valuedouble, 0, G_MAXINT) : 0;
}

static gboolean
has_control (const char *text)
{
  while (*text != '\0' && !g_ascii_iscntrl (*text))
    text++;
  return *text != '\0';
}

static gboolean
check_labels (char *const *labels, guint n_classes, const char *path, GError **error)
{
  const guint n = g_strv_length ((char **) labels);

  if (n != n_classes) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected %u labels, one a line, as the model has classes, found %u", path, n_classes,
        n);
    return FALSE;
  }
  for (guint i = 0; i < n; i++) {
    if (strlen (labels[i]) <= MAX_LABEL && !has_control (labels[i]))
      continue;
    g_autofree char *shown = g_strescape (labels[i], NULL);
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: label %u: expected at most %d bytes without control characters, found \"%.80s\" of "
        "%" G_GSIZE_FORMAT " bytes",
        path, i + 1, MAX_LABEL, shown, strlen (labels[i]));
    return FALSE;
  }
  return TRUE;
}

static gboolean
take_labels (cJSON *description, const char *path, GError **error)
{
  g_auto (GStrv) labels = labels_read (path, error);

  if (labels == NULL || !check_labels (labels, count_classes (description), path, error))
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
