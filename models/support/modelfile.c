/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Model files.
 */
#include "modelfile.h"

#include <errno.h>
#include <glib/gstdio.h>

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

/* The checked file takes its place only now. */
static gboolean
move (const char *from, const char *to, GError **error)
{
  if (g_rename (from, to) == 0)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: cannot be written: %s", to,
      g_strerror (errno));
  return FALSE;
}

FbnetModel *
model_file_write (const char *path, const cJSON *description, const FbnetTensorView *tensors,
    guint n_tensors, GError **error)
{
  g_autofree char *part = g_strconcat (path, ".part", NULL);
  g_autofree char *text = json_print_line (description);

  if (!fbnet_model_write (part, text, tensors, n_tensors, error))
    return NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (part, error);
  if (model != NULL && move (part, path, error))
    return g_steal_pointer (&model);
  g_unlink (part);
  return NULL;
}
