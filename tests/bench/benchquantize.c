/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Quantising for benchmarks.
 */
#include "benchquantize.h"

#include <glib/gstdio.h>

#include "quantize/quantizer.h"

FbnetModel *
bench_quantize (FbnetModel *model, const FbnetImage *image, GError **error)
{
  const QuantizerOptions options = quantizer_options_default ();
  g_autofree char *path = NULL;
  g_autoptr (Quantizer) quantizer = quantizer_new (model, &options, error);

  if (quantizer == NULL || !quantizer_add_image (quantizer, image, error)
      || !quantizer_finish (quantizer, error))
    return NULL;
  const int file = g_file_open_tmp ("bench-XXXXXX.safetensors", &path, error);
  if (file < 0)
    return NULL;
  g_close (file, NULL);
  FbnetModel *int8 =
      quantizer_write (quantizer, path, error) ? fbnet_model_load (path, error) : NULL;
  g_unlink (path);
  return int8;
}
