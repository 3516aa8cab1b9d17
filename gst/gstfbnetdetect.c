/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Properties in, caps checked, one engine call per frame, metadata out.
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
 * ]| Shows a video with boxes around the objects.
 *
 * Since: 0.1
 */
#include "gstfbnetdetect.h"

#include <gst/video/video.h>

#include "gstfbnetattach.h"
#include "gstfbnetclasses.h"
#include "gstfbnetevaluate.h"
#include "gstfbnetimage.h"
#include "gstfbnetmeta.h"
#include "gstfbnetnetwork.h"
#include "gstfbnetoverlay.h"
#include "gstfbnetsettings.h"
#include "gstfbnetstats.h"
#include "gstfbnetstructure.h"

GST_DEBUG_CATEGORY_STATIC (gst_fbnet_detect_debug);
#define GST_CAT_DEFAULT gst_fbnet_detect_debug

#define FILES_HINT                                                                                 \
  "fbnet-import makes model files, fbnet-model FILE prints what is in one; a label file is text "  \
  "with a line per class."
#define SETTINGS_HINT "gst-inspect-1.0 fbnetdetect lists the properties and their ranges."

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

  /* The object lock protects these. */
  GstFbnetSettings settings;
  guint revision; /* of settings */
  GstFbnetStats stats;
  GThreadPool *loader;      /* NULL unless started */
  guint load_wanted;        /* counts requests: only the newest is of interest */
  guint load_done;          /* the newest request that was served, or failed */
  GstFbnetNetwork *network; /* replaced by the streaming thread only */
  GstFbnetNetwork *pending; /* loaded, to be taken over before the next frame */

  /* Those of the streaming thread, and of start and stop. */
  GstVideoInfo info;
  guint applied;         /* the revision that the network's parameters follow */
  GPtrArray *complaints; /* about the settings, already posted */
  guint meta_types;      /* GstFbnetMetaTypes, as when the element started */
  GstFbnetEvaluation *evaluation;
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

/* --- Messages ---------------------------------------------------------------------------------- */

/* No lock may be held. */
static void
post (GstFbnetDetect *self, GstMessageType type, GQuark domain, gint code, const char *text,
    const char *hint)
{
  gst_element_message_full (GST_ELEMENT (self), type, domain, code, g_strdup (text),
      g_strdup (hint), __FILE__, GST_FUNCTION, __LINE__);
}

static void
post_error_of_engine (GstFbnetDetect *self, GstMessageType type, const GError *error)
{
  GQuark domain = GST_RESOURCE_ERROR;
  gint code = GST_RESOURCE_ERROR_FAILED;

  switch ((FbnetError) error->code) {
    case FBNET_ERROR_NOT_FOUND:
      code = GST_RESOURCE_ERROR_NOT_FOUND;
      break;
    case FBNET_ERROR_IO:
      code = GST_RESOURCE_ERROR_READ;
      break;
    case FBNET_ERROR_FORMAT:
    case FBNET_ERROR_UNSUPPORTED:
      domain = GST_STREAM_ERROR;
      code = GST_STREAM_ERROR_WRONG_TYPE;
      break;
    case FBNET_ERROR_ARGUMENT:
      code = GST_RESOURCE_ERROR_SETTINGS;
      break;
    case FBNET_ERROR_MEMORY:
      code = GST_RESOURCE_ERROR_NO_SPACE_LEFT;
      break;
    case FBNET_ERROR_CANCELLED: /* nothing here cancels a run */
      break;
  }
  post (self, type, domain, code, error->message, FILES_HINT);
}

static void
post_settings (GstFbnetDetect *self, GstMessageType type, const char *text)
{
  post (self, type, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, text, SETTINGS_HINT);
}

/* --- Settings ---------------------------------------------------------------------------------- */

/* Posts the complaints that were not posted when the settings were last looked at. Takes them. */
static void
post_complaints (GstFbnetDetect *self, GPtrArray *complaints)
{
  for (guint i = 0; i < complaints->len; i++) {
    const char *text = g_ptr_array_index (complaints, i);
    if (!g_ptr_array_find_with_equal_func (self->complaints, text, g_str_equal, NULL))
      post_settings (self, GST_MESSAGE_WARNING, text);
  }
  g_ptr_array_unref (self->complaints);
  self->complaints = complaints;
}

