/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: the bytes choose a sound model file of tests/data and edits of it: of its header, of its
 * description, of its tensors. What still loads runs.
 */
#include <cjson/cJSON.h>
#include <math.h>

#include "framerun.h"
#include "fuzz.h"

/* --- A file in parts -------------------------------------------------------------------------- */

typedef struct {
  cJSON *header, *description;
  guint8 *tensors;
  gsize size; /* of the tensors */
} Parts;

static Parts
parts_read (const char *name)
{
  g_autofree char *path = g_build_filename (TEST_DATA, name, NULL);
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
  return (Parts){ header, description, g_memdup2 (file + begin, size - begin), size - begin };
}

static void
parts_clear (Parts *parts)
{
  cJSON_Delete (parts->header);
  cJSON_Delete (parts->description);
  g_free (parts->tensors);
}

static GBytes *
parts_join (const Parts *parts)
{
  cJSON *header = cJSON_Duplicate (parts->header, TRUE);
  char *description = cJSON_PrintUnformatted (parts->description);
  GByteArray *file = g_byte_array_new ();
  guint8 length[8];

  cJSON *metadata = cJSON_GetObjectItem (header, "__metadata__");
  if (metadata != NULL && description != NULL)
    cJSON_AddStringToObject (metadata, "fbnet", description);
  char *text = cJSON_PrintUnformatted (header);
  const gsize used = strlen (text), padded = (used + 7) & ~(gsize) 7;
  for (guint i = 0; i < 8; i++)
    length[i] = (guint8) (padded >> (8 * i));
  g_byte_array_append (file, length, 8);
  g_byte_array_append (file, (const guint8 *) text, (guint) used);
  g_byte_array_append (file, (const guint8 *) "        ", (guint) (padded - used));
  g_byte_array_append (file, parts->tensors, (guint) parts->size);
  cJSON_free (text);
  cJSON_free (description);
  cJSON_Delete (header);
  return g_byte_array_free_to_bytes (file);
}

/* --- Edits ------------------------------------------------------------------------------------ */

static guint
count (const cJSON *tree)
{
  const cJSON *item;
  guint n = 0;

  cJSON_ArrayForEach (item, tree) n += 1 + count (item);
  return n;
}

/* Number *n of all that is in the tree, and what it is in. */
static cJSON *
find (cJSON *tree, guint *n, cJSON **parent)
{
  cJSON *item;

  cJSON_ArrayForEach (item, tree)
  {
    if ((*n)-- == 0) {
      *parent = tree;
      return item;
    }
    cJSON *found = find (item, n, parent);
    if (found != NULL)
      return found;
  }
  return NULL;
}

static cJSON *
take_value (Take *take)
{
  static const double numbers[] = { 0, 1, 2, 3, 4, 5, 7, 8, 16, 24, 64, 255, 256, 1000, 16384,
    65536, 100000, 4294967296, -1, -2, 0.5, 0.01, 1e-30, 1e9, 1e300 };
  static const char *const texts[] = { "", "ir_k3", "ir_k5_se", "ir_pool", "conv_k7", "skip",
    "ir_k3_g2", "gn", "bn", "none", "frozen_bn", "RGB", "F16", "I8", "F32", "detection", "trunk0",
    "trunk1", "deconv", "irf" };

  switch (take_index (take, 6)) {
    case 0:
    case 1:
      return cJSON_CreateNumber (numbers[take_index (take, G_N_ELEMENTS (numbers))]);
    case 2:
      return cJSON_CreateString (texts[take_index (take, G_N_ELEMENTS (texts))]);
    case 3:
      return cJSON_CreateNumber (take_byte (take));
    case 4:
      return cJSON_CreateBool (take_index (take, 2));
    default:
      return take_index (take, 2) ? cJSON_CreateArray () : cJSON_CreateObject ();
  }
}

/* In place of `item`; takes `value`. */
static void
replace (cJSON *parent, cJSON *item, cJSON *value)
{
  if (item->string != NULL) {
    g_autofree char *key = g_strdup (item->string);
    cJSON_ReplaceItemInObjectCaseSensitive (parent, key, value);
  } else {
    cJSON_ReplaceItemViaPointer (parent, item, value);
  }
}

static void
edit_tree (cJSON *tree, Take *take)
{
  const guint n = count (tree);
  guint at = n > 0 ? take_index (take, n) : 0, other = n > 0 ? take_index (take, n) : 0;
  cJSON *parent = NULL, *other_parent = NULL;
  cJSON *item = find (tree, &at, &parent);

  if (item == NULL)
    return;
  switch (take_index (take, 4)) {
    case 0:
      replace (parent, item, take_value (take));
      break;
    case 1:
      cJSON_Delete (cJSON_DetachItemViaPointer (parent, item));
      break;
    case 2:
      if (cJSON_IsArray (parent))
        cJSON_AddItemToArray (parent, cJSON_Duplicate (item, TRUE));
      break;
    default:
      replace (parent, item, cJSON_Duplicate (find (tree, &other, &other_parent), TRUE));
  }
}

static void
edit_tensors (Parts *parts, Take *take)
{
  static const float numbers[] = { 0, 1, -1, 1e30f, -1e30f, 1e-30f, 1e-45f, NAN, INFINITY, 3e38f };
  const gsize n = parts->size / 4;
  const gsize first = ((gsize) take_index (take, 65536) << 8 | take_byte (take)) % n;
  const float value =
      take_index (take, 2) ? take_float (take) : numbers[take_index (take, G_N_ELEMENTS (numbers))];
  const gsize many = 1 + take_index (take, 64);

  for (gsize i = first; i < MIN (n, first + many); i++)
    memcpy (parts->tensors + 4 * i, &value, sizeof value);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const files[] = { "tiny-bn.safetensors", "tiny-gn.safetensors" };
  Take take = { data, size, 0 };
  Parts parts = parts_read (files[take_index (&take, G_N_ELEMENTS (files))]);
  const guint n_edits = take_index (&take, 6);

  for (guint i = 0; i < n_edits; i++) {
    const guint what = take_index (&take, 4);
    if (what == 0)
      edit_tensors (&parts, &take);
    else
      edit_tree (what == 1 ? parts.header : parts.description, &take);
  }
  g_autoptr (GBytes) bytes = parts_join (&parts);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load_bytes (bytes, "fuzz", &error);
  g_assert ((model == NULL) == (error != NULL));
  parts_clear (&parts);
  if (model != NULL)
    frame_run (model, &take);
  return 0;
}
