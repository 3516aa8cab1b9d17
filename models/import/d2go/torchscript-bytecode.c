/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A lite interpreter's archive: it has no modules and no names any more, so the network is
 * recognised by how its operators read each other. Chains of quantised convolutions are the trunk and
 * the heads; what stands around them carries the stages' numbers.
 */
#include <math.h>
#include <string.h>

#include "import/torch/bytecode.h"
#include "torchscript-file.h"
#include "fbnet/fbnet.h"

#define MAX_VIEWS 8

/* --- Chains of blocks ------------------------------------------------------------------------- */

static gboolean
is_conv (const Node *node)
{
  return node_is (node, "quantized::conv2d.new") || node_is (node, "quantized::conv2d_relu.new")
      || node_is (node, "quantized::conv2d") || node_is (node, "quantized::conv2d_relu");
}

/* The convolution that reads `node`; NULL when none does, or several do. */
static const Node *
next_conv (const Node *node)
{
  const Node *found = NULL;
  for (guint i = 0; node != NULL && i < node->users->len; i++) {
    const Node *user = node->users->pdata[i];
    if (!is_conv (user))
      continue;
    if (found != NULL)
      return NULL;
    found = user;
  }
  return found;
}

static double
constant_number (const Node *node, guint input)
{
  double number;
  return pickle_number (node_constant (node, input), &number) ? number : NAN;
}

/* Scale and zero point stand side by side in the operators that give bytes. */
static TorchScriptQuant
read_quant (const Node *node, guint input)
{
  return (TorchScriptQuant){ constant_number (node, input), constant_number (node, input + 1) };
}

static gboolean
read_conv (Archive *archive, const Node *node, TorchScriptConv *conv, GError **error)
{
  if (!torchscript_read_conv (archive, node_constant (node, 1), conv, error))
    return FALSE;
  conv->relu =
      node_is (node, "quantized::conv2d_relu.new") || node_is (node, "quantized::conv2d_relu");
  conv->out = read_quant (node, 2);
  return TRUE;
}

static gboolean
is_depthwise (const TorchScriptConv *conv)
{
  return conv->groups > 1 && conv->groups == conv->weight->shape[0];
}

/* Nearest neighbours by [2., 2.]; 0 for a factor that is no such number. */
static guint
upsample_factor (const Node *node)
{
  const PickleValue *factors = node_constant (node, 2);
  double y, x;
  if (pickle_number (pickle_item (factors, 0), &y) && pickle_number (pickle_item (factors, 1), &x)
      && x == y && x >= 1 && x <= 16)
    return (guint) x;
  const Node *list = node_input (node, 2);
  if (pickle_number (node_constant (list, 0), &y) && pickle_number (node_constant (list, 1), &x)
      && x == y && x >= 1 && x <= 16)
    return (guint) x;
  return 0;
}

/* The sum of a block's output with its input; NULL when there is none. */
static const Node *
residual_of (const Node *out, const Node *in)
{
  const Node *add = node_user (out, "quantized::add");
  if (add != NULL && (node_input (add, 0) == in || node_input (add, 1) == in))
    return add;
  return NULL;
}

/* The depthwise and the last convolution behind `pw` (or, without one, behind the block's input).
 * FALSE when the chain is not like that. */
static gboolean
read_depthwise (Archive *archive, const Node *from, TorchScriptBlock *block, const Node **out)
{
  const Node *upsample = node_user (from, "aten::upsample_nearest2d.vec");
  if (upsample != NULL)
    block->upsample = upsample_factor (upsample);
  const Node *dw = next_conv (upsample != NULL ? upsample : from);
  if (dw == NULL || !read_conv (archive, dw, &block->dw, NULL) || !is_depthwise (&block->dw))
    return FALSE;
  *out = next_conv (dw);
  return *out != NULL && read_conv (archive, *out, &block->pwl, NULL);
}

/* The block whose first convolution is `first`, reading `in`. A 1×1 convolution without a depthwise
 * one behind it is a plain convolution, as is any larger one. */
