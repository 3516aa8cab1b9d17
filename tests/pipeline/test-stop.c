/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pipeline stops while a large network with a feature pyramid is at work: not when it has finished, but
 * between two of its layers.
 */
#include <gst/gst.h>

#include "models.h"

#define N_STOPS 3

/* ms of the last look, which is told once it has ended; 0 before the first. */
static double
last_look (GstElement *detector)
{
  g_autoptr (GstStructure) stats = NULL, last = NULL;
  double total = 0;

  g_object_get (detector, "stats", &stats, NULL);
  g_assert_true (gst_structure_get (stats, "last-ms", GST_TYPE_STRUCTURE, &last, NULL));
  g_assert_true (gst_structure_get_double (last, "total", &total));
  return total;
}

/* From PLAYING to READY in ms, some time after a look has ended and the next has begun. */
static double
time_stop (const char *model, guint delay, double *look)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_strdup_printf (
      "videotestsrc is-live=true pattern=black ! video/x-raw,format=NV12,width=640,height=480,"
      "framerate=10/1 ! fbnetdetect name=detector model-file=\"%s\" scheduling=latest ! fakesink",
      model);
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);

  g_assert_no_error (error);
  g_autoptr (GstElement) detector = gst_bin_get_by_name (GST_BIN (pipeline), "detector");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((*look = last_look (detector)) <= 0)
    g_usleep (1000);
  g_usleep (delay);
  const gint64 began = g_get_monotonic_time ();
  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_READY), ==, GST_STATE_CHANGE_SUCCESS);
  const gint64 elapsed = g_get_monotonic_time () - began;
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return (double) elapsed / 1000;
}

static void
test_pyramid (void)
{
  const char *model = models_file ("faster_rcnn_fbnetv3g_fpn");
  double least = G_MAXDOUBLE, most = 0, look = 0;

  if (model == NULL)
    return;
  for (guint i = 0; i < N_STOPS; i++) {
    const double stop = time_stop (model, 110000 + 20000 * i, &look);
    g_test_message ("stopped in %.1f ms, a look takes %.0f ms", stop, look);
    least = MIN (least, stop);
    most = MAX (most, stop);
  }
  g_assert_cmpfloat (least, <, look / 2);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline/stop/pyramid", test_pyramid);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
