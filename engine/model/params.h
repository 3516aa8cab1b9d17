/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of parameters, and what the engine asks it: is a set of them sound for a model, and what
 * does a change make necessary.
 */
#ifndef FBNET_PARAMS_H
#define FBNET_PARAMS_H

#include "fbnet/fbnet.h"

/* FALSE with error, which names the parameter as the table does. */
gboolean params_check_options (const FbnetDetectorOptions *options, GError **error);

/* The most that a difference between them makes necessary. */
FbnetParamChange params_compare (const FbnetParams *before, const FbnetParams *after);

#endif
