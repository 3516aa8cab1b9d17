/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A push source with a thread in the driver's place.
 */
#include "camera.h"

#include <gst/base/gstpushsrc.h>
#include <gst/video/video.h>

#define TYPE_CAMERA (camera_get_type ())
G_DECLARE_FINAL_TYPE (Camera, camera, TESTS, CAMERA, GstPushSrc)

struct _Camera {
  GstPushSrc parent;
  GstVideoInfo info;
  guint n_frames;
  GstBufferPool *pool;
  GThread *driver;

  GMutex lock; /* protects the rest */
  GCond changed;
  GQueue filled;
  gboolean stopping, flushing, finished;
  guint n_lost;
};

G_DEFINE_TYPE (Camera, camera, GST_TYPE_PUSH_SRC)

static GstClockTime
frame_time (const Camera *camera, guint index)
{
  return gst_util_uint64_scale_int (index * GST_SECOND, camera->info.fps_d, camera->info.fps_n);
}

static GstBuffer *
take_free_buffer (Camera *camera)
{
  GstBufferPoolAcquireParams params = { .flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT };
  GstBuffer *buffer = NULL;

  gst_buffer_pool_acquire_buffer (camera->pool, &buffer, &params);
  return buffer;
}

/* The frame's pixels were there before, as noise; only its time is new. */
static void
capture (Camera *camera, guint index)
{
  GstBuffer *buffer = take_free_buffer (camera);

  if (buffer == NULL) {
    camera->n_lost++;
    return;
  }
  GST_BUFFER_PTS (buffer) = frame_time (camera, index);
  GST_BUFFER_DURATION (buffer) = frame_time (camera, 1);
  g_queue_push_tail (&camera->filled, buffer);
  g_cond_broadcast (&camera->changed);
}

static gpointer
drive (gpointer data)
{
  Camera *camera = data;
  const gint64 began = g_get_monotonic_time ();

  g_mutex_lock (&camera->lock);
  for (guint i = 0; i < camera->n_frames && !camera->stopping;) {
    const gint64 due = began + (gint64) (frame_time (camera, i) / GST_USECOND);
    if (g_get_monotonic_time () < due)
      g_cond_wait_until (&camera->changed, &camera->lock, due);
    else
      capture (camera, i++);
  }
  camera->finished = TRUE;
  g_cond_broadcast (&camera->changed);
  g_mutex_unlock (&camera->lock);
  return NULL;
}

static GstFlowReturn
camera_create (GstPushSrc *source, GstBuffer **buffer)
{
  Camera *camera = TESTS_CAMERA (source);

  g_mutex_lock (&camera->lock);
  if (camera->driver == NULL)
    camera->driver = g_thread_new ("driver", drive, camera);
  while (!camera->flushing && !camera->finished && g_queue_is_empty (&camera->filled))
    g_cond_wait (&camera->changed, &camera->lock);
  *buffer = camera->flushing ? NULL : g_queue_pop_head (&camera->filled);
  const GstFlowReturn flow = camera->flushing ? GST_FLOW_FLUSHING
      : *buffer == NULL                       ? GST_FLOW_EOS
                                              : GST_FLOW_OK;
  g_mutex_unlock (&camera->lock);
  return flow;
}

static void
set_flushing (Camera *camera, gboolean flushing)
{
  g_mutex_lock (&camera->lock);
  camera->flushing = flushing;
  g_cond_broadcast (&camera->changed);
  g_mutex_unlock (&camera->lock);
}

static gboolean
camera_unlock (GstBaseSrc *source)
{
  set_flushing (TESTS_CAMERA (source), TRUE);
  return TRUE;
}

static gboolean
camera_unlock_stop (GstBaseSrc *source)
{
  set_flushing (TESTS_CAMERA (source), FALSE);
  return TRUE;
}

static GstCaps *
camera_get_caps (GstBaseSrc *source, GstCaps *filter)
{
  return gst_video_info_to_caps (&TESTS_CAMERA (source)->info);
}

static void
fill_with_noise (GstBuffer *buffer)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  GstMapInfo map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8) g_rand_int (random);
  gst_buffer_unmap (buffer, &map);
}

