/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The engine's parameters as a model file's description has them (models/FORMAT.md), for programs that
 * write models.
 */
#ifndef FBNET_SUPPORT_MODELPARAMS_H
#define FBNET_SUPPORT_MODELPARAMS_H

#include <cjson/cJSON.h>

#include "paramoptions.h"

/* Those that a detector's description has, NULL-terminated. */
extern const char *const model_params[];

/* What the description says; one that says nothing has the table's usual value. */
double model_param_get (const cJSON *description, const char *name);

/* FALSE: the description has no part where it could stand. */
gboolean model_param_set (cJSON *description, const char *name, double value);

/* Puts what was given of them in their places. FALSE with error, a sentence about the option for which
 * the model has none. */
gboolean model_params_apply (const ParamOptions *given, cJSON *description, GError **error);

#endif
