/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Properties in, caps checked, frames to whoever looks at them, metadata out.
 */
/**
 * SECTION:element-fbnetdetect
 * @title: fbnetdetect
 * @short_description: finds objects in raw video, or says what it shows
 *
 * Runs an FBNet detector, as trained with Meta's D2Go, on every frame and attaches what it finds as
 * #GstVideoRegionOfInterestMeta and, where GStreamer has it, #GstAnalyticsRelationMeta
 * (docs/metadata.md): boxes, masks, keypoints. With a classification
 * model it attaches the class of the frame. Frames are read in whatever raw format, size and
 * colorimetry they come; no conversion is needed before. Pixels are left alone unless
 * #GstFbnetDetect:overlay is set.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=cars.mp4 ! decodebin ! fbnetdetect model-file=model.safetensors overlay=true ! videoconvert ! autovideosink
 * ]| Shows a video with boxes around the objects. A phone's film may lie on its side: the frames are turned
 * upright by `videoflip video-direction=auto` before the detector.
 * |[
 * gst-launch-1.0 v4l2src ! fbnetdetect model-file=model.safetensors overlay=true ! videoconvert ! autovideosink
 * ]| A camera is never delayed: what cannot be looked at in time is shown with the newest boxes there are.
 *
 * Since: 0.1
 */
#include "gstfbnetdetect.h"

#include <gst/video/video.h>

#include "gstfbnetattach.h"
#include "gstfbnetclasses.h"
#include "gstfbnetimage.h"
#include "gstfbnetloader.h"
#include "gstfbnetmessages.h"
#include "gstfbnetmeta.h"
#include "gstfbnetoverlay.h"
#include "gstfbnetsettings.h"
#include "gstfbnetstats.h"
#include "gstfbnetstructure.h"
#include "gstfbnettruth.h"
#include "gstfbnetworker.h"

#ifdef HAVE_ANALYTICS
#  include "gstfbnetanalytics.h"
#endif

GST_DEBUG_CATEGORY_STATIC (gst_fbnet_detect_debug);
#define GST_CAT_DEFAULT gst_fbnet_detect_debug

/* The engine's bound of a frame's sides, see fbnet_detector_run(). */
#define SIZE_RANGE "[ 1, 32767 ]"

#define VIDEO_CAPS(features)                                                                       \
  "video/x-raw" features ", format = (string) " GST_FBNET_VIDEO_FORMATS                            \
  ", width = (int) " SIZE_RANGE ", height = (int) " SIZE_RANGE                                     \
  ", framerate = (fraction) [ 0/1, max ]"

#define PAD_CAPS                                                                                   \
  VIDEO_CAPS ("") ";" VIDEO_CAPS ("(memory:SystemMemory, meta:GstVideoOverlayComposition)")

/* So many looks in a row that last longer than a frame are no accident. */
#define MANY_SLOW_LOOKS 5

struct _GstFbnetDetect {
  GstBaseTransform parent;
  GstFbnetLoader *loader;
  GstFbnetWorker *worker;

  /* The object lock protects these. */
  GstFbnetSettings settings;
  guint revision; /* of settings */
  GstFbnetStats stats;
  GstFbnetNetwork *network;   /* replaced by the streaming thread only */
  GstClockTime earliest_time; /* by the last QoS event, running time */
  gint64 jitter;
  double proportion;

  /* Those of the streaming thread, and of start and stop. */
  GstVideoInfo info;
  GstFbnetSettings now; /* the settings that the frames follow */
  guint applied;        /* their revision */
  FbnetParams params;   /* made of them */
  float *thresholds;    /* (nullable): room for params.class_thresholds */
  guint params_revision;
  GPtrArray *complaints; /* about the settings, already posted */
  guint meta_types;      /* GstFbnetMetaTypes, as when the element started */
  gboolean scheduled, latest, live;
  GstFbnetHistory history;
  gboolean was_enabled;
  guint told;             /* the number of the look that was told last */
  GstFbnetMoment told_at; /* for the first time */
  GArray *regions;        /* of GstFbnetRegion: those of this frame */
  GstFbnetTeller teller;
  guint n_slow;      /* looks in a row that lasted longer than a frame */
  gboolean warm;     /* frames of this size have been seen */
  guint told_of_roi; /* the revision of which it was said that roi lies outside the frame */
  gboolean told_slow, told_unreadable, told_regions, told_orientation;
#ifdef HAVE_OVERLAY
  GstFbnetOverlay *overlay;
  gboolean attach_offered; /* by the caps of the source pad */
  gboolean attach_asked;   /* those downstream, whether they take it; since caps were set */
  gboolean attach_taken;   /* their answer */
#endif
};

enum { SIGNAL_NEW_DETECTIONS, SIGNAL_MODEL_UPDATED, N_SIGNALS };

static guint signals[N_SIGNALS];
static guint prop_stats;

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (PAD_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (PAD_CAPS));

