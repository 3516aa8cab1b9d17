/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Second looks, and frames that show nothing new.
 */
#include <math.h>
#include <string.h>

#include "frames.h"
#include "drawing.h"
#include "models.h"
#include "stream.h"
#include "symbols.h"

#define WIDTH  960
#define HEIGHT 672
#define SMALL  30 /* 10 pixels of the network: the model does not see it */
#define FRAME  (40 * GST_MSECOND)

static const Symbol small = { SYMBOL_RING, 700, 200, SMALL };

static Stream *
open_paper (const char *settings)
{
  Stream *stream = stream_open (symbols_model (), settings);

  stream_set_format (stream, "NV12", WIDTH, HEIGHT, NULL);
  return stream;
}

static GstBuffer *
push_symbol (Stream *stream, const Symbol *symbol)
{
  return stream_push (stream, symbols_frame (&stream->info, symbol, 1));
}

static const GstStructure *
truth_of (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "fbnetdetect");

  g_assert_nonnull (meta);
  return gst_custom_meta_get_structure (meta);
}

static void
check_reason (GstBuffer *buffer, const char *reason)
{
  g_assert_cmpstr (gst_structure_get_string (truth_of (buffer), "reason"), ==, reason);
}

/* --- Second looks ------------------------------------------------------------------------------ */

/* One detection where the symbol is, found by a second look, or by the first. */
static void
check_found (GstBuffer *buffer, const GstVideoInfo *info, const Symbol *symbol, gboolean second)
{
  g_autoptr (GArray) seen = seen_on (buffer, info);
  guint look = 0;

  g_assert_cmpuint (seen->len, ==, 1);
  const Seen *s = SEEN (seen, 0);
  g_assert_cmpstr (s->label, ==, "ring");
  g_assert_cmpfloat_with_epsilon ((s->x0 + s->x1) / 2, symbol->x, 4);
  g_assert_cmpfloat_with_epsilon ((s->y0 + s->y1) / 2, symbol->y, 4);
  const GstStructure *inference =
      gst_video_region_of_interest_meta_get_param (s->roi, "fbnetdetect");
  g_assert_true (gst_structure_get_uint (inference, "look", &look));
  g_assert_cmpint (look > 0, ==, second);
}

static void
check_nothing (GstBuffer *buffer, const GstVideoInfo *info)
{
  g_autoptr (GArray) seen = seen_on (buffer, info);

  g_assert_cmpuint (seen->len, ==, 0);
}

/* What one look does not see nine do, all over the frame, and it is where it lies in the frame. What is large the
 * first look finds. */
static void
test_small (void)
{
  g_autoptr (Stream) stream = open_paper ("zoom-policy=sweep zoom-factor=3");
  g_autoptr (GstBuffer) once = push_symbol (stream, &small);
  const Symbol large = { SYMBOL_RING, 500, 300, 200 };

  check_nothing (once, &stream->info);
  g_object_set (stream->element, "zoom-regions", 9, NULL);
  g_autoptr (GstBuffer) again = push_symbol (stream, &small);
  check_found (again, &stream->info, &small, TRUE);
  g_autoptr (GstBuffer) plain = push_symbol (stream, &large);
  check_found (plain, &stream->info, &large, FALSE);
}

/* By all policies, in the streaming thread and beside it, with a look where it moved, the same is found. */
static void
test_motion (void)
{
  g_autoptr (Stream) stream = open_paper ("zoom-policy=motion zoom-factor=3 zoom-regions=2");
  g_autoptr (GstBuffer) empty = stream_push (stream, symbols_frame (&stream->info, NULL, 0));

  check_nothing (empty, &stream->info);
  g_autoptr (GstBuffer) came = push_symbol (stream, &small);
  check_found (came, &stream->info, &small, TRUE);
  g_autoptr (GstBuffer) stayed = push_symbol (stream, &small);
  check_nothing (stayed, &stream->info);
}

/* A small object that is followed is looked at again wherever the first look does not see it. */
static void
test_followed (void)
{
  g_autoptr (Stream) stream =
      open_paper ("tracking=true track-min-hits=1 zoom-policy=auto zoom-factor=3 zoom-regions=1");
  g_autoptr (GstBuffer) empty = stream_push (stream, symbols_frame (&stream->info, NULL, 0));

  check_nothing (empty, &stream->info);
  for (guint i = 0; i < 5; i++) {
    g_autoptr (GstBuffer) out = push_symbol (stream, &small);
    check_found (out, &stream->info, &small, TRUE);
  }
}

