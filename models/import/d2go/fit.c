/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a description to the names and shapes of its tensors, by the engine's own list of layers.
 */
#include "fit.h"

#include <string.h>

#include "model/description.h"

#define MASK_HEAD "roi_heads.mask_head."
#define KPTS_HEAD "roi_heads.keypoint_head."

Layers *
fit_layers (const cJSON *description, GError **error)
{
  char *text = cJSON_PrintUnformatted (description);
  Description *parsed = description_parse (text, "config", error);
  Layers *layers = parsed != NULL ? layers_new (parsed, error) : NULL;

  description_free (parsed);
  cJSON_free (text);
  return layers;
}

/* --- Fit -------------------------------------------------------------------------------------- */

typedef struct {
  Fit *fit;
  const Weights *weights;
  GHashTable *seen; /* names */
} Checker;

static char *
shape_text (guint n_dims, const gsize *shape)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < n_dims; i++)
    g_string_append_printf (text, "%s%zu", i > 0 ? ", " : "", shape[i]);
  return g_string_free (g_string_append (text, "]"), FALSE);
}

/* A linear layer may lack the last two dimensions of the 1×1 convolution that it is here. */
static gboolean
has_shape (const FbnetTensorView *view, guint n_dims, const gsize *shape)
{
  const gboolean linear = n_dims == 4 && view->n_dims == 2 && shape[2] == 1 && shape[3] == 1;

  return (linear || view->n_dims == n_dims)
      && memcmp (view->shape, shape, view->n_dims * sizeof *shape) == 0;
}

static void
want (Checker *checker, const char *prefix, const char *field, guint n_dims, const gsize *shape)
{
  g_autofree char *name = g_strconcat (prefix, ".", field, NULL);
  const FbnetTensorView *view = weights_find (checker->weights, name);
  g_autofree char *expected = shape_text (n_dims, shape);
  Fit *fit = checker->fit;

  if (view == NULL) {
    g_ptr_array_add (fit->problems,
        g_strdup_printf ("%s: expected %s, found no such tensor", name, expected));
    return;
  }
  g_hash_table_add (checker->seen, (gpointer) view->name);
  if (!has_shape (view, n_dims, shape)) {
    g_autofree char *found = shape_text (view->n_dims, view->shape);
    g_ptr_array_add (fit->problems,
        g_strdup_printf ("%s: expected %s, found %s", name, expected, found));
    return;
  }
  if (view->dtype != FBNET_DTYPE_F32 && view->dtype != FBNET_DTYPE_F16)
    g_ptr_array_add (fit->problems,
        g_strdup_printf ("%s: expected floating point, found %s", name,
            fbnet_dtype_name (view->dtype)));
  g_ptr_array_add (fit->wanted, g_strdup (name));
}

/* The count of training batches says nothing at inference; it is kept where it is there. */
static void
want_counter (Checker *checker, const ConvLayer *layer)
{
  g_autofree char *name = g_strconcat (layer->norm_name, ".num_batches_tracked", NULL);
  const FbnetTensorView *view = weights_find (checker->weights, name);

  if (view == NULL)
    return;
  g_hash_table_add (checker->seen, (gpointer) view->name);
  g_ptr_array_add (checker->fit->wanted, g_strdup (name));
}

static void
want_layer (const ConvLayer *layer, gpointer data)
{
  const gsize fan_in = layer->in / layer->groups;
  const gsize weight[] = { layer->transposed ? fan_in : layer->out,
    layer->transposed ? layer->out : fan_in, layer->kernel, layer->kernel };
  const gsize per_channel[] = { layer->out };

  want (data, layer->conv_name, "weight", 4, weight);
  if (layer->bias)
    want (data, layer->conv_name, "bias", 1, per_channel);
  if (layer->norm.kind == NORM_NONE)
    return;
  want (data, layer->norm_name, "weight", 1, per_channel);
  want (data, layer->norm_name, "bias", 1, per_channel);
  if (layer->norm.kind != NORM_BATCH)
    return;
  want (data, layer->norm_name, "running_mean", 1, per_channel);
  want (data, layer->norm_name, "running_var", 1, per_channel);
  want_counter (data, layer);
}

/* The zoo's faster_* entries point to the weights of the mask_* models; EMA states and older
 * checkpoints hold buffers that the config repeats. */
static gboolean
is_tolerated (const Layers *layers, const char *name)
{
  return strcmp (name, "pixel_mean") == 0 || strcmp (name, "pixel_std") == 0
      || g_str_has_prefix (name, "proposal_generator.anchor_generator.cell_anchors.")
      || (layers_find (layers, ROLE_MASK, 0) == NULL && g_str_has_prefix (name, MASK_HEAD))
      || (layers_find (layers, ROLE_KEYPOINTS, 0) == NULL && g_str_has_prefix (name, KPTS_HEAD));
}

Fit *
fit_new (const Layers *layers, const Weights *weights)
{
  Fit *fit = g_new0 (Fit, 1);

  fit->wanted = g_ptr_array_new_with_free_func (g_free);
  fit->problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  Checker checker = { fit, weights, seen };
  layers_foreach (layers, want_layer, &checker);
  for (guint i = 0; i < weights->views->len; i++) {
    const FbnetTensorView *view = weights->views->pdata[i];
    if (g_hash_table_contains (seen, view->name))
      continue;
    if (is_tolerated (layers, view->name))
      fit->n_tolerated++;
    else
      g_ptr_array_add (fit->problems,
          g_strdup_printf ("%s: found, but the config has no place for it", view->name));
  }
  return fit;
}

void
fit_free (Fit *fit)
{
  if (fit == NULL)
    return;
  g_ptr_array_unref (fit->wanted);
  g_ptr_array_unref (fit->problems);
  g_free (fit);
}