G_DEFINE_TYPE (GstFbnetDetect, gst_fbnet_detect, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE (fbnetdetect, "fbnetdetect", GST_RANK_NONE, GST_TYPE_FBNET_DETECT)

/* --- Settings ---------------------------------------------------------------------------------- */

/* Posts the complaints that were not posted when the settings were last looked at. Takes them. */
static void
post_complaints (GstFbnetDetect *self, GPtrArray *complaints)
{
  for (guint i = 0; i < complaints->len; i++) {
    const char *text = g_ptr_array_index (complaints, i);
    if (!g_ptr_array_find_with_equal_func (self->complaints, text, g_str_equal, NULL))
      gst_fbnet_post_settings (self, GST_MESSAGE_WARNING, text);
  }
  g_ptr_array_unref (self->complaints);
  self->complaints = complaints;
}

/* Makes the frames to come follow the settings. What they cannot follow is `wrong`, or of no use to the
 * model: `moot` (gst_fbnet_settings_apply()). */
static void
resolve_settings (GstFbnetDetect *self, GPtrArray *wrong, GPtrArray *moot)
{
  GstFbnetNetwork *network = self->network;

  GST_OBJECT_LOCK (self);
  gst_fbnet_settings_copy (&self->now, &self->settings);
  self->applied = self->revision;
  GST_OBJECT_UNLOCK (self);

  self->params = network->defaults;
  self->params_revision++;
  g_free (self->thresholds);
  self->thresholds = g_new0 (float, network->n_classes);
  gst_fbnet_settings_apply (&self->now, network->model, network->path, &self->params, moot, wrong);
  gst_fbnet_classes_apply (&self->now, network, self->thresholds, &self->params, wrong);
}

/* Between two frames: what cannot be followed is told once and left out. While a network is loading
 * nothing is told: the settings may be meant for that one. */
static void
follow_settings (GstFbnetDetect *self)
{
  GPtrArray *complaints = g_ptr_array_new_with_free_func (g_free);

  resolve_settings (self, complaints, complaints);
  if (gst_fbnet_loader_is_busy (self->loader))
    g_ptr_array_unref (complaints);
  else
    post_complaints (self, complaints);
}

static gboolean
settings_changed (GstFbnetDetect *self)
{
  GST_OBJECT_LOCK (self);
  const gboolean changed = self->applied != self->revision;
  GST_OBJECT_UNLOCK (self);
  return changed;
}

/* --- Network ----------------------------------------------------------------------------------- */

/* As the properties say now. NULL with `error`, also when no model is set. */
static GstFbnetNetwork *
open_network (gpointer data, GError **error)
{
  GstFbnetDetect *self = data;
  GstFbnetSettings settings = { 0 };

  GST_OBJECT_LOCK (self);
  gst_fbnet_settings_copy (&settings, &self->settings);
  GST_OBJECT_UNLOCK (self);

  GstFbnetNetwork *network = gst_fbnet_network_open (settings.model_file, settings.model_sha256,
      settings.label_file, &settings.options, error);
  gst_fbnet_settings_clear (&settings);
  return network;
}

/* The properties tell of the files in use again, unless others are wanted by now. */
static void
restore_files (GstFbnetDetect *self)
{
  GST_OBJECT_LOCK (self);
  const gboolean restore = self->network != NULL && !gst_fbnet_loader_is_wanted (self->loader);
  if (restore)
    gst_fbnet_settings_set_files (&self->settings, self->network->model_file,
        self->network->model_sha256, self->network->label_file);
  GST_OBJECT_UNLOCK (self);
  if (restore) {
    g_object_notify (G_OBJECT (self), "model-file");
    g_object_notify (G_OBJECT (self), "model-sha256");
    g_object_notify (G_OBJECT (self), "label-file");
  }
}

/* In the loader's thread. */
static void
network_opened (gpointer data, const GError *error)
{
  GstFbnetDetect *self = data;

  GST_OBJECT_LOCK (self);
  self->revision++; /* what was kept back while loading is told now */
  GST_OBJECT_UNLOCK (self);
  if (error == NULL)
    return;
  restore_files (self);
  gst_fbnet_post_engine_error (self, GST_MESSAGE_WARNING, error);
  g_signal_emit (self, signals[SIGNAL_MODEL_UPDATED], 0, FALSE, error->message);
}

/* Before a frame: the new network, if one has been loaded, takes the old one's place. */
static void
take_ready (GstFbnetDetect *self)
{
  GstFbnetNetwork *ready = gst_fbnet_loader_take (self->loader);

  if (ready == NULL)
    return;
  GST_OBJECT_LOCK (self);
  GstFbnetNetwork *old = self->network;
  self->network = ready;
  self->revision++;
  GST_OBJECT_UNLOCK (self);
  gst_fbnet_network_unref (old);
  gst_fbnet_worker_renew (self->worker);
  self->warm = FALSE;
  GST_INFO_OBJECT (self, "detecting with %s now", self->network->path);
  g_signal_emit (self, signals[SIGNAL_MODEL_UPDATED], 0, TRUE, self->network->path);
}

/* --- Start and stop ---------------------------------------------------------------------------- */

static gboolean
check_settings_at_start (GstFbnetDetect *self)
{
  g_autoptr (GPtrArray) wrong = g_ptr_array_new_with_free_func (g_free);
  GPtrArray *moot = g_ptr_array_new_with_free_func (g_free);

  resolve_settings (self, wrong, moot);
  post_complaints (self, moot);
  if (wrong->len > 0)
    gst_fbnet_post_settings (self, GST_MESSAGE_ERROR, g_ptr_array_index (wrong, 0));
  return wrong->len == 0;
}

/* What is remembered from frame to frame means nothing any more. */
static void
reset_stream (GstFbnetDetect *self)
{
  self->history = (GstFbnetHistory){ 0 };
  self->n_slow = 0;
  GST_OBJECT_LOCK (self);
  self->earliest_time = GST_CLOCK_TIME_NONE;
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_fbnet_detect_stop (GstBaseTransform *trans)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);

  gst_fbnet_loader_stop (self->loader);
  gst_fbnet_worker_stop (self->worker);
  GST_OBJECT_LOCK (self);
  GstFbnetNetwork *network = g_steal_pointer (&self->network);
  GST_OBJECT_UNLOCK (self);
  gst_fbnet_network_unref (network);

  gst_fbnet_settings_clear (&self->now);
  gst_fbnet_teller_clear (&self->teller);
  g_clear_pointer (&self->thresholds, g_free);
  g_clear_pointer (&self->complaints, g_ptr_array_unref);
#ifdef HAVE_OVERLAY
  g_clear_pointer (&self->overlay, gst_fbnet_overlay_free);
#endif
  return TRUE;
}

