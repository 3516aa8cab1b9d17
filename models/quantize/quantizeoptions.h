/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-quantize.
 */
#ifndef FBNET_QUANTIZE_OPTIONS_H
#define FBNET_QUANTIZE_OPTIONS_H

#include "quantizer.h"

typedef struct {
  char *model, *images, *output;
  char *annotations, *eval_images; /* the former only with the latter */
  char *method, *kernels;          /* as given, or NULL */
  double percentile;
  char **keep_float;
  gboolean all, plain_weights, no_bias_correction, verbose, version;
  gint threads;
} QuantizeOptions;

/* FALSE with error, a sentence about the option that is wrong. --help is answered, and ends the
 * process, here. */
gboolean quantize_options_parse (QuantizeOptions *options, int argc, char **argv, GError **error);
void quantize_options_clear (QuantizeOptions *options);

/* How the quantizer is to work; valid as long as the options, which have been checked. */
QuantizerOptions quantize_options_how (const QuantizeOptions *options);

#endif
