/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: any bytes as a D2Go config dump, and its description.
 */
#include "import/d2go/config.h"
#include "fuzz.h"
#include "import/d2go/yaml-tree.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  cJSON *tree = yaml_parse ((const char *) data, size, "fuzz", NULL);

  if (tree != NULL)
    cJSON_Delete (import_describe (tree, "fuzz", NULL));
  cJSON_Delete (tree);
  return 0;
}
