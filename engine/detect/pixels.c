/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures that come as one array of bytes, as languages with arrays of their own have them.
 */
#include "base/memory.h"
#include "classifier.h"
#include "picture/format.h"

/* `image` becomes a view of `pixels`; FALSE with error if they are not what the format and the size want. */
static gboolean
view (FbnetImage *image, FbnetPixelFormat format, guint width, guint height, const guint8 *pixels,
    gsize n_bytes, GError **error)
{
  const PixelFormat *row = (guint) format <= FBNET_PIXEL_BGR16 ? pixel_format (format) : NULL;

  if (row == NULL || pixel_format_n_planes (row) != 1) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "format: expected one of one plane, found %d", (int) format);
    return FALSE;
  }
  const PlaneLayout layout = pixel_format_plane (row, 0);
  const guint64 stride = ((guint64) width + layout.columns - 1) / layout.columns * layout.bytes;
  if (height == 0 || n_bytes / height != stride || n_bytes % height != 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "pixels: expected %u rows of %" G_GUINT64_FORMAT " bytes, found %" G_GSIZE_FORMAT
        " bytes in all",
        height, stride, n_bytes);
    return FALSE;
  }
  *image = (FbnetImage){ .format = format,
    .width = width,
    .height = height,
    .planes = { pixels },
    .strides = { (gssize) stride } };
  return TRUE;
}

gboolean
fbnet_detector_run_pixels (FbnetDetector *detector, FbnetPixelFormat format, guint width,
    guint height, const guint8 *pixels, gsize n_bytes, FbnetDetections *detections, GError **error)
{
  g_return_val_if_fail (detector != NULL && detections != NULL, FALSE);
  FbnetImage image;

  detections->n = 0;
  return view (&image, format, width, height, pixels, n_bytes, error)
      && fbnet_detector_run (detector, &image, detections, error);
}

float *
fbnet_classifier_run_pixels (FbnetClassifier *classifier, FbnetPixelFormat format, guint width,
    guint height, const guint8 *pixels, gsize n_bytes, guint *n_classes, GError **error)
{
  g_return_val_if_fail (classifier != NULL && n_classes != NULL, NULL);
  FbnetImage image;

  *n_classes = 0;
  if (!view (&image, format, width, height, pixels, n_bytes, error))
    return NULL;
  const guint n = classifier_get_n_classes (classifier);
  g_autofree float *probabilities = memory_new (float, n, error);
  if (probabilities == NULL)
    return NULL;
  if (!fbnet_classifier_run (classifier, &image, probabilities, error))
    return NULL;
  *n_classes = n;
  return g_steal_pointer (&probabilities);
}
