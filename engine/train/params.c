/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parameters and statistics as vectors, and back into a model file; see params.h.
 */
#include "params.h"

#include <string.h>

/* --- Collecting ------------------------------------------------------------------------------- */

static const FbnetTensorView *
find (const FbnetModel *model, const char *prefix, const char *field)
{
  g_autofree char *name = g_strconcat (prefix, ".", field, NULL);

  return safetensors_find (model->file, name);
}

static gsize
count_elements (const FbnetTensorView *view)
{
  return view->n_bytes / fbnet_dtype_size (view->dtype);
}

static gint
add_param (GArray *array, gsize *total, const FbnetTensorView *view, gboolean norm)
{
  const Param param = { view->name, *total, count_elements (view), norm, FALSE };

  *total += param.n;
  g_array_append_val (array, param);
  return (gint) array->len - 1;
}

static void
add_layer (const ConvLayer *layer, gpointer data)
{
  Params *p = data;
  LayerParams *of = g_new (LayerParams, 1);
  const FbnetModel *model = p->model;

  *of = (LayerParams){ -1, -1, -1, -1, -1, -1 };
  of->weight = add_param (p->params, &p->n_values, find (model, layer->conv_name, "weight"), FALSE);
  if (layer->bias)
    of->bias = add_param (p->params, &p->n_values, find (model, layer->conv_name, "bias"), FALSE);
  if (layer->norm.kind != NORM_NONE) {
    of->gamma = add_param (p->params, &p->n_values, find (model, layer->norm_name, "weight"), TRUE);
    of->beta = add_param (p->params, &p->n_values, find (model, layer->norm_name, "bias"), TRUE);
  }
  /* mobile_cv's frozen_bn keeps its numbers as buffers, which no optimiser sees. */
  if (layer->norm.kind == NORM_FROZEN) {
    g_array_index (p->params, Param, of->gamma).frozen = TRUE;
    g_array_index (p->params, Param, of->beta).frozen = TRUE;
  }
  if (layer->norm.kind == NORM_BATCH) {
    of->mean = add_param (p->statistics, &p->n_statistics,
        find (model, layer->norm_name, "running_mean"), TRUE);
    of->variance = add_param (p->statistics, &p->n_statistics,
        find (model, layer->norm_name, "running_var"), TRUE);
  }
  g_hash_table_insert (p->layers, (gpointer) layer, of);
}

static void
read_param (Real *values, const Params *p, gint index, const GArray *array, const ConvLayer *layer,
    gboolean norm, const char *field)
{
  if (index < 0)
    return;
  const Param *param = params_get (array, index);
  g_autoptr (GError) error = NULL;
  g_autofree float *floats = model_read_floats (p->model, layer, norm, field, &error);
  if (floats == NULL) /* training ends, as with all else that it has no memory for */
    g_error ("%s", error->message);
  for (gsize i = 0; i < param->n; i++)
    values[param->begin + i] = (Real) floats[i];
}

static void
read_layer (const ConvLayer *layer, gpointer data)
{
  Params *p = data;
  const LayerParams *of = params_of_layer (p, layer);

  read_param (p->values, p, of->weight, p->params, layer, FALSE, "weight");
  read_param (p->values, p, of->bias, p->params, layer, FALSE, "bias");
  read_param (p->values, p, of->gamma, p->params, layer, TRUE, "weight");
  read_param (p->values, p, of->beta, p->params, layer, TRUE, "bias");
  read_param (p->statistics_values, p, of->mean, p->statistics, layer, TRUE, "running_mean");
  read_param (p->statistics_values, p, of->variance, p->statistics, layer, TRUE, "running_var");
}

Params *
params_new (const FbnetModel *model)
{
  Params *p = g_new0 (Params, 1);

  p->model = model;
  p->params = g_array_new (FALSE, FALSE, sizeof (Param));
  p->statistics = g_array_new (FALSE, FALSE, sizeof (Param));
  p->layers = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  layers_foreach (model->layers, add_layer, p);
  p->values = g_new (Real, p->n_values);
  p->statistics_values = g_new (Real, p->n_statistics);
  layers_foreach (model->layers, read_layer, p);
  return p;
}

