/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The names that torch's pickles may mention, and what each stands for. This list is the whole of
 * what a pickle can make happen; the functions mirrored are in torch/_utils.py, torch/jit/_pickle.py
 * and torch/serialization.py (persistent_load).
 */
#include "fbnet/fbnet.h"
#include "pickle-private.h"

#include <string.h>

/* --- Storages --------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  TorchDtype dtype;
} storages[] = {
  { "DoubleStorage", TORCH_F64 },
  { "FloatStorage", TORCH_F32 },
  { "HalfStorage", TORCH_F16 },
  { "BFloat16Storage", TORCH_BF16 },
  { "LongStorage", TORCH_I64 },
  { "IntStorage", TORCH_I32 },
  { "ShortStorage", TORCH_I16 },
  { "CharStorage", TORCH_I8 },
  { "ByteStorage", TORCH_U8 },
  { "BoolStorage", TORCH_BOOL },
  { "QInt8Storage", TORCH_QINT8 },
  { "QUInt8Storage", TORCH_QUINT8 },
  { "QInt32Storage", TORCH_QINT32 },
};

/* "torch.FloatStorage", or on a GPU "torch.cuda.FloatStorage". */
static gboolean
find_storage (const char *name, TorchDtype *dtype)
{
  if (!g_str_has_prefix (name, "torch."))
    return FALSE;
  const char *last = name + strlen ("torch.");
  if (g_str_has_prefix (last, "cuda."))
    last += strlen ("cuda.");
  for (guint i = 0; i < G_N_ELEMENTS (storages); i++)
    if (strcmp (last, storages[i].name) == 0) {
      *dtype = storages[i].dtype;
      return TRUE;
    }
  return FALSE;
}

static gboolean
refuse_id (GError **error)
{
  g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "a persistent id is not torch's ('storage', type, key, device, length)");
  return FALSE;
}

static gboolean
check_id (const PickleValue *id, TorchDtype *dtype, GError **error)
{
  const char *tag = pickle_string (pickle_item (id, 0));
  const PickleValue *type = pickle_item (id, 1);

  if (id->kind != PICKLE_TUPLE || g_strcmp0 (tag, "storage") != 0 || type == NULL
      || type->kind != PICKLE_NAME || pickle_string (pickle_item (id, 2)) == NULL
      || pickle_integer (pickle_item (id, 4), -1) < 0)
    return refuse_id (error);
  if (!find_storage (type->text.data, dtype))
    return refuse_id (error);
  const PickleValue *view = pickle_item (id, 5);
  if (view != NULL && view->kind != PICKLE_NONE) {
    g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "a storage is a view of another storage (torch before 0.4 wrote these)");
    return FALSE;
  }
  return TRUE;
}

PickleValue *
pickle_persistent_load (Pickle *pickle, const PickleValue *id, GError **error)
{
  TorchDtype dtype;

  if (!check_id (id, &dtype, error))
    return NULL;
  PickleValue *value = pickle_value_new (pickle, PICKLE_STORAGE, error);
  if (value != NULL)
    value->storage = (PickleStorage){
      .dtype = dtype,
      .folder = pickle->folder,
      .key = pickle_string (pickle_item (id, 2)),
      .n_elements = (gsize) pickle_integer (pickle_item (id, 4), 0),
    };
  return value;
}

/* --- Tensors ---------------------------------------------------------------------------------- */

static gboolean
refuse_tensor (const char *why, GError **error)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "a tensor %s", why);
  return FALSE;
}

static gboolean
read_sizes (const PickleValue *tuple, gsize *out, guint n, GError **error)
{
  for (guint i = 0; i < n; i++) {
    const gint64 size = pickle_integer (pickle_item (tuple, i), -1);
    if (size < 0)
      return refuse_tensor ("has a negative size or stride, or one that is no number", error);
    out[i] = (gsize) size;
  }
  return TRUE;
}

/* The last element of the view must lie in the storage. */
static gboolean
check_extent (const PickleTensor *tensor, GError **error)
{
  gsize last = tensor->offset;
  gboolean fits = TRUE;

  for (guint i = 0; i < tensor->n_dims; i++) {
    if (tensor->shape[i] == 0)
      return TRUE;
    gsize span;
    fits = fits && !__builtin_mul_overflow (tensor->shape[i] - 1, tensor->strides[i], &span)
        && !__builtin_add_overflow (last, span, &last);
  }
  if (fits && last < tensor->storage->n_elements)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "a tensor reaches beyond its storage \"%s\" of %zu elements", tensor->storage->key,
      tensor->storage->n_elements);
  return FALSE;
}

