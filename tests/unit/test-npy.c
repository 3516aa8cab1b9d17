/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The reader of golden arrays: if it were wrong, every golden test would be.
 */
#include "npy.h"

#include <glib/gstdio.h>
#include <string.h>

#include "fbnet/fbnet.h"

/* Version 1.0, header text, numbers; written to a file of its own and read back. */
static Npy *
load_bytes (const char *header, const void *numbers, gsize n_bytes, GError **error)
{
  g_autoptr (GByteArray) file = g_byte_array_new ();
  const guint8 length[2] = { (guint8) strlen (header), 0 };

  g_byte_array_append (file, (const guint8 *) "\x93NUMPY\x01\x00", 8);
  g_byte_array_append (file, length, 2);
  g_byte_array_append (file, (const guint8 *) header, strlen (header));
  g_byte_array_append (file, numbers, n_bytes);

  g_autofree char *path = NULL;
  const int fd = g_file_open_tmp ("npy-XXXXXX", &path, NULL);
  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, (const char *) file->data, file->len, NULL));
  Npy *npy = npy_load (path, error);
  g_unlink (path);
  return npy;
}

static void
assert_refused (const char *header, const void *numbers, gsize n_bytes, const char *because)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (load_bytes (header, numbers, n_bytes, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, because));
}

/* Type, shape and numbers of a matrix, a vector and a scalar come back as written. */
static void
test_reads (void)
{
  const float numbers[] = { 1, -2, 0.5f, 4, 5, 6 };
  g_autoptr (GError) error = NULL;
  g_autoptr (Npy) matrix =
      load_bytes ("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", numbers, 24,
          &error);

  g_assert_no_error (error);
  g_assert_cmpuint (matrix->n_dims, ==, 2);
  g_assert_cmpuint (matrix->shape[0], ==, 2);
  g_assert_cmpuint (matrix->shape[1], ==, 3);
  g_assert_cmpmem (npy_floats (matrix), matrix->n_bytes, numbers, sizeof numbers);

  g_autoptr (Npy) vector =
      load_bytes ("{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }", "abcd", 4, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (vector->dtype, ==, "|u1");
  g_assert_cmpuint (vector->n_dims, ==, 1);
  g_assert_cmpmem (vector->data, vector->n_bytes, "abcd", 4);

  g_autoptr (Npy) scalar =
      load_bytes ("{'descr': '<i4', 'fortran_order': False, 'shape': (), }", numbers, 4, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (scalar->n_dims, ==, 0);
  g_assert_cmpuint (scalar->n_bytes, ==, 4);
}

/* What is cut, too long, transposed, overflowing or no array at all is refused with the reason. */
static void
test_refuses (void)
{
  const char *header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  const guint8 numbers[32] = { 0 };

  assert_refused (header, numbers, 23, "expected 24 bytes of numbers, found 23");
  assert_refused (header, numbers, 25, "found 25");
  assert_refused ("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", numbers, 24,
      "fortran_order");
  assert_refused ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
      numbers, 24, "shape");
  assert_refused ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", numbers, 4,
      "descr");
  g_autoptr (GError) error = NULL;
  g_assert_null (npy_load ("/nonexistent/array.npy", &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/npy/reads", test_reads);
  g_test_add_func ("/npy/refuses", test_refuses);
  return g_test_run ();
}
