/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures for tests, without files.
 */
#include "picture.h"

Picture *
picture_new (guint width, guint height)
{
  Picture *picture = g_new0 (Picture, 1);

  picture->width = width;
  picture->height = height;
  picture->rgb = g_malloc_n ((gsize) width * height, 3);
  return picture;
}

void
picture_free (Picture *picture)
{
  if (picture == NULL)
    return;
  g_free (picture->rgb);
  g_free (picture);
}

/* tests/data/make-tiny.py draws the same picture: whole numbers only. */
Picture *
picture_draw (guint width, guint height, guint seed)
{
  Picture *picture = picture_new (width, height);
  guint32 noise = seed * 2654435761u + 1;

  for (guint y = 0; y < height; y++) {
    for (guint x = 0; x < width; x++) {
      guint8 *pixel = picture->rgb + ((gsize) y * width + x) * 3;
      for (guint c = 0; c < 3; c++) {
        const gint dx = (gint) x - (gint) (width * (c + 1) / 4);
        const gint dy = (gint) y - (gint) (height * (3 - c) / 4);
        const gint radius = (gint) MIN (width, height) / (3 + (gint) c);
        const guint disc = dx * dx + dy * dy < radius * radius ? 96 : 0;
        noise = noise * 1664525u + 1013904223u;
        pixel[c] = (guint8) ((x * 3 + y * (2 + c) + disc + (noise >> 28)) & 255);
      }
    }
  }
  return picture;
}

FbnetImage
picture_image (const Picture *picture)
{
  return (FbnetImage){
    .format = FBNET_PIXEL_RGB,
    .width = picture->width,
    .height = picture->height,
    .planes = { picture->rgb },
    .strides = { (gssize) picture->width * 3 },
  };
}