static gboolean
camera_start (GstBaseSrc *source)
{
  Camera *camera = TESTS_CAMERA (source);
  g_autoptr (GstCaps) caps = gst_video_info_to_caps (&camera->info);
  GstBuffer *buffers[CAMERA_N_BUFFERS];

  camera->pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (camera->pool);
  gst_buffer_pool_config_set_params (config, caps, (guint) camera->info.size, CAMERA_N_BUFFERS,
      CAMERA_N_BUFFERS);
  g_assert_true (gst_buffer_pool_set_config (camera->pool, config));
  g_assert_true (gst_buffer_pool_set_active (camera->pool, TRUE));
  for (guint i = 0; i < CAMERA_N_BUFFERS; i++) {
    buffers[i] = take_free_buffer (camera);
    fill_with_noise (buffers[i]);
  }
  for (guint i = 0; i < CAMERA_N_BUFFERS; i++)
    gst_buffer_unref (buffers[i]);
  camera->stopping = camera->finished = FALSE;
  camera->n_lost = 0;
  return TRUE;
}

static gboolean
camera_stop (GstBaseSrc *source)
{
  Camera *camera = TESTS_CAMERA (source);

  g_mutex_lock (&camera->lock);
  camera->stopping = TRUE;
  GThread *driver = g_steal_pointer (&camera->driver);
  g_cond_broadcast (&camera->changed);
  g_mutex_unlock (&camera->lock);
  if (driver != NULL)
    g_thread_join (driver);
  g_queue_clear_full (&camera->filled, (GDestroyNotify) gst_buffer_unref);
  gst_buffer_pool_set_active (camera->pool, FALSE);
  gst_clear_object (&camera->pool);
  return TRUE;
}

static gboolean
camera_query (GstBaseSrc *source, GstQuery *query)
{
  Camera *camera = TESTS_CAMERA (source);

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return GST_BASE_SRC_CLASS (camera_parent_class)->query (source, query);
  gst_query_set_latency (query, TRUE, frame_time (camera, 1),
      CAMERA_N_BUFFERS * frame_time (camera, 1));
  return TRUE;
}

static void
camera_finalize (GObject *object)
{
  Camera *camera = TESTS_CAMERA (object);

  g_mutex_clear (&camera->lock);
  g_cond_clear (&camera->changed);
  G_OBJECT_CLASS (camera_parent_class)->finalize (object);
}

static void
camera_class_init (CameraClass *class)
{
  GstBaseSrcClass *source = GST_BASE_SRC_CLASS (class);

  G_OBJECT_CLASS (class)->finalize = camera_finalize;
  gst_element_class_add_pad_template (GST_ELEMENT_CLASS (class),
      gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, gst_caps_new_any ()));
  source->get_caps = camera_get_caps;
  source->start = camera_start;
  source->stop = camera_stop;
  source->unlock = camera_unlock;
  source->unlock_stop = camera_unlock_stop;
  source->query = camera_query;
  GST_PUSH_SRC_CLASS (class)->create = camera_create;
}

static void
camera_init (Camera *camera)
{
  g_mutex_init (&camera->lock);
  g_cond_init (&camera->changed);
  gst_base_src_set_live (GST_BASE_SRC (camera), TRUE);
  gst_base_src_set_format (GST_BASE_SRC (camera), GST_FORMAT_TIME);
}

GstElement *
camera_new (guint width, guint height, guint fps, guint n_frames)
{
  Camera *camera = g_object_new (TYPE_CAMERA, NULL);

  gst_video_info_set_format (&camera->info, GST_VIDEO_FORMAT_NV12, width, height);
  camera->info.fps_n = (gint) fps;
  camera->info.fps_d = 1;
  camera->n_frames = n_frames;
  return GST_ELEMENT (camera);
}

guint
camera_get_n_lost (GstElement *element)
{
  Camera *camera = TESTS_CAMERA (element);

  g_mutex_lock (&camera->lock);
  const guint n = camera->n_lost;
  g_mutex_unlock (&camera->lock);
  return n;
}
