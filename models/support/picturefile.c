/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Picture files: which coder, which way up.
 */
#include "picture.h"

#include <string.h>

#include "codecs.h"
#include "files.h"

/* Turns `stored` as EXIF asks: orientations from 5 on exchange rows and columns; then some are
 * mirrored left to right, some top to bottom. */
static Picture *
turn (const Picture *stored, Orientation orientation, const char *name, GError **error)
{
  const gboolean transpose = orientation >= 5;
  const gboolean mirror_x =
      orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const gboolean mirror_y =
      orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const guint width = transpose ? stored->height : stored->width;
  const guint height = transpose ? stored->width : stored->height;
  Picture *turned = picture_new (width, height, name, error);

  if (turned == NULL)
    return NULL;

  guint8 *to = turned->pixels;
  for (guint y = 0; y < height; y++) {
    for (guint x = 0; x < width; x++, to += 3) {
      const gsize u = mirror_x ? width - 1 - x : x;
      const gsize v = mirror_y ? height - 1 - y : y;
      const gsize from = transpose ? u * stored->width + v : v * stored->width + u;
      memcpy (to, stored->pixels + 3 * from, 3);
    }
  }
  return turned;
}

static Picture *
decode (const guint8 *data, gsize size, Orientation *orientation, const char *path, GError **error)
{
  if (jpeg_recognise (data, size))
    return jpeg_decode (data, size, orientation, path, error);
  if (png_recognise (data, size))
    return png_decode (data, size, orientation, path, error);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected a PNG or JPEG picture, found %s", path,
      size ? "something else" : "an empty file");
  return NULL;
}

Picture *
picture_read (const char *path, GError **error)
{
  guint orientation;

  return picture_read_turned (path, &orientation, error);
}

Picture *
picture_read_turned (const char *path, guint *orientation, GError **error)
{
  gsize size;
  g_autofree char *data = file_read (path, &size, error);

  if (data == NULL)
    return NULL;

  *orientation = 1;
  Picture *stored = decode ((const guint8 *) data, size, orientation, path, error);
  if (stored == NULL || *orientation == 1)
    return stored;
  Picture *turned = turn (stored, *orientation, path, error);
  picture_free (stored);
  return turned;
}

gboolean
picture_write_png (const Picture *picture, const char *path, GError **error)
{
  g_autoptr (GByteArray) file = png_encode (picture, path, error);

  return file != NULL && file_write (path, file->data, file->len, error);
}

gboolean
picture_write_jpeg (const Picture *picture, guint quality, const char *path, GError **error)
{
  g_autoptr (GByteArray) file = jpeg_encode (picture, quality, path, error);

  return file != NULL && file_write (path, file->data, file->len, error);
}
