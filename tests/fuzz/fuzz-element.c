/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element in a harness: properties, caps, frames with whatever strides, metadata and times, events, models
 * swapped, in whatever order an input says. What comes out is as large as what went in, and nothing is complained
 * of as a programmer's mistake.
 */
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include "frames.h"
#include "fuzz.h"
#include "gstfbnetdetect.h"
#include "take.h"

#define MAX_SIDE    64
#define MAX_ACTIONS 12

static const char *const models[] = { TEST_DATA "/tiny-bn.safetensors",
  TEST_DATA "/tiny-gn.safetensors", TEST_DATA "/coco.json", TEST_DATA "/none" };

typedef struct {
  Take take;
  GstElement *element;
  GstHarness *harness;
  GstVideoInfo info;
} Run;

/* --- Numbers ---------------------------------------------------------------------------------- */

static guint32
take_word (Take *take)
{
  guint32 word = 0;

  for (guint i = 0; i < 4; i++)
    word = word << 8 | take_byte (take);
  return word;
}

/* Mostly small, sometimes any. */
static gint
take_offset (Take *take)
{
  return take_index (take, 8) != 0 ? (gint) take_index (take, 80) - 8 : (gint) take_word (take);
}

static GstClockTime
take_time (Take *take)
{
  switch (take_index (take, 4)) {
    case 0:
      return GST_CLOCK_TIME_NONE;
    case 1:
      return (GstClockTime) take_word (take) << 32 | take_word (take);
    default:
      return take_index (take, 256) * 40 * GST_MSECOND;
  }
}

/* --- Properties ------------------------------------------------------------------------------- */

static const char *const words[] = { "", "person", "class 1", "0.5", "0:0.5,1:0.9", "-1", "nan",
  "1e999", "full-frame", "a\"b\\", "person;person", "Ünïcode", "=", "\n" };

/* Those that decide how long a run takes stay as they are. */
static gboolean
is_left_alone (const GParamSpec *spec)
{
  static const char *const names[] = { "name", "parent", "model-file", "label-file", "threads",
    "min-size", "max-size", "pre-nms-count", "box-pooler-resolution", "mask-pooler-resolution" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (spec->name, names[i]))
      return TRUE;
  return !(spec->flags & G_PARAM_WRITABLE) || spec->flags & G_PARAM_CONSTRUCT_ONLY;
}

static void
fill_value (GValue *value, Take *take)
{
  GValue number = G_VALUE_INIT;

  if (G_VALUE_HOLDS_STRING (value)) {
    g_value_set_static_string (value, words[take_index (take, G_N_ELEMENTS (words))]);
    return;
  }
  if (G_VALUE_HOLDS_UINT64 (value)) {
    g_value_set_uint64 (value, take_time (take));
    return;
  }
  if (G_VALUE_HOLDS_FLOAT (value) || G_VALUE_HOLDS_DOUBLE (value)) {
    g_value_init (&number, G_TYPE_FLOAT);
    g_value_set_float (&number,
        take_index (take, 2) ? take_float (take) : (float) take_byte (take) / 255);
  } else {
    g_value_init (&number, G_TYPE_INT);
    g_value_set_int (&number,
        take_index (take, 4) ? (gint) take_index (take, 40) : (gint) take_word (take));
  }
  g_value_transform (&number, value);
}

/* Values beyond a range are brought into it, as GObject does for every caller. */
static void
set_property (Run *run)
{
  guint n;
  g_autofree GParamSpec **specs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (run->element), &n);
  GParamSpec *spec = specs[take_index (&run->take, n)];
  GValue value = G_VALUE_INIT;

  if (is_left_alone (spec))
    return;
  g_value_init (&value, spec->value_type);
  if (!G_VALUE_HOLDS_BOXED (&value)) {
    fill_value (&value, &run->take);
    g_param_value_validate (spec, &value);
    g_object_set_property (G_OBJECT (run->element), spec->name, &value);
  }
  g_value_unset (&value);
}

/* --- Frames ----------------------------------------------------------------------------------- */