/* Makes the network follow the settings. What it cannot follow is `unknown` (see
 * gst_fbnet_classes_apply()) or `moot` (gst_fbnet_settings_apply()), or, when the numbers do not go
 * together, `error`. */
static gboolean
resolve_settings (GstFbnetDetect *self, GPtrArray *unknown, GPtrArray *moot, GError **error)
{
  GstFbnetNetwork *network = self->network;
  FbnetParams params = network->defaults;
  GstFbnetSettings settings = { 0 };

  GST_OBJECT_LOCK (self);
  gst_fbnet_settings_copy (&settings, &self->settings);
  self->applied = self->revision;
  GST_OBJECT_UNLOCK (self);

  gst_fbnet_settings_apply (&settings, network->model, network->path, &params, moot);
  gst_fbnet_classes_apply (&settings, network, &params, unknown);
  gst_fbnet_settings_clear (&settings);
  return gst_fbnet_network_set_params (network, &params, error);
}

static gboolean
settings_changed (GstFbnetDetect *self)
{
  GST_OBJECT_LOCK (self);
  const gboolean changed = self->applied != self->revision;
  GST_OBJECT_UNLOCK (self);
  return changed;
}

static gboolean
is_loading (GstFbnetDetect *self)
{
  GST_OBJECT_LOCK (self);
  const gboolean loading = self->load_done != self->load_wanted || self->pending != NULL;
  GST_OBJECT_UNLOCK (self);
  return loading;
}

/* Between two frames: what cannot be followed is told once and left out. While a network is loading
 * nothing is told: the settings may be meant for that one. */
static void
follow_settings (GstFbnetDetect *self)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *complaints = g_ptr_array_new_with_free_func (g_free);

  if (!resolve_settings (self, complaints, complaints, &error))
    g_ptr_array_add (complaints, g_strdup (error->message));
  if (is_loading (self))
    g_ptr_array_unref (complaints);
  else
    post_complaints (self, complaints);
}

/* --- Network ----------------------------------------------------------------------------------- */

/* As the properties say now. NULL with `error`, also when no model is set. */
static GstFbnetNetwork *
open_network (GstFbnetDetect *self, GError **error)
{
  GstFbnetSettings settings = { 0 };

  GST_OBJECT_LOCK (self);
  gst_fbnet_settings_copy (&settings, &self->settings);
  GST_OBJECT_UNLOCK (self);

  GstFbnetNetwork *network =
      gst_fbnet_network_open (settings.model_file, settings.label_file, &settings.options, error);
  gst_fbnet_settings_clear (&settings);
  return network;
}

/* In the loader's thread. The streaming thread takes the network over before its next frame. */
static void
load_pending (gpointer request, gpointer data)
{
  GstFbnetDetect *self = data;
  g_autoptr (GError) error = NULL;
  GstFbnetNetwork *network = open_network (self, &error);

  GST_OBJECT_LOCK (self);
  const gboolean newest = self->load_wanted == GPOINTER_TO_UINT (request);
  if (newest) {
    GstFbnetNetwork *superseded = self->pending;
    self->pending = network;
    network = superseded;
    self->load_done = self->load_wanted;
    self->revision++; /* what was kept back while loading is told now */
  }
  GST_OBJECT_UNLOCK (self);

  gst_fbnet_network_close (network);
  if (newest && error != NULL) {
    post_error_of_engine (self, GST_MESSAGE_WARNING, error);
    g_signal_emit (self, signals[SIGNAL_MODEL_UPDATED], 0, FALSE, error->message);
  }
}

/* With the object lock held. */
static void
request_load (GstFbnetDetect *self)
{
  if (self->loader == NULL)
    return;
  self->load_wanted++;
  g_thread_pool_push (self->loader, GUINT_TO_POINTER (self->load_wanted), NULL);
}

