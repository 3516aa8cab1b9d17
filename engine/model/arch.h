/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From block lists to layers: FBNet's builder. A block list is JSON as D2Go's registry writes it,
 * ["ir_k5", 40, 2, 1, {"expansion": 4}]; a layer is a convolution with all its numbers and the names
 * of its tensors. Semantics: mobile_cv arch/builder/meta_builder.py, arch/fbnet_v2/irf_block.py,
 * basic_blocks.py, arch/utils/helper.py (docs/architecture.md).
 */
#ifndef FBNET_ARCH_H
#define FBNET_ARCH_H

#include <glib.h>
#include <cjson/cJSON.h>

#include "base/json.h"
#include "base/normstats.h"
#include "base/quant.h"
#include "kernels/kernels.h"

/* Stages of a detector's trunk, features, levels of a pyramid: at most so many. */
#define MAX_LEVELS 8

typedef enum {
  NORM_NONE,
  NORM_BATCH,  /* bn, sync_bn, naiveSyncBN: stored mean and variance */
  NORM_FROZEN, /* frozen_bn of mobile_cv: x * weight + bias */
  NORM_GROUP,  /* gn: mean and variance of this image, per group of channels */
} NormKind;

#define NORM_EPSILON 1e-5

typedef struct {
  NormKind kind;
  guint n_groups;      /* NORM_GROUP */
  NormPooling pooling; /* NORM_BATCH: of the statistics in training */
} Norm;

/* Convolution, then norm, then activation. `out` is 0 for a layer that the block has not got. */
typedef struct {
  guint in, out;
  guint kernel, stride, pad, groups;
  gboolean bias;
  gboolean
      depthwise; /* the block's dw: run channel by channel, whatever the groups of others are */
  gboolean transposed; /* torch ConvTranspose2d: the weights are [in][out][k][k] */
  Norm norm;
  Activation act;
  char *conv_name;    /* tensors CONV_NAME.weight, CONV_NAME.bias */
  char *norm_name;    /* tensors NORM_NAME.weight, .bias, .running_mean, .running_var */
  char *input_name;   /* what a block's layer reads, as quantisation calls it */
  gboolean quantized; /* the weights are int8, with a tensor CONV_NAME.weight_scale */
  Quant q_in, q_sum,
      q_out; /* where it runs on bytes: what it reads, its sums (after a ReLU), and those
                               after any other activation */
} ConvLayer;

/* On bytes, an activation other than a ReLU is a table. */
static inline gboolean
conv_has_table (const ConvLayer *layer)
{
  return layer->act != ACT_NONE && layer->act != ACT_RELU;
}

typedef enum {
  BLOCK_CONV, /* pwl alone: any kernel; then upsample */
  BLOCK_IRF,  /* pw, shuffle, upsample, dw, se, pwl, residual */
  BLOCK_POOL, /* pw, global average pool, pwl: ir_pool */
  BLOCK_SKIP, /* identity */
} BlockKind;

/* A block's layers in the order in which they run; any walk over them goes by this number. */
#define N_BLOCK_LAYERS 5

typedef struct {
  BlockKind kind;
  const char *op; /* as in the block list */
  char *name;     /* prefix of its tensors */
  guint in, out;
  union {
    struct {
      ConvLayer pw, dw;
      ConvLayer se_squeeze, se_excite; /* 1×1 with bias on the pooled dw output; the excite layer's
                                          activation is the gate */
      ConvLayer pwl;
    };
    ConvLayer layers[N_BLOCK_LAYERS];
  };
  guint shuffle_groups; /* channel shuffle after pw; 0 or 1: none */
  guint upsample;       /* nearest, before dw (BLOCK_IRF) or after act (BLOCK_CONV); 1: none */
  gboolean residual;
  gboolean quantized;         /* it runs on bytes */
  Quant q_in, q_gated, q_out; /* then: its input, after squeeze and excite, its output */
} Block;

/* The blocks of one stage of a part, in order. */
typedef struct {
  guint index; /* stage number as in the tensor names */
  guint in, out;
  guint stride; /* of all its blocks together; up-sampling not counted */
  guint n_blocks;
  Block *blocks;
} Stage;

typedef struct {
  guint n_stages;
  Stage *stages;
} Part;

/* Width rule: num made divisible by `divisor` (half up, never more than 5 % below, at least
 * `divisor`); helper.py get_divisible_by. */
guint arch_divisible (double num, guint divisor);

/* Builds architecture[part]. `prefix` is a printf-free template of the blocks' tensor names in which
 * every {S} stands for the stage number and {B} for the block number in its stage. `in` is the number
 * of channels it reads. NULL with error: messages begin with `where`. */
Part *arch_build_part (const cJSON *architecture, const char *part, const char *prefix, guint in,
    const char *where, GError **error);
void arch_part_free (Part *part); /* NULL is allowed */

/* Reads an object {"name": …, "num_groups": …} that is a member of the reader's. */
Norm arch_read_norm (JsonReader *parent, const char *key, const char *path);

/* A lone layer (RPN regressors, predictors): conv_name = name. */
ConvLayer arch_plain_conv (const char *name, guint in, guint out, guint kernel, gboolean bias);
void arch_conv_clear (ConvLayer *layer);

/* Whether a map of any size comes out of the block with as many pixels as its stride leaves, rounded up. */
gboolean arch_block_keeps_grid (const Block *block);

/* Output of a convolution along one axis, of an input that is first made `upsample` times as long; 0:
 * none is left. */
gsize arch_conv_output (gsize input, const ConvLayer *layer, guint upsample);

/* Learnable numbers: no batch statistics, no frozen norm. */
guint64 arch_conv_parameters (const ConvLayer *layer);

/* Calls `func` for every layer that the block has, in the order in which they run. */
typedef void (*ConvLayerFunc) (const ConvLayer *layer, gpointer data);
void arch_block_foreach (const Block *block, ConvLayerFunc func, gpointer data);

#endif
