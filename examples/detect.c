/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libfbnet by itself: a model and a picture in, a line per object out.
 *
 *   cc detect.c $(pkg-config --cflags --libs fbnet) -o detect
 *   ./detect model.safetensors picture.ppm
 *
 * The picture is a binary PPM ("P6", 8 bit), the one format that needs no library:
 * pngtopnm picture.png > picture.ppm
 */
#include <fbnet/fbnet.h>

#include <stdio.h>
#include <string.h>

/* Points `image` into `file`; FALSE if that is no such picture. */
static gboolean
read_ppm (FbnetImage *image, const char *file, gsize size)
{
  guint width, height;
  int header = 0;

  if (sscanf (file, "P6 %5u %5u 255%n", &width, &height, &header) != 2 || header == 0)
    return FALSE;
  header++; /* one white space, then the pixels */
  const gsize n_pixels = (gsize) width * height;
  if (width == 0 || height == 0 || n_pixels > (size - (gsize) header) / 3)
    return FALSE;
  *image = (FbnetImage){
    .format = FBNET_PIXEL_RGB,
    .width = width,
    .height = height,
    .planes = { (const guint8 *) file + header },
    .strides = { 3 * (gssize) width },
  };
  return TRUE;
}

static gboolean
detect (const char *model_path, const FbnetImage *image, GError **error)
{
  g_autoptr (FbnetModel) model = fbnet_model_load (model_path, error);

  if (model == NULL)
    return FALSE;
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, NULL, error);
  if (detector == NULL)
    return FALSE;
  FbnetParams params;
  fbnet_model_get_params (model, &params);
  params.score_threshold = 0.5f;
  if (!fbnet_detector_set_params (detector, &params, error))
    return FALSE;

  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  if (!fbnet_detector_run (detector, image, found, error))
    return FALSE;
  for (guint i = 0; i < found->n; i++) {
    const FbnetDetection *object = &found->items[i];
    const char *label = fbnet_model_get_label (model, object->class_id);
    printf ("%-16s %3.0f %%  %5.1f %5.1f %5.1f %5.1f\n", label != NULL ? label : "?",
        (double) object->score * 100, (double) object->x0, (double) object->y0, (double) object->x1,
        (double) object->y1);
  }
  return TRUE;
}

int
main (int argc, char **argv)
{
  if (argc != 3) {
    fprintf (stderr, "usage: detect MODEL.safetensors PICTURE.ppm\n");
    return 2;
  }
  g_autoptr (GError) error = NULL;
  g_autofree char *file = NULL;
  gsize size;
  FbnetImage image;
  if (!g_file_get_contents (argv[2], &file, &size, &error)) {
    fprintf (stderr, "%s\n", error->message);
    return 1;
  }
  if (!read_ppm (&image, file, size)) {
    fprintf (stderr, "%s: not a binary PPM picture of 8 bits\n", argv[2]);
    return 1;
  }
  if (!detect (argv[1], &image, &error)) {
    fprintf (stderr, "%s\n", error->message);
    return 1;
  }
  return 0;
}
