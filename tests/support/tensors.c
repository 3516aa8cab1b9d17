/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Named arrays that own their memory.
 */
#include "tensors.h"

#include <cjson/cJSON.h>
#include <glib/gstdio.h>
#include <string.h>

static void
view_free (gpointer data)
{
  FbnetTensorView *view = data;

  g_free ((char *) view->name);
  g_free ((void *) view->data);
  g_free (view);
}

TensorList *
tensor_list_new (void)
{
  TensorList *list = g_new0 (TensorList, 1);

  list->views = g_ptr_array_new_with_free_func (view_free);
  return list;
}

void
tensor_list_free (TensorList *list)
{
  if (list == NULL)
    return;
  g_ptr_array_unref (list->views);
  g_free (list);
}

FbnetTensorView *
tensor_list_add (TensorList *list, const char *name, FbnetDtype dtype, const gsize *shape,
    guint n_dims)
{
  FbnetTensorView *view = g_new0 (FbnetTensorView, 1);

  g_assert_cmpuint (n_dims, <=, FBNET_MAX_DIMS);
  view->name = g_strdup (name);
  view->dtype = dtype;
  view->n_dims = n_dims;
  view->n_bytes = fbnet_dtype_size (dtype);
  for (guint d = 0; d < n_dims; d++) {
    view->shape[d] = shape[d];
    g_assert_true (g_size_checked_mul (&view->n_bytes, view->n_bytes, shape[d]));
  }
  view->data = g_malloc0 (view->n_bytes);
  g_ptr_array_add (list->views, view);
  return view;
}

void
tensor_list_add_copy (TensorList *list, const FbnetTensorView *view)
{
  FbnetTensorView *copy =
      tensor_list_add (list, view->name, view->dtype, view->shape, view->n_dims);

  g_assert_cmpuint (copy->n_bytes, ==, view->n_bytes);
  if (view->n_bytes > 0)
    memcpy ((void *) copy->data, view->data, view->n_bytes);
}

FbnetTensorView *
tensor_list_find (const TensorList *list, const char *name)
{
  for (guint i = 0; i < list->views->len; i++) {
    FbnetTensorView *view = list->views->pdata[i];
    if (strcmp (view->name, name) == 0)
      return view;
  }
  return NULL;
}

gboolean
tensor_list_remove (TensorList *list, const char *name)
{
  FbnetTensorView *view = tensor_list_find (list, name);

  return view != NULL && g_ptr_array_remove (list->views, view);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static gboolean
parse_dtype (const cJSON *item, FbnetDtype *dtype)
{
  for (FbnetDtype candidate = FBNET_DTYPE_F32; candidate <= FBNET_DTYPE_U8; candidate++) {
    if (cJSON_IsString (item) && strcmp (item->valuestring, fbnet_dtype_name (candidate)) == 0) {
      *dtype = candidate;
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
read_entry (TensorList *list, const cJSON *entry, const guint8 *data, gsize data_size)
{
  const cJSON *offsets = cJSON_GetObjectItemCaseSensitive (entry, "data_offsets");
  const cJSON *sizes = cJSON_GetObjectItemCaseSensitive (entry, "shape");
  const gsize begin = (gsize) cJSON_GetNumberValue (cJSON_GetArrayItem (offsets, 0));
  const gsize end = (gsize) cJSON_GetNumberValue (cJSON_GetArrayItem (offsets, 1));
  gsize shape[FBNET_MAX_DIMS];
  guint n_dims = 0;
  FbnetDtype dtype;
  const cJSON *size;

  if (!parse_dtype (cJSON_GetObjectItemCaseSensitive (entry, "dtype"), &dtype) || end > data_size)
    return FALSE;
  cJSON_ArrayForEach (size, sizes)
  {
    if (n_dims == FBNET_MAX_DIMS)
      return FALSE;
    shape[n_dims++] = (gsize) size->valuedouble;
  }
  FbnetTensorView *view = tensor_list_add (list, entry->string, dtype, shape, n_dims);
  if (begin > end || view->n_bytes != end - begin)
    return FALSE;
  memcpy ((void *) view->data, data + begin, view->n_bytes);
  return TRUE;
}

static gboolean
read_entries (TensorList *list, const guint8 *file, gsize size)
{
  guint64 header_size = 0;

  if (size < 8)
    return FALSE;
  for (guint i = 0; i < 8; i++)
    header_size |= (guint64) file[i] << (8 * i);
  if (header_size > size - 8)
    return FALSE;
  cJSON *header = cJSON_ParseWithLength ((const char *) file + 8, header_size);
  gboolean good = header != NULL;
  const cJSON *entry;
  cJSON_ArrayForEach (entry, header)
  {
    if (good && strcmp (entry->string, "__metadata__") != 0)
      good = read_entry (list, entry, file + 8 + header_size, size - 8 - header_size);
  }
  cJSON_Delete (header);
  return good;
}

TensorList *
tensor_list_load (const char *path, GError **error)
{
  g_autofree char *file = NULL;
  gsize size;

  if (!g_file_get_contents (path, &file, &size, error))
    return NULL;
  g_autoptr (TensorList) list = tensor_list_new ();
  if (!read_entries (list, (const guint8 *) file, size)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: expected a safetensors file", path);
    return NULL;
  }
  return g_steal_pointer (&list);
}

/* --- Writing ---------------------------------------------------------------------------------- */

gboolean
tensor_list_write (const TensorList *list, const char *path, const char *description,
    GError **error)
{
  g_autofree FbnetTensorView *views = g_new0 (FbnetTensorView, list->views->len + 1);

  for (guint i = 0; i < list->views->len; i++)
    views[i] = *(const FbnetTensorView *) list->views->pdata[i];
  return fbnet_model_write (path, description, views, list->views->len, error);
}

FbnetModel *
tensor_list_to_model (const TensorList *list, const char *description, GError **error)
{
  g_autofree char *path = NULL;
  const int file = g_file_open_tmp ("fbnet-XXXXXX.safetensors", &path, error);

  if (file < 0)
    return NULL;
  g_close (file, NULL);
  FbnetModel *model = NULL;
  if (tensor_list_write (list, path, description, error))
    model = fbnet_model_load (path, error);
  g_unlink (path);
  return model;
}