/* Before a frame: the new network, if one has been loaded, takes the old one's place. */
static void
take_pending (GstFbnetDetect *self)
{
  GST_OBJECT_LOCK (self);
  GstFbnetNetwork *old = NULL;
  const gboolean swap = self->pending != NULL;
  if (swap) {
    old = self->network;
    self->network = g_steal_pointer (&self->pending);
    self->revision++;
  }
  GST_OBJECT_UNLOCK (self);
  if (!swap)
    return;

  gst_fbnet_network_close (old);
  GST_INFO_OBJECT (self, "detecting with %s now", self->network->path);
  g_signal_emit (self, signals[SIGNAL_MODEL_UPDATED], 0, TRUE, self->network->path);
}

/* --- Start and stop ---------------------------------------------------------------------------- */

static gboolean
check_settings_at_start (GstFbnetDetect *self)
{
  g_autoptr (GPtrArray) unknown = g_ptr_array_new_with_free_func (g_free);
  GPtrArray *moot = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  const gboolean sound = resolve_settings (self, unknown, moot, &error);

  post_complaints (self, moot);
  if (!sound)
    post_settings (self, GST_MESSAGE_ERROR, error->message);
  else if (unknown->len > 0)
    post_settings (self, GST_MESSAGE_ERROR, g_ptr_array_index (unknown, 0));
  return sound && unknown->len == 0;
}

static gboolean
gst_fbnet_detect_stop (GstBaseTransform *trans)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);

  GST_OBJECT_LOCK (self);
  GThreadPool *loader = g_steal_pointer (&self->loader);
  GST_OBJECT_UNLOCK (self);
  if (loader != NULL)
    g_thread_pool_free (loader, TRUE, TRUE);

  GST_OBJECT_LOCK (self);
  GstFbnetNetwork *network = g_steal_pointer (&self->network);
  GstFbnetNetwork *pending = g_steal_pointer (&self->pending);
  self->load_done = self->load_wanted;
  GST_OBJECT_UNLOCK (self);
  gst_fbnet_network_close (network);
  gst_fbnet_network_close (pending);

  g_clear_pointer (&self->complaints, g_ptr_array_unref);
  g_clear_pointer (&self->evaluation, gst_fbnet_evaluation_free);
#ifdef HAVE_OVERLAY
  g_clear_pointer (&self->overlay, gst_fbnet_overlay_free);
#endif
  return TRUE;
}

static gboolean
gst_fbnet_detect_start (GstBaseTransform *trans)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);
  g_autoptr (GError) error = NULL;
  GstFbnetNetwork *network = open_network (self, &error);

  if (network == NULL) {
    post_error_of_engine (self, GST_MESSAGE_ERROR, error);
    return FALSE;
  }

  self->complaints = g_ptr_array_new_with_free_func (g_free);
  self->evaluation = gst_fbnet_evaluation_new ();
  GST_OBJECT_LOCK (self);
  self->network = network;
  self->stats = (GstFbnetStats){ 0 };
  self->meta_types = self->settings.meta_types;
  self->loader = g_thread_pool_new (load_pending, self, 1, FALSE, NULL);
  GST_OBJECT_UNLOCK (self);
  GST_INFO_OBJECT (self, "%s, %u classes, kernels %s, %u threads", network->path,
      network->n_classes, gst_fbnet_network_get_kernels (network),
      gst_fbnet_network_get_n_threads (network));

  if (check_settings_at_start (self))
    return TRUE;
  gst_fbnet_detect_stop (trans);
  return FALSE;
}

static gboolean
gst_fbnet_detect_set_caps (GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);

#ifdef HAVE_OVERLAY
  self->attach_offered = gst_fbnet_attach_in_caps (out);
  self->attach_asked = FALSE;
#endif
  if (gst_video_info_from_caps (&self->info, in))
    return TRUE;
  g_autofree char *text = gst_caps_to_string (in);
  GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("expected raw video, found %s", text), (NULL));
  return FALSE;
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

/* --- Frames ------------------------------------------------------------------------------------ */

/* GstController's values for the time of this frame. */
static void
gst_fbnet_detect_before_transform (GstBaseTransform *trans, GstBuffer *buffer)
{
  const GstClockTime time =
      gst_segment_to_stream_time (&trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));

  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_object_sync_values (GST_OBJECT (trans), time);
}

