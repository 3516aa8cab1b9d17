/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The whole way from a file of PyTorch's to a model file.
 */
#ifndef FBNET_IMPORT_D2GO_IMPORT_H
#define FBNET_IMPORT_D2GO_IMPORT_H

#include "checkpoint.h"

typedef enum {
  IMPORT_FLOAT32,   /* weights of an int8 export times their scales */
  IMPORT_INT8,      /* an int8 export as it is; an error for anything else */
  IMPORT_AS_STORED, /* whichever the source has */
} ImportPrecision;

typedef struct {
  /* A zoo config's or a classifier's name, or a path to a YAML dump; NULL: recognise it. */
  const char *config;
  EmaChoice ema;
  const char *labels; /* path to a text file with one name a line, or NULL */
  const char *name;   /* the model's name, or NULL: the config's */
  ImportPrecision precision;
} ImportOptions;

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
