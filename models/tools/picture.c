/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Picture files: which decoder, which way up.
 */
#include "picture.h"

#include <string.h>

#include "codecs.h"

Picture *
picture_new (guint width, guint height, const char *name, GError **error)
{
  const gboolean fits = width >= 1 && height >= 1 && width <= PICTURE_MAX_SIDE
      && height <= PICTURE_MAX_SIDE && (guint64) width * height <= PICTURE_MAX_PIXELS;
  if (!fits) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: picture size: expected 1 to %d pixels a side and at most %d in all, found %u×%u", name,
        PICTURE_MAX_SIDE, PICTURE_MAX_PIXELS, width, height);
    return NULL;
  }
  guint8 *pixels = g_try_malloc0_n ((gsize) width * height, 3);
  if (!pixels) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: no memory for %u×%u pixels", name,
        width, height);
    return NULL;
  }
  Picture *picture = g_new (Picture, 1);
  *picture = (Picture){ width, height, pixels };
  return picture;
}

void
picture_free (Picture *picture)
{
  if (!picture)
    return;
  g_free (picture->pixels);
  g_free (picture);
}

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
  if (!turned)
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
  g_autofree char *data = NULL;
  gsize size;
  g_autoptr (GError) io_error = NULL;
  if (!g_file_get_contents (path, &data, &size, &io_error)) {
    const gboolean absent = g_error_matches (io_error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_set_error (error, FBNET_ERROR, absent ? FBNET_ERROR_NOT_FOUND : FBNET_ERROR_IO, "%s: %s",
        path, absent ? "no such file" : io_error->message);
    return NULL;
  }

  Orientation orientation = 1;
  Picture *stored = decode ((const guint8 *) data, size, &orientation, path, error);
  if (!stored || orientation == 1)
    return stored;
  Picture *turned = turn (stored, orientation, path, error);
  picture_free (stored);
  return turned;
}

gboolean
picture_write_png (const Picture *picture, const char *path, GError **error)
{
  g_autoptr (GByteArray) file = png_encode (picture, path, error);
  if (!file)
    return FALSE;
  g_autoptr (GError) io_error = NULL;
  if (g_file_set_contents (path, (const char *) file->data, file->len, &io_error))
    return TRUE;
  g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_IO, io_error->message);
  return FALSE;
}

FbnetImage
picture_image (const Picture *picture)
{
  return (FbnetImage){
    .format = FBNET_PIXEL_RGB,
    .width = picture->width,
    .height = picture->height,
    .planes = { picture->pixels },
    .strides = { 3 * (gssize) picture->width },
  };
}
