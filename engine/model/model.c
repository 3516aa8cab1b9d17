/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loading a model: container, description, layers, and whether every tensor that the layers need is
 * there. After that nothing about a model can fail but memory.
 */
#include "model.h"

#include <math.h>
#include <string.h>

#include "activations.h"
#include "base/memory.h"
#include "readonce.h"

/* A message of them stays below 4 KiB. */
#define MAX_PROBLEMS      20
#define MAX_PROBLEMS_TEXT 3000

/* --- Tensors of a layer ----------------------------------------------------------------------- */

static gboolean
has_shape (const FbnetTensorView *view, guint n_dims, const gsize *shape)
{
  return view->n_dims == n_dims && memcmp (view->shape, shape, n_dims * sizeof *shape) == 0;
}

static char *
shape_text (guint n_dims, const gsize *shape)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < n_dims; i++)
    g_string_append_printf (text, "%s%" G_GSIZE_FORMAT, i > 0 ? ", " : "", shape[i]);
  return g_string_free (g_string_append (text, "]"), FALSE);
}

typedef struct {
  FbnetModel *model;
  char problems[MAX_PROBLEMS_TEXT]; /* the first of them, as one text */
  gsize length;                     /* of the text */
  guint n_problems, n_told;
} Checker;

static void add_problem (Checker *checker, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
add_problem (Checker *checker, const char *format, ...)
{
  const gsize room = MAX_PROBLEMS_TEXT - checker->length;
  va_list args;

  if (checker->n_problems++ > checker->n_told || checker->n_told == MAX_PROBLEMS)
    return;
  va_start (args, format);
  const int length = g_vsnprintf (checker->problems + checker->length, room, format, args);
  va_end (args);
  if (length < 0 || (gsize) length + 2 >= room) /* the first is always shorter */
    return;
  checker->length += (gsize) length;
  checker->n_told++;
  checker->problems[checker->length++] = ';';
  checker->problems[checker->length++] = ' ';
}

static void
check_values (Checker *checker, const FbnetTensorView *view, gboolean not_negative)
{
  const gsize n = view->n_bytes / fbnet_dtype_size (view->dtype);

  for (gsize i = 0; i < n; i++) {
    const float value = tensor_element (view, i);
    if (!isfinite (value) || (not_negative && value < 0)) {
      add_problem (checker,
          "tensor \"%s\": expected %s numbers, found %g at element %" G_GSIZE_FORMAT, view->name,
          not_negative ? "finite, not negative" : "finite", value, i);
      return;
    }
  }
}

static gboolean
check_type (Checker *checker, const FbnetTensorView *view, gboolean int8)
{
  const gboolean good = int8 ? view->dtype == FBNET_DTYPE_I8
                             : view->dtype == FBNET_DTYPE_F32 || view->dtype == FBNET_DTYPE_F16;

  if (!good)
    add_problem (checker, "tensor \"%s\": expected type %s, found %s", view->name,
        int8 ? "I8" : "F32 or F16", fbnet_dtype_name (view->dtype));
  return good;
}

/* A shape of the tensor may also be written as the linear layer's, without the last two ones. The
 * tensor, or NULL when it was a problem. */
static const FbnetTensorView *
check_tensor (Checker *checker, const char *prefix, const char *field, gboolean int8, guint n_dims,
    const gsize *shape)
{
  g_autofree char *name = g_strconcat (prefix, ".", field, NULL);
  g_autofree char *expected = shape_text (n_dims, shape);
  const FbnetTensorView *view = safetensors_find (checker->model->file, name);

  if (view == NULL) {
    add_problem (checker, "tensor \"%s\": expected shape %s, found no such tensor", name, expected);
    return NULL;
  }
  if (!check_type (checker, view, int8))
    return NULL;
  const gboolean linear =
      n_dims == 4 && shape[2] == 1 && shape[3] == 1 && has_shape (view, 2, shape);
  if (!linear && !has_shape (view, n_dims, shape)) {
    g_autofree char *found = shape_text (view->n_dims, view->shape);
    add_problem (checker, "tensor \"%s\": expected shape %s, found %s", name, expected, found);
    return NULL;
  }
  if (!int8)
    check_values (checker, view, g_str_equal (field, "running_var"));
  return view;
}

/* Half precision could not hold the smallest scales. */
static void
check_scales (Checker *checker, const ConvLayer *layer)
{
  const gsize per_channel[] = { layer->out };
  const FbnetTensorView *view =
      check_tensor (checker, layer->conv_name, "weight_scale", FALSE, 1, per_channel);

  if (view == NULL)
    return;
  if (view->dtype != FBNET_DTYPE_F32) {
    add_problem (checker, "tensor \"%s\": expected type F32, found %s", view->name,
        fbnet_dtype_name (view->dtype));
    return;
  }
  for (guint c = 0; c < layer->out; c++) {
    const float scale = tensor_element (view, c);
    if (!(scale >= QUANT_MIN_SCALE && scale <= QUANT_MAX_SCALE)) {
      add_problem (checker, "tensor \"%s\": expected scales from %g to %g, found %g at element %u",
          view->name, QUANT_MIN_SCALE, QUANT_MAX_SCALE, scale, c);
      return;
    }
  }
}

/* What was folded into the weights is written with mean 0 and the variance that changes nothing. */
static gboolean
has_statistics (const FbnetTensorView *mean, const FbnetTensorView *var, guint channels)
{
  for (guint c = 0; c < channels; c++) {
    if (tensor_element (mean, c) != 0
        || fabs (tensor_element (var, c) - (1 - NORM_EPSILON)) > 0.1 * NORM_EPSILON)
      return TRUE;
  }
  return FALSE;
}

static void
check_statistics (Checker *checker, const ConvLayer *layer)
{
  const gsize per_channel[] = { layer->out };
  const FbnetTensorView *mean =
      check_tensor (checker, layer->norm_name, "running_mean", FALSE, 1, per_channel);
  const FbnetTensorView *var =
      check_tensor (checker, layer->norm_name, "running_var", FALSE, 1, per_channel);

  if (mean != NULL && var != NULL)
    checker->model->has_norm_statistics |= has_statistics (mean, var, layer->out);
}

static void
check_layer (const ConvLayer *layer, gpointer data)
{
  Checker *checker = data;
  const gsize fan_in = layer->in / layer->groups;
  const gsize weight[] = { layer->transposed ? fan_in : layer->out,
    layer->transposed ? layer->out : fan_in, layer->kernel, layer->kernel };
  const gsize per_channel[] = { layer->out };

  check_tensor (checker, layer->conv_name, "weight", layer->quantized, 4, weight);
  if (layer->quantized)
    check_scales (checker, layer);
  checker->model->n_parameters += arch_conv_parameters (layer);
  if (layer->bias)
    check_tensor (checker, layer->conv_name, "bias", FALSE, 1, per_channel);
  if (layer->norm.kind == NORM_NONE)
    return;
  check_tensor (checker, layer->norm_name, "weight", FALSE, 1, per_channel);
  check_tensor (checker, layer->norm_name, "bias", FALSE, 1, per_channel);
  if (layer->norm.kind == NORM_BATCH)
    check_statistics (checker, layer);
}

static gboolean
check_tensors (FbnetModel *model, GError **error)
{
  Checker checker = { .model = model };

  layers_foreach (model->layers, check_layer, &checker);
  if (checker.n_problems == 0)
    return TRUE;
  const guint more = checker.n_problems - checker.n_told;
  checker.problems[checker.length - 2] = '\0';
  if (more > 0)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: %s; and %u more", model->path,
        checker.problems, more);
  else
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: %s", model->path, checker.problems);
  return FALSE;
}

