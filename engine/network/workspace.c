/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One stream's kernels, threads, memory and statistics; see workspace.h.
 */
#include "workspace.h"

#include <string.h>

#include "base/memory.h"
#include "cache.h"
#include "model/costs.h"

/* Of a map where the kernel set wants the same division for any number of threads. */
#define FIXED_SHARES 4

#define MEMORY_LIMIT 2048 /* MiB */

static gboolean
check_precision (const FbnetModel *model, const Kernels *kernels,
    const FbnetDetectorOptions *options, GError **error)
{
  if (options->precision == FBNET_PRECISION_BFLOAT16 && !kernels_have_bfloats (kernels)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "precision: expected float32, as the kernels %s have no products of bfloat16 on this "
        "processor, "
        "found bfloat16",
        kernels->name);
    return FALSE;
  }
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
      text, (gsize) wanted < G_N_ELEMENTS (names) ? names[wanted] : "no such value");
  return FALSE;
}

static PackOptions
pack_options (const FbnetModel *model, const Kernels *kernels, const FbnetDetectorOptions *options)
{
  const Quantization *quantization = model->description->quantization;
  PackOptions pack = { .kernels = kernels };

  pack.bfloat16 = options->precision == FBNET_PRECISION_BFLOAT16;
  if (quantization == NULL || options->precision == FBNET_PRECISION_FLOAT32 || pack.bfloat16)
    return pack;
  pack.int8 = TRUE;
  pack.exact_bias = options->int8_bias == FBNET_INT8_BIAS_AUTO
      ? quantization->exact_bias
      : options->int8_bias == FBNET_INT8_BIAS_EXACT;
  return pack;
}

gboolean
workspace_open (Workspace *workspace, FbnetModel *model, const FbnetDetectorOptions *options,
    GError **error)
{
  static const FbnetDetectorOptions defaults = { 0 };

  if (options == NULL)
    options = &defaults;
  const Kernels *kernels = kernels_find (options->kernels, error);
  if (kernels == NULL || !check_precision (model, kernels, options, error)
      || !check_normalization (model, options->normalization, error))
    return FALSE;
  const guint64 limit = options->memory_limit != 0 ? options->memory_limit : MEMORY_LIMIT;
  workspace->arena.limit = (gsize) MIN (limit << 20, G_MAXSIZE);
  workspace->work_limit = costs_limit (options);
  workspace->workers = workers_new (options->n_threads, error);
  if (workspace->workers == NULL)
    return FALSE;
  const PackOptions pack = pack_options (model, kernels, options);
  workspace->normalization = options->normalization;
  workspace->network = workspace->stored = cache_get_network (model, &pack, error);
  return workspace->network != NULL;
}

void
workspace_close (Workspace *workspace)
{
  workspace_end_stream (workspace);
  arena_clear (&workspace->arena);
  g_clear_pointer (&workspace->workers, workers_free);
}

/* Memory for a stream's statistics, if it has none yet. */
static gboolean
make_statistics (Workspace *workspace, const Network *following, GError **error)
{
  const gsize channels = following->max_norm_channels;

  if (workspace->norm_stats != NULL)
    return TRUE;
  g_autofree double *stats = memory_new (double, following->n_norm_stats, error);
  double *scratch =
      stats != NULL ? memory_new (double, norm_stats_size (channels) + 2 * channels, error) : NULL;
  if (scratch == NULL)
    return FALSE;
  workspace->norm_stats = g_steal_pointer (&stats);
  workspace->norm_scratch = scratch;
  return TRUE;
}

gboolean
workspace_begin_stream (Workspace *workspace, FbnetModel *model, GError **error)
{
  const PackOptions options = { .kernels = workspace_kernels (workspace), .follows = TRUE };
  const Network *following = cache_get_network (model, &options, error);

  if (following == NULL)
    return FALSE;
  if (following->n_norm_stats == 0)
    return TRUE;
  if (!make_statistics (workspace, following, error))
    return FALSE;
  workspace->network = following;
  memcpy (workspace->norm_stats, following->norm_stats, following->n_norm_stats * sizeof (double));
  return TRUE;
}

void
workspace_end_stream (Workspace *workspace)
{
  workspace->network = workspace->stored;
  g_clear_pointer (&workspace->norm_stats, g_free);
  g_clear_pointer (&workspace->norm_scratch, g_free);
}

guint
workspace_shares (const Workspace *workspace)
{
  return workspace_kernels (workspace)->floats.split_shows ? FIXED_SHARES
                                                           : workers_expected (workspace->workers);
}
