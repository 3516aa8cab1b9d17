/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: the bytes choose a sound model file of tests/data and edits of it: of its header, of its
 * description, of its tensors. What still loads runs.
 */
#include <cjson/cJSON.h>
#include <math.h>

#include "framerun.h"
#include "fuzz.h"
#include "modelparts.h"

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
edit_tensors (ModelParts *parts, Take *take)
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
  g_autofree char *path =
      g_build_filename (TEST_DATA, files[take_index (&take, G_N_ELEMENTS (files))], NULL);
  ModelParts parts = model_parts_read (path);
  const guint n_edits = take_index (&take, 6);

  for (guint i = 0; i < n_edits; i++) {
    const guint what = take_index (&take, 4);
    if (what == 0)
      edit_tensors (&parts, &take);
    else
      edit_tree (what == 1 ? parts.header : parts.description, &take);
  }
  g_autoptr (GBytes) bytes = model_parts_join (&parts, parts.header, parts.description);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load_bytes (bytes, "fuzz", &error);
  g_assert ((model == NULL) == (error != NULL));
  model_parts_clear (&parts);
  if (model != NULL)
    frame_run (model, &take);
  return 0;
}
