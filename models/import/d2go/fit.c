/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a description to the names and shapes of its tensors (SPEC section 1.5), by the engine's own
 * builder.
 */
#include "fit.h"

#include <string.h>

#define RPN_HEAD    "proposal_generator.rpn_head."
#define BOX_HEAD    "roi_heads.box_head.roi_box_conv.0.fbnetv2_{S}_{B}"
#define PREDICTOR   "roi_heads.box_predictor."
#define MASK_HEAD   "roi_heads.mask_head."
#define KPTS_HEAD   "roi_heads.keypoint_head."
#define KPTS_LOGITS KPTS_HEAD "predictor.kps_score_lowres"

/* --- Reading the description ------------------------------------------------------------------ */

static const cJSON *
find (const cJSON *tree, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, ".", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    tree = cJSON_GetObjectItemCaseSensitive (tree, parts[i]);
  return tree;
}

static guint
find_count (const cJSON *tree, const char *path)
{
  const cJSON *item = find (tree, path);
  const double number = cJSON_IsNumber (item) ? item->valuedouble : 0;
  return number >= 1 && number <= 1e6 ? (guint) number : 0;
}

static const char *
find_text (const cJSON *tree, const char *path)
{
  const char *text = cJSON_GetStringValue (find (tree, path));
  return text != NULL ? text : "";
}

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED, "description: %s", what);
  return FALSE;
}

/* --- Layers ----------------------------------------------------------------------------------- */

static void
lone_free (gpointer layer)
{
  arch_conv_clear (layer);
  g_free (layer);
}

static ConvLayer *
add_lone (Layers *layers, const char *name, guint in, guint out, guint kernel, gboolean bias)
{
  ConvLayer *layer = g_new (ConvLayer, 1);
  *layer = arch_plain_conv (name, in, out, kernel, bias);
  g_ptr_array_add (layers->lone, layer);
  return layer;
}

/* The trunk stage called "trunk3"; NULL when there is none. */
static const Stage *
find_stage (const Layers *layers, const char *feature)
{
  guint64 index;
  if (!g_str_has_prefix (feature, "trunk")
      || !g_ascii_string_to_unsigned (feature + strlen ("trunk"), 10, 0, G_MAXUINT, &index, NULL)
      || index >= layers->trunk->n_stages)
    return NULL;
  return &layers->trunk->stages[index];
}

static guint
stage_stride (const Layers *layers, const Stage *stage)
{
  guint stride = 1;
  for (const Stage *s = layers->trunk->stages; s <= stage; s++)
    stride *= s->stride;
  return stride;
}

static void
add_pyramid_layer (Layers *layers, const char *kind, guint level, guint in, guint out, guint kernel,
    const char *norm)
{
  g_autofree char *name = g_strdup_printf ("backbone.fpn_%s%u", kind, level);
  const gboolean plain = strcmp (norm, "none") == 0;
  ConvLayer *layer = add_lone (layers, name, in, out, kernel, plain);
  if (plain)
    return;
  layer->norm.kind = strcmp (norm, "gn") == 0 ? NORM_GROUP : NORM_BATCH;
  layer->norm_name = g_strconcat (name, ".norm", NULL);
}

/* detectron2, modeling/backbone/fpn.py: levels are named by log2 of their stride. */
static gboolean
add_pyramid (Layers *layers, const cJSON *fpn, GError **error)
{
  const guint out = find_count (fpn, "out_channels");
  const char *norm = find_text (fpn, "norm.name");
  const cJSON *feature;
  cJSON_ArrayForEach (feature, find (fpn, "in_features"))
  {
    const char *name = cJSON_GetStringValue (feature);
    const Stage *stage = name != NULL ? find_stage (layers, name) : NULL;
    if (stage == NULL)
      return fail (error, "backbone.fpn.in_features names a stage that is not there");
    const guint level = g_bit_storage (stage_stride (layers, stage)) - 1;
    add_pyramid_layer (layers, "lateral", level, stage->out, out, 1, norm);
    add_pyramid_layer (layers, "output", level, out, out, 3, norm);
  }
  return TRUE;
}

