/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A walk over all blocks and lone layers.
 */
#include "selection.h"

#include "model/quantization.h"

typedef struct {
  Plan *plan;
  const Observations *observations;
  const QuantizerOptions *options;
} Planner;

static guint64
count_weights (const ConvLayer *layer)
{
  return layer->out == 0
      ? 0
      : (guint64) layer->out * (layer->in / layer->groups) * layer->kernel * layer->kernel;
}

static void
add_layer (Planner *p, ConvLayer *layer, const char *input, const char *suffix)
{
  const PlannedLayer planned = { layer, g_strconcat (input, suffix, NULL) };

  layer->quantized = TRUE;
  g_array_append_val (p->plan->layers, planned);
}

static void
add_part (Planner *p, const char *name, const char *reason, guint64 n_weights)
{
  const QuantizerPart part = { g_strdup (name), reason == NULL, reason, n_weights };

  g_array_append_val (p->plan->parts, part);
}

static gboolean
is_kept (const Planner *p, const char *name)
{
  for (guint i = 0; p->options->keep_float != NULL && p->options->keep_float[i] != NULL; i++) {
    if (g_pattern_match_simple (p->options->keep_float[i], name))
      return TRUE;
  }
  return FALSE;
}

/* --- Blocks ----------------------------------------------------------------------------------- */

static const char *
reason_of_block (const Planner *p, const Block *block)
{
  if (is_kept (p, block->name))
    return "asked for";
  if (block->kind == BLOCK_POOL)
    return "it averages whole images";
  if (block->shuffle_groups > 1)
    return "it shuffles channels";
  if (!quantization_can_run_block (block))
    return "its norm depends on each image";
  if (observations_find (p->observations, block->pwl.conv_name) == NULL)
    return "it never ran on these pictures";
  return NULL;
}

/* What the next layer reads behind this one. */
static const char *
output_suffix (const ConvLayer *layer)
{
  return conv_has_table (layer) ? ".act" : "";
}

static void
add_block_layers (Planner *p, Block *block)
{
  const char *input = block->name, *suffix = ".input";
  ConvLayer *const layers[] = { &block->pw, &block->dw, &block->pwl };

  for (guint i = 0; i < G_N_ELEMENTS (layers); i++) {
    ConvLayer *layer = layers[i];
    if (layer->out == 0)
      continue;
    if (layer == &block->pwl && block->se_squeeze.out != 0) {
      input = block->name;
      suffix = ".se";
    }
    add_layer (p, layer, input, suffix);
    input = layer->conv_name;
    suffix = output_suffix (layer);
  }
}

static void
plan_block (Planner *p, Block *block)
{
  const guint64 n_weights =
      count_weights (&block->pw) + count_weights (&block->dw) + count_weights (&block->pwl);

  if (block->kind == BLOCK_SKIP)
    return;
  const char *reason = reason_of_block (p, block);
  add_part (p, block->name, reason, n_weights);
  if (reason == NULL)
    add_block_layers (p, block);
  if (block->se_squeeze.out == 0)
    return;
  g_autofree char *name = g_strconcat (block->name, ".se", NULL);
  add_part (p, name, "it sees one number per channel and picture",
      count_weights (&block->se_squeeze) + count_weights (&block->se_excite));
}

static void
plan_part (Planner *p, Part *part)
{
  for (guint s = 0; part != NULL && s < part->n_stages; s++) {
    for (guint b = 0; b < part->stages[s].n_blocks; b++)
      plan_block (p, &part->stages[s].blocks[b]);
  }
}

/* --- Lone layers ------------------------------------------------------------------------------ */

static const char *
reason_of_layer (const Planner *p, const ConvLayer *layer)
{
  if (is_kept (p, layer->conv_name))
    return "asked for";
  if (layer->transposed)
    return "it is a transposed convolution";
  if (!quantization_can_run_layer (layer))
    return "its norm depends on each image";
  if (observations_find (p->observations, layer->conv_name) == NULL)
    return "it never ran on these pictures";
  return NULL;
}

static void
plan_layer (Planner *p, ConvLayer *layer, const char *input, const char *reason)
{
  if (layer->out == 0)
    return;
  if (reason == NULL)
    reason = reason_of_layer (p, layer);
  add_part (p, layer->conv_name, reason, count_weights (layer));
  if (reason == NULL)
    add_layer (p, layer, input, ".input");
}

static void
plan_fpn (Planner *p, FbnetModel *model)
{
  for (guint i = 0; i < model->description->n_fpn_stages; i++) {
    ConvLayer *const layers[] = { &model->fpn_lateral[i], &model->fpn_output[i] };
    for (guint j = 0; j < G_N_ELEMENTS (layers); j++)
      plan_layer (p, layers[j], layers[j]->conv_name, NULL);
  }
}

/* A predictor's logits and deltas are what the result is made of: in 256 steps they cost accuracy, and
 * their few products are no time won. */
static void
plan_predictor (Planner *p, ConvLayer *layer, const char *input)
{
  plan_layer (p, layer, input, p->options->all ? NULL : "a predictor's steps would show");
}

Plan *
plan_new (FbnetModel *model, const Observations *observations, const QuantizerOptions *options)
{
  Plan *plan = g_new (Plan, 1);
  Planner p = { plan, observations, options };

  plan->parts = g_array_new (FALSE, FALSE, sizeof (QuantizerPart));
  plan->layers = g_array_new (FALSE, FALSE, sizeof (PlannedLayer));
  plan_part (&p, model->trunk);
  plan_fpn (&p, model);
  plan_part (&p, model->rpn);
  plan_predictor (&p, &model->rpn_logits, QUANTIZATION_RPN_INPUT);
  plan_predictor (&p, &model->rpn_deltas, QUANTIZATION_RPN_INPUT);
  plan_part (&p, model->box);
  plan_predictor (&p, &model->cls_score, QUANTIZATION_BOX_INPUT);
  plan_predictor (&p, &model->bbox_pred, QUANTIZATION_BOX_INPUT);
  plan_part (&p, model->mask);
  plan_layer (&p, &model->mask_logits, "", "only one class of it is computed");
  plan_part (&p, model->keypoints);
  plan_part (&p, model->keypoint_block);
  plan_layer (&p, &model->keypoint_logits, "", "it is a head's last layer outside a block");
  plan_predictor (&p, &model->class_logits, QUANTIZATION_CLASS_INPUT);
  return plan;
}

void
plan_free (Plan *plan)
{
  if (plan == NULL)
    return;
  for (guint i = 0; i < plan->parts->len; i++)
    g_free (g_array_index (plan->parts, QuantizerPart, i).name);
  for (guint i = 0; i < plan->layers->len; i++)
    g_free (g_array_index (plan->layers, PlannedLayer, i).input);
  g_array_unref (plan->parts);
  g_array_unref (plan->layers);
  g_free (plan);
}
