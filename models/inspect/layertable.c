/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A walk over the engine's list of layers with the sizes of the maps they run on; see layertable.h.
 */
#include "layertable.h"

#include "model/model.h"

typedef struct {
  guint height, width;
} Size;

/* The feature maps that an entry runs on: one, or one per level for the FPN's shared RPN head. */
typedef struct {
  guint n;
  Size sizes[MAX_LEVELS];
} Maps;

typedef struct {
  const Description *d;
  const Layers *layers;
  LayerTable *table;
  Maps *outputs; /* of each entry */
} Builder;

/* --- One layer, one block --------------------------------------------------------------------- */

/* Maps become the layer's output. A transposed convolution doubles the map, and every pixel it reads
 * meets every weight. */
static void
add_layer (LayerRow *row, Maps *maps, const ConvLayer *layer, guint upsample)
{
  const guint64 weights =
      (guint64) layer->out * (layer->in / layer->groups) * layer->kernel * layer->kernel;

  if (layer->out == 0)
    return;
  for (guint i = 0; i < maps->n; i++) {
    Size *size = &maps->sizes[i];
    const Size in = *size;
    if (layer->transposed)
      *size = (Size){ 2 * in.height, 2 * in.width };
    else
      *size = (Size){ (guint) arch_conv_output (in.height, layer, upsample),
        (guint) arch_conv_output (in.width, layer, upsample) };
    const Size at = layer->transposed ? in : *size;
    row->multiply_adds += weights * at.height * at.width;
  }
  row->channels = layer->out;
  row->parameters += arch_conv_parameters (layer);
}

static Maps
pooled_maps (guint n, guint side)
{
  Maps maps = { .n = n };

  for (guint i = 0; i < n; i++)
    maps.sizes[i] = (Size){ side, side };
  return maps;
}

static void
upsample_maps (Maps *maps, guint factor)
{
  for (guint i = 0; i < maps->n; i++) {
    maps->sizes[i].height *= factor;
    maps->sizes[i].width *= factor;
  }
}

/* Squeeze and excite, and ir_pool's projection, work on the mean of each map. */
static void
add_block_layers (LayerRow *row, Maps *maps, const Block *block)
{
  Maps mean = pooled_maps (maps->n, 1);

  add_layer (row, maps, &block->pw, 1);
  add_layer (row, maps, &block->dw, block->upsample);
  add_layer (row, &mean, &block->se_squeeze, 1);
  add_layer (row, &mean, &block->se_excite, 1);
  if (block->kind == BLOCK_POOL)
    *maps = mean;
  add_layer (row, maps, &block->pwl, 1);
  if (block->kind == BLOCK_CONV)
    upsample_maps (maps, block->upsample);
}

/* Takes the row; one without a layer is dropped. */
static void
add_row (Builder *builder, LayerRow row, const char *name, const char *op, const Maps *maps)
{
  if (row.channels == 0)
    return;
  row.name = g_strdup (name);
  row.op = g_strdup (op);
  row.height = maps->sizes[0].height;
  row.width = maps->sizes[0].width;
  builder->table->multiply_adds += row.multiply_adds * row.runs;
  g_array_append_val (builder->table->rows, row);
}

/* --- One entry -------------------------------------------------------------------------------- */

/* The last level of a pyramid is every second pixel of the one before. */
static Size
feature_size (const Builder *builder, guint feature)
{
  const Role role = builder->d->has_fpn ? ROLE_FPN_OUTPUT : ROLE_TRUNK;
  const LayerEntry *entry = layers_find (builder->layers, role, feature);

  if (entry != NULL)
    return builder->outputs[entry - builder->layers->entries].sizes[0];
  const Size below = feature_size (builder, feature - 1);
  return (Size){ (below.height + 1) / 2, (below.width + 1) / 2 };
}

static Maps
feature_maps (const Builder *builder)
{
  Maps maps = { .n = builder->d->n_levels };

  for (guint i = 0; i < maps.n; i++)
    maps.sizes[i] = feature_size (builder, builder->d->rpn_features[i]);
  return maps;
}

/* What the entry reads, and how often per frame it runs at most. */
static Maps
input_maps (const Builder *builder, const LayerEntry *entry, guint *runs)
{
  const Description *d = builder->d;
  const LayerTable *table = builder->table;

  switch (entry->reads) {
    case READS_PICTURE:
      return (Maps){ 1, { { table->input_height, table->input_width } } };
    case READS_ENTRY:
    case READS_FEATURE:
      return builder->outputs[entry->from];
    case READS_MEAN:
      return pooled_maps (1, 1);
    case READS_RPN_FEATURES:
      return feature_maps (builder);
    case READS_BOX_ROIS:
      *runs = d->params.post_nms_count;
      return pooled_maps (1, d->params.box_pooler_resolution);
    case READS_MASK_ROIS:
      *runs = d->params.max_detections;
      return pooled_maps (1, d->params.mask_pooler_resolution);
    case READS_KEYPOINT_ROIS:
      *runs = d->params.max_detections;
      return pooled_maps (1, d->keypoint_resolution);
  }
  g_assert_not_reached ();
}

static const char *
conv_op (const LayerEntry *entry)
{
  return entry->reads == READS_MEAN ? "linear" : "conv";
}

/* `runs`: of the entry that this one goes on from. */
static guint
add_entry (Builder *builder, const LayerEntry *entry, guint runs)
{
  Maps *maps = &builder->outputs[entry - builder->layers->entries];

  *maps = input_maps (builder, entry, &runs);
  for (guint b = 0; entry->stage != NULL && b < entry->stage->n_blocks; b++) {
    const Block *block = &entry->stage->blocks[b];
    LayerRow row = { .runs = runs };
    add_block_layers (&row, maps, block);
    add_row (builder, row, block->name, block->op, maps);
  }
  if (entry->conv != NULL) {
    LayerRow row = { .runs = runs };
    if (entry->role == ROLE_KEYPOINT_LOGITS && !entry->conv->transposed)
      upsample_maps (maps, 2); /* KEYPOINTS_CONV_UPSAMPLE */
    add_layer (&row, maps, entry->conv, 1);
    add_row (builder, row, entry->conv->conv_name, conv_op (entry), maps);
  }
  return runs;
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

LayerTable *
layer_table_new (const FbnetModel *model)
{
  const Description *d = model->description;
  const Layers *layers = model->layers;
  LayerTable *table = g_new0 (LayerTable, 1);
  g_autofree Maps *outputs = g_new0 (Maps, layers->n);
  g_autofree guint *runs = g_new (guint, layers->n);
  Builder builder = { d, layers, table, outputs };

  table->rows = g_array_new (FALSE, FALSE, sizeof (LayerRow));
  g_array_set_clear_func (table->rows, clear_row);
  if (d->task == FBNET_TASK_DETECTION) {
    table->input_height = round_up (d->params.min_size, d->size_divisibility);
    table->input_width = round_up (d->params.max_size, d->size_divisibility);
  } else {
    table->input_height = table->input_width = d->crop;
  }
  for (guint i = 0; i < layers->n; i++) {
    const LayerEntry *entry = &layers->entries[i];
    const gboolean goes_on = entry->reads == READS_ENTRY || entry->reads == READS_MEAN;
    runs[i] = add_entry (&builder, entry, goes_on ? runs[entry->from] : 1);
  }
  return table;
}

void
layer_table_free (LayerTable *table)
{
  if (table == NULL)
    return;
  g_array_unref (table->rows);
  g_free (table);
}
