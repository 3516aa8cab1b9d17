/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loading a model: container, description, layers, and whether every tensor that the layers need is
 * there. After that nothing about a model can fail but memory.
 */
#include "model.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* --- Tensors of a layer ----------------------------------------------------------------------- */

static gboolean
has_shape (const FbnetTensorView *view, guint n_dims, const gsize *shape)
{
  return view->n_dims == n_dims && memcmp (view->shape, shape, n_dims * sizeof *shape) == 0;
}

static char *
shape_text (guint n_dims, const gsize *shape)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < n_dims; i++)
    g_string_append_printf (text, "%s%" G_GSIZE_FORMAT, i > 0 ? ", " : "", shape[i]);
  return g_string_free (g_string_append (text, "]"), FALSE);
}

typedef struct {
  FbnetModel *model;
  GString *problems; /* all of them, a line each */
  guint n_problems;
} Checker;

#define MAX_PROBLEMS 20

static void add_problem (Checker *checker, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
add_problem (Checker *checker, const char *format, ...)
{
  va_list args;

  if (checker->n_problems++ >= MAX_PROBLEMS)
    return;
  if (checker->problems->len > 0)
    g_string_append (checker->problems, "; ");
  va_start (args, format);
  g_string_append_vprintf (checker->problems, format, args);
  va_end (args);
}

static void
check_values (Checker *checker, const FbnetTensorView *view, gboolean not_negative)
{
  const gsize n = view->n_bytes / fbnet_dtype_size (view->dtype);

  for (gsize i = 0; i < n; i++) {
    const float value = tensor_element (view, i);
    if (!isfinite (value) || (not_negative && value < 0)) {
      add_problem (checker,
          "tensor \"%s\": expected %s numbers, found %g at element %" G_GSIZE_FORMAT, view->name,
          not_negative ? "finite, not negative" : "finite", value, i);
      return;
    }
  }
}

static gboolean
check_type (Checker *checker, const FbnetTensorView *view, gboolean int8)
{
  const gboolean good = int8 ? view->dtype == FBNET_DTYPE_I8
                             : view->dtype == FBNET_DTYPE_F32 || view->dtype == FBNET_DTYPE_F16;

  if (!good)
    add_problem (checker, "tensor \"%s\": expected type %s, found %s", view->name,
        int8 ? "I8" : "F32 or F16", fbnet_dtype_name (view->dtype));
  return good;
}

/* A shape of the tensor may also be written as the linear layer's, without the last two ones. The
 * tensor, or NULL when it was a problem. */
static const FbnetTensorView *
check_tensor (Checker *checker, const char *prefix, const char *field, gboolean int8, guint n_dims,
    const gsize *shape)
{
  g_autofree char *name = g_strconcat (prefix, ".", field, NULL);
  g_autofree char *expected = shape_text (n_dims, shape);
  const FbnetTensorView *view = safetensors_find (checker->model->file, name);

  if (view == NULL) {
    add_problem (checker, "tensor \"%s\": expected shape %s, found no such tensor", name, expected);
    return NULL;
  }
  if (!check_type (checker, view, int8))
    return NULL;
  const gboolean linear =
      n_dims == 4 && shape[2] == 1 && shape[3] == 1 && has_shape (view, 2, shape);
  if (!linear && !has_shape (view, n_dims, shape)) {
    g_autofree char *found = shape_text (view->n_dims, view->shape);
    add_problem (checker, "tensor \"%s\": expected shape %s, found %s", name, expected, found);
    return NULL;
  }
  if (!int8)
    check_values (checker, view, g_str_equal (field, "running_var"));
  return view;
}

/* Half precision could not hold the smallest scales. */
static void
check_scales (Checker *checker, const ConvLayer *layer)
{
  const gsize per_channel[] = { layer->out };
  const FbnetTensorView *view =
      check_tensor (checker, layer->conv_name, "weight_scale", FALSE, 1, per_channel);

  if (view == NULL)
    return;
  if (view->dtype != FBNET_DTYPE_F32) {
    add_problem (checker, "tensor \"%s\": expected type F32, found %s", view->name,
        fbnet_dtype_name (view->dtype));
    return;
  }
  for (guint c = 0; c < layer->out; c++) {
    const float scale = tensor_element (view, c);
    if (!(scale >= QUANT_MIN_SCALE && scale <= QUANT_MAX_SCALE)) {
      add_problem (checker, "tensor \"%s\": expected scales from %g to %g, found %g at element %u",
          view->name, QUANT_MIN_SCALE, QUANT_MAX_SCALE, scale, c);
      return;
    }
  }
}

/* What was folded into the weights is written with mean 0 and the variance that changes nothing. */
static gboolean
has_statistics (const FbnetTensorView *mean, const FbnetTensorView *var, guint channels)
{
  for (guint c = 0; c < channels; c++) {
    if (tensor_element (mean, c) != 0
        || fabs (tensor_element (var, c) - (1 - NORM_EPSILON)) > 0.1 * NORM_EPSILON)
      return TRUE;
  }
  return FALSE;
}

static void
check_statistics (Checker *checker, const ConvLayer *layer)
{
  const gsize per_channel[] = { layer->out };
  const FbnetTensorView *mean =
      check_tensor (checker, layer->norm_name, "running_mean", FALSE, 1, per_channel);
  const FbnetTensorView *var =
      check_tensor (checker, layer->norm_name, "running_var", FALSE, 1, per_channel);

  if (mean != NULL && var != NULL)
    checker->model->has_norm_statistics |= has_statistics (mean, var, layer->out);
}

static void
check_layer (const ConvLayer *layer, gpointer data)
{
  Checker *checker = data;
  const gsize fan_in = layer->in / layer->groups;
  const gsize weight[] = { layer->transposed ? fan_in : layer->out,
    layer->transposed ? layer->out : fan_in, layer->kernel, layer->kernel };
  const gsize per_channel[] = { layer->out };

  check_tensor (checker, layer->conv_name, "weight", layer->quantized, 4, weight);
  if (layer->quantized)
    check_scales (checker, layer);
  checker->model->n_parameters +=
      (guint64) weight[0] * weight[1] * weight[2] * weight[3] + (layer->bias ? layer->out : 0);
  if (layer->bias)
    check_tensor (checker, layer->conv_name, "bias", FALSE, 1, per_channel);
  if (layer->norm.kind == NORM_NONE)
    return;
  check_tensor (checker, layer->norm_name, "weight", FALSE, 1, per_channel);
  check_tensor (checker, layer->norm_name, "bias", FALSE, 1, per_channel);
  checker->model->n_parameters += layer->norm.kind == NORM_FROZEN ? 0 : 2 * (guint64) layer->out;
  if (layer->norm.kind == NORM_BATCH)
    check_statistics (checker, layer);
}

static void
part_foreach (const Part *part, ConvLayerFunc func, gpointer data)
{
  for (guint s = 0; part != NULL && s < part->n_stages; s++) {
    for (guint b = 0; b < part->stages[s].n_blocks; b++)
      arch_block_foreach (&part->stages[s].blocks[b], func, data);
  }
}

void
model_foreach_layer (const FbnetModel *model, ConvLayerFunc func, gpointer data)
{
  const ConvLayer *const lone[] = { &model->rpn_logits, &model->rpn_deltas, &model->cls_score,
    &model->bbox_pred, &model->mask_logits, &model->keypoint_logits, &model->class_logits };

  part_foreach (model->trunk, func, data);
  for (guint i = 0; i < model->description->n_fpn_stages; i++) {
    func (&model->fpn_lateral[i], data);
    func (&model->fpn_output[i], data);
  }
  part_foreach (model->rpn, func, data);
  part_foreach (model->box, func, data);
  part_foreach (model->mask, func, data);
  part_foreach (model->keypoints, func, data);
  part_foreach (model->keypoint_block, func, data);
  for (guint i = 0; i < G_N_ELEMENTS (lone); i++) {
    if (lone[i]->out != 0)
      func (lone[i], data);
  }
}

static gboolean
check_tensors (FbnetModel *model, GError **error)
{
  Checker checker = { model, g_string_new (NULL), 0 };

  model_foreach_layer (model, check_layer, &checker);
  if (checker.n_problems > MAX_PROBLEMS)
    g_string_append_printf (checker.problems, "; and %u more", checker.n_problems - MAX_PROBLEMS);
  if (checker.n_problems > 0)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: %s", model->path,
        checker.problems->str);
  g_string_free (checker.problems, TRUE);
  return checker.n_problems == 0;
}