static const FbnetTensorView *
find_tensor (const FbnetModel *model, const char *prefix, const char *field)
{
  g_autofree char *name = g_strconcat (prefix, ".", field, NULL);

  return safetensors_find (model->file, name);
}

/* int8 weights times their channel's scale, as torch.dequantize does it. */
static void
dequantize_weights (const FbnetModel *model, const ConvLayer *layer, float *weights, gsize n)
{
  const gsize per_channel = n / layer->out;
  const float *scale = find_tensor (model, layer->conv_name, "weight_scale")->data;

  for (gsize i = 0; i < n; i++)
    weights[i] *= scale[i / per_channel];
}

float *
model_read_floats (const FbnetModel *model, const ConvLayer *layer, gboolean norm,
    const char *field, GError **error)
{
  const FbnetTensorView *view =
      find_tensor (model, norm ? layer->norm_name : layer->conv_name, field);
  const gsize n = view->n_bytes / fbnet_dtype_size (view->dtype);
  float *floats = memory_new (float, n, error);

  if (floats == NULL)
    return NULL;
  for (gsize i = 0; i < n; i++)
    floats[i] = tensor_element (view, i);
  if (view->dtype == FBNET_DTYPE_I8)
    dequantize_weights (model, layer, floats, n);
  return floats;
}

const gint8 *
model_get_int8_weights (const FbnetModel *model, const ConvLayer *layer, const float **scales)
{
  *scales = find_tensor (model, layer->conv_name, "weight_scale")->data;
  return find_tensor (model, layer->conv_name, "weight")->data;
}

/* --- Loading ---------------------------------------------------------------------------------- */

static gboolean
load (FbnetModel *model, GBytes *bytes, GError **error)
{
  model->file = safetensors_parse (bytes, model->path, error);
  if (model->file == NULL)
    return FALSE;
  if (model->file->description == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected a model file with a description (__metadata__.fbnet), found a safetensors "
        "file without one; fbnet-import makes model files from D2Go checkpoints",
        model->path);
    return FALSE;
  }
  model->description = description_parse (model->file->description, model->path, error);
  if (model->description == NULL)
    return FALSE;
  model->layers = layers_new (model->description, error);
  if (model->layers == NULL
      || !activations_apply (model->layers, model->description->quantization, model->file, error)) {
    g_prefix_error (error, "%s: description: ", model->path);
    return FALSE;
  }
  return check_tensors (model, error);
}

