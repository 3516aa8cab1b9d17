/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The common part of both kinds of TorchScript archive: quantised layers' parameters.
 */
#include "torchscript-file.h"

#include <math.h>
#include <string.h>

#include "fbnet/fbnet.h"
#include "weights.h"

#define MAX_LIST 16384

const TorchScriptQuant torchscript_no_quant = { NAN, NAN };

TorchScript *
torchscript_new (void)
{
  TorchScript *export = g_new0 (TorchScript, 1);
  export->pickles = g_ptr_array_new_with_free_func ((GDestroyNotify) pickle_free);
  GArray **const parts[] = { &export->trunk, &export->rpn, &export->box, &export->mask,
    &export->kpts };
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    *parts[i] = g_array_new (FALSE, FALSE, sizeof (TorchScriptBlock));
  TorchScriptQuant *const inputs[] = { &export->trunk_in, &export->rpn_in, &export->box_in,
    &export->predictor_in, &export->mask_in, &export->kpts_in };
  for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
    *inputs[i] = torchscript_no_quant;
  export->facts = (TorchScriptFacts){
    .mean = { NAN, NAN, NAN },
    .std = { NAN, NAN, NAN },
    .anchor_offset = NAN,
    .rpn_iou_threshold = NAN,
    .rpn_weights = { NAN, NAN, NAN, NAN },
    .score_threshold = NAN,
    .iou_threshold = NAN,
    .box_weights = { NAN, NAN, NAN, NAN },
    .box_sampling_ratio = NAN,
    .head_sampling_ratio = NAN,
  };
  return export;
}

void
torchscript_free (TorchScript *export)
{
  if (export == NULL)
    return;
  GArray *const parts[] = { export->trunk, export->rpn, export->box, export->mask, export->kpts };
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    g_array_unref (parts[i]);
  g_ptr_array_unref (export->pickles);
  g_free (export->facts.cells);
  g_free (export->facts.category_ids);
  g_free (export);
}

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "a quantised layer %s", what);
  return FALSE;
}

/* Both sides of a square; 0 when there is no such number. */
static guint
square (double a, double b)
{
  return a == b && a >= 0 && a < 65536 && a == floor (a) ? (guint) a : 0;
}

static guint
square_of (const PickleValue *pair)
{
  double a, b;
  if (!pickle_number (pickle_item (pair, 0), &a) || !pickle_number (pickle_item (pair, 1), &b))
    return 0;
  return square (a, b);
}

static gboolean
is_absent (const PickleValue *value)
{
  return value == NULL || value->kind == PICKLE_NONE;
}

/* Whatever form it came in: a weight of int8 with scales, a bias of floats or none. */
static gboolean
check_conv (const TorchScriptConv *conv, const PickleValue *bias, guint n_dims, GError **error)
{
  if (conv->weight == NULL || conv->weight->n_dims != n_dims
      || conv->weight->storage->dtype != TORCH_QINT8)
    return fail (error, "has no int8 weights");
  if (n_dims == 4 && conv->weight->shape[2] != conv->weight->shape[3])
    return fail (error, "has a kernel that is not square");
  if (conv->stride == 0 || conv->dilation == 0 || conv->groups == 0)
    return fail (error, "has a stride, dilation or group count that is no number");
  if (conv->bias == NULL)
    return is_absent (bias) || fail (error, "has a bias that is no tensor");
  return (conv->bias->n_dims == 1 && conv->bias->shape[0] == conv->weight->shape[0]
             && conv->bias->storage->dtype == TORCH_F32)
      || fail (error, "has a bias of the wrong shape");
}

/* torch.nn.quantized.modules.conv.Conv2d.__getstate__: (in, out, kernel, stride, padding, dilation,
 * transposed, output padding, groups, padding mode, weight, bias, scale, zero point, …) */
