/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Colours for classes, objects and tracks.
 */
#include <fbnet/fbnet.h>
#include <math.h>

/* Hues a golden ratio apart stay far from their neighbours however many there are; lightness
 * alternates because hues alone run out. */
static guint32
hue_color (guint index)
{
  const double hue = fmod (0.58 + index * 0.6180339887498949, 1.0) * 6;
  const double value = index % 3 == 1 ? 0.8 : 1.0;
  const double saturation = index % 3 == 2 ? 0.6 : 0.85;
  guint32 color = 0xff;

  for (gint channel = 0; channel < 3; channel++) { /* red, green, blue: offsets 5, 3, 1 */
    const double k = fmod (5 - 2 * channel + hue, 6);
    const double level = value - value * saturation * CLAMP (MIN (k, 4 - k), 0, 1);
    color = color << 8 | (guint32) lrint (255 * level);
  }
  return color;
}

/* Okabe and Ito, "Color Universal Design", 2008: in an order whose neighbours differ in lightness;
 * black, the eighth, is for text. */
guint32
fbnet_palette_color (guint index)
{
  static const guint32 okabe_ito[] = { 0xffe69f00, 0xff56b4e9, 0xff009e73, 0xfff0e442, 0xff0072b2,
    0xffd55e00, 0xffcc79a7 };

  if (index < G_N_ELEMENTS (okabe_ito))
    return okabe_ito[index];
  return hue_color (index - G_N_ELEMENTS (okabe_ito));
}