static const FbnetTensorView *
find_tensor (const FbnetModel *model, const char *prefix, const char *field)
{
  g_autofree char *name = g_strconcat (prefix, ".", field, NULL);

  return safetensors_find (model->file, name);
}

/* int8 weights times their channel's scale, as torch.dequantize does it. */
static void
dequantize_weights (const FbnetModel *model, const ConvLayer *layer, float *weights, gsize n)
{
  const gsize per_channel = n / layer->out;
  const float *scale = find_tensor (model, layer->conv_name, "weight_scale")->data;

  for (gsize i = 0; i < n; i++)
    weights[i] *= scale[i / per_channel];
}

float *
model_read_floats (const FbnetModel *model, const ConvLayer *layer, gboolean norm,
    const char *field)
{
  const FbnetTensorView *view =
      find_tensor (model, norm ? layer->norm_name : layer->conv_name, field);
  const gsize n = view->n_bytes / fbnet_dtype_size (view->dtype);
  float *floats = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    floats[i] = tensor_element (view, i);
  if (view->dtype == FBNET_DTYPE_I8)
    dequantize_weights (model, layer, floats, n);
  return floats;
}

const gint8 *
model_get_int8_weights (const FbnetModel *model, const ConvLayer *layer, const float **scales)
{
  *scales = find_tensor (model, layer->conv_name, "weight_scale")->data;
  return find_tensor (model, layer->conv_name, "weight")->data;
}

