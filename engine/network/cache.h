/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Packed weights, made on first use for a kernel set and shared by all streams: they live as long as
 * their model.
 */
#ifndef FBNET_CACHE_H
#define FBNET_CACHE_H

#include "network.h"

const Network *cache_get_network (FbnetModel *model, const Kernels *kernels);

/* With its batch norms not folded, for a stream that they follow. */
const Network *cache_get_following_network (FbnetModel *model, const Kernels *kernels);

/* The same with the quantised layers on bytes; the others still run on floats. */
const Network *cache_get_int8_network (FbnetModel *model, const Kernels *kernels,
    const ByteKernels *qkernels, gboolean exact_bias);

#endif
