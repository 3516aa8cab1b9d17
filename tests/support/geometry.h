/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a block list can ask of a block, in every combination: a model around it, run by the engine and by
 * plain arithmetic.
 */
#ifndef TESTS_GEOMETRY_H
#define TESTS_GEOMETRY_H

#include "blocks.h"
#include "model/model.h"
#include "network/cache.h"
#include "network/workspace.h"

#define GEOMETRY_BATCH "{\"name\": \"bn\"}"
#define GEOMETRY_GROUP "{\"name\": \"gn\", \"num_groups\": 2}"
#define GEOMETRY_NONE  "{\"name\": \"none\"}"

/* A block behind one that makes its input channels. */
typedef struct {
  const char *op;
  guint in, out;
  int stride;   /* negative: up-sampling */
  int padding;  /* -1: the op's own */
  guint kernel; /* 0: the op's own */
  double expansion;
  guint pw_groups, pwl_groups; /* 0: the op's own */
  gboolean skip_shuffle;
  const char *norm;
} GeometryCase;

/* The trunk as JSON; g_free() it. */
char *geometry_describe (const GeometryCase *c);

/* A classifier, as nothing reckons with its map, that looks at 8 × 8 pixels; with random weights. NULL with
 * error when the engine refuses the block. */
FbnetModel *geometry_model_new (const GeometryCase *c, guint32 seed, GError **error);

/* The trunk's output in floats; free the data. */
Tensor geometry_run (FbnetModel *model, const PackOptions *options, Workers *workers,
    const Tensor *in);
Reference geometry_run_plainly (FbnetModel *model, const Tensor *in);

#endif