/* --- Layers ----------------------------------------------------------------------------------- */

#define RPN_HEAD "proposal_generator.rpn_head."

static gboolean
build_masks (FbnetModel *model, guint in, GError **error)
{
  const Description *d = model->description;

  if (!d->has_masks)
    return TRUE;
  model->mask = arch_build_part (d->architecture, "mask",
      "roi_heads.mask_head.feature_extractor.0.fbnetv2_{S}_{B}", in, "architecture", error);
  if (model->mask == NULL)
    return FALSE;
  model->mask_logits = arch_plain_conv ("roi_heads.mask_head.predictor.mask_fcn_logits",
      model->mask->stages[0].out, d->class_agnostic_masks ? 1 : d->n_classes, 1, TRUE);
  return TRUE;
}

#define KEYPOINT_HEAD   "roi_heads.keypoint_head."
#define KEYPOINT_LOGITS KEYPOINT_HEAD "predictor.kps_score_lowres"

/* d2go modeling/backbone/modules.py KeypointRCNNIRFPredictorNoUpscale: its arguments are not in the
 * architecture but fixed. */
static Part *
build_keypoint_block (guint in, guint n_keypoints, GError **error)
{
  g_autofree char *text =
      g_strdup_printf ("{\"width_divisor\": 8, \"norm\": {\"name\": \"none\"}, \"predictor\": "
                       "[[[\"ir_k3\", %u, -2, 1, {\"expansion\": 3, \"dw_skip_bnrelu\": true}]]]}",
          n_keypoints);
  cJSON *architecture = cJSON_Parse (text);
  Part *part =
      arch_build_part (architecture, "predictor", KEYPOINT_LOGITS, in, "keypoint_head", error);

  cJSON_Delete (architecture);
  return part;
}

