/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Anchors of one pixel; see anchors.h.
 */
#include "anchors.h"

#include <math.h>

void
make_cell_anchors (Box *cells, const double *sizes, gsize n_sizes, const double *ratios,
    gsize n_ratios)
{
  for (gsize s = 0; s < n_sizes; s++) {
    for (gsize r = 0; r < n_ratios; r++) {
      const double width = sqrt (sizes[s] * sizes[s] / ratios[r]);
      const double height = ratios[r] * width;
      cells[s * n_ratios + r] = (Box){ (float) (-width / 2.0), (float) (-height / 2.0),
        (float) (width / 2.0), (float) (height / 2.0) };
    }
  }
}
