/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A walk over all blocks and lone layers.
 */
#include "selection.h"

#include "model/activations.h"

typedef struct {
  Selection *selection;
  const Observations *observations;
  const QuantizerOptions *options;
} Selector;

static guint64
count_weights (const ConvLayer *layer)
{
  return layer->out == 0
      ? 0
      : (guint64) layer->out * (layer->in / layer->groups) * layer->kernel * layer->kernel;
}

static void
add_layer (Selector *s, ConvLayer *layer, char *input)
{
  const SelectedLayer selected = { layer, input };

  layer->quantized = TRUE;
  g_array_append_val (s->selection->layers, selected);
}

static void
add_part (Selector *s, const char *name, const char *reason, guint64 n_weights)
{
  const QuantizerPart part = { g_strdup (name), reason == NULL, reason, n_weights };

  g_array_append_val (s->selection->parts, part);
}

static gboolean
is_kept (const Selector *s, const char *name)
{
  for (guint i = 0; s->options->keep_float != NULL && s->options->keep_float[i] != NULL; i++) {
    if (g_pattern_match_simple (s->options->keep_float[i], name))
      return TRUE;
  }
  return FALSE;
}

/* --- Blocks ----------------------------------------------------------------------------------- */

static const char *
reason_of_block (const Selector *s, const Block *block)
{
  if (is_kept (s, block->name))
    return "asked for";
  if (block->kind == BLOCK_POOL)
    return "it averages whole images";
  if (block->shuffle_groups > 1)
    return "it shuffles channels";
  if (!activations_can_run_block (block))
    return "its norm depends on each image";
  if (observations_find (s->observations, block->pwl.conv_name) == NULL)
    return "it never ran on these pictures";
  return NULL;
}

static void
add_block_layers (Selector *s, Block *block)
{
  ConvLayer *const layers[] = { &block->pw, &block->dw, &block->pwl };

  for (guint i = 0; i < G_N_ELEMENTS (layers); i++) {
    if (layers[i]->out != 0)
      add_layer (s, layers[i], g_strdup (layers[i]->input_name));
  }
}

static void
select_block (Selector *s, Block *block)
{
  const guint64 n_weights =
      count_weights (&block->pw) + count_weights (&block->dw) + count_weights (&block->pwl);

  if (block->kind == BLOCK_SKIP)
    return;
  const char *reason = reason_of_block (s, block);
  add_part (s, block->name, reason, n_weights);
  if (reason == NULL)
    add_block_layers (s, block);
  if (block->se_squeeze.out == 0)
    return;
  g_autofree char *name = g_strconcat (block->name, ".se", NULL);
  add_part (s, name, "it sees one number per channel and picture",
      count_weights (&block->se_squeeze) + count_weights (&block->se_excite));
}

/* --- Lone layers ------------------------------------------------------------------------------ */

/* A predictor's logits and deltas are what the result is made of: in 256 steps they cost accuracy, and
 * their few products are no time won. */
static const char *
reason_of_use (const Selector *s, Use use)
{
  switch (use) {
    case USE_PLAIN:
      return NULL;
    case USE_PREDICTOR:
      return s->options->all ? NULL : "a predictor's steps would show";
    case USE_PER_CLASS:
      return "only one class of it is computed";
    case USE_HEATMAPS:
      return "it is a head's last layer outside a block";
  }
  g_assert_not_reached ();
}

static const char *
reason_of_layer (const Selector *s, const LayerEntry *entry)
{
  const ConvLayer *layer = entry->conv;

  if (reason_of_use (s, entry->use) != NULL)
    return reason_of_use (s, entry->use);
  if (is_kept (s, layer->conv_name))
    return "asked for";
  if (layer->transposed)
    return "it is a transposed convolution";
  if (!activations_can_run_layer (layer))
    return "its norm depends on each image";
  if (observations_find (s->observations, layer->conv_name) == NULL)
    return "it never ran on these pictures";
  return NULL;
}

static void
select_layer (Selector *s, const LayerEntry *entry)
{
  const char *reason = reason_of_layer (s, entry);
  const char *input = entry->input != NULL ? entry->input : entry->conv->conv_name;

  add_part (s, entry->conv->conv_name, reason, count_weights (entry->conv));
  if (reason == NULL)
    add_layer (s, entry->conv, g_strconcat (input, ".input", NULL));
}

/* --- The list --------------------------------------------------------------------------------- */

Selection *
selection_new (FbnetModel *model, const Observations *observations, const QuantizerOptions *options)
{
  Selection *selection = g_new (Selection, 1);
  Selector s = { selection, observations, options };

  selection->parts = g_array_new (FALSE, FALSE, sizeof (QuantizerPart));
  selection->layers = g_array_new (FALSE, FALSE, sizeof (SelectedLayer));
  for (guint i = 0; i < model->layers->n; i++) {
    const LayerEntry *entry = &model->layers->entries[i];
    for (guint b = 0; entry->stage != NULL && b < entry->stage->n_blocks; b++)
      select_block (&s, &entry->stage->blocks[b]);
    if (entry->conv != NULL)
      select_layer (&s, entry);
  }
  return selection;
}

void
selection_free (Selection *selection)
{
  if (selection == NULL)
    return;
  for (guint i = 0; i < selection->parts->len; i++)
    g_free (g_array_index (selection->parts, QuantizerPart, i).name);
  for (guint i = 0; i < selection->layers->len; i++)
    g_free (g_array_index (selection->layers, SelectedLayer, i).input);
  g_array_unref (selection->parts);
  g_array_unref (selection->layers);
  g_free (selection);
}
