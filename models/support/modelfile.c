/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Model files.
 */
#include "modelfile.h"

#include <glib/gstdio.h>

#include "base/replace.h"
#include "files.h"
#include "jsonfile.h"

FbnetModel *
model_file_load (const char *path, FbnetTask task, GError **error)
{
  g_autoptr (FbnetModel) model = fbnet_model_load (path, error);

  if (model == NULL || fbnet_model_get_task (model) == task)
    return g_steal_pointer (&model);
  if (task == FBNET_TASK_DETECTION)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: task: expected a detection model, found a classification model (fbnet-classify runs "
        "those)",
        path);
  else
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: task: expected a classification model, found a detection model (fbnet-detect runs "
        "those)",
        path);
  return NULL;
}

cJSON *
model_file_description (const FbnetModel *model)
{
  const char *text = fbnet_model_get_description (model);

  return json_parse (text, strlen (text), fbnet_model_get_name (model), NULL);
}

FbnetModel *
model_file_load_as (const char *path, const char *name, GError **error)
{
  gsize size;
  char *data = file_read (path, &size, error);

  if (data == NULL)
    return NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_take (data, size);
  return fbnet_model_load_bytes (bytes, name, error);
}

static FbnetTensorView *
list_tensors (const FbnetModel *model)
{
  const guint n = fbnet_model_get_n_tensors (model);
  FbnetTensorView *views = g_new (FbnetTensorView, n);

  for (guint i = 0; i < n; i++)
    fbnet_model_get_tensor (model, i, &views[i]);
  return views;
}

FbnetModel *
model_file_redescribe (const FbnetModel *model, const char *name, const cJSON *description,
    const char *beside, GError **error)
{
  g_autofree char *text = json_print_line (description), *path = file_new_beside (beside, error);
  g_autofree FbnetTensorView *views = list_tensors (model);

  if (path == NULL)
    return NULL;
  FbnetModel *other =
      fbnet_model_write (path, text, views, fbnet_model_get_n_tensors (model), error)
      ? model_file_load_as (path, name, error)
      : NULL;
  g_unlink (path);
  return other;
}

FbnetModel *
model_file_write (const char *path, const cJSON *description, const FbnetTensorView *tensors,
    guint n_tensors, GError **error)
{
  g_autofree char *target = replace_target (path, error);
  g_autofree char *part = target != NULL ? g_strconcat (target, ".part", NULL) : NULL;
  g_autofree char *text = json_print_line (description);

  if (part == NULL || !fbnet_model_write (part, text, tensors, n_tensors, error))
    return NULL;
  g_autoptr (FbnetModel) model = model_file_load_as (part, path, error);
  if (model != NULL && file_move (part, path, error))
    return g_steal_pointer (&model);
  g_unlink (part);
  return NULL;
}