/* Tensors are read in place: the whole file must begin where any type may begin. NULL with error. */
static GBytes *
align (GBytes *bytes, const char *name, GError **error)
{
  gsize size;
  const gconstpointer data = g_bytes_get_data (bytes, &size);

  if ((guintptr) data % 8 == 0)
    return g_bytes_ref (bytes);
  const gpointer copy = memory_copy (data, size, error);
  if (copy == NULL) {
    g_prefix_error (error, "%s: ", name);
    return NULL;
  }
  return g_bytes_new_take (copy, size);
}

FbnetModel *
fbnet_model_load_bytes (GBytes *bytes, const char *name, GError **error)
{
  g_return_val_if_fail (bytes != NULL && name != NULL, NULL);

  g_autoptr (GBytes) aligned = align (bytes, name, error);
  if (aligned == NULL)
    return NULL;
  FbnetModel *model = g_new0 (FbnetModel, 1);
  g_atomic_ref_count_init (&model->references);
  g_mutex_init (&model->lock);
  model->path = g_strdup (name);
  if (!load (model, aligned, error))
    g_clear_pointer (&model, fbnet_model_unref);
  return model;
}

FbnetModel *
fbnet_model_load (const char *path, GError **error)
{
  g_return_val_if_fail (path != NULL, NULL);

  g_autoptr (GBytes) bytes = read_once (path, error);
  return bytes != NULL ? fbnet_model_load_bytes (bytes, path, error) : NULL;
}

FbnetModel *
fbnet_model_ref (FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, NULL);
  g_atomic_ref_count_inc (&model->references);
  return model;
}

G_DEFINE_BOXED_TYPE (FbnetModel, fbnet_model, fbnet_model_ref, fbnet_model_unref)

void
fbnet_model_unref (FbnetModel *model)
{
  if (model == NULL || !g_atomic_ref_count_dec (&model->references))
    return;
  g_slist_free_full (model->networks, model->free_network);
  layers_free (model->layers);
  description_free (model->description);
  safetensors_free (model->file);
  g_mutex_clear (&model->lock);
  g_free (model->path);
  g_free (model);
}

/* --- Asking ----------------------------------------------------------------------------------- */

const char *
fbnet_model_get_name (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, NULL);
  return model->description->name;
}

char *
fbnet_model_get_sha256 (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, NULL);
  return g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, model->file->bytes);
}

FbnetTask
fbnet_model_get_task (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, FBNET_TASK_DETECTION);
  return model->description->task;
}

const char *
fbnet_model_get_description (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, NULL);
  return model->file->description;
}

guint
fbnet_model_get_n_classes (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, 0);
  return model->description->n_classes;
}

const char *
fbnet_model_get_label (const FbnetModel *model, guint class_id)
{
  g_return_val_if_fail (model != NULL && class_id < model->description->n_classes, NULL);
  return model->description->labels != NULL ? model->description->labels[class_id] : NULL;
}

gboolean
fbnet_model_has_masks (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, FALSE);
  return model->description->has_masks;
}

guint
fbnet_model_get_n_keypoints (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, 0);
  return model->description->n_keypoints;
}

gboolean
fbnet_model_is_quantized (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, FALSE);
  return model->description->quantization != NULL;
}

static FbnetNormalization
normalization_of (const ConvLayer *layer)
{
  if (layer->norm.kind == NORM_GROUP)
    return FBNET_NORMALIZATION_GN;
  if (layer->norm.kind != NORM_BATCH)
    return FBNET_NORMALIZATION_AUTO;
  return layer->norm.pooling == POOL_PIXELS ? FBNET_NORMALIZATION_SYNC_BN
                                            : FBNET_NORMALIZATION_NAIVE_SYNC_BN;
}

static void
find_normalization (const ConvLayer *layer, gpointer data)
{
  FbnetNormalization *found = data;

  if (*found == FBNET_NORMALIZATION_AUTO)
    *found = normalization_of (layer);
}

FbnetNormalization
fbnet_model_get_normalization (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, FBNET_NORMALIZATION_AUTO);
  FbnetNormalization found = FBNET_NORMALIZATION_AUTO;

  for (guint i = 0; i < model->layers->n; i++) {
    const Role role = model->layers->entries[i].role;
    if (role == ROLE_TRUNK || role == ROLE_FPN_LATERAL)
      layers_entry_foreach (&model->layers->entries[i], find_normalization, &found);
  }
  return found;
}

guint64
fbnet_model_get_n_parameters (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, 0);
  return model->n_parameters;
}

guint
fbnet_model_get_n_tensors (const FbnetModel *model)
{
  g_return_val_if_fail (model != NULL, 0);
  return model->file->n_views;
}

void
fbnet_model_get_tensor (const FbnetModel *model, guint index, FbnetTensorView *view)
{
  g_return_if_fail (model != NULL && view != NULL && index < model->file->n_views);
  *view = model->file->views[index];
}

void
fbnet_model_get_params (const FbnetModel *model, FbnetParams *params)
{
  g_return_if_fail (model != NULL && params != NULL);
  *params = model->description->params;
}