static GstCaps *
take_caps (Run *run)
{
  static const char *const colors[] = { "bt601", "bt709", "bt2020", "sRGB", "1:4:0:0", "2:3:5:1" };
  Take *take = &run->take;
  guint n_formats = 0;

  while (frames_formats[n_formats] != NULL)
    n_formats++;
  const char *format = frames_formats[take_index (take, n_formats)];
  const guint width = 1 + take_index (take, MAX_SIDE), height = 1 + take_index (take, MAX_SIDE);
  GstCaps *caps = frames_caps (format, width, height, NULL);
  if (take_index (take, 2))
    gst_caps_set_simple (caps, "colorimetry", G_TYPE_STRING,
        colors[take_index (take, G_N_ELEMENTS (colors))], NULL);
  if (take_index (take, 3) == 0)
    gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, (gint) take_index (take, 60), 1,
        NULL);
  return caps;
}

static void
change_caps (Run *run)
{
  GstCaps *caps = take_caps (run);

  gst_video_info_from_caps (&run->info, caps);
  gst_harness_push_event (run->harness, gst_event_new_caps (caps));
  gst_caps_unref (caps);
}

/* Strides and offsets that may lie. */
static void
add_video_meta (Run *run, GstBuffer *buffer)
{
  const GstVideoInfo *info = &run->info;
  gsize offsets[GST_VIDEO_MAX_PLANES] = { 0 };
  gint strides[GST_VIDEO_MAX_PLANES] = { 0 };

  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++) {
    offsets[i] = GST_VIDEO_INFO_PLANE_OFFSET (info, i);
    strides[i] = GST_VIDEO_INFO_PLANE_STRIDE (info, i);
    if (take_index (&run->take, 2))
      strides[i] += take_offset (&run->take);
    if (take_index (&run->take, 3) == 0)
      offsets[i] += (gsize) take_offset (&run->take);
  }
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT (info),
      GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info), GST_VIDEO_INFO_N_PLANES (info),
      offsets, strides);
}

static void
add_crop_meta (Run *run, GstBuffer *buffer)
{
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (buffer);

  crop->x = (guint) take_offset (&run->take);
  crop->y = (guint) take_offset (&run->take);
  crop->width = (guint) take_offset (&run->take);
  crop->height = (guint) take_offset (&run->take);
}

static void
add_region (Run *run, GstBuffer *buffer)
{
  Take *take = &run->take;
  const char *label = words[1 + take_index (take, G_N_ELEMENTS (words) - 1)];
  GstVideoRegionOfInterestMeta *roi =
      gst_buffer_add_video_region_of_interest_meta (buffer, label, (guint) take_offset (take),
          (guint) take_offset (take), (guint) take_offset (take), (guint) take_offset (take));

  if (take_index (take, 2))
    gst_video_region_of_interest_meta_add_param (roi,
        gst_structure_new ("detection", "x_min", G_TYPE_DOUBLE, (double) take_float (take), "y_min",
            G_TYPE_DOUBLE, (double) take_float (take), "x_max", G_TYPE_DOUBLE,
            (double) take_float (take), "y_max", G_TYPE_DOUBLE, (double) take_float (take), NULL));
}

/* Its memory is exactly the frame's, sometimes less: a byte further is a fault. */
static GstBuffer *
take_frame (Run *run)
{
  Take *take = &run->take;
  const gsize size = GST_VIDEO_INFO_SIZE (&run->info);
  const gsize kept = take_index (take, 8) == 0 ? 1 + take_index (take, (guint) MIN (size, 65536))
                                               : size + (take_index (take, 4) == 0 ? 4096 : 0);
  guint8 *data = g_malloc (kept);
  guint32 seed = take_byte (take);

  for (gsize i = 0; i < kept; i++)
    data[i] = (guint8) ((seed = seed * 1664525 + 1013904223) >> 24);
  GstBuffer *buffer = gst_buffer_new_wrapped (data, kept);
  GST_BUFFER_PTS (buffer) = take_time (take);
  GST_BUFFER_DURATION (buffer) = take_time (take);
  if (take_index (take, 2))
    add_video_meta (run, buffer);
  if (take_index (take, 4) == 0)
    add_crop_meta (run, buffer);
  for (guint n = take_index (take, 4); n > 0; n--)
    add_region (run, buffer);
  return buffer;
}

static void
push_frame (Run *run)
{
  GstBuffer *buffer = take_frame (run), *out;
  const gsize size = gst_buffer_get_size (buffer);

  gst_harness_push (run->harness, buffer);
  while ((out = gst_harness_try_pull (run->harness)) != NULL) {
    g_assert (gst_buffer_get_size (out) == size);
    gst_buffer_unref (out);
  }
}

