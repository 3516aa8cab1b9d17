/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections → GstAnalytics metadata, read back as an application would.
 */
#include <gst/analytics/analytics.h>

#include "gstfbnetmeta.h"

#define FRAME_WIDTH  100
#define FRAME_HEIGHT 60
#define BOTH         (GST_FBNET_META_ROI | GST_FBNET_META_ANALYTICS)

/* Two columns inside, one outside; the box's rectangle leaves out the mask's first row. */
static const guint8 stripes[3 * 3] = { 255, 255, 255, 255, 255, 0, 255, 255, 0 };

static const FbnetDetection items[] = {
  { 10.25f, 20.5f, 12.5f, 22.0f, 0.9f, 1, { 10, 19, 3, 3, stripes } },
  { 0, 0, 100, 60, 0.8f, 0, { 0 } },
  { 49.5f, 29.25f, 51.75f, 31, 0.7f, 1, { 49, 28, 3, 3, stripes } },
};
static const FbnetDetections found = { items, G_N_ELEMENTS (items) };
static const FbnetDetections nothing = { NULL, 0 };

static GstFbnetResult
make_result (const FbnetDetections *detections)
{
  static GQuark labels[2];
  labels[0] = g_quark_from_static_string ("traffic light");
  labels[1] = g_quark_from_static_string ("dog");
  return (GstFbnetResult){ detections, FRAME_WIDTH, FRAME_HEIGHT, labels, 0.5f, 0 };
}

