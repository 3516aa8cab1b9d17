/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Masks in training: against what pycocotools, torchvision and Pillow compute (tests/data/training.json,
 * made by make-training.py), and by hand.
 */
#include <math.h>
#include <string.h>

#include "support/jsonfile.h"
#include "train/objectmask.h"

/* Calls `func` with every case of the member. */
static void
for_each_case (const char *member, void (*func) (const cJSON *item))
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_TEST_DATA"), "training.json", NULL);
  g_autoptr (cJSON) file = json_read (path, &error);

  g_assert_no_error (error);
  const cJSON *cases = cJSON_GetObjectItemCaseSensitive (file, member), *item;
  g_assert_cmpint (cJSON_GetArraySize (cases), >=, 5);
  cJSON_ArrayForEach (item, cases) func (item);
}

static guint
number_of (const cJSON *item, const char *name)
{
  const cJSON *number = cJSON_GetObjectItemCaseSensitive (item, name);

  g_assert_true (cJSON_IsNumber (number));
  return (guint) number->valueint;
}

/* A string of 0 and 1 as bytes. */
static guint8 *
bits_of (const cJSON *item, const char *name, gsize n)
{
  const char *text = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (item, name));

  g_assert_nonnull (text);
  g_assert_cmpuint (strlen (text), ==, n);
  guint8 *bits = g_new (guint8, n);
  for (gsize i = 0; i < n; i++)
    bits[i] = text[i] == '1';
  return bits;
}

static Box
box_of (const cJSON *item)
{
  g_autoptr (GError) error = NULL;
  double numbers[4];

  json_get_numbers (item, "box", numbers, 4, "case", &error);
  g_assert_no_error (error);
  return (Box){ (float) numbers[0], (float) numbers[1], (float) numbers[2], (float) numbers[3] };
}

static void
check_crop (const ObjectMask *shape, const cJSON *item)
{
  const guint side = number_of (item, "side");
  const gsize n = (gsize) side * side;
  const Box box = box_of (item);
  g_autofree guint8 *expected = bits_of (item, "target", n);
  g_autofree guint8 *found = g_new (guint8, n);

  memset (found, 7, n); /* every cell is written */
  object_mask_crop (shape, &box, side, found);
  g_assert_cmpmem (found, n, expected, n);
}

static ObjectMask *
parse_shape (const char *text, guint *n_left_out, GError **error)
{
  g_autoptr (cJSON) json = cJSON_Parse (text);

  g_assert_nonnull (json);
  return object_mask_read (json, n_left_out, "case", error);
}

