/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Batch norms that were folded away, found again: Meta's COCO weights come from an export without
 * them, and a test of a stream's statistics wants a trained model that has some.
 */
#ifndef TESTS_UNFOLD_H
#define TESTS_UNFOLD_H

#include "fbnet/fbnet.h"

/* A model that finds in any picture what `model` finds, within rounding, but whose batch norms hold
 * mean and variance of what their layers give on the pictures (paths, NULL-terminated): γ and β
 * take up the difference. `model` is a C4 box detector and has γ = 1 and mean 0 everywhere. */
FbnetModel *unfold_norms (const FbnetModel *model, const char *const *pictures);

#endif
