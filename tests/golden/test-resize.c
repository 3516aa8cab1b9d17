/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Real pictures to the network's pixels, against what D2Go fed its networks.
 */
#include "picture/image.h"

#include "npy.h"
#include "support/picture.h"

/* The folder is that of the golden data: fixtures/README.md there. */
static const struct {
  const char *resized, *frame;
  gsize min_size, max_size;
} cases[] = {
  { "extra_gn_faster_dsmask_C4", "horse.png", 224, 320 },
  { "faster_rcnn_fbnetv3a_C4", "horse.png", 224, 320 },
  { "faster_rcnn_fbnetv3a_dsmask_C4", "horse.png", 224, 320 },
  { "faster_rcnn_fbnetv3a_dsmask_C4_coco/dog", "dog.jpg", 224, 320 },
  { "faster_rcnn_fbnetv3a_dsmask_C4_coco/dogbike", "dogbike.png", 224, 320 },
  { "faster_rcnn_fbnetv3a_dsmask_C4_coco/horse", "horse.png", 224, 320 },
  { "faster_rcnn_fbnetv3g_fpn", "horse.png", 180, 256 },
  { "int8_coco/dog", "dog.jpg", 224, 320 },
  { "int8_coco/dogbike", "dogbike.png", 224, 320 },
  { "int8_coco/horse", "horse.png", 224, 320 },
  { "keypoint_rcnn_fbnetv3a_dsmask_C4", "horse.png", 224, 448 },
  { "mask_rcnn_fbnetv3a_C4", "horse.png", 224, 320 },
  { "mask_rcnn_fbnetv3a_dsmask_C4", "horse.png", 224, 320 },
  { "mask_rcnn_fbnetv3g_fpn", "horse.png", 380, 512 },
};

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

/* Size and every byte of the B, G, R pixels are those that detectron2's ResizeShortestEdge and Pillow
 * made, from PNG and from JPEG, with one thread and with two. */
static void
test_case (gconstpointer data)
{
  const gsize index = GPOINTER_TO_SIZE (data);
  const char *root = g_getenv ("FBNET_GOLDEN_DATA");
  g_autoptr (GError) error = NULL;

  if (root == NULL || !g_file_test (root, G_FILE_TEST_IS_DIR)) {
    g_test_skip ("no golden data");
    return;
  }
  g_autofree char *frame = g_build_filename (root, "fixtures", "frames", cases[index].frame, NULL);
  g_autofree char *resized =
      g_build_filename (root, "fixtures", cases[index].resized, "resized.npy", NULL);
  g_autoptr (Picture) picture = picture_read (frame, &error);
  g_assert_no_error (error);
  g_autoptr (Npy) expected = npy_load (resized, &error);
  g_assert_no_error (error);

  gsize height, width;
  image_network_size (picture->height, picture->width, cases[index].min_size, cases[index].max_size,
      &height, &width);
  g_assert_cmpuint (height, ==, expected->shape[0]);
  g_assert_cmpuint (width, ==, expected->shape[1]);
  const FbnetImage image = picture_image (picture);
  for (guint n_threads = 1; n_threads <= 2; n_threads++) {
    g_autofree guint8 *out = resize (&image, height, width, n_threads);
    g_assert_cmpmem (out, height * width * 3, expected->data, expected->n_bytes);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strdup_printf ("/resize/%s", cases[i].resized);
    g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_case);
  }
  return g_test_run ();
}
