/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models that elements share, and the exchange of a model while frames flow.
 */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "gstfbnetmodels.h"
#include "models.h"
#include "stream.h"

static char *
copy_model (const char *name)
{
  char *path = models_path (name);
  g_autofree char *contents = NULL;
  gsize size = 0;

  g_assert_true (g_file_get_contents (models_file (FIXTURE_COCO), &contents, &size, NULL));
  g_assert_true (g_file_set_contents (path, contents, size, NULL));
  return path;
}

/* One file is one model, by whatever name; a file that changed is another; the last one out frees
 * it. */
static void
test_one_model_per_file (void)
{
  if (models_file (FIXTURE_COCO) == NULL)
    return;
  g_autofree char *path = copy_model ("shared.safetensors");
  g_autofree char *link = models_path ("link.safetensors");
  g_assert_cmpint (symlink (path, link), ==, 0);
  FbnetModel *first = gst_fbnet_models_acquire (path, NULL);
  FbnetModel *second = gst_fbnet_models_acquire (link, NULL);
  g_assert_nonnull (first);
  g_assert_true (first == second);

  g_autofree char *again = copy_model ("shared.safetensors");
  FbnetModel *changed = gst_fbnet_models_acquire (again, NULL);
  g_assert_nonnull (changed);
  g_assert_true (changed != first);
  g_assert_cmpuint (fbnet_model_get_n_classes (first), ==, 80);
  gst_fbnet_models_release (changed);
  gst_fbnet_models_release (second);
  g_assert_cmpuint (fbnet_model_get_n_classes (first), ==, 80);
  gst_fbnet_models_release (first);
  gst_fbnet_models_release (NULL);
}

static gpointer
acquire_in_thread (gpointer path)
{
  return gst_fbnet_models_acquire (path, NULL);
}

