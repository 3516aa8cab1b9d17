/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checkpoints of D2Go's detectors (fvcore Checkpointer.save) and of mobile_cv's classifiers: which of
 * their tensors are the model, and which config they belong to.
 */
#ifndef FBNET_IMPORT_D2GO_CHECKPOINT_H
#define FBNET_IMPORT_D2GO_CHECKPOINT_H

#include <cjson/cJSON.h>

#include "weights.h"

/* What was imported, and what there is to say about it. */
typedef struct {
  cJSON *description;
  Weights *weights;
  char *source;       /* "model", "ema_state", "torchscript-int8-dequantised", … */
  char *config;       /* name of the zoo config or classifier, or the config's file name */
  guint n_tolerated;  /* tensors that the description has no head for */
  char *from_archive; /* fields of the description that the file itself gave, or NULL */
  guint
      wrapper_size; /* of an export: what its wrapper scales the shorter side of frames to; 0: unknown */
} Imported;

void imported_free (Imported *imported); /* NULL is allowed */

/* Which weights of a checkpoint, where it has several: those that its own project loads (D2Go
 * model_zoo/model_zoo.py: `model`; mobile_cv model_zoo/models/fbnet_v2.py: `model_ema` if there is
 * one, else `state_dict`), the averaged ones, or those as the optimizer left them. */
typedef enum {
  EMA_USUAL,
  EMA_YES,
  EMA_NO,
} EmaChoice;

/* Every tensor of the state dict in the archive: a member of the checkpoint, or all of it; prefixes
 * "module." stripped. `source` (out): which member it was. */
Weights *checkpoint_read (Archive *archive, EmaChoice ema, char **source, GError **error);

/* The weights as the model that `description` describes; taken. With `own_classes` a detector has as
 * many classes as its weights, which then have no names. NULL with error naming every tensor that is
 * missing, of a wrong shape, or without a place. */
Imported *checkpoint_fit (Weights *weights, const cJSON *description, gboolean own_classes,
    const char *config, const char *name, GError **error);

/* The same for a classifier by name: with as many classes as the weights have, and with the builder's
 * defaults that the weights were made with. */
Imported *checkpoint_fit_classifier (Weights *weights, const char *classifier, const char *name,
    GError **error);

/* The same with the zoo config, or the classifier, that these tensors belong to. NULL with error that
 * names the nearest when there is none, or all when there are several. */
Imported *checkpoint_recognise (Weights *weights, const char *name, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Imported, imported_free)

#endif
