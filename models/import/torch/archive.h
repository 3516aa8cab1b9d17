/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The containers that torch writes: zip archives (torch.save since 1.6, TorchScript, the lite
 * interpreter's files) and the older sequence of pickles and raw storages. Nothing is extracted:
 * entries are read into memory, and only when asked for.
 */
#ifndef FBNET_IMPORT_TORCH_ARCHIVE_H
#define FBNET_IMPORT_TORCH_ARCHIVE_H

#include "pickle.h"

typedef struct _Archive Archive;

Archive *archive_open (const char *path, GError **error);

/* `name` stands in front of error messages. A reference to `bytes` is kept. */
Archive *archive_open_bytes (GBytes *bytes, const char *name, GError **error);
void archive_free (Archive *archive); /* NULL is allowed */

const char *archive_name (const Archive *archive);

/* Whether there is an entry `name`, "data.pkl", inside the archive's one folder. The older form has
 * none but "data.pkl". */
gboolean archive_has (const Archive *archive, const char *name);

/* An entry's contents. */
GBytes *archive_read (Archive *archive, const char *name, GError **error);

/* The values of the entry `name`; their storages lie in `folder`: "data", "constants". */
Pickle *archive_pickle (Archive *archive, const char *name, const char *folder, GError **error);

/* A storage's bytes, exactly as many as its elements need. Those asked for most recently are kept,
 * since weights that share a storage follow each other. */
GBytes *archive_storage (Archive *archive, const PickleStorage *storage, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Archive, archive_free)

#endif