static void
begin (GstFbnetDetect *self)
{
  self->complaints = g_ptr_array_new_with_free_func (g_free);
  self->scheduled = self->latest = self->live = self->warm = FALSE;
  self->told_slow = self->told_unreadable = self->told_regions = self->told_orientation = FALSE;
  self->was_enabled = TRUE;
  reset_stream (self);
  GST_OBJECT_LOCK (self);
  self->stats = (GstFbnetStats){ 0 };
  self->meta_types = self->settings.meta_types;
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_fbnet_detect_start (GstBaseTransform *trans)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);
  g_autoptr (GError) error = NULL;

  begin (self);
  gst_fbnet_loader_start (self->loader);
  GstFbnetNetwork *network = open_network (self, &error);
  if (network == NULL) {
    gst_fbnet_post_engine_error (self, GST_MESSAGE_ERROR, error);
    gst_fbnet_detect_stop (trans);
    return FALSE;
  }

  GST_OBJECT_LOCK (self);
  self->network = network;
  GST_OBJECT_UNLOCK (self);
  gst_fbnet_worker_release (self->worker);
  GST_INFO_OBJECT (self, "%s, %u classes, kernels %s, %u threads", network->path,
      network->n_classes, gst_fbnet_network_get_kernels (network),
      gst_fbnet_network_get_n_threads (network));

  if (check_settings_at_start (self))
    return TRUE;
  gst_fbnet_detect_stop (trans);
  return FALSE;
}

static gboolean
is_upstream_live (GstBaseTransform *trans)
{
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (trans), query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  return live;
}

/* With the first caps: sources do not know earlier whether they are live. */
static void
choose_scheduling (GstFbnetDetect *self)
{
  self->live = is_upstream_live (GST_BASE_TRANSFORM (self));
  if (self->scheduled)
    return;
  self->scheduled = TRUE;
  GST_OBJECT_LOCK (self);
  const GstFbnetScheduling scheduling = self->settings.scheduling;
  GST_OBJECT_UNLOCK (self);
  self->latest = scheduling == GST_FBNET_SCHEDULING_LATEST
      || (scheduling == GST_FBNET_SCHEDULING_AUTO && self->live);
  if (self->latest)
    gst_fbnet_worker_start (self->worker);
  GST_INFO_OBJECT (self, "scheduling %s", self->latest ? "latest" : "sync");
}

static gboolean
gst_fbnet_detect_set_caps (GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);

#ifdef HAVE_OVERLAY
  self->attach_offered = gst_fbnet_attach_in_caps (out);
  self->attach_asked = FALSE;
#endif
  if (!gst_video_info_from_caps (&self->info, in)) {
    g_autofree char *text = gst_caps_to_string (in);
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("expected raw video, found %s", text), (NULL));
    return FALSE;
  }
  gst_fbnet_worker_renew (self->worker);
  self->warm = FALSE;
  choose_scheduling (self);
  return TRUE;
}

#ifdef HAVE_OVERLAY
/* While nothing is drawn, caps pass as they are. */
static GstCaps *
gst_fbnet_detect_transform_caps (GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps,
    GstCaps *filter)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);

  GST_OBJECT_LOCK (self);
  const gboolean offer =
      self->settings.overlay && self->settings.overlay_mode != GST_FBNET_OVERLAY_MODE_BLEND;
  GST_OBJECT_UNLOCK (self);
  g_autoptr (GstCaps) possible = gst_fbnet_attach_transform_caps (direction, caps, offer);
  return filter != NULL ? gst_caps_intersect_full (filter, possible, GST_CAPS_INTERSECT_FIRST)
                        : g_steal_pointer (&possible);
}

static GstCaps *
gst_fbnet_detect_fixate_caps (GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps,
    GstCaps *other)
{
  return GST_BASE_TRANSFORM_CLASS (gst_fbnet_detect_parent_class)
      ->fixate_caps (trans, direction, caps,
          direction == GST_PAD_SINK ? gst_fbnet_attach_prefer (other) : other);
}
#endif

/* What is being looked at is broken off, so that the streaming thread comes back at once. */
static GstStateChangeReturn
gst_fbnet_detect_change_state (GstElement *element, GstStateChange transition)
{
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_fbnet_worker_hold (GST_FBNET_DETECT (element)->worker);
  return GST_ELEMENT_CLASS (gst_fbnet_detect_parent_class)->change_state (element, transition);
}

/* --- Events ------------------------------------------------------------------------------------ */