static GstBuffer *
attach (const GstFbnetResult *result, guint types)
{
  GstBuffer *buffer = gst_buffer_new ();
  gst_fbnet_meta_attach (result, buffer, types);
  return buffer;
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

/* The next metadata of that type; FALSE at the end. */
static gboolean
next (GstAnalyticsRelationMeta *relations, gpointer *state, GstAnalyticsMtdType type,
    GstAnalyticsMtd *mtd)
{
  return gst_analytics_relation_meta_iterate (relations, state, type, mtd);
}

static guint
count (GstAnalyticsRelationMeta *relations, GstAnalyticsMtdType type)
{
  gpointer state = NULL;
  GstAnalyticsMtd mtd;
  guint n = 0;
  while (next (relations, &state, type, &mtd))
    n++;
  return n;
}

static void
check_box (GstAnalyticsODMtd *box, const GstVideoRegionOfInterestMeta *roi, float score)
{
  gint x, y, w, h;
  gfloat level;
  g_assert_true (gst_analytics_od_mtd_get_location (box, &x, &y, &w, &h, &level));
  g_assert_cmpuint (gst_analytics_od_mtd_get_obj_type (box), ==, roi->roi_type);
  g_assert_cmpint (x, ==, roi->x);
  g_assert_cmpint (y, ==, roi->y);
  g_assert_cmpint (w, ==, roi->w);
  g_assert_cmpint (h, ==, roi->h);
  g_assert_cmpfloat (level, ==, score);
  g_assert_cmpuint (box->id, ==, roi->id);
}

/* Both kinds of metadata tell the same: label, rectangle, order, id; the box also tells the score. */
static void
test_boxes (void)
{
  const GstFbnetResult result = make_result (&found);
  g_autoptr (GstBuffer) buffer = attach (&result, BOTH);
  g_autoptr (GPtrArray) regions = collect_regions (buffer);
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  g_assert_cmpuint (regions->len, ==, 3);
  gpointer state = NULL;
  GstAnalyticsODMtd box;
  for (guint i = 0; i < regions->len; i++) {
    g_assert_true (next (relations, &state, gst_analytics_od_mtd_get_mtd_type (), &box));
    check_box (&box, g_ptr_array_index (regions, i), items[i].score);
    g_assert_cmpuint (box.id, ==, i);
  }
  g_assert_false (next (relations, &state, gst_analytics_od_mtd_get_mtd_type (), &box));
}

/* Each box has its track, related both ways, with the id and the times; the boxes' ids have no gaps. */
static void
test_tracks (void)
{
  GstFbnetResult result = make_result (&found);
  const FbnetTrack tracks[] = { { .id = 5, .age = 0.25 }, { .id = 3 }, { .id = 9, .age = 100 } };
  result.tracks = tracks;
  result.inferred_pts = GST_SECOND;
  g_autoptr (GstBuffer) buffer = attach (&result, BOTH);
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  const guint64 first[] = { 750 * GST_MSECOND, GST_SECOND, GST_CLOCK_TIME_NONE };
  g_assert_cmpuint (count (relations, gst_analytics_od_mtd_get_mtd_type ()), ==, 3);
  g_assert_cmpuint (count (relations, gst_analytics_tracking_mtd_get_mtd_type ()), ==, 3);
  for (guint i = 0; i < 3; i++) {
    GstAnalyticsODMtd box;
    GstAnalyticsTrackingMtd track;
    gpointer state = NULL;
    guint64 id;
    GstClockTime first_seen, last_seen;
    gboolean lost;
    g_assert_true (gst_analytics_relation_meta_get_od_mtd (relations, i, &box));
    g_assert_true (gst_analytics_relation_meta_get_direct_related (relations, i,
        GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_tracking_mtd_get_mtd_type (), &state,
        &track));
    g_assert_true (
        gst_analytics_tracking_mtd_get_info (&track, &id, &first_seen, &last_seen, &lost));
    g_assert_cmpuint (id, ==, tracks[i].id);
    g_assert_cmpuint (first_seen, ==, first[i]);
    g_assert_cmpuint (last_seen, ==, GST_SECOND);
    g_assert_false (lost);
    g_assert_cmpuint (gst_analytics_relation_meta_get_relation (relations, track.id, i), ==,
        GST_ANALYTICS_REL_TYPE_RELATE_TO);
  }
}

#if GST_CHECK_VERSION(1, 26, 0)
/* `inside`: the number of the object's region. */
static void
check_pixels (GstBuffer *pixels, guint8 inside)
{
  const GstVideoMeta *video = gst_buffer_get_video_meta (pixels);
  const guint8 expected[3 * 2] = { inside, inside, 0, inside, inside, 0 };
  GstMapInfo map;
  g_assert_cmpint (video->format, ==, GST_VIDEO_FORMAT_GRAY8);
  g_assert_cmpuint (video->width, ==, 3);
  g_assert_cmpuint (video->height, ==, 2);
  g_assert_cmpint (video->stride[0], ==, 3);
  g_assert_true (gst_buffer_map (pixels, &map, GST_MAP_READ));
  g_assert_cmpmem (map.data, map.size, expected, sizeof expected);
  gst_buffer_unmap (pixels, &map);
}

static void
check_mask (GstAnalyticsRelationMeta *relations, guint box_id, guint8 inside)
{
  GstAnalyticsODMtd box;
  GstAnalyticsSegmentationMtd mask;
  gpointer state = NULL;
  g_assert_true (gst_analytics_relation_meta_get_direct_related (relations, box_id,
      GST_ANALYTICS_REL_TYPE_CONTAIN, gst_analytics_segmentation_mtd_get_mtd_type (), &state,
      &mask));
  g_assert_cmpuint (gst_analytics_relation_meta_get_relation (relations, box_id, mask.id), ==,
      GST_ANALYTICS_REL_TYPE_RELATE_TO | GST_ANALYTICS_REL_TYPE_CONTAIN);
  g_assert_cmpuint (gst_analytics_relation_meta_get_relation (relations, mask.id, box_id), ==,
      GST_ANALYTICS_REL_TYPE_RELATE_TO | GST_ANALYTICS_REL_TYPE_IS_PART_OF);
  g_assert_cmpuint (gst_analytics_segmentation_mtd_get_region_count (&mask), ==, 2);
  g_assert_cmpuint (gst_analytics_segmentation_mtd_get_region_id (&mask, 0), ==, 0);
  g_assert_cmpuint (gst_analytics_segmentation_mtd_get_region_id (&mask, 1), ==, inside);

  gint x, y, box_x, box_y, box_w, box_h;
  guint w, h;
  g_autoptr (GstBuffer) pixels = gst_analytics_segmentation_mtd_get_mask (&mask, &x, &y, &w, &h);
  check_pixels (pixels, inside);
  gst_analytics_relation_meta_get_od_mtd (relations, box_id, &box);
  gst_analytics_od_mtd_get_location (&box, &box_x, &box_y, &box_w, &box_h, NULL);
  g_assert_cmpint (x, ==, box_x);
  g_assert_cmpint (y, ==, box_y);
  g_assert_cmpuint (w, ==, box_w);
  g_assert_cmpuint (h, ==, box_h);
}

/* A detection with a mask is related to it, and it to the detection; the mask covers the rectangle, has
 * no padding, and numbers the object's pixels. A detection without one is related to nothing. */
static void
test_masks (void)
{
  const GstFbnetResult result = make_result (&found);
  g_autoptr (GstBuffer) buffer = attach (&result, BOTH);
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  GstAnalyticsMtd any;
  gpointer state = NULL;
  check_mask (relations, 0, 1);
  check_mask (relations, 2, 3);
  g_assert_cmpuint (count (relations, gst_analytics_segmentation_mtd_get_mtd_type ()), ==, 2);
  g_assert_false (gst_analytics_relation_meta_get_direct_related (relations, 1,
      GST_ANALYTICS_REL_TYPE_ANY, GST_ANALYTICS_MTD_TYPE_ANY, &state, &any));
}

/* Numbers of objects start again after 255, and never are that of the background. */
static void
test_many_masks (void)
{
  g_autofree FbnetDetection *many = g_new (FbnetDetection, 300);
  for (guint i = 0; i < 300; i++)
    many[i] = items[0];
  const FbnetDetections detections = { many, 300 };
  const GstFbnetResult result = make_result (&detections);
  g_autoptr (GstBuffer) buffer = attach (&result, GST_FBNET_META_ANALYTICS);
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  check_mask (relations, 254, 255);
  check_mask (relations, 255, 1);
  check_mask (relations, 299, 45);
}
#endif

/* A frame's classes become one metadata with all of them, best first, and nothing else. */
static void
test_classes (void)
{
  static const GstFbnetClass classes[] = { { 1, 0.75f }, { 0, 0.25f } };
  GstFbnetResult result = make_result (&nothing);
  result.classes = classes;
  result.n_classes = G_N_ELEMENTS (classes);
  g_autoptr (GstBuffer) buffer = attach (&result, BOTH);
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  GstAnalyticsClsMtd mtd;
  gpointer state = NULL;
  g_assert_cmpuint (gst_analytics_relation_get_length (relations), ==, 1);
  g_assert_true (next (relations, &state, gst_analytics_cls_mtd_get_mtd_type (), &mtd));
  g_assert_cmpuint (gst_analytics_cls_mtd_get_length (&mtd), ==, 2);
  for (guint i = 0; i < G_N_ELEMENTS (classes); i++) {
    g_assert_cmpuint (gst_analytics_cls_mtd_get_quark (&mtd, i), ==,
        result.labels[classes[i].class_id]);
    g_assert_cmpfloat (gst_analytics_cls_mtd_get_level (&mtd, i), ==, classes[i].probability);
  }
  g_autoptr (GPtrArray) regions = collect_regions (buffer);
  g_assert_cmpuint (regions->len, ==, 1);
  g_assert_cmpint (((GstVideoRegionOfInterestMeta *) g_ptr_array_index (regions, 0))->id, ==,
      mtd.id);
}

/* Nothing found: the metadata is there, and empty. */
static void
test_nothing (void)
{
  const GstFbnetResult result = make_result (&nothing);
  g_autoptr (GstBuffer) buffer = attach (&result, BOTH);
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  g_assert_nonnull (relations);
  g_assert_cmpuint (gst_analytics_relation_get_length (relations), ==, 0);
}

/* What somebody attached before stays, in the same metadata; ids go on after it, in both kinds. */
static void
test_appended (void)
{
  const GstFbnetResult result = make_result (&found);
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();
  GstAnalyticsRelationMeta *before = gst_buffer_add_analytics_relation_meta (buffer);
  GstAnalyticsODMtd other;
  gst_analytics_relation_meta_add_od_mtd (before, g_quark_from_static_string ("zone"), 1, 2, 3, 4,
      0.5f, &other);
  gst_fbnet_meta_attach (&result, buffer, BOTH);

  g_assert_cmpuint (gst_buffer_get_n_meta (buffer, GST_ANALYTICS_RELATION_META_API_TYPE), ==, 1);
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  g_assert_cmpuint (count (relations, gst_analytics_od_mtd_get_mtd_type ()), ==, 4);
  gst_analytics_relation_meta_get_od_mtd (relations, other.id, &other);
  g_assert_cmpstr (g_quark_to_string (gst_analytics_od_mtd_get_obj_type (&other)), ==, "zone");
  g_autoptr (GPtrArray) regions = collect_regions (buffer);
  for (guint i = 0; i < regions->len; i++) {
    GstAnalyticsODMtd box;
    g_assert_true (gst_analytics_relation_meta_get_od_mtd (relations, 1 + i, &box));
    check_box (&box, g_ptr_array_index (regions, i), items[i].score);
  }
}

/* Each kind comes alone if only it is asked for. */
static void
test_one_kind (void)
{
  const GstFbnetResult result = make_result (&found);
  g_autoptr (GstBuffer) regions = attach (&result, GST_FBNET_META_ROI);
  g_autoptr (GstBuffer) analytics = attach (&result, GST_FBNET_META_ANALYTICS);
  g_assert_cmpuint (gst_buffer_get_n_meta (regions, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), ==,
      3);
  g_assert_null (gst_buffer_get_analytics_relation_meta (regions));
  g_assert_cmpuint (gst_buffer_get_n_meta (analytics, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE),
      ==, 0);
  g_assert_cmpuint (count (gst_buffer_get_analytics_relation_meta (analytics),
                        gst_analytics_od_mtd_get_mtd_type ()),
      ==, 3);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/analytics/boxes", test_boxes);
  g_test_add_func ("/element/analytics/tracks", test_tracks);
#if GST_CHECK_VERSION(1, 26, 0)
  g_test_add_func ("/element/analytics/masks", test_masks);
  g_test_add_func ("/element/analytics/many-masks", test_many_masks);
#endif
  g_test_add_func ("/element/analytics/classes", test_classes);
  g_test_add_func ("/element/analytics/nothing", test_nothing);
  g_test_add_func ("/element/analytics/appended", test_appended);
  g_test_add_func ("/element/analytics/one-kind", test_one_kind);
  return g_test_run ();
}
