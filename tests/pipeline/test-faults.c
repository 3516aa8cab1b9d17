/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What goes wrong around an element that plays: files that vanish, caps and strides that lie, errors, ends,
 * no descriptors, no threads. It says so or goes on, and the next start works.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "drawing.h"
#include "frames.h"
#include "stream.h"

#define WIDTH  64
#define HEIGHT 48

/* --- Threads that cannot be had ----------------------------------------------------------------- */

static gint no_threads; /* atomic */

/* The build hides symbols, and GLib and the plugin are to find this. */
#pragma GCC visibility push(default)

int
pthread_create (pthread_t *thread, const pthread_attr_t *attributes, void *(*start) (void *),
    void *data)
{
  static int (*real) (pthread_t *, const pthread_attr_t *, void *(*) (void *), void *);

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "pthread_create");
  return g_atomic_int_get (&no_threads) ? EAGAIN : real (thread, attributes, start, data);
}

#pragma GCC visibility pop

/* --- Files -------------------------------------------------------------------------------------- */

static char *
sound_file (const char *name)
{
  g_autofree char *file = g_strconcat (name, ".safetensors", NULL);

  return g_build_filename (g_getenv ("FBNET_TEST_DATA"), file, NULL);
}

static void
copy_file (const char *name, const char *path, gsize at_most)
{
  g_autofree char *from = sound_file (name);
  g_autofree char *data = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (from, &data, &size, NULL));
  g_assert_true (g_file_set_contents (path, data, (gssize) MIN (size, at_most), NULL));
}

static void
push_frame (Stream *stream)
{
  g_autoptr (Picture) picture = picture_draw (WIDTH, HEIGHT, 7);
  g_autoptr (GstBuffer) out = stream_push_rgb (stream, picture->pixels, 0);

  g_assert_nonnull (out);
}

static Stream *
open_stream (const char *path, const char *settings)
{
  Stream *stream = stream_open (path, settings);

  stream_set_format (stream, "RGB", WIDTH, HEIGHT, NULL);
  push_frame (stream);
  return stream;
}

static void
note_update (GstElement *element, gboolean success, const char *text, gpointer data)
{
  g_atomic_int_set ((gint *) data, success ? 1 : -1);
}

/* Loads the file in the background; frames go through until it is there or is refused. */
static gboolean
reload (Stream *stream, const char *path)
{
  gint outcome = 0;
  const gulong handler =
      g_signal_connect (stream->element, "model-updated", G_CALLBACK (note_update), &outcome);

  g_object_set (stream->element, "model-file", path, NULL);
  for (guint i = 0; i < 6000 && g_atomic_int_get (&outcome) == 0; i++) {
    push_frame (stream);
    g_usleep (10000);
  }
  g_signal_handler_disconnect (stream->element, handler);
  g_assert_cmpint (outcome, !=, 0);
  return outcome > 0;
}

/* Deleted, cut and replaced, the file that plays plays on; what is no model is refused, what is one is taken. */
static void
test_files (void)
{
  g_autofree char *folder = g_dir_make_tmp ("fbnet-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);

  copy_file ("tiny-bn", path, G_MAXSIZE);
  g_autoptr (Stream) stream = open_stream (path, NULL);
  const int fd = open (path, O_WRONLY);
  g_assert_cmpint (ftruncate (fd, 100), ==, 0);
  close (fd);
  push_frame (stream);
  g_assert_false (reload (stream, path));
  g_unlink (path);
  push_frame (stream);
  g_assert_false (reload (stream, path));
  copy_file ("tiny-gn", path, 3000);
  g_assert_false (reload (stream, path));
  copy_file ("tiny-gn", path, G_MAXSIZE);
  g_assert_true (reload (stream, path));
  push_frame (stream);
  g_unlink (path);
  g_rmdir (folder);
}

/* --- Frames that lie ---------------------------------------------------------------------------- */

/* Every other frame has another format or size. */
static void
test_caps (void)
{
  g_autofree char *path = sound_file ("tiny-bn");
  g_autoptr (Stream) stream = open_stream (path, "threads=1");
  guint n_formats = 0;

  while (frames_formats[n_formats] != NULL)
    n_formats++;
  for (guint i = 0; i < 60; i++) {
    const guint width = 1 + i * 7 % 61, height = 1 + i * 11 % 53;
    g_autoptr (Picture) picture = picture_draw (width, height, i);
    stream_set_format (stream, frames_formats[i % n_formats], width, height, NULL);
    for (guint frame = 0; frame < 2; frame++)
      gst_buffer_unref (stream_push_rgb (stream, picture->pixels, 4 * frame));
  }
}

static GstBuffer *
lying_frame (const GstVideoInfo *info, gsize size, gint stride, gsize offset)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  gsize offsets[GST_VIDEO_MAX_PLANES];
  gint strides[GST_VIDEO_MAX_PLANES];

  gst_buffer_memset (buffer, 0, 0x55, size);
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++) {
    offsets[i] = offset + i * (size / 3);
    strides[i] = stride;
  }
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT (info),
      GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info), GST_VIDEO_INFO_N_PLANES (info),
      offsets, strides);
  return buffer;
}

