/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sheet to print and hold before a camera: all symbols, or all kinds of codes, on A4.
 */
#ifndef FBNET_SCENES_SHEET_H
#define FBNET_SCENES_SHEET_H

#include <glib.h>

/* SVG and PDF in the sheet's true size, PNG as a preview, as `path` ends (plot_check_format()). The file is
 * replaced only when all of it was written. Codes: only where they are available. */
gboolean sheet_write (const char *path, gboolean codes, GError **error);

#endif
