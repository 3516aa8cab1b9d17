/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes through a table, for any aarch64, which looks up 64 bytes at once: the table is gone through in four
 * parts. What lies in another part leaves what was found so far.
 */
#include <arm_neon.h>

#include "rows.h"

enum { PARTS = 4, PART = 64, LANES = 16 };

static inline uint8x16_t
look_up (uint8x16_t bytes, const uint8x16x4_t parts[PARTS])
{
  uint8x16_t found = vqtbl4q_u8 (parts[0], bytes);

#pragma GCC unroll 4
  for (guint part = 1; part < PARTS; part++)
    found = vqtbx4q_u8 (found, parts[part], vsubq_u8 (bytes, vdupq_n_u8 ((guint8) (part * PART))));
  return found;
}

void
qlookup_neon (guint8 *bytes, gsize n, const guint8 *table)
{
  uint8x16x4_t parts[PARTS];
  gsize i = 0;

  for (guint part = 0; part < PARTS; part++)
    for (guint v = 0; v < PART / LANES; v++)
      parts[part].val[v] = vld1q_u8 (table + part * PART + v * LANES);
  for (; i + LANES <= n; i += LANES)
    vst1q_u8 (bytes + i, look_up (vld1q_u8 (bytes + i), parts));
  qlookup_c (bytes + i, n - i, table);
}
