/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * D2Go's checkpoints (fvcore Checkpointer.save): which of their tensors are the model, and which
 * config they belong to.
 */
#ifndef FBNET_IMPORT_CHECKPOINT_H
#define FBNET_IMPORT_CHECKPOINT_H

#include <cjson/cJSON.h>

#include "weights.h"

/* What was imported, and what there is to say about it. */
typedef struct {
  cJSON *description;
  Weights *weights;
  char *source;       /* "model", "ema_state", "torchscript-int8-dequantised", … */
  char *config;       /* name of the zoo config, or the config's file name */
  guint n_tolerated;  /* tensors that the description has no head for */
  char *from_archive; /* fields of the description that the file itself gave, or NULL */
} Imported;

void imported_free (Imported *imported); /* NULL is allowed */

/* Every tensor of the state dict in the archive: `model`, with `ema` the averaged weights, else
 * `state_dict`, else the whole dict; prefixes "module." stripped. `source` (out): which it was. */
Weights *checkpoint_read (Archive *archive, gboolean ema, char **source, GError **error);

/* The weights as the model that `description` describes; taken. NULL with error naming every tensor
 * that is missing, of a wrong shape, or without a place. */
Imported *checkpoint_fit (Weights *weights, const cJSON *description, const char *config,
    const char *name, GError **error);

/* The same with the zoo config that these tensors belong to. NULL with error that names the nearest
 * when there is none, or all when there are several. */
Imported *checkpoint_recognise (Weights *weights, const char *name, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Imported, imported_free)

#endif
