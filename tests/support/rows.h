/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A kernel row beside the row c: all parts of a model, one after the other, each of the same numbers.
 */
#ifndef TESTS_ROWS_H
#define TESTS_ROWS_H

#include "kernels/kernels.h"
#include "model/model.h"

/* The trunk of an input of this size, the pyramid, the RPN on what they leave, the heads on two squares of
 * their poolers' sizes; in bytes where the model has them and floats are not asked for. NULL, or what differs
 * by more than sums in another order do; g_free() it. */
char *rows_compare (FbnetModel *model, const Kernels *row, gboolean floats, gsize h, gsize w);

#endif
