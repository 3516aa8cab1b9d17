/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Between the parts of the unpickler: values (pickle-value.c), the meaning of torch's names
 * (pickle-torch.c), the stack machine (pickle.c).
 */
#ifndef FBNET_IMPORT_TORCH_PICKLE_PRIVATE_H
#define FBNET_IMPORT_TORCH_PICKLE_PRIVATE_H

#include "pickle.h"

/* A large checkpoint with its optimizer's state has some 10^5 values. */
#define PICKLE_MAX_VALUES (1u << 21)
/* A TorchScript detector nests some 60 deep. */
#define PICKLE_MAX_DEPTH 256

struct _Pickle {
  GPtrArray *values; /* all of them, for freeing */
  GPtrArray *texts;
  gsize n_copied; /* items that were copied from one container to another */
  char *folder;
  PickleValue *root;
};

/* NULL with error set when the limit is reached. */
PickleValue *pickle_value_new (Pickle *pickle, PickleKind kind, GError **error);
PickleValue *pickle_text_new (Pickle *pickle, PickleKind kind, const void *data, gsize length,
    GError **error);
PickleValue *pickle_container_new (Pickle *pickle, PickleKind kind, GError **error);

/* FALSE with error set when values nest too deep or contain themselves. */
gboolean pickle_check_depth (PickleValue *root, GError **error);

/* What "module.name" may stand for: FALSE with error set for everything but the known names. */
gboolean pickle_name_check (const char *name, GError **error);
gboolean pickle_name_is_class (const char *name);
/* Whether what it makes can be given attributes: nothing looks at those but of classes. */
gboolean pickle_name_takes_state (const char *name);

/* What name (arguments) makes, for the callables among the known names. */
PickleValue *pickle_reduce (Pickle *pickle, const char *name, PickleValue *arguments,
    GError **error);

/* The storage that a persistent id describes. */
PickleValue *pickle_persistent_load (Pickle *pickle, const PickleValue *id, GError **error);

#endif