static gboolean
read_block (Archive *archive, const Node *in, const Node *first, TorchScriptBlock *block,
    const Node **out, GError **error)
{
  *block = (TorchScriptBlock){ .upsample = 1 };
  TorchScriptConv conv;
  if (!read_conv (archive, first, &conv, error))
    return FALSE;
  if (is_depthwise (&conv)) {
    if (!read_depthwise (archive, in, block, out)) {
      g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
          "bytecode: a depthwise convolution is not followed by another one");
      return FALSE;
    }
  } else if (conv.weight->shape[2] == 1 && read_depthwise (archive, first, block, out)) {
    block->pw = conv;
  } else {
    *block = (TorchScriptBlock){ .pwl = conv, .upsample = 1 };
    *out = first;
    return TRUE;
  }
  const Node *sum = residual_of (*out, in);
  block->residual = sum != NULL;
  block->sum = read_quant (sum, 2);
  if (sum != NULL)
    *out = sum;
  return TRUE;
}

/* All blocks of a chain; `end` (out): what the last one gives. */
static gboolean
read_chain (Archive *archive, const Node *start, GArray *blocks, const Node **end, GError **error)
{
  const Node *at = start;
  for (const Node *first; (first = next_conv (at)) != NULL;) {
    TorchScriptBlock block;
    if (!read_block (archive, at, first, &block, &at, error))
      return FALSE;
    g_array_append_val (blocks, block);
  }
  *end = at;
  return TRUE;
}

/* --- Trunk and heads -------------------------------------------------------------------------- */

static guint
conv_out (const TorchScriptConv *conv)
{
  return conv->weight != NULL ? (guint) conv->weight->shape[0] : 0;
}

/* Two convolutions read the end of the RPN's chain: scores, and four deltas for each. */
static gboolean
read_rpn_regressors (Archive *archive, const Node *end, TorchScript *e, GError **error)
{
  TorchScriptConv convs[2] = { 0 };
  guint n = 0;
  for (guint i = 0; i < end->users->len; i++) {
    if (!is_conv (end->users->pdata[i]))
      continue;
    if (n == 2 || !read_conv (archive, end->users->pdata[i], &convs[n++], error))
      return FALSE;
  }
  const guint larger = conv_out (&convs[1]) > conv_out (&convs[0]);
  e->rpn_logits = convs[1 - larger];
  e->rpn_deltas = convs[larger];
  return TRUE;
}

/* Where the bytes that `node` reads were made of floats; views may lie between. */
static const Node *
find_quantize (const Node *node)
{
  for (guint i = 0; node != NULL && i < MAX_VIEWS; i++) {
    if (node_is (node, "aten::quantize_per_tensor"))
      return node;
    node = node_input (node, 0);
  }
  return NULL;
}

/* The linear layers of the box predictor: the one that softmax reads is the classifier. */
static gboolean
read_box_predictor (Archive *archive, const Graph *graph, TorchScript *e, GError **error)
{
  for (guint i = 0; i < graph->nodes->len; i++) {
    const Node *node = graph->nodes->pdata[i];
    if (!node_is (node, "quantized::linear"))
      continue;
    const gboolean scores =
        node_user (node_user (node, "aten::dequantize.self"), "aten::softmax.int") != NULL;
    if (!read_conv (archive, node, scores ? &e->cls_score : &e->bbox_pred, error))
      return FALSE;
    e->predictor_in = read_quant (find_quantize (node), 1);
  }
  return TRUE;
}

/* A head after the boxes: keypoints end in a block of their own, masks in a plain convolution. */
static void
split_last_head (TorchScript *e, GArray *blocks)
{
  if (blocks->len == 0)
    return;
  const TorchScriptBlock last = g_array_index (blocks, TorchScriptBlock, blocks->len - 1);
  const gboolean is_mask = last.dw.weight == NULL;
  g_array_set_size (blocks, blocks->len - 1);
  if (is_mask)
    e->mask_logits = last.pwl;
  else
    e->keypoint_logits = last;
  GArray *const target = is_mask ? e->mask : e->kpts;
  g_array_append_vals (target, blocks->data, blocks->len);
}

