/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures as JPEG files.
 */
#ifndef FBNET_SCENES_JPEGFILE_H
#define FBNET_SCENES_JPEGFILE_H

#include "support/picture.h"

/* Replaces the file only when all of it was written. `quality` is libjpeg's, 1 … 100. */
gboolean jpeg_write (const Picture *picture, guint quality, const char *path, GError **error);

#endif
