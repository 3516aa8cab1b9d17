/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a model consists of. Names of tensors: SPEC of the state_dict in
 * docs/architecture.md; where strides and up-sampling act: mobile_cv arch/fbnet_v2/irf_block.py.
 */
#include "layertable.h"

#include <string.h>

#define MAX_LEVELS 8

typedef struct {
  guint height, width;
} Size;

/* The feature maps that a block runs on: one, or one per level for the FPN's shared RPN head. */
typedef struct {
  guint n;
  Size sizes[MAX_LEVELS];
} Maps;

typedef struct {
  const FbnetModel *model;
  const cJSON *description;
  GHashTable *tensors; /* name → index + 1 */
  LayerTable *table;
} Builder;

/* --- Tensors and fields ----------------------------------------------------------------------- */

guint64
tensor_count (const FbnetTensorView *view)
{
  guint64 count = 1;
  for (guint i = 0; i < view->n_dims; i++)
    count *= view->shape[i];
  return count;
}

static GHashTable *
index_tensors (const FbnetModel *model)
{
  GHashTable *tensors = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < fbnet_model_get_n_tensors (model); i++) {
    FbnetTensorView view;
    fbnet_model_get_tensor (model, i, &view);
    g_hash_table_insert (tensors, (gpointer) view.name, GUINT_TO_POINTER (i + 1));
  }
  return tensors;
}

static gboolean
find_weight (const Builder *builder, const char *block, const char *layer, FbnetTensorView *view)
{
  g_autofree char *name = g_strconcat (block, layer, ".weight", NULL);
  const guint found = GPOINTER_TO_UINT (g_hash_table_lookup (builder->tensors, name));
  if (found)
    fbnet_model_get_tensor (builder->model, found - 1, view);
  return found != 0;
}

static gboolean
is_statistic (const char *name)
{
  return g_str_has_suffix (name, ".running_mean") || g_str_has_suffix (name, ".running_var")
      || g_str_has_suffix (name, ".num_batches_tracked");
}

static guint64
count_parameters (const Builder *builder, const char *block)
{
  g_autofree char *prefix = g_strconcat (block, ".", NULL);
  guint64 count = 0;
  for (guint i = 0; i < fbnet_model_get_n_tensors (builder->model); i++) {
    FbnetTensorView view;
    fbnet_model_get_tensor (builder->model, i, &view);
    if (g_str_has_prefix (view.name, prefix) && !is_statistic (view.name))
      count += tensor_count (&view);
  }
  return count;
}

static const cJSON *
get_field (const Builder *builder, const char *object, const char *field)
{
  const cJSON *parent = cJSON_GetObjectItemCaseSensitive (builder->description, object);
  return cJSON_GetObjectItemCaseSensitive (parent, field);
}

static guint
get_count (const Builder *builder, const char *object, const char *field)
{
  const cJSON *value = get_field (builder, object, field);
  return cJSON_IsNumber (value) && value->valuedouble > 0 ? (guint) value->valuedouble : 0;
}

/* --- One block -------------------------------------------------------------------------------- */

static guint
convolved_length (guint length, guint kernel, guint pad, guint stride)
{
  return length + 2 * pad < kernel ? 0 : (length + 2 * pad - kernel) / stride + 1;
}

/* A layer of the block, if it has it. pad < 0: half the kernel. */
static void
add_layer (const Builder *builder, LayerRow *row, Maps *maps, const char *layer, guint stride,
    gint pad)
{
  FbnetTensorView weight;
  if (!find_weight (builder, row->name, layer, &weight))
    return;
  const guint kernel = weight.n_dims == 4 ? (guint) weight.shape[2] : 1;
  const guint around = pad >= 0 ? (guint) pad : kernel / 2;
  for (guint i = 0; i < maps->n; i++) {
    Size *size = &maps->sizes[i];
    size->height = convolved_length (size->height, kernel, around, stride);
    size->width = convolved_length (size->width, kernel, around, stride);
    row->multiply_adds += tensor_count (&weight) * size->height * size->width;
  }
  row->channels = (guint) weight.shape[0];
}

/* Squeeze and excite work on the mean of each map. */
static void
add_squeeze (const Builder *builder, LayerRow *row, const Maps *maps)
{
  Maps pooled = { .n = maps->n };
  for (guint i = 0; i < pooled.n; i++)
    pooled.sizes[i] = (Size){ 1, 1 };
  add_layer (builder, row, &pooled, ".se.se.0.conv", 1, -1);
  add_layer (builder, row, &pooled, ".se.se.1", 1, -1);
}

