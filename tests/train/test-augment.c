/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How pictures become samples, augmentation by augmentation: by hand, and colours against fvcore's
 * definition in numpy (tests/data/training.json). And the random numbers that decide.
 */
#include <math.h>
#include <string.h>

#include "train/augment.h"
#include "support/jsonfile.h"

static AugmentOptions
plain_options (guint size, guint max_size)
{
  AugmentOptions options = augment_options_default ();

  options.min_sizes[0] = size;
  options.n_min_sizes = 1;
  options.max_size = max_size;
  options.flip = 0;
  return options;
}

static RandomKey
key_of (guint64 number)
{
  return random_key_part (random_key_new (11), number);
}

/* Number by number, keys give splitmix64's stream (Vigna's splitmix64.c from the state that the key
 * is), whatever the order. */
static void
test_random (void)
{
  const RandomKey zero = { 0 };

  g_assert_cmpuint (random_key_bits (zero, 2), ==, G_GUINT64_CONSTANT (0x06c45d188009454f));
  g_assert_cmpuint (random_key_bits (zero, 0), ==, G_GUINT64_CONSTANT (0xe220a8397b1dcdaf));
  g_assert_cmpuint (random_key_bits (zero, 1), ==, G_GUINT64_CONSTANT (0x6e789e6aa1b965f4));
  g_assert_cmpuint (random_key_new (1).value, !=, random_key_new (2).value);
  g_assert_cmpuint (random_key_part (zero, 0).value, !=, random_key_bits (zero, 0));

  double sum = 0;
  for (guint i = 0; i < 10000; i++) {
    const double number = random_key_between (key_of (3), i, -1, 3);
    g_assert_true (number >= -1 && number < 3);
    g_assert_cmpuint (random_key_below (key_of (4), i, 3), <, 3);
    sum += number;
  }
  /* Mean 1, deviation of the mean 4 / sqrt (12 × 10000). */
  g_assert_cmpfloat_with_epsilon (sum / 10000, 1, 5 * 0.0116);
}

/* All 24 orders of four come up about equally often, and one key has one order. */
static void
test_shuffle (void)
{
  guint counts[4 * 64] = { 0 }, n_orders = 0;

  for (guint i = 0; i < 2400; i++) {
    guint32 order[4], again[4];
    random_key_shuffle (key_of (i), order, 4);
    random_key_shuffle (key_of (i), again, 4);
    g_assert_cmpmem (order, sizeof order, again, sizeof again);
    counts[order[0] * 64 + order[1] * 16 + order[2] * 4 + order[3]]++;
  }
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    if (counts[i] == 0)
      continue;
    n_orders++;
    g_assert_cmpuint (counts[i], >, 50);
    g_assert_cmpuint (counts[i], <, 150);
  }
  g_assert_cmpuint (n_orders, ==, 24);
}

/* ResizeShortestEdge: the shorter side gets the size, unless the longer one would exceed its limit. */
static void
test_size (void)
{
  const AugmentOptions options = plain_options (100, 150);
  Augmentation augmentation = augment_choose (&options, 300, 200, key_of (0));

  g_assert_cmpuint (augmentation.network_width, ==, 150);
  g_assert_cmpuint (augmentation.network_height, ==, 100);
  augmentation = augment_choose (&options, 200, 800, key_of (0));
  g_assert_cmpuint (augmentation.network_width, ==, 38); /* 37.5 */
  g_assert_cmpuint (augmentation.network_height, ==, 150);
}

/* "choice" takes each of the sizes and nothing else, "range" anything from end to end. */
static void
test_size_choice (void)
{
  AugmentOptions options = plain_options (50, 1000);

  options.n_min_sizes = 2;
  options.min_sizes[1] = 53;
  guint counts[4] = { 0 };
  for (guint i = 0; i < 400; i++)
    counts[augment_choose (&options, 100, 100, key_of (i)).network_height - 50]++;
  g_assert_cmpuint (counts[0], >, 150);
  g_assert_cmpuint (counts[3], >, 150);
  g_assert_cmpuint (counts[0] + counts[3], ==, 400);
  memset (counts, 0, sizeof counts);
  options.size_range = TRUE;
  for (guint i = 0; i < 400; i++)
    counts[augment_choose (&options, 100, 100, key_of (i)).network_height - 50]++;
  for (guint i = 0; i < 4; i++)
    g_assert_cmpuint (counts[i], >, 60);
}