/* Frames that are too short, and whose rows or planes lie outside of them, are an error or pass; strides of any
 * number of bytes are drawn upon. Each by a stream of its own, as an error ends one. */
static void
test_lies (void)
{
  static const struct {
    gsize size;
    gint stride;
    gsize offset;
  } lies[] = { { 10, 0, 0 }, { 100, 3, 0 }, { 9216, 192, 9000 }, { 9216, 100000, 0 },
    { 9216, -192, 0 }, { 40000, 259, 1 }, { 40000, 193, 3 }, { 40000, 257, 0 }, { 40000, 1, 0 } };
  static const char *const formats[] = { "RGB", "BGRx", "I420", "NV12", "YUY2", "I420_10LE" };
  g_autofree char *path = sound_file ("tiny-bn");

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    for (guint i = 0; i < G_N_ELEMENTS (lies); i++) {
      g_autoptr (Stream) stream = stream_open (path, "threads=1 score-threshold=0.05");
      if (g_object_class_find_property (G_OBJECT_GET_CLASS (stream->element), "overlay") != NULL)
        g_object_set (stream->element, "overlay", TRUE, NULL);
      stream_set_format (stream, formats[f], WIDTH, HEIGHT, NULL);
      GstBuffer *buffer = lies[i].stride == 0
          ? gst_buffer_new_allocate (NULL, lies[i].size, NULL)
          : lying_frame (&stream->info, lies[i].size, lies[i].stride, lies[i].offset);
      GST_BUFFER_PTS (buffer) = 0;
      gst_harness_push (stream->harness, buffer);
      g_autoptr (GstBuffer) out = gst_harness_try_pull (stream->harness);
    }
  }
}

/* --- Errors and ends ---------------------------------------------------------------------------- */

/* Runs until an error or the end: the message's type. */
static GstMessageType
play (const char *line)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (line, &error);

  g_assert_no_error (error);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  g_assert_nonnull (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return GST_MESSAGE_TYPE (message);
}

/* An error from upstream, and an end while a frame is looked at, end the pipeline in both ways of scheduling. */
static void
test_ends (void)
{
  static const char *const ways[] = { "sync", "latest" };
  g_autofree char *path = sound_file ("tiny-bn");

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    g_autofree char *detector =
        g_strdup_printf ("fbnetdetect model-file=%s scheduling=%s min-size=600 max-size=600", path,
            ways[i]);
    g_autofree char *fails =
        g_strdup_printf ("videotestsrc num-buffers=30 ! identity error-after=5 ! %s ! fakesink",
            detector);
    g_autofree char *ends =
        g_strdup_printf ("videotestsrc num-buffers=1 ! %s ! fakesink sync=false", detector);
    g_assert_cmpint (play (fails), ==, GST_MESSAGE_ERROR);
    for (guint n = 0; n < 5; n++)
      g_assert_cmpint (play (ends), ==, GST_MESSAGE_EOS);
  }
}

