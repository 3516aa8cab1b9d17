/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Second looks at parts of a frame.
 */
#ifndef FBNET_ZOOM_ZOOM_H
#define FBNET_ZOOM_ZOOM_H

#include "fbnet/fbnet.h"

/* FALSE with error naming the option that is out of its range. */
gboolean zoom_options_check (const FbnetZoomOptions *options, GError **error);

#endif
