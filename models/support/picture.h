/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Picture files, PNG and JPEG. What comes in has the pixels that D2Go's own reader gives
 * the network (detectron2 data/detection_utils.py read_image: Pillow, EXIF orientation applied,
 * converted to RGB), to the bit.
 */
#ifndef FBNET_SUPPORT_PICTURE_H
#define FBNET_SUPPORT_PICTURE_H

#include <glib.h>

#include "fbnet/fbnet.h"

/* The longest side and the most pixels that are read: what the engine takes, and where Pillow
 * suspects a decompression bomb. */
#define PICTURE_MAX_SIDE   32767
#define PICTURE_MAX_PIXELS 178956970

typedef struct {
  guint width, height;
  guint8 *pixels; /* height rows of width R, G, B, without padding */
} Picture;

/* Black; NULL with error when the size is out of bounds or memory cannot be had. `name` is for the
 * message. */
Picture *picture_new (guint width, guint height, const char *name, GError **error);
void picture_free (Picture *picture); /* NULL is allowed */

/* Errors of domain FBNET_ERROR; messages begin with the path. A file that ends too early is an
 * error, never half a picture. */
Picture *picture_read (const char *path, GError **error);

/* The same, and the orientation that EXIF notes, 1 … 8: how it was turned to be seen as it is. */
Picture *picture_read_turned (const char *path, guint *orientation, GError **error);

/* Replace the file only when all of it was written. `quality` is libjpeg's, 1 … 100. */
gboolean picture_write_png (const Picture *picture, const char *path, GError **error);
gboolean picture_write_jpeg (const Picture *picture, guint quality, const char *path,
    GError **error);

/* The picture as the engine sees it; valid as long as the picture. */
FbnetImage picture_image (const Picture *picture);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Picture, picture_free)

#endif
