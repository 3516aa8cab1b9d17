/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Objects followed through the element: whose box is whose is known, because the frames are drawn here.
 */
#include <math.h>
#include <string.h>

#include "gstfbnetprediction.h"
#include "gstfbnettracks.h"
#include "stream.h"
#include "symbols.h"

#define WIDTH  320
#define HEIGHT 224
#define SIZE   64
#define FRAME  (40 * GST_MSECOND)
#define SLACK  4 /* pixels: the model's boxes are no better */

/* --- What a frame says ------------------------------------------------------------------------- */

static const GstStructure *
param_of (const Seen *seen, const char *name)
{
  return gst_video_region_of_interest_meta_get_param (seen->roi, name);
}

static gint
id_of (const Seen *seen)
{
  gint id = 0;

  g_assert_nonnull (param_of (seen, "object_id"));
  g_assert_true (gst_structure_get_int (param_of (seen, "object_id"), "id", &id));
  return id;
}

static gboolean
truth_flag (GstBuffer *buffer, const char *field)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "fbnetdetect");
  gboolean flag = FALSE;

  g_assert_nonnull (meta);
  g_assert_true (gst_structure_get_boolean (gst_custom_meta_get_structure (meta), field, &flag));
  return flag;
}

static double
middle (const Seen *seen)
{
  return (seen->x0 + seen->x1) / 2;
}

/* The id of the one that is around (x, y); 0: there is none. */
static gint
id_at (const GArray *seen, double x, double y)
{
  for (guint i = 0; i < seen->len; i++) {
    const Seen *s = SEEN (seen, i);
    if (fabs (middle (s) - x) < SIZE / 4 && fabs ((s->y0 + s->y1) / 2 - y) < SIZE / 4)
      return id_of (s);
  }
  return 0;
}

/* --- Streams ----------------------------------------------------------------------------------- */

static Stream *
open_paper (const char *settings)
{
  Stream *stream = stream_open (symbols_model (), settings);

  stream_set_format (stream, "RGB", WIDTH, HEIGHT, NULL);
  return stream;
}

static GstBuffer *
push_symbols (Stream *stream, const Symbol *symbols, guint n)
{
  return stream_push (stream, symbols_frame (&stream->info, symbols, n));
}

/* (transfer full): what is seen of one ring; the buffer is gone, and with it the regions. */
static gint
push_ring (Stream *stream, double x)
{
  const Symbol ring = { SYMBOL_RING, x, 112, SIZE };
  g_autoptr (GstBuffer) out = push_symbols (stream, &ring, 1);
  g_autoptr (GArray) seen = seen_on (out, &stream->info);

  return seen->len > 0 ? id_of (SEEN (seen, 0)) : 0;
}

static void
push_empty (Stream *stream, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_autoptr (GstBuffer) out = push_symbols (stream, NULL, 0);
    g_autoptr (GArray) seen = seen_on (out, &stream->info);
    g_assert_cmpuint (seen->len, ==, 0);
  }
}

/* --- Ids --------------------------------------------------------------------------------------- */

/* Without tracking nothing speaks of objects. */
static void
test_off (void)
{
  g_autoptr (Stream) stream = open_paper (NULL);
  const Symbol ring = { SYMBOL_RING, 160, 112, SIZE };
  g_autoptr (GstBuffer) out = push_symbols (stream, &ring, 1);
  g_autoptr (GArray) seen = seen_on (out, &stream->info);

  g_assert_cmpuint (seen->len, ==, 1);
  g_assert_null (param_of (SEEN (seen, 0), "object_id"));
  g_assert_null (param_of (SEEN (seen, 0), "track"));
}

