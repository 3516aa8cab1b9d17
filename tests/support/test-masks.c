/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Masks as runs. Written: strings worked out by hand from the format, and a decoder written from the
 * format's description that must give every pixel back. Read: pycocotools' pixels and areas
 * (tests/data/coco.json), and what is no mask.
 */
#include <string.h>

#include "support/jsonfile.h"
#include "support/masks.h"

static char *
encode (gint x, gint y, gint width, gint height, const guint8 *data, guint frame_width,
    guint frame_height)
{
  const FbnetMask mask = { x, y, width, height, data };
  g_autoptr (RleMask) runs = rle_mask_from_detection (&mask, frame_width, frame_height);

  return rle_mask_print (runs);
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

/* --- Annotations ------------------------------------------------------------------------------------ */

/* A member of the set of tests/data/make-coco.py. */
static cJSON *
read_data (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_TEST_DATA"), "coco.json", NULL);
  g_autoptr (cJSON) file = json_read (path, &error);

  g_assert_no_error (error);
  cJSON *member = cJSON_DetachItemFromObjectCaseSensitive (file, name);
  g_assert_nonnull (member);
  return member;
}

static cJSON *
parse (const char *text)
{
  cJSON *value = cJSON_Parse (text);

  if (value == NULL)
    g_error ("not JSON: %s", text);
  return value;
}

static RleMask *
mask_of (const cJSON *segmentation, guint width, guint height)
{
  g_autoptr (GError) error = NULL;
  RleMask *mask = rle_mask_from_json (segmentation, width, height, "test", &error);

  g_assert_no_error (error);
  return mask;
}

/* Polygons cover exactly the pixels that pycocotools gives them, also where they leave the picture,
 * cross themselves, or have edges without length. */
static void
test_polygons (void)
{
  g_autoptr (cJSON) cases = read_data ("polygons");

  g_assert_cmpint (cJSON_GetArraySize (cases), >, 20);
  const cJSON *item;
  cJSON_ArrayForEach (item, cases)
  {
    g_autoptr (RleMask) expected =
        mask_of (cJSON_GetObjectItemCaseSensitive (item, "segmentation"), 0, 0);
    g_autoptr (cJSON) polygons = cJSON_CreateArray ();
    cJSON_AddItemReferenceToArray (polygons, cJSON_GetObjectItemCaseSensitive (item, "polygon"));
    g_autoptr (RleMask) found = mask_of (polygons, expected->width, expected->height);
    const cJSON *area = cJSON_GetObjectItemCaseSensitive (item, "area");
    g_assert_cmpuint (rle_mask_area (found), ==, (guint64) area->valuedouble);
    g_autoptr (RleMask) flat = mask_of (cJSON_GetObjectItemCaseSensitive (item, "polygon"),
        expected->width, expected->height); /* without the list of polygons around it */
    g_assert_cmpuint (rle_mask_area (flat), ==, rle_mask_area (found));
    if (rle_mask_area (found) > 0)
      g_assert_cmpfloat (rle_mask_overlap (found, expected, FALSE), ==, 1);
  }
}

/* Area, bounds and overlap of masks small enough to count: 4 columns of 3 rows. */
static void
test_measures (void)
{
  g_autoptr (cJSON) left = parse ("{\"size\":[3,4],\"counts\":[1,4,7]}");
  g_autoptr (cJSON) right = parse ("{\"size\":[3,4],\"counts\":[3,2,2,1,4]}");
  g_autoptr (cJSON) empty = parse ("{\"size\":[3,4],\"counts\":[12]}");
  g_autoptr (cJSON) other = parse ("{\"size\":[4,3],\"counts\":[1,4,7]}");
  g_autoptr (RleMask) a = mask_of (left, 4, 3), b = mask_of (right, 4, 3);
  g_autoptr (RleMask) none = mask_of (empty, 4, 3), turned = mask_of (other, 3, 4);
  double bounds[4];

  g_assert_cmpuint (rle_mask_area (a), ==, 4);
  rle_mask_bounds (a, bounds);
  g_assert_true (bounds[0] == 0 && bounds[1] == 0 && bounds[2] == 2 && bounds[3] == 3);
  rle_mask_bounds (b, bounds);
  g_assert_true (bounds[0] == 1 && bounds[1] == 0 && bounds[2] == 2 && bounds[3] == 2);
  rle_mask_bounds (none, bounds);
  g_assert_true (bounds[2] == 0 && bounds[3] == 0);
  g_assert_cmpfloat (rle_mask_overlap (a, b, FALSE), ==, 2.0 / 5);
  g_assert_cmpfloat (rle_mask_overlap (a, b, TRUE), ==, 2.0 / 4);
  g_assert_cmpfloat (rle_mask_overlap (a, none, FALSE), ==, 0);
  g_assert_cmpfloat (rle_mask_overlap (none, none, FALSE), ==, 0);
  g_assert_cmpfloat (rle_mask_overlap (a, turned, FALSE), ==, 0);
}

/* Masks that are none get a sentence: cut-off, negative or surplus runs, shapes without three points,
 * pictures without pixels, coordinates from another world. */
static void
test_broken (void)
{
  static const struct {
    const char *segmentation, *expected;
  } cases[] = {
    { "null", "*expected polygons or runs*" },
    { "[]", "*expected at least one polygon*" },
    { "[[1,1,5,5]]", "*three points*" },
    { "[[1,1,5,5,2,7,3]]", "*three points*" },
    { "[[1,1,5,\"5\",2,7]]", "*polygons of numbers*" },
    { "[[1,1,5,5,2,1e300]]", "*coordinates from*1e+300*" },
    { "{\"counts\":\"0\"}", "*'size'*" },
    { "{\"size\":[0,4],\"counts\":[0]}", "*1 to *pixels, found 4×0*" },
    { "{\"size\":[1e9,1e9],\"counts\":[0]}", "*pixels*" },
    { "{\"size\":[3,4],\"counts\":[13]}", "*add up to the picture*" },
    { "{\"size\":[3,4],\"counts\":[5,6]}", "*add up to the picture*" },
    { "{\"size\":[3,4],\"counts\":[5,-1,8]}", "*add up to the picture*" },
    { "{\"size\":[3,4],\"counts\":[5.5,6.5]}", "*add up to the picture*" },
    { "{\"size\":[3,4],\"counts\":[]}", "*add up to the picture*" },
    { "{\"size\":[3,4],\"counts\":\"\"}", "*add up to the picture*" },
    { "{\"size\":[3,4],\"counts\":\"P\"}", "*add up to the picture*" },
    { "{\"size\":[3,4],\"counts\":\"oooooooooooo\"}", "*add up to the picture*" },
    { "{\"size\":[3,4],\"counts\":\" <\"}", "*add up to the picture*" },
    { "{\"size\":[3,4]}", "*add up to the picture*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (cJSON) segmentation = parse (cases[i].segmentation);
    g_autoptr (RleMask) mask = rle_mask_from_json (segmentation, 4, 3, "here", &error);
    g_assert_null (mask);
    g_assert_nonnull (error);
    if (!g_str_has_prefix (error->message, "here: segmentation")
        || !g_pattern_match_simple (cases[i].expected, error->message))
      g_error ("%s: expected a message like %s, found %s", cases[i].segmentation, cases[i].expected,
          error->message);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/masks/by-hand", test_by_hand);
  g_test_add_func ("/masks/wide-and-negative", test_wide_and_negative);
  g_test_add_func ("/masks/placement", test_placement);
  g_test_add_func ("/masks/round-trip", test_round_trip);
  g_test_add_func ("/masks/huge-frame", test_huge_frame);
  g_test_add_func ("/masks/polygons", test_polygons);
  g_test_add_func ("/masks/measures", test_measures);
  g_test_add_func ("/masks/broken", test_broken);
  return g_test_run ();
}