static GstFlowReturn
fail_mapping (GstFbnetDetect *self, GstBuffer *buffer)
{
  GST_ELEMENT_ERROR (self, STREAM, FORMAT,
      ("expected a frame of %d x %d pixels in %s, found a buffer of %" G_GSIZE_FORMAT
       " bytes that cannot be mapped as one",
          GST_VIDEO_INFO_WIDTH (&self->info), GST_VIDEO_INFO_HEIGHT (&self->info),
          GST_VIDEO_INFO_NAME (&self->info), gst_buffer_get_size (buffer)),
      (NULL));
  return GST_FLOW_ERROR;
}

static GstFlowReturn
detect (GstFbnetDetect *self, GstBuffer *buffer)
{
  GstVideoFrame frame;

  if (!gst_video_frame_map (&frame, &self->info, buffer,
          GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF))
    return fail_mapping (self, buffer);

  FbnetImage image;
  g_autoptr (GError) error = NULL;
  const gboolean readable = gst_fbnet_image_from_frame (&image, &self->info, &frame);
  const gboolean done = readable && gst_fbnet_network_run (self->network, &image, &error);
  gst_video_frame_unmap (&frame);
  if (!readable)
    return GST_FLOW_NOT_NEGOTIATED;
  if (!done) {
    post (self, GST_MESSAGE_ERROR, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, error->message, NULL);
    return GST_FLOW_ERROR;
  }
  return GST_FLOW_OK;
}

static void
describe_result (GstFbnetDetect *self, GstBuffer *buffer, guint n_top, GstFbnetResult *result)
{
  gst_fbnet_network_get_result (self->network, n_top, result);
  result->width = GST_VIDEO_INFO_WIDTH (&self->info);
  result->height = GST_VIDEO_INFO_HEIGHT (&self->info);
  result->inferred_pts = GST_BUFFER_PTS (buffer);
}

/* If asked to: by the regions that came with the buffer, before the result's own are there. A
 * classifier's frame has nothing to compare. */
static void
evaluate (GstFbnetDetect *self, GstBuffer *buffer, GstFbnetResult *result)
{
  GST_OBJECT_LOCK (self);
  const gboolean wanted = self->settings.evaluate && self->network->detector != NULL;
  GST_OBJECT_UNLOCK (self);
  if (!wanted)
    return;

  FbnetMatchCounts counts = { 0 };
  gst_fbnet_evaluation_read (self->evaluation, buffer, self->network, result->width,
      result->height);
  result->matches =
      gst_fbnet_evaluation_match (self->evaluation, result->found, &self->network->params, &counts);
  GST_OBJECT_LOCK (self);
  gst_fbnet_stats_add_matches (&self->stats, &counts);
  GST_OBJECT_UNLOCK (self);
}

#ifdef HAVE_OVERLAY
static gboolean
attaches (GstFbnetDetect *self)
{
  GST_OBJECT_LOCK (self);
  const gint mode = self->settings.overlay_mode;
  GST_OBJECT_UNLOCK (self);
  if (mode != GST_FBNET_OVERLAY_MODE_AUTO || !self->attach_offered)
    return mode == GST_FBNET_OVERLAY_MODE_ATTACH;
  if (!self->attach_asked) {
    self->attach_taken = gst_fbnet_attach_is_taken (GST_BASE_TRANSFORM_SRC_PAD (self));
    self->attach_asked = TRUE;
  }
  return self->attach_taken;
}

