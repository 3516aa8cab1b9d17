/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * tiny-bn through the quantiser.
 */
#include "int8model.h"

#include <glib/gstdio.h>

#include "drawing.h"
#include "quantize/quantizer.h"

char *
int8_model_file (void)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  const QuantizerOptions options = quantizer_options_default ();
  g_autoptr (GError) error = NULL;
  char *output = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  g_autoptr (Quantizer) quantizer = quantizer_new (model, &options, &error);
  g_assert_no_error (error);
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);
  const FbnetImage image = picture_image (picture);
  g_close (g_file_open_tmp ("fbnet-XXXXXX.safetensors", &output, NULL), NULL);
  quantizer_add_image (quantizer, &image, &error);
  g_assert_no_error (error);
  quantizer_finish (quantizer, &error);
  g_assert_no_error (error);
  quantizer_write (quantizer, output, &error);
  g_assert_no_error (error);
  return output;
}
