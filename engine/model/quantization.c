/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading the numbers of a quantised model, and walking its layers in the order of execution to tell
 * each what its bytes mean.
 */
#include "quantization.h"

#include "model.h"

/* --- Reading ---------------------------------------------------------------------------------- */

static void
read_activation (Quantization *quantization, JsonReader *activations, const char *name)
{
  static const char *const keys[] = { "scale", "zero_point", NULL };
  g_autofree char *path = g_strdup_printf ("quantization.activations.%s", name);
  JsonReader activation = json_open (activations, name, path, FALSE);

  json_only_keys (&activation, keys);
  const Quant quant = { (float) json_number (&activation, "scale", QUANT_MIN_SCALE, QUANT_MAX_SCALE,
                            NULL),
    (gint32) json_uint (&activation, "zero_point", 0, 255, NULL) };
  activations->failed |= activation.failed;
  g_hash_table_insert (quantization->activations, g_strdup (name),
      g_memdup2 (&quant, sizeof quant));
}

static void
read_activations (Quantization *quantization, JsonReader *reader)
{
  JsonReader activations = json_open (reader, "activations", "quantization.activations", FALSE);
  const cJSON *item;

  for (item = activations.object != NULL ? activations.object->child : NULL;
       item != NULL && !activations.failed; item = item->next)
    read_activation (quantization, &activations, item->string);
  reader->failed |= activations.failed;
}

Quantization *
quantization_read (JsonReader *top)
{
  static const char *const keys[] = { "scheme", "bias", "activations", NULL };
  JsonReader reader = json_open (top, "quantization", "quantization", TRUE);

  if (reader.object == NULL)
    return NULL;
  Quantization *quantization = g_new0 (Quantization, 1);
  quantization->activations = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  json_only_keys (&reader, keys);
  if (g_strcmp0 (json_string (&reader, "scheme", FALSE), "int8") != 0)
    json_fail (&reader, "scheme", "\"int8\"");
  const char *bias = json_string (&reader, "bias", TRUE);
  quantization->exact_bias = g_strcmp0 (bias, "exact") == 0;
  if (bias != NULL && !quantization->exact_bias && g_strcmp0 (bias, "wide") != 0)
    json_fail (&reader, "bias", "\"wide\" or \"exact\"");
  read_activations (quantization, &reader);
  top->failed |= reader.failed;
  if (reader.failed)
    g_clear_pointer (&quantization, quantization_free);
  return quantization;
}

void
quantization_free (Quantization *quantization)
{
  if (quantization == NULL)
    return;
  g_hash_table_unref (quantization->activations);
  g_free (quantization);
}

/* --- Layers of int8 --------------------------------------------------------------------------- */