static void
check_orientation (GstFbnetDetect *self, GstEvent *event)
{
  GstTagList *tags;
  g_autofree char *orientation = NULL;

  gst_event_parse_tag (event, &tags);
  if (self->told_orientation
      || !gst_tag_list_get_string (tags, GST_TAG_IMAGE_ORIENTATION, &orientation)
      || g_str_equal (orientation, "rotate-0"))
    return;
  self->told_orientation = TRUE;
  g_autofree char *text = g_strdup_printf (
      "expected upright frames, found the tag image-orientation=%s: objects are seen turned",
      orientation);
  gst_fbnet_post (self, GST_MESSAGE_WARNING, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, text,
      "videoflip video-direction=auto before fbnetdetect turns them upright.");
}

static gboolean
gst_fbnet_detect_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START:
      gst_fbnet_worker_hold (self->worker);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_fbnet_worker_release (self->worker);
      reset_stream (self);
      break;
    case GST_EVENT_SEGMENT:
      gst_fbnet_worker_renew (self->worker);
      reset_stream (self);
      break;
    case GST_EVENT_TAG:
      check_orientation (self, event);
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS (gst_fbnet_detect_parent_class)->sink_event (trans, event);
}

/* As decoders do it: a frame that was late by so much, and as much again to make up for it. */
static void
note_qos (GstFbnetDetect *self, GstEvent *event)
{
  GstClockTimeDiff difference;
  GstClockTime time;
  double proportion;

  gst_event_parse_qos (event, NULL, &proportion, &difference, &time);
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return;
  GST_OBJECT_LOCK (self);
  self->proportion = proportion;
  self->jitter = difference;
  if (difference > 0)
    self->earliest_time = time + 2 * (GstClockTime) difference;
  else
    self->earliest_time = GST_CLOCK_TIME_NONE;
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_fbnet_detect_src_event (GstBaseTransform *trans, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS)
    note_qos (GST_FBNET_DETECT (trans), event);
  return GST_BASE_TRANSFORM_CLASS (gst_fbnet_detect_parent_class)->src_event (trans, event);
}

/* --- Before a look ----------------------------------------------------------------------------- */

/* GstController's values for the time of this frame. */
static void
gst_fbnet_detect_before_transform (GstBaseTransform *trans, GstBuffer *buffer)
{
  if (trans->segment.format != GST_FORMAT_TIME)
    return;
  const GstClockTime time =
      gst_segment_to_stream_time (&trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));

  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_object_sync_values (GST_OBJECT (trans), time);
}

static void
read_moment (GstFbnetDetect *self, GstBuffer *buffer, GstFbnetMoment *moment)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;

  moment->came = g_get_monotonic_time ();
  moment->pts = GST_BUFFER_PTS (buffer);
  moment->running_time = segment->format == GST_FORMAT_TIME
      ? gst_segment_to_running_time (segment, GST_FORMAT_TIME, moment->pts)
      : GST_CLOCK_TIME_NONE;
}

static GstFbnetReason
decide (GstFbnetDetect *self, GstBuffer *buffer, const GstFbnetMoment *moment)
{
  const gboolean timed = GST_CLOCK_TIME_IS_VALID (moment->running_time);
  GstFbnetCircumstances circumstances = {
    .gap = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP),
    .busy = self->latest && gst_fbnet_worker_is_busy (self->worker, moment->came),
    .time = timed ? moment->running_time : (GstClockTime) moment->came * GST_USECOND,
    .running_time = moment->running_time,
  };

  GST_OBJECT_LOCK (self);
  circumstances.earliest_time = self->earliest_time;
  GST_OBJECT_UNLOCK (self);
  return gst_fbnet_decide (&self->now.rules, &circumstances, &self->history);
}

/* What was found before the pause is not shown after it. */
static void
follow_enable (GstFbnetDetect *self)
{
  const gboolean enabled = self->now.rules.enable;

  if (self->was_enabled && !enabled)
    gst_fbnet_worker_renew (self->worker);
  self->was_enabled = enabled;
}

static void
tell_late (GstFbnetDetect *self, GstBuffer *buffer)
{
  GST_OBJECT_LOCK (self);
  const gint64 jitter = self->jitter;
  const double proportion = self->proportion;
  const guint64 n_looked = self->stats.inferences;
  const guint64 n_late = self->stats.reasons[GST_FBNET_REASON_QOS] + 1;
  GST_OBJECT_UNLOCK (self);
  gst_fbnet_post_qos (GST_BASE_TRANSFORM (self), buffer, self->live, jitter, proportion, n_looked,
      n_late);
}

/* --- Regions ----------------------------------------------------------------------------------- */

static void
complain_roi (GstFbnetDetect *self, const FbnetRegion *roi, guint width, guint height)
{
  if (self->told_of_roi == self->params_revision)
    return;
  self->told_of_roi = self->params_revision;
  g_autofree char *text = g_strdup_printf (
      "roi: expected a part of the frame of %u x %u pixels, found %u x %u at (%u, %u)", width,
      height, roi->width, roi->height, roi->x, roi->y);
  gst_fbnet_post_settings (self, GST_MESSAGE_WARNING, text);
}

/* The property roi, as far as it lies in the visible frame; the whole frame where it does not. */
static FbnetRegion
find_part (GstFbnetDetect *self, guint width, guint height)
{
  const GstFbnetNumbers *numbers = &self->now.roi;
  const FbnetRegion all = { 0, 0, width, height };
  FbnetRegion part;

  if (numbers->n != 4 || numbers->numbers[2] == 0 || numbers->numbers[3] == 0)
    return all;
  const FbnetRegion roi = { numbers->numbers[0], numbers->numbers[1], numbers->numbers[2],
    numbers->numbers[3] };
  if (gst_fbnet_regions_intersect (&all, &roi, &part))
    return part;
  complain_roi (self, &roi, width, height);
  return all;
}

