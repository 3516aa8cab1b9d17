/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of class names.
 */
#include "labels.h"

#include "fbnet/fbnet.h"
#include "files.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

char **
labels_read (const char *path, GError **error)
{
  gsize length;
  g_autofree char *text = file_read (path, &length, error);
  g_autoptr (GPtrArray) labels = g_ptr_array_new ();

  if (text == NULL)
    return NULL;
  if (!g_utf8_validate (text, (gssize) length, NULL)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: expected UTF-8 text", path);
    return NULL;
  }
  const gboolean marked = g_str_has_prefix (text, BYTE_ORDER_MARK);
  g_auto (GStrv) lines = g_strsplit (text + (marked ? strlen (BYTE_ORDER_MARK) : 0), "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    if (*g_strstrip (lines[i]) != '\0')
      g_ptr_array_add (labels, g_strdup (lines[i]));
  }
  g_ptr_array_add (labels, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&labels), FALSE);
}
