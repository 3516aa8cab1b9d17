/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * torch's containers and the tensors in them: right numbers out of sound files, sentences out of
 * the others.
 */
#include "pickle-writer.h"

#include <string.h>

#include "import/d2go/weights.h"

/* Every tensor of the archive's "model", as an importer reads it. */
static Weights *
read_all (GBytes *bytes, GError **error)
{
  g_autoptr (Archive) archive = archive_open_bytes (bytes, "test", error);

  if (archive == NULL)
    return NULL;
  g_autoptr (Pickle) pickle = archive_pickle (archive, "data.pkl", "data", error);
  if (pickle == NULL)
    return NULL;
  const PickleValue *dict = pickle_dict_get (pickle_root (pickle), "model");
  g_autoptr (Weights) weights = weights_new ();
  for (guint i = 0; i < pickle_length (dict); i++) {
    const char *name = pickle_string (pickle_item (dict, 2 * i));
    const PickleTensor *tensor = pickle_tensor (pickle_item (dict, 2 * i + 1));
    if (name != NULL && tensor != NULL && !weights_add (weights, name, archive, tensor, error))
      return NULL;
  }
  return g_steal_pointer (&weights);
}

static void
assert_floats (const Weights *weights, const char *name, const float *expected, gsize n)
{
  const FbnetTensorView *view = weights_find (weights, name);

  g_assert_nonnull (view);
  g_assert_cmpint (view->dtype, ==, FBNET_DTYPE_F32);
  g_assert_cmpmem (view->data, view->n_bytes, expected, n * sizeof *expected);
}

static void
check_state_dict (GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Weights) weights = read_all (bytes, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (weights->views->len, ==, 3);
  assert_floats (weights, "a.weight", (const float[]){ 0, 2, 4, 1, 3, 5 }, 6);
  assert_floats (weights, "a.bias", (const float[]){ 1, 2, 3 }, 3);
  const FbnetTensorView *n = weights_find (weights, "n");
  g_assert_cmpint (n->dtype, ==, FBNET_DTYPE_I64);
  g_assert_cmpuint (n->n_dims, ==, 0);
  g_assert_cmpint (*(const gint64 *) n->data, ==, 0);
}

/* A zip archive and the older form of the same state dict give the same tensors: a transposed view is
 * laid out anew, an offset is kept, a scalar has no dimensions. */
static void
test_forms (void)
{
  g_autoptr (GByteArray) pickle = write_state_dict ();
  g_autoptr (GBytes) zip = zip_state_dict (pickle);
  g_autoptr (GBytes) legacy = legacy_state_dict (pickle);

  check_state_dict (zip);
  check_state_dict (legacy);
}

/* --- One tensor of any type ------------------------------------------------------------------- */

static Weights *
read_one (const char *type, gint32 n, const void *storage, gsize size, GError **error)
{
  g_autoptr (GByteArray) pickle = g_byte_array_new ();

  write_ops (pickle, "\x80\x02}");
  write_string (pickle, "model");
  write_ops (pickle, "}");
  write_string (pickle, "t");
  write_tensor (pickle, type, "0", n, 0, &n, (gint32[]){ 1 }, 1);
  write_ops (pickle, "ss.");
  g_autoptr (GBytes) object = g_bytes_new (pickle->data, pickle->len);
  g_autoptr (GBytes) data = g_bytes_new (storage, size);
  const ZipEntry entries[] = { { "a/data.pkl", object }, { "a/data/0", data } };
  g_autoptr (GBytes) zip = zip_entries (entries, G_N_ELEMENTS (entries), FALSE);
  return read_all (zip, error);
}

static void
check_type (const char *type, gsize n, const void *storage, gsize size, FbnetDtype dtype,
    const void *expected, gsize expected_size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Weights) weights = read_one (type, (gint32) n, storage, size, &error);

  g_assert_no_error (error);
  const FbnetTensorView *view = weights_find (weights, "t");
  g_assert_cmpint (view->dtype, ==, dtype);
  g_assert_cmpmem (view->data, view->n_bytes, expected, expected_size);
}

