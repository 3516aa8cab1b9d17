/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One stream's threads, kernel set and scratch memory.
 */
#include <string.h>

#include "cache.h"
#include "model/model.h"

static gboolean
check_precision (const FbnetModel *model, const FbnetDetectorOptions *options, GError **error)
{
  if (options->precision != FBNET_PRECISION_INT8 || model->description->quantization != NULL)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "precision: expected float32, as %s is no quantised model, found int8",
      model->description->name);
  return FALSE;
}

/* Nothing is normalised otherwise than it was in training. */
static gboolean
check_normalization (const FbnetModel *model, FbnetNormalization wanted, GError **error)
{
  static const char *const names[] = { "auto", "gn", "sync-bn", "naive-sync-bn" };
  static const char *const expected[] = { "auto, as %s has no norm that takes statistics",
    "gn, as %s was trained with group normalization",
    "sync-bn or naive-sync-bn, as %s was trained with batch normalization",
    "sync-bn or naive-sync-bn, as %s was trained with batch normalization" };
  const FbnetNormalization trained = fbnet_model_get_normalization (model);
  const gboolean batch =
      wanted == FBNET_NORMALIZATION_SYNC_BN || wanted == FBNET_NORMALIZATION_NAIVE_SYNC_BN;

  if (wanted == FBNET_NORMALIZATION_AUTO || wanted == trained
      || (batch && trained > FBNET_NORMALIZATION_GN))
    return TRUE;
  g_autofree char *text = g_strdup_printf (expected[trained], model->description->name);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT, "normalization: expected %s, found %s",
      text, names[wanted]);
  return FALSE;
}

static const Network *
choose_network (Runner *runner, FbnetModel *model, const FbnetDetectorOptions *options,
    GError **error)
{
  const Quantization *quantization = model->description->quantization;

  if (!check_precision (model, options, error)
      || !check_normalization (model, options->normalization, error))
    return NULL;
  runner->normalization = options->normalization;
  if (quantization == NULL || options->precision == FBNET_PRECISION_FLOAT32)
    return cache_get_network (model, runner->kernels);
  const gboolean exact = options->int8_bias == FBNET_INT8_BIAS_AUTO
      ? quantization->exact_bias
      : options->int8_bias == FBNET_INT8_BIAS_EXACT;
  runner->qkernels = &runner->kernels->bytes;
  return cache_get_int8_network (model, runner->kernels, runner->qkernels, exact);
}

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
  return choose_network (runner, model, options, error);
}

void
runner_close (Runner *runner)
{
  buffer_clear (&runner->activations[0]);
  buffer_clear (&runner->activations[1]);
  buffer_clear (&runner->converted);
  buffer_clear (&runner->mid);
  buffer_clear (&runner->mid2);
  buffer_clear (&runner->projected);
  buffer_clear (&runner->sums);
  buffer_clear (&runner->gates);
  buffer_clear (&runner->scratch);
  runner_end_stream (runner);
  g_clear_pointer (&runner->workers, workers_free);
}

void
runner_begin_stream (Runner *runner, const Network *network)
{
  const gsize bytes = network->norm_stats->len * sizeof (double);

  if (runner->norm_stats == NULL) {
    const gsize channels = network->max_norm_channels;
    runner->norm_stats = g_malloc (bytes);
    runner->norm_scratch = g_new (double, norm_stats_size (channels) + 2 * channels);
  }
  memcpy (runner->norm_stats, network->norm_stats->data, bytes);
}

void
runner_end_stream (Runner *runner)
{
  g_clear_pointer (&runner->norm_stats, g_free);
  g_clear_pointer (&runner->norm_scratch, g_free);
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

void
runner_observe (const Runner *runner, const char *name, const char *suffix, const Tensor *output)
{
  if (runner->observe == NULL)
    return;
  g_autofree char *whole = g_strconcat (name, suffix, NULL);
  runner->observe (whole, output, runner->observer_data);
}

void
runner_observe_layer (const Runner *runner, const ConvLayer *layer, const Tensor *output)
{
  runner_observe (runner, layer->conv_name, conv_has_table (layer) ? ".act" : "", output);
}

void
runner_activate_observed (const Runner *runner, const ConvLayer *layer, const Tensor *sums)
{
  const gsize n = sums->n * sums->h * sums->w * sums->c;

  if (layer->act == ACT_RELU)
    runner->kernels->floats.activate (sums->data, n, ACT_RELU);
  runner_observe (runner, layer->conv_name, "", sums);
  if (!conv_has_table (layer))
    return;
  runner->kernels->floats.activate (sums->data, n, layer->act);
  runner_observe (runner, layer->conv_name, ".act", sums);
}

void *
runner_scratch (const Runner *runner, guint thread)
{
  return (guint8 *) runner->scratch.data + thread * runner->thread_bytes;
}
