/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernel table: the only loops over many numbers, in four families. Each row is a set for one kind
 * of processor; the row "c" is the specification, the others must agree with it: integers bit for bit,
 * floats as floats.h and bfloats.h say.
 *
 * Contract of every kernel: it never allocates, fails, logs or keeps state; output does not overlap
 * input, unless said otherwise; the value of an output element does not depend on how the work was
 * divided among calls (so results are the same for any number of threads).
 */
#ifndef FBNET_KERNELS_H
#define FBNET_KERNELS_H

#include "bfloats.h"
#include "bytes.h"
#include "floats.h"
#include "picture.h"

typedef struct {
  const char *name;
  guint cpu_flags; /* cpu.h: what the processor must have */
  FloatKernels floats;
  ByteKernels bytes;      /* the same bits in every row */
  PictureKernels picture; /* the same bits in every row */
  gboolean (*load) (
      GError **error);   /* to be called before the first kernel; NULL: nothing to load */
  BFloatKernels bfloats; /* all NULL in rows of processors that have nothing for them */
} Kernels;

/* The rows that this processor runs, best first and loaded; the last is "c", which runs everywhere.
 * NULL-terminated. */
const Kernels *const *kernels_list (void);

/* The row called `name`, or with NULL: the one FBNET_KERNELS names, else the first that this
 * processor runs; loaded. NULL with error set: no such row, or this processor cannot run it. */
const Kernels *kernels_find (const char *name, GError **error);

static inline gboolean
kernels_have_bfloats (const Kernels *kernels)
{
  return kernels->bfloats.gemm != NULL;
}

#endif
