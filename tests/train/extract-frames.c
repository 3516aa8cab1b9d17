/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * extract-frames ANNOTATIONS.json CLIP.mp4 DIR: the frames of a video clip that an annotation file
 * names, as PNG. Of the file's images, those of the clip are called CLIP/FRAME.png, with frames
 * counted from 0 in the order that they are shown; so they are called in DIR. Exit status: 0 all were
 * found; 1 a file failed; 2 the command line is wrong; 77 GStreamer cannot decode H.264 here.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <stdlib.h>
#include <string.h>

/* A machine without the decoder: tests are skipped there, by automake's number for it. */
#define EXIT_NO_DECODER 77

typedef struct {
  char *folder;
  GHashTable *wanted; /* frame number → file name */
  guint64 next;       /* number of the frame that comes next */
  GQueue names;       /* of frames on their way to the sink */
} Extraction;

static GHashTable *
wanted_frames (const char *annotations, const char *clip, GError **error)
{
  g_autofree char *text = NULL;
  g_autofree char *prefix = g_strconcat (clip, "/", NULL);
  GHashTable *wanted = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  const cJSON *image;

  if (!g_file_get_contents (annotations, &text, NULL, error))
    return wanted;
  cJSON *json = cJSON_Parse (text);
  cJSON_ArrayForEach (image, cJSON_GetObjectItemCaseSensitive (json, "images"))
  {
    const char *name = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (image, "file_name"));
    if (name == NULL || !g_str_has_prefix (name, prefix))
      continue;
    gint64 number = g_ascii_strtoll (name + strlen (prefix), NULL, 10);
    g_hash_table_replace (wanted, g_memdup2 (&number, sizeof number),
        g_strdup (name + strlen (prefix)));
  }
  cJSON_Delete (json);
  if (g_hash_table_size (wanted) == 0) /* nor is a file that is no JSON */
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "%s: expected images whose file_name begins with \"%s\", found none", annotations, prefix);
  return wanted;
}

/* Frames that nobody asked for are not coded: a clip takes seconds instead of a minute. */
static GstPadProbeReturn
pick (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Extraction *extraction = data;
  const guint64 number = extraction->next++;
  const char *name = g_hash_table_lookup (extraction->wanted, &number);

  if (name == NULL)
    return GST_PAD_PROBE_DROP;
  g_queue_push_tail (&extraction->names, (gpointer) name);
  return GST_PAD_PROBE_OK;
}

static gboolean
write_sample (Extraction *extraction, GstSample *sample, GError **error)
{
  const char *name = g_queue_pop_head (&extraction->names);
  g_autofree char *path = g_build_filename (extraction->folder, name, NULL);
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "%s: the frame cannot be read from memory", path);
    return FALSE;
  }
  const gboolean done =
      g_file_set_contents (path, (const char *) map.data, (gssize) map.size, error);
  gst_buffer_unmap (buffer, &map);
  return done;
}

/* The next frame; NULL at the end, or with error when the pipeline has stopped. A sink alone would
 * wait for ever for a stream that broke before it. */
static GstSample *
next_sample (GstElement *pipeline, GstElement *sink, GError **error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  for (;;) {
    GstSample *sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), GST_SECOND / 10);
    if (sample != NULL || gst_app_sink_is_eos (GST_APP_SINK (sink)))
      return sample;
    g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    if (message != NULL) {
      gst_message_parse_error (message, error, NULL);
      return NULL;
    }
  }
}

static guint
write_frames (Extraction *extraction, GstElement *pipeline, GError **error)
{
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstSample *sample;
  gboolean done = TRUE;
  guint n = 0;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (done && (sample = next_sample (pipeline, sink, error)) != NULL) {
    /* pngenc passes frames one by one and in order: the name in front is this one's. */
    done = write_sample (extraction, sample, error);
    gst_sample_unref (sample);
    n += done;
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return n;
}

static gboolean
extract (Extraction *extraction, const char *clip, GError **error)
{
  g_autoptr (GstElement) pipeline =
      gst_parse_launch ("filesrc name=source ! qtdemux ! h264parse ! avdec_h264 name=decoder ! "
                        "videoconvert ! pngenc ! appsink name=sink sync=false",
          error);
  g_autoptr (GError) cause = NULL;

  if (pipeline == NULL)
    return FALSE;
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_autoptr (GstElement) decoder = gst_bin_get_by_name (GST_BIN (pipeline), "decoder");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (decoder, "src");
  g_object_set (source, "location", clip, NULL);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, pick, extraction, NULL);
  const guint n = write_frames (extraction, pipeline, &cause);
  if (cause != NULL) {
    g_propagate_prefixed_error (error, g_steal_pointer (&cause), "%s: ", clip);
    return FALSE;
  }
  if (n < g_hash_table_size (extraction->wanted)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "%s: expected all %u frames of the annotation file, found %u in %" G_GUINT64_FORMAT, clip,
        g_hash_table_size (extraction->wanted), n, extraction->next);
    return FALSE;
  }
  return TRUE;
}

static gboolean
run (const char *annotations, const char *clip, const char *folder, GError **error)
{
  g_autofree char *base = g_path_get_basename (clip);
  char *dot = strrchr (base, '.');

  if (dot != NULL)
    *dot = '\0';
  g_autoptr (GHashTable) wanted = wanted_frames (annotations, base, error);
  g_autofree char *target = g_build_filename (folder, base, NULL);
  Extraction extraction = { target, wanted, 0, G_QUEUE_INIT };
  if (*error != NULL)
    return FALSE;
  if (g_mkdir_with_parents (target, 0777) != 0) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_WRITE, "%s: cannot be made: %s",
        target, g_strerror (errno));
    return FALSE;
  }
  const gboolean done = extract (&extraction, clip, error);
  g_queue_clear (&extraction.names);
  return done;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  gst_init (&argc, &argv);
  if (argc != 4) {
    g_printerr ("usage: extract-frames ANNOTATIONS.json CLIP.mp4 DIR\n");
    return 2;
  }
  if (!run (argv[1], argv[2], argv[3], &error)) {
    g_printerr ("extract-frames: %s\n", error->message);
    return g_error_matches (error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT)
        ? EXIT_NO_DECODER
        : EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
