/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The model that training begins with.
 */
#include "startweights.h"

#include <math.h>
#include <string.h>

#include "import/d2go/fit.h"
#include "model/model.h"
#include "model/safetensors.h"
#include "train/randomkey.h"
#include "support/jsonfile.h"

/* Which of the source's classes each class is. */
typedef struct {
  guint n, n_source;
  gint *from;    /* n; -1: none */
  gboolean same; /* all of them, each at its place */
} ClassMap;

typedef struct {
  GHashTable *source; /* name → FbnetTensorView */
  GHashTable
      *trunk; /* prefix of a layer's tensors → that of the source's layer at the same place */
  Weights *weights; /* what is written */
  guint64 seed;
  ClassMap classes;
  gboolean agnostic_boxes, agnostic_masks;
  StartTaken *taken;
  GError *error;
} StartWeights;

/* --- Description ------------------------------------------------------------------------------ */

static void
set_item (cJSON *object, const char *key, cJSON *item)
{
  cJSON_DeleteItemFromObjectCaseSensitive (object, key);
  cJSON_AddItemToObject (object, key, item);
}

/* What knows how many classes there are: of a detector, or of a classifier. */
static cJSON *
class_head (const cJSON *description)
{
  cJSON *heads = cJSON_GetObjectItemCaseSensitive (description, "roi_heads");

  return heads != NULL ? heads : cJSON_GetObjectItemCaseSensitive (description, "head");
}

void
start_set_classes (cJSON *description, const char *const *labels, const gint64 *ids,
    guint n_classes)
{
  cJSON *head = class_head (description);
  cJSON *names = cJSON_CreateArray (), *numbers = cJSON_CreateArray ();

  for (guint i = 0; i < n_classes; i++) {
    cJSON_AddItemToArray (names, cJSON_CreateString (labels[i]));
    cJSON_AddItemToArray (numbers, cJSON_CreateNumber (ids != NULL ? (double) ids[i] : i + 1.0));
  }
  set_item (description, "labels", names);
  if (cJSON_HasObjectItem (description, "roi_heads"))
    set_item (description, "category_ids", numbers);
  else
    cJSON_Delete (numbers);
  if (head != NULL)
    set_item (head, "n_classes", cJSON_CreateNumber (n_classes));
}

void
start_set_norm (cJSON *description, const char *norm, guint n_groups)
{
  cJSON *architecture = cJSON_GetObjectItemCaseSensitive (description, "architecture");
  cJSON *item = cJSON_CreateObject ();

  cJSON_AddStringToObject (item, "name", norm);
  if (n_groups > 0)
    cJSON_AddNumberToObject (item, "num_groups", n_groups);
  if (architecture != NULL)
    set_item (architecture, "norm", item);
  else
    cJSON_Delete (item);
}

/* --- Classes ---------------------------------------------------------------------------------- */

void
start_taken_clear (StartTaken *taken)
{
  g_clear_pointer (&taken->fresh, g_ptr_array_unref);
  g_clear_pointer (&taken->kept, g_ptr_array_unref);
}

static gint
find_label (const FbnetModel *source, const char *label)
{
  for (guint i = 0; i < fbnet_model_get_n_classes (source); i++) {
    if (g_strcmp0 (fbnet_model_get_label (source, i), label) == 0)
      return (gint) i;
  }
  return -1;
}

/* Without names on one side only the places are left to go by. */
static ClassMap
map_classes (const cJSON *description, const FbnetModel *source, StartTaken *taken)
{
  const cJSON *labels = cJSON_GetObjectItemCaseSensitive (description, "labels");
  const cJSON *count = cJSON_GetObjectItemCaseSensitive (class_head (description), "n_classes");
  const guint n_labels = (guint) cJSON_GetArraySize (labels);
  ClassMap map = { .n = n_labels > 0 ? n_labels : (guint) cJSON_GetNumberValue (count) };

  map.n_source = source != NULL ? fbnet_model_get_n_classes (source) : 0;
  map.from = g_new (gint, map.n);
  map.same = map.n == map.n_source;
  taken->by_number =
      map.same && map.n > 0 && (n_labels == 0 || fbnet_model_get_label (source, 0) == NULL);
  for (guint i = 0; i < map.n; i++) {
    const char *label = cJSON_GetStringValue (cJSON_GetArrayItem (labels, (int) i));
    map.from[i] = taken->by_number        ? (gint) i
        : source != NULL && label != NULL ? find_label (source, label)
                                          : -1;
    map.same = map.same && map.from[i] == (gint) i;
  }
  for (guint i = 0; i < map.n && !map.same; i++) {
    if (map.from[i] >= 0)
      g_ptr_array_add (taken->kept,
          g_strdup (cJSON_GetStringValue (cJSON_GetArrayItem (labels, (int) i))));
  }
  return map;
}

