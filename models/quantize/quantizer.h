/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a float model and pictures to an int8 model: batch norms folded, weights as signed bytes with a
 * scale per output channel, activations as bytes whose ranges come from what the float model computes
 * for the pictures (docs/int8.md).
 *
 *   quantizer = quantizer_new (model, &options, &error);
 *   for each picture: quantizer_add_image (quantizer, &image, &error);
 *   quantizer_finish (quantizer, &error) && quantizer_write (quantizer, "int8.safetensors", &error);
 */
#ifndef FBNET_QUANTIZE_QUANTIZER_H
#define FBNET_QUANTIZE_QUANTIZER_H

#include "fbnet/fbnet.h"
#include "quantizerparts.h"

/* The least squared error for weights and activations. */
QuantizerOptions quantizer_options_default (void);

/* One tensor of bytes. */
typedef struct {
  const char *name;
  Quant quant;
  Activation table; /* the bytes go through next, or ACT_NONE */
  float min, max;   /* what was seen */
  double error_db;  /* signal to noise of the rounding to bytes, by the histogram */
} QuantizerRange;

typedef struct Quantizer Quantizer;

/* The model must be a float one. NULL with error; the options may go. */
Quantizer *quantizer_new (FbnetModel *model, const QuantizerOptions *options, GError **error);
void quantizer_free (Quantizer *quantizer); /* NULL is allowed */

/* Runs the float model and remembers what its tensors hold. */
gboolean quantizer_add_image (Quantizer *quantizer, const FbnetImage *image, GError **error);

/* Chooses all scales. After one picture at least; no more pictures then. */
gboolean quantizer_finish (Quantizer *quantizer, GError **error);

/* After quantizer_finish(): what became of every part, in order of execution, and of every tensor. They
 * belong to the quantizer. */
const GArray *quantizer_parts (const Quantizer *quantizer);
const GArray *quantizer_ranges (const Quantizer *quantizer);
guint quantizer_n_images (const Quantizer *quantizer);

/* The model file, replaced only when the engine loads what was written. */
gboolean quantizer_write (const Quantizer *quantizer, const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Quantizer, quantizer_free)

#endif
