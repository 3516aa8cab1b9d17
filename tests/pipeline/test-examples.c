/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The applications in examples/ run and print what is in the picture.
 */
#include <gst/gst.h>
#include <string.h>

#include "models.h"

/* Where Debian installs PyGObject for; another python3 in the path need not have it. */
#define FBNET_PYTHON "/usr/bin/python3"

/* What `program` prints about the picture of a dog before a bicycle. */
static char *
run_on_picture (const char *interpreter, const char *program)
{
  g_autofree char *picture =
      g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "fixtures", "frames", "dogbike.png", NULL);
  const char *argv[] = { interpreter, program, models_file (FIXTURE_COCO), picture, NULL };
  char *out = NULL;
  g_autofree char *err = NULL;
  gint status = -1;
  g_autoptr (GError) error = NULL;

  g_spawn_sync (NULL, (char **) argv + (interpreter != NULL ? 0 : 1), NULL, G_SPAWN_SEARCH_PATH,
      NULL, NULL, &out, &err, &status, &error);
  g_assert_no_error (error);
  g_test_message ("%s%s", out, err);
  g_assert_cmpint (status, ==, 0);
  return out;
}

/* The C application finds the dog, the bicycle and the truck, in this order. */
static void
test_watch_c (void)
{
  if (models_file (FIXTURE_COCO) == NULL)
    return;
  g_autofree char *out = run_on_picture (NULL, g_getenv ("FBNET_WATCH"));
  const char *dog = strstr (out, "dog"), *bicycle = strstr (out, "bicycle"),
             *truck = strstr (out, "truck");
  g_assert_nonnull (dog);
  g_assert_nonnull (bicycle);
  g_assert_nonnull (truck);
  g_assert_true (dog < bicycle && bicycle < truck);
}

static gboolean
have_python (const char *namespace)
{
  g_autofree char *line = g_strdup_printf ("import gi; gi.require_version('%s', '1.0')", namespace);
  const char *const probe[] = { FBNET_PYTHON, "-c", line, NULL };
  gint status = -1;

  if (g_spawn_sync (NULL, (char **) probe, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL,
          &status, NULL)
      && status == 0)
    return TRUE;
  g_autofree char *why = g_strdup_printf ("no PyGObject with %s", namespace);
  g_test_skip (why);
  return FALSE;
}

/* The Python application prints the same with the same probabilities. */
static void
test_watch_python (void)
{
  if (!have_python ("GstVideo") || models_file (FIXTURE_COCO) == NULL)
    return;
  g_autofree char *out = run_on_picture (FBNET_PYTHON, g_getenv ("FBNET_WATCH_PY"));
  g_assert_nonnull (strstr (out, "dog 0.99, bicycle 0.96, truck 0.57"));
}

static gboolean
have_analytics (void)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("fbnetdetect", NULL));
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (element), "meta-types");

  if (g_flags_get_value_by_nick (G_PARAM_SPEC_FLAGS (spec)->flags_class, "analytics") != NULL)
    return TRUE;
  g_test_skip ("built without GstAnalytics");
  return FALSE;
}

/* The one that reads GstAnalytics metadata finds the same there. */
static void
test_analytics_python (void)
{
  if (!have_analytics () || !have_python ("GstAnalytics") || models_file (FIXTURE_COCO) == NULL)
    return;
  g_autofree char *out = run_on_picture (FBNET_PYTHON, g_getenv ("FBNET_ANALYTICS_PY"));
  g_assert_nonnull (strstr (out, "dog 0.99, bicycle 0.96, truck 0.57"));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pipeline/examples/watch-c", test_watch_c);
  g_test_add_func ("/pipeline/examples/watch-python", test_watch_python);
  g_test_add_func ("/pipeline/examples/analytics-python", test_analytics_python);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
