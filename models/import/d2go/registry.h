/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * D2Go's facts as data, compiled in: block lists, zoo configurations, labels, defaults. The JSON
 * files beside this folder are the source.
 */
#ifndef FBNET_IMPORT_D2GO_REGISTRY_H
#define FBNET_IMPORT_D2GO_REGISTRY_H

#include <cjson/cJSON.h>
#include <glib.h>

/* Names in the registry, sorted; free with g_strfreev (). */
char **import_architecture_names (void);
char **import_zoo_names (void);

/* The block lists called `name` in D2Go's FBNetV2ModelArch: the `architecture` object of
 * models/FORMAT.md without width_divisor, scale_factor and norm, which a config adds. Parts that a
 * model has no head for are among them. Free with cJSON_Delete (); NULL with error when there is no
 * such architecture. */
cJSON *import_architecture (const char *name, GError **error);

/* The D2Go config called `name`, with D2Go's own key tree, resolved as far as inference depends on
 * it. Free with cJSON_Delete (); NULL with error when there is no such config. */
cJSON *import_zoo_config (const char *name, GError **error);

/* {labels, category_ids} of models/zoo/labels/: "coco" or "coco-person". */
cJSON *import_labels (const char *name);

/* The table of mobile_cv's classifiers, models/zoo/classifiers.json, and the block lists that it names:
 * an architecture as import_architecture () gives it. */
cJSON *import_classifier_table (void);
cJSON *import_classifier_architecture (const char *name);

/* What a config means where it is silent; the same key tree. */
cJSON *import_defaults (void);

#endif
