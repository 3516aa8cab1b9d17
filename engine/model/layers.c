/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a description to the list of its layers. Names of tensors: D2Go's and mobile_cv's modules, as
 * the comments at each head say.
 */
#include "layers.h"

#include <string.h>

#include "base/memory.h"

/* What lone layers that read floats are called in a description's list of activations. */
#define RPN_REGRESSORS "proposal_generator.rpn_head.rpn_regressor"
#define BOX_PREDICTOR  "roi_heads.box_predictor"

typedef struct {
  const Description *d;
  Layers *layers;
  GError **error;
} Builder;

/* --- Adding ----------------------------------------------------------------------------------- */

static guint
add_entry (Builder *b, LayerEntry entry)
{
  Layers *layers = b->layers;

  g_assert (layers->n < MAX_LAYER_ENTRIES);
  layers->entries[layers->n] = entry;
  return layers->n++;
}

static guint
add_conv (Builder *b, Role role, ConvLayer conv, Reads reads, guint from)
{
  return add_entry (b,
      (LayerEntry){ .role = role,
          .conv = g_memdup2 (&conv, sizeof conv),
          .reads = reads,
          .from = from });
}

/* A predictor: 1×1, with bias. `input` is what it and those beside it read. */
static void
add_predictor (Builder *b, Role role, const char *name, guint in, guint out, Reads reads,
    guint from, const char *input)
{
  const guint at = add_conv (b, role, arch_plain_conv (name, in, out, 1, TRUE), reads, from);
  LayerEntry *entry = &b->layers->entries[at];

  entry->use = USE_PREDICTOR;
  entry->input = input;
}

static Part *
build_part (Builder *b, const char *part, const char *prefix, guint in)
{
  Part *built = arch_build_part (b->d->architecture, part, prefix, in, "architecture", b->error);

  if (built != NULL)
    b->layers->parts = g_slist_prepend (b->layers->parts, built);
  return built;
}

/* A head's blocks, which are one stage: its entry. `rois`: what a ROI head reads; NULL: the RPN's. */
static gboolean
add_head (Builder *b, Role role, const char *part, const char *prefix, guint in, RoiSpecFunc rois,
    guint *at)
{
  const Part *built = build_part (b, part, prefix, in);

  if (built == NULL)
    return FALSE;
  if (built->n_stages > 1) {
    g_set_error (b->error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "architecture.%s: expected at most 1 stages, found %u", part, built->n_stages);
    return FALSE;
  }
  *at = add_entry (b,
      (LayerEntry){ .role = role,
          .stage = &built->stages[0],
          .reads = rois != NULL ? READS_ROIS : READS_RPN_FEATURES,
          .rois = rois });
  return TRUE;
}

/* Blocks whose map others reckon with: as many pixels as the strides say, and of an RPN, whose map lies
 * over the anchors, as many as it read. */
static gboolean
check_grid (Builder *b, const Stage *stage, const char *part, gboolean strides)
{
  for (guint i = 0; i < stage->n_blocks; i++) {
    const Block *block = &stage->blocks[i];
    if (arch_block_keeps_grid (block) && (strides || stage->stride == 1))
      continue;
    g_set_error (b->error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "architecture.%s: block \"%s\": expected an op %sthat keeps a map's size%s, found %s", part,
        block->name, strides ? "" : "without stride ", strides ? " but for its stride" : "",
        block->op);
    return FALSE;
  }
  return TRUE;
}

static guint
channels_of (const Builder *b, guint entry)
{
  return b->layers->entries[entry].stage->out;
}

/* --- Trunk and features ----------------------------------------------------------------------- */

static gboolean
add_trunk (Builder *b, const char *blocks, guint max_stages)
{
  g_autofree char *prefix = g_strconcat (b->d->trunk_prefix, blocks, NULL);
  const Part *trunk = build_part (b, "trunk", prefix, 3);

  if (trunk == NULL)
    return FALSE;
  if (trunk->n_stages > max_stages) {
    g_set_error (b->error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "architecture.trunk: expected at most %u stages, found %u", max_stages, trunk->n_stages);
    return FALSE;
  }
  for (guint s = 0; s < trunk->n_stages; s++)
    add_entry (b,
        (LayerEntry){ .role = ROLE_TRUNK,
            .index = s,
            .stage = &trunk->stages[s],
            .reads = s == 0 ? READS_PICTURE : READS_ENTRY,
            .from = s == 0 ? 0 : s - 1 });
  return TRUE;
}

static void
list_trunk_features (Builder *b, Feature features[MAX_LEVELS])
{
  guint stride = 1;

  for (guint s = 0; s < b->layers->n; s++) {
    const Stage *stage = b->layers->entries[s].stage;
    stride = MIN (stride * stage->stride, 1u << 16);
    features[s] = (Feature){ stride, stage->out };
  }
}

