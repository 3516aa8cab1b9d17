/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Thick lines and dots on a canvas.
 */
#ifndef GST_FBNET_LINE_H
#define GST_FBNET_LINE_H

#include "gstfbnetcanvas.h"

G_BEGIN_DECLS

/* From one point to another, with round ends, antialiased. (0, 0) is the outer corner of the first pixel. One
 * point twice makes a dot. */
void gst_fbnet_line_draw (const GstFbnetCanvas *canvas, double x0, double y0, double x1, double y1,
    double radius, guint32 color);

G_END_DECLS

#endif