static ObjectMask *
shape_of (const char *text)
{
  g_autoptr (GError) error = NULL;
  guint n_left_out = 0;
  ObjectMask *shape = parse_shape (text, &n_left_out, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (n_left_out, ==, 0);
  return shape;
}

static void
check_polygon_crop (const cJSON *item)
{
  g_autoptr (GError) error = NULL;
  guint n_left_out = 0;
  g_autoptr (ObjectMask) shape =
      object_mask_read (cJSON_GetObjectItemCaseSensitive (item, "polygons"), &n_left_out, "case",
          &error);

  g_assert_no_error (error);
  check_crop (shape, item);
}

/* Targets of polygons are pycocotools' to the cell: one and several, stars that reach out of the box,
 * boxes thinner than a tenth of a pixel. */
static void
test_polygon_crops (void)
{
  for_each_case ("polygon crops", check_polygon_crop);
}

static void
check_bit_crop (const cJSON *item)
{
  const guint width = number_of (item, "width"), height = number_of (item, "height");
  g_autofree guint8 *bits = bits_of (item, "bits", (gsize) width * height);
  const ObjectMask shape = { .bits = bits, .width = width, .height = height };

  check_crop (&shape, item);
}

/* Targets of bits are torchvision's ROIAlign's to the cell, with boxes smaller and larger than the
 * target, over the whole mask and at its last pixels. */
static void
test_bit_crops (void)
{
  for_each_case ("bit crops", check_bit_crop);
}

static void
check_nearest (const cJSON *item)
{
  const guint width = number_of (item, "width"), height = number_of (item, "height");
  const guint new_width = number_of (item, "new_width");
  const guint new_height = number_of (item, "new_height");
  const gsize n = (gsize) new_width * new_height;
  g_autofree guint8 *mask = bits_of (item, "bits", (gsize) width * height);
  g_autofree guint8 *expected = bits_of (item, "resized", n);
  g_autofree guint8 *found = g_new (guint8, n);
  Augmentation augmentation = { .width = width,
    .height = height,
    .network_width = new_width,
    .network_height = new_height };

  augment_bits (&augmentation, found, mask, width, height);
  g_assert_cmpmem (found, n, expected, n);
  augmentation.flip = TRUE;
  augment_bits (&augmentation, found, mask, width, height);
  for (guint y = 0; y < new_height; y++)
    for (guint x = 0; x < new_width; x++)
      g_assert_cmpuint (found[y * new_width + new_width - 1 - x], ==, expected[y * new_width + x]);
}

/* Masks of bits are resized as Pillow's NEAREST does, and mirrored after. */
static void
test_nearest (void)
{
  for_each_case ("nearest", check_nearest);
}

/* A column of 2 × 3 pixels, cut out with a margin that the picture has not got: nothing is set there.
 * Runs go down the columns. */
static void
test_runs (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ObjectMask) shape =
      shape_of ("{\"size\":[3,2],\"counts\":[3,2,1]}"); /* (1,0), (1,1) */
  const Augmentation augmentation = { .x = -1,
    .y = -1,
    .width = 4,
    .height = 4,
    .network_width = 4,
    .network_height = 4 };
  g_autoptr (ObjectMask) moved = object_mask_augment (shape, &augmentation, &error);

  g_assert_no_error (error);
  const guint8 expected[16] = { 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0 };
  g_assert_cmpmem (moved->bits, 16, expected, 16);
  Box bounds;
  g_assert_true (object_mask_bounds (moved, 4, 4, &bounds));
  g_assert_cmpfloat (bounds.x0, ==, 2);
  g_assert_cmpfloat (bounds.y0, ==, 1);
  g_assert_cmpfloat (bounds.x1, ==, 3);
  g_assert_cmpfloat (bounds.y1, ==, 3);
}

static void
expect_bounds (const char *polygons, gboolean any, float x0, float y0, float x1, float y1)
{
  g_autoptr (ObjectMask) shape = shape_of (polygons);
  Box bounds;

  g_assert_true (object_mask_bounds (shape, 10, 10, &bounds) == any);
  if (!any)
    return;
  g_assert_cmpfloat_with_epsilon (bounds.x0, x0, 1e-5);
  g_assert_cmpfloat_with_epsilon (bounds.y0, y0, 1e-5);
  g_assert_cmpfloat_with_epsilon (bounds.x1, x1, 1e-5);
  g_assert_cmpfloat_with_epsilon (bounds.y1, y1, 1e-5);
}

/* What is left of polygons in a picture of 10 × 10: inside, cut, around all of it, outside, beside
 * its corner, touching its edge; and of two, of which one is outside. */
static void
test_polygon_bounds (void)
{
  expect_bounds ("[[1,2, 5,2, 5,7]]", TRUE, 1, 2, 5, 7);
  expect_bounds ("[[5,5, 15,0, 15,10]]", TRUE, 5, 2.5f, 10, 7.5f);
  expect_bounds ("[[-5,-5, 25,-5, 25,25, -5,25]]", TRUE, 0, 0, 10, 10);
  expect_bounds ("[[20,20, 25,20, 25,25]]", FALSE, 0, 0, 0, 0);
  expect_bounds ("[[8,-4, 14,-4, 14,2]]", FALSE, 0, 0, 0, 0);
  expect_bounds ("[[10,2, 20,2, 20,8, 10,8]]", FALSE, 0, 0, 0, 0);
  expect_bounds ("[[20,20, 25,20, 25,25],[2,2, 4,2, 4,12]]", TRUE, 2, 2, 4, 10);
  /* Two prongs of a fork, whose handle is outside: both count, what joins them does not. */
  expect_bounds ("[[4,1, 12,1, 12,9, 6,9, 6,8, 11,8, 11,2, 4,2]]", TRUE, 4, 1, 10, 9);
}