/* One that moves keeps its id, gets older, and its speed is that of the drawing. The signal tells of it, too. */
static void
test_one (void)
{
  g_autoptr (Stream) stream = open_paper ("tracking=true");
  g_autoptr (GstStructure) told = NULL;
  gint first = 0;

  stream_keep_detections (stream, &told);
  for (guint i = 0; i < 20; i++) {
    const Symbol ring = { SYMBOL_RING, 60 + 8 * i, 112, SIZE };
    g_autoptr (GstBuffer) out = push_symbols (stream, &ring, 1);
    g_autoptr (GArray) seen = seen_on (out, &stream->info);
    g_assert_cmpuint (seen->len, ==, 1);
    if (first == 0)
      first = id_of (SEEN (seen, 0));
    g_assert_cmpint (id_of (SEEN (seen, 0)), ==, first);
    g_assert_cmpfloat_with_epsilon (middle (SEEN (seen, 0)), ring.x, SLACK);
    const GstStructure *track = param_of (SEEN (seen, 0), "track");
    guint64 age = 0;
    guint hits = 0;
    double vx = 0, vy = 0;
    g_assert_true (gst_structure_get (track, "age", G_TYPE_UINT64, &age, "hits", G_TYPE_UINT, &hits,
        "vx", G_TYPE_DOUBLE, &vx, "vy", G_TYPE_DOUBLE, &vy, NULL));
    g_assert_cmpuint (hits, ==, i + 1);
    g_assert_cmpuint (age, ==, i * FRAME);
    g_assert_false (truth_flag (out, "predicted"));
    if (i >= 10) { /* 8 pixels in 40 ms */
      g_assert_cmpfloat_with_epsilon (vx, 200, 40);
      g_assert_cmpfloat_with_epsilon (vy, 0, 40);
    }
  }
  const GValue *objects = gst_structure_get_value (told, "objects");
  const GstStructure *object = gst_value_get_structure (gst_value_array_get_value (objects, 0));
  g_assert_true (gst_structure_has_field_typed (object, "object_id", GST_TYPE_STRUCTURE));
  g_assert_true (gst_structure_has_field_typed (object, "track", GST_TYPE_STRUCTURE));
}

/* Two of a kind pass each other with overlapping boxes: each keeps its id; a third of another kind, in the same place
 * for a moment, has a third. */
static void
test_crossing (void)
{
  g_autoptr (Stream) stream = open_paper ("tracking=true");
  gint ids[3] = { 0 };

  for (guint i = 0; i <= 20; i++) {
    const Symbol symbols[] = {
      { SYMBOL_RING, 60 + 10 * i, 70, SIZE },
      { SYMBOL_RING, 260 - 10 * i, 118, SIZE },
      { SYMBOL_CROSS, 160, 180, SIZE },
    };
    g_autoptr (GstBuffer) out = push_symbols (stream, symbols, 3);
    g_autoptr (GArray) seen = seen_on (out, &stream->info);
    for (guint k = 0; k < 3; k++) {
      const gint id = id_at (seen, symbols[k].x, symbols[k].y);
      if (i == 0)
        ids[k] = id;
      if (i == 0 || i == 20)
        g_assert_cmpint (id, >, 0);
      if (id > 0)
        g_assert_cmpint (id, ==, ids[k]);
    }
  }
  g_assert_cmpint (ids[0], !=, ids[1]);
  g_assert_cmpint (ids[0], !=, ids[2]);
  g_assert_cmpint (ids[1], !=, ids[2]);
}

/* Gone for half a second it is the same one again; for longer than track-timeout, it is another. */
static void
test_gap_and_re_entry (void)
{
  g_autoptr (Stream) stream = open_paper ("tracking=true track-min-hits=1");
  const gint first = push_ring (stream, 100);

  g_assert_cmpint (first, >, 0);
  for (guint i = 1; i < 10; i++)
    g_assert_cmpint (push_ring (stream, 100 + 2 * i), ==, first);
  push_empty (stream, 12);
  g_assert_cmpint (push_ring (stream, 100 + 2 * 22), ==, first);
  push_empty (stream, 30);
  const gint second = push_ring (stream, 100 + 2 * 53);
  g_assert_cmpint (second, >, first);
  g_object_set (stream->element, "track-timeout", 10 * GST_SECOND, NULL);
  g_assert_cmpint (push_ring (stream, 206), ==, second);
  push_empty (stream, 30);
  g_assert_cmpint (push_ring (stream, 206), ==, second);
}