/* Of a part of the frame, and of what a crop leaves, the places are right. */
static void
test_parts (void)
{
  g_autoptr (Stream) stream = open_paper ("zoom-policy=sweep zoom-factor=2 zoom-regions=4");
  GValue roi = G_VALUE_INIT;

  gst_value_array_init (&roi, 4);
  for (guint i = 0; i < 4; i++) {
    static const gint numbers[] = { 301, 33, 640, 448 };
    GValue number = G_VALUE_INIT;
    g_value_init (&number, G_TYPE_INT);
    g_value_set_int (&number, numbers[i]);
    gst_value_array_append_and_take_value (&roi, &number);
  }
  g_object_set_property (G_OBJECT (stream->element), "roi", &roi);
  g_value_unset (&roi);
  g_autoptr (GstBuffer) part = push_symbol (stream, &small);
  check_found (part, &stream->info, &small, TRUE);

  GstBuffer *frame = symbols_frame (&stream->info, &small, 1);
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (frame);
  crop->x = 100;
  crop->y = 50;
  crop->width = WIDTH - 100;
  crop->height = HEIGHT - 50;
  g_autoptr (GstBuffer) cropped = stream_push (stream, frame);
  gpointer state = NULL;
  const GstVideoRegionOfInterestMeta *region =
      (const GstVideoRegionOfInterestMeta *) gst_buffer_iterate_meta_filtered (cropped, &state,
          GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
  g_assert_nonnull (region);
  g_assert_cmpfloat_with_epsilon (region->x + region->w / 2.0, small.x - 100, 4);
  g_assert_cmpfloat_with_epsilon (region->y + region->h / 2.0, small.y - 50, 4);
}

/* Until what was pushed has been looked at. */
static void
wait_for_look (Stream *stream, guint64 n)
{
  while (stream_stat (stream, "inferences") < n)
    g_usleep (1000);
  g_usleep (20000); /* until it is published */
}

static Stream *
open_latest (const char *settings)
{
  Stream *stream = stream_open (symbols_model (), settings);

  gst_element_set_state (stream->element, GST_STATE_NULL);
  g_object_set (stream->element, "scheduling", 2, "repeat-timeout", 10 * GST_SECOND, NULL);
  gst_harness_play (stream->harness);
  stream_set_format (stream, "NV12", WIDTH, HEIGHT, NULL);
  return stream;
}

/* Beside the stream, when the frame is long gone, second looks see it all the same. */
static void
test_latest (void)
{
  g_autoptr (Stream) stream = open_latest ("zoom-policy=sweep zoom-factor=3 zoom-regions=9");

  gst_buffer_unref (push_symbol (stream, &small));
  wait_for_look (stream, 1);
  g_autoptr (GstBuffer) out = stream_push (stream, symbols_frame (&stream->info, NULL, 0));
  check_found (out, &stream->info, &small, TRUE);
}

/* Regions that came with the buffer are enlarged anyway: said once, as a warning. */
static void
test_regions (void)
{
  g_autoptr (Stream) stream = open_paper ("zoom-regions=2 inference-region=roi-list");

  stream_check_one_warning (stream, "zoom-regions: ");
  gst_buffer_unref (push_symbol (stream, &small));
}

/* --- Masks and keypoints ----------------------------------------------------------------------- */

#define PEOPLE "000000252219.jpg" /* three people stand in a street */

static Picture *
read_people (void)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "coco-val50", "images", PEOPLE, NULL);
  g_autoptr (GError) error = NULL;
  Picture *picture = picture_read (path, &error);

  g_assert_no_error (error);
  return picture;
}

/* Pixels of the mask in the region's rectangle. */
static guint
count_mask (const FbnetMask *mask, const GstVideoRegionOfInterestMeta *roi)
{
  guint n = 0;

  for (gint y = MAX (mask->y, (gint) roi->y);
       y < MIN (mask->y + mask->height, (gint) (roi->y + roi->h)); y++)
    for (gint x = MAX (mask->x, (gint) roi->x);
         x < MIN (mask->x + mask->width, (gint) (roi->x + roi->w)); x++)
      n += mask->data[(y - mask->y) * mask->width + x - mask->x] != 0;
  return n;
}

static guint
count_told (const GstVideoRegionOfInterestMeta *roi)
{
  const GstStructure *mask =
      gst_video_region_of_interest_meta_get_param ((GstVideoRegionOfInterestMeta *) roi, "mask");
  g_autoptr (GstBuffer) data = NULL;
  GstMapInfo map;
  guint n = 0;

  g_assert_true (gst_structure_get (mask, "data", GST_TYPE_BUFFER, &data, NULL));
  g_assert_true (gst_buffer_map (data, &map, GST_MAP_READ));
  for (gsize i = 0; i < map.size; i++)
    n += map.data[i] != 0;
  gst_buffer_unmap (data, &map);
  return n;
}

