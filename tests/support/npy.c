/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reader of .npy arrays; see npy.h.
 */
#include "npy.h"

#include <stdlib.h>
#include <string.h>

#include "fbnet/fbnet.h"
#include "support/files.h"

#define MAGIC_SIZE 8 /* "\x93NUMPY", major, minor */

static gboolean
fail (GError **error, const char *path, const char *what)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: %s", path, what);
  return FALSE;
}

/* The text after `'key':` in the header's Python dictionary, NULL if there is none. */
static const char *
dict_value (const char *header, const char *key)
{
  g_autofree char *quoted = g_strdup_printf ("'%s':", key);
  const char *found = strstr (header, quoted);

  return found != NULL ? found + strlen (quoted) + strspn (found + strlen (quoted), " ") : NULL;
}

static gboolean
parse_dtype (Npy *npy, const char *header)
{
  const char *value = dict_value (header, "descr");

  if (value == NULL || *value != '\'' || strcspn (value + 1, "'") != 3)
    return FALSE;
  memcpy (npy->dtype, value + 1, 3);
  return g_ascii_isdigit (npy->dtype[2]) && npy->dtype[2] != '0';
}

/* "(3, 4)", "(3,)" or "()" */
static gboolean
parse_shape (Npy *npy, const char *header, gsize *n_bytes)
{
  const char *at = dict_value (header, "shape");

  if (at == NULL || *at++ != '(')
    return FALSE;
  *n_bytes = (gsize) (npy->dtype[2] - '0');
  while (*at != ')') {
    if (npy->n_dims == G_N_ELEMENTS (npy->shape) || !g_ascii_isdigit (*at))
      return FALSE;
    char *end;
    npy->shape[npy->n_dims] = g_ascii_strtoull (at, &end, 10);
    if (!g_size_checked_mul (n_bytes, *n_bytes, npy->shape[npy->n_dims++]))
      return FALSE;
    at = end + strspn (end, ", ");
  }
  return TRUE;
}

/* The header's text as a string of its own, and where the numbers begin. */
static char *
read_header (const guint8 *file, gsize size, gsize *data_offset)
{
  if (size < MAGIC_SIZE + 4 || memcmp (file, "\x93NUMPY", 6) != 0 || file[6] < 1 || file[6] > 3)
    return NULL;
  const gsize length_bytes = file[6] == 1 ? 2 : 4;
  gsize length = 0;
  for (gsize i = 0; i < length_bytes; i++)
    length |= (gsize) file[MAGIC_SIZE + i] << (8 * i);
  *data_offset = MAGIC_SIZE + length_bytes + length;
  if (*data_offset > size)
    return NULL;
  return g_strndup ((const char *) file + MAGIC_SIZE + length_bytes, length);
}

static gboolean
parse (Npy *npy, const guint8 *file, gsize size, const char *path, GError **error)
{
  gsize offset;
  g_autofree char *header = read_header (file, size, &offset);

  if (header == NULL)
    return fail (error, path, "not a .npy file, or its header is cut");
  const char *order = dict_value (header, "fortran_order");
  if (order == NULL || !g_str_has_prefix (order, "False"))
    return fail (error, path, "expected fortran_order False");
  if (!parse_dtype (npy, header))
    return fail (error, path, "descr: expected one plain type, such as '<f4'");
  if (!parse_shape (npy, header, &npy->n_bytes))
    return fail (error, path, "shape: expected a tuple of at most 8 sizes");
  if (npy->n_bytes != size - offset) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected %" G_GSIZE_FORMAT " bytes of numbers, found %" G_GSIZE_FORMAT, path,
        npy->n_bytes, size - offset);
    return FALSE;
  }
  npy->data = g_memdup2 (file + offset, npy->n_bytes);
  return TRUE;
}

Npy *
npy_load (const char *path, GError **error)
{
  gsize size;
  g_autofree char *file = file_read (path, &size, error);

  if (file == NULL)
    return NULL;
  g_autoptr (Npy) npy = g_new0 (Npy, 1);
  if (!parse (npy, (const guint8 *) file, size, path, error))
    return NULL;
  return g_steal_pointer (&npy);
}

void
npy_free (Npy *npy)
{
  if (npy == NULL)
    return;
  g_free (npy->data);
  g_free (npy);
}

const float *
npy_floats (const Npy *npy)
{
  g_assert_cmpstr (npy->dtype, ==, "<f4");
  return (const float *) npy->data;
}
