/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What Meta's int8 exports (TorchScript archives) hold, whichever way they hold it: quantised layers
 * in blocks, and the numbers of the stages around them.
 */
#ifndef FBNET_IMPORT_EXPORT_H
#define FBNET_IMPORT_EXPORT_H

#include "import/torch/archive.h"

/* What an activation's bytes mean. NAN where the archive does not say. */
typedef struct {
  double scale, zero_point;
} ExportQuant;

/* A quantised convolution or linear layer (`stride` and the rest are 1, `pad` 0). `weight` is NULL
 * for a layer that is not there, `bias` for one without. */
typedef struct {
  const PickleTensor *weight, *bias;
  guint stride, pad, dilation, groups;
  gboolean relu;
  ExportQuant out;
} ExportConv;

/* As Block of arch.h: a plain convolution is in `pwl`. */
typedef struct {
  ExportConv pw, dw, pwl;
  guint upsample; /* 1: none */
  gboolean residual;
  ExportQuant sum; /* of the residual */
} ExportBlock;

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
  double *category_ids;
  gsize n_category_ids;
} ExportFacts;

typedef struct {
  GPtrArray *pickles;                      /* that everything here points into */
  GArray *trunk, *rpn, *box, *mask, *kpts; /* ExportBlock; empty without the head */
  ExportConv rpn_logits, rpn_deltas, cls_score, bbox_pred, mask_logits;
  ExportBlock keypoint_logits;
  ExportQuant trunk_in, rpn_in, box_in, predictor_in, mask_in,
      kpts_in; /* floats made bytes there */
  ExportFacts facts;
} Export;

extern const ExportQuant export_no_quant;

Export *export_new (void);
void export_free (Export *export); /* NULL is allowed */

/* The module tree of a whole TorchScript archive: data.pkl and code/. */
Export *export_read_modules (Archive *archive, GError **error);

/* The bytecode of a lite interpreter's archive: bytecode.pkl. */
Export *export_read_bytecode (Archive *archive, GError **error);

/* Packed parameters, as the quantised modules keep them in their state or as the C++ classes
 * Conv2dPackedParamsBase and LinearPackedParamsBase do. */
gboolean export_read_conv (Archive *archive, const PickleValue *packed, ExportConv *conv,
    GError **error);

/* Where the three numbers of a mean or the corners of the anchors are. */
gboolean export_read_triple (Archive *archive, const PickleValue *tensor, double out[3],
    GError **error);
gboolean export_read_list (Archive *archive, const PickleValue *tensor, double **out, gsize *n,
    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Export, export_free)

#endif