/* Threads that ask at once for one file all get the one model. */
static void
test_threads (void)
{
  const char *path = models_file (FIXTURE_COCO);
  GThread *threads[6];
  FbnetModel *models[6];

  if (path == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new (NULL, acquire_in_thread, (gpointer) path);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
    models[i] = g_thread_join (threads[i]);
    g_assert_nonnull (models[i]);
    g_assert_true (models[i] == models[0]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    gst_fbnet_models_release (models[i]);
}

/* A failure is not remembered: once the file is mended it loads. */
static void
test_failure (void)
{
  if (models_file (FIXTURE_COCO) == NULL)
    return;
  g_autofree char *path = models_path ("mended.safetensors");
  g_autoptr (GError) error = NULL;
  g_assert_null (gst_fbnet_models_acquire (path, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_true (g_file_set_contents (path, "broken", -1, NULL));
  g_assert_null (gst_fbnet_models_acquire (path, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);

  g_autofree char *mended = copy_model ("mended.safetensors");
  FbnetModel *model = gst_fbnet_models_acquire (mended, NULL);
  g_assert_nonnull (model);
  gst_fbnet_models_release (model);
}

/* --- Exchange ---------------------------------------------------------------------------------- */

typedef struct {
  GMutex lock;
  GCond changed;
  guint n_updates;
  gboolean success;
  char *text;
} Updates;

static void
note_update (GstElement *element, gboolean success, const char *text, gpointer data)
{
  Updates *updates = data;

  g_mutex_lock (&updates->lock);
  updates->n_updates++;
  updates->success = success;
  g_free (updates->text);
  updates->text = g_strdup (text);
  g_cond_signal (&updates->changed);
  g_mutex_unlock (&updates->lock);
}

static guint
count_updates (Updates *updates)
{
  g_mutex_lock (&updates->lock);
  const guint n = updates->n_updates;
  g_mutex_unlock (&updates->lock);
  return n;
}

/* Frames flow until the update has come; no time limit but the test's own. */
static void
push_until_update (Stream *stream, const Picture *picture, Updates *updates, guint n)
{
  while (count_updates (updates) < n)
    gst_buffer_unref (stream_push_rgb (stream, picture->pixels, 0));
}

static char *
first_label (Stream *stream, const Picture *picture)
{
  g_autoptr (GstBuffer) out = stream_push_rgb (stream, picture->pixels, 0);
  g_autoptr (GArray) seen = seen_on (out, &stream->info);

  return g_strdup (seen->len > 0 ? SEEN (seen, 0)->label : "");
}

static char *
write_labels (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < 80; i++)
    g_string_append_printf (text, "thing %u\r\n", i);
  char *path = models_path ("labels.txt");
  g_assert_true (g_file_set_contents (path, text->str, -1, NULL));
  return path;
}

/* While frames flow: a new model comes into use and says so; one that fails leaves the old one in
 * use with a warning; labels are exchanged the same way. */
static void
test_exchange (void)
{
  const char *model = models_file (FIXTURE_COCO);

  if (model == NULL)
    return;
  g_autoptr (Fixture) fixture = fixture_open (FIXTURE_COCO);
  g_autoptr (Picture) picture = fixture_picture (fixture);
  g_autofree char *other = copy_model ("other.safetensors");
  g_autofree char *labels = write_labels ();
  g_autoptr (Stream) stream = stream_open (model, NULL);
  Updates updates = { 0 };
  g_signal_connect (stream->element, "model-updated", G_CALLBACK (note_update), &updates);
  stream_set_format (stream, "RGB", picture->width, picture->height, NULL);

  g_object_set (stream->element, "model-file", other, NULL);
  push_until_update (stream, picture, &updates, 1);
  g_assert_true (updates.success);
  g_assert_cmpstr (updates.text, ==, other);
  g_autofree char *dog = first_label (stream, picture);
  g_assert_cmpstr (dog, ==, "dog");

  g_object_set (stream->element, "model-file", "/no/such/model.safetensors", NULL);
  push_until_update (stream, picture, &updates, 2);
  g_assert_false (updates.success);
  g_assert_nonnull (strstr (updates.text, "/no/such/model.safetensors"));
  g_autoptr (GstMessage) warning = stream_pop (stream, GST_MESSAGE_WARNING);
  g_assert_nonnull (warning);
  g_autofree char *still = first_label (stream, picture);
  g_assert_cmpstr (still, ==, "dog");

  g_object_set (stream->element, "model-file", model, NULL);
  push_until_update (stream, picture, &updates, 3);
  g_object_set (stream->element, "label-file", labels, "include-classes", "thing 16", NULL);
  push_until_update (stream, picture, &updates, 4);
  g_assert_true (updates.success);
  g_autofree char *thing = first_label (stream, picture);
  g_assert_cmpstr (thing, ==, "thing 16");
  g_autoptr (GstMessage) untimely = gst_bus_pop_filtered (stream->bus, GST_MESSAGE_WARNING);
  g_assert_null (untimely); /* that the old labels lack the class was never said */
  g_free (updates.text);
}

/* A model that is still loading when the element stops, or that no frame comes for, is let go. */
static void
test_stop_while_loading (void)
{
  const char *model = models_file (FIXTURE_COCO);

  if (model == NULL)
    return;
  for (guint i = 0; i < 3; i++) {
    g_autoptr (Stream) stream = stream_open (model, NULL);
    for (guint j = 0; j < 5; j++) {
      g_autofree char *name = g_strdup_printf ("pending-%u-%u.safetensors", i, j);
      g_autofree char *path = copy_model (name);
      g_object_set (stream->element, "model-file", path, NULL);
    }
    if (i == 2)
      g_usleep (200000);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/sharing/one-model-per-file", test_one_model_per_file);
  g_test_add_func ("/element/sharing/threads", test_threads);
  g_test_add_func ("/element/sharing/failure", test_failure);
  g_test_add_func ("/element/sharing/exchange", test_exchange);
  g_test_add_func ("/element/sharing/stop-while-loading", test_stop_while_loading);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