/* Flips come as often as asked for, and change nothing else. */
static void
test_flip_share (void)
{
  AugmentOptions options = plain_options (50, 1000);
  guint n = 0;

  for (guint i = 0; i < 1000; i++) {
    options.flip = 0.3;
    Augmentation augmentation = augment_choose (&options, 100, 100, key_of (i));
    n += augmentation.flip;
    augmentation.flip = FALSE;
    options.flip = 0;
    const Augmentation other = augment_choose (&options, 100, 100, key_of (i));
    g_assert_cmpmem (&augmentation, sizeof augmentation, &other, sizeof other);
  }
  g_assert_cmpuint (n, >, 240);
  g_assert_cmpuint (n, <, 360);
}

/* Zooming in shows a part of the picture, of its proportions; out, more than it. Both reach their
 * ends, no part leaves the picture, and no picture leaves its frame. */
static void
test_zoom (void)
{
  AugmentOptions options = plain_options (50, 1000);

  options.zoom_in = 0.5;
  options.zoom_out = 1;
  guint least = G_MAXUINT, most = 0;
  for (guint i = 0; i < 1000; i++) {
    const Augmentation part = augment_choose (&options, 200, 100, key_of (i));
    const gint right = part.x + (gint) part.width, bottom = part.y + (gint) part.height;
    least = MIN (least, part.height);
    most = MAX (most, part.height);
    g_assert_cmpint (abs ((gint) part.width - 2 * (gint) part.height), <=, 1);
    g_assert_true (part.width <= 200 ? part.x >= 0 && right <= 200 : part.x <= 0 && right >= 200);
    g_assert_true (
        part.height <= 100 ? part.y >= 0 && bottom <= 100 : part.y <= 0 && bottom >= 100);
  }
  g_assert_cmpuint (least, >=, 50);
  g_assert_cmpuint (least, <, 53);
  g_assert_cmpuint (most, <=, 200);
  g_assert_cmpuint (most, >, 197);
}

/* A picture of the largest side is not zoomed out beyond what can be resized, one of nearly the most
 * pixels not at all. */
static void
test_zoom_limit (void)
{
  AugmentOptions options = plain_options (50, 1000);

  options.zoom_out = 9;
  for (guint i = 0; i < 100; i++) {
    const Augmentation part = augment_choose (&options, PICTURE_MAX_SIDE, 1, key_of (i));
    g_assert_cmpuint (part.width, ==, PICTURE_MAX_SIDE);
    g_assert_cmpint (part.x, ==, 0);
    const Augmentation large = augment_choose (&options, 13000, 13000, key_of (i));
    g_assert_cmpuint ((guint64) large.width * large.height, <=, PICTURE_MAX_PIXELS);
  }
  options.zoom_out = 0;
  options.zoom_in = 0.99;
  for (guint i = 0; i < 100; i++) {
    const Augmentation part = augment_choose (&options, 1, 3, key_of (i));
    g_assert_cmpuint (part.width, ==, 1);
    g_assert_cmpuint (part.height, >=, 1);
  }
}

static void
expect_box (const Box *box, float x0, float y0, float x1, float y1)
{
  g_assert_cmpfloat (box->x0, ==, x0);
  g_assert_cmpfloat (box->y0, ==, y0);
  g_assert_cmpfloat (box->x1, ==, x1);
  g_assert_cmpfloat (box->y1, ==, y1);
}

/* A box goes along: cut out, resized, mirrored; then cut to the sample. */
static void
test_boxes (void)
{
  Augmentation augmentation = { .x = 10,
    .y = -20,
    .width = 100,
    .height = 50,
    .network_width = 200,
    .network_height = 25 };
  const Box box = { 30, 0, 120, 20 };
  Box moved = augment_box (&augmentation, &box), clipped = augment_clip (&augmentation, &moved);

  expect_box (&moved, 40, 10, 220, 20);
  expect_box (&clipped, 40, 10, 200, 20);
  augmentation.flip = TRUE;
  moved = augment_box (&augmentation, &box);
  clipped = augment_clip (&augmentation, &moved);
  expect_box (&moved, -20, 10, 160, 20);
  expect_box (&clipped, 0, 10, 160, 20);
}

