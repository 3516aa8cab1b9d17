/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element where memory runs out, at its start and in a frame: it posts that there is none, or goes on as
 * ever, leaves nothing behind and works the next time. With --all every single allocation fails once.
 */
#include <glib/gstdio.h>
#include <gst/check/gstharness.h>
#include <string.h>

#include "drawing.h"
#include "fbnet/fbnet.h"
#include "frames.h"
#include "randommodel.h"
#include "shortage.h"

typedef enum {
  PART_START,
  PART_FRAME,
} Moment;

typedef struct {
  char *path;
  Moment part;
  const char *settings;
  guint least, expected; /* regions on the frame; 0: not known yet */
} Case;

/* Few objects; so many that each list of them is large, followed, looked at twice, compared with references. The
 * lists of GstAnalytics are GStreamer's own, which ends the process when one of a hundred objects cannot grow. */
#define FEW "scheduling=sync score-threshold=0.25 max-detections=6"
#define MANY                                                                                       \
  "scheduling=sync score-threshold=0.001 iou-threshold=1 rpn-iou-threshold=1 post-nms-count=100 "  \
  "max-detections=100 "                                                                            \
  "tracking=true track-min-hits=1 zoom-regions=2 zoom-policy=motion evaluate=true meta-types=roi"

static gboolean all;

/* FALSE with error: what the element has posted, which must be that there is no memory. */
static gboolean
fail (GstBus *bus, GError **error)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) posted = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &posted, NULL);
  const gboolean memory =
      g_error_matches (posted, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
  g_set_error_literal (error, FBNET_ERROR, memory ? FBNET_ERROR_MEMORY : FBNET_ERROR_IO,
      posted->message);
  return FALSE;
}

static guint
count_regions (GstBuffer *buffer)
{
  gpointer state = NULL;
  guint n = 0;

  while (
      gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)
      != NULL)
    n++;
  return n;
}

static GstBuffer *
draw_frame (guint number)
{
  GstVideoInfo info;

  frames_info (&info, "RGB", 121, 88, NULL);
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);
  GstBuffer *frame = frames_from_rgb (picture->pixels, &info, 0);
  GST_BUFFER_PTS (frame) = number * GST_SECOND;
  return frame;
}

static gboolean
push_frame (Case *c, GstHarness *harness, guint number, GstBus *bus, GError **error)
{
  GstBuffer *frame = draw_frame (number);

  if (c->part == PART_FRAME)
    shortage_on ();
  const GstFlowReturn flow = gst_harness_push (harness, frame);
  shortage_off ();
  if (flow != GST_FLOW_OK)
    return fail (bus, error);
  g_autoptr (GstBuffer) out = gst_harness_pull (harness);
  const guint n = count_regions (out);
  if (c->expected == 0)
    c->expected = n;
  g_assert_cmpuint (n, >=, c->least);
  g_assert_cmpuint (n, ==, c->expected);
  return TRUE;
}

static gboolean
push (Case *c, GstElement *element, GstBus *bus, GError **error)
{
  GstHarness *harness = gst_harness_new_with_element (element, "sink", "src");

  gst_harness_set_src_caps (harness, frames_caps ("RGB", 121, 88, NULL));
  const gboolean good = push_frame (c, harness, 0, bus, error);
  gst_harness_teardown (harness);
  return good;
}

/* As gst-launch writes them. */
static void
set_all (GstElement *element, const char *settings)
{
  g_auto (GStrv) words = g_strsplit (settings, " ", -1);

  for (guint i = 0; words[i] != NULL; i++) {
    char *value = strchr (words[i], '=');
    *value++ = '\0';
    gst_util_set_object_arg (G_OBJECT (element), words[i], value);
  }
}

static gboolean
act (gpointer data, GError **error)
{
  Case *c = data;
  GstElement *element = gst_element_factory_make ("fbnetdetect", NULL);
  g_autoptr (GstBus) bus = gst_bus_new ();

  gst_object_ref_sink (element);
  gst_element_set_bus (element, bus);
  g_object_set (element, "model-file", c->path, "threads", 1, NULL);
  set_all (element, c->settings);
  gst_element_set_state (element, GST_STATE_READY);
  if (c->part == PART_START)
    shortage_on ();
  const GstStateChangeReturn started = gst_element_set_state (element, GST_STATE_PAUSED);
  shortage_off ();
  const gboolean good =
      started != GST_STATE_CHANGE_FAILURE ? push (c, element, bus, error) : fail (bus, error);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  return good;
}

static void
check_file (char *path, const char *name, Moment part, const char *settings, guint least)
{
  g_autofree char *what = g_strdup_printf ("%s, %s", name, part == PART_START ? "start" : "frame");
  Case c = { path, part, settings, least, 0 };

  shortage_check (what, act, &c, all);
}

static void
check (const char *name, Moment part, const char *settings, guint least)
{
  g_autofree char *file = g_strconcat (name, ".safetensors", NULL);
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_TEST_DATA"), file, NULL);

  check_file (path, name, part, settings, least);
}

static void
test_start (void)
{
  check ("tiny-bn", PART_START, FEW, 1);
}

static void
test_frame (void)
{
  check ("tiny-bn", PART_FRAME, FEW, 1);
  check ("tiny-gn", PART_FRAME, FEW, 1);
}

static void
test_many (void)
{
  check ("tiny-bn", PART_FRAME, MANY, 60);
}

/* A detector whose lists by class are all large. */
static char *
many_classes (void)
{
  static const char architecture[] =
      "{\"norm\": {\"name\": \"bn\"}, \"trunk\": [[[\"conv_k3\", 4, 4, 1]]], \"rpn\": "
      "[[[\"conv_k1\", 4, 1, 1]]], \"bbox\": [[[\"conv_k1\", 4, 1, 1]]]}";
  g_autofree char *few = random_model_description (architecture, 1, FALSE);
  g_autoptr (GString) description = g_string_new (few);
  g_autoptr (TensorList) list = tensor_list_new ();
  g_autoptr (GError) error = NULL;
  char *path = NULL;

  g_string_replace (description, "\"n_classes\": 80", "\"n_classes\": 2000", 1);
  g_autoptr (FbnetModel) model = random_model_new (description->str, 1, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < fbnet_model_get_n_tensors (model); i++) {
    FbnetTensorView view;
    fbnet_model_get_tensor (model, i, &view);
    tensor_list_add_copy (list, &view);
  }
  random_model_tame (list);
  g_close (g_file_open_tmp ("fbnet-XXXXXX.safetensors", &path, NULL), NULL);
  tensor_list_write (list, path, description->str, &error);
  g_assert_no_error (error);
  return path;
}

/* Thresholds of each of thousands of classes. */
static void
test_classes (void)
{
  static const char settings[] = "scheduling=sync score-threshold=0.001 include-classes=0;1 "
                                 "tracking=true track-min-hits=1 meta-types=roi";
  g_autofree char *path = many_classes ();

  check_file (path, "2000 classes", PART_START, settings, 1);
  check_file (path, "2000 classes", PART_FRAME, settings, 1);
  g_unlink (path);
}

int
main (int argc, char *argv[])
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  all = argc > 1 && strcmp (argv[1], "--all") == 0;
  g_test_add_func ("/element/shortage/start", test_start);
  g_test_add_func ("/element/shortage/frame", test_frame);
  g_test_add_func ("/element/shortage/many", test_many);
  g_test_add_func ("/element/shortage/classes", test_classes);
  return g_test_run ();
}
