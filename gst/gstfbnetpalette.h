/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the overlay makes of colours: 0xAARRGGBB, not premultiplied. Which ones they are is the library's to say.
 */
#ifndef GST_FBNET_PALETTE_H
#define GST_FBNET_PALETTE_H

#include <glib.h>

G_BEGIN_DECLS

static inline guint
gst_fbnet_color_channel (guint32 color, guint shift)
{
  return color >> shift & 0xff;
}

/* The color with its opacity multiplied, 0…1. */
guint32 gst_fbnet_color_fade (guint32 color, double alpha);

/* 1…21: WCAG 2.1's ratio of relative luminances. */
double gst_fbnet_color_contrast (guint32 a, guint32 b);

/* Black or white, whichever is read more easily on it: with a contrast of at least 4.5. */
guint32 gst_fbnet_color_ink (guint32 plate);

G_END_DECLS

#endif
