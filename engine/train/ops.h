/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a detector is made of, each with its gradient. Every function computes its result at once and
 * leaves a step on the tape (tape.h); a result asks for a gradient where something it was made of does.
 * None is parallel: a worker is one thread.
 * A backward function may change the gradient of its output, which nobody needs after it.
 */
#ifndef FBNET_TRAIN_OPS_H
#define FBNET_TRAIN_OPS_H

#include "base/box.h"
#include "model/arch.h"
#include "group.h"
#include "base/normstats.h"
#include "tape.h"

/* A parameter as one worker sees it. */
typedef struct {
  const Real *value; /* NULL: there is no such parameter */
  Real *grad;        /* the worker's own; NULL: it is frozen */
} Weight;

/* Convolution of any kernel size, stride and groups, depthwise or not; weights [out][in/groups][k][k]
 * as in the state_dict, bias [out] or none. */
Var *op_conv (Tape *tape, Var *x, const ConvLayer *layer, Weight weight, Weight bias);

/* torch ConvTranspose2d of kernel 4, stride 2, padding 1, which doubles the sides; weights [in][out][4][4]. */
Var *op_deconv (Tape *tape, Var *x, const ConvLayer *layer, Weight weight, Weight bias);

/* act (x + residual); residual may be NULL. */
Var *op_activate (Tape *tape, Var *x, Var *residual, Activation act);

/* Nearest neighbour. */
Var *op_upsample (Tape *tape, Var *x, guint factor);

/* torch's bilinear interpolation to twice the sides, align_corners False. */
Var *op_bilinear (Tape *tape, Var *x);

/* torch channel_shuffle: [groups][size] becomes [size][groups]. */
Var *op_shuffle (Tape *tape, Var *x, guint groups);

/* Mean over an image's pixels: [n][1][1][c]. */
Var *op_mean (Tape *tape, Var *x);

/* x × gate, gate of one pixel per image. */
Var *op_gate (Tape *tape, Var *x, Var *gate);

/* torch GroupNorm. */
Var *op_group_norm (Tape *tape, Var *x, guint n_groups, Weight gamma, Weight beta);

/* (x - mean) / sqrt (variance + epsilon) × gamma + beta with numbers that stay; then a ReLU, if asked. */
Var *op_stored_norm (Tape *tape, Var *x, const Real *mean, const Real *variance, Weight gamma,
    Weight beta, gboolean relu);

/* The same with mean and biased variance of this very batch, pooled over the group's workers; with
 * group NULL, of this worker alone. `stats`: norm_stats_size (c) doubles, receives the pooled
 * statistics (normstats.h). A collective call, here and on the way back, even without a pixel. */
Var *op_batch_norm (Tape *tape, Var *x, Weight gamma, Weight beta, gboolean relu,
    NormPooling pooling, Group *group, guint thread, double *stats);

/* Every second pixel of every second row: torch's max_pool2d with kernel 1 and stride 2. */
Var *op_subsample (Tape *tape, Var *x);

/* A feature that ROIs are pooled from; all of a kind have as many channels and images. */
typedef struct {
  Var *map;
  double scale; /* 1 / stride */
} RoiFeature;

/* ROIAlign with aligned = True: [n][resolution][resolution][c]; boxes in network pixels, images[i] is
 * the number of box i's image in the feature. */
typedef struct {
  const Box *boxes;
  const guint32 *images;
  const guint32 *levels; /* the feature of each; NULL: the first of all */
  gsize n;
  guint resolution;
  guint sampling_ratio; /* samples per bin and axis; 0: ceil of the bin's size */
} RoiArgs;

Var *op_roi_align (Tape *tape, const RoiFeature *features, guint n_features, const RoiArgs *args);

/* --- Losses: the result is a number; its gradient starts backward. --------------------------- */

/* Sum over i < n of the binary cross entropy of sigmoid (logits[index[i]]) with the probability
 * target[i], × scale. */
double op_loss_bce (Tape *tape, Var *logits, const guint32 *index, const Real *target, gsize n,
    double scale);

/* Sum over i < n and 4 coordinates of smooth L1 (deltas[index[i] + k] - target[4 i + k]), × scale; beta
 * 0 is L1. */
double op_loss_smooth_l1 (Tape *tape, Var *deltas, const guint32 *index, const Real *target,
    gsize n, double beta, double scale);

/* Sum over the pixels of the cross entropy of softmax (logits) with the pixel's target, c probabilities
 * whose sum is 1, × scale. */
double op_loss_softmax (Tape *tape, Var *logits, const Real *targets, double scale);

/* Sum over i < n of the cross entropy of the softmax over a map's pixels with one pixel, × scale: maps[i]
 * is a map's number, image × c + channel, pixels[i] the pixel's in it. */
double op_loss_place (Tape *tape, Var *logits, const guint32 *maps, const guint32 *pixels, gsize n,
    double scale);

#endif
