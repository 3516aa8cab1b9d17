/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vector primitives that the int8 kernel templates (bytes-*.inc.h) are written in, for aarch64 with int8
 * matrix products (i8mm), which bring dot products of unsigned activations with signed weights.
 */
#ifndef FBNET_KERNELS_BYTES_VEC_NEONI8MM_H
#define FBNET_KERNELS_BYTES_VEC_NEONI8MM_H

#define KERNEL(name) name##_neoni8mm

#define QVEC_OFFSET 0

#include "bytes-vec-armdot.h"

static inline QVec
qvec_dot (QVec sum, QTaps x, QTaps weight)
{
  return (QVec){ vusdotq_s32 (sum.low, vreinterpretq_u8_s8 (x.low), weight.low),
    vusdotq_s32 (sum.high, vreinterpretq_u8_s8 (x.high), weight.high) };
}

#endif