/* A level of the pyramid is named after the logarithm of its stride, and the ROI pooler reckons with
 * strides that double. */
static gboolean
check_fpn_stride (Builder *b, const Feature *trunk, guint n_stages, guint i)
{
  const guint stage = b->d->fpn_first_stage + i, level = b->d->fpn_first_level + i;

  if (stage < n_stages && trunk[stage].stride == 1u << level)
    return TRUE;
  g_set_error (b->error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "backbone.fpn: expected trunk%u of stride %u under level p%u, found %s", stage, 1u << level,
      level, stage >= n_stages ? "no such stage" : "another stride");
  return FALSE;
}

static gboolean
check_fpn_norm (Builder *b)
{
  const Description *d = b->d;

  if (d->fpn_norm.kind != NORM_GROUP || d->fpn_channels % d->fpn_norm.n_groups == 0)
    return TRUE;
  g_set_error (b->error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "backbone.fpn: expected out_channels that divide into %u groups, found %u",
      d->fpn_norm.n_groups, d->fpn_channels);
  return FALSE;
}

/* detectron2 modeling/backbone/fpn.py: fpn_lateral4, fpn_output4, … */
static guint
add_fpn_conv (Builder *b, Role role, const char *kind, guint i, guint in, guint kernel, Reads reads,
    guint from)
{
  const Description *d = b->d;
  g_autofree char *name = g_strdup_printf ("backbone.fpn_%s%u", kind, d->fpn_first_level + i);
  ConvLayer layer =
      arch_plain_conv (name, in, d->fpn_channels, kernel, d->fpn_norm.kind == NORM_NONE);

  layer.norm = d->fpn_norm;
  if (layer.norm.kind != NORM_NONE)
    layer.norm_name = g_strconcat (name, ".norm", NULL);
  const guint at = add_conv (b, role, layer, reads, from);
  b->layers->entries[at].index = i;
  return at;
}

static gboolean
add_fpn (Builder *b, const Feature *trunk)
{
  const Description *d = b->d;
  Layers *layers = b->layers;
  const guint n_stages = b->layers->n;

  for (guint s = 0; s < n_stages; s++) {
    if (!check_grid (b, b->layers->entries[s].stage, "trunk", TRUE))
      return FALSE;
  }
  if (!check_fpn_norm (b))
    return FALSE;
  for (guint i = 0; i < d->n_fpn_stages; i++) {
    if (!check_fpn_stride (b, trunk, n_stages, i))
      return FALSE;
    const Feature *stage = &trunk[d->fpn_first_stage + i];
    const guint lateral = add_fpn_conv (b, ROLE_FPN_LATERAL, "lateral", i, stage->channels, 1,
        READS_FEATURE, d->fpn_first_stage + i);
    add_fpn_conv (b, ROLE_FPN_OUTPUT, "output", i, d->fpn_channels, 3, READS_FEATURE, lateral);
    layers->features[i] = (Feature){ stage->stride, d->fpn_channels };
  }
  layers->n_features = d->n_fpn_stages + 1;
  layers->features[d->n_fpn_stages] =
      (Feature){ 2 * layers->features[d->n_fpn_stages - 1].stride, d->fpn_channels };
  return TRUE;
}

