/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What one stream runs with: kernels, threads, memory, running statistics. Plans are made in it and run
 * in it, by one thread at a time.
 */
#ifndef FBNET_WORKSPACE_H
#define FBNET_WORKSPACE_H

#include "base/arena.h"
#include "base/tensor.h"
#include "base/workers.h"
#include "pack.h"

/* For tests and for finding ranges: what a layer or a block gives, or reads, by the names of
 * `quantization.activations`; of a float layer it is its floats that would be those bytes. */
typedef void (*LayerObserver) (const char *name, const Tensor *output, gpointer data);

typedef struct {
  const Network *network;
  const Network *stored; /* the one that follows no stream */
  Workers *workers;      /* NULL: serial */
  LayerObserver observe; /* or NULL; with one, plans fuse nothing */
  gpointer observer_data;
  Arena arena;
  guint64 work_limit; /* multiply-adds of a frame */
  guint8 *scratch;    /* of all threads, thread_bytes each */
  gsize thread_bytes;
  double *norm_stats; /* running statistics of this stream; NULL: of a network that follows none */
  double *norm_scratch; /* one layer's: of a frame, mean, variance */
  double norm_momentum;
  FbnetNormalization normalization; /* how frames are pooled; AUTO: as each layer was trained */
  gint cancelled;                   /* atomic: the run that is going on ends before its next step */
} Workspace;

/* Finds the kernel set, starts the threads, packs the model's weights if no stream has yet; on a
 * zeroed workspace. FALSE with error: then workspace_close() still wants to be called. */
gboolean workspace_open (Workspace *workspace, FbnetModel *model,
    const FbnetDetectorOptions *options, GError **error);
void workspace_close (Workspace *workspace);

/* A stream that batch norms follow begins, with their stored statistics, or begins again; if the model has
 * such norms. FALSE with error (FBNET_ERROR_MEMORY), never when one has begun before: all is as it was. */
gboolean workspace_begin_stream (Workspace *workspace, FbnetModel *model, GError **error);
void workspace_end_stream (Workspace *workspace);

static inline const Kernels *
workspace_kernels (const Workspace *workspace)
{
  return workspace->network->kernels;
}

/* Parts that a map is divided into for the threads: results must not depend on their number. */
guint workspace_shares (const Workspace *workspace);

static inline void *
workspace_scratch (const Workspace *workspace, guint thread)
{
  return workspace->scratch + thread * workspace->thread_bytes;
}

#endif
