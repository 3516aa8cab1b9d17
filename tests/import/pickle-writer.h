/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes pickles opcode by opcode, so that tests can say anything torch would, and what it never
 * would.
 */
#ifndef TESTS_PICKLE_WRITER_H
#define TESTS_PICKLE_WRITER_H

#include "import/torch/archive.h"

/* Opcodes without argument are written with g_byte_array_append() of their characters. */
void write_ops (GByteArray *out, const char *ops);
void write_global (GByteArray *out, const char *module, const char *name);
void write_string (GByteArray *out, const char *text);
void write_int (GByteArray *out, gint32 number);
void write_ints (GByteArray *out, const gint32 *numbers, guint n); /* a tuple */

/* torch._utils._rebuild_tensor_v2 over the storage ("storage", torch.TYPE, key, "cpu", length). */
void write_tensor (GByteArray *out, const char *type, const char *key, gint32 length, gint32 offset,
    const gint32 *shape, const gint32 *strides, guint n_dims);

/* The rows of a small state dict: {"model": OrderedDict (a.weight: 2 × 3 float32, transposed in its
 * storage "0"; a.bias: 3 float32 from element 1 of storage "1"; n: int64 scalar in "2")}. */
GByteArray *write_state_dict (void);

/* The bytes of its storages: 0, 1, 2, … in the storage's type. */
GBytes *state_dict_storage (guint index);

Pickle *parse_array (const GByteArray *bytes, GError **error);

/* A zip archive as torch.save writes it: NAME/data.pkl with `pickle`, NAME/data/KEY with the
 * storages of write_state_dict(). */
GBytes *zip_state_dict (const GByteArray *pickle);

/* The older form of the same. */
GBytes *legacy_state_dict (const GByteArray *pickle);

/* A zip archive of any entries, NULL-terminated pairs of name and contents; `compress`: deflated. */
typedef struct {
  const char *name;
  GBytes *contents;
} ZipEntry;
GBytes *zip_entries (const ZipEntry *entries, guint n, gboolean compress);

#endif