/* --- Tensors ---------------------------------------------------------------------------------- */

/* By the tensor's own name, or else by that which the source has for the layer. */
static const FbnetTensorView *
look_up (const StartWeights *self, const char *prefix, const char *field)
{
  g_autofree char *name = g_strconcat (prefix, ".", field, NULL);
  const FbnetTensorView *view = g_hash_table_lookup (self->source, name);
  const char *other = g_hash_table_lookup (self->trunk, prefix);

  if (view != NULL || other == NULL)
    return view;
  g_autofree char *other_name = g_strconcat (other, ".", field, NULL);
  return g_hash_table_lookup (self->source, other_name);
}

/* The source's tensor, if it is one of numbers. */
static const FbnetTensorView *
find_numbers (const StartWeights *self, const char *prefix, const char *field, guint n_dims)
{
  const FbnetTensorView *view = self->source != NULL ? look_up (self, prefix, field) : NULL;

  return view != NULL && (view->dtype == FBNET_DTYPE_F32 || view->dtype == FBNET_DTYPE_F16)
          && view->n_dims == n_dims
      ? view
      : NULL;
}

/* The same, if it is of this shape. */
static const FbnetTensorView *
find_source (const StartWeights *self, const char *prefix, const char *field, guint n_dims,
    const gsize *shape)
{
  const FbnetTensorView *view = find_numbers (self, prefix, field, n_dims);

  return view != NULL && memcmp (view->shape, shape, n_dims * sizeof *shape) == 0 ? view : NULL;
}

/* Numbers by the tensor's own name: what else the model has does not show. Normally distributed around
 * `mean`. */
static void
fill (const StartWeights *self, const char *name, float *values, gsize n, double mean,
    double deviation)
{
  const RandomKey key = random_key_part (random_key_new (self->seed), g_str_hash (name));

  for (gsize i = 0; i < n; i++)
    values[i] = (float) (mean + (deviation > 0 ? deviation * random_key_normal (key, i) : 0));
}

static void
copy_row (float *values, const FbnetTensorView *view, gsize to, gsize from, gsize row)
{
  for (gsize i = 0; i < row; i++)
    values[to * row + i] = tensor_element (view, from * row + i);
}

/* Takes over what belongs to the classes that the source knows by name, `rows` of the first dimension
 * each, and what stands behind all classes: the background. FALSE: nothing fits. */
static gboolean
copy_classes (const StartWeights *self, const char *prefix, const char *field, float *values,
    guint n_dims, const gsize *shape, guint rows)
{
  const ClassMap *map = &self->classes;
  const FbnetTensorView *view = find_numbers (self, prefix, field, n_dims);
  const gsize n_behind = shape[0] - (gsize) map->n * rows;
  gsize row = 1;

  if (view == NULL || self->taken->kept->len == 0
      || view->shape[0] != (gsize) map->n_source * rows + n_behind)
    return FALSE;
  for (guint i = 1; i < n_dims; i++) {
    if (view->shape[i] != shape[i])
      return FALSE;
    row *= shape[i];
  }
  for (guint i = 0; i < map->n; i++) {
    for (guint r = 0; r < rows && map->from[i] >= 0; r++)
      copy_row (values, view, (gsize) i * rows + r, (gsize) map->from[i] * rows + r, row);
  }
  for (gsize r = 0; r < n_behind; r++)
    copy_row (values, view, (gsize) map->n * rows + r, (gsize) map->n_source * rows + r, row);
  return TRUE;
}