/* width × height pixels that all differ: the number of each, in red and green. */
static Picture *
numbered_picture (guint width, guint height)
{
  Picture *picture = picture_new (width, height, "numbers", NULL);

  for (guint i = 0; i < width * height; i++) {
    picture->pixels[3 * i] = (guint8) i;
    picture->pixels[3 * i + 1] = (guint8) (i / 256);
    picture->pixels[3 * i + 2] = 200;
  }
  return picture;
}

static guint8 *
pixels_of (const Augmentation *augmentation, const AugmentOptions *options, const Picture *picture)
{
  g_autoptr (GError) error = NULL;
  const gsize n = (gsize) augmentation->network_width * augmentation->network_height;
  guint8 *pixels = g_new (guint8, 3 * n);
  ImageResizer *resizer = image_resizer_new (NULL);

  augment_pixels (augmentation, options, pixels, picture, resizer, &error);
  g_assert_no_error (error);
  image_resizer_free (resizer);
  return pixels;
}

static void
expect_pixel (const guint8 *pixel, guint a, guint b, guint c)
{
  g_assert_cmpuint (pixel[0], ==, a);
  g_assert_cmpuint (pixel[1], ==, b);
  g_assert_cmpuint (pixel[2], ==, c);
}

/* A part at its own size is the picture's pixels, in either channel order, and mirrored. */
static void
test_part (void)
{
  g_autoptr (Picture) picture = numbered_picture (20, 10);
  AugmentOptions options = plain_options (4, 100);
  Augmentation part = { .x = 3,
    .y = 2,
    .width = 5,
    .height = 4,
    .network_width = 5,
    .network_height = 4,
    .brightness = 1,
    .contrast = 1,
    .saturation = 1 };
  g_autofree guint8 *rgb = pixels_of (&part, &options, picture);

  options.bgr = part.flip = TRUE;
  g_autofree guint8 *bgr = pixels_of (&part, &options, picture);
  for (guint y = 0; y < 4; y++)
    for (guint x = 0; x < 5; x++) {
      const guint number = (y + 2) * 20 + x + 3;
      expect_pixel (rgb + 3 * (5 * y + x), number, 0, 200);
      expect_pixel (bgr + 3 * (5 * y + 4 - x), 200, 0, number);
    }
}

/* Around a picture that is zoomed out lies the border's colour, given in the model's order. */
static void
test_border (void)
{
  g_autoptr (Picture) picture = numbered_picture (2, 2);
  AugmentOptions options = plain_options (4, 100);

  options.bgr = TRUE;
  options.border[0] = 1;
  options.border[1] = 2;
  options.border[2] = 3;
  const Augmentation part = { .x = -1,
    .y = -2,
    .width = 4,
    .height = 5,
    .network_width = 4,
    .network_height = 5,
    .brightness = 1,
    .contrast = 1,
    .saturation = 1 };
  g_autofree guint8 *pixels = pixels_of (&part, &options, picture);
  for (guint y = 0; y < 5; y++)
    for (guint x = 0; x < 4; x++) {
      const gboolean inside = x >= 1 && x < 3 && y >= 2 && y < 4;
      const guint8 *pixel = pixels + 3 * (4 * y + x);
      if (inside)
        expect_pixel (pixel, 200, 0, (y - 2) * 2 + x - 1);
      else
        expect_pixel (pixel, 1, 2, 3);
    }
}

/* A whole picture is resized as the detector resizes it. */
static void
test_resize (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Picture) picture = numbered_picture (97, 61);
  const AugmentOptions options = plain_options (40, 100);
  const Augmentation all = augment_choose (&options, 97, 61, key_of (1));
  g_autofree guint8 *found = pixels_of (&all, &options, picture);
  const gsize n = 3 * (gsize) all.network_width * all.network_height;
  g_autofree guint8 *expected = g_new (guint8, n);
  const FbnetImage image = picture_image (picture);
  ImageResizer *resizer = image_resizer_new (NULL);

  image_resizer_prepare (resizer, 61, 97, all.network_height, all.network_width, 1, &error);
  g_assert_no_error (error);
  image_resize (resizer, expected, &image, FALSE, NULL);
  image_resizer_free (resizer);
  g_assert_cmpmem (found, n, expected, n);
}

