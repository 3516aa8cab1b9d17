/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kinds of file that models come in.
 */
#ifndef FBNET_IMPORT_SOURCES_H
#define FBNET_IMPORT_SOURCES_H

#include "import.h"

/* The model in the archive, by the first kind that recognises it. `config` is the name of what it was made
 * with, or NULL, and `description` what that says of a detector, or NULL. */
Imported *source_read (Archive *archive, const cJSON *description, const char *config,
    const ImportOptions *options, GError **error);

#endif