/* `rows` of the first dimension belong to each class; 0: it knows no classes. */
static void
add_tensor (StartWeights *self, const char *prefix, const char *field, guint n_dims,
    const gsize *shape, double mean, double deviation, guint rows)
{
  g_autofree char *name = g_strconcat (prefix, ".", field, NULL);
  const gboolean by_class = rows > 0 && !self->classes.same;
  const FbnetTensorView *view = by_class ? NULL : find_source (self, prefix, field, n_dims, shape);
  gsize n = 1;

  if (self->error != NULL)
    return;
  for (guint i = 0; i < n_dims; i++)
    n *= shape[i];
  float *values = g_new (float, n);
  for (gsize i = 0; view != NULL && i < n; i++)
    values[i] = tensor_element (view, i);
  if (view == NULL)
    fill (self, name, values, n, mean, deviation);
  if (view == NULL
      && !(by_class && copy_classes (self, prefix, field, values, n_dims, shape, rows)))
    g_ptr_array_add (self->taken->fresh, g_strdup (name));
  weights_take (self->weights, name, FBNET_DTYPE_F32, n_dims, shape, values, n * sizeof *values,
      &self->error);
}

#define RPN_REGRESSOR "proposal_generator.rpn_head.rpn_regressor."
#define BOX_PREDICTOR "roi_heads.box_predictor."
#define MASK_LOGITS   "roi_heads.mask_head.predictor."

/* detectron2's and D2Go's predictors begin near 0, the others so that the variance stays what it is
 * through the layer and its ReLU (Kaiming, by the outputs that an input reaches). */
static double
deviation_of (const ConvLayer *layer)
{
  if (g_str_has_prefix (layer->conv_name, RPN_REGRESSOR))
    return 0.01;
  if (g_str_equal (layer->conv_name, BOX_PREDICTOR "cls_score")
      || g_str_equal (layer->conv_name, CLASSIFIER_HEAD))
    return 0.01;
  if (g_str_has_prefix (layer->conv_name, BOX_PREDICTOR)
      || g_str_has_prefix (layer->conv_name, MASK_LOGITS))
    return 0.001;
  return sqrt (2.0 * layer->groups / ((double) layer->kernel * layer->kernel * layer->out));
}

static void
add_norm (StartWeights *self, const ConvLayer *layer)
{
  const gsize shape[] = { layer->out };
  const gint64 zero = 0;

  add_tensor (self, layer->norm_name, "weight", 1, shape, 1, 0, 0);
  add_tensor (self, layer->norm_name, "bias", 1, shape, 0, 0, 0);
  if (layer->norm.kind != NORM_BATCH || self->error != NULL)
    return;
  add_tensor (self, layer->norm_name, "running_mean", 1, shape, 0, 0, 0);
  add_tensor (self, layer->norm_name, "running_var", 1, shape, 1, 0, 0);
  g_autofree char *name = g_strconcat (layer->norm_name, ".num_batches_tracked", NULL);
  if (self->error == NULL)
    weights_take (self->weights, name, FBNET_DTYPE_I64, 0, NULL, g_memdup2 (&zero, sizeof zero),
        sizeof zero, &self->error);
}

/* Of a predictor's outputs; 0: it is none, or says the same of all classes. */
static guint
rows_of_class (const StartWeights *self, const ConvLayer *layer)
{
  if (g_str_equal (layer->conv_name, BOX_PREDICTOR "cls_score")
      || g_str_equal (layer->conv_name, CLASSIFIER_HEAD))
    return 1;
  if (g_str_has_prefix (layer->conv_name, BOX_PREDICTOR))
    return self->agnostic_boxes ? 0 : 4;
  return g_str_has_prefix (layer->conv_name, MASK_LOGITS) && !self->agnostic_masks ? 1 : 0;
}

static void
add_layer (const ConvLayer *layer, gpointer data)
{
  StartWeights *self = data;
  const guint rows = rows_of_class (self, layer);
  const gboolean linear = g_str_has_prefix (layer->conv_name, BOX_PREDICTOR);
  const gsize fan_in = layer->in / layer->groups;
  const gsize weight[] = { layer->transposed ? fan_in : layer->out,
    layer->transposed ? layer->out : fan_in, layer->kernel, layer->kernel };
  const gsize bias[] = { layer->out };

  add_tensor (self, layer->conv_name, "weight", linear ? 2 : 4, weight, 0, deviation_of (layer),
      rows);
  if (layer->bias)
    add_tensor (self, layer->conv_name, "bias", 1, bias, 0, 0, rows);
  if (layer->norm.kind != NORM_NONE)
    add_norm (self, layer);
}

static GHashTable *
tensors_of (const FbnetModel *model)
{
  GHashTable *by_name = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  for (guint i = 0; i < fbnet_model_get_n_tensors (model); i++) {
    FbnetTensorView *view = g_new (FbnetTensorView, 1);
    fbnet_model_get_tensor (model, i, view);
    g_hash_table_insert (by_name, (gpointer) view->name, view);
  }
  return by_name;
}