static gboolean
read_view (PickleTensor *tensor, const PickleValue *arguments, GError **error)
{
  const PickleValue *storage = pickle_item (arguments, 0);
  const PickleValue *shape = pickle_item (arguments, 2);
  const PickleValue *strides = pickle_item (arguments, 3);
  const gint64 offset = pickle_integer (pickle_item (arguments, 1), -1);

  if (storage == NULL || storage->kind != PICKLE_STORAGE)
    return refuse_tensor ("has no storage", error);
  if (offset < 0)
    return refuse_tensor ("has a negative offset", error);
  if (pickle_length (shape) != pickle_length (strides))
    return refuse_tensor ("has more sizes than strides, or fewer", error);
  if (pickle_length (shape) > TORCH_MAX_DIMS)
    return refuse_tensor ("has more than 8 dimensions", error);
  tensor->storage = &storage->storage;
  tensor->offset = (gsize) offset;
  tensor->n_dims = pickle_length (shape);
  return read_sizes (shape, tensor->shape, tensor->n_dims, error)
      && read_sizes (strides, tensor->strides, tensor->n_dims, error)
      && check_extent (tensor, error);
}

static gboolean
is_name (const PickleValue *value, const char *name)
{
  return value != NULL && value->kind == PICKLE_NAME && strcmp (value->text.data, name) == 0;
}

static gboolean
check_channels (const PickleTensor *tensor, const PickleValue *value, GError **error)
{
  const PickleTensor *numbers = pickle_tensor (value);

  if (numbers == NULL || numbers->n_dims != 1 || tensor->axis >= tensor->n_dims
      || numbers->shape[0] != tensor->shape[tensor->axis])
    return refuse_tensor ("that is quantised per channel lacks a scale for each channel", error);
  return TRUE;
}

/* (torch.per_tensor_affine, scale, zero point) or
 * (torch.per_channel_affine, scales, zero points, axis). */
static gboolean
read_quantizer (PickleTensor *tensor, const PickleValue *quantizer, GError **error)
{
  const PickleValue *scheme = pickle_item (quantizer, 0);
  double number;

  tensor->scale = pickle_item (quantizer, 1);
  tensor->zero_point = pickle_item (quantizer, 2);
  if (is_name (scheme, "torch.per_tensor_affine")) {
    if (!pickle_number (tensor->scale, &number) || !pickle_number (tensor->zero_point, &number))
      return refuse_tensor ("that is quantised lacks its scale or zero point", error);
    return TRUE;
  }
  if (!is_name (scheme, "torch.per_channel_affine"))
    return refuse_tensor ("is quantised neither per tensor nor per channel", error);
  const gint64 axis = pickle_integer (pickle_item (quantizer, 3), -1);
  tensor->axis = axis < 0 || axis >= TORCH_MAX_DIMS ? TORCH_MAX_DIMS : (guint) axis;
  return check_channels (tensor, tensor->scale, error)
      && check_channels (tensor, tensor->zero_point, error);
}

static gboolean
is_quantised (TorchDtype dtype)
{
  return dtype == TORCH_QINT8 || dtype == TORCH_QUINT8 || dtype == TORCH_QINT32;
}

static PickleValue *
new_tensor (Pickle *pickle, const PickleValue *arguments, const PickleValue *quantizer,
    GError **error)
{
  g_autofree PickleTensor *tensor = g_new0 (PickleTensor, 1);

  if (!read_view (tensor, arguments, error))
    return NULL;
  if (is_quantised (tensor->storage->dtype) != (quantizer != NULL)) {
    refuse_tensor ("is quantised without scales, or has scales without being quantised", error);
    return NULL;
  }
  if (quantizer != NULL && !read_quantizer (tensor, quantizer, error))
    return NULL;
  PickleValue *value = pickle_value_new (pickle, PICKLE_TENSOR, error);
  if (value != NULL)
    value->tensor = g_steal_pointer (&tensor);
  return value;
}

/* torch._utils._rebuild_tensor_v2 (storage, offset, shape, strides, requires_grad, hooks, …) */
static PickleValue *
rebuild_tensor (Pickle *pickle, PickleValue *arguments, GError **error)
{
  return new_tensor (pickle, arguments, NULL, error);
}

/* torch._utils._rebuild_qtensor (storage, offset, shape, strides, quantizer, …) */
static PickleValue *
rebuild_qtensor (Pickle *pickle, PickleValue *arguments, GError **error)
{
  const PickleValue *quantizer = pickle_item (arguments, 4);

  if (quantizer == NULL) {
    refuse_tensor ("that is quantised has no scales", error);
    return NULL;
  }
  return new_tensor (pickle, arguments, quantizer, error);
}

