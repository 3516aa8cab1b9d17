/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A walk over the layers in the order of execution, to tell each what its bytes mean.
 */
#include "activations.h"

#include "base/memory.h"
#include "fbnet/fbnet.h"

/* --- Layers of int8 --------------------------------------------------------------------------- */

typedef struct {
  ActivationsFunc find;
  gpointer data; /* of find */
  GError **error;
  gboolean failed;
} Resolver;

static void fail (Resolver *r, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
fail (Resolver *r, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  if (!r->failed)
    g_set_error (r->error, FBNET_ERROR, FBNET_ERROR_FORMAT, "quantization: %s", text);
  r->failed = TRUE;
}

/* The norm of a layer with int8 weights is in them and in its bias. A transposed convolution's scales
 * would lie along another axis: its weights stay floats. */
static void
mark_layer (const Safetensors *file, ConvLayer *layer)
{
  if (layer->out == 0 || layer->transposed)
    return;
  g_autofree char *name = g_strconcat (layer->conv_name, ".weight", NULL);
  const FbnetTensorView *view = safetensors_find (file, name);
  if (view == NULL || view->dtype != FBNET_DTYPE_I8)
    return;
  layer->quantized = TRUE;
  if (layer->norm.kind == NORM_BATCH || layer->norm.kind == NORM_FROZEN) {
    layer->norm.kind = NORM_NONE;
    layer->bias = TRUE;
  }
}

static void
mark_layers (Layers *layers, const Safetensors *file)
{
  for (guint i = 0; i < layers->n; i++) {
    const LayerEntry *entry = &layers->entries[i];
    if (entry->conv != NULL)
      mark_layer (file, entry->conv);
    for (guint b = 0; entry->stage != NULL && b < entry->stage->n_blocks; b++) {
      for (guint l = 0; l < N_BLOCK_LAYERS; l++)
        mark_layer (file, &entry->stage->blocks[b].layers[l]);
    }
  }
}

/* --- What the bytes mean ---------------------------------------------------------------------- */

static Quant
find_activation (Resolver *r, const char *layer, const char *suffix, Activation table)
{
  g_autofree char *name = g_strconcat (layer, suffix, NULL);
  const Quant quant = r->find (name, table, r->data);

  if (quant_is_set (quant))
    return quant;
  fail (r, "activations: expected scale and zero_point of \"%s\", found no such activation", name);
  return (Quant){ 1, 0 };
}

static Quant
resolve_layer (Resolver *r, ConvLayer *layer, Quant in)
{
  const gboolean tabled = conv_has_table (layer);

  layer->q_in = in;
  layer->q_sum = layer->q_out =
      find_activation (r, layer->conv_name, "", tabled ? layer->act : ACT_NONE);
  if (tabled)
    layer->q_out = find_activation (r, layer->conv_name, ".act", ACT_NONE);
  return layer->q_out;
}

/* The sum is made with 22-bit factors and a shift of 1 to 30 bits. */
static void
check_add (Resolver *r, const Block *block)
{
  const float ratio = MAX (block->pwl.q_out.scale, block->q_in.scale) / block->q_out.scale;

  if (!(ratio >= 0x1p-9f && ratio < 0x1p+20f))
    fail (r,
        "activations: expected a scale of \"%s.add\" not far from those of its parts, found %g",
        block->name, block->q_out.scale);
}

static void
resolve_irf (Resolver *r, Block *block)
{
  Quant current = block->q_in;

  if (block->pw.out != 0)
    current = resolve_layer (r, &block->pw, current);
  current = resolve_layer (r, &block->dw, current);
  if (block->se_squeeze.out != 0)
    current = block->q_gated = find_activation (r, block->name, ".se", ACT_NONE);
  current = resolve_layer (r, &block->pwl, current);
  if (block->residual) {
    block->q_out = find_activation (r, block->name, ".add", ACT_NONE);
    check_add (r, block);
  } else {
    block->q_out = current;
  }
}

typedef enum {
  LAYERS_FLOAT,
  LAYERS_INT8,
  LAYERS_MIXED,
} LayerKinds;

static LayerKinds
layer_kinds (const Block *block)
{
  const ConvLayer *const layers[] = { &block->pw, &block->dw, &block->pwl };
  guint n = 0, n_quantized = 0;

  for (guint i = 0; i < G_N_ELEMENTS (layers); i++) {
    n += layers[i]->out != 0;
    n_quantized += layers[i]->quantized;
  }
  return n_quantized == 0 ? LAYERS_FLOAT : n_quantized == n ? LAYERS_INT8 : LAYERS_MIXED;
}

gboolean
activations_can_run_block (const Block *block)
{
  const gboolean norms = block->pw.norm.kind == NORM_GROUP || block->dw.norm.kind == NORM_GROUP
      || block->pwl.norm.kind == NORM_GROUP;

  return !norms
      && (block->kind == BLOCK_CONV || (block->kind == BLOCK_IRF && block->shuffle_groups <= 1));
}

gboolean
activations_can_run_layer (const ConvLayer *layer)
{
  return layer->groups <= 1 && !layer->transposed && layer->norm.kind != NORM_GROUP;
}

/* A block that does nothing passes on what it gets. */
static Quant
resolve_block (Resolver *r, Block *block, Quant in)
{
  const LayerKinds kinds = layer_kinds (block);

  if (block->kind == BLOCK_SKIP) {
    block->quantized = quant_is_set (in);
    return block->q_in = block->q_out = in;
  }
  if (kinds == LAYERS_FLOAT)
    return (Quant){ 0 };
  if (kinds == LAYERS_MIXED || !activations_can_run_block (block)) {
    fail (r, "block \"%s\": expected float weights, %s", block->name,
        kinds == LAYERS_MIXED ? "or int8 ones in all its convolutions, found some of each"
                              : "as this kind of block is not run in int8, found int8 ones");
    return in;
  }
  block->quantized = TRUE;
  block->q_in = quant_is_set (in) ? in : find_activation (r, block->name, ".input", ACT_NONE);
  if (block->kind == BLOCK_CONV)
    block->q_out = resolve_layer (r, &block->pwl, block->q_in);
  else
    resolve_irf (r, block);
  return block->q_out;
}

static Quant
resolve_stage (Resolver *r, Stage *stage, Quant in)
{
  for (guint b = 0; b < stage->n_blocks; b++)
    in = resolve_block (r, &stage->blocks[b], in);
  return in;
}

/* A layer outside the blocks gives floats again. */
static void
resolve_conv (Resolver *r, const LayerEntry *entry, Quant in)
{
  ConvLayer *layer = entry->conv;
  const char *input = entry->input != NULL ? entry->input : layer->conv_name;

  if (!layer->quantized || entry->use == USE_PER_CLASS || entry->use == USE_HEATMAPS)
    return;
  if (!activations_can_run_layer (layer))
    fail (r, "layer \"%s\": expected float weights, found int8 ones", layer->conv_name);
  resolve_layer (r, layer, quant_is_set (in) ? in : find_activation (r, input, ".input", ACT_NONE));
}

gboolean
activations_resolve (Layers *layers, ActivationsFunc find, gpointer data, GError **error)
{
  Resolver r = { find, data, error, FALSE };
  g_autofree Quant *outputs = memory_new0 (Quant, layers->n, error); /* of the stages */

  if (outputs == NULL)
    return FALSE;
  for (guint i = 0; i < layers->n; i++) {
    const LayerEntry *entry = &layers->entries[i];
    const Quant in = entry->reads == READS_ENTRY ? outputs[entry->from] : (Quant){ 0 };
    if (entry->stage != NULL)
      outputs[i] = resolve_stage (&r, entry->stage, in);
    else
      resolve_conv (&r, entry, in);
  }
  return !r.failed;
}

/* --- The numbers of the file ------------------------------------------------------------------ */

typedef struct {
  const Quantization *quantization; /* of the description */
  gboolean *used;                   /* of its activations */
} FileActivations;

static Quant
find_in_file (const char *name, Activation table, gpointer data)
{
  const FileActivations *file = data;
  const gint at = quantization_find (file->quantization, name);

  if (at < 0)
    return (Quant){ 0 };
  file->used[at] = TRUE;
  return file->quantization->activations[at].quant;
}

static gboolean
check_names (const FileActivations *file, GError **error)
{
  for (guint i = 0; i < file->quantization->n_activations; i++) {
    if (file->used[i])
      continue;
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "quantization: activations: expected names of what is computed in int8, found \"%s\"",
        file->quantization->activations[i].name);
    return FALSE;
  }
  return TRUE;
}

gboolean
activations_apply (Layers *layers, const Quantization *quantization, const Safetensors *file,
    GError **error)
{
  if (quantization == NULL)
    return TRUE;
  g_autofree gboolean *used = memory_new0 (gboolean, quantization->n_activations, error);
  FileActivations found = { quantization, used };

  if (used == NULL)
    return FALSE;
  mark_layers (layers, file);
  return activations_resolve (layers, find_in_file, &found, error) && check_names (&found, error);
}
