/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: any bytes as a model file. With -max_len=200000 it begins with whole models:
 *   build/tests/fuzz/fuzz-model -max_len=200000 found tests/fuzz/corpus/model tests/data
 */
#include <fbnet/fbnet.h>

#include "fuzz.h"

/* A model that loads is also asked everything that can be asked without a frame. */
static void
ask (FbnetModel *model)
{
  FbnetParams params;

  for (guint i = 0; i < fbnet_model_get_n_tensors (model); i++) {
    FbnetTensorView view;
    fbnet_model_get_tensor (model, i, &view);
    g_assert (view.name != NULL && view.n_dims <= FBNET_MAX_DIMS);
  }
  for (guint i = 0; i < fbnet_model_get_n_classes (model); i++)
    fbnet_model_get_label (model, i);
  fbnet_model_get_params (model, &params);
  g_assert (params.min_size >= 1 || fbnet_model_get_task (model) != FBNET_TASK_DETECTION);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load_bytes (bytes, "fuzz", &error);

  g_assert ((model == NULL) == (error != NULL));
  if (model != NULL)
    ask (model);
  return 0;
}
