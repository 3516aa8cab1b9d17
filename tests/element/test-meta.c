/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections → metadata, read back as an application would.
 */
#include <string.h>

#include "frames.h"
#include "gstfbnetmeta.h"
#include "gstfbnetstructure.h"

#define FRAME_WIDTH  100
#define FRAME_HEIGHT 60

/* A mask of a checkerboard over the detection's rectangle and a pixel more on each side. */
static const guint8 board[7 * 6] = {
  255,
  0,
  255,
  0,
  255,
  0,
  255, //
  0,
  255,
  0,
  255,
  0,
  255,
  0, //
  255,
  0,
  255,
  0,
  255,
  0,
  255, //
  0,
  255,
  0,
  255,
  0,
  255,
  0, //
  255,
  0,
  255,
  0,
  255,
  0,
  255, //
  0,
  255,
  0,
  255,
  0,
  255,
  0,
};

static const FbnetDetection items[] = {
  { 10.25f, 20.5f, 15.0f, 24.0f, 0.9f, 1, { 9, 19, 7, 6, board } },
  { 0, 0, 100, 60, 0.8f, 0, { 0 } },
  { 99.5f, 59.75f, 100, 60, 0.7f, 1, { 0 } },
};
static const FbnetDetections found = { items, G_N_ELEMENTS (items) };

static GstFbnetResult
make_result (GQuark labels[2])
{
  labels[0] = g_quark_from_static_string ("traffic light");
  labels[1] = g_quark_from_static_string ("dog");
  return (GstFbnetResult){ &found, FRAME_WIDTH, FRAME_HEIGHT, labels, 0.5f, 40 * GST_MSECOND };
}

static GPtrArray *
collect_regions (GstBuffer *buffer)
{
  GPtrArray *regions = g_ptr_array_new ();
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
              GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    g_ptr_array_add (regions, meta);
  return regions;
}

static double
number_of (const GstStructure *structure, const char *field)
{
  double value = -1;

  g_assert_true (gst_structure_get_double (structure, field, &value));
  return value;
}

static void
check_rectangle (const GstVideoRegionOfInterestMeta *roi, guint x, guint y, guint w, guint h)
{
  g_assert_cmpuint (roi->x, ==, x);
  g_assert_cmpuint (roi->y, ==, y);
  g_assert_cmpuint (roi->w, ==, w);
  g_assert_cmpuint (roi->h, ==, h);
}

/* Every detection becomes a region in its order, with label, whole pixels around the box, the exact
 * box as fractions, and the inference's time. */
static void
test_regions (void)
{
  GQuark labels[2];
  const GstFbnetResult result = make_result (labels);
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();

  gst_fbnet_meta_attach (&result, buffer, GST_FBNET_META_ROI);

  g_autoptr (GPtrArray) regions = collect_regions (buffer);
  g_assert_cmpuint (regions->len, ==, 3);
  GstVideoRegionOfInterestMeta *dog = g_ptr_array_index (regions, 0);
  g_assert_cmpstr (g_quark_to_string (dog->roi_type), ==, "dog");
  check_rectangle (dog, 10, 20, 5, 4);
  check_rectangle (g_ptr_array_index (regions, 1), 0, 0, 100, 60);
  check_rectangle (g_ptr_array_index (regions, 2), 99, 59, 1, 1);

  const GstStructure *box = gst_video_region_of_interest_meta_get_param (dog, "detection");
  gint label_id = -1;
  g_assert_true (gst_structure_get_int (box, "label_id", &label_id));
  g_assert_cmpint (label_id, ==, 1);
  g_assert_cmpfloat_with_epsilon (number_of (box, "confidence"), 0.9, 1e-6);
  g_assert_cmpfloat_with_epsilon (number_of (box, "x_min"), 0.1025, 1e-6);
  g_assert_cmpfloat_with_epsilon (number_of (box, "x_max"), 0.15, 1e-6);
  g_assert_cmpfloat_with_epsilon (number_of (box, "y_min"), 20.5 / 60, 1e-6);
  g_assert_cmpfloat_with_epsilon (number_of (box, "y_max"), 0.4, 1e-6);

  const GstStructure *inference = gst_video_region_of_interest_meta_get_param (dog, "fbnetdetect");
  guint64 pts = 0;
  g_assert_true (gst_structure_get_uint64 (inference, "inference-pts", &pts));
  g_assert_cmpuint (pts, ==, 40 * GST_MSECOND);
}

/* A mask is cut to the region's rectangle, row by row without padding; without a mask there is no
 * structure. */
