/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The golden fixtures' weights, generated.
 */
#include "recipe.h"

#include <cjson/cJSON.h>
#include <math.h>

/* The golden ratio's bits: splitmix64's step (Steele, Lea, Flood: Fast splittable pseudorandom
 * number generators, 2014). */
#define STEP G_GUINT64_CONSTANT (0x9E3779B97F4A7C15)

/* FNV-1a, 64 bits. */
static guint64
hash_name (const char *name)
{
  guint64 hash = G_GUINT64_CONSTANT (0xCBF29CE484222325);

  for (; *name != '\0'; name++)
    hash = (hash ^ (guint8) *name) * G_GUINT64_CONSTANT (0x100000001B3);
  return hash;
}

static guint64
mix (guint64 z)
{
  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94D049BB133111EB);
  return z ^ (z >> 31);
}

void
recipe_generate (float *out, gsize n, const char *name, guint64 seed, int exponent)
{
  const guint64 start = hash_name (name) ^ (seed * STEP);
  const float scale = ldexpf (1, -exponent);

  for (gsize i = 0; i < n; i++) {
    const int value = 2 * (int) (mix (start + (i + 1) * STEP) >> 56) - 255;
    out[i] = (float) value * scale;
  }
}

static gboolean
add_tensor (TensorList *list, const cJSON *entry, const TensorList *stored, guint64 seed)
{
  const char *name = cJSON_GetStringValue (cJSON_GetObjectItem (entry, "name"));
  gsize shape[FBNET_MAX_DIMS], n = 1;
  guint n_dims = 0;
  const cJSON *size;

  if (name == NULL)
    return FALSE;
  if (cJSON_IsTrue (cJSON_GetObjectItem (entry, "stored"))) {
    const FbnetTensorView *view = tensor_list_find (stored, name);
    if (view != NULL)
      tensor_list_add_copy (list, view);
    return view != NULL;
  }
  cJSON_ArrayForEach (size, cJSON_GetObjectItem (entry, "shape"))
  {
    if (n_dims == FBNET_MAX_DIMS)
      return FALSE;
    shape[n_dims] = (gsize) size->valuedouble;
    n *= shape[n_dims++];
  }
  const int exponent = (int) cJSON_GetNumberValue (cJSON_GetObjectItem (entry, "k"));
  FbnetTensorView *view = tensor_list_add (list, name, FBNET_DTYPE_F32, shape, n_dims);
  recipe_generate ((float *) view->data, n, name, seed, exponent);
  return TRUE;
}

TensorList *
recipe_load (const char *folder, GError **error)
{
  g_autofree char *recipe_path = g_build_filename (folder, "recipe.json", NULL);
  g_autofree char *stored_path = g_build_filename (folder, "small.safetensors", NULL);
  g_autofree char *text = NULL;
  gsize length;

  if (!g_file_get_contents (recipe_path, &text, &length, error))
    return NULL;
  g_autoptr (TensorList) stored = tensor_list_load (stored_path, error);
  if (stored == NULL)
    return NULL;
  cJSON *recipe = cJSON_ParseWithLength (text, length);
  const guint64 seed = (guint64) cJSON_GetNumberValue (cJSON_GetObjectItem (recipe, "seed"));
  g_autoptr (TensorList) list = tensor_list_new ();
  const cJSON *entry;
  gboolean good = recipe != NULL;
  cJSON_ArrayForEach (entry, cJSON_GetObjectItem (recipe, "tensors")) good =
      good && add_tensor (list, entry, stored, seed);
  cJSON_Delete (recipe);
  if (!good) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: expected a list of tensors",
        recipe_path);
    return NULL;
  }
  return g_steal_pointer (&list);
}
