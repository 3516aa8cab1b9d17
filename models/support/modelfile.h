/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What programs do with model files besides running them: look at the description, and write new ones.
 */
#ifndef FBNET_SUPPORT_MODELFILE_H
#define FBNET_SUPPORT_MODELFILE_H

#include <cjson/cJSON.h>

#include "fbnet/fbnet.h"

/* Loads a model of that task; one of another is an error that names the program for it. */
FbnetModel *model_file_load (const char *path, FbnetTask task, GError **error);

/* A copy of what the model file says; the caller owns it. */
cJSON *model_file_description (const FbnetModel *model);

/* The file's contents as a model that messages call `name`. */
FbnetModel *model_file_load_as (const char *path, const char *name, GError **error);

/* The same model with another description, called `name`. On the way it is a file beside the one named `beside`. NULL
 * with error when it is none, or does not fit the tensors. */
FbnetModel *model_file_redescribe (const FbnetModel *model, const char *name,
    const cJSON *description, const char *beside, GError **error);

/* Writes a model file, and loads it as every program does: the model. NULL with error when it cannot be
 * loaded, and `path` as it was. */
FbnetModel *model_file_write (const char *path, const cJSON *description,
    const FbnetTensorView *tensors, guint n_tensors, GError **error);

#endif