static void
upsample (Maps *maps, guint factor)
{
  for (guint i = 0; i < maps->n; i++) {
    maps->sizes[i].height *= factor;
    maps->sizes[i].width *= factor;
  }
}

static void
add_irf_layers (const Builder *builder, LayerRow *row, Maps *maps, gint stride, gint pad)
{
  add_layer (builder, row, maps, ".pw.conv", 1, 0);
  if (stride < 0)
    upsample (maps, (guint) -stride);
  add_layer (builder, row, maps, ".dw.conv", (guint) MAX (stride, 1), pad);
  add_squeeze (builder, row, maps);
  for (guint i = 0; i < maps->n && strstr (row->op, "ir_pool"); i++)
    maps->sizes[i] = (Size){ 1, 1 };
  add_layer (builder, row, maps, ".pwl.conv", 1, 0);
}

static void
add_conv_layers (const Builder *builder, LayerRow *row, Maps *maps, gint stride, gint pad)
{
  add_layer (builder, row, maps, ".conv", (guint) MAX (stride, 1), pad);
  add_layer (builder, row, maps, ".conv.conv", (guint) MAX (stride, 1), pad); /* of a `skip` */
  if (stride < 0)
    upsample (maps, (guint) -stride);
}

static LayerRow
row_new (const char *name, const char *op, guint runs)
{
  return (LayerRow){ .name = g_strdup (name), .op = g_strdup (op), .runs = runs };
}

/* Takes the row; one without a layer is dropped. */
static void
add_row (Builder *builder, LayerRow *row, const Maps *maps)
{
  if (row->channels == 0) {
    g_free (row->name);
    g_free (row->op);
    return;
  }
  row->height = maps->sizes[0].height;
  row->width = maps->sizes[0].width;
  row->parameters = count_parameters (builder, row->name);
  builder->table->multiply_adds += row->multiply_adds * row->runs;
  g_array_append_val (builder->table->rows, *row);
}

/* --- Parts ------------------------------------------------------------------------------------ */

/* The padding that an argument object asks for: a number, or one per direction; else as it was. */
static gint
read_padding (const cJSON *arguments, gint pad)
{
  const cJSON *value = cJSON_GetObjectItemCaseSensitive (arguments, "padding");
  if (cJSON_IsArray (value))
    value = value->child;
  return cJSON_IsNumber (value) ? value->valueint : pad;
}

static gint
block_padding (const cJSON *tuple)
{
  gint pad = -1;
  const cJSON *item;
  cJSON_ArrayForEach (item, tuple)
  {
    pad = read_padding (item, pad);
    pad = read_padding (cJSON_GetObjectItemCaseSensitive (item, "dw_args"), pad);
  }
  return pad;
}

static gint
tuple_number (const cJSON *tuple, int index)
{
  const cJSON *item = cJSON_GetArrayItem (tuple, index);
  return cJSON_IsNumber (item) ? item->valueint : 1;
}

/* One stage of a part; maps become its output's. */
static void
add_stage (Builder *builder, const cJSON *stage, const char *prefix, Maps *maps, guint runs)
{
  guint index = 0;
  const cJSON *tuple;
  cJSON_ArrayForEach (tuple, stage)
  {
    const char *op = cJSON_GetStringValue (cJSON_GetArrayItem (tuple, 0));
    const gint repeat = tuple_number (tuple, 3);
    for (gint i = 0; op && i < repeat; i++) {
      g_autofree char *name = g_strdup_printf ("%s%u", prefix, index++);
      const gint stride = i == 0 ? tuple_number (tuple, 2) : 1;
      LayerRow row = row_new (name, op, runs);
      if (g_str_has_prefix (op, "ir_"))
        add_irf_layers (builder, &row, maps, stride, block_padding (tuple));
      else
        add_conv_layers (builder, &row, maps, stride, block_padding (tuple));
      add_row (builder, &row, maps);
    }
  }
}

static void
add_part (Builder *builder, const char *part, const char *prefix, Maps *maps, guint runs)
{
  const cJSON *stages = get_field (builder, "architecture", part);
  add_stage (builder, cJSON_GetArrayItem (stages, 0), prefix, maps, runs);
}

