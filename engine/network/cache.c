/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Packed weights that a model keeps; see cache.h.
 */
#include "cache.h"

static gboolean
is_packed_so (const Network *network, const PackOptions *options)
{
  return network->kernels == options->kernels && network->int8 == options->int8
      && network->exact_bias == options->exact_bias && network->bfloat16 == options->bfloat16
      && network->follows == options->follows;
}

const Network *
cache_get_network (FbnetModel *model, const PackOptions *options, GError **error)
{
  Network *network = NULL;

  g_mutex_lock (&model->lock);
  model->free_network = (GDestroyNotify) network_free;
  for (GSList *l = model->networks; l != NULL && network == NULL; l = l->next) {
    if (is_packed_so (l->data, options))
      network = l->data;
  }
  if (network == NULL) {
    network = network_new (model, options, error);
    if (network != NULL)
      model->networks = g_slist_prepend (model->networks, network);
  }
  g_mutex_unlock (&model->lock);
  return network;
}
