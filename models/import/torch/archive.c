/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * torch's containers. The zip form is described in caffe2/serialize/inline_container.h: one folder,
 * `data.pkl` and the raw storages `data/KEY`, stored without compression. The older form is what
 * torch.serialization._legacy_save writes.
 */
#include "archive.h"
#include "archive-legacy.h"
#include "fbnet/fbnet.h"
#include "support/files.h"

#include <string.h>
#include <zip.h>

/* torch does not compress; whoever packed an archive anew may have, but hardly this well. */
#define MAX_COMPRESSION 64
#define MIN_BUDGET      ((guint64) 64 << 20)

struct _Archive {
  char *name;
  GBytes *bytes;
  zip_t *zip;     /* NULL: the older form */
  char *prefix;   /* "checkpoint/": the one folder */
  guint64 budget; /* bytes that may still be read out of it */
  LegacyFile *legacy;
  char *last_key; /* the storage that was read last */
  GBytes *last;
};

/* --- Zip -------------------------------------------------------------------------------------- */

static gboolean
fail (const Archive *archive, const char *what, GError **error)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: %s", archive->name, what);
  return FALSE;
}

/* Names are only looked up, never made into paths; an archive with names that would leave its
 * folder was not written by torch. */
static gboolean
is_plain_path (const char *name)
{
  if (name[0] == '/' || strchr (name, '\\') != NULL)
    return FALSE;
  g_auto (GStrv) parts = g_strsplit (name, "/", -1);
  return !g_strv_contains ((const char *const *) parts, "..");
}

static gboolean
scan_names (Archive *archive, GError **error)
{
  const zip_int64_t n = zip_get_num_entries (archive->zip, 0);

  for (zip_int64_t i = 0; i < n; i++) {
    const char *name = zip_get_name (archive->zip, (zip_uint64_t) i, 0);
    if (name == NULL || !is_plain_path (name)) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "%s: the archive's entry \"%s\" has a name that leaves its folder", archive->name,
          name != NULL ? name : "?");
      return FALSE;
    }
    const char *slash = strchr (name, '/');
    if (archive->prefix == NULL && slash != NULL && strcmp (slash, "/data.pkl") == 0)
      archive->prefix = g_strndup (name, (gsize) (slash - name) + 1);
  }
  return archive->prefix != NULL
      || fail (archive, "expected a zip archive of torch, found no entry \"*/data.pkl\"", error);
}

static gboolean
open_zip (Archive *archive, GError **error)
{
  gsize size;
  const void *data = g_bytes_get_data (archive->bytes, &size);
  zip_error_t zip_error;

  zip_error_init (&zip_error);
  zip_source_t *source = zip_source_buffer_create (data, size, 0, &zip_error);
  archive->zip = source != NULL ? zip_open_from_source (source, ZIP_RDONLY, &zip_error) : NULL;
  if (archive->zip == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: damaged zip archive: %s",
        archive->name, zip_error_strerror (&zip_error));
    if (source != NULL)
      zip_source_free (source);
  }
  zip_error_fini (&zip_error);
  archive->budget = MAX (MIN_BUDGET, 4 * (guint64) size);
  return archive->zip != NULL && scan_names (archive, error);
}

static gboolean
find_entry (const Archive *archive, const char *name, zip_uint64_t *index)
{
  g_autofree char *full = g_strconcat (archive->prefix, name, NULL);
  const zip_int64_t found = zip_name_locate (archive->zip, full, 0);

  if (found < 0)
    return FALSE;
  *index = (zip_uint64_t) found;
  return TRUE;
}

/* Sizes are what the archive claims: nothing is allocated before they make sense. */
static gboolean
check_entry (Archive *archive, const char *name, const zip_stat_t *entry, GError **error)
{
  const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;

  if ((entry->valid & needed) != needed)
    return fail (archive, "an entry of the archive has no size", error);
  if (entry->size > archive->budget || entry->size / MAX_COMPRESSION > entry->comp_size
      || entry->comp_size > g_bytes_get_size (archive->bytes)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: the archive's entry \"%s\" claims %" G_GUINT64_FORMAT
        " bytes, more than such an archive can hold",
        archive->name, name, (guint64) entry->size);
    return FALSE;
  }
  archive->budget -= entry->size;
  return TRUE;
}

static gboolean
read_entry (zip_t *zip, zip_uint64_t index, guint8 *out, gsize size)
{
  zip_file_t *file = zip_fopen_index (zip, index, 0);

  if (file == NULL)
    return FALSE;
  gsize done = 0;
  while (done < size) {
    const zip_int64_t n = zip_fread (file, out + done, size - done);
    if (n <= 0)
      break;
    done += (gsize) n;
  }
  /* Reading up to the end makes libzip check the sum; a further byte would be too many. */
  guint8 rest;
  const gboolean complete = done == size && zip_fread (file, &rest, 1) == 0;
  return zip_fclose (file) == 0 && complete;
}