static void
check_same_keypoints (const FbnetDetection *expected, const Seen *seen, guint n)
{
  const GstStructure *told = gst_video_region_of_interest_meta_get_param (seen->roi, "keypoints");

  for (guint k = 0; k < n; k++) {
    const GValue *x = gst_value_array_get_value (gst_structure_get_value (told, "x"), k);
    const GValue *y = gst_value_array_get_value (gst_structure_get_value (told, "y"), k);
    g_assert_cmpfloat (g_value_get_double (x), ==, expected->keypoints[k].x);
    g_assert_cmpfloat (g_value_get_double (y), ==, expected->keypoints[k].y);
  }
}

/* What the library finds with the element's settings, in the element's frame and order. */
static const FbnetDetections *
find_directly (FbnetModel *model, FbnetDetector *detector, FbnetZoom *zoom, const Picture *picture)
{
  const FbnetZoomOptions options = { 4, FBNET_ZOOM_SWEEP, 2.5f };
  const FbnetImage image = picture_image (picture);
  g_autoptr (GError) error = NULL;
  FbnetParams params;

  fbnet_model_get_params (model, &params);
  params.score_threshold = 0.3f;
  params.mask_threshold = 0.5f;
  g_assert_true (fbnet_detector_set_params (detector, &params, NULL));
  const FbnetDetections *found = fbnet_zoom_run (zoom, detector, &image, &options, &error);
  g_assert_no_error (error);
  return found;
}

/* Real weights on real people: boxes, masks, keypoints of all looks are those of the library, in the second frame as
 * in the first. */
static void
check_same_as_library (const char *weights)
{
  const char *file = models_weights (weights);
  guint n_second = 0;

  if (file == NULL)
    return;
  g_autoptr (FbnetModel) model = fbnet_model_load (file, NULL);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, NULL, NULL);
  g_autoptr (FbnetZoom) zoom = fbnet_zoom_new (model, NULL, NULL);
  Picture *picture = read_people ();
  g_autoptr (Stream) stream =
      stream_open (file, "zoom-regions=4 zoom-policy=sweep zoom-factor=2.5 score-threshold=0.3");
  stream_set_format (stream, "RGB", picture->width, picture->height, NULL);
  for (guint frame = 0; frame < 2; frame++) {
    const FbnetDetections *expected = find_directly (model, detector, zoom, picture);
    g_autoptr (GstBuffer) out = stream_push_rgb (stream, picture->pixels, 0);
    g_autoptr (GArray) seen = seen_on (out, &stream->info);
    g_assert_cmpuint (seen->len, ==, expected->n);
    for (guint i = 0; i < seen->len; i++) {
      const FbnetDetection *d = &expected->items[i];
      g_assert_cmpfloat_with_epsilon (SEEN (seen, i)->x0, d->x0, 0.01);
      g_assert_cmpfloat_with_epsilon (SEEN (seen, i)->y1, d->y1, 0.01);
      if (d->mask.data != NULL)
        g_assert_cmpuint (count_told (SEEN (seen, i)->roi), ==,
            count_mask (&d->mask, SEEN (seen, i)->roi));
      if (d->keypoints != NULL)
        check_same_keypoints (d, SEEN (seen, i), fbnet_model_get_n_keypoints (model));
      n_second += fbnet_zoom_get_look (zoom, i) > 0;
    }
  }
  g_assert_cmpuint (n_second, >, 0);
  picture_free (picture);
}

static void
test_masks (void)
{
  check_same_as_library ("d2go-mask-int8.pt");
}

static void
test_keypoints (void)
{
  check_same_as_library ("d2go-keypoint-int8.ptl");
}

/* --- Nothing new ------------------------------------------------------------------------------- */

static const Symbol large = { SYMBOL_RING, 500, 300, 200 };

/* Identical frames are looked at once, and then once in a second while there is something to be seen; all of them
 * carry the same. */
static void
test_identical (void)
{
  g_autoptr (Stream) stream = open_paper ("still-threshold=1 tracking=true");
  Seen first = { 0 };

  for (guint i = 0; i < 60; i++) {
    g_autoptr (GstBuffer) out = push_symbol (stream, &large);
    g_autoptr (GArray) seen = seen_on (out, &stream->info);
    gboolean flag = FALSE;
    check_reason (out, i % 25 == 0 ? "looked" : "still");
    g_assert_true (gst_structure_get_boolean (truth_of (out), "repeated", &flag));
    g_assert_cmpint (flag, ==, i % 25 != 0);
    g_assert_true (gst_structure_get_boolean (truth_of (out), "predicted", &flag));
    g_assert_false (flag);
    g_assert_cmpuint (seen->len, ==, 1);
    if (i == 0)
      first = *SEEN (seen, 0);
    g_assert_cmpmem (&SEEN (seen, 0)->score, 5 * sizeof (double), &first.score,
        5 * sizeof (double));
  }
  g_assert_cmpuint (stream_stat (stream, "inferences"), ==, 3);
}