/* One that comes later is told once it was seen in as many looks as asked for. */
static void
test_min_hits (void)
{
  g_autoptr (Stream) stream = open_paper ("tracking=true track-min-hits=3");

  push_empty (stream, 2);
  g_assert_cmpint (push_ring (stream, 160), ==, 0);
  g_assert_cmpint (push_ring (stream, 160), ==, 0);
  g_assert_cmpint (push_ring (stream, 160), >, 0);
}

/* A threshold above what the detector says: nothing is told, and once it is lower the object is the one that was
 * followed all the time. */
static void
test_threshold (void)
{
  g_autoptr (Stream) stream = open_paper ("tracking=true track-score=maximum");
  const gint id = push_ring (stream, 160);

  g_assert_cmpint (id, >, 0);
  g_object_set (stream->element, "score-threshold", 1.0, NULL);
  g_assert_cmpint (push_ring (stream, 160), ==, 0);
  g_object_set (stream->element, "score-threshold", 0.5, NULL);
  g_assert_cmpint (push_ring (stream, 160), ==, id);
}

/* Faint marks all over the paper, where the camera shows them that looks so far to the right. */
static void
mark_paper (GstBuffer *buffer, gint right)
{
  GRand *random = g_rand_new_with_seed (8);
  GstMapInfo map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READWRITE));
  for (guint i = 0; i < 900; i++) {
    const gint x = g_rand_int_range (random, 0, 3 * WIDTH) - WIDTH - right;
    const gint y = g_rand_int_range (random, 0, HEIGHT - 4);
    for (gint k = 0; x >= 0 && x < WIDTH - 4 && k < 16; k++) {
      guint8 *pixel = map.data + 3 * ((y + k / 4) * WIDTH + x + k % 4);
      for (guint c = 0; c < 3; c++)
        pixel[c] = (guint8) MAX (pixel[c] - 40, 0);
    }
  }
  gst_buffer_unmap (buffer, &map);
  g_rand_free (random);
}

/* The id of a ring after the camera has jumped, whose marks jump with it or do not. */
static gint
jump (Stream *stream, gboolean marks_too)
{
  gint id = 0;

  for (guint i = 0; i < 8; i++) {
    const gint right = i < 6 ? 0 : 80;
    const Symbol ring = { SYMBOL_RING, 200 - right, 112, SIZE };
    GstBuffer *frame = symbols_frame (&stream->info, &ring, 1);
    mark_paper (frame, marks_too ? right : 0);
    g_autoptr (GstBuffer) out = stream_push (stream, frame);
    g_autoptr (GArray) seen = seen_on (out, &stream->info);
    id = id_at (seen, ring.x, ring.y);
    g_test_message ("frame %u: %u seen, %d", i, seen->len, id);
    g_assert_true (id > 0 || i == 6); /* another one is told in the second look */
  }
  return id;
}

/* A single object is the same one after the camera has jumped by more than its width, if the picture says that it was the
 * camera. */
static void
test_camera (void)
{
  g_autoptr (Stream) moved = open_paper ("tracking=true");
  g_autoptr (Stream) walked = open_paper ("tracking=true");

  g_assert_cmpint (jump (moved, TRUE), ==, 1);
  g_assert_cmpint (jump (walked, FALSE), ==, 2);
}

/* --- Frames that are not looked at ------------------------------------------------------------- */

/* Between looks the box moves on as fast as the object; without tracking it stays where it was. */
static void
check_between (gboolean tracking)
{
  g_autofree char *settings = g_strdup_printf ("tracking=%s inference-interval=4 on-skip=repeat",
      tracking ? "true" : "false");
  g_autoptr (Stream) stream = open_paper (settings);
  double looked_at = 0;

  for (guint i = 0; i < 32; i++) {
    const Symbol ring = { SYMBOL_RING, 60 + 6 * i, 112, SIZE };
    g_autoptr (GstBuffer) out = push_symbols (stream, &ring, 1);
    g_autoptr (GArray) seen = seen_on (out, &stream->info);
    g_assert_cmpuint (seen->len, ==, 1);
    g_assert_cmpint (truth_flag (out, "looked"), ==, i % 4 == 0);
    g_assert_cmpint (truth_flag (out, "repeated"), ==, i % 4 != 0);
    g_assert_cmpint (truth_flag (out, "predicted"), ==, tracking && i % 4 != 0);
    if (i % 4 == 0)
      looked_at = middle (SEEN (seen, 0));
    if (!tracking)
      g_assert_cmpfloat (middle (SEEN (seen, 0)), ==, looked_at);
    else if (i >= 12)
      g_assert_cmpfloat_with_epsilon (middle (SEEN (seen, 0)), ring.x, 2 * SLACK);
  }
}