static GBytes *
read_zip (Archive *archive, const char *name, GError **error)
{
  zip_uint64_t index;
  zip_stat_t entry;

  zip_stat_init (&entry);
  if (!find_entry (archive, name, &index) || zip_stat_index (archive->zip, index, 0, &entry) != 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: the archive has no entry \"%s\"",
        archive->name, name);
    return NULL;
  }
  if (!check_entry (archive, name, &entry, error))
    return NULL;
  g_autofree guint8 *data = g_try_malloc (MAX (entry.size, 1));
  if (data == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: no memory for the entry \"%s\"",
        archive->name, name);
    return NULL;
  }
  if (!read_entry (archive->zip, index, data, entry.size)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: the archive's entry \"%s\" is damaged", archive->name, name);
    return NULL;
  }
  return g_bytes_new_take (g_steal_pointer (&data), entry.size);
}

/* torch ≥ 2.0 says how its numbers are laid out; what says nothing is little-endian. */
static gboolean
check_byte_order (Archive *archive, GError **error)
{
  if (!archive_has (archive, "byteorder"))
    return TRUE;
  g_autoptr (GBytes) order = read_zip (archive, "byteorder", error);
  if (order == NULL)
    return FALSE;
  gsize size;
  const char *text = g_bytes_get_data (order, &size);
  return (size == 6 && memcmp (text, "little", 6) == 0)
      || fail (archive, "its numbers are not little-endian", error);
}

/* --- Either form ------------------------------------------------------------------------------ */

static gboolean
is_zip (GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return size >= 4 && memcmp (data, "PK\003\004", 4) == 0;
}

Archive *
archive_open_bytes (GBytes *bytes, const char *name, GError **error)
{
  g_autoptr (Archive) archive = g_new0 (Archive, 1);

  archive->name = g_strdup (name);
  archive->bytes = g_bytes_ref (bytes);
  if (is_zip (bytes)) {
    if (!open_zip (archive, error) || !check_byte_order (archive, error))
      return NULL;
    return g_steal_pointer (&archive);
  }
  archive->legacy = legacy_open (bytes, name, error);
  return archive->legacy != NULL ? g_steal_pointer (&archive) : NULL;
}

Archive *
archive_open (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = file_bytes (path, error);

  return bytes != NULL ? archive_open_bytes (bytes, path, error) : NULL;
}

void
archive_free (Archive *archive)
{
  if (archive == NULL)
    return;
  if (archive->zip != NULL)
    zip_discard (archive->zip);
  legacy_free (archive->legacy);
  g_clear_pointer (&archive->last, g_bytes_unref);
  g_clear_pointer (&archive->bytes, g_bytes_unref);
  g_free (archive->last_key);
  g_free (archive->prefix);
  g_free (archive->name);
  g_free (archive);
}

const char *
archive_name (const Archive *archive)
{
  return archive->name;
}

gboolean
archive_has (const Archive *archive, const char *name)
{
  zip_uint64_t index;

  if (archive->zip == NULL)
    return strcmp (name, "data.pkl") == 0;
  return find_entry (archive, name, &index);
}

GBytes *
archive_read (Archive *archive, const char *name, GError **error)
{
  if (archive->zip != NULL)
    return read_zip (archive, name, error);
  fail (archive, "has no entries that could be read one by one", error);
  return NULL;
}

Pickle *
archive_pickle (Archive *archive, const char *name, const char *folder, GError **error)
{
  if (archive->zip == NULL)
    return legacy_pickle (archive->legacy, error);
  g_autoptr (GBytes) bytes = read_zip (archive, name, error);
  if (bytes == NULL)
    return NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autofree char *title = g_strdup_printf ("%s: %s", archive->name, name);
  return pickle_parse (data, size, title, folder, NULL, error);
}

static GBytes *
read_storage (Archive *archive, const PickleStorage *storage, const char *key, GError **error)
{
  if (archive->zip == NULL)
    return legacy_storage (archive->legacy, storage, error);
  return read_zip (archive, key, error);
}

static gboolean
check_storage (const Archive *archive, const PickleStorage *storage, GBytes *bytes, GError **error)
{
  gsize needed;

  if (!__builtin_mul_overflow (storage->n_elements, torch_dtype_size (storage->dtype), &needed)
      && needed == g_bytes_get_size (bytes))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: storage \"%s\": expected %zu elements of %s, found %zu bytes", archive->name,
      storage->key, storage->n_elements, torch_dtype_name (storage->dtype),
      g_bytes_get_size (bytes));
  return FALSE;
}

GBytes *
archive_storage (Archive *archive, const PickleStorage *storage, GError **error)
{
  g_autofree char *key = g_strdup_printf ("%s/%s", storage->folder, storage->key);

  if (g_strcmp0 (key, archive->last_key) != 0) {
    g_autoptr (GBytes) bytes = read_storage (archive, storage, key, error);
    if (bytes == NULL)
      return NULL;
    g_clear_pointer (&archive->last, g_bytes_unref);
    g_free (archive->last_key);
    archive->last = g_steal_pointer (&bytes);
    archive->last_key = g_steal_pointer (&key);
  }
  if (!check_storage (archive, storage, archive->last, error))
    return NULL;
  return g_bytes_ref (archive->last);
}
