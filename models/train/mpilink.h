/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The processes of an MPI run (mpirun fbnet-train …) as one group of workers.
 */
#ifndef FBNET_TRAIN_MPILINK_H
#define FBNET_TRAIN_MPILINK_H

#include "train/group.h"

/* What the launcher said; without a launcher, or in a build without MPI, a group of one. Call it before
 * anything else, mpi_link_close() at last. */
GroupLink mpi_link_open (int *argc, char ***argv);
void mpi_link_close (void);

/* Whether a launcher started this process, alone or with others. */
gboolean mpi_link_is_open (void);

/* Ends all processes at once, when this one cannot go on. */
void mpi_link_abort (int status);

#endif
