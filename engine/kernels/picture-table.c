/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The rows of the preprocessing kernels, best first.
 */
#include "picture.h"

static const ResizeKernels *const rows[] = {
#ifdef HAVE_KERNELS_AVX2
  &resize_kernels_avx2,
#endif
  &resize_kernels_c,
  NULL,
};

const ResizeKernels *const *
resize_kernels_list (void)
{
  return rows;
}

const ResizeKernels *
resize_kernels_best (guint cpu_flags)
{
  gsize i = 0;

  while (rows[i]->cpu_flags & ~cpu_flags)
    i++;
  return rows[i];
}
