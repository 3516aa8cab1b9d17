/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What Meta's int8 exports (TorchScript archives) hold, whichever way they hold it: quantised layers
 * in blocks, and the numbers of the stages around them.
 */
#ifndef FBNET_IMPORT_D2GO_TORCHSCRIPT_FILE_H
#define FBNET_IMPORT_D2GO_TORCHSCRIPT_FILE_H

#include "import/torch/archive.h"

/* What an activation's bytes mean. NAN where the archive does not say. */
typedef struct {
  double scale, zero_point;
} TorchScriptQuant;

/* A quantised convolution or linear layer (`stride` and the rest are 1, `pad` 0). `weight` is NULL
 * for a layer that is not there, `bias` for one without. */
typedef struct {
  const PickleTensor *weight, *bias;
  guint stride, pad, dilation, groups;
  gboolean relu;
  TorchScriptQuant out;
} TorchScriptConv;

/* As Block of arch.h: a plain convolution is in `pwl`. */
typedef struct {
  TorchScriptConv pw, dw, pwl;
  guint upsample; /* 1: none */
  gboolean residual;
  TorchScriptQuant sum; /* of the residual */
} TorchScriptBlock;

/* Numbers that the archive gives. NAN, or 0 for counts, where it does not. */
typedef struct {
  double mean[3], std[3];
  double *cells; /* anchors: x0, y0, x1, y1 of each, n_cells numbers in all */
  gsize n_cells;
  double anchor_offset;
  double pre_nms_count, post_nms_count, rpn_iou_threshold, rpn_weights[4];
  double score_threshold, iou_threshold, max_detections, box_weights[4];
  double box_resolution, box_sampling_ratio;
  double head_resolution, head_sampling_ratio; /* of the mask or keypoint head */
  double wrapper_size; /* the shorter side's length that a wrapper scales frames to */
  double *category_ids;
  gsize n_category_ids;
} TorchScriptFacts;

typedef struct {
  GPtrArray *pickles;                      /* that everything here points into */
  GArray *trunk, *rpn, *box, *mask, *kpts; /* TorchScriptBlock; empty without the head */
  TorchScriptConv rpn_logits, rpn_deltas, cls_score, bbox_pred, mask_logits;
  TorchScriptBlock keypoint_logits;
  TorchScriptQuant trunk_in, rpn_in, box_in, predictor_in, mask_in,
      kpts_in; /* floats made bytes there */
  TorchScriptFacts facts;
} TorchScript;

extern const TorchScriptQuant torchscript_no_quant;

TorchScript *torchscript_new (void);
void torchscript_free (TorchScript *export); /* NULL is allowed */

/* The module tree of a whole TorchScript archive: data.pkl and code/. */
TorchScript *torchscript_read_modules (Archive *archive, GError **error);

/* The bytecode of a lite interpreter's archive: bytecode.pkl. */
TorchScript *torchscript_read_bytecode (Archive *archive, GError **error);

/* Packed parameters, as the quantised modules keep them in their state or as the C++ classes
 * Conv2dPackedParamsBase and LinearPackedParamsBase do. */
gboolean torchscript_read_conv (Archive *archive, const PickleValue *packed, TorchScriptConv *conv,
    GError **error);

/* Where the three numbers of a mean or the corners of the anchors are. */
gboolean torchscript_read_triple (Archive *archive, const PickleValue *tensor, double out[3],
    GError **error);
gboolean torchscript_read_list (Archive *archive, const PickleValue *tensor, double **out, gsize *n,
    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TorchScript, torchscript_free)

#endif
