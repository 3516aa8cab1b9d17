/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's run-length code of masks: strings worked out by hand from the format, and a decoder written
 * from the format's description that must give every pixel back.
 */
#include <string.h>

#include "support/rle.h"

static char *
encode (gint x, gint y, gint width, gint height, const guint8 *data, guint frame_width,
    guint frame_height)
{
  const FbnetMask mask = { x, y, width, height, data };
  return rle_encode (&mask, frame_width, frame_height);
}

/* The next number of a compressed string; moves *text on. */
static gint64
decode_number (const char **text)
{
  gint64 number = 0;
  guint shift = 0;
  guint bits;
  do {
    g_assert_cmpint (**text, !=, 0);
    bits = (guint) (*(*text)++ - 48);
    number |= (gint64) (bits & 0x1f) << shift;
    shift += 5;
  } while (bits & 0x20);
  return bits & 0x10 ? number - ((gint64) 1 << shift) : number;
}

/* frame: width × height bytes, row by row, 1 inside. */
static void
decode (const char *text, guint8 *frame, guint width, guint height)
{
  const gint64 n_pixels = (gint64) width * height;
  gint64 position = 0, older[2] = { 0, 0 };
  for (guint run = 0; *text; run++) {
    const gint64 length = decode_number (&text) + (run > 2 ? older[1] : 0);
    g_assert_cmpint (length, >=, 0);
    g_assert_cmpint (position + length, <=, n_pixels);
    for (gint64 i = position; i < position + length; i++)
      frame[i % height * width + i / height] = run % 2;
    position += length;
    older[1] = older[0];
    older[0] = length;
  }
  g_assert_cmpint (position, ==, n_pixels);
}

/* Small masks give the strings that the format's definition gives when worked out by hand. */
static void
test_by_hand (void)
{
  static const guint8 full[] = { 255, 255, 255, 255 };
  static const guint8 diagonal[] = { 255, 0, 0, 255 };
  g_autofree char *empty = encode (0, 0, 0, 0, NULL, 2, 2);
  g_assert_cmpstr (empty, ==, "4"); /* 4 → '4' */
  g_autofree char *all = encode (0, 0, 2, 2, full, 2, 2);
  g_assert_cmpstr (all, ==, "04"); /* 0, 4 */
  g_autofree char *crossed = encode (0, 0, 2, 2, diagonal, 2, 2);
  g_assert_cmpstr (crossed, ==, "0120"); /* 0 1 2 1; the fourth as 1 - 1 = 0 */
}

/* Numbers from 16 on take a second character, and a run shorter than the one before last is a
 * negative number: the two branches of the code that small runs miss. */
static void
test_wide_and_negative (void)
{
  static const guint8 stripes[] = { 0, 1, 1, 1, 0, 1 };
  g_autofree char *sixteen = encode (0, 0, 0, 0, NULL, 1, 16);
  g_assert_cmpstr (sixteen, ==, "`0"); /* 16 | 32, 0 */
  g_autofree char *shrinking = encode (0, 0, 1, 6, stripes, 1, 6);
  g_assert_cmpstr (shrinking, ==, "131N"); /* 1 3 1 1; the fourth as 1 - 3 = -2 */
}

/* The rectangle's place counts, not only its pixels: one pixel in each corner of a 3×2 frame. */
static void
test_placement (void)
{
  static const guint8 one[] = { 255 };
  static const struct {
    gint x, y;
    const char *expected;
  } cases[] = { { 0, 0, "015" }, { 2, 0, "411" }, { 0, 1, "114" }, { 2, 1, "51" } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = encode (cases[i].x, cases[i].y, 1, 1, one, 3, 2);
    g_assert_cmpstr (text, ==, cases[i].expected);
  }
}

static void
check_round_trip (guint width, guint height)
{
  const gint x = g_test_rand_int_range (0, (gint32) width);
  const gint y = g_test_rand_int_range (0, (gint32) height);
  const gint mask_width = g_test_rand_int_range (1, (gint32) width - x + 1);
  const gint mask_height = g_test_rand_int_range (1, (gint32) height - y + 1);
  const gint solidity = g_test_rand_int_range (1, 20); /* long runs and short ones */
  g_autofree guint8 *mask = g_malloc0 ((gsize) mask_width * mask_height);
  g_autofree guint8 *expected = g_malloc0 ((gsize) width * height);
  g_autofree guint8 *decoded = g_malloc0 ((gsize) width * height);
  for (gint i = 0; i < mask_width * mask_height; i++) {
    const gint row = i / mask_width, column = i % mask_width;
    mask[i] = g_test_rand_int_range (0, solidity) == 0 ? 0 : 255;
    expected[(gsize) (y + row) * width + x + column] = mask[i] != 0;
  }

  g_autofree char *text = encode (x, y, mask_width, mask_height, mask, width, height);
  decode (text, decoded, width, height);
  g_assert_cmpmem (decoded, (gsize) width * height, expected, (gsize) width * height);
}

/* Random masks at random places come back pixel for pixel. */
static void
test_round_trip (void)
{
  for (guint i = 0; i < 200; i++)
    check_round_trip (1 + i % 17, 1 + i % 23);
  check_round_trip (640, 480);
  check_round_trip (1, 5000);
  check_round_trip (5000, 1);
}

/* A frame of the largest size the engine takes, without a mask, is one run of 2^30 pixels. */
static void
test_huge_frame (void)
{
  g_autofree char *text = encode (0, 0, 0, 0, NULL, 32767, 32767);
  const char *rest = text;
  g_assert_cmpint (decode_number (&rest), ==, (gint64) 32767 * 32767);
  g_assert_cmpstr (rest, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rle/by-hand", test_by_hand);
  g_test_add_func ("/rle/wide-and-negative", test_wide_and_negative);
  g_test_add_func ("/rle/placement", test_placement);
  g_test_add_func ("/rle/round-trip", test_round_trip);
  g_test_add_func ("/rle/huge-frame", test_huge_frame);
  return g_test_run ();
}
