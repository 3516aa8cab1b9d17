/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The order in which torch.sort() leaves equal elements. On a CPU it is that of libstdc++'s std::sort,
 * which is not stable; an export whose RPN sorts quantised logits, many of them equal, shows it in
 * which proposals come first.
 */
#ifndef FBNET_TORCHSORT_H
#define FBNET_TORCHSORT_H

#include <glib.h>

/* order[0 … n) becomes the indices 0 … n - 1 by ascending keys, equal ones in std::sort's order. */
void torch_sort (guint32 *order, const guint32 *keys, gsize n);

#endif
