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

#include "gstfbnetaim.h"
#include "gstfbnetattach.h"
#include "gstfbnetimage.h"
#include "gstfbnetmessages.h"
#include "gstfbnetmeta.h"
#include "gstfbnetpace.h"
#include "gstfbnetprediction.h"
#include "gstfbnetsession.h"
#include "gstfbnetstats.h"
#include "gstfbnetstill.h"
#include "gstfbnetstructure.h"
#include "gstfbnettruth.h"
#include "gstfbnetworker.h"

#ifdef HAVE_ANALYTICS
#  include "gstfbnetanalytics.h"
#endif
#ifdef HAVE_OVERLAY
#  include "gstfbnetdrawing.h"
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

struct _GstFbnetDetect {
  GstBaseTransform parent;
  GstFbnetSession *session;
  GstFbnetWorker *worker;

  GstFbnetStats stats; /* the object lock protects it */
  GstFbnetPace pace;

  /* Those of the streaming thread, and of start and stop. */
  GstVideoInfo info;
  const GstFbnetNow *now; /* the session's */
  guint meta_types;       /* GstFbnetMetaTypes, as when the element started */
  gint scheduling;        /* GstFbnetScheduling, likewise */
  gboolean scheduled, latest, live;
  GstFbnetHistory history;
  GstFbnetContinuity continuity;
  GstFbnetPrediction *prediction;
  GstFbnetStill *still;
  gboolean was_enabled;
  guint told;             /* the number of the look that was told last */
  guint n_told;           /* what it found */
  GstFbnetMoment told_at; /* for the first time */
  GstFbnetAim aim;
  GstFbnetTeller teller;
  gboolean warm; /* frames of this size have been seen */
  gboolean told_unreadable, told_orientation;
  gboolean told_refused; /* and nothing was found since */
#ifdef HAVE_OVERLAY
  GstFbnetDrawing drawing;
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

/* --- Start and stop ---------------------------------------------------------------------------- */

/* What is remembered from frame to frame means nothing any more. */
static void
reset_stream (GstFbnetDetect *self)
{
  self->history = (GstFbnetHistory){ 0 };
  self->continuity = (GstFbnetContinuity){ 0 };
  self->n_told = 0;
  gst_fbnet_pace_reset (&self->pace, GST_ELEMENT (self));
}

static gboolean
gst_fbnet_detect_stop (GstBaseTransform *trans)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);

  gst_fbnet_session_stop (self->session);
  gst_fbnet_worker_stop (self->worker);
  gst_fbnet_teller_clear (&self->teller);
  gst_fbnet_aim_clear (&self->aim);
#ifdef HAVE_OVERLAY
  gst_fbnet_drawing_clear (&self->drawing);
#endif
  return TRUE;
}

static void
begin (GstFbnetDetect *self)
{
  self->scheduled = self->latest = self->live = self->warm = FALSE;
  self->told_unreadable = self->told_orientation = FALSE;
  self->was_enabled = TRUE;
  reset_stream (self);
  gst_fbnet_pace_init (&self->pace, GST_ELEMENT (self));
  gst_fbnet_aim_reset (&self->aim);
  GST_OBJECT_LOCK (self);
  self->stats = (GstFbnetStats){ 0 };
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_fbnet_detect_start (GstBaseTransform *trans)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);

  begin (self);
  if (!gst_fbnet_session_start (self->session)) {
    gst_fbnet_detect_stop (trans);
    return FALSE;
  }
  self->meta_types = self->now->settings.meta_types;
  self->scheduling = self->now->settings.scheduling;
  gst_fbnet_worker_release (self->worker);
  const GstFbnetNetwork *network = self->now->network;
  GST_INFO_OBJECT (self, "%s, %u classes, kernels %s, %u threads", network->path,
      network->n_classes, gst_fbnet_network_get_kernels (network),
      gst_fbnet_network_get_n_threads (network));
  return TRUE;
}

/* See GstFbnetUpdatedFunc. */
static void
model_updated (GstElement *element, gboolean success, const char *text)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (element);

  if (success) {
    gst_fbnet_worker_renew (self->worker);
    self->warm = FALSE;
    GST_INFO_OBJECT (self, "detecting with %s now", text);
  }
  g_signal_emit (self, signals[SIGNAL_MODEL_UPDATED], 0, success, text);
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

