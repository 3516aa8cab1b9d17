/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures for tests: PNG and JPEG files as packed R, G, B, and one drawn by numbers.
 */
#ifndef TESTS_PICTURE_H
#define TESTS_PICTURE_H

#include "fbnet/fbnet.h"

typedef struct {
  guint width, height;
  guint8 *rgb; /* [height][width][3] */
} Picture;

/* Unset pixels. */
Picture *picture_new (guint width, guint height);

/* By its extension, .png or .jpg; EXIF orientation is not looked at. */
Picture *picture_load (const char *path, GError **error);

/* Gradients, discs and noise, the same on every machine; different for every seed. */
Picture *picture_draw (guint width, guint height, guint seed);

/* A view of it, valid as long as the picture. */
FbnetImage picture_image (const Picture *picture);

void picture_free (Picture *picture); /* NULL is allowed */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Picture, picture_free)

#endif
