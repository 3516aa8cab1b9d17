/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers made ready for a kernel set, and how they are run over tensors.
 *
 * A Network is immutable and shared; a Runner is one stream's scratch memory and threads. First
 * runner_reserve_*() makes room for the shapes to come, then runner_*() run without allocating.
 * No result depends on the number of threads.
 */
#ifndef FBNET_NETWORK_H
#define FBNET_NETWORK_H

#include "model/arch.h"
#include "model/description.h"
#include "fbnet/fbnet.h"
#include "qnetwork.h"
#include "base/tensor.h"
#include "base/workers.h"

/* A convolution with its batch or frozen norm folded in: packed for gemm, or [k][k][c] for a
 * depthwise one. A norm that needs numbers of the frame first (group norm, and batch norm where the
 * network is to follow a stream) stays in gamma and beta. */
typedef struct {
  const ConvLayer *layer;
  float *weights;      /* aligned; groups follow each other, group_size apart */
  gsize group_size;    /* floats */
  float *bias;         /* or NULL */
  float *gamma, *beta; /* of a norm that is not folded, else NULL */
  gsize norm_at;       /* NORM_BATCH: its statistics in Network.norm_stats and Runner.norm_stats */
  QConv *q;            /* runs on bytes: in place of all the above but the layer */
} PackedConv;

typedef struct {
  const Block *block;
  PackedConv pw, dw, se_squeeze, se_excite, pwl;
  QBlock *q; /* runs on bytes; then so do pw, dw and pwl */
} PackedBlock;

typedef struct {
  guint n_blocks;
  PackedBlock *blocks;
} PackedStage;

typedef struct {
  const Kernels *kernels;
  const ByteKernels *qkernels; /* NULL: everything runs on floats */
  gboolean exact_bias;
  gboolean follows;   /* a stream: batch norms are not folded */
  GArray *norm_stats; /* of double: where streams begin, norm_stats_begin() layer by layer */
  gsize max_norm_channels;
  guint n_trunk;
  PackedStage *trunk;
  guint n_fpn; /* 0 without an FPN */
  guint fpn_first_stage;
  PackedConv *fpn_lateral, *fpn_output; /* n_fpn each */
  PackedStage rpn, box, mask;           /* mask.n_blocks is 0 without a mask head */
  PackedStage keypoints;                /* n_blocks is 0 without a keypoint head */
  PackedStage keypoint_block;           /* or n_blocks is 0, and there are keypoint_logits */
  PackedConv keypoint_logits;
  PackedConv class_logits; /* of a classifier, which has only this and a trunk */
  PackedConv rpn_logits, rpn_deltas, cls_score, bbox_pred;
  const char *rpn_input, *box_input, *class_input; /* what lone layers read, for observers */
  float *mask_weight, *mask_bias; /* [n_classes][c], not packed: only the predicted class is run */
} Network;

Network *network_new (const FbnetModel *model, const Kernels *kernels, const ByteKernels *qkernels,
    gboolean exact_bias, gboolean follows);
void network_free (Network *network); /* NULL is allowed */

/* A float layer's weights, and in *bias its bias or NULL, with its batch or frozen norm folded in; new
 * arrays. */
float *network_read_folded (const FbnetModel *model, const ConvLayer *layer, float **bias);

/* For tests and for finding ranges: what a layer or a block gives, or reads, by the names of
 * `quantization.activations`; of a float layer it is its floats that would be those bytes. */
typedef void (*RunnerObserver) (const char *name, const Tensor *output, gpointer data);

typedef struct {
  const Kernels *kernels;
  const ByteKernels *qkernels; /* NULL: nothing runs on bytes */
  Workers *workers;            /* NULL: serial */
  RunnerObserver observe;      /* or NULL; with one, nothing is fused */
  gpointer observer_data;
  Buffer activations[2]; /* between blocks */
  Buffer converted;      /* a block's input, or a layer's, where it comes in the other form */
  Buffer mid;            /* a whole expanded tensor, where a block cannot be fused */
  Buffer mid2;           /* and the depthwise output beside it */
  Buffer projected;      /* bytes before a residual is added */
  Buffer sums;           /* partial sums of pixels, in double */
  Buffer gates;          /* per image and channel: scale and shift, or squeeze-and-excite gate */
  double *norm_stats; /* running statistics of this stream; NULL: of a network that follows none */
  double *norm_scratch; /* one layer's: of a frame, mean, variance */
  double norm_momentum;
  FbnetNormalization normalization; /* how frames are pooled; AUTO: as each layer was trained */
  Buffer scratch;                   /* thread_bytes for each thread */
  gsize thread_bytes;
} Runner;

/* Finds the kernel set, starts the threads, packs the model's weights if no stream has yet; on a
 * zeroed runner. NULL with error: then runner_close() still wants to be called. */
const Network *runner_open (Runner *runner, FbnetModel *model, const FbnetDetectorOptions *options,
    GError **error);
void runner_close (Runner *runner);

/* Begins a stream: the network's batch norms have their stored statistics again. */
void runner_begin_stream (Runner *runner, const Network *network);
void runner_end_stream (Runner *runner);

/* Makes room for an input of in's shape (its data is not looked at) and gives the output's shape, with
 * its quantisation when it is computed as bytes. */
gboolean runner_reserve_stage (Runner *runner, const PackedStage *stage, const Tensor *in,
    Tensor *out, GError **error);
