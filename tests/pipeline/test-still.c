/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What frames cost that show nothing new, and what is missed: two films, looked at always and by still-threshold. Prints
 * milliseconds of processor time a frame costs in the element, and how many objects of either run the other one has, too.
 */
#include <gst/gst.h>

#include "models.h"
#include "stream.h"
#include "timing.h"

#define LEAST_SCORE 0.5
#define SAME        0.5 /* IoU */
#define WEIGHTS     "d2go-coco-int8.pt"

typedef struct {
  GPtrArray *frames; /* of GArray of Seen, by name of the labels and places only */
  guint n_looked;
  double came; /* µs of the streaming thread, which does everything */
  double ms;   /* in the element, all frames together */
} Run;

static GstPadProbeReturn
enter (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  ((Run *) data)->came = timing_thread_now ();
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
leave (GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
  Run *run = data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (probe);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstVideoInfo info;
  gboolean looked = FALSE;

  run->ms += (timing_thread_now () - run->came) / 1000;
  g_assert_true (gst_video_info_from_caps (&info, caps));
  g_ptr_array_add (run->frames, seen_on (buffer, &info));
  GstCustomMeta *truth = gst_buffer_get_custom_meta (buffer, "fbnetdetect");
  gst_structure_get_boolean (gst_custom_meta_get_structure (truth), "looked", &looked);
  run->n_looked += looked;
  return GST_PAD_PROBE_OK;
}

/* FALSE: the film cannot be decoded here. */
static gboolean
play (const char *film, const char *model, const char *settings, Run *run)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line =
      g_strdup_printf ("filesrc location=\"%s\" ! decodebin ! fbnetdetect name=detector threads=1 "
                       "scheduling=sync model-file=\"%s\" %s ! fakesink",
          film, model, settings);
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);

  g_assert_no_error (error);
  *run = (Run){ .frames = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref) };
  g_autoptr (GstElement) detector = gst_bin_get_by_name (GST_BIN (pipeline), "detector");
  g_autoptr (GstPad) sink = gst_element_get_static_pad (detector, "sink");
  g_autoptr (GstPad) src = gst_element_get_static_pad (detector, "src");
  gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_BUFFER, enter, run, NULL);
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, leave, run, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  const gboolean done = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return done;
}

static double
iou (const Seen *a, const Seen *b)
{
  const double w = MIN (a->x1, b->x1) - MAX (a->x0, b->x0);
  const double h = MIN (a->y1, b->y1) - MAX (a->y0, b->y0);
  const double shared = w > 0 && h > 0 ? w * h : 0;

  return shared / ((a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - shared);
}

static gboolean
has_like (const GArray *objects, const Seen *object)
{
  for (guint i = 0; i < objects->len; i++)
    if (SEEN (objects, i)->class_id == object->class_id && SEEN (objects, i)->score >= LEAST_SCORE
        && iou (SEEN (objects, i), object) >= SAME)
      return TRUE;
  return FALSE;
}

/* Of all objects in `a`, those that `b` has in the same frame. */
static void
compare (const Run *a, const Run *b, guint *n, guint *n_same)
{
  g_assert_cmpuint (a->frames->len, ==, b->frames->len);
  for (guint f = 0; f < a->frames->len; f++) {
    const GArray *objects = g_ptr_array_index (a->frames, f);
    for (guint i = 0; i < objects->len; i++) {
      if (SEEN (objects, i)->score < LEAST_SCORE)
        continue;
      (*n)++;
      *n_same += has_like (g_ptr_array_index (b->frames, f), SEEN (objects, i));
    }
  }
}

/* Returns: how many of the objects of either the other one has. */
static double
report (const char *name, const char *settings, const Run *always, const Run *run)
{
  guint n = 0, n_same = 0, n_back = 0, n_same_back = 0;

  compare (always, run, &n, &n_same);
  compare (run, always, &n_back, &n_same_back);
  const double agreement = (double) (n_same + n_same_back) / MAX (n + n_back, 1);
  const double frames = always->frames->len;
  g_print ("%s, %s: %.2f of %u frames looked at, %.1f ms a frame in place of %.1f: %.2f; agreement "
           "%.4f (%u of %u, %u of "
           "%u)\n",
      name, settings, run->n_looked / frames, always->frames->len, run->ms / frames,
      always->ms / frames, run->ms / always->ms, agreement, n_same, n, n_same_back, n_back);
  return agreement;
}

typedef struct {
  const char *settings;
  double most_looked, least_agreement;
} Bound;

static void
check (const char *name, const char *model, const Bound *bounds, guint n)
{
  g_autofree char *film = g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "video", name, NULL);
  Run always;

  if (model == NULL)
    return;
  if (!g_file_test (film, G_FILE_TEST_EXISTS) || !play (film, model, "", &always)) {
    g_test_skip ("no film, or no decoder for it");
    return;
  }
  for (guint i = 0; i < n; i++) {
    Run run;
    g_assert_true (play (film, model, bounds[i].settings, &run));
    const double agreement = report (name, bounds[i].settings, &always, &run);
    g_assert_cmpfloat ((double) run.n_looked / always.frames->len, <=, bounds[i].most_looked);
    g_assert_cmpfloat (agreement, >=, bounds[i].least_agreement);
    g_ptr_array_unref (run.frames);
  }
  g_ptr_array_unref (always.frames);
}

/* Persons who come one by one and stand for a while. */
static void
check_persons (const char *model)
{
  static const Bound bounds[] = {
    { "still-threshold=24", 0.75, 0.97 },
    { "still-threshold=64", 0.55, 0.97 },
    { "still-threshold=96", 0.5, 0.97 },
    { "still-threshold=24 zoom-policy=motion", 0.75, 0.97 },
    { "still-threshold=96 zoom-policy=motion", 0.55, 0.97 },
  };

  check ("one-by-one-person-detection.mp4", model, bounds, G_N_ELEMENTS (bounds));
}

/* Cars that pass an empty place. */
static void
check_cars (const char *model)
{
  static const Bound bounds[] = {
    { "still-threshold=24", 0.6, 0.97 },
    { "still-threshold=64", 0.5, 0.97 },
    { "still-threshold=24 zoom-policy=motion", 0.6, 0.93 },
  };

  check ("car-detection.mp4", model, bounds, G_N_ELEMENTS (bounds));
}

static void
test_int8_persons (void)
{
  check_persons (models_weights_int8 (WEIGHTS));
}

static void
test_int8_cars (void)
{
  check_cars (models_weights_int8 (WEIGHTS));
}

static void
test_float32_persons (void)
{
  check_persons (models_weights (WEIGHTS));
}

static void
test_float32_cars (void)
{
  check_cars (models_weights (WEIGHTS));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline/still/int8/persons", test_int8_persons);
  g_test_add_func ("/pipeline/still/int8/cars", test_int8_cars);
  g_test_add_func ("/pipeline/still/float32/persons", test_float32_persons);
  g_test_add_func ("/pipeline/still/float32/cars", test_float32_cars);
  const int result = g_test_run ();
  models_clean_up ();
  return result;
}
