/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the element says when it cannot start.
 */
#include <gst/gst.h>
#include <string.h>

#include "models.h"

/* Starts an element and expects it to fail with this error, whose text holds `words`. */
static void
check_start_fails (const char *model_file, const char *property, const char *value, GQuark domain,
    gint code, const char *words)
{
  GstElement *element = gst_element_factory_make ("fbnetdetect", NULL);

  g_assert_nonnull (element);
  gst_object_ref_sink (element);
  g_autoptr (GstBus) bus = gst_bus_new ();
  gst_element_set_bus (element, bus);
  g_object_set (element, "model-file", model_file, NULL);
  if (property != NULL)
    gst_util_set_object_arg (G_OBJECT (element), property, value);

  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_autoptr (GError) error = NULL;
  g_autofree char *hint = NULL;
  gst_message_parse_error (message, &error, &hint);
  g_test_message ("%s | %s", error->message, hint);
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_nonnull (hint);
  g_autoptr (GstMessage) second = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_null (second);

  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
}

static char *
write_file (const char *name, const char *contents)
{
  char *path = models_path (name);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, contents, -1, &error);
  g_assert_no_error (error);
  return path;
}

/* A file that is not there: not found, by its name. */
static void
test_absent_model (void)
{
  check_start_fails ("/no/such/model.safetensors", NULL, NULL, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "/no/such/model.safetensors");
}

/* Another file than the one that was meant is refused; the right one starts, in capitals too. */
static void
test_sha256 (void)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  g_autofree char *data = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  g_autofree char *sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guint8 *) data, size);
  g_autofree char *capitals = g_ascii_strup (sum, -1);
  const char *const good[] = { sum, capitals };
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    GstElement *element = gst_element_factory_make ("fbnetdetect", NULL);
    gst_object_ref_sink (element);
    g_object_set (element, "model-file", path, "model-sha256", good[i], NULL);
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), !=,
        GST_STATE_CHANGE_FAILURE);
    gst_element_set_state (element, GST_STATE_NULL);
    gst_object_unref (element);
  }
  sum[0] = sum[0] == '0' ? '1' : '0';
  check_start_fails (path, "model-sha256", sum, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
      "(model-sha256)");
}

/* Files that are no models: of the wrong type, by their names. */
static void
test_wrong_type (void)
{
  g_autofree char *empty = write_file ("empty.safetensors", "");
  g_autofree char *text = write_file ("text.safetensors", "This is no model at all, just text.");

  check_start_fails (empty, NULL, NULL, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, empty);
  check_start_fails (text, NULL, NULL, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, text);
}

/* A model cut off in the middle is refused, and whole it starts: the cut is what fails. */
static void
test_truncated_model (void)
{
  const char *model = models_file (FIXTURE_COCO);

  if (model == NULL)
    return;
  g_autofree char *path = models_path ("truncated.safetensors");
  g_autofree char *contents = NULL;
  gsize size = 0;
  g_assert_true (g_file_get_contents (model, &contents, &size, NULL));
  g_assert_true (g_file_set_contents (path, contents, size / 2, NULL));
  check_start_fails (path, NULL, NULL, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, path);
}

/* What people have: a checkpoint, an export. Labels that are a folder. */
static void
test_other_files (void)
{
  g_autofree char *archive = write_file ("model.pt", "PK\3\4and so on");
  g_autofree char *pickle = write_file ("model.pth", "\x80\2and so on");

  check_start_fails (archive, NULL, NULL, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
      "fbnet-import");
  check_start_fails (pickle, NULL, NULL, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
      "fbnet-import");
  check_start_fails (NULL, "label-file", "/tmp", GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
      "folder");
}

/* Label files: absent, of the wrong length, no text. */
static void
test_label_file (void)
{
  const char *model = models_file (FIXTURE_COCO);

  if (model == NULL)
    return;
  g_autofree char *few = write_file ("few.txt", "cat\ndog\n");
  g_autofree char *binary = write_file ("binary.txt", "\xff\xfe");
  check_start_fails (model, "label-file", "/no/labels.txt", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "/no/labels.txt");
  check_start_fails (model, "label-file", few, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
      "expected 80 lines");
  check_start_fails (model, "label-file", binary, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
      "UTF-8");
}

/* A misspelt class at start is an error that repeats the word. */
static void
test_unknown_class (void)
{
  const char *model = models_file (FIXTURE_COCO);

  if (model == NULL)
    return;
  check_start_fails (model, "include-classes", "dog;unicorn", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS, "unicorn");
  check_start_fails (model, "exclude-classes", "80", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS, "\"80\"");
  check_start_fails (model, "class-thresholds", "t,griffin=0.5", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS, "griffin");
  check_start_fails (model, "class-thresholds", "garbage", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS, "garbage");
}

/* So is a kernel set that is not there. */
static void
test_unknown_kernels (void)
{
  check_start_fails (NULL, "kernels", "abacus", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "kernels: expected ");
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/errors/absent-model", test_absent_model);
  g_test_add_func ("/element/errors/sha256", test_sha256);
  g_test_add_func ("/element/errors/wrong-type", test_wrong_type);
  g_test_add_func ("/element/errors/truncated-model", test_truncated_model);
  g_test_add_func ("/element/errors/other-files", test_other_files);
  g_test_add_func ("/element/errors/label-file", test_label_file);
  g_test_add_func ("/element/errors/unknown-class", test_unknown_class);
  g_test_add_func ("/element/errors/unknown-kernels", test_unknown_kernels);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
