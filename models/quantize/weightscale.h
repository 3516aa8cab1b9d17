/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Weights as signed bytes, with a scale per output channel.
 */
#ifndef FBNET_QUANTIZE_WEIGHTSCALE_H
#define FBNET_QUANTIZE_WEIGHTSCALE_H

#include <glib.h>

/* The n weights of one output channel. Returns their scale: the one whose bytes are, squared, the least
 * off; without `search` the one that the largest weight needs. */
float weight_scale (gint8 *bytes, const float *weights, gsize n, gboolean search);

#endif