/* A layer outside the block lists. */
static void
add_lone (Builder *builder, const char *name, const char *op, const Maps *maps, guint runs)
{
  Maps output = *maps;
  LayerRow row = row_new (name, op, runs);
  add_layer (builder, &row, &output, "", 1, -1);
  add_row (builder, &row, &output);
}

static gboolean
is_classifier (const Builder *builder)
{
  return fbnet_model_get_task (builder->model) == FBNET_TASK_CLASSIFICATION;
}

/* What the names of a trunk stage's blocks begin with. */
static char *
stage_prefix (const Builder *builder, guint stage)
{
  const char *prefix = cJSON_GetStringValue (get_field (builder, "backbone", "prefix"));
  if (is_classifier (builder))
    return g_strdup_printf ("%s.xif%u_", prefix ? prefix : "", stage);
  return g_strdup_printf ("%s.trunk%u.fbnetv2_%u_", prefix ? prefix : "", stage, stage);
}

/* The trunk; features[i] becomes what stage i gives. */
static void
add_trunk (Builder *builder, Maps *features)
{
  Maps maps = { 1, { { builder->table->input_height, builder->table->input_width } } };
  guint index = 0;
  const cJSON *stage;
  cJSON_ArrayForEach (stage, get_field (builder, "architecture", "trunk"))
  {
    g_autofree char *prefix = stage_prefix (builder, index);
    add_stage (builder, stage, prefix, &maps, 1);
    if (index < MAX_LEVELS)
      features[index] = maps;
    index++;
  }
}

/* detectron2 modeling/backbone/fpn.py: level n has stride 2^n, and reads trunk stage n - 1. */
static void
add_fpn (Builder *builder, const Maps *features)
{
  for (guint level = 1; level <= MAX_LEVELS; level++) {
    g_autofree char *lateral = g_strdup_printf ("backbone.fpn_lateral%u", level);
    g_autofree char *output = g_strdup_printf ("backbone.fpn_output%u", level);
    if (features[level - 1].n == 0)
      continue;
    add_lone (builder, lateral, "conv", &features[level - 1], 1);
    add_lone (builder, output, "conv", &features[level - 1], 1);
  }
}

/* "trunk3" is stage 3; "p4" has its size too; "p6", one level past the trunk's last, is every second
 * pixel of "p5". FALSE: no such feature. */
static gboolean
feature_size (const Maps *features, const char *name, Size *size)
{
  guint index;
  if (g_str_has_prefix (name, "trunk"))
    index = (guint) g_ascii_strtoull (name + strlen ("trunk"), NULL, 10);
  else if (name[0] == 'p' && name[1] >= '1' && name[1] <= '9')
    index = (guint) (name[1] - '1');
  else
    return FALSE;
  if (index < MAX_LEVELS && features[index].n > 0) {
    *size = features[index].sizes[0];
    return TRUE;
  }
  if (index < 1 || index > MAX_LEVELS || features[index - 1].n == 0)
    return FALSE;
  const Size below = features[index - 1].sizes[0];
  *size = (Size){ (below.height + 1) / 2, (below.width + 1) / 2 };
  return TRUE;
}

static void
add_rpn (Builder *builder, const Maps *features)
{
  Maps maps = { 0 };
  const cJSON *name;
  cJSON_ArrayForEach (name, get_field (builder, "rpn", "in_features"))
  {
    const char *text = cJSON_GetStringValue (name);
    if (text && maps.n < MAX_LEVELS && feature_size (features, text, &maps.sizes[maps.n]))
      maps.n++;
  }
  add_part (builder, "rpn", "proposal_generator.rpn_head.rpn_feature.0.fbnetv2_0_", &maps, 1);
  add_lone (builder, "proposal_generator.rpn_head.rpn_regressor.cls_logits", "conv", &maps, 1);
  add_lone (builder, "proposal_generator.rpn_head.rpn_regressor.bbox_pred", "conv", &maps, 1);
}

static Maps
pooled_maps (guint side)
{
  return (Maps){ 1, { { side, side } } };
}

static void
add_box_head (Builder *builder)
{
  const guint runs = get_count (builder, "rpn", "post_nms_count");
  const Maps one = pooled_maps (1);
  Maps maps = pooled_maps (get_count (builder, "box_head", "pooler_resolution"));
  add_part (builder, "bbox", "roi_heads.box_head.roi_box_conv.0.fbnetv2_0_", &maps, runs);
  add_lone (builder, "roi_heads.box_predictor.cls_score", "linear", &one, runs);
  add_lone (builder, "roi_heads.box_predictor.bbox_pred", "linear", &one, runs);
}