/* --- Trunks of other names -------------------------------------------------------------------- */

/* A trunk's blocks, one after the other. */
static GPtrArray *
list_blocks (const Layers *layers)
{
  GPtrArray *blocks = g_ptr_array_new ();
  const Stage *stage;

  for (guint s = 0; (stage = layers_stage (layers, ROLE_TRUNK, s)) != NULL; s++) {
    for (guint b = 0; b < stage->n_blocks; b++)
      g_ptr_array_add (blocks, &stage->blocks[b]);
  }
  return blocks;
}

static gboolean
is_same_layer (const ConvLayer *a, const ConvLayer *b)
{
  return a->in == b->in && a->out == b->out && a->kernel == b->kernel && a->groups == b->groups
      && a->stride == b->stride;
}

static gboolean
is_same_block (const Block *a, const Block *b)
{
  for (guint i = 0; i < N_BLOCK_LAYERS; i++) {
    if (!is_same_layer (&a->layers[i], &b->layers[i]))
      return FALSE;
  }
  return a->kind == b->kind && a->in == b->in && a->out == b->out && a->upsample == b->upsample;
}

/* A classifier, a detector and one over a pyramid have other names for one trunk, and divide it into
 * stages as they like: its blocks are the same from the first up to one that is another. */
static GHashTable *
match_trunks (const Layers *layers, const Layers *source)
{
  GHashTable *names = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) ours = list_blocks (layers), theirs = list_blocks (source);

  for (guint b = 0; b < MIN (ours->len, theirs->len); b++) {
    const Block *our = ours->pdata[b], *their = theirs->pdata[b];
    if (!is_same_block (our, their))
      break;
    for (guint i = 0; i < N_BLOCK_LAYERS; i++) {
      const ConvLayer *to = &our->layers[i], *from = &their->layers[i];
      if (to->out == 0)
        continue;
      g_hash_table_insert (names, to->conv_name, from->conv_name);
      if (to->norm.kind != NORM_NONE && from->norm.kind != NORM_NONE)
        g_hash_table_insert (names, to->norm_name, from->norm_name);
    }
  }
  return names;
}

static gboolean
is_agnostic (const cJSON *description, const char *head)
{
  const cJSON *object = cJSON_GetObjectItemCaseSensitive (description, head);

  return cJSON_IsTrue (cJSON_GetObjectItemCaseSensitive (object, "class_agnostic"));
}

/* What a classifier knows of its classes is of no use to a detector, nor the other way about. */
static gboolean
same_task (const cJSON *description, const FbnetModel *source)
{
  const gboolean classifier = cJSON_GetObjectItemCaseSensitive (description, "head") != NULL;

  return source != NULL
      && classifier == (fbnet_model_get_task (source) == FBNET_TASK_CLASSIFICATION);
}

gboolean
start_write (const cJSON *description, const FbnetModel *source, guint64 seed, const char *path,
    StartTaken *taken, GError **error)
{
  if (source != NULL && fbnet_model_is_quantized (source)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: expected float weights to begin with, found int8 ones; fbnet-import --precision "
        "float32 makes a float model of an int8 export",
        fbnet_model_get_name (source));
    return FALSE;
  }
  g_autoptr (Layers) layers = fit_layers (description, error);
  if (layers == NULL)
    return FALSE;

  g_autoptr (Weights) weights = weights_new ();
  *taken = (StartTaken){ g_ptr_array_new_with_free_func (g_free),
    g_ptr_array_new_with_free_func (g_free), FALSE };
  StartWeights self = { source != NULL ? tensors_of (source) : NULL,
    source != NULL ? match_trunks (layers, source->layers) : NULL, weights, seed,
    map_classes (description, same_task (description, source) ? source : NULL, taken),
    is_agnostic (description, "box_head"), is_agnostic (description, "mask_head"), taken, NULL };
  layers_foreach (layers, add_layer, &self);
  g_free (self.classes.from);
  g_clear_pointer (&self.source, g_hash_table_unref);
  g_clear_pointer (&self.trunk, g_hash_table_unref);
  if (self.error != NULL) {
    g_propagate_error (error, self.error);
    return FALSE;
  }
  g_autofree FbnetTensorView *views = weights_list (weights);
  g_autofree char *text = json_print_line (description);
  return fbnet_model_write (path, text, views, weights->views->len, error);
}
