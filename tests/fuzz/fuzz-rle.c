/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: a JSON text as a segmentation, of polygons or runs, whose mask is printed, read again,
 * measured and painted.
 */
#include "fuzz.h"
#include "support/jsonfile.h"
#include "support/masks.h"

#define MAX_PAINTED (1u << 18)

static void
check_painting (const RleMask *mask)
{
  const gsize n = (gsize) mask->width * mask->height;
  guint64 sum = 0;

  if (n > MAX_PAINTED)
    return;
  g_autofree guint8 *pixels = g_malloc0 (n + 1);
  rle_mask_paint (mask, pixels);
  for (gsize i = 0; i < n; i++)
    sum += pixels[i];
  g_assert (sum == rle_mask_area (mask));
}

static void
check (const RleMask *mask)
{
  g_autoptr (cJSON) printed = rle_mask_to_json (mask);
  g_autoptr (RleMask) again =
      rle_mask_from_json (printed, mask->width, mask->height, "again", NULL);
  double bounds[4];

  rle_mask_bounds (mask, bounds);
  g_assert (bounds[0] + bounds[2] <= mask->width && bounds[1] + bounds[3] <= mask->height);
  g_assert (again != NULL && rle_mask_area (again) == rle_mask_area (mask));
  g_assert (rle_mask_area (mask) <= (guint64) mask->width * mask->height);
  g_assert (rle_mask_area (mask) == 0 || rle_mask_overlap (mask, again, FALSE) == 1);
  check_painting (mask);
}

/* The first two bytes are the picture's size. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < 2)
    return 0;
  g_autofree char *text = g_strndup ((const char *) data + 2, size - 2);
  g_autoptr (cJSON) json = json_parse (text, strlen (text), "fuzz", NULL);
  g_autoptr (RleMask) mask =
      json != NULL ? rle_mask_from_json (json, data[0], data[1], "fuzz", NULL) : NULL;

  if (mask != NULL)
    check (mask);
  return 0;
}
