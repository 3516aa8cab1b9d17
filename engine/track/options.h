/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What may be set of a tracker.
 */
#ifndef FBNET_TRACK_OPTIONS_H
#define FBNET_TRACK_OPTIONS_H

#include "fbnet/fbnet.h"

/* FALSE with error naming the option that is out of its range, or contradicts another. */
gboolean tracker_options_check (const FbnetTrackerOptions *options, GError **error);

#endif
