/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the layers found in an export to D2Go's names: the layers of a config are built and compared
 * with them.
 */
#include "torchscript.h"

#include <math.h>

#include "config.h"
#include "fit.h"
#include "torchscript-file.h"
#include "facts.h"
#include "support/jsonfile.h"

gboolean
torchscript_is (const Archive *archive)
{
  return archive_has (archive, "bytecode.pkl") || archive_has (archive, "constants.pkl");
}

/* --- Comparing layers ------------------------------------------------------------------------- */

typedef struct {
  const ConvLayer *layer;
  const TorchScriptConv *conv;
} Pair;

/* Pairs of layers, and what their bytes mean, until the first difference. */
typedef struct {
  GArray *pairs;
  cJSON *activations; /* models/FORMAT.md, quantization.activations */
  char *unknown;      /* the first activation that the archive says nothing about, or NULL */
  char *difference;
} Matcher;

G_GNUC_PRINTF (2, 3)
static gboolean
differ (Matcher *m, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (m->difference == NULL)
    m->difference = g_strdup_vprintf (format, args);
  va_end (args);
  return FALSE;
}

static void
record (Matcher *m, const char *name, const char *suffix, TorchScriptQuant quant)
{
  g_autofree char *whole = g_strconcat (name, suffix, NULL);

  if (m->unknown == NULL && !(isfinite (quant.scale) && isfinite (quant.zero_point)))
    m->unknown = g_strdup (whole);
  cJSON *activation = cJSON_AddObjectToObject (m->activations, whole);
  cJSON_AddNumberToObject (activation, "scale", (double) (float) quant.scale);
  cJSON_AddNumberToObject (activation, "zero_point", quant.zero_point);
}

static gsize
side (const TorchScriptConv *conv)
{
  return conv->weight->n_dims == 4 ? conv->weight->shape[2] : 1;
}

static gboolean
same_numbers (const ConvLayer *layer, const TorchScriptConv *conv)
{
  const PickleTensor *weight = conv->weight;

  return weight->shape[0] == layer->out && weight->shape[1] == layer->in / layer->groups
      && side (conv) == layer->kernel && conv->stride == layer->stride && conv->pad == layer->pad
      && conv->groups == layer->groups && conv->dilation == 1;
}

/* Of the mask head's last layer the engine computes one class at a time, on floats. */
static gboolean
runs_in_int8 (const ConvLayer *layer)
{
  return !g_str_has_suffix (layer->conv_name, ".mask_fcn_logits");
}

/* A folded norm, or the layer itself, must have a place for a bias. */
static gboolean
match_conv (Matcher *m, const ConvLayer *layer, const TorchScriptConv *conv, const char *name)
{
  if (layer->out == 0)
    return conv->weight == NULL || differ (m, "%s: the config has no such layer", name);
  if (conv->weight == NULL)
    return differ (m, "%s: not in the archive", layer->conv_name);
  if (!same_numbers (layer, conv))
    return differ (m,
        "%s: expected %u × %u weights, %u × %u, stride %u, found %zu × %zu, %zu × %zu, stride %u",
        layer->conv_name, layer->out, layer->in / layer->groups, layer->kernel, layer->kernel,
        layer->stride, conv->weight->shape[0], conv->weight->shape[1], side (conv), side (conv),
        conv->stride);
  if (layer->norm.kind != NORM_BATCH && layer->norm.kind != NORM_NONE)
    return differ (m, "%s: its norm cannot have been folded", layer->conv_name);
  if (conv->bias != NULL && layer->norm.kind == NORM_NONE && !layer->bias)
    return differ (m, "%s: the config has no bias, the archive has", layer->conv_name);
  if ((layer->act == ACT_RELU) != conv->relu)
    return differ (m, "%s: expected %s ReLU, found %s", layer->conv_name, conv->relu ? "no" : "a",
        conv->relu ? "one" : "none");
  const Pair pair = { layer, conv };
  g_array_append_val (m->pairs, pair);
  if (runs_in_int8 (layer))
    record (m, layer->conv_name, "", conv->out);
  return TRUE;
}

