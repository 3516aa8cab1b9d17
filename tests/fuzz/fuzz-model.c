/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: any bytes as a model file. Build with clang, -Dfuzzing=true and
 * -Db_sanitize=address,undefined; run with tests/data as the first corpus:
 *   build/tests/fuzz/fuzz-model -max_len=200000 corpus tests/data
 */
#include <fbnet/fbnet.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

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
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load_bytes (bytes, "fuzz", &error);

  g_assert ((model == NULL) == (error != NULL));
  if (model != NULL)
    ask (model);
  return 0;
}
