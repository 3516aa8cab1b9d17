/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What this processor, and its operating system, can run.
 */
#ifndef FBNET_CPU_H
#define FBNET_CPU_H

#include <glib.h>

enum {
  CPU_SSE41 = 1 << 0,       /* SSE4.1 and what was there before it */
  CPU_AVX2 = 1 << 1,        /* AVX2 and FMA, with the registers saved by the system */
  CPU_AVX512 = 1 << 2,      /* F, BW, CD, DQ, VL */
  CPU_AVX512_VNNI = 1 << 3, /* and VNNI */
  CPU_AVX512_VBMI = 1 << 4, /* and VBMI */
  CPU_AVX_VNNI = 1 << 5,    /* VNNI on the vectors of AVX2 */
  CPU_NEON = 1 << 6,        /* aarch64 baseline */
  CPU_NEON_DOT = 1 << 7,    /* and dot products of bytes */
  CPU_NEON_I8MM = 1 << 8,   /* and int8 matrix products */
  CPU_AVX512_BF16 = 1 << 9, /* beside CPU_AVX512: dot products of bfloat16 */
  CPU_AMX = 1 << 10, /* tiles of bytes and of bfloat16, which the system lets this process use */
};

/* Asked once, then remembered; safe from any thread. */
guint cpu_flags (void);

#endif