static gboolean
match_block (Matcher *m, const Block *block, const TorchScriptBlock *found)
{
  if (block->kind != BLOCK_CONV && block->kind != BLOCK_IRF)
    return differ (m, "%s: a block of a kind that int8 exports are not read with", block->name);
  if (block->se_squeeze.out != 0)
    return differ (m, "%s: squeeze and excite in an int8 export is not read", block->name);
  if (MAX (block->upsample, 1) != found->upsample)
    return differ (m, "%s: expected up-sampling by %u, found %u", block->name,
        MAX (block->upsample, 1), found->upsample);
  if (block->residual != found->residual)
    return differ (m, "%s: expected %s residual sum, found %s", block->name,
        block->residual ? "a" : "no", found->residual ? "one" : "none");
  if (block->residual)
    record (m, block->name, ".add", found->sum);
  return match_conv (m, &block->pw, &found->pw, block->name)
      && match_conv (m, &block->dw, &found->dw, block->name)
      && match_conv (m, &block->pwl, &found->pwl, block->name);
}

/* The blocks of all entries of a role, in order; the first one's input is made of floats. */
static gboolean
match_blocks (Matcher *m, const Layers *layers, Role role, const GArray *found, TorchScriptQuant in,
    const char *name)
{
  const Stage *first = layers_stage (layers, role, 0), *stage = first;
  guint n = 0;

  if (first != NULL)
    record (m, first->blocks[0].name, ".input", in);
  for (guint s = 0; stage != NULL; stage = layers_stage (layers, role, ++s)) {
    for (guint b = 0; b < stage->n_blocks; b++, n++) {
      if (n >= found->len)
        return differ (m, "%s: expected more than the %u blocks found", name, found->len);
      if (!match_block (m, &stage->blocks[b], &g_array_index (found, TorchScriptBlock, n)))
        return FALSE;
    }
  }
  return n == found->len || differ (m, "%s: expected %u blocks, found %u", name, n, found->len);
}

static const TorchScriptConv *
find_conv (const TorchScript *export, Role role)
{
  switch (role) {
    case ROLE_RPN_LOGITS:
      return &export->rpn_logits;
    case ROLE_RPN_DELTAS:
      return &export->rpn_deltas;
    case ROLE_CLS_SCORE:
      return &export->cls_score;
    case ROLE_BBOX_PRED:
      return &export->bbox_pred;
    case ROLE_MASK_LOGITS:
      return &export->mask_logits;
    default:
      return NULL;
  }
}

/* Layers outside the blocks, and the keypoint predictor, which goes on from its head's bytes. */
static gboolean
match_predictors (Matcher *m, const Layers *layers, const TorchScript *export)
{
  const Stage *keypoints = layers_stage (layers, ROLE_KEYPOINT_BLOCK, 0);

  record (m, "roi_heads.box_predictor", ".input", export->predictor_in);
  for (guint i = 0; i < layers->n; i++) {
    const ConvLayer *layer = layers->entries[i].conv;
    const TorchScriptConv *conv = find_conv (export, layers->entries[i].role);
    if (layer == NULL)
      continue;
    if (conv == NULL)
      return differ (m, "%s: int8 exports are not read with such a layer", layer->conv_name);
    if (!match_conv (m, layer, conv, layer->conv_name))
      return FALSE;
  }
  return keypoints == NULL || match_block (m, &keypoints->blocks[0], &export->keypoint_logits);
}

static gboolean
match_layers (Matcher *m, const Layers *layers, const TorchScript *export)
{
  return match_blocks (m, layers, ROLE_TRUNK, export->trunk, export->trunk_in, "trunk")
      && match_blocks (m, layers, ROLE_RPN, export->rpn, export->rpn_in, "rpn")
      && match_blocks (m, layers, ROLE_BOX, export->box, export->box_in, "bbox")
      && match_blocks (m, layers, ROLE_MASK, export->mask, export->mask_in, "mask")
      && match_blocks (m, layers, ROLE_KEYPOINTS, export->kpts, export->kpts_in, "kpts")
      && match_predictors (m, layers, export);
}

/* --- Tensors ---------------------------------------------------------------------------------- */

