/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the kernels are timed on: shapes of D2Go's networks, random numbers.
 */
#ifndef BENCH_SHAPES_H
#define BENCH_SHAPES_H

#include <glib.h>

/* Pixels × k → n. */
typedef struct {
  guint m, k, n;
} GemmShape;

#define N_GEMM_SHAPES 30
extern const GemmShape gemm_shapes[N_GEMM_SHAPES];

typedef struct {
  guint kernel, stride, upsample, in_width, channels;
} DepthwiseShape;

#define N_DEPTHWISE_SHAPES 18
extern const DepthwiseShape depthwise_shapes[N_DEPTHWISE_SHAPES];

/* From -1 to 1; 64-byte aligned, as the engine's buffers are: g_aligned_free() them. */
float *random_floats (gsize n);

#endif
