/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models with random weights; see randommodel.h.
 */
#include "randommodel.h"

#include <math.h>
#include <string.h>

#include "model/layers.h"

typedef struct {
  TensorList *list;
  GRand *random;
} Filler;

static void
add_floats (Filler *filler, const char *prefix, const char *field, guint n_dims, const gsize *shape,
    double low, double high)
{
  g_autofree char *name = g_strconcat (prefix, ".", field, NULL);
  const FbnetTensorView *view =
      tensor_list_add (filler->list, name, FBNET_DTYPE_F32, shape, n_dims);
  float *data = (float *) view->data;

  for (gsize i = 0; i < view->n_bytes / sizeof *data; i++)
    data[i] = (float) g_rand_double_range (filler->random, low, high);
}

static void
add_layer (const ConvLayer *layer, gpointer data)
{
  Filler *filler = data;
  const gsize fan_in = layer->in / layer->groups;
  const gsize weight[] = { layer->transposed ? fan_in : layer->out,
    layer->transposed ? layer->out : fan_in, layer->kernel, layer->kernel };
  const gsize channels[] = { layer->out };
  /* He initialisation: the variance of the output is that of the input. */
  const double range = sqrt (6.0 / (fan_in * layer->kernel * layer->kernel));

  add_floats (filler, layer->conv_name, "weight", 4, weight, -range, range);
  if (layer->bias)
    add_floats (filler, layer->conv_name, "bias", 1, channels, -0.5, 0.5);
  if (layer->norm.kind == NORM_NONE)
    return;
  add_floats (filler, layer->norm_name, "weight", 1, channels, 0.5, 1);
  add_floats (filler, layer->norm_name, "bias", 1, channels, -0.5, 0.5);
  if (layer->norm.kind == NORM_BATCH) {
    add_floats (filler, layer->norm_name, "running_mean", 1, channels, -0.5, 0.5);
    add_floats (filler, layer->norm_name, "running_var", 1, channels, 0.5, 2);
  }
}

void
random_model_add_layer (TensorList *list, GRand *random, const ConvLayer *layer)
{
  Filler filler = { list, random };

  add_layer (layer, &filler);
}

void
random_model_tame (TensorList *list)
{
  for (guint i = 0; i < list->views->len; i++) {
    const FbnetTensorView *view = list->views->pdata[i];
    const gboolean classes = strstr (view->name, "cls_score.") != NULL;
    if (classes || strstr (view->name, "bbox_pred.") != NULL)
      memset ((void *) view->data, 0, view->n_bytes);
    if (classes && g_str_has_suffix (view->name, ".bias"))
      ((float *) view->data)[0] = 3;
  }
}

/* Every layer's tensors, in the order in which they run; none where the engine refuses the description. */
static void
fill (TensorList *list, const char *description, guint32 seed)
{
  Filler filler = { list, g_rand_new_with_seed (seed) };
  Description *d = description_parse (description, "description", NULL);
  g_autoptr (Layers) layers = d != NULL ? layers_new (d, NULL) : NULL;

  if (layers != NULL)
    layers_foreach (layers, add_layer, &filler);
  description_free (d);
  g_rand_free (filler.random);
}

FbnetModel *
random_model_new (const char *description, guint32 seed, GError **error)
{
  g_autoptr (TensorList) list = tensor_list_new ();

  fill (list, description, seed);
  return tensor_list_to_model (list, description, error);
}

char *
random_model_description (const char *architecture, guint n_trunk_stages, gboolean masks)
{
  const guint last = n_trunk_stages - 1;

  return g_strdup_printf (
      "{\"format\": \"fbnet-model\", \"version\": 1, \"name\": \"random\", \"task\": \"detection\","
      "\"input\": {\"channel_order\": \"BGR\", \"mean\": [103.53, 116.28, 123.675],"
      "\"std\": [57.375, 57.12, 58.395], \"min_size\": 224, \"max_size\": 320},"
      "\"architecture\": %s, \"backbone\": {\"type\": \"C4\", \"prefix\": \"backbone.body\"},"
      "\"anchors\": {\"sizes\": [[32, 64, 96, 128, 160]], \"aspect_ratios\": [[0.5, 1, 2]]},"
      "\"rpn\": {\"in_features\": [\"trunk%u\"], \"pre_nms_count\": 1000, \"post_nms_count\": 30,"
      "\"iou_threshold\": 0.7},"
      "\"roi_heads\": {\"in_features\": [\"trunk%u\"], \"n_classes\": 80, \"score_threshold\": "
      "0.05,"
      "\"iou_threshold\": 0.5, \"max_detections\": 100},"
      "\"box_head\": {\"pooler_resolution\": 6, \"bbox_reg_weights\": [10, 10, 5, 5]}%s}",
      architecture, last, last, masks ? ", \"mask_head\": {\"pooler_resolution\": 14}" : "");
}
