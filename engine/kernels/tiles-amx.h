/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * AMX's tiles, as the products of bytes and of bfloat16 use them: tiles 0 … 3 hold sums of 32 bits, those of two
 * times sixteen rows by two times sixteen columns.
 */
#ifndef FBNET_KERNELS_TILES_AMX_H
#define FBNET_KERNELS_TILES_AMX_H

#include <glib.h>
#include <immintrin.h>

#define TILE_ROWS 16

/* What the instruction that configures them reads. */
typedef struct {
  guint8 palette, start_row, reserved[14];
  guint16 row_bytes[16];
  guint8 rows[16];
} TileConfig;

static inline void
tile_shape (TileConfig *config, guint tile, guint rows, guint row_bytes)
{
  config->rows[tile] = (guint8) rows;
  config->row_bytes[tile] = (guint16) row_bytes;
}

static inline void
tile_zero_four (void)
{
  _tile_zero (0);
  _tile_zero (1);
  _tile_zero (2);
  _tile_zero (3);
}

/* Sixteen rows of sixteen sums each. */
static inline void
tile_store_four (void *sums)
{
  guint8 *to = sums;

  _tile_stored (0, to, 64);
  _tile_stored (1, to + 1024, 64);
  _tile_stored (2, to + 2048, 64);
  _tile_stored (3, to + 3072, 64);
}

#endif
