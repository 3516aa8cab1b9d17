/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures in memory; picturefile.c has those in files.
 */
#include "picture.h"

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
  if (pixels == NULL) {
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
  if (picture == NULL)
    return;
  g_free (picture->pixels);
  g_free (picture);
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
