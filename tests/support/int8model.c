/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * tiny-bn through the quantiser.
 */
#include "int8model.h"

#include <glib/gstdio.h>

#include "drawing.h"
#include "quantize/quantizer.h"

/* The file's path, or NULL. */
static char *
quantize (FbnetModel *model, const FbnetImage *image)
{
  const QuantizerOptions options = quantizer_options_default ();
  g_autoptr (Quantizer) quantizer = quantizer_new (model, &options, NULL);
  char *path = NULL;

  if (quantizer == NULL || !quantizer_add_image (quantizer, image, NULL)
      || !quantizer_finish (quantizer, NULL))
    return NULL;
  g_close (g_file_open_tmp ("fbnet-XXXXXX.safetensors", &path, NULL), NULL);
  if (quantizer_write (quantizer, path, NULL))
    return path;
  g_unlink (path);
  g_free (path);
  return NULL;
}

char *
int8_model_file (void)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);
  const FbnetImage image = picture_image (picture);
  char *output = quantize (model, &image);
  g_assert_nonnull (output);
  return output;
}

FbnetModel *
int8_model_new (FbnetModel *model, const FbnetImage *image)
{
  g_autofree char *path = quantize (model, image);
  FbnetModel *quantized = path != NULL ? fbnet_model_load (path, NULL) : NULL;

  if (path != NULL)
    g_unlink (path);
  return quantized;
}
