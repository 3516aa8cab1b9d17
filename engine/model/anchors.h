/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Anchors of one pixel of a feature. Semantics: detectron2 modeling/anchor_generator.py
 * DefaultAnchorGenerator.generate_cell_anchors.
 */
#ifndef FBNET_ANCHORS_H
#define FBNET_ANCHORS_H

#include "base/box.h"

/* cells[size_index * n_ratios + ratio_index], centred on (0, 0). */
void make_cell_anchors (Box *cells, const double *sizes, gsize n_sizes, const double *ratios,
    gsize n_ratios);

#endif
