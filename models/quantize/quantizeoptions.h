/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-quantize.
 */
#ifndef FBNET_QUANTIZE_QUANTIZEOPTIONS_H
#define FBNET_QUANTIZE_QUANTIZEOPTIONS_H

#include "quantizer.h"
#include "support/paramoptions.h"

typedef struct {
  char *model, *images, *output;
  char *annotations, *eval_images; /* the former only with the latter */
  char *method;                    /* as given, or NULL */
  ParamOptions *params;
  double percentile;
  char **keep_float;
  gboolean all, plain_weights, no_bias_correction, verbose;
} QuantizeOptions;

QuantizeOptions quantize_options_new (void);
void quantize_options_clear (QuantizeOptions *options);

/* For Program. */
void quantize_options_add (gpointer options, GOptionContext *context);
gboolean quantize_options_check (gpointer options, GError **error);

/* How the quantizer is to work; valid as long as the options, which have been checked. */
QuantizerOptions quantize_options_how (const QuantizeOptions *options);

#endif