void
params_free (Params *params)
{
  if (params == NULL)
    return;
  g_array_free (params->params, TRUE);
  g_array_free (params->statistics, TRUE);
  g_hash_table_unref (params->layers);
  g_free (params->values);
  g_free (params->statistics_values);
  g_free (params);
}

const LayerParams *
params_of_layer (const Params *params, const ConvLayer *layer)
{
  return g_hash_table_lookup (params->layers, layer);
}

void
params_freeze_layer (Params *params, const ConvLayer *layer)
{
  const LayerParams *of = params_of_layer (params, layer);
  const gint indices[] = { of->weight, of->bias, of->gamma, of->beta };

  for (guint i = 0; i < G_N_ELEMENTS (indices); i++) {
    if (indices[i] >= 0)
      g_array_index (params->params, Param, indices[i]).frozen = TRUE;
  }
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* Copies of the numbers that go into the file, alive until it is written. */
typedef struct {
  GHashTable *by_name; /* name → FbnetTensorView of F32 */
  GPtrArray *memory;
} Replacements;

static gpointer
convert (const Real *values, gsize n, gboolean half)
{
  const gsize size = fbnet_dtype_size (half ? FBNET_DTYPE_F16 : FBNET_DTYPE_F32);
  gpointer numbers = g_malloc_n (n, size);

  for (gsize i = 0; i < n; i++) {
    if (half)
      ((guint16 *) numbers)[i] = half_from_float ((float) values[i]);
    else
      ((float *) numbers)[i] = (float) values[i];
  }
  return numbers;
}

static void
replace (Replacements *to, const FbnetModel *model, const GArray *array, const Real *values,
    gboolean half)
{
  for (guint i = 0; i < array->len; i++) {
    const Param *param = params_get (array, (gint) i);
    FbnetTensorView *view = g_new (FbnetTensorView, 1);

    *view = *safetensors_find (model->file, param->name);
    view->dtype = half ? FBNET_DTYPE_F16 : FBNET_DTYPE_F32;
    view->data = convert (values + param->begin, param->n, half);
    view->n_bytes = param->n * fbnet_dtype_size (view->dtype);
    g_ptr_array_add (to->memory, (gpointer) view->data);
    g_hash_table_insert (to->by_name, (gpointer) param->name, view);
  }
}

static GArray *
list_tensors (const Params *params, const Replacements *replaced, const gint64 *iteration)
{
  const Safetensors *file = params->model->file;
  GArray *views = g_array_new (FALSE, FALSE, sizeof (FbnetTensorView));

  for (guint i = 0; i < file->n_views; i++) {
    FbnetTensorView view = file->views[i];
    const FbnetTensorView *other = g_hash_table_lookup (replaced->by_name, view.name);
    if (g_str_has_prefix (view.name, TRAIN_STATE_PREFIX))
      continue;
    if (other != NULL)
      view = *other;
    else if (view.dtype == FBNET_DTYPE_I64 && view.n_dims == 0
        && g_str_has_suffix (view.name, ".num_batches_tracked"))
      view.data = iteration;
    g_array_append_val (views, view);
  }
  return views;
}

gboolean
params_write (const Params *params, const Real *values, const Real *statistics, gint64 iteration,
    gboolean half, const FbnetTensorView *extra, guint n_extra, const char *path, GError **error)
{
  Replacements replaced = { g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free),
    g_ptr_array_new_with_free_func (g_free) };

  replace (&replaced, params->model, params->params, values, half);
  replace (&replaced, params->model, params->statistics, statistics, FALSE);
  GArray *views = list_tensors (params, &replaced, &iteration);
  if (n_extra > 0)
    g_array_append_vals (views, extra, n_extra);
  const gboolean written = fbnet_model_write (path, params->model->file->description,
      (const FbnetTensorView *) (gpointer) views->data, views->len, error);
  g_array_free (views, TRUE);
  g_hash_table_unref (replaced.by_name);
  g_ptr_array_free (replaced.memory, TRUE);
  return written;
}
