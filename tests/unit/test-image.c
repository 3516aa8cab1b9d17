/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frame to network input: sizes, resize, pixel formats, normalisation.
 */
#include "picture/image.h"

#include <math.h>
#include <string.h>

#include "picture/color.h"
#include "kernels/kernels.h"
#include "npy.h"

/* --- Frames ----------------------------------------------------------------------------------- */

/* A frame that owns its memory: every plane a block of exactly its size, so that a memory checker
 * sees a step outside. */
typedef struct {
  FbnetImage image;
  guint8 *blocks[3];
  gsize row_bytes[3], rows[3];
} Frame;

static const FbnetPixelFormat all_formats[] = {
  FBNET_PIXEL_RGB,
  FBNET_PIXEL_BGR,
  FBNET_PIXEL_RGBX,
  FBNET_PIXEL_BGRX,
  FBNET_PIXEL_XRGB,
  FBNET_PIXEL_XBGR,
  FBNET_PIXEL_GRAY8,
  FBNET_PIXEL_NV12,
  FBNET_PIXEL_NV21,
  FBNET_PIXEL_I420,
  FBNET_PIXEL_YUY2,
  FBNET_PIXEL_UYVY,
  FBNET_PIXEL_YVYU,
  FBNET_PIXEL_NV16,
  FBNET_PIXEL_Y42B,
  FBNET_PIXEL_Y444,
  FBNET_PIXEL_I420_10LE,
  FBNET_PIXEL_I422_10LE,
  FBNET_PIXEL_Y444_10LE,
  FBNET_PIXEL_P010_10LE,
  FBNET_PIXEL_GRAY16_LE,
  FBNET_PIXEL_RGB16,
  FBNET_PIXEL_BGR16,
};

/* Where R, G and B lie among a pixel's bytes. */
typedef struct {
  guint bytes, at[3];
} RgbLayout;

static const RgbLayout rgb_layouts[] = {
  [FBNET_PIXEL_RGB] = { 3, { 0, 1, 2 } },
  [FBNET_PIXEL_BGR] = { 3, { 2, 1, 0 } },
  [FBNET_PIXEL_RGBX] = { 4, { 0, 1, 2 } },
  [FBNET_PIXEL_BGRX] = { 4, { 2, 1, 0 } },
  [FBNET_PIXEL_XRGB] = { 4, { 1, 2, 3 } },
  [FBNET_PIXEL_XBGR] = { 4, { 3, 2, 1 } },
};

static gboolean
is_rgb (FbnetPixelFormat format)
{
  return format <= FBNET_PIXEL_XBGR;
}

static void
frame_add_plane (Frame *frame, guint plane, gsize row_bytes, gsize rows)
{
  frame->row_bytes[plane] = row_bytes;
  frame->rows[plane] = rows;
  frame->blocks[plane] = g_malloc0_n (row_bytes, rows);
  frame->image.planes[plane] = frame->blocks[plane];
  frame->image.strides[plane] = (gssize) row_bytes;
}

/* Luma, and one or two planes of chroma. */
static void
frame_add_planes (Frame *frame, gsize luma_bytes, gsize chroma_bytes, gsize chroma_rows,
    guint n_chroma)
{
  frame_add_plane (frame, 0, luma_bytes, frame->image.height);
  for (guint p = 1; p <= n_chroma; p++)
    frame_add_plane (frame, p, chroma_bytes, chroma_rows);
}

static Frame *
frame_new (FbnetPixelFormat format, guint width, guint height)
{
  Frame *frame = g_new0 (Frame, 1);
  const gsize half_width = (width + 1) / 2, half_height = (height + 1) / 2;

  frame->image.format = format;
  frame->image.width = width;
  frame->image.height = height;
  switch (format) {
    case FBNET_PIXEL_GRAY8:
      frame_add_plane (frame, 0, width, height);
      break;
    case FBNET_PIXEL_GRAY16_LE:
    case FBNET_PIXEL_RGB16:
    case FBNET_PIXEL_BGR16:
      frame_add_plane (frame, 0, 2 * width, height);
      break;
    case FBNET_PIXEL_NV12:
    case FBNET_PIXEL_NV21:
      frame_add_planes (frame, width, 2 * half_width, half_height, 1);
      break;
    case FBNET_PIXEL_NV16:
      frame_add_planes (frame, width, 2 * half_width, height, 1);
      break;
    case FBNET_PIXEL_P010_10LE:
      frame_add_planes (frame, 2 * width, 4 * half_width, half_height, 1);
      break;
    case FBNET_PIXEL_I420:
      frame_add_planes (frame, width, half_width, half_height, 2);
      break;
    case FBNET_PIXEL_Y42B:
      frame_add_planes (frame, width, half_width, height, 2);
      break;
    case FBNET_PIXEL_Y444:
      frame_add_planes (frame, width, width, height, 2);
      break;
    case FBNET_PIXEL_I420_10LE:
      frame_add_planes (frame, 2 * width, 2 * half_width, half_height, 2);
      break;
    case FBNET_PIXEL_I422_10LE:
      frame_add_planes (frame, 2 * width, 2 * half_width, height, 2);
      break;
    case FBNET_PIXEL_Y444_10LE:
      frame_add_planes (frame, 2 * width, 2 * width, height, 2);
      break;
    case FBNET_PIXEL_YUY2:
    case FBNET_PIXEL_UYVY:
    case FBNET_PIXEL_YVYU:
      frame_add_plane (frame, 0, 4 * half_width, height);
      break;
    default:
      frame_add_plane (frame, 0, width * rgb_layouts[format].bytes, height);
      break;
  }
  return frame;
}

