/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Model files taken apart and joined; see modelparts.h.
 */
#include "modelparts.h"

#include <string.h>

ModelParts
model_parts_read (const char *path)
{
  g_autofree char *file = NULL;
  g_autoptr (GError) error = NULL;
  gsize size, header_size = 0;

  if (!g_file_get_contents (path, &file, &size, &error))
    g_error ("%s", error->message);
  for (guint i = 0; i < 8; i++)
    header_size |= (gsize) (guint8) file[i] << (8 * i);
  cJSON *header = cJSON_ParseWithLength (file + 8, header_size);
  cJSON *metadata = cJSON_GetObjectItem (header, "__metadata__");
  cJSON *description = cJSON_Parse (cJSON_GetStringValue (cJSON_GetObjectItem (metadata, "fbnet")));
  cJSON_DeleteItemFromObject (metadata, "fbnet");
  const gsize begin = 8 + header_size;
  return (ModelParts){ header, description, g_memdup2 (file + begin, size - begin), size - begin };
}

void
model_parts_clear (ModelParts *parts)
{
  cJSON_Delete (parts->header);
  cJSON_Delete (parts->description);
  g_free (parts->tensors);
}

GBytes *
model_parts_join (const ModelParts *parts, const cJSON *header, const cJSON *description)
{
  cJSON *whole = cJSON_Duplicate (header, TRUE);
  cJSON *metadata = cJSON_GetObjectItem (whole, "__metadata__");
  char *inner = description != NULL ? cJSON_PrintUnformatted (description) : NULL;
  GByteArray *file = g_byte_array_new ();
  guint8 length[8];

  if (metadata != NULL && inner != NULL)
    cJSON_AddStringToObject (metadata, "fbnet", inner);
  char *text = cJSON_PrintUnformatted (whole);
  const gsize used = strlen (text), padded = (used + 7) & ~(gsize) 7;
  for (guint i = 0; i < 8; i++)
    length[i] = (guint8) ((guint64) padded >> (8 * i));
  g_byte_array_append (file, length, 8);
  g_byte_array_append (file, (const guint8 *) text, (guint) used);
  g_byte_array_append (file, (const guint8 *) "        ", (guint) (padded - used));
  g_byte_array_append (file, parts->tensors, (guint) parts->size);
  cJSON_free (text);
  cJSON_free (inner);
  cJSON_Delete (whole);
  return g_byte_array_free_to_bytes (file);
}