typedef struct {
  FbnetModel *model;
  QuantizationFunc find;
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
mark_layer (const FbnetModel *model, ConvLayer *layer)
{
  if (layer->out == 0 || layer->transposed)
    return;
  g_autofree char *name = g_strconcat (layer->conv_name, ".weight", NULL);
  const FbnetTensorView *view = safetensors_find (model->file, name);
  if (view == NULL || view->dtype != FBNET_DTYPE_I8)
    return;
  layer->quantized = TRUE;
  if (layer->norm.kind == NORM_BATCH || layer->norm.kind == NORM_FROZEN) {
    layer->norm.kind = NORM_NONE;
    layer->bias = TRUE;
  }
}

static void
mark_part (const FbnetModel *model, Part *part)
{
  for (guint s = 0; part != NULL && s < part->n_stages; s++) {
    for (guint b = 0; b < part->stages[s].n_blocks; b++) {
      Block *block = &part->stages[s].blocks[b];
      mark_layer (model, &block->pw);
      mark_layer (model, &block->dw);
      mark_layer (model, &block->se_squeeze);
      mark_layer (model, &block->se_excite);
      mark_layer (model, &block->pwl);
    }
  }
}

static void
mark_layers (FbnetModel *model)
{
  ConvLayer *const lone[] = { &model->rpn_logits, &model->rpn_deltas, &model->cls_score,
    &model->bbox_pred, &model->mask_logits, &model->keypoint_logits, &model->class_logits };

  mark_part (model, model->trunk);
  mark_part (model, model->rpn);
  mark_part (model, model->box);
  mark_part (model, model->mask);
  mark_part (model, model->keypoints);
  mark_part (model, model->keypoint_block);
  for (guint i = 0; i < MAX_LEVELS; i++) {
    mark_layer (model, &model->fpn_lateral[i]);
    mark_layer (model, &model->fpn_output[i]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (lone); i++)
    mark_layer (model, lone[i]);
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
quantization_can_run_block (const Block *block)
{
  const gboolean norms = block->pw.norm.kind == NORM_GROUP || block->dw.norm.kind == NORM_GROUP
      || block->pwl.norm.kind == NORM_GROUP;

  return !norms
      && (block->kind == BLOCK_CONV || (block->kind == BLOCK_IRF && block->shuffle_groups <= 1));
}

gboolean
quantization_can_run_layer (const ConvLayer *layer)
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
  if (kinds == LAYERS_MIXED || !quantization_can_run_block (block)) {
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
resolve_part (Resolver *r, Part *part, Quant in)
{
  for (guint s = 0; part != NULL && s < part->n_stages; s++) {
    for (guint b = 0; b < part->stages[s].n_blocks; b++)
      in = resolve_block (r, &part->stages[s].blocks[b], in);
  }
  return in;
}

/* A layer outside the blocks; `input` is the name of what it reads when that is floats. */
static void
resolve_lone (Resolver *r, ConvLayer *layer, Quant in, const char *input)
{
  if (layer->out == 0 || !layer->quantized)
    return;
  if (!quantization_can_run_layer (layer))
    fail (r, "layer \"%s\": expected float weights, found int8 ones", layer->conv_name);
  resolve_layer (r, layer, quant_is_set (in) ? in : find_activation (r, input, ".input", ACT_NONE));
}

/* Laterals are summed as floats. */
static void
resolve_fpn (Resolver *r)
{
  const Quant floats = { 0 };

  for (guint i = 0; i < r->model->description->n_fpn_stages; i++) {
    ConvLayer *lateral = &r->model->fpn_lateral[i], *output = &r->model->fpn_output[i];
    resolve_lone (r, lateral, floats, lateral->conv_name);
    resolve_lone (r, output, floats, output->conv_name);
  }
}

/* Parts read floats: the picture, features, and what ROIAlign makes of them. */
static void
resolve_detector (Resolver *r)
{
  FbnetModel *model = r->model;
  const Quant floats = { 0 };

  resolve_part (r, model->trunk, floats);
  resolve_fpn (r);
  const Quant rpn = resolve_part (r, model->rpn, floats);
  resolve_lone (r, &model->rpn_logits, rpn, QUANTIZATION_RPN_INPUT);
  resolve_lone (r, &model->rpn_deltas, rpn, QUANTIZATION_RPN_INPUT);
  resolve_part (r, model->box, floats);
  resolve_lone (r, &model->cls_score, floats, QUANTIZATION_BOX_INPUT);
  resolve_lone (r, &model->bbox_pred, floats, QUANTIZATION_BOX_INPUT);
  resolve_part (r, model->mask, floats);
  resolve_part (r, model->keypoint_block, resolve_part (r, model->keypoints, floats));
}

/* The average over the trunk's output is of floats. */
static void
resolve_classifier (Resolver *r)
{
  const Quant floats = { 0 };

  resolve_part (r, r->model->trunk, floats);
  resolve_lone (r, &r->model->class_logits, floats, QUANTIZATION_CLASS_INPUT);
}

gboolean
quantization_resolve (FbnetModel *model, QuantizationFunc find, gpointer data, GError **error)
{
  Resolver r = { model, find, data, error, FALSE };

  if (model->description->task == FBNET_TASK_DETECTION)
    resolve_detector (&r);
  else
    resolve_classifier (&r);
  return !r.failed;
}

/* --- The numbers of the file ------------------------------------------------------------------ */

typedef struct {
  GHashTable *activations; /* of the description */
  GHashTable *used;        /* names of them */
} FileActivations;

static Quant
find_in_file (const char *name, Activation table, gpointer data)
{
  const FileActivations *file = data;
  const Quant *quant = g_hash_table_lookup (file->activations, name);

  if (quant == NULL)
    return (Quant){ 0 };
  g_hash_table_add (file->used, g_strdup (name));
  return *quant;
}

static gboolean
check_names (const FileActivations *file, GError **error)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, file->activations);
  while (g_hash_table_iter_next (&iter, &name, NULL)) {
    if (g_hash_table_contains (file->used, name))
      continue;
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "quantization: activations: expected names of what is computed in int8, found \"%s\"",
        (const char *) name);
    return FALSE;
  }
  return TRUE;
}

gboolean
quantization_apply (FbnetModel *model, GError **error)
{
  const Quantization *quantization = model->description->quantization;

  if (quantization == NULL)
    return TRUE;
  g_autoptr (GHashTable) used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  FileActivations file = { quantization->activations, used };

  mark_layers (model);
  return quantization_resolve (model, find_in_file, &file, error) && check_names (&file, error);
}