static void
complain_regions (GstFbnetDetect *self, guint n)
{
  if (n <= GST_FBNET_MAX_REGIONS || self->told_regions)
    return;
  self->told_regions = TRUE;
  g_autofree char *text = g_strdup_printf ("inference-region: expected at most %d regions on a "
                                           "frame, found %u: the others are not looked "
                                           "into",
      GST_FBNET_MAX_REGIONS, n);
  gst_fbnet_post_settings (self, GST_MESSAGE_WARNING, text);
}

static void
find_regions (GstFbnetDetect *self, GstBuffer *buffer, const FbnetRegion *part)
{
  const GstFbnetRegion whole = { *part, -1 };

  g_array_set_size (self->regions, 0);
  if (self->now.inference_region == GST_FBNET_REGION_ROI_LIST)
    complain_regions (self,
        gst_fbnet_regions_read (self->regions, buffer, self->now.object_class, part));
  else
    g_array_append_val (self->regions, whole);
}

/* --- Looking ----------------------------------------------------------------------------------- */

static void
complain_unreadable (GstFbnetDetect *self, GstBuffer *buffer)
{
  if (self->told_unreadable)
    return;
  self->told_unreadable = TRUE;
  g_autofree char *text = g_strdup_printf (
      "expected a frame of %d x %d pixels in %s, found a buffer of %" G_GSIZE_FORMAT
      " bytes that cannot be mapped as one: it passes without being looked at",
      GST_VIDEO_INFO_WIDTH (&self->info), GST_VIDEO_INFO_HEIGHT (&self->info),
      GST_VIDEO_INFO_NAME (&self->info), gst_buffer_get_size (buffer));
  gst_fbnet_post (self, GST_MESSAGE_WARNING, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, text, NULL);
}

static gboolean
find_visible (GstFbnetDetect *self, GstBuffer *buffer, const GstVideoFrame *frame,
    FbnetRegion *visible)
{
  guint width = (guint) GST_VIDEO_FRAME_WIDTH (frame);
  guint height = (guint) GST_VIDEO_FRAME_HEIGHT (frame);

  /* A GstVideoMeta may describe a larger picture than the caps do. */
  if (gst_buffer_get_video_crop_meta (buffer) == NULL) {
    width = MIN (width, (guint) GST_VIDEO_INFO_WIDTH (&self->info));
    height = MIN (height, (guint) GST_VIDEO_INFO_HEIGHT (&self->info));
  }
  return gst_fbnet_regions_get_visible (buffer, width, height, visible);
}

/* The engine looks at rectangles, and writes into the view all that a look needs. */
static gboolean
fill_view (GstFbnetDetect *self, GstFbnetView *view, GstBuffer *buffer, GstVideoFrame *frame,
    const FbnetRegion *visible, GError **error)
{
  const FbnetRegion part = find_part (self, visible->width, visible->height);

  view->evaluate = self->now.evaluate && self->network->detector != NULL;
  if (view->evaluate)
    gst_fbnet_evaluation_read (view->evaluation, buffer, self->network,
        self->params.class_thresholds, visible->width, visible->height);
  if (self->network->classifier != NULL)
    return gst_fbnet_view_take_picture (view, &self->info, frame, visible, &part, self->latest,
        error);
  find_regions (self, buffer, &part);
  return gst_fbnet_view_fill (view, &self->info, frame, visible, self->regions, error);
}

/* Hands the view over, or looks at it. */
static gboolean
look_at (GstFbnetDetect *self, GError **error)
{
  if (!self->latest)
    return gst_fbnet_worker_look (self->worker, error);
  if (gst_fbnet_worker_submit (self->worker)) {
    GST_OBJECT_LOCK (self);
    self->stats.replaced++;
    GST_OBJECT_UNLOCK (self);
  }
  return TRUE;
}