/* --- Other callables -------------------------------------------------------------------------- */

/* torch._utils._rebuild_parameter (tensor, …), torch.Size (tuple), torch.jit._pickle.build_intlist
 * (list), … : the first argument as it is. */
static PickleValue *
first_argument (Pickle *pickle, PickleValue *arguments, GError **error)
{
  if (arguments->items->len > 0)
    return arguments->items->pdata[0];
  g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "a call lacks its argument");
  return NULL;
}

static PickleValue *
inert_object (Pickle *pickle, const char *class_name, PickleValue *arguments, GError **error)
{
  PickleValue *value = pickle_value_new (pickle, PICKLE_OBJECT, error);

  if (value == NULL)
    return NULL;
  value->object.class_name = class_name;
  value->object.arguments = arguments;
  return value;
}

static PickleValue *
make_device (Pickle *pickle, PickleValue *arguments, GError **error)
{
  return inert_object (pickle, "torch.device", arguments, error);
}

/* Copies can be asked for again and again, so that their sum needs a bound as well. */
static gboolean
count_copies (Pickle *pickle, gsize n, GError **error)
{
  pickle->n_copied += n;
  if (pickle->n_copied <= PICKLE_MAX_VALUES)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "more than %u items", PICKLE_MAX_VALUES);
  return FALSE;
}

static PickleValue *
make_set (Pickle *pickle, PickleValue *arguments, GError **error)
{
  const PickleValue *list = pickle_item (arguments, 0);
  PickleValue *set = pickle_container_new (pickle, PICKLE_SET, error);

  if (set == NULL || !count_copies (pickle, pickle_length (list), error))
    return NULL;
  for (guint i = 0; i < pickle_length (list); i++)
    g_ptr_array_add (set->items, list->items->pdata[i]);
  return set;
}

/* OrderedDict () or OrderedDict ([(key, value), …]); collections.Counter ({…}) */
static PickleValue *
make_dict (Pickle *pickle, PickleValue *arguments, GError **error)
{
  const PickleValue *source = pickle_item (arguments, 0);
  const guint n = pickle_length (source);
  PickleValue *dict = pickle_container_new (pickle, PICKLE_DICT, error);

  if (dict == NULL || !count_copies (pickle, n, error))
    return NULL;
  for (guint i = 0; i < n; i++) {
    const PickleValue *pair = source->kind == PICKLE_DICT ? NULL : pickle_item (source, i);
    gpointer *items = source->kind == PICKLE_DICT ? source->items->pdata + 2 * i : NULL;
    if (pair != NULL && pickle_length (pair) == 2 && pair->kind != PICKLE_DICT)
      items = pair->items->pdata;
    if (items == NULL) {
      g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "a dict is made of something that is no list of pairs");
      return NULL;
    }
    g_ptr_array_add (dict->items, items[0]);
    g_ptr_array_add (dict->items, items[1]);
  }
  return dict;
}

typedef PickleValue *(*Call) (Pickle *pickle, PickleValue *arguments, GError **error);

static const struct {
  const char *name;
  Call call;
} callables[] = {
  { "collections.OrderedDict", make_dict },
  { "collections.Counter", make_dict },
  { "builtins.set", make_set },
  { "__builtin__.set", make_set },
  { "torch.Size", first_argument },
  { "torch.device", make_device },
  { "torch._utils._rebuild_tensor", rebuild_tensor },
  { "torch._utils._rebuild_tensor_v2", rebuild_tensor },
  { "torch._utils._rebuild_qtensor", rebuild_qtensor },
  { "torch._utils._rebuild_parameter", first_argument },
  { "torch.jit._pickle.build_intlist", first_argument },
  { "torch.jit._pickle.build_doublelist", first_argument },
  { "torch.jit._pickle.build_boollist", first_argument },
  { "torch.jit._pickle.build_tensorlist", first_argument },
  { "torch.jit._pickle.restore_type_tag", first_argument },
};

/* --- What stands beside the weights ----------------------------------------------------------- */

/* Counters, options and states that trainers save with a model. The importer asks for none of them: each is kept as
 * what it was made of, and does nothing. What is filled after its call is a dict or a list. */
