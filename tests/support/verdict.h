/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What holds of every model that loads and of every frame that goes through it, whoever made them.
 */
#ifndef TESTS_VERDICT_H
#define TESTS_VERDICT_H

#include "model/model.h"

/* Smaller sizes and counts until a frame takes at most so many multiply-adds; FALSE when it never does. */
gboolean verdict_reduce_work (const FbnetModel *model, FbnetParams *params, guint64 most);

/* Asserts that what was found is finite, in the frame, in order, and no more than was asked for; and that
 * two have the same bits. */
void verdict_check_found (const FbnetDetections *found, const FbnetParams *params,
    const FbnetImage *image);
void verdict_check_same (const FbnetDetections *a, const FbnetDetections *b);

#endif
