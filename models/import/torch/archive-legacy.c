/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads the older form of torch's files.
 */
#include "archive-legacy.h"
#include "fbnet/fbnet.h"

#include <string.h>

/* 0x1950a86a20f9469cfc6c, little endian: torch.serialization.MAGIC_NUMBER. */
static const guint8 magic[] = { 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };
#define PROTOCOL_VERSION 1001

struct _LegacyFile {
  char *name;
  GBytes *bytes;
  const guint8 *data;
  gsize size;
  gsize object_at; /* the object's pickle */
  GHashTable *at;  /* key → offset of the storage's length, as a GSIZE_TO_POINTER */
};

static gboolean
fail (const LegacyFile *file, const char *what, GError **error)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: %s", file->name, what);
  return FALSE;
}

static Pickle *
next_pickle (const LegacyFile *file, gsize *at, GError **error)
{
  gsize consumed;
  Pickle *pickle =
      pickle_parse (file->data + *at, file->size - *at, file->name, "", &consumed, error);

  *at += consumed;
  return pickle;
}

static gboolean
check_magic (const LegacyFile *file, gsize *at, GError **error)
{
  g_autoptr (Pickle) pickle = next_pickle (file, at, NULL);
  const PickleValue *root = pickle != NULL ? pickle_root (pickle) : NULL;

  if (root != NULL && root->kind == PICKLE_BIGINT && root->text.length == sizeof magic
      && memcmp (root->text.data, magic, sizeof magic) == 0)
    return TRUE;
  return fail (file,
      "expected a file of torch.save (a zip archive, or the older form with its magic number), "
      "found neither",
      error);
}

static gboolean
check_protocol (const LegacyFile *file, gsize *at, GError **error)
{
  g_autoptr (Pickle) pickle = next_pickle (file, at, error);

  if (pickle == NULL)
    return FALSE;
  const gint64 version = pickle_integer (pickle_root (pickle), -1);
  if (version == PROTOCOL_VERSION)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
      "%s: expected version %d of torch's file format, found %" G_GINT64_FORMAT, file->name,
      PROTOCOL_VERSION, version);
  return FALSE;
}

static gboolean
check_machine (const LegacyFile *file, gsize *at, GError **error)
{
  g_autoptr (Pickle) pickle = next_pickle (file, at, error);

  if (pickle == NULL)
    return FALSE;
  const PickleValue *little = pickle_dict_get (pickle_root (pickle), "little_endian");
  if (little != NULL && little->kind == PICKLE_BOOL && little->boolean)
    return TRUE;
  return fail (file, "its numbers are not little-endian", error);
}

/* --- Storages --------------------------------------------------------------------------------- */

/* How wide a storage's elements are stands in the object, so that the object tells where the next
 * storage begins. */
static void
collect_sizes (const PickleValue *value, GHashTable *seen, GHashTable *sizes)
{
  if (value == NULL || !g_hash_table_add (seen, (gpointer) value))
    return;
  if (value->kind == PICKLE_TENSOR) {
    const PickleStorage *storage = value->tensor->storage;
    g_hash_table_insert (sizes, g_strdup (storage->key),
        GSIZE_TO_POINTER (torch_dtype_size (storage->dtype)));
  } else if (value->kind == PICKLE_STORAGE) {
    g_hash_table_insert (sizes, g_strdup (value->storage.key),
        GSIZE_TO_POINTER (torch_dtype_size (value->storage.dtype)));
  } else if (value->kind == PICKLE_OBJECT) {
    collect_sizes (value->object.arguments, seen, sizes);
    collect_sizes (value->object.state, seen, sizes);
  } else {
    const guint n = pickle_length (value) * (value->kind == PICKLE_DICT ? 2 : 1);
    for (guint i = 0; i < n; i++)
      collect_sizes (value->items->pdata[i], seen, sizes);
  }
}

static guint64
load_u64 (const guint8 *bytes)
{
  guint64 number = 0;

  for (guint i = 0; i < 8; i++)
    number |= (guint64) bytes[i] << (8 * i);
  return number;
}

/* Bytes of the storage at `at`, without its length; FALSE when they are not there. */
static gboolean
storage_bytes (const LegacyFile *file, gsize at, gsize element_size, gsize *bytes)
{
  if (at > file->size || file->size - at < 8)
    return FALSE;
  const guint64 n = load_u64 (file->data + at);
  return !__builtin_mul_overflow (n, element_size, bytes) && *bytes <= file->size - at - 8;
}

static gboolean
index_storages (LegacyFile *file, const PickleValue *keys, GHashTable *sizes, gsize at,
    GError **error)
{
  for (guint i = 0; i < pickle_length (keys); i++) {
    const char *key = pickle_string (pickle_item (keys, i));
    const gsize element_size =
        key != NULL ? GPOINTER_TO_SIZE (g_hash_table_lookup (sizes, key)) : 0;
    if (element_size == 0)
      return fail (file, "it lists a storage that no tensor uses", error);
    gsize bytes;
    if (!storage_bytes (file, at, element_size, &bytes)) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "%s: the file ends within storage \"%s\" (%u of %u)", file->name, key, i + 1,
          pickle_length (keys));
      return FALSE;
    }
    g_hash_table_insert (file->at, g_strdup (key), GSIZE_TO_POINTER (at));
    at += 8 + bytes;
  }
  return TRUE;
}

static gboolean
read_index (LegacyFile *file, gsize at, GError **error)
{
  g_autoptr (Pickle) object = next_pickle (file, &at, error);
  g_autoptr (Pickle) keys = object != NULL ? next_pickle (file, &at, error) : NULL;

  if (keys == NULL)
    return FALSE;
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) sizes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  collect_sizes (pickle_root (object), seen, sizes);
  return index_storages (file, pickle_root (keys), sizes, at, error);
}

/* --- Interface -------------------------------------------------------------------------------- */

LegacyFile *
legacy_open (GBytes *bytes, const char *name, GError **error)
{
  g_autoptr (LegacyFile) file = g_new0 (LegacyFile, 1);

  file->name = g_strdup (name);
  file->bytes = g_bytes_ref (bytes);
  file->data = g_bytes_get_data (bytes, &file->size);
  file->at = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gsize at = 0;
  if (!check_magic (file, &at, error) || !check_protocol (file, &at, error)
      || !check_machine (file, &at, error))
    return NULL;
  file->object_at = at;
  return read_index (file, at, error) ? g_steal_pointer (&file) : NULL;
}

void
legacy_free (LegacyFile *file)
{
  if (file == NULL)
    return;
  g_hash_table_unref (file->at);
  g_bytes_unref (file->bytes);
  g_free (file->name);
  g_free (file);
}

Pickle *
legacy_pickle (const LegacyFile *file, GError **error)
{
  gsize at = file->object_at;

  return next_pickle (file, &at, error);
}

GBytes *
legacy_storage (const LegacyFile *file, const PickleStorage *storage, GError **error)
{
  gpointer at;
  gsize bytes;

  if (!g_hash_table_lookup_extended (file->at, storage->key, NULL, &at)
      || !storage_bytes (file, GPOINTER_TO_SIZE (at), torch_dtype_size (storage->dtype), &bytes)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: storage \"%s\" is not in the file",
        file->name, storage->key);
    return NULL;
  }
  return g_bytes_new_from_bytes (file->bytes, GPOINTER_TO_SIZE (at) + 8, bytes);
}
