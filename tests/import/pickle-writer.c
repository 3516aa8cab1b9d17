/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pickles and archives for the importer's tests.
 */
#include "pickle-writer.h"

#include <string.h>
#include <zip.h>

void
write_ops (GByteArray *out, const char *ops)
{
  g_byte_array_append (out, (const guint8 *) ops, strlen (ops));
}

static void
write_u32 (GByteArray *out, guint32 number)
{
  const guint32 little = GUINT32_TO_LE (number);

  g_byte_array_append (out, (const guint8 *) &little, 4);
}

void
write_global (GByteArray *out, const char *module, const char *name)
{
  g_autofree char *text = g_strdup_printf ("c%s\n%s\n", module, name);

  write_ops (out, text);
}

void
write_string (GByteArray *out, const char *text)
{
  write_ops (out, "X");
  write_u32 (out, strlen (text));
  write_ops (out, text);
}

void
write_int (GByteArray *out, gint32 number)
{
  write_ops (out, "J");
  write_u32 (out, (guint32) number);
}

void
write_ints (GByteArray *out, const gint32 *numbers, guint n)
{
  write_ops (out, "(");
  for (guint i = 0; i < n; i++)
    write_int (out, numbers[i]);
  write_ops (out, "t");
}

void
write_tensor (GByteArray *out, const char *type, const char *key, gint32 length, gint32 offset,
    const gint32 *shape, const gint32 *strides, guint n_dims)
{
  write_global (out, "torch._utils", "_rebuild_tensor_v2");
  write_ops (out, "((");
  write_string (out, "storage");
  write_global (out, "torch", type);
  write_string (out, key);
  write_string (out, "cpu");
  write_int (out, length);
  write_ops (out, "tQ");
  write_int (out, offset);
  write_ints (out, shape, n_dims);
  write_ints (out, strides, n_dims);
  write_ops (out, "\x89");
  write_global (out, "collections", "OrderedDict");
  write_ops (out, ")RtR");
}

GByteArray *
write_state_dict (void)
{
  GByteArray *out = g_byte_array_new ();

  write_ops (out, "\x80\x02}");
  write_string (out, "model");
  write_global (out, "collections", "OrderedDict");
  write_ops (out, ")R(");
  write_string (out, "a.weight");
  write_tensor (out, "FloatStorage", "0", 6, 0, (gint32[]){ 2, 3 }, (gint32[]){ 1, 2 }, 2);
  write_string (out, "a.bias");
  write_tensor (out, "FloatStorage", "1", 4, 1, (gint32[]){ 3 }, (gint32[]){ 1 }, 1);
  write_string (out, "n");
  write_tensor (out, "LongStorage", "2", 1, 0, NULL, NULL, 0);
  write_ops (out, "us.");
  return out;
}

GBytes *
state_dict_storage (guint index)
{
  static const gsize lengths[] = { 6, 4, 1 };
  GByteArray *out = g_byte_array_new ();

  for (gsize i = 0; i < lengths[index]; i++) {
    const float f32 = (float) i;
    const gint64 i64 = (gint64) i;
    if (index < 2)
      g_byte_array_append (out, (const guint8 *) &f32, sizeof f32);
    else
      g_byte_array_append (out, (const guint8 *) &i64, sizeof i64);
  }
  return g_byte_array_free_to_bytes (out);
}

Pickle *
parse_array (const GByteArray *bytes, GError **error)
{
  return pickle_parse (bytes->data, bytes->len, "test", "data", NULL, error);
}

/* --- Archives --------------------------------------------------------------------------------- */

static void
add_entry (zip_t *zip, const ZipEntry *entry, gboolean compress)
{
  gsize size;
  const void *data = g_bytes_get_data (entry->contents, &size);
  zip_source_t *source = zip_source_buffer (zip, data, size, 0);
  const zip_int64_t index = zip_file_add (zip, entry->name, source, ZIP_FL_ENC_UTF_8);

  g_assert_cmpint (index, >=, 0);
  zip_set_file_compression (zip, (zip_uint64_t) index, compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
}

GBytes *
zip_entries (const ZipEntry *entries, guint n, gboolean compress)
{
  zip_error_t error;

  zip_error_init (&error);
  zip_source_t *source = zip_source_buffer_create (NULL, 0, 0, &error);
  zip_t *zip = zip_open_from_source (source, ZIP_TRUNCATE, &error);
  g_assert_nonnull (zip);
  for (guint i = 0; i < n; i++)
    add_entry (zip, &entries[i], compress);
  zip_source_keep (source);
  g_assert_cmpint (zip_close (zip), ==, 0);

  zip_stat_t stat;
  zip_stat_init (&stat);
  g_assert_cmpint (zip_source_stat (source, &stat), ==, 0);
  g_assert_cmpint (zip_source_open (source), ==, 0);
  guint8 *data = g_malloc (stat.size);
  g_assert_cmpint (zip_source_read (source, data, stat.size), ==, (gint64) stat.size);
  zip_source_close (source);
  zip_source_free (source);
  zip_error_fini (&error);
  return g_bytes_new_take (data, stat.size);
}

GBytes *
zip_state_dict (const GByteArray *pickle)
{
  g_autoptr (GBytes) object = g_bytes_new (pickle->data, pickle->len);
  g_autoptr (GBytes) version = g_bytes_new_static ("3\n", 2);
  g_autoptr (GBytes) storage0 = state_dict_storage (0);
  g_autoptr (GBytes) storage1 = state_dict_storage (1);
  g_autoptr (GBytes) storage2 = state_dict_storage (2);
  const ZipEntry entries[] = {
    { "small/data.pkl", object },
    { "small/data/0", storage0 },
    { "small/data/1", storage1 },
    { "small/data/2", storage2 },
    { "small/version", version },
  };

  return zip_entries (entries, G_N_ELEMENTS (entries), FALSE);
}

static void
append_storage (GByteArray *out, guint index, gint64 length)
{
  g_autoptr (GBytes) storage = state_dict_storage (index);
  gsize size;
  const guint8 *data = g_bytes_get_data (storage, &size);

  g_byte_array_append (out, (const guint8 *) &length, 8);
  g_byte_array_append (out, data, size);
}

GBytes *
legacy_state_dict (const GByteArray *pickle)
{
  static const guint8 magic[] = { 0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8,
    0x50, 0x19, '.' };
  GByteArray *out = g_byte_array_new ();

  g_byte_array_append (out, magic, sizeof magic);
  write_ops (out, "\x80\x02");
  write_int (out, 1001);
  write_ops (out, ".\x80\x02}");
  write_string (out, "little_endian");
  write_ops (out, "\x88s.");
  g_byte_array_append (out, pickle->data, pickle->len);
  write_ops (out, "\x80\x02](");
  for (guint i = 0; i < 3; i++)
    write_string (out, (const char *[]){ "0", "1", "2" }[i]);
  write_ops (out, "e.");
  append_storage (out, 0, 6);
  append_storage (out, 1, 4);
  append_storage (out, 2, 1);
  return g_byte_array_free_to_bytes (out);
}
