/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Properties set while frames flow: each takes effect on the next frame.
 */
#include <gst/controller/controller.h>
#include <string.h>

#include "models.h"
#include "scene.h"

/* Sets one property as gst-launch would, and checks the labels on the next frame, in their order. */
static void
check_labels (Scene *scene, const char *property, const char *value, const char *expected)
{
  gst_util_set_object_arg (G_OBJECT (scene->stream->element), property, value);
  g_autoptr (GArray) found = scene_look (scene);
  g_autoptr (GString) labels = g_string_new (NULL);
  for (guint i = 0; i < found->len; i++)
    g_string_append_printf (labels, "%s%s", i ? " " : "", SEEN (found, i)->label);
  g_test_message ("%s=%s: %s", property, value, labels->str);
  g_assert_cmpstr (labels->str, ==, expected);
}

static void
check_no_message (Scene *scene, GstMessageType type)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (scene->stream->bus, type);

  g_assert_null (message);
}

/* Everything that selects detections: thresholds, classes, counts, sizes. */
static void
test_selection (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", NULL))
    return;
  check_labels (&scene, "score-threshold", "0.5", "dog bicycle truck");
  check_labels (&scene, "score-threshold", "0.4", "dog bicycle truck car");
  check_labels (&scene, "score-threshold", "0.99", "dog");
  check_labels (&scene, "score-threshold", "0.35", "dog bicycle truck car person");
  check_labels (&scene, "max-detections", "2", "dog bicycle");
  check_labels (&scene, "max-detections", "100", "dog bicycle truck car person");

  check_labels (&scene, "include-classes", "dog; car;0", "dog car person");
  check_labels (&scene, "exclude-classes", "dog", "car person");
  check_labels (&scene, "include-classes", "", "bicycle truck car person");
  check_labels (&scene, "exclude-classes", "", "dog bicycle truck car person");

  check_labels (&scene, "class-thresholds", "t,dog=1.0,car=0.45,7=0.6", "bicycle person");
  check_labels (&scene, "class-thresholds", "t,parking_meter=0.2,truck=1,person=1",
      "dog bicycle car");
  g_object_set (scene.stream->element, "class-thresholds", NULL, NULL);

  check_labels (&scene, "min-object-width", "121", "bicycle car");
  check_labels (&scene, "min-object-width", "0", "dog bicycle truck car person");
  check_labels (&scene, "max-object-width", "118", "person");
  check_labels (&scene, "max-object-width", "0", "dog bicycle truck car person");
  check_labels (&scene, "min-object-height", "100", "dog bicycle");
  check_labels (&scene, "min-object-height", "0", "dog bicycle truck car person");
  check_labels (&scene, "max-object-height", "100", "truck car person");
  check_labels (&scene, "max-object-height", "0", "dog bicycle truck car person");
  check_no_message (&scene, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  scene_close (&scene);
}

static double
best_score (GArray *found)
{
  return found->len > 0 ? SEEN (found, 0)->score : 0;
}

/* Everything that changes what the network does: each alone changes the result, and 0 brings the
 * model's own back, to the bit. */
static void
test_network (void)
{
  static const struct {
    const char *property, *value, *back;
  } cases[] = { { "min-size", "160", "0" }, { "max-size", "200", "0" },
    { "box-pooler-resolution", "8", "0" }, { "post-nms-count", "1", "0" },
    { "pre-nms-count", "1", "0" }, { "iou-threshold", "0", "0.5" },
    { "rpn-iou-threshold", "0.2", "0.7" } };
  Scene scene;

  if (!scene_open (&scene, "RGB", "score-threshold=0.02"))
    return;
  g_autoptr (GArray) normal = scene_look (&scene);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gst_util_set_object_arg (G_OBJECT (scene.stream->element), cases[i].property, cases[i].value);
    g_autoptr (GArray) changed = scene_look (&scene);
    gst_util_set_object_arg (G_OBJECT (scene.stream->element), cases[i].property, cases[i].back);
    g_autoptr (GArray) back = scene_look (&scene);
    g_test_message ("%s: %u detections, %u before", cases[i].property, changed->len, normal->len);
    g_assert_true (changed->len != normal->len || best_score (changed) != best_score (normal));
    g_assert_cmpuint (back->len, ==, normal->len);
    g_assert_cmpfloat (best_score (back), ==, best_score (normal));
  }
  scene_close (&scene);
}

