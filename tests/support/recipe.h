/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The golden fixtures' weights. A fixture keeps its one-dimensional tensors in small.safetensors;
 * its large ones are generated: recipe.json names them, and every element is a hash of the tensor's
 * name, the seed and the element's index.
 */
#ifndef TESTS_RECIPE_H
#define TESTS_RECIPE_H

#include "tensors.h"

/* n elements of the tensor `name`: odd whole numbers from -255 to 255, times 2^-exponent. */
void recipe_generate (float *out, gsize n, const char *name, guint64 seed, int exponent);

/* All tensors of the fixture in `folder`, in the recipe's order. NULL with error when a file is
 * absent or damaged. */
TensorList *recipe_load (const char *folder, GError **error);

#endif