static gboolean
build_keypoints (FbnetModel *model, guint in, GError **error)
{
  const Description *d = model->description;

  if (d->n_keypoints == 0)
    return TRUE;
  model->keypoints = arch_build_part (d->architecture, "kpts",
      KEYPOINT_HEAD "feature_extractor.0.fbnetv2_{S}_{B}", in, "architecture", error);
  if (model->keypoints == NULL)
    return FALSE;
  const guint out = model->keypoints->stages[0].out;
  if (d->keypoint_predictor == KEYPOINTS_IRF) {
    model->keypoint_block = build_keypoint_block (out, d->n_keypoints, error);
    return model->keypoint_block != NULL;
  }
  const gboolean deconv = d->keypoint_predictor != KEYPOINTS_CONV_UPSAMPLE;
  model->keypoint_logits =
      arch_plain_conv (KEYPOINT_LOGITS, out, d->n_keypoints, deconv ? 4 : 3, TRUE);
  model->keypoint_logits.transposed = deconv;
  return TRUE;
}

static gboolean
build_heads (FbnetModel *model, GError **error)
{
  const Description *d = model->description;
  const guint rpn_in = model_feature_channels (model, d->rpn_features[0]);
  const guint roi_in = model_feature_channels (model, d->roi_features[0]);
  const guint n_cells = d->anchors[0].n_cells;

  model->rpn = arch_build_part (d->architecture, "rpn", RPN_HEAD "rpn_feature.0.fbnetv2_{S}_{B}",
      rpn_in, "architecture", error);
  if (model->rpn == NULL)
    return FALSE;
  model->box = arch_build_part (d->architecture, "bbox",
      "roi_heads.box_head.roi_box_conv.0.fbnetv2_{S}_{B}", roi_in, "architecture", error);
  if (model->box == NULL)
    return FALSE;
  const guint rpn_out = model->rpn->stages[0].out;
  const guint box_out = model->box->stages[0].out;
  model->rpn_logits =
      arch_plain_conv (RPN_HEAD "rpn_regressor.cls_logits", rpn_out, n_cells, 1, TRUE);
  model->rpn_deltas =
      arch_plain_conv (RPN_HEAD "rpn_regressor.bbox_pred", rpn_out, 4 * n_cells, 1, TRUE);
  model->cls_score =
      arch_plain_conv ("roi_heads.box_predictor.cls_score", box_out, d->n_classes + 1, 1, TRUE);
  model->bbox_pred = arch_plain_conv ("roi_heads.box_predictor.bbox_pred", box_out,
      4 * (d->class_agnostic_boxes ? 1 : d->n_classes), 1, TRUE);
  return build_masks (model, roi_in, error) && build_keypoints (model, roi_in, error);
}
static gboolean
check_stage_count (const Part *part, const char *name, guint max, GError **error)
{
  if (part == NULL || part->n_stages <= max)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
      "architecture.%s: expected at most %u stages, found %u", name, max, part->n_stages);
  return FALSE;
}

static guint
n_features (const FbnetModel *model)
{
  return model->description->has_fpn ? model->description->n_fpn_stages + 1
                                     : model->trunk->n_stages;
}

static gboolean
check_features (const FbnetModel *model, const char *where, const guint *features, guint n,
    GError **error)
{
  for (guint i = 0; i < n; i++) {
    if (features[i] >= n_features (model)) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "%s.in_features: expected features of a backbone that has %u, found number %u", where,
          n_features (model), features[i]);
      return FALSE;
    }
    if (model_feature_channels (model, features[i])
        != model_feature_channels (model, features[0])) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "%s.in_features: expected features of equal channels, as one head reads them all, found "
          "%u and %u",
          where, model_feature_channels (model, features[0]),
          model_feature_channels (model, features[i]));
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check_anchors (const Description *d, GError **error)
{
  for (guint level = 1; level < d->n_levels; level++) {
    if (d->anchors[level].n_cells != d->anchors[0].n_cells) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "anchors: expected as many in every level, found %u in the first and %u in level %u",
          d->anchors[0].n_cells, d->anchors[level].n_cells, level);
      return FALSE;
    }
  }
  return TRUE;
}

