/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GstVideoFrame → FbnetImage: planes, strides, colorimetry.
 */
#include <string.h>

#include "frames.h"
#include "gstfbnetcopy.h"
#include "gstfbnetimage.h"

typedef struct {
  GstVideoFrame frame;
  FbnetImage image;
} View;

static void
view_open (View *view, const GstVideoInfo *info, GstBuffer *buffer)
{
  g_assert_true (gst_video_frame_map (&view->frame, info, buffer, GST_MAP_READ));
  g_assert_true (gst_fbnet_image_from_frame (&view->image, info, &view->frame));
}

/* The pads' list and the conversion agree: every listed format is known, at odd sizes and padded, and
 * the view has the frame's own planes in its own strides. */
static void
test_every_format (void)
{
  for (guint i = 0; frames_formats[i]; i++) {
    GstVideoInfo info;
    frames_info (&info, frames_formats[i], 33, 17, NULL);
    g_autoptr (GstBuffer) buffer = frames_new (&info, 12);
    View view;
    view_open (&view, &info, buffer);
    g_assert_cmpuint (view.image.width, ==, 33);
    g_assert_cmpuint (view.image.height, ==, 17);
    for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (&info); p++) {
      const GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);
      const gboolean swapped = GST_VIDEO_INFO_FORMAT (&info) == GST_VIDEO_FORMAT_YV12 && p > 0;
      const guint plane = swapped ? 3 - p : p;
      g_assert_true (view.image.planes[p] == GST_VIDEO_FRAME_PLANE_DATA (&view.frame, plane));
      g_assert_cmpint (view.image.strides[p], ==, meta->stride[plane]);
    }
    gst_video_frame_unmap (&view.frame);
  }
}

/* A frame that says to be of another format than the caps is none of GStreamer's critical messages, which end tests. */
static void
test_other_format (void)
{
  GstVideoInfo rgb, gray;
  GstVideoFrame frame;

  frames_info (&rgb, "RGB", 33, 17, NULL);
  frames_info (&gray, "GRAY8", 33, 17, NULL);
  g_autoptr (GstBuffer) buffer = frames_new (&rgb, 12);
  g_assert_false (gst_fbnet_image_map (&frame, &gray, buffer, GST_MAP_READ));
  g_assert_true (gst_fbnet_image_map (&frame, &rgb, buffer, GST_MAP_READ));
  gst_video_frame_unmap (&frame);
}

typedef struct {
  const char *format;
  const char *colorimetry;
  guint height;
  FbnetColorMatrix matrix;
  FbnetColorRange range;
} ColorCase;

static const ColorCase color_cases[] = {
  { "I420", "bt601", 480, FBNET_MATRIX_BT601, FBNET_RANGE_LIMITED },
  { "I420", "bt709", 480, FBNET_MATRIX_BT709, FBNET_RANGE_LIMITED },
  { "NV12", "bt2020", 480, FBNET_MATRIX_BT2020, FBNET_RANGE_LIMITED },
  { "NV12", "smpte240m", 480, FBNET_MATRIX_SMPTE240M, FBNET_RANGE_LIMITED },
  { "YUY2", "1:4:7:1", 480, FBNET_MATRIX_BT601, FBNET_RANGE_FULL },
  { "UYVY", "1:3:5:1", 480, FBNET_MATRIX_BT709, FBNET_RANGE_FULL },
  { "NV21", "1:6:0:0", 480, FBNET_MATRIX_BT2020, FBNET_RANGE_FULL },
  { "YV12", "2:2:0:0", 480, FBNET_MATRIX_FCC, FBNET_RANGE_LIMITED },
  { "YV12", "0:0:0:0", 480, FBNET_MATRIX_BT601, FBNET_RANGE_LIMITED },
  { "GRAY8", "2:4:0:0", 480, FBNET_MATRIX_BT601, FBNET_RANGE_LIMITED },
  { "GRAY8", NULL, 480, FBNET_MATRIX_BT601, FBNET_RANGE_FULL },
  { "I420", NULL, 480, FBNET_MATRIX_BT601, FBNET_RANGE_LIMITED },
  { "I420", NULL, 1080, FBNET_MATRIX_BT709, FBNET_RANGE_LIMITED },
};

/* What caps say about colour arrives in the view, and what they leave out becomes what GStreamer
 * takes it for. */
static void
test_colorimetry (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (color_cases); i++) {
    const ColorCase *c = &color_cases[i];
    GstVideoInfo info;
    frames_info (&info, c->format, 64, c->height, c->colorimetry);
    g_autoptr (GstBuffer) buffer = frames_new (&info, 0);
    View view;
    view_open (&view, &info, buffer);
    g_test_message ("%s %s", c->format, c->colorimetry != NULL ? c->colorimetry : "(default)");
    g_assert_cmpint (view.image.matrix, ==, c->matrix);
    g_assert_cmpint (view.image.range, ==, c->range);
    gst_video_frame_unmap (&view.frame);
  }
}

