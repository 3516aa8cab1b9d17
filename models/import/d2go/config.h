/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a D2Go config to the description in a model file.
 */
#ifndef FBNET_IMPORT_D2GO_CONFIG_H
#define FBNET_IMPORT_D2GO_CONFIG_H

#include "registry.h"

/* The description of models/FORMAT.md, without provenance, of the model that `d2go_config` builds: a
 * zoo config, or a config dump (or a config without _BASE_) read from YAML as a tree. Keys it lacks
 * have detectron2's and D2Go's defaults; keys that inference does not depend on are not looked at.
 * `name` becomes the model's name and stands in front of error messages.
 *
 * Free with cJSON_Delete (). NULL with error (FBNET_ERROR_FORMAT: a key is missing or of the wrong
 * type; FBNET_ERROR_UNSUPPORTED: its value is nothing this project can run) that names the key, its
 * value and what would do. */
cJSON *import_describe (const cJSON *d2go_config, const char *name, GError **error);

/* Gives the description of a detector another number of classes. Names and ids are the config's only as long as the
 * number is. FALSE if it has so many, or is none of a detector. */
gboolean import_set_n_classes (cJSON *description, guint n_classes);

#endif
