/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures in other sizes.
 */
#ifndef FBNET_DATASET_SCALED_H
#define FBNET_DATASET_SCALED_H

#include "support/picture.h"

/* The same picture with that many pixels, resized as the engine resizes frames. */
Picture *picture_scaled (const Picture *picture, guint width, guint height, GError **error);

#endif
