/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A walk over the list of layers with the sizes of the maps that they run on; see costs.h.
 */
#include "costs.h"

/* The largest detector of the family takes 120 at its own size, the largest classifier 500. */
#define USUAL_LIMIT 1000

#define THOUSAND_MILLION G_GUINT64_CONSTANT (1000000000)

typedef struct {
  gsize height, width;
} Size;

/* The feature maps that an entry runs on: one, or one per level for the FPN's shared RPN head. */
typedef struct {
  guint n;
  Size sizes[MAX_LEVELS];
} Maps;

typedef struct {
  const Description *d;
  const Layers *layers;
  const FbnetParams *params;
  Size input;
  CostFunc func;
  gpointer data;
  Maps outputs[MAX_LAYER_ENTRIES];
  guint runs[MAX_LAYER_ENTRIES];
  guint64 sum;
} Walk;

/* *sum += a × b × c × d */
static void
add_product (guint64 *sum, guint64 a, guint64 b, guint64 c, guint64 d)
{
  guint64 product;

  if (!g_uint64_checked_mul (&product, a, b) || !g_uint64_checked_mul (&product, product, c)
      || !g_uint64_checked_mul (&product, product, d) || !g_uint64_checked_add (sum, *sum, product))
    *sum = G_MAXUINT64;
}

/* --- One layer, one block --------------------------------------------------------------------- */

/* Maps become the layer's output. A transposed convolution doubles the map, and every pixel it reads
 * meets every weight. */
static void
add_layer (Cost *cost, Maps *maps, const ConvLayer *layer, guint upsample)
{
  if (layer->out == 0)
    return;
  const guint64 weights =
      (guint64) layer->out * (layer->in / layer->groups) * layer->kernel * layer->kernel;
  for (guint i = 0; i < maps->n; i++) {
    Size *size = &maps->sizes[i];
    const Size in = *size;
    if (layer->transposed)
      *size = (Size){ 2 * in.height, 2 * in.width };
    else
      *size = (Size){ arch_conv_output (in.height, layer, upsample),
        arch_conv_output (in.width, layer, upsample) };
    const Size at = layer->transposed ? in : *size;
    add_product (&cost->multiply_adds, weights, at.height, at.width, 1);
  }
  cost->channels = layer->out;
  cost->parameters += arch_conv_parameters (layer);
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
add_block_layers (Cost *cost, Maps *maps, const Block *block)
{
  Maps mean = pooled_maps (maps->n, 1);

  add_layer (cost, maps, &block->pw, 1);
  add_layer (cost, maps, &block->dw, block->upsample);
  add_layer (cost, &mean, &block->se_squeeze, 1);
  add_layer (cost, &mean, &block->se_excite, 1);
  if (block->kind == BLOCK_POOL)
    *maps = mean;
  add_layer (cost, maps, &block->pwl, 1);
  if (block->kind == BLOCK_CONV)
    upsample_maps (maps, block->upsample);
}

/* One without a layer is passed over. */
static void
tell (Walk *walk, Cost *cost, const Maps *maps)
{
  if (cost->channels == 0)
    return;
  cost->height = maps->sizes[0].height;
  cost->width = maps->sizes[0].width;
  add_product (&walk->sum, cost->multiply_adds, cost->runs, 1, 1);
  if (walk->func != NULL)
    walk->func (cost, walk->data);
}

/* --- One entry -------------------------------------------------------------------------------- */

/* The last level of a pyramid is every second pixel of the one before. */
static Size
feature_size (const Walk *walk, guint feature)
{
  const Role role = walk->d->has_fpn ? ROLE_FPN_OUTPUT : ROLE_TRUNK;
  const LayerEntry *entry = layers_find (walk->layers, role, feature);

  if (entry != NULL)
    return walk->outputs[entry - walk->layers->entries].sizes[0];
  const Size below = feature_size (walk, feature - 1);
  return (Size){ (below.height + 1) / 2, (below.width + 1) / 2 };
}

static Maps
feature_maps (const Walk *walk)
{
  Maps maps = { .n = walk->d->n_levels };

  for (guint i = 0; i < maps.n; i++)
    maps.sizes[i] = feature_size (walk, walk->d->rpn_features[i]);
  return maps;
}

/* What the entry reads, and how often per frame it runs at most. */
static Maps
input_maps (const Walk *walk, const LayerEntry *entry, guint *runs)
{
  RoiSpec rois;

  *runs = 1;
  switch (entry->reads) {
    case READS_PICTURE:
      return (Maps){ 1, { walk->input } };
    case READS_FEATURE:
      return walk->outputs[entry->from];
    case READS_ENTRY:
      *runs = walk->runs[entry->from];
      return walk->outputs[entry->from];
    case READS_MEAN:
      *runs = walk->runs[entry->from];
      return pooled_maps (1, 1);
    case READS_RPN_FEATURES:
      return feature_maps (walk);
    case READS_ROIS:
      rois = entry->rois (walk->d, walk->params);
      *runs = rois.n;
      return pooled_maps (1, rois.side);
  }
  g_assert_not_reached ();
}

static void
add_entry (Walk *walk, guint index)
{
  const LayerEntry *entry = &walk->layers->entries[index];
  Maps *maps = &walk->outputs[index];

  *maps = input_maps (walk, entry, &walk->runs[index]);
  for (guint b = 0; entry->stage != NULL && b < entry->stage->n_blocks; b++) {
    const Block *block = &entry->stage->blocks[b];
    Cost cost = { .entry = entry, .block = block, .runs = walk->runs[index] };
    add_block_layers (&cost, maps, block);
    tell (walk, &cost, maps);
  }
  if (entry->conv != NULL) {
    Cost cost = { .entry = entry, .runs = walk->runs[index] };
    if (entry->upsample)
      upsample_maps (maps, 2);
    add_layer (&cost, maps, entry->conv, 1);
    tell (walk, &cost, maps);
  }
}

guint64
costs_of_frame (const Description *description, const Layers *layers, gsize height, gsize width,
    const FbnetParams *params, CostFunc func, gpointer data)
{
  Walk walk = { .d = description,
    .layers = layers,
    .params = params,
    .input = { height, width },
    .func = func,
    .data = data };

  for (guint i = 0; i < layers->n; i++)
    add_entry (&walk, i);
  return walk.sum;
}

guint64
costs_limit (const FbnetDetectorOptions *options)
{
  const guint wanted = options->multiply_add_limit;

  return THOUSAND_MILLION * (wanted != 0 ? wanted : USUAL_LIMIT);
}

gboolean
costs_check (guint64 limit, const Description *description, const Layers *layers, gsize height,
    gsize width, const FbnetParams *params, GError **error)
{
  const guint64 needed = costs_of_frame (description, layers, height, width, params, NULL, NULL);

  if (needed <= limit)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_WORK,
      "network input of %" G_GSIZE_FORMAT " × %" G_GSIZE_FORMAT
      ": expected at most %" G_GUINT64_FORMAT
      " thousand million multiply-adds (multiply-add-limit), found a need of %.4g",
      width, height, limit / THOUSAND_MILLION, (double) needed / THOUSAND_MILLION);
  return FALSE;
}