static void
test_mask (void)
{
  GQuark labels[2];
  const GstFbnetResult result = make_result (labels);
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();

  gst_fbnet_meta_attach (&result, buffer, GST_FBNET_META_ROI);
  g_autoptr (GPtrArray) regions = collect_regions (buffer);
  g_assert_null (
      gst_video_region_of_interest_meta_get_param (g_ptr_array_index (regions, 1), "mask"));

  const GstStructure *mask =
      gst_video_region_of_interest_meta_get_param (g_ptr_array_index (regions, 0), "mask");
  guint width = 0, height = 0;
  GstBuffer *data = NULL;
  g_assert_true (gst_structure_get (mask, "width", G_TYPE_UINT, &width, "height", G_TYPE_UINT,
      &height, "data", GST_TYPE_BUFFER, &data, NULL));
  g_assert_cmpuint (width, ==, 5);
  g_assert_cmpuint (height, ==, 4);
  g_assert_cmpfloat_with_epsilon (number_of (mask, "threshold"), 0.5, 1e-6);

  GstMapInfo map;
  g_assert_true (gst_buffer_map (data, &map, GST_MAP_READ));
  g_assert_cmpuint (map.size, ==, 5 * 4);
  for (guint y = 0; y < 4; y++)
    g_assert_cmpmem (map.data + y * 5, 5, board + (y + 1) * 7 + 1, 5);
  gst_buffer_unmap (data, &map);
  gst_buffer_unref (data);
}

/* Regions that were there before keep their ids, and the new ones get others. */
static void
test_ids (void)
{
  GQuark labels[2];
  const GstFbnetResult result = make_result (labels);
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();

  gst_buffer_add_video_region_of_interest_meta (buffer, "zone", 1, 2, 3, 4)->id = 7;
  gst_fbnet_meta_attach (&result, buffer, GST_FBNET_META_ROI);
  g_autoptr (GPtrArray) regions = collect_regions (buffer);
  g_assert_cmpuint (regions->len, ==, 4);
  for (guint i = 0; i < regions->len; i++) {
    const GstVideoRegionOfInterestMeta *roi = g_ptr_array_index (regions, i);
    g_assert_cmpint (roi->id, ==, 7 + i);
  }
}

/* The signal's structure tells the same as the metadata, in the same order, and survives being
 * written as text. */
static void
test_structure (void)
{
  GQuark labels[2];
  const GstFbnetResult result = make_result (labels);
  g_autoptr (GstStructure) structure = gst_fbnet_structure_new_detections (&result);
  g_autofree char *text = gst_structure_to_string (structure);
  g_autoptr (GstStructure) read = gst_structure_from_string (text, NULL);

  g_assert_nonnull (read);

  guint count = 0;
  g_assert_true (gst_structure_get_uint (structure, "count", &count));
  g_assert_cmpuint (count, ==, 3);
  const GValue *objects = gst_structure_get_value (structure, "objects");
  g_assert_cmpuint (gst_value_array_get_size (objects), ==, 3);
  const GstStructure *light = gst_value_get_structure (gst_value_array_get_value (objects, 1));
  g_assert_cmpstr (gst_structure_get_string (light, "label"), ==, "traffic light");
  guint width = 0;
  g_assert_true (gst_structure_get_uint (light, "width", &width));
  g_assert_cmpuint (width, ==, 100);
}

/* Nothing found: nothing attached. */
static void
test_nothing (void)
{
  const FbnetDetections nothing = { NULL, 0 };
  const GstFbnetResult result = { &nothing, FRAME_WIDTH, FRAME_HEIGHT, NULL, 0.5f, 0 };
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();

  gst_fbnet_meta_attach (&result, buffer, GST_FBNET_META_ROI);
  g_autoptr (GPtrArray) regions = collect_regions (buffer);
  g_assert_cmpuint (regions->len, ==, 0);
}

static double
nth_number (const GstStructure *structure, const char *field, guint index)
{
  const GValue *array = gst_structure_get_value (structure, field);

  return g_value_get_double (gst_value_array_get_value (array, index));
}

/* Keypoints of any number become arrays of it; only COCO's 17 have names. */
static void
test_keypoints (void)
{
  static const FbnetKeypoint points[] = { { 1.5f, 2.25f, 0.5f }, { -3, 70.75f, 0.125f } };
  const FbnetDetection item = { 0, 0, 9, 9, 0.9f, 0, { 0 }, points };
  const FbnetDetections one = { &item, 1 };
  GQuark labels[2];
  GstFbnetResult result = make_result (labels);

  result.found = &one;
  result.n_keypoints = G_N_ELEMENTS (points);
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();
  gst_fbnet_meta_attach (&result, buffer, GST_FBNET_META_ROI);
  g_autoptr (GPtrArray) regions = collect_regions (buffer);
  const GstStructure *structure =
      gst_video_region_of_interest_meta_get_param (g_ptr_array_index (regions, 0), "keypoints");
  guint count = 0;
  g_assert_true (gst_structure_get_uint (structure, "count", &count));
  g_assert_cmpuint (count, ==, 2);
  g_assert_cmpfloat (nth_number (structure, "x", 1), ==, -3);
  g_assert_cmpfloat (nth_number (structure, "y", 1), ==, 70.75);
  g_assert_cmpfloat (nth_number (structure, "score", 0), ==, 0.5);
  g_assert_cmpuint (gst_value_array_get_size (gst_structure_get_value (structure, "names")), ==, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/meta/regions", test_regions);
  g_test_add_func ("/element/meta/mask", test_mask);
  g_test_add_func ("/element/meta/ids", test_ids);
  g_test_add_func ("/element/meta/structure", test_structure);
  g_test_add_func ("/element/meta/nothing", test_nothing);
  g_test_add_func ("/element/meta/keypoints", test_keypoints);
  return g_test_run ();
}
