/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnetdetect between a test's own pads, and its detections as plain structs.
 */
#ifndef TESTS_STREAM_H
#define TESTS_STREAM_H

#include <gst/check/gstharness.h>
#include <gst/video/video.h>

typedef struct {
  GstHarness *harness;
  GstElement *element;
  GstBus *bus; /* the element's messages */
  GstVideoInfo info;
  GstClockTime next; /* time of the next frame */
} Stream;

/* The element in PLAYING with the properties that `settings` (nullable) writes as gst-launch does.
 * A failed start fails the test. */
Stream *stream_open (const char *model_file, const char *settings);
void stream_close (Stream *stream); /* NULL is allowed */

/* Caps for the frames to come. */
void stream_set_format (Stream *stream, const char *format, guint width, guint height,
    const char *colorimetry);

/* (transfer full): the frame after it went through. Takes `buffer`, which gets a time. */
GstBuffer *stream_push (Stream *stream, GstBuffer *buffer);

/* (transfer full): the packed R, G, B picture after it went through in the stream's format. */
GstBuffer *stream_push_rgb (Stream *stream, const guint8 *rgb, guint padding);

/* (transfer full) (nullable): the next message of that type, or NULL when a minute has brought none. */
GstMessage *stream_pop (Stream *stream, GstMessageType type);

/* A warning about a setting, posted within a second, has `part` in its text; and no other follows. */
void stream_check_one_warning (Stream *stream, const char *part);

/* From now on `kept` is a copy of what new-detections said last. (transfer full) */
void stream_keep_detections (Stream *stream, GstStructure **kept);

guint64 stream_stat (Stream *stream, const char *field);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Stream, stream_close)

typedef struct {
  char label[64];
  gint class_id;
  double score;
  double x0, y0, x1, y1;             /* in pixels */
  GstVideoRegionOfInterestMeta *roi; /* valid as long as the buffer */
} Seen;

/* The detections on `buffer`, in their order. (element-type Seen) (transfer full) */
GArray *seen_on (GstBuffer *buffer, const GstVideoInfo *info);

#define SEEN(array, i) (&g_array_index (array, Seen, i))

#endif