static void
frame_free (Frame *frame)
{
  for (guint p = 0; p < 3; p++)
    g_free (frame->blocks[p]);
  g_free (frame);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Frame, frame_free)

/* The same frame with `padding` bytes of rubbish after each row and, with flip, the rows in memory
 * from the last to the first. */
static Frame *
frame_restride (const Frame *source, gsize padding, gboolean flip)
{
  Frame *frame = g_new0 (Frame, 1);

  frame->image = source->image;
  for (guint p = 0; p < 3 && source->blocks[p] != NULL; p++) {
    const gsize stride = source->row_bytes[p] + padding, last = source->rows[p] - 1;
    frame->blocks[p] = g_malloc_n (stride, source->rows[p]);
    memset (frame->blocks[p], 0xa5, stride * source->rows[p]);
    for (gsize y = 0; y <= last; y++)
      memcpy (frame->blocks[p] + (flip ? last - y : y) * stride,
          source->blocks[p] + y * source->row_bytes[p], source->row_bytes[p]);
    frame->image.planes[p] = frame->blocks[p] + (flip ? last * stride : 0);
    frame->image.strides[p] = flip ? -(gssize) stride : (gssize) stride;
  }
  return frame;
}

static void
frame_fill_random (Frame *frame)
{
  for (guint p = 0; p < 3; p++)
    for (gsize i = 0; i < frame->row_bytes[p] * frame->rows[p]; i++)
      frame->blocks[p][i] = (guint8) g_test_rand_int_range (0, 256);
}

/* The picture of tests/data/make-resize.py. */
static Frame *
frame_noise (guint width, guint height)
{
  Frame *frame = frame_new (FBNET_PIXEL_RGB, width, height);
  guint32 state = width * 65537u + height;

  for (gsize i = 0; i < (gsize) width * height * 3; i++) {
    state = state * 1664525u + 1013904223u;
    const guint kind = state >> 30;
    frame->blocks[0][i] = (guint8) (kind == 0 ? 0 : kind == 1 ? 255 : state >> 16);
  }
  return frame;
}

/* Runs one frame through a resizer of its own. */
static guint8 *
resize (const Frame *frame, gsize height, gsize width, gboolean bgr, guint n_threads,
    const PictureKernels *kernels)
{
  guint8 *out = g_malloc_n (height * width, 3);
  g_autoptr (GError) error = NULL;
  ImageResizer *resizer = image_resizer_new (kernels);
  Workers *workers = workers_new (n_threads, &error);

  g_assert_no_error (error);
  image_resizer_prepare (resizer, frame->image.height, frame->image.width, height, width, n_threads,
      &error);
  g_assert_no_error (error);
  image_resize (resizer, out, &frame->image, bgr, workers);
  workers_free (workers);
  image_resizer_free (resizer);
  return out;
}

/* --- Sizes ------------------------------------------------------------------------------------ */

