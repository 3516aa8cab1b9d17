/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A model as the rest of the engine sees it: layers with names, and tensors that are known to be
 * there with the right shape and finite numbers.
 */
#ifndef FBNET_MODEL_H
#define FBNET_MODEL_H

#include "arch.h"
#include "description.h"
#include "network/network.h"
#include "safetensors.h"

struct _FbnetModel {
  gatomicrefcount references;
  char *path; /* for messages */
  Safetensors *file;
  Description *description;

  ConvLayer fpn_lateral[MAX_LEVELS], fpn_output[MAX_LEVELS]; /* one for each of the FPN's stages */
  Part *trunk, *rpn, *box, *mask;                            /* mask is NULL without a mask head */
  ConvLayer rpn_logits, rpn_deltas;                          /* 1×1 convolutions */
  ConvLayer cls_score, bbox_pred; /* linear layers, as 1×1 convolutions */
  ConvLayer mask_logits;          /* 1×1 convolution; absent without a mask head */
  Part *keypoints;                /* NULL without a keypoint head */
  Part *keypoint_block;           /* KEYPOINTS_IRF: its one block, else NULL */
  ConvLayer keypoint_logits;      /* the other predictors' convolution */
  ConvLayer class_logits;         /* a classifier's last layer; it has no other head */
  guint64 n_parameters;
  gboolean has_norm_statistics; /* of batch norms, which were not folded away before the export */

  GMutex lock;      /* of `networks` */
  GSList *networks; /* Network: packed weights, one per kernel set in use */
};

/* Network pixels per pixel of a feature, and the feature's channels. */
guint model_feature_stride (const FbnetModel *model, guint feature);
guint model_feature_channels (const FbnetModel *model, guint feature);

/* Calls `func` for every layer that the model has. */
void model_foreach_layer (const FbnetModel *model, ConvLayerFunc func, gpointer data);

/* The layer's tensor ("weight", "bias"; with `norm`: of its norm) as float32, in a new array. */
float *model_read_floats (const FbnetModel *model, const ConvLayer *layer, gboolean norm,
    const char *field);

/* A quantised layer's weights as they are, and its scales per output channel. */
const gint8 *model_get_int8_weights (const FbnetModel *model, const ConvLayer *layer,
    const float **scales);

/* The packed weights for a kernel set: made on first use, shared, living as long as the model. */
const Network *model_get_network (FbnetModel *model, const Kernels *kernels);

/* With its batch norms not folded, for a stream that they follow. */
const Network *model_get_following_network (FbnetModel *model, const Kernels *kernels);

/* The same with the quantised layers on bytes; the others still run on floats. */
const Network *model_get_int8_network (FbnetModel *model, const Kernels *kernels,
    const ByteKernels *qkernels, gboolean exact_bias);

#endif
