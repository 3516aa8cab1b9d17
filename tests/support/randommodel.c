/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models with random weights; see randommodel.h.
 */
#include "randommodel.h"

#include <math.h>
#include <string.h>
#include <glib/gstdio.h>

#include "base/json.h"

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

static void
add_plain (Filler *filler, const char *name, guint in, guint out)
{
  ConvLayer layer = arch_plain_conv (name, in, out, 1, TRUE);

  add_layer (&layer, filler);
  arch_conv_clear (&layer);
}

/* Returns the part's output channels; 0 when there is no such part or it cannot be built. */
static guint
add_part (Filler *filler, const cJSON *architecture, const char *part, const char *prefix, guint in)
{
  Part *built = arch_build_part (architecture, part, prefix, in, "architecture", NULL);
  guint out = 0;

  if (built == NULL)
    return 0;
  for (guint s = 0; s < built->n_stages; s++) {
    for (guint b = 0; b < built->stages[s].n_blocks; b++)
      arch_block_foreach (&built->stages[s].blocks[b], add_layer, filler);
    out = built->stages[s].out;
  }
  arch_part_free (built);
  return out;
}

static void
fill_classifier (Filler *filler, const cJSON *description)
{
  const cJSON *head = cJSON_GetObjectItem (description, "head");
  const guint out = add_part (filler, cJSON_GetObjectItem (description, "architecture"), "trunk",
      "backbone.stages.xif{S}_{B}", 3);

  add_plain (filler, "head.conv", out,
      (guint) cJSON_GetNumberValue (cJSON_GetObjectItem (head, "n_classes")));
}

static void
fill_detector (Filler *filler, const cJSON *description)
{
  const cJSON *architecture = cJSON_GetObjectItem (description, "architecture");
  const cJSON *sizes =
      cJSON_GetArrayItem (cJSON_GetObjectItem (cJSON_GetObjectItem (description, "anchors"),
                              "sizes"),
          0);
  const cJSON *ratios =
      cJSON_GetArrayItem (cJSON_GetObjectItem (cJSON_GetObjectItem (description, "anchors"),
                              "aspect_ratios"),
          0);
  const guint n_anchors = cJSON_GetArraySize (sizes) * cJSON_GetArraySize (ratios);
  const guint n_classes = (guint) cJSON_GetNumberValue (
      cJSON_GetObjectItem (cJSON_GetObjectItem (description, "roi_heads"), "n_classes"));
  const guint feature =
      add_part (filler, architecture, "trunk", "backbone.body.trunk{S}.fbnetv2_{S}_{B}", 3);
  if (feature == 0)
    return; /* the engine says why */
  const guint rpn = add_part (filler, architecture, "rpn",
      "proposal_generator.rpn_head.rpn_feature.0.fbnetv2_{S}_{B}", feature);
  const guint box = add_part (filler, architecture, "bbox",
      "roi_heads.box_head.roi_box_conv.0.fbnetv2_{S}_{B}", feature);
  const guint mask = add_part (filler, architecture, "mask",
      "roi_heads.mask_head.feature_extractor.0.fbnetv2_{S}_{B}", feature);

  add_plain (filler, "proposal_generator.rpn_head.rpn_regressor.cls_logits", rpn, n_anchors);
  add_plain (filler, "proposal_generator.rpn_head.rpn_regressor.bbox_pred", rpn, 4 * n_anchors);
  add_plain (filler, "roi_heads.box_predictor.cls_score", box, n_classes + 1);
  add_plain (filler, "roi_heads.box_predictor.bbox_pred", box, 4 * n_classes);
  if (mask > 0)
    add_plain (filler, "roi_heads.mask_head.predictor.mask_fcn_logits", mask, n_classes);
}

FbnetModel *
random_model_new (const char *description, guint32 seed, GError **error)
{
  cJSON *tree = json_parse_object (description, strlen (description), "description", error);

  if (tree == NULL)
    return NULL;
  g_autoptr (TensorList) list = tensor_list_new ();
  Filler filler = { list, g_rand_new_with_seed (seed) };
  const char *task = cJSON_GetStringValue (cJSON_GetObjectItem (tree, "task"));
  (g_strcmp0 (task, "classification") == 0 ? fill_classifier : fill_detector) (&filler, tree);
  g_rand_free (filler.random);
  cJSON_Delete (tree);

  g_autofree char *path = NULL;
  const int file = g_file_open_tmp ("random-XXXXXX.safetensors", &path, error);
  FbnetModel *model = NULL;
  if (file < 0)
    return NULL;
  g_close (file, NULL);
  if (tensor_list_write (list, path, description, error))
    model = fbnet_model_load (path, error);
  g_unlink (path);
  return model;
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