/* FALSE with error; or `reason` says why it was not looked at after all. */
static gboolean
look (GstFbnetDetect *self, GstBuffer *buffer, const GstFbnetMoment *moment, guint generation,
    GstFbnetReason *reason, GError **error)
{
  GstFbnetView *view = gst_fbnet_worker_get_view (self->worker);
  FbnetRegion visible;
  GstVideoFrame frame;

  if (!gst_fbnet_image_map (&frame, &self->info, buffer,
          GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
    complain_unreadable (self, buffer);
    *reason = GST_FBNET_REASON_UNREADABLE;
    return TRUE;
  }
  gst_fbnet_view_set_params (view, self->network, &self->params, self->params_revision);
  view->n_top = self->now.top_classes;
  view->moment = *moment;
  view->generation = generation;
  gboolean done = TRUE;
  if (find_visible (self, buffer, &frame, &visible))
    done = fill_view (self, view, buffer, &frame, &visible, error) && look_at (self, error);
  else
    *reason = GST_FBNET_REASON_UNREADABLE;
  gst_video_frame_unmap (&frame);
  if (!done && g_error_matches (*error, FBNET_ERROR, FBNET_ERROR_CANCELLED)) {
    g_clear_error (error);
    *reason = GST_FBNET_REASON_CANCELLED;
    return TRUE;
  }
  return done;
}

/* --- Telling ----------------------------------------------------------------------------------- */

#ifdef HAVE_OVERLAY
static gboolean
attaches (GstFbnetDetect *self)
{
  const gint mode = self->now.overlay_mode;

  if (mode != GST_FBNET_OVERLAY_MODE_AUTO || !self->attach_offered)
    return mode == GST_FBNET_OVERLAY_MODE_ATTACH;
  if (!self->attach_asked) {
    self->attach_taken = gst_fbnet_attach_is_taken (GST_BASE_TRANSFORM_SRC_PAD (self));
    self->attach_asked = TRUE;
  }
  return self->attach_taken;
}

static void
draw_overlay (GstFbnetDetect *self, GstBuffer *buffer, const GstFbnetResult *result)
{
  if (self->overlay == NULL)
    self->overlay = gst_fbnet_overlay_new ();
  if (attaches (self)) {
    GstVideoOverlayComposition *composition =
        gst_fbnet_overlay_compose (self->overlay, result, &self->now.style);
    if (composition != NULL)
      gst_fbnet_attach_add (buffer, composition);
    return;
  }

  GstVideoFrame frame;
  FbnetRegion visible;
  if (!gst_fbnet_image_map (&frame, &self->info, buffer,
          GST_MAP_READWRITE | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
    complain_unreadable (self, buffer);
    return;
  }
  if (find_visible (self, buffer, &frame, &visible)) {
    gst_fbnet_regions_crop_frame (&frame, &visible);
    gst_fbnet_overlay_draw (self->overlay, result, &self->now.style, &frame);
  }
  gst_video_frame_unmap (&frame);
}
#endif

static void
emit_new_detections (GstFbnetDetect *self, GstBuffer *buffer, const GstFbnetResult *result)
{
  if (!g_signal_has_handler_pending (self, signals[SIGNAL_NEW_DETECTIONS], 0, FALSE))
    return;
  g_autoptr (GstStructure) structure = gst_fbnet_structure_new_detections (result);
  g_signal_emit (self, signals[SIGNAL_NEW_DETECTIONS], 0, buffer, structure);
}

/* Whether the frame carries the newest look, which no frame has carried if it is `fresh`. */
static gboolean
carries (GstFbnetDetect *self, GstFbnetReason reason, gboolean fresh, const GstFbnetMoment *moment)
{
  const GstFbnetOnSkip on_skip = self->now.on_skip;
  const gboolean repeats =
      on_skip == GST_FBNET_ON_SKIP_REPEAT || (on_skip == GST_FBNET_ON_SKIP_AUTO && self->latest);

  if (reason == GST_FBNET_REASON_DISABLED)
    return FALSE;
  return fresh
      || (repeats
          && gst_fbnet_moment_distance (&self->told_at, moment) <= self->now.repeat_timeout);
}

static void
attach (GstFbnetDetect *self, GstBuffer *buffer, const GstFbnetResult *result)
{
  if (result != NULL)
    gst_fbnet_meta_attach (result, buffer, self->meta_types);
#ifdef HAVE_ANALYTICS
  else
    gst_fbnet_analytics_take_off_empty (buffer);
#endif
#ifdef HAVE_OVERLAY
  if (result != NULL && self->now.overlay)
    draw_overlay (self, buffer, result);
#endif
}

/* Puts the newest look on the frame, if it is to have it, and the truth; tells those who want to know. */
static void
tell (GstFbnetDetect *self, GstBuffer *buffer, const GstFbnetMoment *moment,
    const GstFbnetLook *look, GstFbnetTruth *truth)
{
  const gboolean fresh = look != NULL && look->number != self->told;
  GstFbnetResult result;
  const GstFbnetResult *carried = NULL;

  if (fresh)
    self->told_at = *moment;
  if (look != NULL && carries (self, truth->reason, fresh, moment)) {
    self->told = look->number;
    result = look->result;
    result.age = truth->age = gst_fbnet_moment_distance (&look->moment, moment);
    result.repeated = truth->repeated = !fresh;
    truth->inferred_pts = look->moment.pts;
    carried = &result;
  }
  attach (self, buffer, carried);
  gst_fbnet_truth_attach (truth, buffer);
  if (carried != NULL && fresh)
    emit_new_detections (self, buffer, carried);
  gst_fbnet_teller_tell (&self->teller, GST_BASE_TRANSFORM (self), buffer, self->now.post_messages,
      carried, carried != NULL && fresh, truth);
}

/* --- Taking stock ------------------------------------------------------------------------------ */

static GstClockTime
frame_duration (GstFbnetDetect *self, GstBuffer *buffer)
{
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    return GST_BUFFER_DURATION (buffer);
  if (GST_VIDEO_INFO_FPS_N (&self->info) <= 0)
    return GST_CLOCK_TIME_NONE;
  return gst_util_uint64_scale_int (GST_SECOND, GST_VIDEO_INFO_FPS_D (&self->info),
      GST_VIDEO_INFO_FPS_N (&self->info));
}

/* In step with a stream that waits for nobody, looks must not last longer than frames. */
static void
watch_speed (GstFbnetDetect *self, GstBuffer *buffer, GstClockTime elapsed)
{
  const GstClockTime duration = frame_duration (self, buffer);
  const guint interval = self->now.rules.interval;

  if (self->told_slow || !GST_CLOCK_TIME_IS_VALID (duration))
    return;
  GST_OBJECT_LOCK (self);
  const gboolean late = GST_CLOCK_TIME_IS_VALID (self->earliest_time);
  GST_OBJECT_UNLOCK (self);
  self->n_slow = elapsed / interval > duration && (self->live || late) ? self->n_slow + 1 : 0;
  if (self->n_slow < MANY_SLOW_LOOKS)
    return;
  self->told_slow = TRUE;
  gst_fbnet_post_too_slow (self, elapsed, duration);
}

/* What happens once per size of frames is no latency of the stream. */
static GstClockTime
time_taken (GstFbnetDetect *self, const GstFbnetMoment *moment, const GstFbnetLook *look)
{
  gint64 elapsed = g_get_monotonic_time () - moment->came;

  if (look != NULL)
    elapsed -= (gint64) (look->timings.ms[FBNET_STAGE_PREPARE] * 1000);
  return (GstClockTime) MAX (elapsed, 0) * GST_USECOND;
}

/* `look` (nullable): that was made in this thread. */
static void
take_stock (GstFbnetDetect *self, GstBuffer *buffer, const GstFbnetMoment *moment,
    const GstFbnetLook *look, const GstFbnetTruth *truth)
{
  const GstClockTime elapsed = time_taken (self, moment, look);
  const gboolean looked = truth->reason == GST_FBNET_REASON_LOOKED;
  gboolean tell = FALSE;

  GST_OBJECT_LOCK (self);
  gst_fbnet_stats_add_frame (&self->stats, truth->reason, moment->came, truth->age);
  if (looked && (self->warm || !self->latest))
    tell = gst_fbnet_stats_add_latency (&self->stats, elapsed);
  GST_OBJECT_UNLOCK (self);
  self->warm |= looked;
  if (tell)
    gst_element_post_message (GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
  if (looked && !self->latest)
    watch_speed (self, buffer, elapsed);
}

/* In the thread that looked. */
static void
note_look (const GstFbnetLook *look, gpointer data)
{
  GstFbnetDetect *self = data;

  GST_OBJECT_LOCK (self);
  gst_fbnet_stats_add_look (&self->stats, look);
  GST_OBJECT_UNLOCK (self);
}

/* --- The frame --------------------------------------------------------------------------------- */

static GstFlowReturn
fail (GstFbnetDetect *self, const GError *error)
{
  const gboolean memory = g_error_matches (error, FBNET_ERROR, FBNET_ERROR_MEMORY);

  gst_fbnet_post (self, GST_MESSAGE_ERROR, memory ? GST_RESOURCE_ERROR : GST_STREAM_ERROR,
      memory ? GST_RESOURCE_ERROR_NO_SPACE_LEFT : GST_STREAM_ERROR_FAILED, error->message, NULL);
  return GST_FLOW_ERROR;
}

static GstFlowReturn
gst_fbnet_detect_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);
  g_autoptr (GError) error = NULL;
  GstFbnetMoment moment;

  read_moment (self, buffer, &moment);
  take_ready (self);
  if (settings_changed (self))
    follow_settings (self);
  follow_enable (self);

  const guint generation = gst_fbnet_worker_get_generation (self->worker);
  GstFbnetTruth truth = { decide (self, buffer, &moment), GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE,
    FALSE, generation };
  if (truth.reason == GST_FBNET_REASON_QOS)
    tell_late (self, buffer);
  if (truth.reason == GST_FBNET_REASON_LOOKED
      && !look (self, buffer, &moment, generation, &truth.reason, &error))
    return fail (self, error);

  g_autoptr (GstFbnetLook) newest = gst_fbnet_worker_get_newest (self->worker, &error);
  if (error != NULL)
    return fail (self, error);
  tell (self, buffer, &moment, newest, &truth);
  take_stock (self, buffer, &moment, self->latest ? NULL : newest, &truth);
  return GST_FLOW_OK;
}

/* --- Queries ----------------------------------------------------------------------------------- */

static void
add_latency (GstFbnetDetect *self, GstQuery *query)
{
  gboolean live;
  GstClockTime minimum, maximum;

  gst_query_parse_latency (query, &live, &minimum, &maximum);
  GST_OBJECT_LOCK (self);
  const GstClockTime own = self->stats.latency;
  self->stats.announced = own;
  GST_OBJECT_UNLOCK (self);
  if (!live)
    return;
  if (GST_CLOCK_TIME_IS_VALID (maximum))
    maximum += own;
  gst_query_set_latency (query, TRUE, minimum + own, maximum);
}

static gboolean
gst_fbnet_detect_query (GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  const gboolean answered =
      GST_BASE_TRANSFORM_CLASS (gst_fbnet_detect_parent_class)->query (trans, direction, query);

  if (answered && direction == GST_PAD_SRC && GST_QUERY_TYPE (query) == GST_QUERY_LATENCY)
    add_latency (GST_FBNET_DETECT (trans), query);
  return answered;
}

/* --- Properties -------------------------------------------------------------------------------- */

/* From a copy: percentiles take longer than a frame may have to wait. */
static GstStructure *
describe_stats (GstFbnetDetect *self)
{
  GST_OBJECT_LOCK (self);
  g_autofree GstFbnetStats *stats = g_memdup2 (&self->stats, sizeof self->stats);
  g_autoptr (GstFbnetNetwork) network =
      self->network != NULL ? gst_fbnet_network_ref (self->network) : NULL;
  GST_OBJECT_UNLOCK (self);
  return gst_fbnet_stats_to_structure (stats, network);
}

static void
complain_needs_start (GstFbnetDetect *self, const char *name)
{
  g_autofree char *text = g_strdup_printf ("%s: expected to be set in NULL or READY, found the "
                                           "element running: it takes effect with the "
                                           "next start",
      name);

  gst_fbnet_post_settings (self, GST_MESSAGE_WARNING, text);
}

static void
gst_fbnet_detect_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (object);

  GST_OBJECT_LOCK (self);
  const gboolean drew = self->settings.overlay;
  const gboolean known = gst_fbnet_settings_set (&self->settings, id, value);
  const gboolean draws = self->settings.overlay;
  if (known)
    self->revision++;
  if (known && gst_fbnet_settings_names_file (id))
    gst_fbnet_loader_request (self->loader);
  GST_OBJECT_UNLOCK (self);

  if (draws != drew) /* whether the caps tell of drawings */
    gst_base_transform_reconfigure_src (GST_BASE_TRANSFORM (self));
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  else if (gst_fbnet_settings_needs_start (id) && gst_fbnet_loader_is_started (self->loader))
    complain_needs_start (self, spec->name);
}

