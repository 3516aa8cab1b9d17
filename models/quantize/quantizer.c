/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The quantiser.
 */
#include "quantizer.h"

#include <math.h>
#include <string.h>

#include "model/activations.h"
#include "network/pack.h"
#include "selection.h"
#include "support/jsonfile.h"
#include "support/modelfile.h"
#include "support/plural.h"
#include "weightscale.h"

struct Quantizer {
  FbnetModel *model; /* the float one */
  FbnetModel *copy;  /* of it, whose layers become int8 */
  QuantizerOptions options;
  Observations *observations;
  guint n_images;
  /* After quantizer_finish(): */
  Selection *selection;
  GArray *ranges;     /* QuantizerRange */
  GHashTable *chosen; /* name → Quant */
  cJSON *activations;
  GPtrArray *tensors; /* FbnetTensorView with memory of their own */
  char *broken;       /* a tensor that had numbers that are not finite */
};

QuantizerOptions
quantizer_options_default (void)
{
  return (QuantizerOptions){ .method = RANGE_MSE, .share = 0.9999, .correct_biases = TRUE };
}

static void
tensor_free (gpointer data)
{
  FbnetTensorView *view = data;

  g_free ((gpointer) view->name);
  g_free ((gpointer) view->data);
  g_free (view);
}

Quantizer *
quantizer_new (FbnetModel *model, const QuantizerOptions *options, GError **error)
{
  if (fbnet_model_is_quantized (model)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: expected a float model, found one that is quantised", model->path);
    return NULL;
  }
  Observations *observations =
      observations_new (model, options->kernels, options->n_threads, error);
  if (observations == NULL)
    return NULL;
  FbnetModel *copy = fbnet_model_load_bytes (model->file->bytes, model->path, error);
  if (copy == NULL) {
    observations_free (observations);
    return NULL;
  }
  Quantizer *self = g_new0 (Quantizer, 1);
  self->model = fbnet_model_ref (model);
  self->copy = copy;
  self->options = *options;
  self->options.keep_float = g_strdupv (options->keep_float);
  self->options.kernels = NULL; /* the caller's */
  self->observations = observations;
  self->ranges = g_array_new (FALSE, FALSE, sizeof (QuantizerRange));
  self->chosen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->activations = cJSON_CreateObject ();
  self->tensors = g_ptr_array_new_with_free_func (tensor_free);
  return self;
}

void
quantizer_free (Quantizer *self)
{
  if (self == NULL)
    return;
  selection_free (self->selection);
  g_array_unref (self->ranges);
  g_hash_table_unref (self->chosen);
  cJSON_Delete (self->activations);
  g_ptr_array_unref (self->tensors);
  observations_free (self->observations);
  fbnet_model_unref (self->copy);
  fbnet_model_unref (self->model);
  g_strfreev (self->options.keep_float);
  g_free (self->broken);
  g_free (self);
}

gboolean
quantizer_add_image (Quantizer *self, const FbnetImage *image, GError **error)
{
  if (!observations_add_image (self->observations, image, error))
    return FALSE;
  self->n_images++;
  return TRUE;
}

/* --- Activations ------------------------------------------------------------------------------ */

static void
add_range (Quantizer *self, const char *name, const Histogram *histogram, Activation table,
    Quant quant)
{
  const double error = range_error (histogram, quant, table);
  const double signal = range_energy (histogram, table);
  const char *kept = g_strdup (name);
  const QuantizerRange range = { kept, quant, table, histogram->min, histogram->max,
    10 * log10 (signal / error) };
  cJSON *activation = cJSON_AddObjectToObject (self->activations, name);

  cJSON_AddNumberToObject (activation, "scale", quant.scale);
  cJSON_AddNumberToObject (activation, "zero_point", quant.zero);
  g_array_append_val (self->ranges, range);
  g_hash_table_insert (self->chosen, (gpointer) kept, g_memdup2 (&quant, sizeof quant));
}

