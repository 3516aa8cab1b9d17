/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sums over MPI ranks. Every rank gathers all ranks' numbers and adds them in the ranks' order: the bits
 * do not depend on how MPI would have reduced them.
 */
#include "mpilink.h"

#ifdef HAVE_MPI

#  include <mpi.h>
#  include <string.h>

static guint n_ranks;

/* Launchers tell their children so; without one MPI would only cost time to start. */
static gboolean
was_launched (void)
{
  const char *const variables[] = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK" };

  for (guint i = 0; i < G_N_ELEMENTS (variables); i++) {
    if (g_getenv (variables[i]) != NULL)
      return TRUE;
  }
  return FALSE;
}

/* The two element types differ in nothing but their names. */
#  define DEFINE_SUM(Type, name, mpi_type)                                                         \
    static void name (gpointer data, Type *x, gsize n)                                             \
    {                                                                                              \
      Type *all = g_new (Type, n * n_ranks);                                                       \
      MPI_Allgather (x, (int) n, mpi_type, all, (int) n, mpi_type, MPI_COMM_WORLD);                \
      memcpy (x, all, n * sizeof (Type));                                                          \
      for (guint r = 1; r < n_ranks; r++) {                                                        \
        for (gsize i = 0; i < n; i++)                                                              \
          x[i] += all[r * n + i];                                                                  \
      }                                                                                            \
      g_free (all);                                                                                \
    }

DEFINE_SUM (Real, sum_reals, MPI_FLOAT)
DEFINE_SUM (double, sum_doubles, MPI_DOUBLE)

GroupLink
mpi_link_open (int *argc, char ***argv)
{
  int rank = 0, size = 1, level;

  if (was_launched ()) {
    MPI_Init_thread (argc, argv, MPI_THREAD_SERIALIZED, &level);
    MPI_Comm_rank (MPI_COMM_WORLD, &rank);
    MPI_Comm_size (MPI_COMM_WORLD, &size);
  }
  n_ranks = (guint) size;
  return (GroupLink){ (guint) rank, (guint) size, sum_reals, sum_doubles, NULL };
}

gboolean
mpi_link_is_open (void)
{
  int initialized;

  MPI_Initialized (&initialized);
  return initialized != 0;
}

void
mpi_link_close (void)
{
  if (mpi_link_is_open ())
    MPI_Finalize ();
}

void
mpi_link_abort (int status)
{
  if (mpi_link_is_open ())
    MPI_Abort (MPI_COMM_WORLD, status);
}

#else

GroupLink
mpi_link_open (int *argc, char ***argv)
{
  return (GroupLink){ .size = 1 };
}

gboolean
mpi_link_is_open (void)
{
  return FALSE;
}

void
mpi_link_close (void)
{
}

void
mpi_link_abort (int status)
{
}

#endif
