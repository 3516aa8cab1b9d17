/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How far an int8 model's tensors are from those of the float model it was made of. Every part (trunk,
 * pyramid, each head) is given the float model's input, so that a tensor's difference is what has come
 * together since then, and heads look at the same regions.
 */
#ifndef FBNET_QUANTIZE_FIDELITY_H
#define FBNET_QUANTIZE_FIDELITY_H

#include "fbnet/fbnet.h"

typedef struct Fidelity Fidelity;

/* NULL with error. Both models must be of one architecture. */
Fidelity *fidelity_new (FbnetModel *model, FbnetModel *int8, GError **error);
void fidelity_free (Fidelity *fidelity); /* NULL is allowed */
gboolean fidelity_add_image (Fidelity *fidelity, const FbnetImage *image, GError **error);

/* Signal to noise of the tensor `name` in decibels, all pictures together and of the worst picture.
 * FALSE: it was never computed in both. */
gboolean fidelity_get (const Fidelity *fidelity, const char *name, double *mean, double *worst);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fidelity, fidelity_free)

#endif