/* A GstVideoMeta that describes more pixels than the caps does not widen the picture. */
static void
test_larger_meta (void)
{
  GstVideoInfo small, large;

  frames_info (&small, "RGB", 20, 10, NULL);
  frames_info (&large, "RGB", 24, 12, NULL);
  g_autoptr (GstBuffer) buffer = frames_new (&large, 4);
  View view;
  view_open (&view, &small, buffer);
  g_assert_cmpuint (view.image.width, ==, 20);
  g_assert_cmpuint (view.image.height, ==, 10);
  gst_video_frame_unmap (&view.frame);
}

/* A format that the pads do not take is refused, not misread. */
static void
test_foreign_format (void)
{
  GstVideoInfo info;

  frames_info (&info, "v210", 16, 16, NULL);
  g_autoptr (GstBuffer) buffer = frames_new (&info, 0);
  GstVideoFrame frame;
  FbnetImage image;
  g_assert_true (gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ));
  g_assert_false (gst_fbnet_image_from_frame (&image, &info, &frame));
  gst_video_frame_unmap (&frame);
}

/* --- Copies ----------------------------------------------------------------------------------- */

static GstBuffer *
noise (const GstVideoInfo *info, guint padding)
{
  GstBuffer *buffer = frames_new (info, padding);
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  GstMapInfo map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8) g_rand_int (rand);
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

typedef void (*CopyFunc) (GstVideoFrame *to, const GstVideoFrame *from);

static GstBuffer *
copy_of (GstBuffer *buffer, const GstVideoInfo *info, guint padding, CopyFunc func)
{
  GstBuffer *copy = frames_new (info, padding);
  GstVideoFrame from, to;

  g_assert_true (gst_video_frame_map (&from, info, buffer, GST_MAP_READ));
  g_assert_true (gst_video_frame_map (&to, info, copy, GST_MAP_WRITE));
  func (&to, &from);
  gst_video_frame_unmap (&to);
  gst_video_frame_unmap (&from);
  return copy;
}

/* Row by row, and nothing between the rows. */
static void
copy_plainly (GstVideoFrame *to, const GstVideoFrame *from)
{
  for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES (from); plane++) {
    const gsize to_stride = (gsize) GST_VIDEO_FRAME_PLANE_STRIDE (to, plane);
    const gsize from_stride = (gsize) GST_VIDEO_FRAME_PLANE_STRIDE (from, plane);
    guint8 *out = GST_VIDEO_FRAME_PLANE_DATA (to, plane);
    const guint8 *in = GST_VIDEO_FRAME_PLANE_DATA (from, plane);
    gsize row, n_rows;
    gst_fbnet_image_plane_size (from, plane, &row, &n_rows);
    for (gsize y = 0; y < n_rows; y++)
      memcpy (out + y * to_stride, in + y * from_stride, row);
  }
}

/* 1100 rows of a plane are written past the caches. */
static void
check_copy (const char *format, guint width, guint height, guint padding_from, guint padding_to)
{
  GstVideoInfo info;

  frames_info (&info, format, width, height, NULL);
  g_autoptr (GstBuffer) buffer = noise (&info, padding_from);
  g_autoptr (GstBuffer) expected = copy_of (buffer, &info, padding_to, copy_plainly);
  g_autoptr (GstBuffer) found = copy_of (buffer, &info, padding_to, gst_fbnet_copy_frame);
  g_autofree char *expected_sum = frames_checksum (expected);
  g_autofree char *found_sum = frames_checksum (found);
  g_test_message ("%s, %u×%u, rows longer by %u and %u", format, width, height, padding_from,
      padding_to);
  g_assert_cmpstr (found_sum, ==, expected_sum);
}

/* All pixels are copied: as GStreamer reads them. */
static void
check_odd_copy (const char *format)
{
  GstVideoInfo info;

  frames_info (&info, format, 33, 17, NULL);
  g_autoptr (GstBuffer) buffer = noise (&info, 12);
  g_autoptr (GstBuffer) copy = copy_of (buffer, &info, 0, gst_fbnet_copy_frame);
  g_autofree guint8 *expected = frames_to_rgb (buffer, &info);
  g_autofree guint8 *found = frames_to_rgb (copy, &info);
  g_assert_cmpmem (found, 33 * 17 * 3, expected, 33 * 17 * 3);
}

static void
test_copies (void)
{
  for (guint i = 0; frames_formats[i]; i++) {
    check_copy (frames_formats[i], 2, 2, 0, 0);
    check_copy (frames_formats[i], 34, 18, 12, 0);
    check_copy (frames_formats[i], 34, 18, 0, 20);
    check_odd_copy (frames_formats[i]);
  }
  check_copy ("NV12", 1398, 1100, 0, 0);
  check_copy ("NV12", 1398, 1100, 4, 20);
  check_copy ("BGR", 1398, 1100, 4, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/frame/every-format", test_every_format);
  g_test_add_func ("/element/frame/other-format", test_other_format);
  g_test_add_func ("/element/frame/colorimetry", test_colorimetry);
  g_test_add_func ("/element/frame/larger-meta", test_larger_meta);
  g_test_add_func ("/element/frame/foreign-format", test_foreign_format);
  g_test_add_func ("/element/frame/copies", test_copies);
  return g_test_run ();
}
