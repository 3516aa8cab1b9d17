/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The one EXIF entry that moves pixels. Layout: TIFF 6.0 section 2; tag 0x0112 in the first
 * directory (Exif 2.3, section 4.6.4).
 */
#include "codecs.h"

#include <string.h>

enum {
  TAG_ORIENTATION = 0x0112,
  TYPE_SHORT = 3,
  TYPE_LONG = 4,
  HEADER_SIZE = 8, /* byte order, 42, offset of the first directory */
  ENTRY_SIZE = 12, /* tag, type, count, value */
};

typedef struct {
  const guint8 *data;
  gsize size;
  gboolean big_endian;
} Tiff;

static guint16
read_u16 (const Tiff *tiff, gsize offset)
{
  guint16 value;

  memcpy (&value, tiff->data + offset, sizeof value);
  return tiff->big_endian ? GUINT16_FROM_BE (value) : GUINT16_FROM_LE (value);
}

static guint32
read_u32 (const Tiff *tiff, gsize offset)
{
  guint32 value;

  memcpy (&value, tiff->data + offset, sizeof value);
  return tiff->big_endian ? GUINT32_FROM_BE (value) : GUINT32_FROM_LE (value);
}

static gboolean
read_header (Tiff *tiff, const guint8 *data, gsize size)
{
  if (size < HEADER_SIZE || (memcmp (data, "II", 2) != 0 && memcmp (data, "MM", 2) != 0))
    return FALSE;
  *tiff = (Tiff){ data, size, data[0] == 'M' };
  return read_u16 (tiff, 2) == 42;
}

/* The value of the entry at `offset`; 0 if it is not one small integer. */
static guint32
read_entry_value (const Tiff *tiff, gsize offset)
{
  if (read_u32 (tiff, offset + 4) != 1)
    return 0;
  switch (read_u16 (tiff, offset + 2)) {
    case TYPE_SHORT:
      return read_u16 (tiff, offset + 8);
    case TYPE_LONG:
      return read_u32 (tiff, offset + 8);
    default:
      return 0;
  }
}

Orientation
exif_orientation (const guint8 *exif, gsize size)
{
  Tiff tiff;

  if (!read_header (&tiff, exif, size))
    return 1;
  gsize offset = read_u32 (&tiff, 4);
  if (offset > size - 2)
    return 1;

  guint32 found = 0;
  guint n_entries = read_u16 (&tiff, offset);
  for (offset += 2; n_entries > 0 && size - offset >= ENTRY_SIZE; n_entries--) {
    if (read_u16 (&tiff, offset) == TAG_ORIENTATION)
      found = read_entry_value (&tiff, offset);
    offset += ENTRY_SIZE;
  }
  return found >= 1 && found <= 8 ? found : 1;
}
