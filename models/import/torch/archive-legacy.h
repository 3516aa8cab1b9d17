/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The form that torch.save had before 1.6 (torch.serialization._legacy_save): five pickles one
 * after the other (a magic number, a protocol number, facts about the machine, the object itself,
 * the keys of its storages), then the storages, each behind its length.
 */
#ifndef FBNET_IMPORT_TORCH_ARCHIVE_LEGACY_H
#define FBNET_IMPORT_TORCH_ARCHIVE_LEGACY_H

#include "pickle.h"

typedef struct _LegacyFile LegacyFile;

LegacyFile *legacy_open (GBytes *bytes, const char *name, GError **error);
void legacy_free (LegacyFile *file); /* NULL is allowed */

/* The object's values. */
Pickle *legacy_pickle (const LegacyFile *file, GError **error);

GBytes *legacy_storage (const LegacyFile *file, const PickleStorage *storage, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LegacyFile, legacy_free)

#endif