/* --- Events ----------------------------------------------------------------------------------- */

static GstEvent *
take_segment (Take *take)
{
  static const GstFormat formats[] = { GST_FORMAT_TIME, GST_FORMAT_BYTES, GST_FORMAT_DEFAULT };
  static const double rates[] = { 1, -1, 0.001, 1000, -2 };
  GstSegment segment;

  gst_segment_init (&segment, formats[take_index (take, G_N_ELEMENTS (formats))]);
  segment.rate = rates[take_index (take, G_N_ELEMENTS (rates))];
  segment.start = take_time (take);
  segment.stop = take_time (take);
  segment.time = take_time (take);
  segment.base = take_time (take);
  if (!GST_CLOCK_TIME_IS_VALID (segment.start))
    segment.start = 0;
  if (!GST_CLOCK_TIME_IS_VALID (segment.base))
    segment.base = 0;
  if (segment.stop < segment.start || (segment.rate < 0 && segment.stop == GST_CLOCK_TIME_NONE))
    segment.stop = segment.start;
  return gst_event_new_segment (&segment);
}

static void
push_event (Run *run)
{
  Take *take = &run->take;
  GstHarness *h = run->harness;

  switch (take_index (take, 7)) {
    case 0:
      gst_harness_push_event (h, take_segment (take));
      break;
    case 1:
      gst_harness_push_event (h, gst_event_new_flush_start ());
      gst_harness_push_event (h, gst_event_new_flush_stop (take_index (take, 2)));
      gst_harness_push_event (h, take_segment (take));
      break;
    case 2:
      gst_harness_push_event (h, gst_event_new_eos ());
      break;
    case 3:
      gst_harness_push_event (h,
          gst_event_new_tag (gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION, "rotate-90", NULL)));
      break;
    case 4:
      gst_harness_push_upstream_event (h, gst_event_new_reconfigure ());
      break;
    case 5:
      gst_harness_push_upstream_event (h,
          gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, take_byte (take) / 16.0,
              take_byte (take) * GST_MSECOND, take_index (take, 256) * 40 * GST_MSECOND));
      break;
    default:
      gst_harness_set_upstream_latency (h, take_index (take, 256) * GST_MSECOND);
  }
}

static void
swap_model (Run *run)
{
  g_object_set (run->element, "model-file", models[take_index (&run->take, G_N_ELEMENTS (models))],
      NULL);
}

/* --- All -------------------------------------------------------------------------------------- */

static void
set_up (void)
{
  static gboolean done;

  if (done)
    return;
  done = TRUE;
  gst_init (NULL, NULL);
  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  GST_ELEMENT_REGISTER (fbnetdetect, NULL);
}

static gboolean
start (Run *run)
{
  run->element = gst_element_factory_make ("fbnetdetect", NULL);
  gst_object_ref_sink (run->element);
  g_object_set (run->element, "model-file", models[take_index (&run->take, 2)], "threads", 1,
      "min-size", 16, "max-size", 32, "pre-nms-count", 20, NULL);
  for (guint n = take_index (&run->take, 8); n > 0; n--)
    set_property (run);
  return gst_element_set_state (run->element, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE;
}

static void
act (Run *run)
{
  switch (take_index (&run->take, 8)) {
    case 0:
    case 1:
      set_property (run);
      break;
    case 2:
      push_event (run);
      break;
    case 3:
      change_caps (run);
      break;
    case 4:
      swap_model (run);
      break;
    default:
      push_frame (run);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  Run run = { .take = { data, size, 0 } };

  set_up ();
  if (start (&run)) {
    GstCaps *caps = take_caps (&run);
    run.harness = gst_harness_new_with_element (run.element, "sink", "src");
    gst_video_info_from_caps (&run.info, caps);
    gst_harness_set_src_caps (run.harness, caps);
    push_frame (&run);
    for (guint i = 0; i < MAX_ACTIONS && !take_is_over (&run.take); i++)
      act (&run);
    push_frame (&run);
    gst_harness_teardown (run.harness);
  }
  gst_element_set_state (run.element, GST_STATE_NULL);
  gst_object_unref (run.element);
  return 0;
}
