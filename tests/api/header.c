/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A program in plain C that includes nothing but the public header and links nothing but the library:
 * that this compiles without a warning is the test.
 */
#include <fbnet/fbnet.h>

int
main (void)
{
  FbnetDetectorOptions options = { 0 };
  FbnetParams params = { 0 };

  fbnet_model_unref (NULL);
  fbnet_detector_free (NULL);
  fbnet_classifier_free (NULL);
  fbnet_detections_free (NULL);
  return fbnet_version () == NULL || options.n_threads != 0 || params.masks;
}