/* Features that one head reads. */
static gboolean
check_features (Builder *b, const char *where, const guint *features, guint n)
{
  const Layers *layers = b->layers;

  for (guint i = 0; i < n; i++) {
    if (features[i] >= layers->n_features) {
      g_set_error (b->error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "%s.in_features: expected features of a backbone that has %u, found number %u", where,
          layers->n_features, features[i]);
      return FALSE;
    }
    const guint first = layers->features[features[0]].channels;
    const guint channels = layers->features[features[i]].channels;
    if (channels != first) {
      g_set_error (b->error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "%s.in_features: expected features of equal channels, as one head reads them all, found "
          "%u and %u",
          where, first, channels);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check_anchors (Builder *b)
{
  const Description *d = b->d;

  for (guint level = 1; level < d->n_levels; level++) {
    if (d->anchors[level].n_cells != d->anchors[0].n_cells) {
      g_set_error (b->error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "anchors: expected as many in every level, found %u in the first and %u in level %u",
          d->anchors[0].n_cells, d->anchors[level].n_cells, level);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
add_features (Builder *b)
{
  const Description *d = b->d;
  Layers *layers = b->layers;
  Feature trunk[MAX_LEVELS];

  list_trunk_features (b, trunk);
  if (d->has_fpn) {
    if (!add_fpn (b, trunk))
      return FALSE;
  } else {
    layers->n_features = b->layers->n;
    for (guint i = 0; i < layers->n_features; i++)
      layers->features[i] = trunk[i];
  }
  return check_features (b, "rpn", d->rpn_features, d->n_levels)
      && check_features (b, "roi_heads", d->roi_features, d->n_roi_levels) && check_anchors (b);
}

/* --- Heads ------------------------------------------------------------------------------------ */

/* mobile_cv's FBNetV2RpnHead. */
static gboolean
add_rpn (Builder *b)
{
  const guint n_cells = b->d->anchors[0].n_cells;
  guint at;

  if (!add_head (b, ROLE_RPN, "rpn", "proposal_generator.rpn_head.rpn_feature.0.fbnetv2_{S}_{B}",
          b->layers->features[b->d->rpn_features[0]].channels, NULL, &at))
    return FALSE;
  if (!check_grid (b, b->layers->entries[at].stage, "rpn", FALSE))
    return FALSE;
  const guint in = channels_of (b, at);
  add_predictor (b, ROLE_RPN_LOGITS, RPN_REGRESSORS ".cls_logits", in, n_cells, READS_ENTRY, at,
      RPN_REGRESSORS);
  add_predictor (b, ROLE_RPN_DELTAS, RPN_REGRESSORS ".bbox_pred", in, 4 * n_cells, READS_ENTRY, at,
      RPN_REGRESSORS);
  return TRUE;
}

static RoiSpec
box_rois (const Description *d, const FbnetParams *params)
{
  return (RoiSpec){ params->post_nms_count, params->box_pooler_resolution, d->box_sampling_ratio };
}

/* d2go's FBNetV2RoIBoxHead, detectron2's FastRCNNOutputLayers. */
static gboolean
add_box_head (Builder *b, guint in)
{
  const Description *d = b->d;
  guint at;

  if (!add_head (b, ROLE_BOX, "bbox", "roi_heads.box_head.roi_box_conv.0.fbnetv2_{S}_{B}", in,
          box_rois, &at))
    return FALSE;
  const guint out = channels_of (b, at);
  add_predictor (b, ROLE_CLS_SCORE, BOX_PREDICTOR ".cls_score", out, d->n_classes + 1, READS_MEAN,
      at, BOX_PREDICTOR);
  add_predictor (b, ROLE_BBOX_PRED, BOX_PREDICTOR ".bbox_pred", out,
      4 * (d->class_agnostic_boxes ? 1 : d->n_classes), READS_MEAN, at, BOX_PREDICTOR);
  return TRUE;
}

static RoiSpec
mask_rois (const Description *d, const FbnetParams *params)
{
  return (RoiSpec){ params->masks ? params->max_detections : 0, params->mask_pooler_resolution,
    d->mask_sampling_ratio };
}

/* d2go's FBNetV2RoIMaskHead and its predictor. */
static gboolean
add_mask_head (Builder *b, guint in)
{
  const Description *d = b->d;
  guint at;

  if (!d->has_masks)
    return TRUE;
  if (!add_head (b, ROLE_MASK, "mask", "roi_heads.mask_head.feature_extractor.0.fbnetv2_{S}_{B}",
          in, mask_rois, &at))
    return FALSE;
  const ConvLayer logits = arch_plain_conv ("roi_heads.mask_head.predictor.mask_fcn_logits",
      channels_of (b, at), d->class_agnostic_masks ? 1 : d->n_classes, 1, TRUE);
  const guint last = add_conv (b, ROLE_MASK_LOGITS, logits, READS_ENTRY, at);
  b->layers->entries[last].use = USE_PER_CLASS;
  return TRUE;
}

#define KEYPOINT_HEAD   "roi_heads.keypoint_head."
#define KEYPOINT_LOGITS KEYPOINT_HEAD "predictor.kps_score_lowres"

/* d2go modeling/backbone/modules.py KeypointRCNNIRFPredictorNoUpscale: its arguments are not in the
 * architecture but fixed. */
static gboolean
add_keypoint_block (Builder *b, guint in, guint from)
{
  g_autofree char *text =
      g_strdup_printf ("{\"width_divisor\": 8, \"norm\": {\"name\": \"none\"}, \"predictor\": "
                       "[[[\"ir_k3\", %u, -2, 1, {\"expansion\": 3, \"dw_skip_bnrelu\": true}]]]}",
          b->d->n_keypoints);
  cJSON *architecture = json_parse_object (text, strlen (text), "keypoint_head", b->error);
  if (architecture == NULL)
    return FALSE;
  Part *part =
      arch_build_part (architecture, "predictor", KEYPOINT_LOGITS, in, "keypoint_head", b->error);

  cJSON_Delete (architecture);
  if (part == NULL)
    return FALSE;
  b->layers->parts = g_slist_prepend (b->layers->parts, part);
  add_entry (b,
      (LayerEntry){ .role = ROLE_KEYPOINT_BLOCK,
          .stage = &part->stages[0],
          .reads = READS_ENTRY,
          .from = from });
  return TRUE;
}

static RoiSpec
keypoint_rois (const Description *d, const FbnetParams *params)
{
  return (RoiSpec){ params->keypoints ? params->max_detections : 0, d->keypoint_resolution,
    d->keypoint_sampling_ratio };
}

/* d2go modeling/backbone/modules.py KeypointRCNN…Predictor…. */
static gboolean
add_keypoint_head (Builder *b, guint in)
{
  const Description *d = b->d;
  const gboolean deconv = d->keypoint_predictor != KEYPOINTS_CONV_UPSAMPLE;
  guint at;

  if (d->n_keypoints == 0)
    return TRUE;
  if (!add_head (b, ROLE_KEYPOINTS, "kpts", KEYPOINT_HEAD "feature_extractor.0.fbnetv2_{S}_{B}", in,
          keypoint_rois, &at))
    return FALSE;
  if (d->keypoint_predictor == KEYPOINTS_IRF)
    return add_keypoint_block (b, channels_of (b, at), at);
  ConvLayer logits =
      arch_plain_conv (KEYPOINT_LOGITS, channels_of (b, at), d->n_keypoints, deconv ? 4 : 3, TRUE);
  logits.transposed = deconv;
  const guint last = add_conv (b, ROLE_KEYPOINT_LOGITS, logits, READS_ENTRY, at);
  b->layers->entries[last].use = USE_HEATMAPS;
  b->layers->entries[last].upsample = !deconv;
  return TRUE;
}

/* --- The list --------------------------------------------------------------------------------- */

static gboolean
add_detector (Builder *b)
{
  if (!add_trunk (b, ".trunk{S}.fbnetv2_{S}_{B}", MAX_LEVELS) || !add_features (b))
    return FALSE;
  const guint in = b->layers->features[b->d->roi_features[0]].channels;
  return add_rpn (b) && add_box_head (b, in) && add_mask_head (b, in) && add_keypoint_head (b, in);
}

/* mobile_cv model_zoo/models/fbnet_v2.py FBNet. */
static gboolean
add_classifier (Builder *b)
{
  if (!add_trunk (b, ".xif{S}_{B}", G_MAXUINT))
    return FALSE;
  const guint last = b->layers->n - 1;
  add_predictor (b, ROLE_CLASS_LOGITS, "head.conv", channels_of (b, last), b->d->n_classes,
      READS_MEAN, last, "head");
  return TRUE;
}

Layers *
layers_new (const Description *description, GError **error)
{
  Layers *layers = g_new0 (Layers, 1);
  Builder b = { description, layers, error };

  layers->entries = memory_new (LayerEntry, MAX_LAYER_ENTRIES, error);
  const gboolean built = layers->entries != NULL
      && (description->task == FBNET_TASK_DETECTION ? add_detector (&b) : add_classifier (&b));
  if (!built)
    g_clear_pointer (&layers, layers_free);
  return layers;
}

void
layers_free (Layers *layers)
{
  if (layers == NULL)
    return;
  for (guint i = 0; i < layers->n; i++) {
    if (layers->entries[i].conv != NULL)
      arch_conv_clear (layers->entries[i].conv);
    g_free (layers->entries[i].conv);
  }
  g_slist_free_full (layers->parts, (GDestroyNotify) arch_part_free);
  g_free (layers->entries);
  g_free (layers);
}

/* --- Asking ----------------------------------------------------------------------------------- */

const LayerEntry *
layers_find (const Layers *layers, Role role, guint index)
{
  for (guint i = 0; i < layers->n; i++) {
    if (layers->entries[i].role == role && layers->entries[i].index == index)
      return &layers->entries[i];
  }
  return NULL;
}

const Stage *
layers_stage (const Layers *layers, Role role, guint index)
{
  const LayerEntry *entry = layers_find (layers, role, index);

  return entry != NULL ? entry->stage : NULL;
}

const ConvLayer *
layers_conv (const Layers *layers, Role role)
{
  const LayerEntry *entry = layers_find (layers, role, 0);

  return entry != NULL ? entry->conv : NULL;
}

guint
layers_count (const Layers *layers, Role role)
{
  guint n = 0;

  while (layers_find (layers, role, n) != NULL)
    n++;
  return n;
}

void
layers_entry_foreach (const LayerEntry *entry, ConvLayerFunc func, gpointer data)
{
  if (entry->conv != NULL)
    func (entry->conv, data);
  for (guint b = 0; entry->stage != NULL && b < entry->stage->n_blocks; b++)
    arch_block_foreach (&entry->stage->blocks[b], func, data);
}

void
layers_foreach (const Layers *layers, ConvLayerFunc func, gpointer data)
{
  for (guint i = 0; i < layers->n; i++)
    layers_entry_foreach (&layers->entries[i], func, data);
}