static GstFlowReturn
draw_overlay (GstFbnetDetect *self, GstBuffer *buffer, const GstFbnetResult *result,
    const GstFbnetOverlayStyle *style)
{
  if (self->overlay == NULL)
    self->overlay = gst_fbnet_overlay_new ();
  if (attaches (self)) {
    GstVideoOverlayComposition *composition =
        gst_fbnet_overlay_compose (self->overlay, result, style);
    if (composition != NULL)
      gst_fbnet_attach_add (buffer, composition);
    return GST_FLOW_OK;
  }

  GstVideoFrame frame;
  if (!gst_video_frame_map (&frame, &self->info, buffer,
          GST_MAP_READWRITE | GST_VIDEO_FRAME_MAP_FLAG_NO_REF))
    return fail_mapping (self, buffer);
  gst_fbnet_overlay_draw (self->overlay, result, style, &frame);
  gst_video_frame_unmap (&frame);
  return GST_FLOW_OK;
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

/* `began`: g_get_monotonic_time() when the frame came. */
static void
take_stock (GstFbnetDetect *self, guint n_found, gint64 began)
{
  FbnetTimings timings;

  gst_fbnet_network_get_timings (self->network, &timings);
  /* What happens once per size of frames is no latency of the stream. */
  const gint64 elapsed =
      g_get_monotonic_time () - began - (gint64) (timings.ms[FBNET_STAGE_PREPARE] * 1000);

  GST_OBJECT_LOCK (self);
  gst_fbnet_stats_add_inference (&self->stats, &timings, n_found);
  const gboolean tell = gst_fbnet_stats_add_latency (&self->stats, MAX (elapsed, 0) * GST_USECOND);
  GST_OBJECT_UNLOCK (self);
  if (tell)
    gst_element_post_message (GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
}

static GstFlowReturn
process_frame (GstFbnetDetect *self, GstBuffer *buffer, guint n_top, gboolean overlay,
    const GstFbnetOverlayStyle *style)
{
  const gint64 began = g_get_monotonic_time ();
  GstFlowReturn flow = detect (self, buffer);

  if (flow != GST_FLOW_OK)
    return flow;

  GstFbnetResult result;
  describe_result (self, buffer, n_top, &result);
  evaluate (self, buffer, &result);
  gst_fbnet_meta_attach (&result, buffer, self->meta_types);
#ifdef HAVE_OVERLAY
  if (overlay)
    flow = draw_overlay (self, buffer, &result, style);
#endif
  take_stock (self, gst_fbnet_result_count (&result), began);
  emit_new_detections (self, buffer, &result);
  return flow;
}

static GstFlowReturn
gst_fbnet_detect_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (trans);

  take_pending (self);
  if (settings_changed (self))
    follow_settings (self);

  GST_OBJECT_LOCK (self);
  self->stats.frames++;
  const gboolean enabled = self->settings.enable;
  const guint n_top = self->settings.top_classes;
  const gboolean overlay = self->settings.overlay;
  const GstFbnetOverlayStyle style = self->settings.style;
  GST_OBJECT_UNLOCK (self);

  if (!enabled || GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP))
    return GST_FLOW_OK;
  return process_frame (self, buffer, n_top, overlay, &style);
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

static GstStructure *
describe_stats (GstFbnetDetect *self)
{
  GST_OBJECT_LOCK (self);
  const GstFbnetNetwork *network = self->network;
  GstStructure *structure =
      gst_fbnet_stats_to_structure (&self->stats, network != NULL ? network->path : NULL,
          network != NULL ? gst_fbnet_network_get_kernels (network) : NULL,
          network != NULL ? gst_fbnet_network_get_n_threads (network) : 0);
  GST_OBJECT_UNLOCK (self);
  return structure;
}

static void
gst_fbnet_detect_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstFbnetDetect *self = GST_FBNET_DETECT (object);

  GST_OBJECT_LOCK (self);
  const gboolean drew = self->settings.overlay;
  const gboolean known = gst_fbnet_settings_set (&self->settings, id, value);
  const gboolean draws = self->settings.overlay;
  const gboolean started = self->loader != NULL;
  if (known)
    self->revision++;
  if (known && gst_fbnet_settings_names_file (id))
    request_load (self);
  GST_OBJECT_UNLOCK (self);

  if (draws != drew) /* whether the caps tell of drawings */
    gst_base_transform_reconfigure_src (GST_BASE_TRANSFORM (self));
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  else if (started && gst_fbnet_settings_needs_start (id))
    GST_WARNING_OBJECT (self, "%s takes effect when the element is next started", spec->name);
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
  gst_fbnet_settings_clear (&GST_FBNET_DETECT (object)->settings);
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
   * Emitted in the streaming thread after every inference, also one that found nothing. The stream
   * waits for the handlers.
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
          "Counters, latency, and milliseconds per stage (last frame and mean)", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  install_signals (G_TYPE_FROM_CLASS (class));

  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  gst_element_class_set_static_metadata (element_class, "FBNet object detector",
      "Filter/Analyzer/Video", "Finds objects with a D2Go FBNetV3 network, on the CPU",
      "The fbnet authors");
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
}
