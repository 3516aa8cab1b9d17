/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A picture for tests, drawn by numbers.
 */
#ifndef TESTS_DRAWING_H
#define TESTS_DRAWING_H

#include "support/picture.h"

/* Gradients, discs and noise, the same on every machine; different for every seed. */
Picture *picture_draw (guint width, guint height, guint seed);

#endif