/* What frames of these caps are copied into before they are looked at beside the stream. */
static void
reserve_copies (GstFbnetDetect *self)
{
  GstVideoInfo packed;

  if (gst_video_info_set_format (&packed, GST_VIDEO_INFO_FORMAT (&self->info),
          (guint) GST_VIDEO_INFO_WIDTH (&self->info), (guint) GST_VIDEO_INFO_HEIGHT (&self->info)))
    gst_fbnet_worker_reserve (self->worker, packed.size);
}

/* With the first caps: sources do not know earlier whether they are live. */
static void
choose_scheduling (GstFbnetDetect *self)
{
  self->live = is_upstream_live (GST_BASE_TRANSFORM (self));
  if (self->scheduled)
    return;
  self->scheduled = TRUE;
  self->latest = self->scheduling == GST_FBNET_SCHEDULING_LATEST
      || (self->scheduling == GST_FBNET_SCHEDULING_AUTO && self->live);
  if (self->latest)
    gst_fbnet_worker_start (self->worker);
  GST_INFO_OBJECT (self, "scheduling %s", self->latest ? "latest" : "sync");
}

static gboolean
gst_fbnet_detect_set_caps (GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);

#ifdef HAVE_OVERLAY
  gst_fbnet_drawing_set_caps (&self->drawing, out);
#endif
  if (!gst_video_info_from_caps (&self->info, in)) {
    g_autofree char *text = gst_caps_to_string (in);
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("expected raw video, found %s", text), (NULL));
    return FALSE;
  }
  gst_fbnet_worker_renew (self->worker);
  self->warm = FALSE;
  choose_scheduling (self);
  if (self->latest)
    reserve_copies (self);
  return TRUE;
}

#ifdef HAVE_OVERLAY
/* While nothing is drawn, caps pass as they are. */
static GstCaps *
gst_fbnet_detect_transform_caps (GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps,
    GstCaps *filter)
{
  const gboolean offer = gst_fbnet_session_offers_attaching (GST_FBNET_DETECT (trans)->session);
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

/* Whether a videoflip stands in the row of elements before this one. That of GStreamer 1.22 turns the frames
 * and passes the tag. */
static gboolean
is_behind_videoflip (GstFbnetDetect *self)
{
  GstPad *pad = gst_pad_get_peer (GST_BASE_TRANSFORM_SINK_PAD (self));
  gboolean found = FALSE;

  while (pad != NULL && !found) {
    g_autoptr (GstElement) element = gst_pad_get_parent_element (pad);
    const GstElementFactory *factory = element != NULL ? gst_element_get_factory (element) : NULL;
    g_autoptr (GstPad) sink = element != NULL ? gst_element_get_static_pad (element, "sink") : NULL;
    found = factory != NULL && g_str_equal (GST_OBJECT_NAME (factory), "videoflip");
    gst_object_unref (pad);
    pad = sink != NULL ? gst_pad_get_peer (sink) : NULL;
  }
  gst_clear_object (&pad);
  return found;
}

static void
check_orientation (GstFbnetDetect *self, GstEvent *event)
{
  GstTagList *tags;
  g_autofree char *orientation = NULL;

  gst_event_parse_tag (event, &tags);
  if (self->told_orientation
      || !gst_tag_list_get_string (tags, GST_TAG_IMAGE_ORIENTATION, &orientation)
      || g_str_equal (orientation, "rotate-0") || is_behind_videoflip (self))
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
    case GST_EVENT_EOS:
      g_object_notify (G_OBJECT (self), "stats"); /* gst-launch-1.0 -v prints them */
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS (gst_fbnet_detect_parent_class)->sink_event (trans, event);
}

static gboolean
gst_fbnet_detect_src_event (GstBaseTransform *trans, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS)
    gst_fbnet_pace_take_event (&GST_FBNET_DETECT (trans)->pace, GST_ELEMENT (trans), event);
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
  const GstFbnetCircumstances circumstances = {
    .gap = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP),
    .busy = self->latest && gst_fbnet_worker_is_busy (self->worker, moment->came),
    .time = timed ? moment->running_time : (GstClockTime) moment->came * GST_USECOND,
    .running_time = moment->running_time,
    .earliest_time = gst_fbnet_pace_get_earliest (&self->pace, GST_ELEMENT (self)),
  };

  return gst_fbnet_decide (&self->now->settings.rules, &circumstances, &self->history);
}

