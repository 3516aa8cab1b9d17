/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A model file in parts, to be changed and joined again: by whoever makes files that lie.
 */
#ifndef TESTS_MODELPARTS_H
#define TESTS_MODELPARTS_H

#include <cjson/cJSON.h>
#include <glib.h>

typedef struct {
  cJSON *header;      /* without the description */
  cJSON *description; /* NULL where it has none */
  guint8 *tensors;
  gsize size; /* of the tensors */
} ModelParts;

/* Of a sound file; another one ends the program. */
ModelParts model_parts_read (const char *path);
void model_parts_clear (ModelParts *parts);

/* The file with another header and description, which may be anything. */
GBytes *model_parts_join (const ModelParts *parts, const cJSON *header, const cJSON *description);

#endif