/* The network's size is that of detectron2's ResizeShortestEdge.get_output_shape, and never 0. */
static void
test_network_size (void)
{
  static const struct {
    gsize height, width, min_size, max_size, network_height, network_width;
  } cases[] = {
    { 480, 640, 224, 320, 224, 299 },
    { 640, 480, 224, 320, 299, 224 },
    { 416, 416, 224, 320, 224, 224 },
    { 1213, 1546, 224, 320, 224, 285 },
    { 432, 768, 224, 320, 180, 320 },
    { 1080, 1920, 224, 448, 224, 398 },
    { 480, 640, 800, 1333, 800, 1067 },
    { 480, 640, 180, 256, 180, 240 },
    { 480, 640, 380, 512, 380, 507 },
    { 1, 5000, 224, 320, 1, 320 },
    { 5000, 1, 224, 320, 320, 1 },
    { 1, 1, 224, 320, 224, 224 },
    { 32767, 32767, 224, 320, 224, 224 },
    { 100, 100, 224, 100, 100, 100 },
    { 3, 2, 1, 1, 1, 1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    gsize height, width;
    image_network_size (cases[i].height, cases[i].width, cases[i].min_size, cases[i].max_size,
        &height, &width);
    g_assert_cmpuint (height, ==, cases[i].network_height);
    g_assert_cmpuint (width, ==, cases[i].network_width);
  }
}

/* --- Resize ----------------------------------------------------------------------------------- */

static void
assert_pillow (guint width, guint height, guint to_width, guint to_height)
{
  g_autofree char *name =
      g_strdup_printf ("%ux%u-to-%ux%u.npy", width, height, to_width, to_height);
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_TEST_DATA"), "resize", name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (Npy) expected = npy_load (path, &error);
  g_autoptr (Frame) frame = frame_noise (width, height);

  g_assert_no_error (error);
  for (const Kernels *const *row = kernels_list (); *row != NULL; row++) {
    g_autofree guint8 *out = resize (frame, to_height, to_width, FALSE, 1, &(*row)->picture);
    g_assert_cmpmem (out, (gsize) to_width * to_height * 3, expected->data, expected->n_bytes);
  }
}

/* Every row of the kernel table gives Pillow's bits: reduced, enlarged, one side or both unchanged,
 * one pixel, extreme aspect ratios. */
static void
test_pillow (void)
{
  static const guint cases[][4] = {
    { 1, 1, 1, 1 },
    { 1, 1, 5, 4 },
    { 2, 2, 1, 1 },
    { 1, 7, 3, 2 },
    { 7, 1, 2, 3 },
    { 5, 3, 9, 11 },
    { 17, 9, 40, 23 },
    { 31, 17, 31, 17 },
    { 33, 33, 33, 16 },
    { 33, 33, 16, 33 },
    { 64, 48, 17, 13 },
    { 97, 61, 96, 60 },
    { 129, 65, 64, 32 },
    { 300, 2, 20, 5 },
    { 2, 300, 3, 20 },
    { 640, 5, 7, 3 },
    { 2000, 3, 1, 1 },
    { 3, 2000, 2, 9 },
    { 50, 40, 131, 3 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_pillow (cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
}

/* A frame that is not resized comes out as it went in. */
static void
test_identity (void)
{
  g_autoptr (Frame) frame = frame_noise (45, 37);
  g_autofree guint8 *out = resize (frame, 37, 45, FALSE, 2, NULL);

  g_assert_cmpmem (out, 45 * 37 * 3, frame->blocks[0], 45 * 37 * 3);
}

/* The bits are the same for any number of threads, also when there are more than rows. */
static void
test_threads (void)
{
  static const gsize heights[] = { 1, 2, 5, 40, 133 };
  static const FbnetPixelFormat formats[] = { FBNET_PIXEL_RGB, FBNET_PIXEL_NV12 };

  for (gsize f = 0; f < G_N_ELEMENTS (formats); f++)
    for (gsize h = 0; h < G_N_ELEMENTS (heights); h++) {
      g_autoptr (Frame) frame = frame_new (formats[f], 99, 101);
      frame_fill_random (frame);
      g_autofree guint8 *expected = resize (frame, heights[h], 47, FALSE, 1, NULL);
      for (guint n_threads = 2; n_threads <= 7; n_threads++) {
        g_autofree guint8 *out = resize (frame, heights[h], 47, FALSE, n_threads, NULL);
        g_assert_cmpmem (out, heights[h] * 47 * 3, expected, heights[h] * 47 * 3);
      }
    }
}

/* A resizer that has seen other sizes gives what a new one gives. */
static void
test_reuse (void)
{
  static const guint sizes[][4] = {
    { 200, 150, 60, 45 },
    { 21, 33, 60, 45 },
    { 21, 33, 7, 9 },
    { 201, 151, 300, 5 },
    { 20, 15, 6, 4 },
  };
  ImageResizer *resizer = image_resizer_new (NULL);
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    const gsize width = sizes[i][2], height = sizes[i][3];
    g_autoptr (Frame) frame = frame_noise (sizes[i][0], sizes[i][1]);
    g_autofree guint8 *expected = resize (frame, height, width, FALSE, 1, NULL);
    g_autofree guint8 *out = g_malloc (width * height * 3);
    for (guint again = 0; again < 2; again++) {
      g_assert_true (
          image_resizer_prepare (resizer, sizes[i][1], sizes[i][0], height, width, 2, &error));
      g_assert_no_error (error);
      memset (out, 0, width * height * 3);
      image_resize (resizer, out, &frame->image, FALSE, NULL);
      g_assert_cmpmem (out, width * height * 3, expected, width * height * 3);
    }
  }
  image_resizer_free (resizer);
}

/* The largest frames work, larger ones are refused with a sentence, and a refusal leaves a resizer
 * that can still be prepared. */
static void
test_hostile_sizes (void)
{
  ImageResizer *resizer = image_resizer_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *row = g_malloc0 (32767);
  guint8 out[8 * 9 * 3];
  FbnetImage image = {
    .format = FBNET_PIXEL_GRAY8,
    .width = 32767,
    .height = 32767,
    .planes = { row },
    .range = FBNET_RANGE_FULL,
  }; /* every row the same memory: a stride of 0 */

  memset (row, 200, 32767);
  g_assert_false (image_resizer_prepare (resizer, 32768, 1, 8, 9, 1, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "32768"));
  g_clear_error (&error);
  g_assert_false (image_resizer_prepare (resizer, 8, 9, 8, G_MAXSIZE, 1, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_clear_error (&error);

  g_assert_true (image_resizer_prepare (resizer, 32767, 32767, 8192, 8192, 2, &error));
  g_assert_no_error (error);

  for (guint tall = 0; tall < 2; tall++) {
    image.width = tall ? 40 : 32767;
    image.height = tall ? 32767 : 40;
    g_assert_true (image_resizer_prepare (resizer, image.height, image.width, 8, 9, 2, &error));
    g_assert_no_error (error);
    image_resize (resizer, out, &image, FALSE, NULL);
    for (gsize i = 0; i < sizeof out; i++)
      g_assert_cmpuint (out[i], ==, 200);
  }
  image_resizer_free (resizer);
}

/* --- Colour ----------------------------------------------------------------------------------- */

typedef struct {
  double kr, kb;
} LumaWeights;

static const LumaWeights luma_weights[] = {
  [FBNET_MATRIX_BT601] = { 0.299, 0.114 },
  [FBNET_MATRIX_BT709] = { 0.2126, 0.0722 },
  [FBNET_MATRIX_BT2020] = { 0.2627, 0.0593 },
  [FBNET_MATRIX_SMPTE240M] = { 0.212, 0.087 },
  [FBNET_MATRIX_FCC] = { 0.30, 0.11 },
};

/* The exact conversions between 0 … 255 R'G'B' and Y'CbCr as the standards write them. */
static void
exact_rgb (double rgb[3], const double yuv[3], FbnetColorMatrix matrix, FbnetColorRange range)
{
  const gboolean limited = range == FBNET_RANGE_LIMITED;
  const double kr = luma_weights[matrix].kr, kb = luma_weights[matrix].kb, kg = 1 - kr - kb;
  const double y = limited ? (yuv[0] - 16) / 219 : yuv[0] / 255;
  const double cb = (yuv[1] - 128) / (limited ? 224 : 255);
  const double cr = (yuv[2] - 128) / (limited ? 224 : 255);
  const double r = y + 2 * (1 - kr) * cr, b = y + 2 * (1 - kb) * cb;

  rgb[0] = CLAMP (255 * r, 0, 255);
  rgb[1] = CLAMP (255 * (y - kr * r - kb * b) / kg, 0, 255);
  rgb[2] = CLAMP (255 * b, 0, 255);
}

static void
exact_yuv (double yuv[3], const double rgb[3], FbnetColorMatrix matrix, FbnetColorRange range)
{
  const gboolean limited = range == FBNET_RANGE_LIMITED;
  const double kr = luma_weights[matrix].kr, kb = luma_weights[matrix].kb;
  const double y = (kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2]) / 255;
  const double cb = (rgb[2] / 255 - y) / (2 * (1 - kb)), cr = (rgb[0] / 255 - y) / (2 * (1 - kr));

  yuv[0] = limited ? 16 + 219 * y : 255 * y;
  yuv[1] = 128 + (limited ? 224 : 255) * cb;
  yuv[2] = 128 + (limited ? 224 : 255) * cr;
}

static void
assert_matrix (FbnetColorMatrix matrix, FbnetColorRange range)
{
  const PictureKernels *kernels = &kernels_find ("c", NULL)->picture;
  const ColorMatrix fixed = color_matrix (matrix, range);
  guint8 luma[256], out[3][256];
  gint16 cb[256], cr[256];

  for (guint u = 0; u < 256; u += 3)
    for (guint v = 0; v < 256; v += 3) {
      for (guint y = 0; y < 256; y++) {
        luma[y] = (guint8) y;
        cb[y] = (gint16) (((gint) u - 128) * 256);
        cr[y] = (gint16) (((gint) v - 128) * 256);
      }
      kernels->color_row ((guint8 *[]){ out[0], out[1], out[2] }, luma, cb, cr, 256, &fixed);
      for (guint y = 0; y < 256; y++) {
        double rgb[3];
        exact_rgb (rgb, (double[]){ y, u, v }, matrix, range);
        for (guint c = 0; c < 3; c++)
          if (fabs (out[c][y] - rgb[c]) > 1.0)
            g_error ("matrix %d range %d, Y %u Cb %u Cr %u, channel %u: %u is not %f", matrix,
                range, y, u, v, c, out[c][y], rgb[c]);
      }
    }
}

/* The integer conversion is within 1 of the exact one for every matrix and range, over every Y and a
 * third of all Cb and Cr, those outside the nominal range included. */
static void
test_color_matrix (void)
{
  for (FbnetColorMatrix matrix = FBNET_MATRIX_BT601; matrix <= FBNET_MATRIX_FCC; matrix++) {
    assert_matrix (matrix, FBNET_RANGE_LIMITED);
    assert_matrix (matrix, FBNET_RANGE_FULL);
  }
}

/* A picture that is linear in x and y, with colours far from grey. */
static void
gradient_rgb (double rgb[3], double x, double y, guint width, guint height)
{
  const double across = x / width, down = y / height;

  rgb[0] = 40 + 170 * across;
  rgb[1] = 200 - 120 * down;
  rgb[2] = 50 + 100 * (1 - across) + 60 * down;
}

/* Bits of a sample, and where they lie in its word of 16. */
static guint
sample_bits (FbnetPixelFormat format)
{
  switch (format) {
    case FBNET_PIXEL_I420_10LE:
    case FBNET_PIXEL_I422_10LE:
    case FBNET_PIXEL_Y444_10LE:
    case FBNET_PIXEL_P010_10LE:
      return 10;
    case FBNET_PIXEL_GRAY16_LE:
      return 16;
    default:
      return 8;
  }
}

/* Sample `index` of a row. Exact: 8-bit limited codes times a power of two, full ones by the greatest. */
static void
put_sample (Frame *frame, guint plane, gsize y, gsize index, guint component, const double yuv[3])
{
  const guint bits = sample_bits (frame->image.format);
  guint8 *row = frame->blocks[plane] + y * frame->row_bytes[plane];
  const double power = ldexp (1, (gint) bits - 8);
  double value = yuv[component] * power;

  if (frame->image.range == FBNET_RANGE_FULL && component == 0)
    value = yuv[0] * (ldexp (1, (gint) bits) - 1) / 255;
  else if (frame->image.range == FBNET_RANGE_FULL)
    value = (yuv[component] - 128) * (ldexp (1, (gint) bits) - 1) / 255 + 128 * power;
  guint code = (guint) lround (value);
  if (bits == 8) {
    row[index] = (guint8) code;
    return;
  }
  code <<= frame->image.format == FBNET_PIXEL_P010_10LE ? 6 : 0;
  row[2 * index] = (guint8) code;
  row[2 * index + 1] = (guint8) (code >> 8);
}

static void
put_gradient (Frame *frame, guint plane, gsize row, gsize index, guint component, double x,
    double y)
{
  double rgb[3], yuv[3];

  gradient_rgb (rgb, x, y, frame->image.width, frame->image.height);
  exact_yuv (yuv, rgb, frame->image.matrix, frame->image.range);
  put_sample (frame, plane, row, index, component, yuv);
}

/* Where two columns or rows share a sample it lies between the rows; in frames of at most 576 rows also
 * between the columns. */
static void
put_chroma (Frame *frame, guint plane, gsize row, gsize index, guint component, gsize column,
    guint columns, guint rows)
{
  const double between = frame->image.height > 576 ? 0.0 : 0.5;

  put_gradient (frame, plane, row, index, component,
      columns == 2 ? 2.0 * (double) column + between : (double) column,
      rows == 2 ? 2.0 * (double) row + 0.5 : (double) row);
}

static void
draw_rgb (Frame *frame)
{
  const RgbLayout *layout = &rgb_layouts[frame->image.format];

  for (gsize y = 0; y < frame->image.height; y++)
    for (gsize x = 0; x < frame->image.width; x++) {
      double rgb[3];
      gradient_rgb (rgb, (double) x, (double) y, frame->image.width, frame->image.height);
      for (guint c = 0; c < 3; c++)
        frame->blocks[0][y * frame->row_bytes[0] + x * layout->bytes + layout->at[c]] =
            (guint8) lround (rgb[c]);
    }
}

/* Words of 5, 6, 5 bits; `first`: the colour in the high ones. */
static void
draw_565 (Frame *frame, guint first)
{
  for (gsize y = 0; y < frame->image.height; y++)
    for (gsize x = 0; x < frame->image.width; x++) {
      double rgb[3];
      gradient_rgb (rgb, (double) x, (double) y, frame->image.width, frame->image.height);
      const guint word = (guint) lround (rgb[first] * 31 / 255) << 11
          | (guint) lround (rgb[1] * 63 / 255) << 5 | (guint) lround (rgb[2 - first] * 31 / 255);
      guint8 *pixel = frame->blocks[0] + y * frame->row_bytes[0] + 2 * x;
      pixel[0] = (guint8) word;
      pixel[1] = (guint8) (word >> 8);
    }
}

static void
draw_luma (Frame *frame)
{
  for (gsize y = 0; y < frame->image.height; y++)
    for (gsize x = 0; x < frame->image.width; x++)
      put_gradient (frame, 0, y, x, 0, (double) x, (double) y);
}

/* Components `first`, 3 - first, first, … in plane 1. */
static void
draw_semi_planar (Frame *frame, guint first, guint rows)
{
  draw_luma (frame);
  for (gsize y = 0; y < frame->rows[1]; y++)
    for (gsize x = 0; x < (frame->image.width + 1) / 2 * 2; x++)
      put_chroma (frame, 1, y, x, x % 2 == 0 ? first : 3 - first, x / 2, 2, rows);
}

static void
draw_planar (Frame *frame, guint columns, guint rows)
{
  draw_luma (frame);
  for (guint p = 1; p < 3; p++)
    for (gsize y = 0; y < frame->rows[p]; y++)
      for (gsize x = 0; x < (frame->image.width + columns - 1) / columns; x++)
        put_chroma (frame, p, y, x, p, x, columns, rows);
}

/* `luma`: its place in each two bytes; `first`: the chroma component that comes first. */
static void
draw_packed (Frame *frame, guint luma, guint first)
{
  for (gsize y = 0; y < frame->rows[0]; y++)
    for (gsize i = 0; i < frame->row_bytes[0]; i++)
      if (i % 2 == luma)
        put_gradient (frame, 0, y, i, 0, (double) (i / 2), (double) y);
      else
        put_chroma (frame, 0, y, i, i % 4 < 2 ? first : 3 - first, i / 4, 2, 1);
}

/* The gradient in any colour format, as exactly as its bytes can say it. */
static void
draw_gradient (Frame *frame)
{
  switch (frame->image.format) {
    case FBNET_PIXEL_NV12:
    case FBNET_PIXEL_P010_10LE:
      draw_semi_planar (frame, 1, 2);
      break;
    case FBNET_PIXEL_NV21:
      draw_semi_planar (frame, 2, 2);
      break;
    case FBNET_PIXEL_NV16:
      draw_semi_planar (frame, 1, 1);
      break;
    case FBNET_PIXEL_I420:
    case FBNET_PIXEL_I420_10LE:
      draw_planar (frame, 2, 2);
      break;
    case FBNET_PIXEL_Y42B:
    case FBNET_PIXEL_I422_10LE:
      draw_planar (frame, 2, 1);
      break;
    case FBNET_PIXEL_Y444:
    case FBNET_PIXEL_Y444_10LE:
      draw_planar (frame, 1, 1);
      break;
    case FBNET_PIXEL_YUY2:
      draw_packed (frame, 0, 1);
      break;
    case FBNET_PIXEL_YVYU:
      draw_packed (frame, 0, 2);
      break;
    case FBNET_PIXEL_UYVY:
      draw_packed (frame, 1, 1);
      break;
    case FBNET_PIXEL_RGB16:
      draw_565 (frame, 0);
      break;
    case FBNET_PIXEL_BGR16:
      draw_565 (frame, 2);
      break;
    default:
      draw_rgb (frame);
      break;
  }
}

/* The worst and the mean difference from the gradient's R'G'B', 2 pixels off the edges, where chroma
 * has no neighbour. */
static void
measure_gradient (const Frame *frame, const guint8 *out, double *worst, double mean[3])
{
  const guint width = frame->image.width, height = frame->image.height;

  *worst = 0;
  memset (mean, 0, 3 * sizeof (double));
  for (gsize y = 2; y + 2 < height; y++)
    for (gsize x = 2; x + 2 < width; x++) {
      double rgb[3];
      gradient_rgb (rgb, (double) x, (double) y, width, height);
      for (guint c = 0; c < 3; c++) {
        const double difference = out[(y * width + x) * 3 + c] - rgb[c];
        *worst = MAX (*worst, fabs (difference));
        mean[c] += difference / ((width - 4.0) * (height - 4.0));
      }
    }
}

/* Half a step of 5 bits is 4.1, and its 8 bits are 0.8 off at most; Y'CbCr rounds three numbers, and once more on the
 * way back. */
static double
worst_difference (FbnetPixelFormat format)
{
  if (format == FBNET_PIXEL_RGB16 || format == FBNET_PIXEL_BGR16)
    return 5.0;
  return is_rgb (format) ? 0.5 : 3.0;
}

static void
assert_gradient (FbnetPixelFormat format, guint width, guint height, FbnetColorMatrix matrix,
    FbnetColorRange range)
{
  g_autoptr (Frame) frame = frame_new (format, width, height);
  double worst, mean[3];

  frame->image.matrix = matrix;
  frame->image.range = range;
  draw_gradient (frame);
  g_autofree guint8 *out = resize (frame, height, width, FALSE, 1, NULL);
  measure_gradient (frame, out, &worst, mean);
  g_assert_cmpfloat (worst, <=, worst_difference (format));
  for (guint c = 0; c < 3; c++)
    g_assert_cmpfloat (fabs (mean[c]), <, 0.6);
}

/* The same picture in every format, matrix and range, and with both positions of chroma, gives the
 * same R'G'B' within the rounding of the format, and no shift of colour against luma: half a pixel of
 * it would move the mean by 1.4. */
static void
test_formats (void)
{
  for (gsize f = 0; f < G_N_ELEMENTS (all_formats); f++) {
    if (all_formats[f] == FBNET_PIXEL_GRAY8 || all_formats[f] == FBNET_PIXEL_GRAY16_LE)
      continue;
    for (FbnetColorMatrix matrix = FBNET_MATRIX_BT601; matrix <= FBNET_MATRIX_FCC; matrix++)
      for (FbnetColorRange range = FBNET_RANGE_LIMITED; range <= FBNET_RANGE_FULL; range++) {
        assert_gradient (all_formats[f], 60, 50, matrix, range);
        assert_gradient (all_formats[f], 61, 51, matrix, range);
      }
    assert_gradient (all_formats[f], 60, 577, FBNET_MATRIX_BT709, FBNET_RANGE_LIMITED);
  }
}

/* Orders of bytes in R'G'B' formats change nothing at all, nor does BGR output but the order. */
static void
test_rgb_orders (void)
{
  g_autoptr (Frame) rgb = frame_noise (70, 41);
  g_autofree guint8 *expected = resize (rgb, 19, 33, FALSE, 1, NULL);

  for (gsize f = 0; f < G_N_ELEMENTS (all_formats) && is_rgb (all_formats[f]); f++) {
    const RgbLayout *layout = &rgb_layouts[all_formats[f]];
    g_autoptr (Frame) frame = frame_new (all_formats[f], 70, 41);
    for (gsize i = 0; i < 70 * 41 * 3; i++)
      frame->blocks[0][i / 3 * layout->bytes + layout->at[i % 3]] = rgb->blocks[0][i];
    g_autofree guint8 *out = resize (frame, 19, 33, FALSE, 1, NULL);
    g_autofree guint8 *swapped = resize (frame, 19, 33, TRUE, 1, NULL);
    g_assert_cmpmem (out, 19 * 33 * 3, expected, 19 * 33 * 3);
    for (gsize i = 0; i < 19 * 33 * 3; i++)
      g_assert_cmpuint (swapped[i], ==, expected[i / 3 * 3 + 2 - i % 3]);
  }
}

/* Grey is R = G = B; limited range is stretched from 16 … 235, full range is left as it is. */
static void
test_gray (void)
{
  g_autoptr (Frame) frame = frame_new (FBNET_PIXEL_GRAY8, 256, 1);

  for (guint i = 0; i < 256; i++)
    frame->blocks[0][i] = (guint8) i;
  frame->image.range = FBNET_RANGE_FULL;
  g_autofree guint8 *full = resize (frame, 1, 256, FALSE, 1, NULL);
  frame->image.range = FBNET_RANGE_LIMITED;
  g_autofree guint8 *limited = resize (frame, 1, 256, FALSE, 1, NULL);
  for (gsize i = 0; i < 256 * 3; i++) {
    const double value = CLAMP (((double) (i / 3) - 16) * 255 / 219, 0, 255);
    g_assert_cmpuint (full[i], ==, i / 3);
    g_assert_cmpfloat (fabs (limited[i] - value), <=, 0.6);
  }
}

/* 16 bits of grey are rounded to 8, at the ends of the range and between. */
static void
test_gray_16 (void)
{
  g_autoptr (Frame) frame = frame_new (FBNET_PIXEL_GRAY16_LE, 4096, 1);

  for (guint i = 0; i < 4096; i++) {
    const guint code = i * 65535 / 4095;
    frame->blocks[0][2 * i] = (guint8) code;
    frame->blocks[0][2 * i + 1] = (guint8) (code >> 8);
  }
  frame->image.range = FBNET_RANGE_FULL;
  g_autofree guint8 *full = resize (frame, 1, 4096, FALSE, 1, NULL);
  frame->image.range = FBNET_RANGE_LIMITED;
  g_autofree guint8 *limited = resize (frame, 1, 4096, FALSE, 1, NULL);
  for (guint i = 0; i < 4096; i++) {
    const double code = i * 65535 / 4095;
    g_assert_cmpfloat (fabs (full[3 * i] - code * 255 / 65535), <=, 0.52);
    const double value = CLAMP ((code / 256 - 16) * 255 / 219, 0, 255);
    g_assert_cmpfloat (fabs (limited[3 * i] - value), <=, 1.2);
  }
}

/* Ten bits say the same as eight where both can: limited-range codes times four give the same bits,
 * whatever the six bits are that P010 leaves over. */
static void
test_ten_bits (void)
{
  g_autoptr (Frame) eight = frame_new (FBNET_PIXEL_NV12, 63, 41);
  g_autoptr (Frame) ten = frame_new (FBNET_PIXEL_P010_10LE, 63, 41);

  frame_fill_random (eight);
  for (guint p = 0; p < 2; p++)
    for (gsize i = 0; i < eight->row_bytes[p] * eight->rows[p]; i++) {
      ten->blocks[p][2 * i] = 0x3f; /* six bits that do not count */
      ten->blocks[p][2 * i + 1] = eight->blocks[p][i];
    }
  g_autofree guint8 *expected = resize (eight, 20, 31, FALSE, 1, NULL);
  g_autofree guint8 *found = resize (ten, 20, 31, FALSE, 1, NULL);
  g_assert_cmpmem (found, 20 * 31 * 3, expected, 20 * 31 * 3);
}

/* Padded and negative strides give what tight ones give, in every format and with odd sizes. */
static void
test_strides (void)
{
  static const struct {
    gsize padding;
    gboolean flip;
  } cases[] = { { 1, FALSE }, { 64, FALSE }, { 0, TRUE }, { 37, TRUE } };

  for (gsize f = 0; f < G_N_ELEMENTS (all_formats); f++) {
    g_autoptr (Frame) tight = frame_new (all_formats[f], 75, 43);
    frame_fill_random (tight);
    g_autofree guint8 *expected = resize (tight, 21, 35, FALSE, 1, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
      g_autoptr (Frame) frame = frame_restride (tight, cases[i].padding, cases[i].flip);
      g_autofree guint8 *out = resize (frame, 21, 35, FALSE, 1, NULL);
      g_assert_cmpmem (out, 21 * 35 * 3, expected, 21 * 35 * 3);
    }
  }
}

/* In the smallest and in odd sizes, a picture of one colour comes out as that colour everywhere:
 * nothing from outside the frame is mixed in. */
static void
test_small_sizes (void)
{
  static const guint sizes[][2] = {
    { 1, 1 },
    { 2, 1 },
    { 1, 2 },
    { 2, 2 },
    { 3, 3 },
    { 5, 1 },
    { 1, 5 },
    { 31, 7 },
    { 33, 2 },
    { 65, 17 },
  };

  for (gsize f = 0; f < G_N_ELEMENTS (all_formats); f++)
    for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
      g_autoptr (Frame) frame = frame_new (all_formats[f], sizes[i][0], sizes[i][1]);
      for (guint p = 0; p < 3 && frame->blocks[p] != NULL; p++)
        memset (frame->blocks[p], 90 + 40 * (gint) p, frame->row_bytes[p] * frame->rows[p]);
      g_autofree guint8 *same = resize (frame, sizes[i][1], sizes[i][0], FALSE, 1, NULL);
      g_autofree guint8 *other = resize (frame, 9, 11, FALSE, 1, NULL);
      for (gsize k = 0; k < (gsize) sizes[i][0] * sizes[i][1] * 3; k++)
        g_assert_cmpuint (same[k], ==, same[k % 3]);
      for (gsize k = 0; k < 9 * 11 * 3; k++)
        g_assert_cmpuint (other[k], ==, same[k % 3]);
    }
}

/* Every row of the kernel table gives the same bits in every format. */
static void
test_kernel_rows (void)
{
  for (gsize f = 0; f < G_N_ELEMENTS (all_formats); f++) {
    g_autoptr (Frame) frame = frame_new (all_formats[f], 211, 67);
    frame_fill_random (frame);
    g_autofree guint8 *expected =
        resize (frame, 31, 99, FALSE, 1, &kernels_find ("c", NULL)->picture);
    for (const Kernels *const *row = kernels_list (); *row != NULL; row++) {
      g_autofree guint8 *out = resize (frame, 31, 99, FALSE, 1, &(*row)->picture);
      g_assert_cmpmem (out, 31 * 99 * 3, expected, 31 * 99 * 3);
    }
  }
}

/* --- Normalisation ---------------------------------------------------------------------------- */

/* (pixel - mean) / std in float32, zeros to the right and below, nothing beyond. */
static void
test_normalize (void)
{
  enum { HEIGHT = 3, WIDTH = 5, PADDED_HEIGHT = 4, PADDED_WIDTH = 8 };
  const float mean[3] = { 103.53f, 116.28f, 123.675f }, std[3] = { 57.375f, 57.12f, 1.0f };
  guint8 pixels[HEIGHT][WIDTH][3];
  float data[PADDED_HEIGHT * PADDED_WIDTH * 3 + 1];
  Tensor tensor = { data, 1, PADDED_HEIGHT, PADDED_WIDTH, 3 };

  for (gsize i = 0; i < sizeof pixels; i++)
    ((guint8 *) pixels)[i] = (guint8) (i * 251);
  for (gsize i = 0; i < G_N_ELEMENTS (data); i++)
    data[i] = 777.0f;
  image_normalize (&tensor, (const guint8 *) pixels, HEIGHT, WIDTH, mean, std, NULL);
  for (gsize y = 0; y < PADDED_HEIGHT; y++)
    for (gsize x = 0; x < PADDED_WIDTH; x++)
      for (gsize c = 0; c < 3; c++) {
        const gboolean inside = y < HEIGHT && x < WIDTH;
        const float expected = inside ? ((float) pixels[y][x][c] - mean[c]) / std[c] : 0.0f;
        g_assert_cmpfloat (tensor_pixel (&tensor, 0, y, x)[c], ==, expected);
      }
  g_assert_cmpfloat (data[PADDED_HEIGHT * PADDED_WIDTH * 3], ==, 777.0f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/image/network-size", test_network_size);
  g_test_add_func ("/image/pillow", test_pillow);
  g_test_add_func ("/image/identity", test_identity);
  g_test_add_func ("/image/threads", test_threads);
  g_test_add_func ("/image/reuse", test_reuse);
  g_test_add_func ("/image/hostile-sizes", test_hostile_sizes);
  g_test_add_func ("/image/color-matrix", test_color_matrix);
  g_test_add_func ("/image/formats", test_formats);
  g_test_add_func ("/image/rgb-orders", test_rgb_orders);
  g_test_add_func ("/image/gray", test_gray);
  g_test_add_func ("/image/gray-16", test_gray_16);
  g_test_add_func ("/image/ten-bits", test_ten_bits);
  g_test_add_func ("/image/strides", test_strides);
  g_test_add_func ("/image/small-sizes", test_small_sizes);
  g_test_add_func ("/image/kernel-rows", test_kernel_rows);
  g_test_add_func ("/image/normalize", test_normalize);
  return g_test_run ();
}
