/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The overlay's colours: 0xAARRGGBB, not premultiplied.
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

/* A colour for each number: first the seven of Okabe and Ito that are told apart whatever the kind of
 * colour blindness (black, the eighth, is for text), then hues a golden ratio apart. */
guint32 gst_fbnet_palette_color (guint index);

/* 1…21: WCAG 2.1's ratio of relative luminances. */
double gst_fbnet_color_contrast (guint32 a, guint32 b);

/* Black or white, whichever is read more easily on it: with a contrast of at least 4.5. */
guint32 gst_fbnet_color_ink (guint32 plate);

G_END_DECLS

#endif