static void
test_predicted (void)
{
  check_between (TRUE);
}

static void
test_repeated (void)
{
  check_between (FALSE);
}

/* What is expected to have left the frame is not told. */
static void
test_leaving (void)
{
  g_autoptr (Stream) stream =
      open_paper ("tracking=true on-skip=repeat repeat-timeout=10000000000");

  for (guint i = 0; i < 21; i++)
    g_assert_cmpint (push_ring (stream, 40 + 10 * i), >, 0); /* 250 pixels a second */
  g_object_set (stream->element, "inference-interval", 1000, NULL);
  for (guint i = 0; i < 8; i++)
    g_assert_cmpint (push_ring (stream, 160), >, 0);
  for (guint i = 0; i < 8; i++)
    push_ring (stream, 160);
  push_empty (stream, 2);
}

/* Beside the stream: results come late, and their boxes are at the time of the frames. */
static void
test_latest (void)
{
  g_autoptr (Stream) stream = stream_open (symbols_model (), "tracking=true");
  g_autoptr (GArray) seen = NULL;

  gst_element_set_state (stream->element, GST_STATE_NULL);
  g_object_set (stream->element, "scheduling", 2, "repeat-timeout", GST_SECOND, NULL);
  gst_harness_play (stream->harness);
  stream_set_format (stream, "RGB", WIDTH, HEIGHT, NULL);
  for (guint i = 0; i < 16; i++) {
    const guint64 before = stream_stat (stream, "inferences");
    const Symbol ring = { SYMBOL_RING, 60 + 8 * i, 112, SIZE };
    gst_buffer_unref (push_symbols (stream, &ring, 1));
    while (stream_stat (stream, "inferences") == before)
      g_usleep (1000);
  }
  g_usleep (20000); /* until it is published */
  g_object_set (stream->element, "inference-interval", 1000, NULL);
  stream->next += 6 * FRAME;
  g_autoptr (GstBuffer) out = push_symbols (stream, NULL, 0);
  seen = seen_on (out, &stream->info);
  g_assert_cmpuint (seen->len, ==, 1);
  g_assert_true (truth_flag (out, "predicted"));
  g_assert_cmpfloat_with_epsilon (middle (SEEN (seen, 0)), 60 + 8 * 22, 3 * SLACK);
}

/* --- Resets ------------------------------------------------------------------------------------ */

static void
flush (Stream *stream)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_harness_push_event (stream->harness, gst_event_new_flush_start ()));
  g_assert_true (gst_harness_push_event (stream->harness, gst_event_new_flush_stop (TRUE)));
  g_assert_true (gst_harness_push_event (stream->harness, gst_event_new_segment (&segment)));
}

static void
seek (Stream *stream)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = stream->next;
  g_assert_true (gst_harness_push_event (stream->harness, gst_event_new_segment (&segment)));
}

static void
change_caps (Stream *stream)
{
  stream_set_format (stream, "BGR", WIDTH, HEIGHT, NULL);
}

static void
leap (Stream *stream)
{
  stream->next += 10 * GST_SECOND;
}

static void
go_back (Stream *stream)
{
  stream->next -= 2 * FRAME;
}

static void
restart (Stream *stream)
{
  gst_element_set_state (stream->element, GST_STATE_NULL);
  gst_harness_play (stream->harness);
  stream_set_format (stream, "RGB", WIDTH, HEIGHT, NULL);
}

/* After each of them the same picture shows another object, whose id was never given before. */
static void
test_resets (void)
{
  void (*const resets[]) (Stream * stream) = { flush, seek, change_caps, leap, go_back, restart };
  g_autoptr (Stream) stream = open_paper ("tracking=true");
  gint last = 0;

  for (guint i = 0; i <= G_N_ELEMENTS (resets); i++) {
    const gint id = push_ring (stream, 160);
    g_test_message ("reset %u: id %d after %d", i, id, last);
    g_assert_cmpint (id, >, last);
    for (guint k = 0; k < 4; k++)
      g_assert_cmpint (push_ring (stream, 160), ==, id);
    last = id;
    if (i < G_N_ELEMENTS (resets))
      resets[i](stream);
  }
}

