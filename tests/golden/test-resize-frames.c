/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Real pictures to the network's pixels, against what D2Go fed its networks.
 */
#include "picture/image.h"

#include "fixture.h"

static guint8 *
resize (const FbnetImage *image, gsize height, gsize width, guint n_threads)
{
  g_autoptr (GError) error = NULL;
  guint8 *out = g_malloc_n (height * width, 3);
  ImageResizer *resizer = image_resizer_new (NULL);
  Workers *workers = workers_new (n_threads, &error);

  g_assert_no_error (error);
  image_resizer_prepare (resizer, image->height, image->width, height, width, n_threads, &error);
  g_assert_no_error (error);
  image_resize (resizer, out, image, TRUE, workers);
  workers_free (workers);
  image_resizer_free (resizer);
  return out;
}

static void
check_resized (const Picture *picture, const Npy *expected)
{
  const FbnetImage image = picture_image (picture);
  const gsize height = expected->shape[0], width = expected->shape[1];

  for (guint n_threads = 1; n_threads <= 2; n_threads++) {
    g_autofree guint8 *out = resize (&image, height, width, n_threads);
    g_assert_cmpmem (out, height * width * 3, expected->data, expected->n_bytes);
  }
}

/* Size and every byte of the B, G, R pixels are those that detectron2's ResizeShortestEdge and Pillow
 * made, from PNG and from JPEG, with one thread and with two. */
static void
test_detector (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  const cJSON *input = fixture_config (fixture, "cfg.INPUT");
  g_autoptr (Picture) picture = fixture_picture (fixture);
  g_autoptr (Npy) expected = fixture_array (fixture, "resized");
  gsize height, width;

  image_network_size (picture->height, picture->width,
      (gsize) cJSON_GetNumberValue (cJSON_GetObjectItem (input, "MIN_SIZE_TEST")),
      (gsize) cJSON_GetNumberValue (cJSON_GetObjectItem (input, "MAX_SIZE_TEST")), &height, &width);
  g_assert_cmpuint (height, ==, expected->shape[0]);
  g_assert_cmpuint (width, ==, expected->shape[1]);
  check_resized (picture, expected);
}

/* The picture in frames/ that an export's recording is named after, or NULL. */
static char *
find_frame (const char *name)
{
  static const char *const endings[] = { "png", "jpg" };
  g_autofree char *picture = g_path_get_basename (name);

  for (guint i = 0; i < G_N_ELEMENTS (endings); i++) {
    g_autofree char *path = g_strdup_printf ("%s/fixtures/frames/%s.%s",
        g_getenv ("FBNET_GOLDEN_DATA"), picture, endings[i]);
    if (g_file_test (path, G_FILE_TEST_EXISTS))
      return g_steal_pointer (&path);
  }
  return NULL;
}

/* The same of what was given to an export. */
static void
test_export (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);
  g_autofree char *path = find_frame (name);

  if (fixture == NULL || path == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (Picture) picture = picture_read (path, &error);
  g_assert_no_error (error);
  g_autoptr (Npy) expected = fixture_array (fixture, "resized");
  check_resized (picture, expected);
}

/* Of exports, unlike detectors, not every recording has its frame. */
static void
add_exports (void)
{
  g_auto (GStrv) names = fixture_names (FIXTURE_INT8);

  for (guint i = 0; names[i] != NULL; i++) {
    g_autofree char *path = g_strconcat ("/resize/export/", names[i], NULL);
    g_autofree char *frame = find_frame (names[i]);
    if (frame != NULL)
      g_test_add_data_func_full (path, g_strdup (names[i]), test_export, g_free);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fixture_add_cases ("/resize/detector", FIXTURE_DETECTOR, "resized", test_detector);
  add_exports ();
  return g_test_run ();
}