/* Channels of the feature that a head reads. */
static guint
feature_channels (const Layers *layers, const cJSON *description, const char *path)
{
  const cJSON *feature = cJSON_GetArrayItem (find (description, path), 0);
  const Stage *stage = cJSON_IsString (feature) ? find_stage (layers, feature->valuestring) : NULL;
  return stage != NULL ? stage->out : find_count (description, "backbone.fpn.out_channels");
}

static guint
count_cells (const cJSON *description)
{
  const cJSON *sizes = cJSON_GetArrayItem (find (description, "anchors.sizes"), 0);
  const cJSON *ratios = cJSON_GetArrayItem (find (description, "anchors.aspect_ratios"), 0);
  return (guint) (cJSON_GetArraySize (sizes) * cJSON_GetArraySize (ratios));
}

static guint
last_out (const Part *part)
{
  return part->stages[part->n_stages - 1].out;
}

static Part *
build_head (const cJSON *description, const char *part, const char *prefix, guint in,
    GError **error)
{
  return arch_build_part (find (description, "architecture"), part, prefix, in, "architecture",
      error);
}

static gboolean
add_rpn (Layers *layers, const cJSON *description, GError **error)
{
  const guint n_cells = count_cells (description);
  layers->rpn = build_head (description, "rpn", RPN_HEAD "rpn_feature.0.fbnetv2_{S}_{B}",
      feature_channels (layers, description, "rpn.in_features"), error);
  if (layers->rpn == NULL)
    return FALSE;
  const guint in = last_out (layers->rpn);
  add_lone (layers, RPN_HEAD "rpn_regressor.cls_logits", in, n_cells, 1, TRUE);
  add_lone (layers, RPN_HEAD "rpn_regressor.bbox_pred", in, 4 * n_cells, 1, TRUE);
  return TRUE;
}

static gboolean
add_box_head (Layers *layers, const cJSON *description, guint in, guint n_classes, GError **error)
{
  const gboolean agnostic = cJSON_IsTrue (find (description, "box_head.class_agnostic"));
  layers->box = build_head (description, "bbox", BOX_HEAD, in, error);
  if (layers->box == NULL)
    return FALSE;
  const guint out = last_out (layers->box);
  add_lone (layers, PREDICTOR "cls_score", out, n_classes + 1, 1, TRUE);
  add_lone (layers, PREDICTOR "bbox_pred", out, 4 * (agnostic ? 1 : n_classes), 1, TRUE);
  return TRUE;
}

static gboolean
add_mask_head (Layers *layers, const cJSON *description, guint in, guint n_classes, GError **error)
{
  if (find (description, "mask_head") == NULL)
    return TRUE;
  const gboolean agnostic = cJSON_IsTrue (find (description, "mask_head.class_agnostic"));
  layers->mask =
      build_head (description, "mask", MASK_HEAD "feature_extractor.0.fbnetv2_{S}_{B}", in, error);
  if (layers->mask == NULL)
    return FALSE;
  add_lone (layers, MASK_HEAD "predictor.mask_fcn_logits", last_out (layers->mask),
      agnostic ? 1 : n_classes, 1, TRUE);
  return TRUE;
}

/* D2Go, modeling/backbone/modules.py KeypointRCNNIRFPredictorNoUpscale: an inverted residual block
 * of expansion 3 without norms and biases. */
static void
add_keypoint_block (Layers *layers, guint in, guint n_keypoints)
{
  const guint mid = arch_divisible (3.0 * in, 8);
  add_lone (layers, KPTS_LOGITS ".pw.conv", in, mid, 1, FALSE)->act = ACT_RELU;
  add_lone (layers, KPTS_LOGITS ".dw.conv", mid, mid, 3, FALSE)->groups = mid;
  add_lone (layers, KPTS_LOGITS ".pwl.conv", mid, n_keypoints, 1, FALSE);
}

