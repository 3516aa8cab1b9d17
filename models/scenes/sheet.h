/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sheet to print and hold before a camera: all symbols on A4.
 */
#ifndef FBNET_SCENES_SHEET_H
#define FBNET_SCENES_SHEET_H

#include <glib.h>

/* By the name's end: .pdf and .svg in the sheet's true size, .png as a preview. */
gboolean sheet_has_format (const char *path);

/* Replaces the file only when all of it was written. */
gboolean sheet_write (const char *path, GError **error);

#endif
