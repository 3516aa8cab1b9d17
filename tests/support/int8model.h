/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models in int8, their ranges learnt from one picture.
 */
#ifndef TESTS_INT8MODEL_H
#define TESTS_INT8MODEL_H

#include "fbnet/fbnet.h"

/* (transfer full): the name of a temporary file, tests/data/tiny-bn quantised, for the caller to remove. */
char *int8_model_file (void);

/* NULL where nothing of the model can be bytes, or the picture leaves no pixel of it. */
FbnetModel *int8_model_new (FbnetModel *model, const FbnetImage *image);

#endif
