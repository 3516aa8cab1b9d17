/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: any bytes as a checkpoint, with all of its tensors, or as an int8 export, dequantised
 * and as it is.
 */
#include "fuzz.h"
#include "import/d2go/torchscript.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);
  g_autoptr (Archive) archive = archive_open_bytes (bytes, "fuzz", NULL);

  if (archive == NULL)
    return 0;
  if (torchscript_is (archive)) {
    imported_free (torchscript_import (archive, NULL, NULL, FALSE, NULL));
    imported_free (torchscript_import (archive, NULL, NULL, TRUE, NULL));
    return 0;
  }
  g_autofree char *source = NULL;
  weights_free (checkpoint_read (archive, EMA_USUAL, &source, NULL));
  return 0;
}