static gboolean
read_module_state (const PickleValue *state, TorchScriptConv *conv, GError **error)
{
  const PickleValue *transposed = pickle_item (state, 6);
  if (transposed == NULL || transposed->kind != PICKLE_BOOL || transposed->boolean)
    return fail (error, "is a transposed convolution");
  *conv = (TorchScriptConv){
    .weight = pickle_tensor (pickle_item (state, 10)),
    .bias = pickle_tensor (pickle_item (state, 11)),
    .stride = square_of (pickle_item (state, 3)),
    .pad = square_of (pickle_item (state, 4)),
    .dilation = square_of (pickle_item (state, 5)),
    .groups = square ((double) pickle_integer (pickle_item (state, 8), 0),
        (double) pickle_integer (pickle_item (state, 8), 0)),
  };
  return check_conv (conv, pickle_item (state, 11), 4, error);
}

/* aten/src/ATen/native/quantized/cpu/conv_serialization.h, version 2: ("2", [numbers, weight],
 * [bias]); the numbers: dimensions, then for each: stride, padding, dilation, output padding; at last
 * groups and whether it is transposed. */
static gboolean
read_conv_state (Archive *archive, const PickleValue *state, TorchScriptConv *conv, GError **error)
{
  const PickleValue *tensors = pickle_item (state, 1);
  const PickleValue *bias = pickle_item (pickle_item (state, 2), 0);
  const PickleTensor *numbers = pickle_tensor (pickle_item (tensors, 0));
  gsize n;
  if (numbers == NULL)
    return fail (error, "has no stride and padding");
  g_autofree double *v = weights_read_numbers (archive, numbers, 64, &n, error);
  if (v == NULL)
    return FALSE;
  if (n != 11 || v[0] != 2 || v[10] != 0)
    return fail (error, "is no plain convolution of two dimensions");
  *conv = (TorchScriptConv){
    .weight = pickle_tensor (pickle_item (tensors, 1)),
    .bias = pickle_tensor (bias),
    .stride = square (v[1], v[2]),
    .pad = square (v[3], v[4]),
    .dilation = square (v[5], v[6]),
    .groups = square (v[9], v[9]),
  };
  return check_conv (conv, bias, 4, error);
}

/* (weight, bias, …) */
static gboolean
read_linear_state (const PickleValue *state, TorchScriptConv *conv, GError **error)
{
  *conv = (TorchScriptConv){
    .weight = pickle_tensor (pickle_item (state, 0)),
    .bias = pickle_tensor (pickle_item (state, 1)),
    .stride = 1,
    .dilation = 1,
    .groups = 1,
  };
  return check_conv (conv, pickle_item (state, 1), 2, error);
}

gboolean
torchscript_read_conv (Archive *archive, const PickleValue *packed, TorchScriptConv *conv,
    GError **error)
{
  const PickleValue *inner = pickle_attribute (packed, "_packed_params");
  if (inner != NULL)
    packed = inner;
  inner = pickle_attribute (packed, "_packed_params");
  if (inner != NULL)
    packed = inner;
  const PickleValue *state =
      packed != NULL && packed->kind == PICKLE_OBJECT ? packed->object.state : NULL;
  const PickleValue *first = pickle_item (state, 0);
  if (g_strcmp0 (pickle_string (first), "2") == 0)
    return read_conv_state (archive, state, conv, error);
  if (pickle_tensor (first) != NULL)
    return read_linear_state (state, conv, error);
  if (first != NULL && first->kind == PICKLE_INT)
    return read_module_state (state, conv, error);
  return fail (error, "has parameters in a form that is not known here");
}

gboolean
torchscript_read_list (Archive *archive, const PickleValue *tensor, double **out, gsize *n,
    GError **error)
{
  const PickleTensor *view = pickle_tensor (tensor);
  if (view == NULL)
    return TRUE;
  g_free (*out);
  *out = weights_read_numbers (archive, view, MAX_LIST, n, error);
  return *out != NULL;
}

gboolean
torchscript_read_triple (Archive *archive, const PickleValue *tensor, double out[3], GError **error)
{
  gsize n = 0;
  g_autofree double *numbers = NULL;
  if (!torchscript_read_list (archive, tensor, &numbers, &n, error))
    return FALSE;
  if (n == 3)
    memcpy (out, numbers, 3 * sizeof *out);
  return TRUE;
}