/* QuantizationFunc. Two layers may read one tensor. */
static Quant
choose_activation (const char *name, Activation table, gpointer data)
{
  Quantizer *self = data;
  const Quant *known = g_hash_table_lookup (self->chosen, name);
  const Observed *observed = observations_find (self->observations, name);

  if (known != NULL)
    return *known;
  if (observed == NULL)
    return (Quant){ 0 };
  if (observed->histogram->broken) {
    g_free (self->broken);
    self->broken = g_strdup (name);
    return (Quant){ 1, 0 };
  }
  const Quant quant =
      range_choose (observed->histogram, self->options.method, self->options.share, table);
  add_range (self, name, observed->histogram, table, quant);
  return quant;
}

/* --- Weights and biases ----------------------------------------------------------------------- */

static FbnetTensorView *
add_tensor (Quantizer *self, const char *layer, const char *field, FbnetDtype dtype,
    const gsize *shape, guint n_dims)
{
  FbnetTensorView *view = g_new0 (FbnetTensorView, 1);
  gsize n = fbnet_dtype_size (dtype);

  view->name = g_strconcat (layer, ".", field, NULL);
  view->dtype = dtype;
  view->n_dims = n_dims;
  for (guint i = 0; i < n_dims; i++) {
    view->shape[i] = shape[i];
    n *= shape[i];
  }
  view->n_bytes = n;
  view->data = g_malloc0 (n);
  g_ptr_array_add (self->tensors, view);
  return view;
}

/* What rounding one output channel's weights takes from its sums on average: the bias gives it back.
 * Pixels outside the picture are left out of account. */
static double
mean_loss (const ConvLayer *layer, const Observed *input, guint channel, const float *weights,
    const gint8 *bytes, float scale)
{
  const gsize in = layer->in / layer->groups, taps = (gsize) layer->kernel * layer->kernel;
  const gsize first = channel / (layer->out / layer->groups) * in;
  double sum = 0;

  for (gsize i = 0; i < in; i++) {
    double lost = 0;
    for (gsize t = 0; t < taps; t++)
      lost += weights[i * taps + t] - (double) bytes[i * taps + t] * scale;
    sum += lost * input->sums[first + i] / input->n_pixels;
  }
  return sum;
}

static gboolean
quantize_layer (Quantizer *self, const SelectedLayer *selected, GError **error)
{
  const ConvLayer *layer = selected->layer;
  const gsize n = (gsize) layer->in / layer->groups * layer->kernel * layer->kernel;
  const gsize out[] = { layer->out };
  const gsize shape[] = { layer->out, layer->in / layer->groups, layer->kernel, layer->kernel };
  const Observed *input = observations_find (self->observations, selected->input);
  g_autofree float *bias = NULL;
  g_autofree float *weights = pack_read_folded (self->copy, layer, &bias, error);
  if (weights == NULL)
    return FALSE;
  gint8 *bytes =
      (gint8 *) add_tensor (self, layer->conv_name, "weight", FBNET_DTYPE_I8, shape, 4)->data;
  float *scales =
      (float *) add_tensor (self, layer->conv_name, "weight_scale", FBNET_DTYPE_F32, out, 1)->data;

  for (guint c = 0; c < layer->out; c++) {
    scales[c] = weight_scale (bytes + c * n, weights + c * n, n, !self->options.plain_weights);
    if (self->options.correct_biases && bias != NULL)
      bias[c] += (float) mean_loss (layer, input, c, weights + c * n, bytes + c * n, scales[c]);
  }
  if (bias != NULL) {
    const FbnetTensorView *view =
        add_tensor (self, layer->conv_name, "bias", FBNET_DTYPE_F32, out, 1);
    memcpy ((gpointer) view->data, bias, view->n_bytes);
  }
  return TRUE;
}

