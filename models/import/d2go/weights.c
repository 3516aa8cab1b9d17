/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Views of storages into contiguous tensors.
 */
#include "weights.h"

#include <string.h>

/* --- The set ---------------------------------------------------------------------------------- */

static void
view_free (gpointer data)
{
  FbnetTensorView *view = data;
  g_free ((char *) view->name);
  g_free ((gpointer) view->data);
  g_free (view);
}

Weights *
weights_new (void)
{
  Weights *weights = g_new0 (Weights, 1);
  weights->views = g_ptr_array_new_with_free_func (view_free);
  weights->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  return weights;
}

void
weights_free (Weights *weights)
{
  if (weights == NULL)
    return;
  g_hash_table_unref (weights->by_name);
  g_ptr_array_unref (weights->views);
  g_free (weights);
}

gboolean
weights_take (Weights *weights, const char *name, FbnetDtype dtype, guint n_dims,
    const gsize *shape, gpointer data, gsize n_bytes, GError **error)
{
  if (weights_find (weights, name) != NULL) {
    g_free (data);
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "the tensor %s is there twice", name);
    return FALSE;
  }
  FbnetTensorView *view = g_new0 (FbnetTensorView, 1);
  view->name = g_strdup (name);
  view->dtype = dtype;
  view->n_dims = n_dims;
  for (guint i = 0; i < n_dims; i++)
    view->shape[i] = shape[i];
  view->data = data;
  view->n_bytes = n_bytes;
  g_ptr_array_add (weights->views, view);
  g_hash_table_insert (weights->by_name, (gpointer) view->name, view);
  return TRUE;
}

gboolean
weights_add_constant (Weights *weights, const char *name, gsize n, float value, GError **error)
{
  float *data = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    data[i] = value;
  return weights_take (weights, name, FBNET_DTYPE_F32, 1, &n, data, n * sizeof *data, error);
}

void
weights_move (Weights *weights, Weights *from, const char *name)
{
  FbnetTensorView *view = g_hash_table_lookup (from->by_name, name);
  guint index;
  g_return_if_fail (view != NULL && g_ptr_array_find (from->views, view, &index));
  g_hash_table_remove (from->by_name, name);
  g_ptr_array_steal_index (from->views, index);
  g_ptr_array_add (weights->views, view);
  g_hash_table_insert (weights->by_name, (gpointer) view->name, view);
}

FbnetTensorView *
weights_list (const Weights *weights)
{
  FbnetTensorView *views = g_new (FbnetTensorView, weights->views->len);

  for (guint i = 0; i < weights->views->len; i++)
    views[i] = *(const FbnetTensorView *) weights->views->pdata[i];
  return views;
}

const FbnetTensorView *
weights_find (const Weights *weights, const char *name)
{
  return g_hash_table_lookup (weights->by_name, name);
}

/* --- Contiguous copies ------------------------------------------------------------------------ */

static gsize
element_count (const PickleTensor *tensor)
{
  gsize n = 1;
  for (guint i = 0; i < tensor->n_dims; i++)
    if (__builtin_mul_overflow (n, tensor->shape[i], &n))
      return G_MAXSIZE;
  return n;
}

static gboolean
is_contiguous (const PickleTensor *tensor)
{
  gsize expected = 1;
  for (guint i = tensor->n_dims; i > 0; i--) {
    if (tensor->shape[i - 1] != 1 && tensor->strides[i - 1] != expected)
      return FALSE;
    expected *= tensor->shape[i - 1];
  }
  return TRUE;
}

static void
gather (guint8 *out, const guint8 *in, const PickleTensor *tensor, gsize size, gsize n)
{
  gsize index[TORCH_MAX_DIMS] = { 0 };
  gsize at = tensor->offset;
  for (gsize i = 0; i < n; i++) {
    memcpy (out + i * size, in + at * size, size);
    for (guint d = tensor->n_dims; d > 0; d--) {
      at += tensor->strides[d - 1];
      if (++index[d - 1] < tensor->shape[d - 1])
        break;
      at -= tensor->strides[d - 1] * tensor->shape[d - 1];
      index[d - 1] = 0;
    }
  }
}

