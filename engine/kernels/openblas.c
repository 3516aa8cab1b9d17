/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loading OpenBLAS.
 */
#include "openblas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>

#include "fbnet/fbnet.h"

#define LIBRARY "libopenblas.so.0"

OpenBlasSgemm openblas_sgemm;
OpenBlasDgemm openblas_dgemm;

/* It makes as many threads, when it is loaded, as the loading one has processors; and under a limit of
 * address space goes on trying for ever. */
static void *
load_on_one_processor (void)
{
  cpu_set_t before, one;

  if (pthread_getaffinity_np (pthread_self (), sizeof before, &before) != 0)
    return dlopen (LIBRARY, RTLD_NOW | RTLD_LOCAL);
  CPU_ZERO (&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT (&one) == 0; i++) {
    if (CPU_ISSET (i, &before))
      CPU_SET (i, &one);
  }
  pthread_setaffinity_np (pthread_self (), sizeof one, &one);
  void *library = dlopen (LIBRARY, RTLD_NOW | RTLD_LOCAL);
  pthread_setaffinity_np (pthread_self (), sizeof before, &before);
  return library;
}

static void
load (void)
{
  void *library = dlopen (LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);

  if (library == NULL)
    library = load_on_one_processor ();
  if (library == NULL)
    return;
  openblas_dgemm = (OpenBlasDgemm) dlsym (library, "cblas_dgemm");
  openblas_sgemm = (OpenBlasSgemm) dlsym (library, "cblas_sgemm");
}

gboolean
openblas_load (GError **error)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, load);
  if (openblas_sgemm != NULL)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
      "kernels: expected the library %s for \"openblas\", found none", LIBRARY);
  return FALSE;
}