static void
gst_fbnet_detect_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (object);

  if (id == prop_stats) {
    g_value_take_boxed (value, describe_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  const FbnetParams *model = self->network != NULL ? &self->network->defaults : NULL;
  const gboolean known = gst_fbnet_settings_get (&self->settings, id, model, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
gst_fbnet_detect_finalize (GObject *object)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (object);

  gst_fbnet_loader_free (self->loader);
  gst_fbnet_worker_free (self->worker);
  g_array_unref (self->regions);
  gst_fbnet_settings_clear (&self->settings);
  G_OBJECT_CLASS (gst_fbnet_detect_parent_class)->finalize (object);
}

/* --- The class --------------------------------------------------------------------------------- */

static void
install_signals (GType type)
{
  /**
   * GstFbnetDetect::new-detections:
   * @buffer: the frame, with its metadata attached
   * @detections: "detections" with pts, frame-width, frame-height, count, and the array objects of
   *   structures with label, label_id, confidence, x, y, width, height, and the structures
   *   keypoints or classification where there are some
   *
   * Emitted in the streaming thread for every result, also one that found nothing, with the first frame
   * that carries it: with scheduling=latest a later one than was looked at. The stream waits for the
   * handlers.
   *
   * Since: 0.1
   */
  signals[SIGNAL_NEW_DETECTIONS] = g_signal_new ("new-detections", type, G_SIGNAL_RUN_LAST, 0, NULL,
      NULL, NULL, G_TYPE_NONE, 2, GST_TYPE_BUFFER, GST_TYPE_STRUCTURE);

  /**
   * GstFbnetDetect::model-updated:
   * @success: whether the new model, or its labels, are in use
   * @text: the model's file, or why the old one stays
   *
   * Follows a change of model-file or label-file while the element runs: in the streaming thread
   * before the first frame that the new model sees, or in the loader's thread after a failure.
   *
   * Since: 0.1
   */
  signals[SIGNAL_MODEL_UPDATED] = g_signal_new ("model-updated", type, G_SIGNAL_RUN_LAST, 0, NULL,
      NULL, NULL, G_TYPE_NONE, 2, G_TYPE_BOOLEAN, G_TYPE_STRING);
}

static void
gst_fbnet_detect_class_init (GstFbnetDetectClass *class)
{
  GST_DEBUG_CATEGORY_INIT (gst_fbnet_detect_debug, "fbnetdetect", 0, "FBNet object detector");

  GObjectClass *object_class = G_OBJECT_CLASS (class);
  object_class->set_property = gst_fbnet_detect_set_property;
  object_class->get_property = gst_fbnet_detect_get_property;
  object_class->finalize = gst_fbnet_detect_finalize;
  prop_stats = gst_fbnet_settings_install (object_class);
  g_object_class_install_property (object_class, prop_stats,
      g_param_spec_boxed ("stats", "stats",
          "Counters; latency and ages in ns; milliseconds per stage: last, mean, p50, p95",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  install_signals (G_TYPE_FROM_CLASS (class));
  gst_fbnet_truth_register ();

  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  gst_element_class_set_static_metadata (element_class, "FBNet object detector",
      "Filter/Analyzer/Video", "Finds objects with a D2Go FBNetV3 network, on the CPU",
      "The fbnet authors");
  element_class->change_state = gst_fbnet_detect_change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS (class);
  transform_class->start = gst_fbnet_detect_start;
  transform_class->stop = gst_fbnet_detect_stop;
  transform_class->set_caps = gst_fbnet_detect_set_caps;
#ifdef HAVE_OVERLAY
  transform_class->transform_caps = gst_fbnet_detect_transform_caps;
  transform_class->fixate_caps = gst_fbnet_detect_fixate_caps;
#endif
  transform_class->before_transform = gst_fbnet_detect_before_transform;
  transform_class->transform_ip = gst_fbnet_detect_transform_ip;
  transform_class->sink_event = gst_fbnet_detect_sink_event;
  transform_class->src_event = gst_fbnet_detect_src_event;
  transform_class->query = gst_fbnet_detect_query;
}

static void
gst_fbnet_detect_init (GstFbnetDetect *self)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);

  gst_base_transform_set_in_place (trans, TRUE);
  gst_base_transform_set_qos_enabled (trans, FALSE);
  /* Without this the base class would clear the flag that is passed on. */
  gst_base_transform_set_gap_aware (trans, TRUE);
  gst_fbnet_settings_init (&self->settings);
  self->loader = gst_fbnet_loader_new (open_network, network_opened, self);
  self->worker = gst_fbnet_worker_new (note_look, self);
  self->regions = g_array_new (FALSE, FALSE, sizeof (GstFbnetRegion));
  self->earliest_time = GST_CLOCK_TIME_NONE;
}
