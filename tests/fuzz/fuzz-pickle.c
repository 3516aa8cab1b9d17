/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: any bytes as a pickle, and what it becomes as a lite interpreter's bytecode.
 */
#include "import/torch/bytecode.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  gsize consumed;
  g_autoptr (Pickle) pickle = pickle_parse (data, size, "fuzz", "data", &consumed, NULL);

  if (pickle != NULL)
    graph_free (bytecode_follow (pickle_root (pickle), pickle_root (pickle), NULL));
  return 0;
}
