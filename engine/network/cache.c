/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Packed weights that a model keeps; see cache.h.
 */
#include "cache.h"

#include "model/model.h"

static const Network *
get_network (FbnetModel *model, const Kernels *kernels, const ByteKernels *qkernels,
    gboolean exact_bias, gboolean follows)
{
  Network *network = NULL;

  g_mutex_lock (&model->lock);
  model->free_network = (GDestroyNotify) network_free;
  for (GSList *l = model->networks; l != NULL && network == NULL; l = l->next) {
    Network *other = l->data;
    if (other->kernels == kernels && other->qkernels == qkernels && other->exact_bias == exact_bias
        && other->follows == follows)
      network = other;
  }
  if (network == NULL) {
    network = network_new (model, kernels, qkernels, exact_bias, follows);
    model->networks = g_slist_prepend (model->networks, network);
  }
  g_mutex_unlock (&model->lock);
  return network;
}

const Network *
cache_get_network (FbnetModel *model, const Kernels *kernels)
{
  return get_network (model, kernels, NULL, FALSE, FALSE);
}

const Network *
cache_get_following_network (FbnetModel *model, const Kernels *kernels)
{
  return get_network (model, kernels, NULL, FALSE, TRUE);
}

const Network *
cache_get_int8_network (FbnetModel *model, const Kernels *kernels, const ByteKernels *qkernels,
    gboolean exact_bias)
{
  return get_network (model, kernels, qkernels, exact_bias, FALSE);
}
