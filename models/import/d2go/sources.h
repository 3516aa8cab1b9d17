/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kinds of file that models come in.
 */
#ifndef FBNET_IMPORT_D2GO_SOURCES_H
#define FBNET_IMPORT_D2GO_SOURCES_H

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

/* The model in the archive, by the first kind that recognises it. `config` is the name of what it was made
 * with, or NULL, and `description` what that says of a detector, or NULL. */
Imported *source_read (Archive *archive, const cJSON *description, const char *config,
    const ImportOptions *options, GError **error);

#endif