#define CHECK_TYPE(type, storage, dtype, expected)                                                 \
  check_type (type, G_N_ELEMENTS (storage), storage, sizeof storage, dtype, expected,              \
      sizeof expected)

/* Types that the model format has not got become the next larger one; half precision stays. */
static void
test_types (void)
{
  const double f64[] = { 1.5, -0.1 };
  const float f64_as_f32[] = { 1.5f, -0.1f };
  const guint16 half[] = { 0x3c00, 0xc000 }; /* 1, -2 */
  const guint16 bf16[] = { 0x3f80, 0xc010 }; /* 1, -2.25 */
  const float bf16_as_f32[] = { 1.0f, -2.25f };
  const gint16 i16[] = { -3, 300 };
  const gint32 i16_as_i32[] = { -3, 300 };
  const gint32 i32[] = { G_MININT32, 7 };
  const gint8 i8[] = { -128, 127 };
  const guint8 u8[] = { 0, 1 };

  CHECK_TYPE ("DoubleStorage", f64, FBNET_DTYPE_F32, f64_as_f32);
  CHECK_TYPE ("HalfStorage", half, FBNET_DTYPE_F16, half);
  CHECK_TYPE ("BFloat16Storage", bf16, FBNET_DTYPE_F32, bf16_as_f32);
  CHECK_TYPE ("ShortStorage", i16, FBNET_DTYPE_I32, i16_as_i32);
  CHECK_TYPE ("IntStorage", i32, FBNET_DTYPE_I32, i32);
  CHECK_TYPE ("CharStorage", i8, FBNET_DTYPE_I8, i8);
  CHECK_TYPE ("ByteStorage", u8, FBNET_DTYPE_U8, u8);
  CHECK_TYPE ("BoolStorage", u8, FBNET_DTYPE_U8, u8);
}

/* A storage must have exactly the bytes that its elements need, and a view may not repeat them. */
static void
test_storage_size (void)
{
  const float storage[] = { 1, 2, 3 };

  for (gsize size = 0; size < sizeof storage; size++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (read_one ("FloatStorage", 3, storage, size, &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
    g_assert_nonnull (strstr (error->message, "expected 3 elements of float32"));
  }
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) pickle = g_byte_array_new ();
  write_ops (pickle, "\x80\x02}");
  write_string (pickle, "model");
  write_ops (pickle, "}");
  write_string (pickle, "t");
  write_tensor (pickle, "FloatStorage", "1", 4, 0, (gint32[]){ 1 << 30, 1 << 30 },
      (gint32[]){ 0, 0 }, 2);
  write_ops (pickle, "ss.");
  g_autoptr (GBytes) zip = zip_state_dict (pickle);
  g_assert_null (read_all (zip, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "repeats the elements"));
}

/* --- Hostile archives ------------------------------------------------------------------------- */

static void
assert_refused (const ZipEntry *entries, guint n, gboolean compress, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) zip = zip_entries (entries, n, compress);

  g_assert_null (read_all (zip, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, expected));
}

/* Entries that point out of the archive, that are missing, that claim far more than they take, or
 * numbers in another order are sentences. */
static void
test_hostile_zip (void)
{
  g_autoptr (GByteArray) pickle = write_state_dict ();
  g_autoptr (GBytes) object = g_bytes_new (pickle->data, pickle->len);
  g_autoptr (GBytes) zeros = g_bytes_new_take (g_malloc0 (8 << 20), 8 << 20);
  g_autoptr (GBytes) big = g_bytes_new_static ("big", 3);
  g_autoptr (GBytes) storage = state_dict_storage (0);

  const ZipEntry absolute[] = { { "/etc/data.pkl", object } };

  assert_refused (absolute, 1, FALSE, "leaves its folder");
  const ZipEntry above[] = { { "a/data.pkl", object }, { "a/../../b", object } };
  assert_refused (above, 2, FALSE, "leaves its folder");
  const ZipEntry nothing[] = { { "a/data", object } };
  assert_refused (nothing, 1, FALSE, "no entry \"*/data.pkl\"");
  const ZipEntry missing[] = { { "a/data.pkl", object }, { "a/data/0", storage } };
  assert_refused (missing, 2, FALSE, "no entry \"data/1\"");
  const ZipEntry bomb[] = { { "a/data.pkl", object }, { "a/data/0", zeros } };
  assert_refused (bomb, 2, TRUE, "more than such an archive can hold");
  const ZipEntry other[] = { { "a/data.pkl", object }, { "a/byteorder", big } };
  assert_refused (other, 2, FALSE, "not little-endian");
}