static const struct {
  const char *name;
  PickleKind kind;
} inert[] = {
  { "numpy.core.multiarray.scalar", PICKLE_OBJECT },
  { "numpy._core.multiarray.scalar", PICKLE_OBJECT },
  { "numpy.core.multiarray._reconstruct", PICKLE_OBJECT },
  { "numpy._core.multiarray._reconstruct", PICKLE_OBJECT },
  { "numpy.dtype", PICKLE_OBJECT },
  { "_codecs.encode", PICKLE_OBJECT },
  { "copy_reg._reconstructor", PICKLE_OBJECT },
  { "copyreg._reconstructor", PICKLE_OBJECT },
  { "argparse.Namespace", PICKLE_OBJECT },
  { "types.SimpleNamespace", PICKLE_OBJECT },
  { "builtins.complex", PICKLE_OBJECT },
  { "builtins.slice", PICKLE_OBJECT },
  { "builtins.range", PICKLE_OBJECT },
  { "builtins.bytearray", PICKLE_OBJECT },
  { "builtins.frozenset", PICKLE_OBJECT },
  { "datetime.datetime", PICKLE_OBJECT },
  { "datetime.timedelta", PICKLE_OBJECT },
  { "pathlib.Path", PICKLE_OBJECT },
  { "pathlib.PosixPath", PICKLE_OBJECT },
  { "pathlib.WindowsPath", PICKLE_OBJECT },
  { "torch.torch_version.TorchVersion", PICKLE_OBJECT },
  { "collections.deque", PICKLE_LIST },
  { "collections.defaultdict", PICKLE_DICT },
  { "yacs.config.CfgNode", PICKLE_DICT },
  { "fvcore.common.config.CfgNode", PICKLE_DICT },
  { "detectron2.config.config.CfgNode", PICKLE_DICT },
  { "d2go.config.config.CfgNode", PICKLE_DICT },
  { "pytorch_lightning.utilities.parsing.AttributeDict", PICKLE_DICT },
  { "lightning.pytorch.utilities.parsing.AttributeDict", PICKLE_DICT },
  { "lightning_fabric.utilities.data.AttributeDict", PICKLE_DICT },
  { "lightning.fabric.utilities.data.AttributeDict", PICKLE_DICT },
};

static const PickleKind *
find_inert (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (inert); i++)
    if (strcmp (inert[i].name, name) == 0)
      return &inert[i].kind;
  return NULL;
}

gboolean
pickle_name_takes_state (const char *name)
{
  return pickle_name_is_class (name) || find_inert (name) != NULL;
}

/* --- Names ------------------------------------------------------------------------------------ */

static const char *const plain_names[] = {
  "numpy.ndarray",
  "builtins.bool",
  "builtins.dict",
  "builtins.float",
  "builtins.int",
  "builtins.list",
  "builtins.object",
  "builtins.str",
  "builtins.tuple",
  "__builtin__.bool",
  "__builtin__.dict",
  "__builtin__.float",
  "__builtin__.int",
  "__builtin__.list",
  "__builtin__.long",
  "__builtin__.object",
  "__builtin__.str",
  "__builtin__.tuple",
  "__builtin__.unicode",
  "torch.float64",
  "torch.double",
  "torch.float32",
  "torch.float",
  "torch.float16",
  "torch.half",
  "torch.bfloat16",
  "torch.int64",
  "torch.long",
  "torch.int32",
  "torch.int",
  "torch.int16",
  "torch.short",
  "torch.int8",
  "torch.uint8",
  "torch.bool",
  "torch.qint8",
  "torch.quint8",
  "torch.qint32",
  "torch.per_tensor_affine",
  "torch.per_channel_affine",
  "torch.per_tensor_symmetric",
  "torch.per_channel_symmetric",
};

/* Classes of a TorchScript archive: their code is in the archive and is not run. */
gboolean
pickle_name_is_class (const char *name)
{
  return g_str_has_prefix (name, "__torch__.");
}

static Call
find_call (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (callables); i++)
    if (strcmp (callables[i].name, name) == 0)
      return callables[i].call;
  return NULL;
}

static gboolean
is_plain_name (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (plain_names); i++)
    if (strcmp (plain_names[i], name) == 0)
      return TRUE;
  return FALSE;
}

gboolean
pickle_name_check (const char *name, GError **error)
{
  TorchDtype dtype;

  if (pickle_name_takes_state (name) || find_call (name) != NULL || is_plain_name (name)
      || find_storage (name, &dtype))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
      "asks for the Python name %s, which is refused: only tensors and plain values are read",
      name);
  return FALSE;
}

PickleValue *
pickle_reduce (Pickle *pickle, const char *name, PickleValue *arguments, GError **error)
{
  const Call call = find_call (name);

  if (call != NULL)
    return call (pickle, arguments, error);
  const PickleKind *kind = find_inert (name);
  if (kind != NULL && *kind != PICKLE_OBJECT)
    return pickle_container_new (pickle, *kind, error);
  if (kind != NULL || pickle_name_is_class (name))
    return inert_object (pickle, name, arguments, error);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
      "calls %s, which is refused: only tensors and plain values are read", name);
  return NULL;
}
