/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Meta's int8 exports of D2Go models (TorchScript, or the lite interpreter's form of it), as they are
 * or as float models: weights dequantised, batch norms as what they became when they were folded.
 */
#ifndef FBNET_IMPORT_D2GO_TORCHSCRIPT_H
#define FBNET_IMPORT_D2GO_TORCHSCRIPT_H

#include "checkpoint.h"

/* Whether the archive is one of these, not a checkpoint. */
gboolean torchscript_is (const Archive *archive);

/* The layers in the archive are compared one by one with those of the config: `description`, or with
 * NULL each config of the zoo. Numbers that the archive gives stand in for the config's. With
 * `int8` the weights stay bytes, and the description gets its `quantization`. NULL with error that
 * names the first layer that differs. */
Imported *torchscript_import (Archive *archive, const cJSON *description, const char *config,
    gboolean int8, GError **error);

#endif
