/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * D2Go's facts as data.
 */
#include "registry.h"

#include <gio/gio.h>
#include <stdlib.h>

#include "fbnet-registry.h"
#include "fbnet/fbnet.h"
#include "support/jsonfile.h"

#define ROOT   "/fbnet/registry/"
#define SUFFIX ".json"

/* NULL when there is no such file. A file that is there was written by us and checked by the tests:
 * it parses. */
static cJSON *
read_resource (const char *folder, const char *name)
{
  g_autofree char *path = g_strconcat (ROOT, folder, name, SUFFIX, NULL);
  g_autoptr (GBytes) bytes = g_resource_lookup_data (fbnet_registry_get_resource (), path,
      G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  if (!bytes)
    return NULL;
  gsize size;
  const char *text = g_bytes_get_data (bytes, &size);
  cJSON *json = json_parse (text, size, path, NULL);
  g_assert (json);
  cJSON_DeleteItemFromObjectCaseSensitive (json, "notes");
  return json;
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static char **
list_names (const char *folder)
{
  g_autofree char *path = g_strconcat (ROOT, folder, NULL);
  char **names = g_resource_enumerate_children (fbnet_registry_get_resource (), path,
      G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_assert (names);
  for (char **name = names; *name; name++)
    (*name)[strlen (*name) - strlen (SUFFIX)] = '\0';
  qsort (names, g_strv_length (names), sizeof *names, compare_names);
  return names;
}

static cJSON *
find (const char *folder, const char *name, const char *what, GError **error)
{
  cJSON *json = read_resource (folder, name);
  if (json)
    return json;
  g_auto (GStrv) names = list_names (folder);
  g_autofree char *known = g_strjoinv (", ", names);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND, "no %s is called '%s'; there are %s",
      what, name, known);
  return NULL;
}

char **
import_architecture_names (void)
{
  return list_names ("arch/");
}

char **
import_zoo_names (void)
{
  return list_names ("configs/");
}

cJSON *
import_architecture (const char *name, GError **error)
{
  g_return_val_if_fail (name, NULL);
  return find ("arch/", name, "architecture", error);
}

cJSON *
import_zoo_config (const char *name, GError **error)
{
  g_return_val_if_fail (name, NULL);
  return find ("configs/", name, "configuration", error);
}

cJSON *
import_labels (const char *name)
{
  return read_resource ("labels/", name);
}

cJSON *
import_classifier_table (void)
{
  return read_resource ("", "classifiers");
}

cJSON *
import_classifier_architecture (const char *name)
{
  return read_resource ("classifiers/", name);
}

cJSON *
import_defaults (void)
{
  return read_resource ("", "defaults");
}