gboolean
quantizer_finish (Quantizer *self, GError **error)
{
  if (self->n_images == 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected pictures to learn ranges from, found none", self->model->path);
    return FALSE;
  }
  self->selection = selection_new (self->copy, self->observations, &self->options);
  if (self->selection->layers->len == 0) {
    const QuantizerPart *first = &g_array_index (self->selection->parts, QuantizerPart, 0);
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: expected layers that can run in int8, found none (\"%s\" cannot: %s)",
        self->model->path, first->name, first->reason);
    return FALSE;
  }
  if (!activations_resolve (self->copy->layers, choose_activation, self, error))
    return FALSE;
  if (self->broken != NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: \"%s\": expected finite numbers, found others", self->model->path, self->broken);
    return FALSE;
  }
  for (guint i = 0; i < self->selection->layers->len; i++) {
    if (!quantize_layer (self, &g_array_index (self->selection->layers, SelectedLayer, i), error))
      return FALSE;
  }
  return TRUE;
}

/* --- The file --------------------------------------------------------------------------------- */

static const char *
method_name (RangeMethod method)
{
  return method == RANGE_MSE ? "mse" : method == RANGE_PERCENTILE ? "percentile" : "min-max";
}

static void
add_provenance (const Quantizer *self, cJSON *description)
{
  cJSON *provenance = cJSON_GetObjectItemCaseSensitive (description, "provenance");
  g_autofree char *text = g_strdup_printf ("%s ranges of %u %s", method_name (self->options.method),
      self->n_images, plural (self->n_images, "picture", "pictures"));

  if (provenance == NULL)
    provenance = cJSON_AddObjectToObject (description, "provenance");
  cJSON_DeleteItemFromObjectCaseSensitive (provenance, "quantized");
  cJSON_AddStringToObject (provenance, "quantized", text);
}

static cJSON *
make_description (const Quantizer *self)
{
  cJSON *description = model_file_description (self->model);

  cJSON *quantization = cJSON_AddObjectToObject (description, "quantization");

  cJSON_AddStringToObject (quantization, "scheme", "int8");
  cJSON_AddStringToObject (quantization, "bias", "wide");
  cJSON_AddItemToObject (quantization, "activations", cJSON_Duplicate (self->activations, TRUE));
  add_provenance (self, description);
  return description;
}

/* A tensor's layer, or norm: its name up to the last dot. */
static void
add_owner (GHashTable *owners, const char *name)
{
  if (name != NULL)
    g_hash_table_add (owners, g_strdup (name));
}

/* All tensors of the float model but those of layers that are int8 now, then theirs. */
static GArray *
gather_tensors (const Quantizer *self)
{
  g_autoptr (GHashTable) replaced = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GArray *views = g_array_new (FALSE, FALSE, sizeof (FbnetTensorView));

  for (guint i = 0; i < self->selection->layers->len; i++) {
    const ConvLayer *layer = g_array_index (self->selection->layers, SelectedLayer, i).layer;
    add_owner (replaced, layer->conv_name);
    add_owner (replaced, layer->norm_name);
  }
  for (guint i = 0; i < fbnet_model_get_n_tensors (self->model); i++) {
    FbnetTensorView view;
    fbnet_model_get_tensor (self->model, i, &view);
    const char *dot = strrchr (view.name, '.');
    g_autofree char *owner = g_strndup (view.name, dot != NULL ? (gsize) (dot - view.name) : 0);
    if (!g_hash_table_contains (replaced, owner))
      g_array_append_val (views, view);
  }
  for (guint i = 0; i < self->tensors->len; i++)
    g_array_append_vals (views, self->tensors->pdata[i], 1);
  return views;
}

gboolean
quantizer_write (const Quantizer *self, const char *path, GError **error)
{
  g_autoptr (cJSON) description = make_description (self);
  g_autoptr (GArray) views = gather_tensors (self);
  g_autoptr (FbnetModel) model = model_file_write (path, description,
      (const FbnetTensorView *) views->data, views->len, error);

  return model != NULL;
}

/* --- Asking ----------------------------------------------------------------------------------- */

const GArray *
quantizer_parts (const Quantizer *self)
{
  return self->selection->parts;
}

const GArray *
quantizer_ranges (const Quantizer *self)
{
  return self->ranges;
}

guint
quantizer_n_images (const Quantizer *self)
{
  return self->n_images;
}
