/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * YAML as PyYAML's safe_load understands it (YAML 1.1), into a JSON tree: what D2Go's config dumps
 * are written in.
 */
#ifndef FBNET_IMPORT_D2GO_YAML_TREE_H
#define FBNET_IMPORT_D2GO_YAML_TREE_H

#include <cjson/cJSON.h>
#include <glib.h>

/* `name` stands in front of error messages. Mappings become objects (numbers as keys become text; of
 * two equal keys the later wins), sequences and !!python/tuple arrays, aliases copies. Every other
 * tag outside YAML's own is refused. Free with cJSON_Delete (). */
cJSON *yaml_parse (const char *text, gsize length, const char *name, GError **error);

cJSON *yaml_load (const char *path, GError **error);

#endif