/* --- Again and again ---------------------------------------------------------------------------- */

static guint
count_descriptors (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static gsize
resident_pages (void)
{
  g_autofree char *text = NULL;
  gsize total, resident;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "%zu %zu", &total, &resident), ==, 2);
  return resident;
}

static void
cycle (GstElement *element, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PLAYING), !=,
        GST_STATE_CHANGE_FAILURE);
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_NULL), !=, GST_STATE_CHANGE_FAILURE);
  }
}

/* A thousand starts and stops leave no descriptors, and no more memory than the first hundred. */
static void
test_cycles (void)
{
  g_autofree char *path = sound_file ("tiny-bn");
  GstElement *element = gst_element_factory_make ("fbnetdetect", NULL);

  gst_object_ref_sink (element);
  g_object_set (element, "model-file", path, "threads", 2, NULL);
  cycle (element, 100);
  const guint descriptors = count_descriptors ();
  const gsize pages = resident_pages ();
  cycle (element, 900);
  g_assert_cmpuint (count_descriptors (), ==, descriptors);
  g_assert_cmpuint (resident_pages (), <, pages + 2048);
  gst_object_unref (element);
}

static gpointer
come_and_go (gpointer data)
{
  for (guint i = 0; i < 25; i++) {
    g_autoptr (Stream) stream = open_stream (data, "threads=2");
    push_frame (stream);
  }
  return NULL;
}

/* Elements are made and destroyed by four threads while they look at frames. */
static void
test_crowd (void)
{
  g_autofree char *path = sound_file ("tiny-bn");
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("crowd", come_and_go, path);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* --- Nothing left ------------------------------------------------------------------------------- */

typedef void (*TakeFunc) (gboolean taken);

/* Those that are open stay. */
static void
take_descriptors (gboolean taken)
{
  static struct rlimit before;
  struct rlimit few;

  if (taken)
    g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  few = before;
  if (taken)
    few.rlim_cur = 3;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &few), ==, 0);
}

static void
take_threads (gboolean taken)
{
  g_atomic_int_set (&no_threads, taken);
}

/* Whether the element starts while something is taken (nullable) from the process; where it does not, it has
 * said why. */
static gboolean
starts (const char *path, const char *scheduling, TakeFunc take)
{
  GstElement *element = gst_element_factory_make ("fbnetdetect", NULL);
  g_autoptr (GstBus) bus = gst_bus_new ();

  gst_object_ref_sink (element);
  gst_element_set_bus (element, bus);
  gst_util_set_object_arg (G_OBJECT (element), "scheduling", scheduling);
  g_object_set (element, "model-file", path, "threads", 3, NULL);
  if (take != NULL)
    take (TRUE);
  const gboolean started =
      gst_element_set_state (element, GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE;
  if (take != NULL)
    take (FALSE);
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_true (started || message != NULL);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  return started;
}

/* Without descriptors, and without threads, an element does not start, says so, and does afterwards. */
static void
test_nothing_left (void)
{
  static const char *const ways[] = { "sync", "latest" };
  static const TakeFunc takes[] = { take_descriptors, take_threads };
  g_autofree char *path = sound_file ("tiny-bn");

  for (guint way = 0; way < G_N_ELEMENTS (ways); way++) {
    for (guint i = 0; i < G_N_ELEMENTS (takes); i++) {
      g_assert_true (starts (path, ways[way], NULL));
      g_assert_false (starts (path, ways[way], takes[i]));
      g_assert_true (starts (path, ways[way], NULL));
    }
  }
}

int
main (int argc, char *argv[])
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/faults/files", test_files);
  g_test_add_func ("/faults/caps", test_caps);
  g_test_add_func ("/faults/lies", test_lies);
  g_test_add_func ("/faults/ends", test_ends);
  g_test_add_func ("/faults/cycles", test_cycles);
  g_test_add_func ("/faults/crowd", test_crowd);
  g_test_add_func ("/faults/nothing-left", test_nothing_left);
  return g_test_run ();
}
