/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What picturefile.c puts together: one coder per format, and the orientation that cameras note beside
 * the pixels. Nothing else includes this.
 */
#ifndef FBNET_SUPPORT_CODECS_H
#define FBNET_SUPPORT_CODECS_H

#include "picture.h"

/* EXIF orientation: how the stored rows lie in the picture, 1 … 8; 1: as they are. */
typedef guint Orientation;

gboolean jpeg_recognise (const guint8 *data, gsize size);
gboolean png_recognise (const guint8 *data, gsize size);

/* The stored rows as RGB and their orientation. `name` begins every message. */
Picture *jpeg_decode (const guint8 *data, gsize size, Orientation *orientation, const char *name,
    GError **error);
Picture *png_decode (const guint8 *data, gsize size, Orientation *orientation, const char *name,
    GError **error);

/* The file's bytes, or NULL with error. `quality` is libjpeg's, 1 … 100. */
GByteArray *jpeg_encode (const Picture *picture, guint quality, const char *name, GError **error);
GByteArray *png_encode (const Picture *picture, const char *name, GError **error);

/* The orientation in an EXIF block, which begins with its TIFF header; 1 when it names none or is
 * damaged, as detectron2's reader has it. */
Orientation exif_orientation (const guint8 *exif, gsize size);

#endif