/* What was found before the pause is not shown after it. */
static void
follow_enable (GstFbnetDetect *self)
{
  const gboolean enabled = self->now->settings.rules.enable;

  if (self->was_enabled && !enabled)
    gst_fbnet_worker_renew (self->worker);
  self->was_enabled = enabled;
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

/* The engine looks at rectangles, and writes into the view all that a look needs. */
static gboolean
fill_view (GstFbnetDetect *self, GstFbnetView *view, GstBuffer *buffer, GstVideoFrame *frame,
    const FbnetRegion *visible, GError **error)
{
  const GstFbnetNow *now = self->now;
  const FbnetRegion part = gst_fbnet_aim_find_part (&self->aim, GST_ELEMENT (self), now,
      visible->width, visible->height);

  view->evaluate = now->settings.evaluate && now->network->detector != NULL;
  if (view->evaluate)
    gst_fbnet_evaluation_read (view->evaluation, buffer, now->network, now->params.class_thresholds,
        visible->width, visible->height);
  if (now->network->classifier != NULL)
    return gst_fbnet_view_take_picture (view, &self->info, frame, visible, &part, self->latest,
        error);
  const GArray *regions =
      gst_fbnet_aim_find_regions (&self->aim, GST_ELEMENT (self), &now->settings, buffer, &part);
  return gst_fbnet_view_fill (view, &self->info, frame, visible, regions, self->latest, error);
}

/* Where nothing is said of what counts as new: more than noise. */
#define USUAL_MOTION 16

static gboolean
zooms_by_motion (const GstFbnetView *view)
{
  return view->zoom.regions > 0
      && (view->zoom.policy == FBNET_ZOOM_AUTO || view->zoom.policy == FBNET_ZOOM_MOTION);
}

/* Keeps what is needed to tell motion by. */
static gboolean
follow_motion (GstFbnetDetect *self, GstFbnetView *view, GError **error)
{
  const guint threshold = self->now->settings.still_threshold;
  const gboolean in_parts = threshold > 0 && view->zoom.policy == FBNET_ZOOM_MOTION;
  const gboolean by_motion = in_parts || (gst_fbnet_view_zooms (view) && zooms_by_motion (view));

  view->serial = view->since = 0;
  if (by_motion)
    gst_fbnet_still_find_motion (self->still, view, threshold > 0 ? threshold : USUAL_MOTION);
  if (in_parts)
    gst_fbnet_still_allow_part (self->still, view);
  return (threshold == 0 && !by_motion) || gst_fbnet_still_keep (self->still, view, error);
}

static gboolean
is_still (GstFbnetDetect *self, const GstFbnetView *view)
{
  const guint threshold = self->now->settings.still_threshold;

  return threshold > 0 && gst_fbnet_still_is (self->still, view, threshold, self->n_told > 0);
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

static gboolean
look_if_new (GstFbnetDetect *self, GstFbnetView *view, GstFbnetReason *reason, GError **error)
{
  if (!is_still (self, view))
    return follow_motion (self, view, error) && look_at (self, error);
  *reason = GST_FBNET_REASON_STILL;
  return TRUE;
}

/* Makes it one of this moment. */
static gboolean
prepare_view (GstFbnetDetect *self, GstFbnetView *view, const GstFbnetMoment *moment,
    guint generation, GError **error)
{
  const GstFbnetNow *now = self->now;
  const GstFbnetSettings *settings = &now->settings;
  GstFbnetTracking tracking;

  gst_fbnet_tracking_init (&tracking, settings->tracking && now->network->detector != NULL,
      settings->track_timeout, &settings->tracker, &now->params, now->network->n_classes);
  if (!gst_fbnet_view_set_params (view, now->network, &now->params, &tracking, now->revision,
          error))
    return FALSE;
  view->n_top = settings->top_classes;
  view->zoom = settings->zoom;
  if (settings->inference_region != GST_FBNET_REGION_FULL_FRAME)
    view->zoom.regions = 0;
  view->compared = settings->still_threshold > 0 || zooms_by_motion (view);
  view->moment = *moment;
  view->generation = generation;
  view->jumps = self->continuity.jumps;
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
  gboolean done = prepare_view (self, view, moment, generation, error);
  if (done && gst_fbnet_regions_find_visible (buffer, &self->info, &frame, &visible))
    done = fill_view (self, view, buffer, &frame, &visible, error)
        && look_if_new (self, view, reason, error);
  else if (done)
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

static void
emit_new_detections (GstFbnetDetect *self, GstBuffer *buffer, const GstFbnetResult *result)
{
  if (!g_signal_has_handler_pending (self, signals[SIGNAL_NEW_DETECTIONS], 0, FALSE))
    return;
  g_autoptr (GstStructure) structure = gst_fbnet_structure_new_detections (result);
  g_signal_emit (self, signals[SIGNAL_NEW_DETECTIONS], 0, buffer, structure);
}

/* Whether the frame carries the newest look, which no frame has carried if it is `fresh`. What shows nothing new has
 * what was found before. */
static gboolean
carries (GstFbnetDetect *self, GstFbnetReason reason, gboolean fresh, const GstFbnetMoment *moment)
{
  const GstFbnetOnSkip on_skip = self->now->settings.on_skip;
  const gboolean repeats =
      on_skip == GST_FBNET_ON_SKIP_REPEAT || (on_skip == GST_FBNET_ON_SKIP_AUTO && self->latest);

  if (reason == GST_FBNET_REASON_DISABLED)
    return FALSE;
  if (reason == GST_FBNET_REASON_STILL && on_skip != GST_FBNET_ON_SKIP_NONE)
    return TRUE;
  return fresh
      || (repeats
          && gst_fbnet_moment_distance (&self->told_at, moment)
              <= self->now->settings.repeat_timeout);
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
  if (result != NULL && self->now->settings.overlay
      && !gst_fbnet_drawing_draw (&self->drawing, GST_BASE_TRANSFORM_SRC_PAD (self), &self->info,
          &self->now->settings, buffer, result))
    complain_unreadable (self, buffer);
#endif
}

/* Programs that hear of the frame may take their time, in which no thread has to make way for it. */
static void
tell_others (GstFbnetDetect *self, GstBuffer *buffer, const GstFbnetResult *carried, gboolean fresh,
    const GstFbnetTruth *truth)
{
  const GstFbnetPostMessages when = self->now->settings.post_messages;

  if (when == GST_FBNET_POST_NONE
      && !g_signal_has_handler_pending (self, signals[SIGNAL_NEW_DETECTIONS], 0, FALSE))
    return;
  fbnet_release_processor ();
  if (carried != NULL && fresh)
    emit_new_detections (self, buffer, carried);
  gst_fbnet_teller_tell (&self->teller, GST_BASE_TRANSFORM (self), buffer, when, carried,
      carried != NULL && fresh, truth);
  if (self->latest)
    fbnet_claim_processor ();
}

/* What the newest look found, as the frame at that moment carries it. */
static void
carry (GstFbnetDetect *self, const GstFbnetLook *look, const GstFbnetMoment *moment,
    GstFbnetTruth *truth, GstFbnetResult *result)
{
  *result = look->result;
  result->age = truth->age = gst_fbnet_moment_distance (&look->moment, moment);
  result->repeated = truth->repeated;
  truth->inferred_pts = look->moment.pts;
  /* What stands still has stayed where it was on the frame that this one is like. */
  if (truth->reason == GST_FBNET_REASON_STILL)
    moment = gst_fbnet_still_get_moment (self->still);
  truth->predicted = result->tracks != NULL && gst_fbnet_moment_is_before (&look->moment, moment)
      && gst_fbnet_prediction_make (self->prediction, result,
          (double) (moment->running_time - look->moment.running_time) / GST_SECOND);
}

/* Puts the newest look on the frame, if it is to have it, and the truth; tells those who want to know. */
static void
tell (GstFbnetDetect *self, GstBuffer *buffer, const GstFbnetMoment *moment,
    const GstFbnetLook *look, GstFbnetTruth *truth)
{
  const gboolean fresh = look != NULL && look->number != self->told;
  GstFbnetResult result;
  const GstFbnetResult *carried = NULL;

  if (fresh || truth->reason == GST_FBNET_REASON_STILL)
    self->told_at = *moment;
  if (fresh) {
    self->n_told = gst_fbnet_result_count (&look->result);
    self->told_refused = FALSE;
  }
  if (look != NULL && carries (self, truth->reason, fresh, moment)) {
    self->told = look->number;
    truth->repeated = !fresh;
    carry (self, look, moment, truth, &result);
    carried = &result;
  }
  attach (self, buffer, carried);
  gst_fbnet_truth_attach (truth, buffer);
  tell_others (self, buffer, carried, fresh, truth);
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
    gst_fbnet_pace_watch (&self->pace, GST_ELEMENT (self), self->live, elapsed,
        self->now->settings.rules.interval, frame_duration (self, buffer));
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

/* What was set while frames were looked at, and asks for more than the limits allow, stops no stream. */
static gboolean
tolerate (GstFbnetDetect *self, GError **error, GstFbnetReason *reason)
{
  const gboolean refused = g_error_matches (*error, FBNET_ERROR, FBNET_ERROR_MEMORY)
      || g_error_matches (*error, FBNET_ERROR, FBNET_ERROR_WORK);

  if (!refused || self->told == 0)
    return FALSE;
  if (!self->told_refused)
    gst_fbnet_post_settings (self, GST_MESSAGE_WARNING, (*error)->message);
  self->told_refused = TRUE;
  *reason = GST_FBNET_REASON_REFUSED;
  g_clear_error (error);
  return TRUE;
}

static GstFlowReturn
pass (GstFbnetDetect *self, GstBuffer *buffer)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  g_autoptr (GError) error = NULL;
  GstFbnetMoment moment;

  read_moment (self, buffer, &moment);
  gst_fbnet_session_follow (self->session);
  follow_enable (self);
  gst_fbnet_continuity_follow (&self->continuity, moment.running_time,
      self->now->settings.track_timeout);

  const guint generation = gst_fbnet_worker_get_generation (self->worker);
  GstFbnetTruth truth = { decide (self, buffer, &moment), GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE,
    FALSE, FALSE, generation };
  if (truth.reason == GST_FBNET_REASON_QOS)
    gst_fbnet_pace_tell_late (&self->pace, trans, buffer, self->live, &self->stats);
  if (truth.reason == GST_FBNET_REASON_LOOKED
      && !look (self, buffer, &moment, generation, &truth.reason, &error)
      && !tolerate (self, &error, &truth.reason))
    return fail (self, error);

  g_autoptr (GstFbnetLook) newest = gst_fbnet_worker_get_newest (self->worker, &error);
  if (error != NULL && !tolerate (self, &error, &truth.reason))
    return fail (self, error);
  tell (self, buffer, &moment, newest, &truth);
  take_stock (self, buffer, &moment, self->latest ? NULL : newest, &truth);
  return GST_FLOW_OK;
}

/* What is looked at beside the stream makes way for a frame that passes. */
static GstFlowReturn
gst_fbnet_detect_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);

  if (self->latest)
    fbnet_claim_processor ();
  const GstFlowReturn flow = pass (self, buffer);
  fbnet_release_processor ();
  return flow;
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
  GST_OBJECT_UNLOCK (self);
  g_autoptr (GstFbnetNetwork) network = gst_fbnet_session_ref_network (self->session);

  return gst_fbnet_stats_to_structure (stats, network);
}

static void
gst_fbnet_detect_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  gboolean offers;

  if (!gst_fbnet_session_set (GST_FBNET_DETECT (object)->session, spec, id, value, &offers))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  else if (offers)
    gst_base_transform_reconfigure_src (GST_BASE_TRANSFORM (object));
}

static void
gst_fbnet_detect_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (object);

  if (id == prop_stats)
    g_value_take_boxed (value, describe_stats (self));
  else if (!gst_fbnet_session_get (self->session, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
gst_fbnet_detect_finalize (GObject *object)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (object);

  gst_fbnet_session_free (self->session);
  gst_fbnet_worker_free (self->worker);
  gst_fbnet_prediction_free (self->prediction);
  gst_fbnet_still_free (self->still);
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
  self->session = gst_fbnet_session_new (GST_ELEMENT (self), model_updated);
  self->now = gst_fbnet_session_get_now (self->session);
  self->worker = gst_fbnet_worker_new (note_look, self);
  self->prediction = gst_fbnet_prediction_new ();
  self->still = gst_fbnet_still_new ();
  gst_fbnet_pace_init (&self->pace, GST_ELEMENT (self));
}