/* The view's elements in C order, in the storage's type. NULL with error set. */
static guint8 *
read_contiguous (Archive *archive, const PickleTensor *tensor, gsize *n, GError **error)
{
  *n = element_count (tensor);
  /* A view with more elements than its storage repeats some: no parameter does, and a small file
   * could ask for any amount of memory that way. */
  if (*n > tensor->storage->n_elements) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "the tensor repeats the elements of its storage \"%s\"", tensor->storage->key);
    return NULL;
  }
  g_autoptr (GBytes) bytes = archive_storage (archive, tensor->storage, error);
  if (bytes == NULL)
    return NULL;
  const gsize size = torch_dtype_size (tensor->storage->dtype);
  const guint8 *in = g_bytes_get_data (bytes, NULL);
  guint8 *out = g_try_malloc (MAX (*n * size, 1));
  if (out == NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "no memory for a tensor of %zu elements",
        *n);
  else if (*n > 0 && is_contiguous (tensor))
    memcpy (out, in + tensor->offset * size, *n * size);
  else
    gather (out, in, tensor, size, *n);
  return out;
}

/* --- Types ------------------------------------------------------------------------------------ */

static FbnetDtype
target_dtype (TorchDtype dtype)
{
  switch (dtype) {
    case TORCH_F16:
      return FBNET_DTYPE_F16;
    case TORCH_I64:
      return FBNET_DTYPE_I64;
    case TORCH_I32:
    case TORCH_I16:
      return FBNET_DTYPE_I32;
    case TORCH_I8:
      return FBNET_DTYPE_I8;
    case TORCH_U8:
    case TORCH_BOOL:
      return FBNET_DTYPE_U8;
    default:
      return FBNET_DTYPE_F32;
  }
}

static gint32
load_quantised (const guint8 *in, TorchDtype dtype, gsize i)
{
  gint32 q;
  if (dtype == TORCH_QINT8)
    return (gint8) in[i];
  if (dtype == TORCH_QUINT8)
    return in[i];
  memcpy (&q, in + 4 * i, sizeof q);
  return q;
}

static double
load_number (const guint8 *in, TorchDtype dtype, gsize i)
{
  double f64;
  float f32;
  gint64 i64;
  gint32 i32;
  gint16 i16;
  switch (dtype) {
    case TORCH_F64:
      memcpy (&f64, in + 8 * i, sizeof f64);
      return f64;
    case TORCH_F32:
      memcpy (&f32, in + 4 * i, sizeof f32);
      return f32;
    case TORCH_BF16:
      i32 = (gint32) ((guint32) in[2 * i] << 16 | (guint32) in[2 * i + 1] << 24);
      memcpy (&f32, &i32, sizeof f32);
      return f32;
    case TORCH_I64:
      memcpy (&i64, in + 8 * i, sizeof i64);
      return (double) i64;
    case TORCH_I32:
      memcpy (&i32, in + 4 * i, sizeof i32);
      return i32;
    case TORCH_I16:
      memcpy (&i16, in + 2 * i, sizeof i16);
      return i16;
    case TORCH_I8:
      return (gint8) in[i];
    default:
      return in[i];
  }
}

double *
weights_read_numbers (Archive *archive, const PickleTensor *tensor, gsize max, gsize *n,
    GError **error)
{
  const TorchDtype dtype = tensor->storage->dtype;
  if (element_count (tensor) > max || dtype == TORCH_F16 || tensor->scale != NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "expected a tensor of at most %zu plain numbers, found %zu of %s", max,
        element_count (tensor), torch_dtype_name (dtype));
    return NULL;
  }
  g_autofree guint8 *in = read_contiguous (archive, tensor, n, error);
  if (in == NULL)
    return NULL;
  double *numbers = g_new (double, *n + 1);
  for (gsize i = 0; i < *n; i++)
    numbers[i] = load_number (in, dtype, i);
  return numbers;
}

/* How many elements follow each other with the same scale, and how many scales there are. */
static void
quantised_layout (const PickleTensor *tensor, gsize *inner, gsize *n_scales)
{
  *inner = 1;
  *n_scales = 1;
  if (pickle_tensor (tensor->scale) == NULL) {
    *inner = MAX (element_count (tensor), 1);
    return;
  }
  for (guint i = tensor->axis + 1; i < tensor->n_dims; i++)
    *inner *= tensor->shape[i];
  *n_scales = tensor->shape[tensor->axis];
}

static double *
quantiser_numbers (Archive *archive, const PickleValue *value, gsize n_scales, GError **error)
{
  const PickleTensor *tensor = pickle_tensor (value);
  gsize n;
  if (tensor != NULL)
    return weights_read_numbers (archive, tensor, n_scales, &n, error);
  double *number = g_new0 (double, 1);
  pickle_number (value, number);
  return number;
}

