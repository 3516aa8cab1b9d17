/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The numbers that an export gives, put into a description that came from a config.
 */
#ifndef FBNET_IMPORT_D2GO_FACTS_H
#define FBNET_IMPORT_D2GO_FACTS_H

#include <cjson/cJSON.h>

#include "torchscript-file.h"

/* Writes what the archive gives over the config's values; a number that is the config's in float32
 * stays as the config has it. Returns the names of the fields that the archive gave, a comma between
 * them; free with g_free (). */
char *facts_apply (const TorchScript *export, cJSON *description);

#endif