/* An empty scene is not looked at again until something comes; without a threshold every frame is. */
static void
test_empty (void)
{
  g_autoptr (Stream) stream = open_paper ("still-threshold=8");

  for (guint i = 0; i < 60; i++) {
    g_autoptr (GstBuffer) out = stream_push (stream, symbols_frame (&stream->info, NULL, 0));
    check_reason (out, i == 0 ? "looked" : "still");
  }
  g_autoptr (GstBuffer) came = push_symbol (stream, &large);
  check_reason (came, "looked");
  check_found (came, &stream->info, &large, FALSE);
  g_object_set (stream->element, "still-threshold", 0, NULL);
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GstBuffer) out = push_symbol (stream, &large);
    check_reason (out, "looked");
  }
}

/* What is asked for anew is looked for in the same picture; and what was found before a flush says nothing after it. */
static void
test_asked_anew (void)
{
  g_autoptr (Stream) stream = open_paper ("still-threshold=8");
  g_autoptr (GstBuffer) first = push_symbol (stream, &large);
  g_autoptr (GstBuffer) second = push_symbol (stream, &large);
  GstSegment segment;

  check_reason (second, "still");
  g_object_set (stream->element, "exclude-classes", "ring", NULL);
  g_autoptr (GstBuffer) third = push_symbol (stream, &large);
  check_reason (third, "looked");
  check_nothing (third, &stream->info);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_harness_push_event (stream->harness, gst_event_new_segment (&segment)));
  g_autoptr (GstBuffer) fourth = push_symbol (stream, &large);
  check_reason (fourth, "looked");
}

/* Who asks for nothing on frames that were not looked at gets nothing on those that show nothing new. */
static void
test_none (void)
{
  g_autoptr (Stream) stream = open_paper ("still-threshold=8 on-skip=none");
  g_autoptr (GstBuffer) first = push_symbol (stream, &large);
  g_autoptr (GstBuffer) second = push_symbol (stream, &large);

  check_found (first, &stream->info, &large, FALSE);
  check_reason (second, "still");
  check_nothing (second, &stream->info);
}

/* Beside the stream as well; the result is carried for as long as nothing is new, whatever repeat-timeout says. */
static void
test_still_latest (void)
{
  g_autoptr (Stream) stream = open_latest ("still-threshold=8");

  g_object_set (stream->element, "repeat-timeout", FRAME, NULL);
  gst_buffer_unref (push_symbol (stream, &large));
  wait_for_look (stream, 1);
  for (guint i = 0; i < 20; i++) {
    g_autoptr (GstBuffer) out = push_symbol (stream, &large);
    check_reason (out, "still");
    check_found (out, &stream->info, &large, FALSE);
  }
  g_assert_cmpuint (stream_stat (stream, "inferences"), ==, 1);
}

static gboolean
is_carried (const Seen *seen)
{
  const GstStructure *inference =
      gst_video_region_of_interest_meta_get_param (seen->roi, "fbnetdetect");
  gboolean carried = FALSE;

  g_assert_true (gst_structure_get_boolean (inference, "carried", &carried));
  return carried;
}

/* Only what moved is looked at again: what stands still is carried over, except once a second, to the bit; what moves
 * is seen where it is. */
static void
check_parts (const char *more)
{
  g_autofree char *settings =
      g_strdup_printf ("still-threshold=8 zoom-policy=motion tracking=true %s", more);
  g_autoptr (Stream) stream = open_paper (settings);
  guint n_carried = 0;

  for (guint i = 0; i < 40; i++) {
    const Symbol symbols[] = { { SYMBOL_RING, 200, 330, 220 },
      { SYMBOL_CROSS, 660 + 4 * i, 300, 200 } };
    g_autoptr (GstBuffer) out = stream_push (stream, symbols_frame (&stream->info, symbols, 2));
    g_autoptr (GArray) seen = seen_on (out, &stream->info);
    check_reason (out, "looked");
    g_assert_cmpuint (seen->len, ==, 2);
    const Seen *ring =
        g_str_equal (SEEN (seen, 0)->label, "ring") ? SEEN (seen, 0) : SEEN (seen, 1);
    const Seen *cross = ring == SEEN (seen, 0) ? SEEN (seen, 1) : SEEN (seen, 0);
    g_assert_cmpfloat_with_epsilon ((cross->x0 + cross->x1) / 2, symbols[1].x, 12);
    g_assert_cmpfloat_with_epsilon ((ring->x0 + ring->x1) / 2, symbols[0].x, 12);
    g_assert_false (is_carried (cross));
    n_carried += is_carried (ring);
  }
  g_assert_cmpuint (n_carried, ==, 38);
}

