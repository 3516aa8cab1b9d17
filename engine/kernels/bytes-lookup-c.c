/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes through a table: the specification.
 */
#include "rows.h"

void
qlookup_c (guint8 *bytes, gsize n, const guint8 *table)
{
  for (gsize i = 0; i < n; i++)
    bytes[i] = table[bytes[i]];
}