gboolean runner_reserve_conv (Runner *runner, const PackedConv *conv, const Tensor *in, Tensor *out,
    GError **error);

/* Fills `out`, whose shape is as reserved and whose data is not in's: its floats, its bytes if it was
 * reserved with a quantisation, or both, as it has memory for them. Where the first block runs on bytes
 * and `in` has none, its floats are quantised. */
void runner_run_stage (Runner *runner, const PackedStage *stage, const Tensor *in,
    const Tensor *out);

/* The pyramid over the trunk's stages: levels[0 … n_fpn], the last sub-sampled from the one before.
 * Reserving points the levels' data into `buffers`, one each. */
gboolean runner_reserve_fpn (Runner *runner, const Network *network, const Tensor *stages,
    Tensor *levels, Buffer *buffers, GError **error);
void runner_run_fpn (Runner *runner, const Network *network, const Tensor *stages,
    const Tensor *levels);

/* Convolution of any kernel size and groups, not depthwise; then norm, residual (or NULL) and
 * activation. Reads floats or bytes, fills `out`'s floats; one that runs on bytes has no residual. */
void runner_run_conv (Runner *runner, const PackedConv *conv, const Tensor *in, const Tensor *out,
    const Tensor *residual);

/* The keypoint head's last layer, from its map to heat maps (keypointhead.c). */
gboolean runner_reserve_heatmaps (Runner *runner, const Network *network,
    KeypointPredictor predictor, const Tensor *in, Tensor *out, GError **error);
void runner_run_heatmaps (Runner *runner, const Network *network, KeypointPredictor predictor,
    const Tensor *in, const Tensor *out);

/* --- Between runner.c, conv.c, norm.c and irf.c ----------------------------------------------- */

gboolean runner_reserve_threads (Runner *runner, gsize bytes, GError **error);
void *runner_scratch (const Runner *runner, guint thread);

/* x = act (norm (x) + residual), in place: the convolution's norm that is not folded. Of a batch
 * norm all images are one contribution to the stream's statistics, which are then what it
 * normalises with. */
gboolean runner_reserve_sums (Runner *runner, const Tensor *x, GError **error);
void runner_norm (Runner *runner, const PackedConv *conv, const Tensor *x, const Tensor *residual);

static inline gboolean
conv_has_norm (const PackedConv *conv)
{
  return conv->gamma != NULL;
}

/* x *= gate (mean of x), per image: squeeze and excite, in place. */
gboolean runner_reserve_se (Runner *runner, const PackedBlock *block, const Tensor *x,
    GError **error);
void runner_squeeze_excite (Runner *runner, const PackedBlock *block, const Tensor *x);

/* Inverted residual block and ir_pool. */
gboolean runner_reserve_irf (Runner *runner, const PackedBlock *block, const Tensor *in,
    const Tensor *out, GError **error);
void runner_run_irf (Runner *runner, const PackedBlock *block, const Tensor *in, const Tensor *out);

/* One image's mean over all pixels: [n][h][w][c] to [n][1][1][c]. Of bytes it is a byte too, then
 * made a float. */
void runner_global_average (Runner *runner, const Tensor *in, const Tensor *out);

/* --- What runs on bytes: qconv.c, qirf.c, qglue.c ----------------------------------------------- */

/* Fill out's bytes from in's. */
void runner_run_qconv (Runner *runner, const PackedConv *conv, const Tensor *in, const Tensor *out);
gboolean runner_reserve_qconv (Runner *runner, const PackedConv *conv, const Tensor *out,
    GError **error);
void runner_run_qirf (Runner *runner, const PackedBlock *block, const Tensor *in,
    const Tensor *out);
gboolean runner_reserve_qirf (Runner *runner, const PackedBlock *block, const Tensor *in,
    const Tensor *out, GError **error);

/* Bytes through their layer's table, in place. */
void qconv_activate (const ByteKernels *kernels, const QConv *conv, guint8 *bytes, gsize n);

/* The tensor in the other form, in runner->converted; the same where it has that form already. */
gboolean runner_reserve_conversion (Runner *runner, const Tensor *tensor, gboolean to_bytes,
    GError **error);
Tensor runner_as_bytes (Runner *runner, const Tensor *tensor, Quant quant);
Tensor runner_as_floats (Runner *runner, const Tensor *tensor);

/* tensor->bytes to tensor->data. */
void runner_dequantize (Runner *runner, const Tensor *tensor);

/* Sum of a residual: out = a + b, all bytes. */
void runner_add (Runner *runner, const QAdd *add, const Tensor *a, const Tensor *b,
    const Tensor *out);
void runner_average_bytes (Runner *runner, const Tensor *in, const Tensor *out);

/* out = in × gate (mean of in), per image, both bytes. */
void runner_gate_bytes (Runner *runner, const PackedBlock *block, const Tensor *in,
    const Tensor *out);

/* Tells the observer, if there is one, of the tensor called name.suffix. */
void runner_observe (const Runner *runner, const char *name, const char *suffix,
    const Tensor *output);

/* The same of a layer's output, behind its activation. */
void runner_observe_layer (const Runner *runner, const ConvLayer *layer, const Tensor *output);

/* Activates a float layer's sums in place and tells the observer of them: after a ReLU, before and
 * after any other activation. */
void runner_activate_observed (const Runner *runner, const ConvLayer *layer, const Tensor *sums);

#endif