static gboolean
add_keypoint_head (Layers *layers, const cJSON *description, guint in, GError **error)
{
  const char *type = find_text (description, "keypoint_head.type");
  const guint n_keypoints = find_count (description, "keypoint_head.n_keypoints");
  if (find (description, "keypoint_head") == NULL)
    return TRUE;
  layers->kpts =
      build_head (description, "kpts", KPTS_HEAD "feature_extractor.0.fbnetv2_{S}_{B}", in, error);
  if (layers->kpts == NULL)
    return FALSE;
  const guint out = last_out (layers->kpts);
  if (strcmp (type, "irf") == 0)
    add_keypoint_block (layers, out, n_keypoints);
  else if (strcmp (type, "conv_upsample") == 0)
    add_lone (layers, KPTS_LOGITS, out, n_keypoints, 3, TRUE);
  else if (g_str_has_prefix (type, "deconv"))
    add_lone (layers, KPTS_LOGITS, out, n_keypoints, 4, TRUE)->transposed = TRUE;
  else
    return fail (error, "keypoint_head.type is not known");
  return TRUE;
}

static gboolean
add_trunk (Layers *layers, const cJSON *description, const char *blocks, GError **error)
{
  g_autofree char *name = g_strconcat (find_text (description, "backbone.prefix"), blocks, NULL);
  layers->trunk = build_head (description, "trunk", name, 3, error);
  return layers->trunk != NULL;
}

static gboolean
add_detector (Layers *layers, const cJSON *description, GError **error)
{
  const cJSON *fpn = find (description, "backbone.fpn");
  const guint n_classes = find_count (description, "roi_heads.n_classes");
  if (!add_trunk (layers, description, ".trunk{S}.fbnetv2_{S}_{B}", error)
      || (fpn != NULL && !add_pyramid (layers, fpn, error)))
    return FALSE;
  const guint in = feature_channels (layers, description, "roi_heads.in_features");
  return add_rpn (layers, description, error)
      && add_box_head (layers, description, in, n_classes, error)
      && add_mask_head (layers, description, in, n_classes, error)
      && add_keypoint_head (layers, description, in, error);
}

/* mobile_cv, model_zoo/models/fbnet_v2.py FBNet. */
static gboolean
add_classifier (Layers *layers, const cJSON *description, GError **error)
{
  if (!add_trunk (layers, description, ".xif{S}_{B}", error))
    return FALSE;
  add_lone (layers, CLASSIFIER_HEAD, last_out (layers->trunk),
      find_count (description, "head.n_classes"), 1, TRUE);
  return TRUE;
}

Layers *
layers_new (const cJSON *description, GError **error)
{
  g_autoptr (Layers) layers = g_new0 (Layers, 1);
  layers->lone = g_ptr_array_new_with_free_func (lone_free);
  const gboolean classifies = strcmp (find_text (description, "task"), "classification") == 0;
  if (!(classifies ? add_classifier : add_detector) (layers, description, error))
    return NULL;
  return g_steal_pointer (&layers);
}

void
layers_free (Layers *layers)
{
  if (layers == NULL)
    return;
  arch_part_free (layers->trunk);
  arch_part_free (layers->rpn);
  arch_part_free (layers->box);
  arch_part_free (layers->mask);
  arch_part_free (layers->kpts);
  g_ptr_array_unref (layers->lone);
  g_free (layers);
}

void
layers_foreach (const Layers *layers, ConvLayerFunc func, gpointer data)
{
  const Part *const parts[] = { layers->trunk, layers->rpn, layers->box, layers->mask,
    layers->kpts };
  for (guint p = 0; p < G_N_ELEMENTS (parts); p++)
    for (guint s = 0; parts[p] != NULL && s < parts[p]->n_stages; s++)
      for (guint b = 0; b < parts[p]->stages[s].n_blocks; b++)
        arch_block_foreach (&parts[p]->stages[s].blocks[b], func, data);
  for (guint i = 0; i < layers->lone->len; i++)
    func (layers->lone->pdata[i], data);
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
 * checkpoints hold buffers that the config repeats (SPEC sections 1.5, 1.6). */
static gboolean
is_tolerated (const Layers *layers, const char *name)
{
  return strcmp (name, "pixel_mean") == 0 || strcmp (name, "pixel_std") == 0
      || g_str_has_prefix (name, "proposal_generator.anchor_generator.cell_anchors.")
      || (layers->mask == NULL && g_str_has_prefix (name, MASK_HEAD))
      || (layers->kpts == NULL && g_str_has_prefix (name, KPTS_HEAD));
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
