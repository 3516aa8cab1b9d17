/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vector primitives that the int8 kernel templates (bytes-*.inc.h) are written in, for aarch64 with the dot
 * products of ARMv8.2. Those take both factors with a sign: so activations are taken less 128, and what that
 * takes from a sum, 128 times the sum of its weights, is packed with the weights. Sums wrap, so that it is exact.
 */
#ifndef FBNET_KERNELS_BYTES_VEC_NEONDOT_H
#define FBNET_KERNELS_BYTES_VEC_NEONDOT_H

#define KERNEL(name) name##_neondot

#define QVEC_OFFSET 128

#include "bytes-vec-armdot.h"

static inline QVec
qvec_dot (QVec sum, QTaps x, QTaps weight)
{
  return (
      QVec){ vdotq_s32 (sum.low, weight.low, x.low), vdotq_s32 (sum.high, weight.high, x.high) };
}

static inline QVec
qvec_dot_broadcast (QVec sum, QTaps x, QTaps weight, guint part)
{
  return (QVec){ vdotq_laneq_s32 (sum.low, weight.low, x.low, 0),
    vdotq_laneq_s32 (sum.high, weight.high, x.low, 0) };
}

#endif
