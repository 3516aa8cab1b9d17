/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether drawings go into the frames or beside them: what downstream offers, and what the property says.
 */
#include <gst/gst.h>

#include "frames.h"
#include "models.h"
#include "scene.h"

#define FEATURE GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION
#define BLENDER "video/x-raw(memory:SystemMemory, " FEATURE ")"

/* What is behind the element. */
typedef enum {
  PLAIN,         /* takes no compositions */
  IN_CAPS,       /* has them in its caps, but does not look at them */
  IN_ALLOCATION, /* looks at them, but has them not in its caps */
  IN_BOTH,
} Downstream;

/* FALSE: skipped. */
static gboolean
open_before (Scene *scene, Downstream downstream, const char *settings)
{
  if (!scene_open (scene, "I420", settings))
    return FALSE;
  if (downstream == IN_CAPS || downstream == IN_BOTH)
    gst_harness_set_sink_caps_str (scene->stream->harness, BLENDER ";video/x-raw");
  else
    gst_harness_set_sink_caps_str (scene->stream->harness, "video/x-raw");
  if (downstream == IN_ALLOCATION || downstream == IN_BOTH)
    gst_harness_add_propose_allocation_meta (scene->stream->harness,
        GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  return TRUE;
}

static gboolean
is_featured (const Scene *scene)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (scene->stream->harness->sinkpad);

  return gst_caps_features_contains (gst_caps_get_features (caps, 0), FEATURE);
}

/* What a frame looks like behind the element. */
typedef struct {
  gboolean drawn;
  guint attached; /* pictures */
} Shown;

static Shown
show (Scene *scene)
{
  GstBuffer *frame = scene_frame (scene);
  g_autofree char *before = frames_checksum (frame);
  g_autoptr (GstBuffer) out = stream_push (scene->stream, frame);
  g_autofree char *after = frames_checksum (out);
  GstVideoOverlayCompositionMeta *meta = gst_buffer_get_video_overlay_composition_meta (out);

  return (Shown){ !g_str_equal (before, after),
    meta != NULL ? gst_video_overlay_composition_n_rectangles (meta->overlay) : 0 };
}

/* Left to itself the element attaches where somebody has said twice that they blend, and draws elsewhere; the
 * property overrules. Caps tell of compositions only where there can be some. */
static void
test_modes (void)
{
  static const struct {
    Downstream downstream;
    const char *settings;
    gboolean featured, attached;
  } cases[] = {
    { PLAIN, "overlay=true", FALSE, FALSE },
    { IN_CAPS, "overlay=true", TRUE, FALSE },
    { IN_ALLOCATION, "overlay=true", FALSE, FALSE },
    { IN_BOTH, "overlay=true", TRUE, TRUE },
    { IN_BOTH, "overlay=true overlay-mode=blend", FALSE, FALSE },
    { PLAIN, "overlay=true overlay-mode=attach", FALSE, TRUE },
    { IN_BOTH, "overlay=true overlay-mode=attach", TRUE, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Scene scene;
    if (!open_before (&scene, cases[i].downstream, cases[i].settings))
      return;
    g_test_message ("downstream %d, %s", cases[i].downstream, cases[i].settings);
    const Shown shown = show (&scene);
    g_assert_cmpint (is_featured (&scene), ==, cases[i].featured);
    g_assert_cmpint (shown.drawn, ==, !cases[i].attached);
    g_assert_cmpint (shown.attached > 0, ==, cases[i].attached);
    scene_close (&scene);
  }
}

/* Switched on while frames flow the overlay negotiates again, and switched off the caps are as they came. */
static void
test_switched (void)
{
  Scene scene;

  if (!open_before (&scene, IN_BOTH, NULL))
    return;
  for (guint round = 0; round < 4; round++) {
    const gboolean on = round % 2;
    g_object_set (scene.stream->element, "overlay", on, NULL);
    const Shown shown = show (&scene);
    g_assert_cmpint (is_featured (&scene), ==, on);
    g_assert_false (shown.drawn);
    g_assert_cmpint (shown.attached > 0, ==, on);
  }
  scene_close (&scene);
}

/* What somebody has attached before stays, below. */
static void
test_attached_before (void)
{
  Scene scene;

  if (!open_before (&scene, IN_BOTH, "overlay=true"))
    return;
  const Shown alone = show (&scene);
  GstBuffer *pixels = gst_buffer_new_allocate (NULL, 16, NULL);
  gst_buffer_memset (pixels, 0, 0xff, 16);
  gst_buffer_add_video_meta (pixels, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 2, 2);
  GstVideoOverlayRectangle *rectangle = gst_video_overlay_rectangle_new_raw (pixels, 1, 1, 2, 2,
      GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  GstVideoOverlayComposition *before = gst_video_overlay_composition_new (rectangle);
  GstBuffer *frame = scene_frame (&scene);
  gst_buffer_add_video_overlay_composition_meta (frame, before);

  g_autoptr (GstBuffer) out = stream_push (scene.stream, frame);
  GstVideoOverlayCompositionMeta *meta = gst_buffer_get_video_overlay_composition_meta (out);
  g_assert_nonnull (meta);
  g_assert_cmpuint (gst_video_overlay_composition_n_rectangles (meta->overlay), ==,
      alone.attached + 1);
  g_assert_cmpuint (gst_video_overlay_rectangle_get_seqnum (
                        gst_video_overlay_composition_get_rectangle (meta->overlay, 0)),
      ==, gst_video_overlay_rectangle_get_seqnum (rectangle));
  g_assert_cmpuint (gst_video_overlay_composition_n_rectangles (before), ==, 1);
  gst_video_overlay_composition_unref (before);
  gst_video_overlay_rectangle_unref (rectangle);
  gst_buffer_unref (pixels);
  scene_close (&scene);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/attach/modes", test_modes);
  g_test_add_func ("/element/attach/switched", test_switched);
  g_test_add_func ("/element/attach/attached-before", test_attached_before);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
