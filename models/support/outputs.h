/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether what a program is asked to write can be written, found out before the work. A file's folder must be there; a
 * folder is made, with those above it.
 */
#ifndef FBNET_SUPPORT_OUTPUTS_H
#define FBNET_SUPPORT_OUTPUTS_H

#include "confine.h"

/* Makes the folder. FALSE with error, of domain G_OPTION_ERROR where the command line itself is wrong. */
gboolean output_check (const Output *output, GError **error);

/* All of an OUTPUT_TEXT. */
gboolean output_write (const char *text, const char *path, GError **error);

#endif