/* Switched off and on again, it begins anew. */
static void
test_switched (void)
{
  g_autoptr (Stream) stream = open_paper ("tracking=true");
  const gint id = push_ring (stream, 160);

  g_object_set (stream->element, "tracking", FALSE, NULL);
  const Symbol ring = { SYMBOL_RING, 160, 112, SIZE };
  gst_buffer_unref (push_symbols (stream, &ring, 1));
  g_object_set (stream->element, "tracking", TRUE, NULL);
  g_assert_cmpint (push_ring (stream, 160), >, id);
}

/* Frames without times: ids hold, and nothing is predicted. */
static void
test_no_times (void)
{
  g_autoptr (Stream) stream = open_paper ("tracking=true inference-interval=2 on-skip=repeat");
  gint first = 0;

  for (guint i = 0; i < 12; i++) {
    const Symbol ring = { SYMBOL_RING, 100 + 6 * i, 112, SIZE };
    GstBuffer *frame = symbols_frame (&stream->info, &ring, 1);
    g_autoptr (GstBuffer) out = gst_harness_push_and_pull (stream->harness, frame);
    g_autoptr (GArray) seen = seen_on (out, &stream->info);
    g_assert_cmpuint (seen->len, ==, 1);
    g_assert_false (truth_flag (out, "predicted"));
    if (first == 0)
      first = id_of (SEEN (seen, 0));
    g_assert_cmpint (id_of (SEEN (seen, 0)), ==, first);
  }
}

/* --- Parts ------------------------------------------------------------------------------------- */

/* Steps of a stream's own rhythm are no jumps, however slow it is. */
static void
test_continuity (void)
{
  GstFbnetContinuity c = { 0 };

  for (guint i = 0; i < 5; i++)
    gst_fbnet_continuity_follow (&c, (100 + i) * FRAME, GST_SECOND);
  gst_fbnet_continuity_follow (&c, GST_CLOCK_TIME_NONE, GST_SECOND);
  gst_fbnet_continuity_follow (&c, 106 * FRAME, GST_SECOND);
  g_assert_cmpuint (c.jumps, ==, 0);
  gst_fbnet_continuity_follow (&c, 100 * GST_SECOND, GST_SECOND);
  g_assert_cmpuint (c.jumps, ==, 1);
  for (guint i = 0; i < 5; i++)
    gst_fbnet_continuity_follow (&c, (200 + 5 * i) * GST_SECOND, GST_SECOND);
  g_assert_cmpuint (c.jumps, ==, 1);
  gst_fbnet_continuity_follow (&c, 219 * GST_SECOND, GST_SECOND);
  g_assert_cmpuint (c.jumps, ==, 2);
}

/* Switched-off classes stay off; the others are looked for down to what the tracker uses, and the weakest that is
 * told begins tracks. */
static void
test_thresholds (void)
{
  const float asked[] = { 0.8f, 1.0f, 0.3f, 0.05f };
  FbnetParams params = { .score_threshold = 0.5f };
  FbnetTrackerOptions options;
  GstFbnetTracking tracking;
  float wide[4];

  fbnet_tracker_options_init (&options);
  options.min_hits = 7;
  gst_fbnet_tracking_init (&tracking, TRUE, 2500 * GST_MSECOND, &options, &params, 4);
  g_assert_cmpfloat (tracking.options.timeout, ==, 2.5f);
  g_assert_cmpuint (tracking.options.min_hits, ==, 7);
  g_assert_cmpfloat (tracking.options.high_score, ==, 0.5f);
  g_assert_cmpfloat (tracking.options.new_score, ==, 0.5f);
  gst_fbnet_tracking_widen (&tracking, &params, wide, 4);
  g_assert_cmpfloat (params.score_threshold, ==, tracking.options.low_score);

  params.class_thresholds = asked;
  gst_fbnet_tracking_init (&tracking, TRUE, G_MAXUINT64, &options, &params, 4);
  g_assert_cmpfloat (tracking.options.timeout, ==, 3600);
  g_assert_cmpfloat (tracking.options.new_score, ==, 0.05f);
  g_assert_cmpfloat (tracking.options.low_score, ==, 0.05f);
  gst_fbnet_tracking_widen (&tracking, &params, wide, 4);
  g_assert_true (params.class_thresholds == wide);
  g_assert_cmpfloat (wide[0], ==, 0.05f);
  g_assert_cmpfloat (wide[1], ==, 1.0f);
  g_assert_cmpfloat (wide[3], ==, 0.05f);
}