/* torch.dequantize: (q - zero point) × scale, the scale rounded to float32 first. */
static float *
dequantise (Archive *archive, const PickleTensor *tensor, const guint8 *in, gsize n, GError **error)
{
  gsize inner, n_scales;
  quantised_layout (tensor, &inner, &n_scales);
  g_autofree double *scale = quantiser_numbers (archive, tensor->scale, n_scales, error);
  g_autofree double *zero =
      scale != NULL ? quantiser_numbers (archive, tensor->zero_point, n_scales, error) : NULL;
  if (zero == NULL)
    return NULL;
  float *out = g_new (float, n);
  for (gsize i = 0; i < n; i++) {
    const gsize c = i / inner % n_scales;
    const gint32 q = load_quantised (in, tensor->storage->dtype, i);
    out[i] = (float) (q - zero[c]) * (float) scale[c];
  }
  return out;
}

static gpointer
widen (const guint8 *in, TorchDtype dtype, FbnetDtype target, gsize n)
{
  if (target == FBNET_DTYPE_I32) {
    gint32 *out = g_new (gint32, n);
    for (gsize i = 0; i < n; i++)
      out[i] = (gint32) load_number (in, dtype, i);
    return out;
  }
  float *out = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    out[i] = (float) load_number (in, dtype, i);
  return out;
}

gboolean
weights_add (Weights *weights, const char *name, Archive *archive, const PickleTensor *tensor,
    GError **error)
{
  const TorchDtype dtype = tensor->storage->dtype;
  const FbnetDtype target = target_dtype (dtype);
  gsize n;
  g_autofree gpointer data = read_contiguous (archive, tensor, &n, error);
  if (data != NULL && tensor->scale != NULL) {
    gpointer numbers = dequantise (archive, tensor, data, n, error);
    g_free (data);
    data = numbers;
  } else if (data != NULL && torch_dtype_size (dtype) != fbnet_dtype_size (target)) {
    gpointer numbers = widen (data, dtype, target, n);
    g_free (data);
    data = numbers;
  }
  if (data == NULL) {
    g_prefix_error (error, "%s: ", name);
    return FALSE;
  }
  return weights_take (weights, name, target, tensor->n_dims, tensor->shape,
      g_steal_pointer (&data), n * fbnet_dtype_size (target), error);
}

/* One scale per output channel, whether the tensor has that or one for all. */
static float *
channel_scales (Archive *archive, const PickleTensor *tensor, GError **error)
{
  const gsize n = tensor->shape[0];
  gsize inner, n_scales;
  quantised_layout (tensor, &inner, &n_scales);
  g_autofree double *scale = quantiser_numbers (archive, tensor->scale, n_scales, error);
  g_autofree double *zero =
      scale != NULL ? quantiser_numbers (archive, tensor->zero_point, n_scales, error) : NULL;
  if (zero == NULL)
    return NULL;
  gboolean good = n_scales == 1 || (tensor->axis == 0 && n_scales == n);
  for (gsize i = 0; i < n_scales; i++)
    good &= zero[i] == 0;
  if (!good) {
    g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "expected scales per output channel and no zero points, found others");
    return NULL;
  }
  float *out = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    out[i] = (float) scale[n_scales == 1 ? 0 : i];
  return out;
}

gboolean
weights_add_int8 (Weights *weights, const char *name, Archive *archive, const PickleTensor *tensor,
    GError **error)
{
  g_autofree char *weight = g_strconcat (name, ".weight", NULL);
  g_autofree char *weight_scale = g_strconcat (name, ".weight_scale", NULL);
  gsize n;
  g_autofree guint8 *data = read_contiguous (archive, tensor, &n, error);
  g_autofree float *scales = data != NULL ? channel_scales (archive, tensor, error) : NULL;
  if (scales == NULL) {
    g_prefix_error (error, "%s: ", weight);
    return FALSE;
  }
  const gsize n_scales = tensor->shape[0];
  return weights_take (weights, weight, FBNET_DTYPE_I8, tensor->n_dims, tensor->shape,
             g_steal_pointer (&data), n, error)
      && weights_take (weights, weight_scale, FBNET_DTYPE_F32, 1, &n_scales,
          g_steal_pointer (&scales), n_scales * sizeof (float), error);
}