static guint8 *
bytes_of (const cJSON *item, const char *name, guint n)
{
  guint8 *bytes = g_new (guint8, n);
  const cJSON *array = cJSON_GetObjectItemCaseSensitive (item, name), *number;

  g_assert_cmpint (cJSON_GetArraySize (array), ==, (int) n);
  guint i = 0;
  cJSON_ArrayForEach (number, array) bytes[i++] = (guint8) number->valueint;
  return bytes;
}

/* In either channel order. */
static void
check_color (const cJSON *item, const char *name, double brightness, double contrast,
    double saturation)
{
  g_autoptr (Picture) picture = picture_new (5, 4, "colours", NULL);
  g_autofree guint8 *pixels = bytes_of (item, "pixels", 60);
  g_autofree guint8 *expected = bytes_of (item, name, 60);

  memcpy (picture->pixels, pixels, 60);
  AugmentOptions options = plain_options (4, 100);
  const Augmentation changed = { .width = 5,
    .height = 4,
    .network_width = 5,
    .network_height = 4,
    .brightness = brightness,
    .contrast = contrast,
    .saturation = saturation };
  g_autofree guint8 *rgb = pixels_of (&changed, &options, picture);
  g_assert_cmpmem (rgb, 60, expected, 60);
  options.bgr = TRUE;
  g_autofree guint8 *bgr = pixels_of (&changed, &options, picture);
  for (guint i = 0; i < 60; i += 3)
    expect_pixel (bgr + i, expected[i + 2], expected[i + 1], expected[i]);
}

/* Brightness, contrast and saturation are BlendTransform's to the bit, from none at all to nearly
 * twice as much. */
static void
test_colors (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_TEST_DATA"), "training.json", NULL);
  g_autoptr (cJSON) file = json_read (path, &error);

  g_assert_no_error (error);
  const cJSON *cases = cJSON_GetObjectItemCaseSensitive (file, "colours"), *item;
  g_assert_cmpint (cJSON_GetArraySize (cases), ==, 5);
  cJSON_ArrayForEach (item, cases)
  {
    const double factor = cJSON_GetObjectItemCaseSensitive (item, "factor")->valuedouble;
    check_color (item, "brightness", factor, 1, 1);
    check_color (item, "contrast", 1, factor, 1);
    check_color (item, "saturation", 1, 1, factor);
  }
}

/* Factors spread over their range, and at strength 0 are 1. */
static void
test_color_choice (void)
{
  AugmentOptions options = plain_options (50, 1000);

  options.brightness = 0.4;
  double least = 1, most = 1;
  for (guint i = 0; i < 1000; i++) {
    const Augmentation augmentation = augment_choose (&options, 100, 100, key_of (i));
    least = fmin (least, augmentation.brightness);
    most = fmax (most, augmentation.brightness);
    g_assert_cmpfloat (augmentation.contrast, ==, 1);
    g_assert_cmpfloat (augmentation.saturation, ==, 1);
  }
  g_assert_cmpfloat (least, >=, 0.6);
  g_assert_cmpfloat (least, <, 0.61);
  g_assert_cmpfloat (most, <=, 1.4);
  g_assert_cmpfloat (most, >, 1.39);
}

/* --- Texture ---------------------------------------------------------------------------------- */

/* All of a picture at its own size, with nothing changed. */
static Augmentation
whole (guint width, guint height)
{
  return (Augmentation){ .width = width,
    .height = height,
    .network_width = width,
    .network_height = height,
    .brightness = 1,
    .contrast = 1,
    .saturation = 1 };
}

/* Top and bottom change places: pixels, points, boxes and masks alike. */
static void
test_flip_vertical (void)
{
  g_autoptr (Picture) picture = numbered_picture (5, 4);
  const AugmentOptions options = plain_options (4, 100);
  Augmentation over = whole (5, 4);
  guint8 mask[20] = { 0 }, bits[20];
  const Box box = { 1, 0, 3, 1 };

  over.flip_vertical = TRUE;
  g_autofree guint8 *pixels = pixels_of (&over, &options, picture);
  for (guint i = 0; i < 20; i++)
    expect_pixel (pixels + 3 * i, (3 - i / 5) * 5 + i % 5, 0, 200);
  mask[1] = 1;
  augment_bits (&over, bits, mask, 5, 4);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpuint (bits[i], ==, i == 16);
  const Box moved = augment_box (&over, &box);
  g_assert_cmpfloat (moved.x0, ==, 1);
  g_assert_cmpfloat (moved.y0, ==, 3);
  g_assert_cmpfloat (moved.x1, ==, 3);
  g_assert_cmpfloat (moved.y1, ==, 4);
}

