/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A model that an input has made, run as a stream would run it.
 */
#ifndef TESTS_FRAMERUN_H
#define TESTS_FRAMERUN_H

#include "fbnet/fbnet.h"
#include "take.h"

/* Two frames of chosen sizes and formats, with chosen parameters, kernels and number of threads: what is
 * found is finite and in the frame, and has the same bits as with one thread. What the engine refuses is
 * left at that. */
void frame_run (FbnetModel *model, Take *take);

#endif