/* Chains begin where floats are quantised: first the trunk (it reads the picture), then in the order
 * of execution the RPN, the box head and the last head, which two read ROIAlign's output. */
static gboolean
read_chains (Archive *archive, const Graph *graph, TorchScript *e, GError **error)
{
  for (guint i = 0; i < graph->nodes->len; i++) {
    const Node *start = graph->nodes->pdata[i];
    if (!node_is (start, "aten::quantize_per_tensor") || next_conv (start) == NULL)
      continue;
    const gboolean is_head = node_is (node_input (start, 0), "torchvision::roi_align");
    g_autoptr (GArray) blocks = g_array_new (FALSE, FALSE, sizeof (TorchScriptBlock));
    const Node *end;
    if (!read_chain (archive, start, blocks, &end, error))
      return FALSE;
    if (is_head && node_user (end, "aten::adaptive_avg_pool2d") == NULL) {
      e->mask_in = e->kpts_in = read_quant (start, 1);
      split_last_head (e, blocks);
      continue;
    }
    GArray *const target = is_head ? e->box : e->trunk->len == 0 ? e->trunk : e->rpn;
    if (target->len > 0) {
      g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
          "bytecode: expected one trunk, one RPN and one box head, found more");
      return FALSE;
    }
    g_array_append_vals (target, blocks->data, blocks->len);
    *(target == e->box         ? &e->box_in
            : target == e->rpn ? &e->rpn_in
                               : &e->trunk_in) = read_quant (start, 1);
    if (target == e->rpn && !read_rpn_regressors (archive, end, e, error))
      return FALSE;
  }
  return read_box_predictor (archive, graph, e, error);
}

/* --- Numbers ---------------------------------------------------------------------------------- */

static const Node *
find_op (const Graph *graph, const char *op, guint skip)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    if (node_is (graph->nodes->pdata[i], op) && skip-- == 0)
      return graph->nodes->pdata[i];
  return NULL;
}

/* nms (boxes, scores, threshold), kept behind `if there are no boxes`; then the first so many. */
static void
read_nms (const Node *nms, double *threshold, double *count)
{
  *threshold = constant_number (nms, 2);
  const Node *kept = node_user (nms, "either");
  const Node *slice = node_user (kept != NULL ? kept : nms, "aten::slice.Tensor");
  const double number = constant_number (slice, 3);
  *count = isnan (number) ? 0 : number;
}

/* clamp (n, None, count): the others have two bounds, or fractions. */
static void
read_pre_nms_count (const Graph *graph, TorchScriptFacts *facts)
{
  for (guint i = 0;; i++) {
    const Node *clamp = find_op (graph, "aten::clamp", i);
    if (clamp == NULL)
      return;
    const PickleValue *low = node_constant (clamp, 1);
    const gint64 high = pickle_integer (node_constant (clamp, 2), 0);
    if (low != NULL && low->kind == PICKLE_NONE && high > 0) {
      facts->pre_nms_count = (double) high;
      return;
    }
  }
}

/* The scores' comparison; the sides of proposals are compared with 0. */
static void
read_score_threshold (const Graph *graph, TorchScriptFacts *facts)
{
  const Node *gt;
  for (guint i = 0; (gt = find_op (graph, "aten::gt.Scalar", i)) != NULL; i++)
    if (constant_number (gt, 1) > 0)
      facts->score_threshold = constant_number (gt, 1);
}

static void
read_pooler (const Node *roi_align, double *resolution, double *ratio)
{
  const double height = constant_number (roi_align, 3), width = constant_number (roi_align, 4);
  *resolution = height == width ? height : 0;
  *ratio = constant_number (roi_align, 5);
}

/* dx, dy, dw, dh of the proposals, then of the boxes, divided by a number each; mean and deviation
 * come before, and have three. */