/* A level of the pyramid is named after the logarithm of its stride, and the ROI pooler reckons with
 * strides that double. */
static gboolean
check_fpn_strides (const FbnetModel *model, GError **error)
{
  const Description *d = model->description;

  for (guint i = 0; d->has_fpn && i < d->n_fpn_stages; i++) {
    const guint stage = d->fpn_first_stage + i;
    const guint expected = 1u << (d->fpn_first_level + i);
    if (stage >= model->trunk->n_stages || model_feature_stride (model, i) != expected) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "backbone.fpn: expected trunk%u of stride %u under level p%u, found %s", stage, expected,
          d->fpn_first_level + i,
          stage >= model->trunk->n_stages ? "no such stage" : "another stride");
      return FALSE;
    }
  }
  return TRUE;
}

static ConvLayer
fpn_conv (const FbnetModel *model, const char *kind, guint i, guint in, guint kernel)
{
  const Description *d = model->description;
  g_autofree char *name = g_strdup_printf ("backbone.fpn_%s%u", kind, d->fpn_first_level + i);
  ConvLayer layer =
      arch_plain_conv (name, in, d->fpn_channels, kernel, d->fpn_norm.kind == NORM_NONE);

  layer.norm = d->fpn_norm;
  if (layer.norm.kind != NORM_NONE)
    layer.norm_name = g_strconcat (name, ".norm", NULL);
  return layer;
}

static void
build_fpn (FbnetModel *model)
{
  const Description *d = model->description;

  for (guint i = 0; d->has_fpn && i < d->n_fpn_stages; i++) {
    const guint in = model->trunk->stages[d->fpn_first_stage + i].out;
    model->fpn_lateral[i] = fpn_conv (model, "lateral", i, in, 1);
    model->fpn_output[i] = fpn_conv (model, "output", i, d->fpn_channels, 3);
  }
}

static gboolean
build_detector (FbnetModel *model, GError **error)
{
  const Description *d = model->description;
  g_autofree char *prefix = g_strconcat (d->trunk_prefix, ".trunk{S}.fbnetv2_{S}_{B}", NULL);

  model->trunk = arch_build_part (d->architecture, "trunk", prefix, 3, "architecture", error);
  if (model->trunk == NULL || !check_stage_count (model->trunk, "trunk", MAX_LEVELS, error)
      || !check_fpn_strides (model, error)
      || !check_features (model, "rpn", d->rpn_features, d->n_levels, error)
      || !check_features (model, "roi_heads", d->roi_features, d->n_roi_levels, error)
      || !check_anchors (d, error))
    return FALSE;
  build_fpn (model);
  return build_heads (model, error) && check_stage_count (model->rpn, "rpn", 1, error)
      && check_stage_count (model->box, "bbox", 1, error)
      && check_stage_count (model->mask, "mask", 1, error)
      && check_stage_count (model->keypoints, "kpts", 1, error);
}

static gboolean
build_classifier (FbnetModel *model, GError **error)
{
  const Description *d = model->description;
  g_autofree char *prefix = g_strconcat (d->trunk_prefix, ".xif{S}_{B}", NULL);

  model->trunk = arch_build_part (d->architecture, "trunk", prefix, 3, "architecture", error);
  if (model->trunk == NULL)
    return FALSE;
  const guint out = model->trunk->stages[model->trunk->n_stages - 1].out;
  model->class_logits = arch_plain_conv ("head.conv", out, d->n_classes, 1, TRUE);
  return TRUE;
}

static gboolean
build_layers (FbnetModel *model, GError **error)
{
  return model->description->task == FBNET_TASK_DETECTION ? build_detector (model, error)
                                                          : build_classifier (model, error);
}

static guint
stage_stride (const FbnetModel *model, guint stage)
{
  guint stride = 1;

  for (guint s = 0; s <= stage; s++)
    stride = MIN (stride * model->trunk->stages[s].stride, 1u << 16);
  return stride;
}