static void
expect_error (const char *segmentation, const char *pattern)
{
  g_autoptr (GError) error = NULL;
  guint n_left_out = 0;

  g_assert_null (parse_shape (segmentation, &n_left_out, &error));
  g_assert_nonnull (error);
  g_assert_true (g_str_has_prefix (error->message, "case: "));
  if (!g_pattern_match_simple (pattern, error->message))
    g_error ("expected %s, found %s", pattern, error->message);
}

/* What is no mask is a sentence; polygons without area to speak of are counted as long as others are
 * left. */
static void
test_hostile (void)
{
  g_autoptr (GError) error = NULL;
  guint n_left_out = 0;
  g_autoptr (ObjectMask) shape =
      parse_shape ("[[1,2,3,4],[1,2,3,4,5,6,7],\"x\",[1,2,3,4,5,6]]", &n_left_out, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (n_left_out, ==, 3);
  g_assert_cmpuint (shape->n_polygons, ==, 1);

  expect_error ("[[1,2,3,4]]", "*expected a polygon of at least three points, found none");
  expect_error ("[]", "*found none");
  expect_error ("[[1,2,3,4,5,1e9]]", "*expected coordinates from*");
  expect_error ("[[1,2,3,4,5,null]]", "*expected polygons of numbers, found something else");
  expect_error ("7", "*expected polygons or runs*");
  expect_error ("{\"size\":[3,2],\"counts\":[3,2]}", "*runs that add up to the picture*");
  expect_error ("{\"size\":[3,2],\"counts\":\"~~~\"}", "*runs that add up to the picture*");
  expect_error ("{\"size\":[1e9,1e9],\"counts\":[1]}", "*expected a picture of*");
  expect_error ("{\"size\":[3,2],\"counts\":[6]}", "*expected runs with pixels, found none");
  expect_error ("{\"counts\":[6]}", "*field 'size'*");
}

/* Boxes far from the object, empty, and huge: nothing is set, nothing crashes. */
static void
test_far_boxes (void)
{
  g_autoptr (ObjectMask) shape = shape_of ("[[1,2, 5,2, 5,7]]");
  guint8 bits[4] = { 1, 1, 1, 1 };
  const ObjectMask full = { .bits = bits, .width = 2, .height = 2 };
  const Box boxes[] = { { 30000, 30000, 30000.01f, 30001 }, { 20, 20, 20, 20 },
    { -50, -50, -40, -40 } };
  guint8 target[28 * 28];

  for (guint i = 0; i < G_N_ELEMENTS (boxes); i++) {
    object_mask_crop (shape, &boxes[i], 28, target);
    for (guint j = 0; j < sizeof target; j++)
      g_assert_cmpuint (target[j], ==, 0);
    object_mask_crop (&full, &boxes[i], 28, target);
    for (guint j = 0; j < sizeof target; j++)
      g_assert_cmpuint (target[j], ==, 0);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/training/shape/polygon-crops", test_polygon_crops);
  g_test_add_func ("/training/shape/bit-crops", test_bit_crops);
  g_test_add_func ("/training/shape/nearest", test_nearest);
  g_test_add_func ("/training/shape/runs", test_runs);
  g_test_add_func ("/training/shape/polygon-bounds", test_polygon_bounds);
  g_test_add_func ("/training/shape/hostile", test_hostile);
  g_test_add_func ("/training/shape/far-boxes", test_far_boxes);
  return g_test_run ();
}