/* Boxes of different classes in the same place: with class-agnostic-nms only the best stays. */
static void
test_class_agnostic (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", "score-threshold=0.4"))
    return;
  check_labels (&scene, "class-agnostic-nms", "false", "dog bicycle truck car");
  check_labels (&scene, "class-agnostic-nms", "true", "dog bicycle truck");
  scene_close (&scene);
}

/* A class that the model does not know is told in one warning, not one per frame; the known ones
 * count; a correction is accepted. */
static void
test_unknown_class (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", NULL))
    return;
  check_labels (&scene, "include-classes", "dog;unicorn", "dog");
  g_autoptr (GstMessage) message = stream_pop (scene.stream, GST_MESSAGE_WARNING);
  g_assert_nonnull (message);
  g_autoptr (GError) error = NULL;
  gst_message_parse_warning (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "unicorn"));
  check_labels (&scene, "score-threshold", "0.6", "dog");
  check_labels (&scene, "score-threshold", "0.5", "dog");
  check_no_message (&scene, GST_MESSAGE_WARNING);
  check_labels (&scene, "include-classes", "dog;bicycle", "dog bicycle");
  check_no_message (&scene, GST_MESSAGE_WARNING);
  check_labels (&scene, "class-thresholds", "t,dog=(string)high", "dog bicycle");
  g_autoptr (GstMessage) another = stream_pop (scene.stream, GST_MESSAGE_WARNING);
  g_assert_nonnull (another);
  scene_close (&scene);
}

/* What needs masks is refused with a word on a model without a mask head, and the rest works. */
static void
test_masks_without_head (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", "mask-pooler-resolution=7 masks=true"))
    return;
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GstMessage) message = stream_pop (scene.stream, GST_MESSAGE_WARNING);
    g_assert_nonnull (message);
    g_autoptr (GError) error = NULL;
    gst_message_parse_warning (message, &error, NULL);
    g_assert_nonnull (strstr (error->message, "mask head"));
  }
  check_labels (&scene, "score-threshold", "0.5", "dog bicycle truck");
  check_no_message (&scene, GST_MESSAGE_WARNING);
  scene_close (&scene);
}

/* What was never set reads as the model's own once it is loaded. */
static void
test_defaults (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", NULL))
    return;
  gboolean masks = TRUE;
  float rpn = 0, final = 0;
  g_object_get (scene.stream->element, "masks", &masks, "rpn-iou-threshold", &rpn, "iou-threshold",
      &final, NULL);
  g_assert_false (masks);
  g_assert_cmpfloat_with_epsilon (rpn, 0.7, 1e-6);
  g_assert_cmpfloat_with_epsilon (final, 0.5, 1e-6);
  scene_close (&scene);
}

/* A GstController moves the threshold along the stream's time. */
static void
test_controller (void)
{
  Scene scene;

  if (!scene_open (&scene, "RGB", NULL))
    return;
  GstControlSource *source = gst_interpolation_control_source_new ();
  g_object_set (source, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
  g_assert_true (gst_object_add_control_binding (GST_OBJECT (scene.stream->element),
      gst_direct_control_binding_new_absolute (GST_OBJECT (scene.stream->element),
          "score-threshold", source)));
  GstTimedValueControlSource *values = GST_TIMED_VALUE_CONTROL_SOURCE (source);
  gst_timed_value_control_source_set (values, 0, 0.5);
  gst_timed_value_control_source_set (values, 80 * GST_MSECOND, 0.99);
  static const guint expected[] = { 3, 3, 1, 1 };
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    g_autoptr (GArray) found = scene_look (&scene);
    g_assert_cmpuint (found->len, ==, expected[i]);
  }
  gst_object_unref (source);
  scene_close (&scene);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/properties/selection", test_selection);
  g_test_add_func ("/element/properties/network", test_network);
  g_test_add_func ("/element/properties/class-agnostic", test_class_agnostic);
  g_test_add_func ("/element/properties/unknown-class", test_unknown_class);
  g_test_add_func ("/element/properties/masks-without-head", test_masks_without_head);
  g_test_add_func ("/element/properties/defaults", test_defaults);
  g_test_add_func ("/element/properties/controller", test_controller);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