guint
model_feature_stride (const FbnetModel *model, guint feature)
{
  const Description *d = model->description;

  if (!d->has_fpn)
    return stage_stride (model, feature);
  if (feature == d->n_fpn_stages)
    return 2 * stage_stride (model, d->fpn_first_stage + feature - 1);
  return stage_stride (model, d->fpn_first_stage + feature);
}

guint
model_feature_channels (const FbnetModel *model, guint feature)
{
  return model->description->has_fpn ? model->description->fpn_channels
                                     : model->trunk->stages[feature].out;
}

static const Network *
get_network (FbnetModel *model, const Kernels *kernels, const ByteKernels *qkernels,
    gboolean exact_bias, gboolean follows)
{
  Network *network = NULL;

  g_mutex_lock (&model->lock);
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
model_get_network (FbnetModel *model, const Kernels *kernels)
{
  return get_network (model, kernels, NULL, FALSE, FALSE);
}

const Network *
model_get_following_network (FbnetModel *model, const Kernels *kernels)
{
  return get_network (model, kernels, NULL, FALSE, TRUE);
}

const Network *
model_get_int8_network (FbnetModel *model, const Kernels *kernels, const ByteKernels *qkernels,
    gboolean exact_bias)
{
  return get_network (model, kernels, qkernels, exact_bias, FALSE);
}

/* --- Loading ---------------------------------------------------------------------------------- */

static gboolean
load (FbnetModel *model, GBytes *bytes, GError **error)
{
  model->file = safetensors_parse (bytes, model->path, error);
  if (model->file == NULL)
    return FALSE;
  if (model->file->description == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected a model file with a description (__metadata__.fbnet), found a safetensors "
        "file without one; fbnet-import makes model files from D2Go checkpoints",
        model->path);
    return FALSE;
  }
  model->description = description_parse (model->file->description, model->path, error);
  if (model->description == NULL)
    return FALSE;
  if (!build_layers (model, error) || !quantization_apply (model, error)) {
    g_prefix_error (error, "%s: description: ", model->path);
    return FALSE;
  }
  return check_tensors (model, error);
}

FbnetModel *
fbnet_model_load_bytes (GBytes *bytes, const char *name, GError **error)
{
  g_return_val_if_fail (bytes != NULL && name != NULL, NULL);

  FbnetModel *model = g_new0 (FbnetModel, 1);
  g_atomic_ref_count_init (&model->references);
  g_mutex_init (&model->lock);
  model->path = g_strdup (name);

  /* Tensors are read in place: the whole file must begin where any type may begin. */
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  g_autoptr (GBytes) aligned =
      (guintptr) data % 8 == 0 ? g_bytes_ref (bytes) : g_bytes_new (data, size);
  if (!load (model, aligned, error))
    g_clear_pointer (&model, fbnet_model_unref);
  return model;
}

FbnetModel *
fbnet_model_load (const char *path, GError **error)
{
  g_return_val_if_fail (path != NULL, NULL);

  g_autoptr (GError) cause = NULL;
  GMappedFile *file = g_mapped_file_new (path, FALSE, &cause);
  if (file == NULL) {
    const gboolean absent = g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_set_error (error, FBNET_ERROR, absent ? FBNET_ERROR_NOT_FOUND : FBNET_ERROR_IO,
        "%s: expected a model file, found %s", path, absent ? "no such file" : cause->message);
    return NULL;
  }
  g_autoptr (GBytes) bytes = g_mapped_file_get_bytes (file);
  g_mapped_file_unref (file);
  return fbnet_model_load_bytes (bytes, path, error);
}

FbnetModel *
fbnet_model_ref (FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, NULL);
  g_atomic_ref_count_inc (&model->references);
  return model;
}