/* An archive that was packed anew with compression is read as well. */
static void
test_compressed (void)
{
  g_autoptr (GByteArray) pickle = write_state_dict ();
  g_autoptr (GBytes) object = g_bytes_new (pickle->data, pickle->len);
  g_autoptr (GBytes) storage0 = state_dict_storage (0);
  g_autoptr (GBytes) storage1 = state_dict_storage (1);
  g_autoptr (GBytes) storage2 = state_dict_storage (2);
  const ZipEntry entries[] = { { "s/data.pkl", object }, { "s/data/0", storage0 },
    { "s/data/1", storage1 }, { "s/data/2", storage2 } };
  g_autoptr (GBytes) zip = zip_entries (entries, G_N_ELEMENTS (entries), TRUE);

  check_state_dict (zip);
}

static void
cut_everywhere (GBytes *whole)
{
  const gsize size = g_bytes_get_size (whole);

  for (gsize length = 0; length < size; length += MAX (size / 500, 1)) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) part = g_bytes_new_from_bytes (whole, 0, length);
    g_assert_null (read_all (part, &error));
    g_assert_cmpuint (error->domain, ==, FBNET_ERROR);
  }
}

/* Either form, cut anywhere, is an error. */
static void
test_truncation (void)
{
  g_autoptr (GByteArray) pickle = write_state_dict ();
  g_autoptr (GBytes) zip = zip_state_dict (pickle);
  g_autoptr (GBytes) legacy = legacy_state_dict (pickle);

  cut_everywhere (zip);
  cut_everywhere (legacy);
}

static void
flip_bits (GBytes *whole)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (whole, &size);

  for (guint round = 0; round < 2000; round++) {
    g_autoptr (GError) error = NULL;
    guint8 *copy = g_memdup2 (data, size);
    for (gint flips = g_test_rand_int_range (1, 4); flips > 0; flips--)
      copy[g_test_rand_int_range (0, (gint32) size)] ^= 1 << g_test_rand_int_range (0, 8);
    g_autoptr (GBytes) bytes = g_bytes_new_take (copy, size);
    g_autoptr (Weights) weights = read_all (bytes, &error);
    g_assert_true ((weights == NULL) == (error != NULL));
  }
}

/* Flipped bits give tensors or an error, and touch nothing else. */
static void
test_bit_flips (void)
{
  g_autoptr (GByteArray) pickle = write_state_dict ();
  g_autoptr (GBytes) zip = zip_state_dict (pickle);
  g_autoptr (GBytes) legacy = legacy_state_dict (pickle);

  flip_bits (zip);
  flip_bits (legacy);
}