static void
add_mask_head (Builder *builder)
{
  if (!fbnet_model_has_masks (builder->model))
    return;
  const guint runs = get_count (builder, "roi_heads", "max_detections");
  Maps maps = pooled_maps (get_count (builder, "mask_head", "pooler_resolution"));
  add_part (builder, "mask", "roi_heads.mask_head.feature_extractor.0.fbnetv2_0_", &maps, runs);
  add_lone (builder, "roi_heads.mask_head.predictor.mask_fcn_logits", "conv", &maps, runs);
}

/* A 4×4 transposed convolution of stride 2: every pixel it reads meets every weight. */
static void
add_transposed_layer (const Builder *builder, LayerRow *row, Maps *maps)
{
  FbnetTensorView weight;
  if (!find_weight (builder, row->name, "", &weight) || weight.n_dims != 4)
    return;
  row->multiply_adds += tensor_count (&weight) * maps->sizes[0].height * maps->sizes[0].width;
  row->channels = (guint) weight.shape[1];
  upsample (maps, 2);
}

/* The predictors of d2go modeling/backbone/modules.py, which double the map's side. */
static void
add_keypoint_predictor (Builder *builder, Maps *maps, guint runs)
{
  const char *type = cJSON_GetStringValue (get_field (builder, "keypoint_head", "type"));
  LayerRow row =
      row_new ("roi_heads.keypoint_head.predictor.kps_score_lowres", type ? type : "", runs);
  if (g_strcmp0 (type, "irf") == 0)
    add_irf_layers (builder, &row, maps, -2, -1);
  else if (g_strcmp0 (type, "conv_upsample") == 0) {
    upsample (maps, 2);
    add_layer (builder, &row, maps, "", 1, -1);
  } else
    add_transposed_layer (builder, &row, maps);
  add_row (builder, &row, maps);
}

static void
add_keypoint_head (Builder *builder)
{
  if (fbnet_model_get_n_keypoints (builder->model) == 0)
    return;
  const guint runs = get_count (builder, "roi_heads", "max_detections");
  Maps maps = pooled_maps (get_count (builder, "keypoint_head", "pooler_resolution"));
  add_part (builder, "kpts", "roi_heads.keypoint_head.feature_extractor.0.fbnetv2_0_", &maps, runs);
  add_keypoint_predictor (builder, &maps, runs);
}

/* --- The table -------------------------------------------------------------------------------- */

static guint
round_up (guint value, guint multiple)
{
  return multiple > 1 ? (value + multiple - 1) / multiple * multiple : value;
}

static void
clear_row (gpointer data)
{
  LayerRow *row = data;
  g_free (row->name);
  g_free (row->op);
}

static void
add_detector (Builder *builder)
{
  const guint multiple = get_count (builder, "input", "size_divisibility");
  builder->table->input_height = round_up (get_count (builder, "input", "min_size"), multiple);
  builder->table->input_width = round_up (get_count (builder, "input", "max_size"), multiple);
  Maps features[MAX_LEVELS] = { 0 };
  add_trunk (builder, features);
  add_fpn (builder, features);
  add_rpn (builder, features);
  add_box_head (builder);
  add_mask_head (builder);
  add_keypoint_head (builder);
}

/* mobile_cv model_zoo/models/fbnet_v2.py: a 1×1 convolution on the mean of the last map. */
static void
add_classifier (Builder *builder)
{
  const Maps pooled = pooled_maps (1);
  Maps features[MAX_LEVELS] = { 0 };
  builder->table->input_height = builder->table->input_width = get_count (builder, "input", "crop");
  add_trunk (builder, features);
  add_lone (builder, "head.conv", "conv", &pooled, 1);
}

LayerTable *
layer_table_new (const FbnetModel *model, const cJSON *description)
{
  LayerTable *table = g_new0 (LayerTable, 1);
  Builder builder = { model, description, index_tensors (model), table };
  table->rows = g_array_new (FALSE, FALSE, sizeof (LayerRow));
  g_array_set_clear_func (table->rows, clear_row);
  if (is_classifier (&builder))
    add_classifier (&builder);
  else
    add_detector (&builder);
  g_hash_table_unref (builder.tensors);
  return table;
}

void
layer_table_free (LayerTable *table)
{
  if (!table)
    return;
  g_array_unref (table->rows);
  g_free (table);
}