static gboolean
read_weights (Archive *archive, const Graph *graph, TorchScriptFacts *facts, GError **error)
{
  guint n_found = 0;
  const Node *div;
  for (guint i = 0; (div = find_op (graph, "aten::div.Tensor", i)) != NULL; i++) {
    g_autofree double *numbers = NULL;
    gsize n = 0;
    if (!torchscript_read_list (archive, node_constant (div, 1), &numbers, &n, error))
      return FALSE;
    if (n == 3 && isnan (facts->std[0]))
      memcpy (facts->std, numbers, sizeof facts->std);
    if (n != 1)
      continue;
    if (n_found < 4)
      facts->rpn_weights[n_found] = numbers[0];
    else if (n_found < 8)
      facts->box_weights[n_found - 4] = numbers[0];
    n_found++;
  }
  return TRUE;
}

static gboolean
read_mean (Archive *archive, const Graph *graph, TorchScriptFacts *facts, GError **error)
{
  const Node *sub;
  for (guint i = 0; (sub = find_op (graph, "aten::sub.Tensor", i)) != NULL; i++)
    if (pickle_tensor (node_constant (sub, 1)) != NULL)
      return torchscript_read_triple (archive, node_constant (sub, 1), facts->mean, error);
  return TRUE;
}

/* Shifts of the grid plus the cells, [1][n][4]. */
static gboolean
read_anchors (Archive *archive, const Graph *graph, TorchScriptFacts *facts, GError **error)
{
  const Node *arange = find_op (graph, "aten::arange.start_step", 0);
  facts->anchor_offset = constant_number (arange, 0) / constant_number (arange, 2);
  const Node *add;
  for (guint i = 0; (add = find_op (graph, "aten::add.Tensor", i)) != NULL; i++) {
    const PickleTensor *cells = pickle_tensor (node_constant (add, 1));
    if (cells != NULL && cells->n_dims == 3 && cells->shape[2] == 4)
      return torchscript_read_list (archive, node_constant (add, 1), &facts->cells, &facts->n_cells,
          error);
  }
  return TRUE;
}

static gboolean
read_facts (Archive *archive, const Graph *graph, TorchScriptFacts *facts, GError **error)
{
  read_nms (find_op (graph, "torchvision::nms", 0), &facts->rpn_iou_threshold,
      &facts->post_nms_count);
  read_nms (find_op (graph, "torchvision::nms", 1), &facts->iou_threshold, &facts->max_detections);
  read_pooler (find_op (graph, "torchvision::roi_align", 0), &facts->box_resolution,
      &facts->box_sampling_ratio);
  read_pooler (find_op (graph, "torchvision::roi_align", 1), &facts->head_resolution,
      &facts->head_sampling_ratio);
  read_pre_nms_count (graph, facts);
  read_score_threshold (graph, facts);
  const Node *select = find_op (graph, "aten::index_select", 0);
  return read_weights (archive, graph, facts, error) && read_mean (archive, graph, facts, error)
      && read_anchors (archive, graph, facts, error)
      && torchscript_read_list (archive, node_constant (select, 0), &facts->category_ids,
          &facts->n_category_ids, error);
}

/* --- Entry ------------------------------------------------------------------------------------ */

static gboolean
read_graph (Archive *archive, const Graph *graph, TorchScript *e, GError **error)
{
  return graph != NULL && read_chains (archive, graph, e, error)
      && read_facts (archive, graph, &e->facts, error);
}

TorchScript *
torchscript_read_bytecode (Archive *archive, GError **error)
{
  g_autoptr (TorchScript) e = torchscript_new ();
  Pickle *self = archive_pickle (archive, "data.pkl", "data", error);
  if (self == NULL)
    return NULL;
  g_ptr_array_add (e->pickles, self);
  /* Since version 5 the constants' tensors are shared with constants.pkl. */
  const gboolean own = archive_has (archive, "bytecode/0");
  Pickle *bytecode =
      archive_pickle (archive, "bytecode.pkl", own ? "bytecode" : "constants", error);
  if (bytecode == NULL)
    return NULL;
  g_ptr_array_add (e->pickles, bytecode);
  g_autoptr (Graph) graph = bytecode_follow (pickle_root (bytecode), pickle_root (self), error);
  if (!read_graph (archive, graph, e, error)) {
    g_prefix_error (error, "%s: ", archive_name (archive));
    return NULL;
  }
  return g_steal_pointer (&e);
}
