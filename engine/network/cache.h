/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Packed weights, made on first use for a kernel set and shared by all streams: they live as long as
 * their model.
 */
#ifndef FBNET_CACHE_H
#define FBNET_CACHE_H

#include "pack.h"

/* From any thread. NULL with error (FBNET_ERROR_MEMORY). */
const Network *cache_get_network (FbnetModel *model, const PackOptions *options, GError **error);

#endif
