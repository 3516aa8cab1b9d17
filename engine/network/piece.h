/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A piece of a network by itself: planned for the input at hand, run once. For comparing models piece by
 * piece, and for tests; a workspace that does this has no other plans.
 */
#ifndef FBNET_PIECE_H
#define FBNET_PIECE_H

#include "plan.h"

/* `out` gets memory of its own, for piece_clear(): bytes where the piece ends with bytes, unless floats are
 * asked for. FALSE with error: it has none. */
gboolean piece_run_stage (Workspace *workspace, const PackedStage *stage, const Tensor *in,
    gboolean as_floats, Tensor *out, GError **error);
gboolean piece_run_conv (Workspace *workspace, const PackedConv *conv, const Tensor *in,
    Tensor *out, GError **error);
gboolean piece_run_average (Workspace *workspace, const Tensor *in, Tensor *out, GError **error);
gboolean piece_run_heatmaps (Workspace *workspace, KeypointPredictor predictor, const Tensor *in,
    Tensor *out, GError **error);

/* The pyramid; its levels, n of them, lie in the workspace until its next piece. */
gboolean piece_run_fpn (Workspace *workspace, guint first_stage, const Tensor *stages,
    Tensor levels[MAX_LEVELS], guint *n, GError **error);

/* Tells the workspace's observer of the tensor called name.suffix. */
void piece_observe (const Workspace *workspace, const char *name, const char *suffix,
    const Tensor *tensor);

void piece_clear (Tensor *tensor);

#endif
