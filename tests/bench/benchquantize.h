/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An int8 model to be timed beside a float one.
 */
#ifndef BENCH_BENCHQUANTIZE_H
#define BENCH_BENCHQUANTIZE_H

#include "fbnet/fbnet.h"

/* Ranges are learnt from one picture: speed does not depend on them. NULL with error. */
FbnetModel *bench_quantize (FbnetModel *model, const FbnetImage *image, GError **error);

#endif
