/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A picture for tests, drawn by numbers.
 */
#include "drawing.h"

/* tests/data/make-tiny.py draws the same picture: whole numbers only. */
Picture *
picture_draw (guint width, guint height, guint seed)
{
  g_autoptr (GError) error = NULL;
  Picture *picture = picture_new (width, height, "drawing", &error);
  guint32 noise = seed * 2654435761u + 1;

  g_assert_no_error (error);

  for (guint y = 0; y < height; y++) {
    for (guint x = 0; x < width; x++) {
      guint8 *pixel = picture->pixels + ((gsize) y * width + x) * 3;
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