/* What moved and its surroundings are half of the frame: all of it is looked at, and nothing carried over. */
static void
test_parts_too_large (void)
{
  g_autoptr (Stream) stream = open_paper ("still-threshold=8 zoom-policy=motion");

  for (guint i = 0; i < 10; i++) {
    const Symbol symbols[] = { { SYMBOL_RING, 200, 330, 220 },
      { SYMBOL_CROSS, 640 + 4 * i, 336, 370 } };
    g_autoptr (GstBuffer) out = stream_push (stream, symbols_frame (&stream->info, symbols, 2));
    g_autoptr (GArray) seen = seen_on (out, &stream->info);
    check_reason (out, "looked");
    g_assert_cmpuint (seen->len, ==, 2);
    for (guint s = 0; s < seen->len; s++)
      g_assert_false (is_carried (SEEN (seen, s)));
  }
}

static void
test_parts_that_moved (void)
{
  check_parts ("");
}

/* And what moved is looked at twice. */
static void
test_parts_twice (void)
{
  check_parts ("zoom-regions=1 zoom-factor=2");
}

static guint64
inference_time (GstBuffer *buffer)
{
  guint64 time = GST_CLOCK_TIME_NONE;

  g_assert_true (gst_structure_get_uint64 (truth_of (buffer), "inference-pts", &time));
  return time;
}

static GstBuffer *
push_two (Stream *stream, double x)
{
  const Symbol symbols[] = { { SYMBOL_RING, 200, 330, 220 }, { SYMBOL_CROSS, x, 300, 200 } };

  return stream_push (stream, symbols_frame (&stream->info, symbols, 2));
}

/* Beside the stream, faster than can be looked at: whatever gave way to whatever, once the last frame was looked at
 * both are where they are. */
static void
test_parts_latest (void)
{
  g_autoptr (Stream) stream = open_latest ("still-threshold=8 zoom-policy=motion");
  const GstClockTime last = 59 * FRAME;
  GstBuffer *out = NULL;

  for (guint i = 0; i < 60; i++) {
    gst_clear_buffer (&out);
    out = push_two (stream, 560 + 4 * i);
    g_usleep (i % 7 * 2000);
  }
  while (inference_time (out) == GST_CLOCK_TIME_NONE || inference_time (out) < last) {
    gst_clear_buffer (&out);
    g_usleep (5000);
    out = push_two (stream, 560 + 4 * 59);
  }
  g_autoptr (GArray) seen = seen_on (out, &stream->info);
  g_assert_cmpuint (seen->len, ==, 2);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpfloat_with_epsilon ((SEEN (seen, i)->x0 + SEEN (seen, i)->x1) / 2,
        g_str_equal (SEEN (seen, i)->label, "ring") ? 200 : 560 + 4 * 59, 12);
  gst_buffer_unref (out);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/looks/small", test_small);
  g_test_add_func ("/element/looks/motion", test_motion);
  g_test_add_func ("/element/looks/followed", test_followed);
  g_test_add_func ("/element/looks/parts", test_parts);
  g_test_add_func ("/element/looks/latest", test_latest);
  g_test_add_func ("/element/looks/regions", test_regions);
  g_test_add_func ("/element/looks/masks", test_masks);
  g_test_add_func ("/element/looks/keypoints", test_keypoints);
  g_test_add_func ("/element/looks/identical", test_identical);
  g_test_add_func ("/element/looks/empty", test_empty);
  g_test_add_func ("/element/looks/asked-anew", test_asked_anew);
  g_test_add_func ("/element/looks/none", test_none);
  g_test_add_func ("/element/looks/still-latest", test_still_latest);
  g_test_add_func ("/element/looks/parts-that-moved", test_parts_that_moved);
  g_test_add_func ("/element/looks/parts-too-large", test_parts_too_large);
  g_test_add_func ("/element/looks/parts-twice", test_parts_twice);
  g_test_add_func ("/element/looks/parts-latest", test_parts_latest);
  const int result = g_test_run ();
  models_clean_up ();
  return result;
}