/* Files that are none of torch's say so by name. */
static void
test_not_torch (void)
{
  static const char *const texts[] = { "", "P", "PK\003\004", "hello, world\n", "\x80\x02]." };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = g_bytes_new_static (texts[i], strlen (texts[i]));
    g_assert_null (archive_open_bytes (bytes, "text.pth", &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
    g_assert_true (g_str_has_prefix (error->message, "text.pth: "));
  }
  g_autoptr (GError) error = NULL;
  g_assert_null (archive_open ("does/not/exist.pth", &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND);
}

/* --- Quantised tensors ------------------------------------------------------------------------ */

/* torch._utils._rebuild_qtensor of 2 × 2 numbers in storage "0"; per channel the scales are in "1"
 * and the zero points in "2". */
static void
write_quantised (GByteArray *out, gint32 axis)
{
  write_global (out, "torch._utils", "_rebuild_qtensor");
  write_ops (out, "((");
  write_string (out, "storage");
  write_global (out, "torch", "QInt8Storage");
  write_string (out, "0");
  write_string (out, "cpu");
  write_int (out, 4);
  write_ops (out, "tQ");
  write_int (out, 0);
  write_ints (out, (gint32[]){ 2, 2 }, 2);
  write_ints (out, (gint32[]){ 2, 1 }, 2);
  write_ops (out, "(");
  write_global (out, "torch", axis < 0 ? "per_tensor_affine" : "per_channel_affine");
  if (axis < 0) {
    write_ops (out, "F0.1\n");
    write_int (out, 3);
  } else {
    write_tensor (out, "DoubleStorage", "1", 2, 0, (gint32[]){ 2 }, (gint32[]){ 1 }, 1);
    write_tensor (out, "LongStorage", "2", 2, 0, (gint32[]){ 2 }, (gint32[]){ 1 }, 1);
    write_int (out, axis);
  }
  write_ops (out, "t\x89");
  write_global (out, "collections", "OrderedDict");
  write_ops (out, ")RtR");
}

static void
check_quantised (gint32 axis, const float *expected)
{
  static const gint8 numbers[] = { -128, 127, 0, 5 };
  static const double scales[] = { 0.1, 1.0 / 3 };
  static const gint64 zeros[] = { 3, -2 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) pickle = g_byte_array_new ();

  write_ops (pickle, "\x80\x02}");
  write_string (pickle, "model");
  write_ops (pickle, "}");
  write_string (pickle, "q");
  write_quantised (pickle, axis);
  write_ops (pickle, "ss.");
  g_autoptr (GBytes) object = g_bytes_new (pickle->data, pickle->len);
  g_autoptr (GBytes) storage0 = g_bytes_new_static (numbers, sizeof numbers);
  g_autoptr (GBytes) storage1 = g_bytes_new_static (scales, sizeof scales);
  g_autoptr (GBytes) storage2 = g_bytes_new_static (zeros, sizeof zeros);
  const ZipEntry entries[] = { { "q/data.pkl", object }, { "q/data/0", storage0 },
    { "q/data/1", storage1 }, { "q/data/2", storage2 } };
  g_autoptr (GBytes) zip = zip_entries (entries, G_N_ELEMENTS (entries), FALSE);
  g_autoptr (Weights) weights = read_all (zip, &error);
  if (expected == NULL) {
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
    return;
  }
  g_assert_no_error (error);
  assert_floats (weights, "q", expected, 4);
}

/* (q - zero point) × scale in float32, one scale for all or one per index of an axis. */
static void
test_quantised (void)
{
  const float a = 0.1f, b = (float) (1.0 / 3);

  check_quantised (-1, (const float[]){ -131 * a, 124 * a, -3 * a, 2 * a });
  check_quantised (0, (const float[]){ -131 * a, 124 * a, 2 * b, 7 * b });
  check_quantised (1, (const float[]){ -131 * a, 129 * b, -3 * a, 7 * b });
  check_quantised (2, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/import/archive/forms", test_forms);
  g_test_add_func ("/import/archive/types", test_types);
  g_test_add_func ("/import/archive/storage-size", test_storage_size);
  g_test_add_func ("/import/archive/hostile-zip", test_hostile_zip);
  g_test_add_func ("/import/archive/compressed", test_compressed);
  g_test_add_func ("/import/archive/truncation", test_truncation);
  g_test_add_func ("/import/archive/bit-flips", test_bit_flips);
  g_test_add_func ("/import/archive/not-torch", test_not_torch);
  g_test_add_func ("/import/archive/quantised", test_quantised);
  return g_test_run ();
}
