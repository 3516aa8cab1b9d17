/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One stream's threads, kernel set and scratch memory.
 */
#include "model.h"

const Network *
runner_open (Runner *runner, FbnetModel *model, const FbnetDetectorOptions *options, GError **error)
{
  static const FbnetDetectorOptions defaults = { 0 };

  if (options == NULL)
    options = &defaults;
  runner->kernels = kernels_find (options->kernels, error);
  if (runner->kernels == NULL)
    return NULL;
  runner->workers = workers_new (options->n_threads, error);
  if (runner->workers == NULL)
    return NULL;
  return model_get_network (model, runner->kernels);
}

void
runner_close (Runner *runner)
{
  buffer_clear (&runner->activations[0]);
  buffer_clear (&runner->activations[1]);
  buffer_clear (&runner->mid);
  buffer_clear (&runner->mid2);
  buffer_clear (&runner->sums);
  buffer_clear (&runner->gates);
  buffer_clear (&runner->scratch);
  g_clear_pointer (&runner->workers, workers_free);
}

gboolean
runner_reserve_threads (Runner *runner, gsize bytes, GError **error)
{
  const gsize rounded = (bytes + 63) & ~(gsize) 63;

  if (rounded <= runner->thread_bytes)
    return TRUE;
  if (!buffer_reserve (&runner->scratch, rounded * workers_count (runner->workers), error))
    return FALSE;
  runner->thread_bytes = rounded;
  return TRUE;
}

void *
runner_scratch (const Runner *runner, guint thread)
{
  return (guint8 *) runner->scratch.data + thread * runner->thread_bytes;
}