/* Turned by any angle grey stays grey; turned once round a colour is what it was; a third of a circle makes
 * of red something that is not. */
static void
test_hue (void)
{
  g_autoptr (Picture) picture = picture_new (2, 1, "hue", NULL);
  const guint8 colors[] = { 120, 120, 120, 200, 80, 80 };
  const AugmentOptions options = plain_options (1, 100);
  Augmentation turned = whole (2, 1);

  memcpy (picture->pixels, colors, sizeof colors);
  for (guint i = 0; i <= 12; i++) {
    turned.hue = 2 * G_PI * i / 12;
    g_autofree guint8 *pixels = pixels_of (&turned, &options, picture);
    for (guint c = 0; c < 3; c++) {
      g_assert_cmpint (ABS (pixels[c] - 120), <=, 1);
      g_assert_true (i % 12 != 0 || ABS (pixels[3 + c] - colors[3 + c]) <= 1);
    }
    g_assert_true (
        i % 12 == 0 || ABS (pixels[3] - 200) + ABS (pixels[4] - 80) + ABS (pixels[5] - 80) > 20);
  }
  turned.hue = 0;
  turned.grey = TRUE;
  g_autofree guint8 *grey = pixels_of (&turned, &options, picture);
  g_assert_cmpuint (grey[3], ==, grey[4]);
  g_assert_cmpuint (grey[3], ==, grey[5]);
}

/* A white point on black spreads with half a pixel's variance a pass, and no light is lost; what is even
 * stays even, up to the edge. */
static void
test_blur (void)
{
  g_autoptr (Picture) point = picture_new (33, 33, "point", NULL);
  g_autoptr (Picture) even = picture_new (9, 7, "even", NULL);
  const AugmentOptions options = plain_options (7, 100);
  Augmentation soft = whole (33, 33), soft_even = whole (9, 7);
  double sum = 0, variance = 0;

  for (guint i = 0; i < 9; i++)
    memset (point->pixels + 3 * (33 * (15 + i / 3) + 15 + i % 3), 255, 3);
  soft.blur = soft_even.blur = 4;
  g_autofree guint8 *pixels = pixels_of (&soft, &options, point);
  for (guint i = 0; i < 33 * 33; i++) {
    const double x = (double) (i % 33) - 16;
    sum += pixels[3 * i];
    variance += pixels[3 * i] * x * x;
  }
  g_assert_cmpfloat_with_epsilon (sum / (9 * 255), 1, 0.05);
  g_assert_cmpfloat_with_epsilon (variance / sum, 2 + 2.0 / 3, 0.3);
  memset (even->pixels, 77, 9 * 7 * 3);
  g_autofree guint8 *same = pixels_of (&soft_even, &options, even);
  for (guint i = 0; i < 9 * 7 * 3; i++)
    g_assert_cmpuint (same[i], ==, 77);
}

/* Noise has the mean and the deviation that it should have, and is the same for the same key. */
static void
test_noise (void)
{
  g_autoptr (Picture) picture = picture_new (80, 60, "noise", NULL);
  const AugmentOptions options = plain_options (60, 100);
  Augmentation rough = whole (80, 60);
  const guint n = 80 * 60 * 3;
  double sum = 0, squares = 0;

  memset (picture->pixels, 128, n);
  rough.noise = 10;
  rough.noise_key = key_of (5);
  g_autofree guint8 *pixels = pixels_of (&rough, &options, picture);
  g_autofree guint8 *again = pixels_of (&rough, &options, picture);
  for (guint i = 0; i < n; i++) {
    sum += pixels[i] - 128.0;
    squares += (pixels[i] - 128.0) * (pixels[i] - 128.0);
  }
  g_assert_cmpfloat_with_epsilon (sum / n, 0, 0.5);
  g_assert_cmpfloat_with_epsilon (sqrt (squares / n), 10, 0.5);
  g_assert_cmpmem (pixels, n, again, n);
}