/* With gamma 1, mean 0 and variance 1 - ε the norm is the identity plus beta. */
#define FOLDED_VARIANCE ((float) (1 - 1e-5))

static gboolean
add_folded_norm (Weights *weights, Archive *archive, const Pair *pair, GError **error)
{
  static const struct {
    const char *field;
    float value;
  } fields[] = {
    { "weight", 1 },
    { "bias", 0 },
    { "running_mean", 0 },
    { "running_var", FOLDED_VARIANCE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    g_autofree char *name = g_strjoin (".", pair->layer->norm_name, fields[i].field, NULL);
    const gboolean bias = i == 1 && pair->conv->bias != NULL;
    if (bias && !weights_add (weights, name, archive, pair->conv->bias, error))
      return FALSE;
    if (!bias && !weights_add_constant (weights, name, pair->layer->out, fields[i].value, error))
      return FALSE;
  }
  g_autofree char *name = g_strconcat (pair->layer->norm_name, ".num_batches_tracked", NULL);
  return weights_take (weights, name, FBNET_DTYPE_I64, 0, NULL, g_new0 (gint64, 1), sizeof (gint64),
      error);
}

/* The bias went into the norm's when that was folded, so that a layer with both has none left. */
static gboolean
add_layer (Weights *weights, Archive *archive, const Pair *pair, GError **error)
{
  const ConvLayer *layer = pair->layer;
  const gboolean folded = layer->norm.kind == NORM_BATCH;
  g_autofree char *weight = g_strconcat (layer->conv_name, ".weight", NULL);
  g_autofree char *bias = g_strconcat (layer->conv_name, ".bias", NULL);

  if (!weights_add (weights, weight, archive, pair->conv->weight, error))
    return FALSE;
  if (layer->bias && (folded || pair->conv->bias == NULL)) {
    if (!weights_add_constant (weights, bias, layer->out, 0, error))
      return FALSE;
  } else if (layer->bias && !weights_add (weights, bias, archive, pair->conv->bias, error)) {
    return FALSE;
  }
  return !folded || add_folded_norm (weights, archive, pair, error);
}

/* The weights as they are; the bias is the layer's and its norm's together. */
static gboolean
add_int8_layer (Weights *weights, Archive *archive, const Pair *pair, GError **error)
{
  const ConvLayer *layer = pair->layer;
  g_autofree char *bias = g_strconcat (layer->conv_name, ".bias", NULL);

  if (!weights_add_int8 (weights, layer->conv_name, archive, pair->conv->weight, error))
    return FALSE;
  if (pair->conv->bias != NULL)
    return weights_add (weights, bias, archive, pair->conv->bias, error);
  return (!layer->bias && layer->norm.kind == NORM_NONE)
      || weights_add_constant (weights, bias, layer->out, 0, error);
}

static gboolean
add_pair (Weights *weights, Archive *archive, const Pair *pair, gboolean int8, GError **error)
{
  return int8 && runs_in_int8 (pair->layer) ? add_int8_layer (weights, archive, pair, error)
                                            : add_layer (weights, archive, pair, error);
}

static Weights *
make_weights (Archive *archive, const GArray *pairs, gboolean int8, GError **error)
{
  g_autoptr (Weights) weights = weights_new ();

  for (guint i = 0; i < pairs->len; i++)
    if (!add_pair (weights, archive, &g_array_index (pairs, Pair, i), int8, error)) {
      g_prefix_error (error, "%s: ", archive_name (archive));
      return NULL;
    }
  return g_steal_pointer (&weights);
}

/* --- Configs ---------------------------------------------------------------------------------- */

/* The object `quantization`, which takes the activations. Biases count in full unless the user asks
 * for the exporter's saturation. */
static gboolean
add_quantization (Matcher *m, cJSON *description, const char *archive, GError **error)
{
  if (m->unknown != NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: expected scale and zero point of \"%s\", found none in the archive; it can still be "
        "imported as float32",
        archive, m->unknown);
    return FALSE;
  }
  cJSON *quantization = cJSON_AddObjectToObject (description, "quantization");
  cJSON_AddStringToObject (quantization, "scheme", "int8");
  cJSON_AddStringToObject (quantization, "bias", "wide");
  cJSON_AddItemToObject (quantization, "activations", g_steal_pointer (&m->activations));
  return TRUE;
}

