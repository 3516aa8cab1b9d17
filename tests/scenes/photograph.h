/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The printed sheet as a webcam sees it: docs/sheet.png put into a picture by a projective map. It
 * shares no code with the generator, so that a model that finds the codes here did not only learn the
 * generator's ways.
 */
#ifndef FBNET_TESTS_PHOTOGRAPH_H
#define FBNET_TESTS_PHOTOGRAPH_H

#include "support/picture.h"

#define PHOTOGRAPH_N_CODES 6

typedef struct {
  double x, y;
} PhotoPoint;

/* Which code each pixel of the sheet is within: 0 none, else 1 for the first of the upper row, and so on
 * along the rows, two in each. Found by looking at the sheet. g_free() it. Fails the test if one is
 * missing. */
guint8 *sheet_label (const Picture *sheet);

/* A room that nobody is in: smooth shades, a few edges, noise. */
Picture *photograph_room (guint width, guint height, guint32 seed);

/* Puts the sheet into the photograph with its corners, from the upper left one on clockwise, at
 * `corners`, in light of the strength `gain`. Which code each pixel of the photograph shows; g_free()
 * it. */
guint8 *photograph_sheet (Picture *photo, const Picture *sheet, const guint8 *labels,
    const PhotoPoint corners[4], double gain);

/* What a poor camera adds: blur by the mean of 3×3 pixels, `n_blurs` times, and noise of ±noise. */
void photograph_spoil (Picture *photo, guint n_blurs, guint noise, guint32 seed);

/* x0, y0, x1, y1 around the pixels of a code, ends not included; FALSE if there is none. */
gboolean photograph_box (const guint8 *labels, guint width, guint height, guint8 code,
    gdouble box[4]);

#endif