/* A rectangle within the sample, a tenth to a third of its sides, has the border's colour, and nothing
 * else. */
static void
test_cutout (void)
{
  g_autoptr (Picture) picture = picture_new (60, 40, "cutout", NULL);
  AugmentOptions options = plain_options (40, 100);
  guint n_cut = 0;

  memset (picture->pixels, 9, 60 * 40 * 3);
  options.cutout = 0.5;
  memset (options.border, 200, 3);
  for (guint i = 0; i < 100; i++) {
    const Augmentation cut = augment_choose (&options, 60, 40, key_of (i));
    g_autofree guint8 *pixels = pixels_of (&cut, &options, picture);
    guint n = 0;
    for (guint p = 0; p < 60 * 40; p++)
      n += pixels[3 * p] == 200;
    g_assert_cmpuint (n, ==, cut.cut_width * cut.cut_height);
    g_assert_true (n == 0 || (cut.cut_width >= 6 && cut.cut_width <= 20));
    g_assert_true (n == 0 || (cut.cut_height >= 4 && cut.cut_height <= 14));
    n_cut += n > 0;
  }
  g_assert_cmpuint (n_cut, >, 35);
  g_assert_cmpuint (n_cut, <, 65);
}

static void
expect_refused (AugmentOptions options, const char *pattern)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (augment_options_check (&options, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  if (!g_pattern_match_simple (pattern, error->message))
    g_error ("expected %s, found %s", pattern, error->message);
}

/* Options out of their range are sentences. */
static void
test_options (void)
{
  AugmentOptions options = augment_options_default ();

  g_assert_true (augment_options_check (&options, NULL));
  options.n_min_sizes = 0;
  expect_refused (options, "*sizes: expected 1 to 32 of them, found 0");
  options.n_min_sizes = AUGMENT_MAX_SIZES + 1;
  expect_refused (options, "*sizes: expected 1 to 32 of them, found 33");
  options = augment_options_default ();
  options.size_range = TRUE;
  expect_refused (options, "*sizes: expected 2, the ends of a range, found 6");
  options.n_min_sizes = 2;
  options.min_sizes[0] = 700;
  expect_refused (options, "*expected a range that ascends, found 700 to 672");
  options.min_sizes[0] = 0;
  expect_refused (options, "*size of the shorter side: expected 1 to 32767 pixels, found 0");
  options = augment_options_default ();
  options.max_size = 40000;
  expect_refused (options, "*longer side: expected 1 to 32767 pixels, found 40000");
  options = augment_options_default ();
  options.flip = 1.5;
  expect_refused (options, "*flip: expected a number from 0 to 1, found 1.5");
  options = augment_options_default ();
  options.zoom_in = 1;
  expect_refused (options, "*zoom in: expected a number from 0 to 0.99, found 1");
  options = augment_options_default ();
  options.blur = 17;
  expect_refused (options, "*blur: expected a number from 0 to 16, found 17");
  options = augment_options_default ();
  options.contrast = NAN;
  expect_refused (options, "*contrast: expected a number from 0 to 1, found *nan");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/training/augment/random", test_random);
  g_test_add_func ("/training/augment/shuffle", test_shuffle);
  g_test_add_func ("/training/augment/size", test_size);
  g_test_add_func ("/training/augment/size-choice", test_size_choice);
  g_test_add_func ("/training/augment/flip-share", test_flip_share);
  g_test_add_func ("/training/augment/zoom", test_zoom);
  g_test_add_func ("/training/augment/zoom-limit", test_zoom_limit);
  g_test_add_func ("/training/augment/boxes", test_boxes);
  g_test_add_func ("/training/augment/part", test_part);
  g_test_add_func ("/training/augment/border", test_border);
  g_test_add_func ("/training/augment/resize", test_resize);
  g_test_add_func ("/training/augment/colors", test_colors);
  g_test_add_func ("/training/augment/color-choice", test_color_choice);
  g_test_add_func ("/training/augment/flip-vertical", test_flip_vertical);
  g_test_add_func ("/training/augment/hue", test_hue);
  g_test_add_func ("/training/augment/blur", test_blur);
  g_test_add_func ("/training/augment/noise", test_noise);
  g_test_add_func ("/training/augment/cutout", test_cutout);
  g_test_add_func ("/training/augment/options", test_options);
  return g_test_run ();
}
