/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The whole way from a file of PyTorch's to a model file.
 */
#ifndef FBNET_IMPORT_D2GO_IMPORT_H
#define FBNET_IMPORT_D2GO_IMPORT_H

#include "sources.h"

/* The description of a config of D2Go's zoo, by name, or of a .yaml dump; named after it: of a path its
 * last part without the ending. */
cJSON *import_describe_config (const char *config, GError **error);

/* Reads `source`: a checkpoint (zip or the older form) or an int8 export. */
Imported *import_read (const char *source, const ImportOptions *options, GError **error);

/* Writes the model file, after it has been loaded once as a check: when it cannot be loaded, nothing
 * is written. `n_parameters` (out): learnable numbers in it. */
gboolean import_write (const Imported *imported, const char *path, guint64 *n_parameters,
    GError **error);

#endif