/* Masks and keypoints go with their boxes; what has left is left out, with all that is said of it. */
static void
test_prediction (void)
{
  static const guint8 mask[4] = { 255, 255, 255, 255 };
  const FbnetKeypoint keypoints[2] = { { 11, 12, 0.9f }, { 13, 14, 0.8f } };
  const FbnetDetection items[] = {
    { 90, 10, 98, 20, 0.9f, 0, { 0 }, keypoints },
    { 10, 10, 14, 14, 0.8f, 1, { 11, 11, 2, 2, mask }, keypoints },
  };
  const FbnetTrack tracks[] = { { .id = 1, .vx = 100 }, { .id = 2, .vx = 10, .vy = -5 } };
  const FbnetDetections found = { items, 2 };
  const GstFbnetSource sources[] = { { 3, 0, FALSE }, { 4, 1, FALSE } };
  const FbnetMatch matches[] = { { .label = FBNET_MATCH_OBJECT },
    { .label = FBNET_MATCH_IGNORED } };
  GstFbnetResult result = { .found = &found,
    .width = 100,
    .height = 50,
    .n_keypoints = 2,
    .tracks = tracks,
    .sources = sources,
    .matches = matches };
  GstFbnetPrediction *prediction = gst_fbnet_prediction_new ();

  gst_fbnet_prediction_make (prediction, &result, 0.4);
  g_assert_cmpuint (result.found->n, ==, 1);
  const FbnetDetection *d = &result.found->items[0];
  g_assert_cmpfloat (d->x0, ==, 14);
  g_assert_cmpfloat (d->y1, ==, 12);
  g_assert_cmpint (d->mask.x, ==, 15);
  g_assert_cmpint (d->mask.y, ==, 9);
  g_assert_true (d->mask.data == mask);
  g_assert_cmpfloat (d->keypoints[1].x, ==, 17);
  g_assert_cmpfloat (d->keypoints[1].y, ==, 12);
  g_assert_cmpfloat (d->keypoints[1].score, ==, 0.8f);
  g_assert_cmpuint (result.tracks[0].id, ==, 2);
  g_assert_cmpint (result.sources[0].parent, ==, 4);
  g_assert_cmpint (result.matches[0].label, ==, FBNET_MATCH_IGNORED);
  gst_fbnet_prediction_free (prediction);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/tracking/off", test_off);
  g_test_add_func ("/element/tracking/one", test_one);
  g_test_add_func ("/element/tracking/crossing", test_crossing);
  g_test_add_func ("/element/tracking/gap-and-re-entry", test_gap_and_re_entry);
  g_test_add_func ("/element/tracking/min-hits", test_min_hits);
  g_test_add_func ("/element/tracking/threshold", test_threshold);
  g_test_add_func ("/element/tracking/camera", test_camera);
  g_test_add_func ("/element/tracking/predicted", test_predicted);
  g_test_add_func ("/element/tracking/repeated", test_repeated);
  g_test_add_func ("/element/tracking/leaving", test_leaving);
  g_test_add_func ("/element/tracking/latest", test_latest);
  g_test_add_func ("/element/tracking/resets", test_resets);
  g_test_add_func ("/element/tracking/switched", test_switched);
  g_test_add_func ("/element/tracking/no-times", test_no_times);
  g_test_add_func ("/element/tracking/continuity", test_continuity);
  g_test_add_func ("/element/tracking/thresholds", test_thresholds);
  g_test_add_func ("/element/tracking/prediction", test_prediction);
  return g_test_run ();
}