void
fbnet_model_unref (FbnetModel *model)
{
  if (model == NULL || !g_atomic_ref_count_dec (&model->references))
    return;
  g_slist_free_full (model->networks, (GDestroyNotify) network_free);
  arch_part_free (model->trunk);
  arch_part_free (model->rpn);
  arch_part_free (model->box);
  arch_part_free (model->mask);
  arch_part_free (model->keypoints);
  arch_part_free (model->keypoint_block);
  for (guint i = 0; i < MAX_LEVELS; i++) {
    arch_conv_clear (&model->fpn_lateral[i]);
    arch_conv_clear (&model->fpn_output[i]);
  }
  arch_conv_clear (&model->rpn_logits);
  arch_conv_clear (&model->rpn_deltas);
  arch_conv_clear (&model->cls_score);
  arch_conv_clear (&model->bbox_pred);
  arch_conv_clear (&model->mask_logits);
  arch_conv_clear (&model->keypoint_logits);
  arch_conv_clear (&model->class_logits);
  description_free (model->description);
  safetensors_free (model->file);
  g_mutex_clear (&model->lock);
  g_free (model->path);
  g_free (model);
}

/* --- Asking ----------------------------------------------------------------------------------- */

const char *
fbnet_model_get_name (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, NULL);
  return model->description->name;
}

FbnetTask
fbnet_model_get_task (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, FBNET_TASK_DETECTION);
  return model->description->task;
}

const char *
fbnet_model_get_description (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, NULL);
  return model->file->description;
}

guint
fbnet_model_get_n_classes (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, 0);
  return model->description->n_classes;
}

const char *
fbnet_model_get_label (const FbnetModel *model, guint class_id)
{
  g_return_val_if_fail (model != NULL && class_id < model->description->n_classes, NULL);
  return model->description->labels != NULL ? model->description->labels[class_id] : NULL;
}

gboolean
fbnet_model_has_masks (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, FALSE);
  return model->description->has_masks;
}

guint
fbnet_model_get_n_keypoints (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, 0);
  return model->description->n_keypoints;
}

gboolean
fbnet_model_is_quantized (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, FALSE);
  return model->description->quantization != NULL;
}

static FbnetNormalization
normalization_of (const ConvLayer *layer)
{
  if (layer->norm.kind == NORM_GROUP)
    return FBNET_NORMALIZATION_GN;
  if (layer->norm.kind != NORM_BATCH)
    return FBNET_NORMALIZATION_AUTO;
  return layer->norm.pooling == POOL_PIXELS ? FBNET_NORMALIZATION_SYNC_BN
                                            : FBNET_NORMALIZATION_NAIVE_SYNC_BN;
}

static void
find_normalization (const ConvLayer *layer, gpointer data)
{
  FbnetNormalization *found = data;

  if (*found == FBNET_NORMALIZATION_AUTO)
    *found = normalization_of (layer);
}

FbnetNormalization
fbnet_model_get_normalization (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, FBNET_NORMALIZATION_AUTO);
  FbnetNormalization found = FBNET_NORMALIZATION_AUTO;

  for (guint s = 0; s < model->trunk->n_stages; s++) {
    for (guint b = 0; b < model->trunk->stages[s].n_blocks; b++)
      arch_block_foreach (&model->trunk->stages[s].blocks[b], find_normalization, &found);
  }
  for (guint i = 0; i < model->description->n_fpn_stages; i++)
    find_normalization (&model->fpn_lateral[i], &found);
  return found;
}

guint64
fbnet_model_get_n_parameters (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, 0);
  return model->n_parameters;
}

guint
fbnet_model_get_n_tensors (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, 0);
  return model->file->n_views;
}

void
fbnet_model_get_tensor (const FbnetModel *model, guint index, FbnetTensorView *view)
{
  g_return_if_fail (model != NULL && view != NULL && index < model->file->n_views);
  *view = model->file->views[index];
}

void
fbnet_model_get_params (const FbnetModel *model, FbnetParams *params)
{
  g_return_if_fail (model != NULL && params != NULL);
  *params = model->description->params;
}