/* Takes the description. */
static Imported *
make_import (Archive *archive, Matcher *m, cJSON *description, const char *config, gboolean int8,
    GError **error)
{
  g_autoptr (cJSON) taken = description;

  if (int8 && !add_quantization (m, taken, archive_name (archive), error))
    return NULL;
  Weights *weights = make_weights (archive, m->pairs, int8, error);
  if (weights == NULL)
    return NULL;
  Imported *imported = g_new0 (Imported, 1);
  imported->description = g_steal_pointer (&taken);
  imported->weights = weights;
  imported->source = g_strdup (int8 ? "torchscript-int8" : "torchscript-int8-dequantised");
  imported->config = g_strdup (config);
  return imported;
}

static void
matcher_clear (Matcher *m)
{
  g_array_unref (m->pairs);
  cJSON_Delete (m->activations);
  g_free (m->unknown);
  g_free (m->difference);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Matcher, matcher_clear)

/* The import with this description, or NULL: with `difference` set when the layers are others, else
 * with error. */
static Imported *
try_config (Archive *archive, const TorchScript *export, const cJSON *description,
    const char *config, gboolean int8, char **difference, GError **error)
{
  g_autoptr (cJSON) adapted = cJSON_Duplicate (description, TRUE);
  g_autofree char *from_archive = facts_apply (export, adapted);
  g_autoptr (Layers) layers = fit_layers (adapted, error);

  if (layers == NULL)
    return NULL;
  g_auto (Matcher) m = { g_array_new (FALSE, FALSE, sizeof (Pair)), cJSON_CreateObject () };
  if (!match_layers (&m, layers, export)) {
    *difference = g_steal_pointer (&m.difference);
    return NULL;
  }
  Imported *imported = make_import (archive, &m, g_steal_pointer (&adapted), config, int8, error);
  if (imported != NULL) {
    imported->from_archive = g_steal_pointer (&from_archive);
    imported->wrapper_size = (guint) CLAMP (export->facts.wrapper_size, 0, 100000);
  }
  return imported;
}

static Imported *
try_zoo_config (Archive *archive, const TorchScript *export, const char *config, gboolean int8,
    char **difference, GError **error)
{
  g_autoptr (cJSON) tree = import_zoo_config (config, error);
  g_autoptr (cJSON) description = tree != NULL ? import_describe (tree, config, error) : NULL;

  if (description == NULL)
    return NULL;
  return try_config (archive, export, description, config, int8, difference, error);
}

static Imported *
try_zoo (Archive *archive, const TorchScript *export, gboolean int8, GError **error)
{
  g_auto (GStrv) names = import_zoo_names ();
  g_autoptr (GString) differences = g_string_new (NULL);

  for (guint i = 0; names[i] != NULL; i++) {
    g_autofree char *difference = NULL;
    g_autoptr (GError) failure = NULL;
    Imported *imported = try_zoo_config (archive, export, names[i], int8, &difference, &failure);
    if (imported != NULL)
      return imported;
    if (difference == NULL) {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
    g_string_append_printf (differences, "\n  %s: %s", names[i], difference);
  }
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
      "%s: its layers are those of no config of D2Go's zoo; the first difference of each:%s",
      archive_name (archive), differences->str);
  return NULL;
}

Imported *
torchscript_import (Archive *archive, const cJSON *description, const char *config, gboolean int8,
    GError **error)
{
  g_autoptr (TorchScript) export = archive_has (archive, "bytecode.pkl")
      ? torchscript_read_bytecode (archive, error)
      : torchscript_read_modules (archive, error);

  if (export == NULL)
    return NULL;
  if (description == NULL)
    return try_zoo (archive, export, int8, error);
  g_autofree char *difference = NULL;
  Imported *imported = try_config (archive, export, description, config, int8, &difference, error);
  if (difference != NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: its layers are not those of the config %s: %s", archive_name (archive), config,
        difference);
  return imported;
}
