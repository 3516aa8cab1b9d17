/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pieces by themselves; see piece.h.
 */
#include "piece.h"

#include "arithmetic.h"
#include "base/memory.h"

typedef struct Piece Piece;

struct Piece {
  void (*plan) (Planner *planner, Piece *piece);
  Plan steps;
  const PackedStage *stage;
  const PackedConv *conv;
  KeypointPredictor predictor;
  guint first_stage;
  const Tensor *in;
  Tensor *out;
  guint n_out;
};

static void
lay_out (Planner *planner, gpointer data)
{
  Piece *piece = data;

  planner_use (planner, &piece->steps);
  piece->plan (planner, piece);
}

static gboolean
run (Workspace *workspace, Piece *piece, GError **error)
{
  const gboolean planned = planner_lay_out (workspace, lay_out, piece, error);

  if (planned)
    plan_run (&piece->steps, workspace, piece->in->n, NULL, NULL);
  plan_clear (&piece->steps);
  return planned;
}

/* Memory that outlives the workspace's next plan. FALSE with error for a shape without elements. */
static gboolean
allocate (Tensor *out, gboolean as_floats, GError **error)
{
  const gboolean bytes = quant_is_set (out->quant) && !as_floats;
  gsize count;

  out->data = NULL;
  out->bytes = NULL;
  if (!tensor_size (out->n, out->h, out->w, out->c, &count) || count == 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "expected an input that leaves an output, found %" G_GSIZE_FORMAT " × %" G_GSIZE_FORMAT,
        out->h, out->w);
    return FALSE;
  }
  if (bytes)
    out->bytes = memory_new (guint8, count + arithmetic_bytes.slack, error);
  else
    out->data = memory_new (float, count, error);
  return tensor_native (out) != NULL;
}

static gboolean
run_into (Workspace *workspace, Piece *piece, gboolean as_floats, GError **error)
{
  if (!allocate (piece->out, as_floats, error))
    return FALSE;
  const gboolean good = run (workspace, piece, error);
  if (!good)
    piece_clear (piece->out);
  return good;
}

static void
plan_stage_piece (Planner *planner, Piece *piece)
{
  plan_stage (planner, piece->stage, piece->in, piece->out);
}

gboolean
piece_run_stage (Workspace *workspace, const PackedStage *stage, const Tensor *in,
    gboolean as_floats, Tensor *out, GError **error)
{
  Piece piece = { .plan = plan_stage_piece, .stage = stage, .in = in, .out = out };

  *out = stage_output (stage, in);
  return run_into (workspace, &piece, as_floats, error);
}

static void
plan_conv_piece (Planner *planner, Piece *piece)
{
  plan_conv (planner, piece->conv, piece->in, piece->out, NULL);
}

gboolean
piece_run_conv (Workspace *workspace, const PackedConv *conv, const Tensor *in, Tensor *out,
    GError **error)
{
  Piece piece = { .plan = plan_conv_piece, .conv = conv, .in = in, .out = out };

  *out = conv_output (conv, in);
  return run_into (workspace, &piece, TRUE, error);
}

static void
plan_average_piece (Planner *planner, Piece *piece)
{
  plan_average (planner, piece->in, piece->out);
}

gboolean
piece_run_average (Workspace *workspace, const Tensor *in, Tensor *out, GError **error)
{
  Piece piece = { .plan = plan_average_piece, .in = in, .out = out };

  *out = (Tensor){ .n = in->n, .h = 1, .w = 1, .c = in->c };
  return run_into (workspace, &piece, TRUE, error);
}

static void
plan_heatmaps_piece (Planner *planner, Piece *piece)
{
  plan_heatmaps (planner, piece->predictor, piece->in, piece->out);
}

gboolean
piece_run_heatmaps (Workspace *workspace, KeypointPredictor predictor, const Tensor *in,
    Tensor *out, GError **error)
{
  Piece piece = { .plan = plan_heatmaps_piece, .predictor = predictor, .in = in, .out = out };

  *out = heatmaps_output (workspace->network, predictor, in);
  return run_into (workspace, &piece, TRUE, error);
}

static void
plan_fpn_piece (Planner *planner, Piece *piece)
{
  piece->n_out = plan_fpn (planner, piece->first_stage, piece->in, piece->out);
}

gboolean
piece_run_fpn (Workspace *workspace, guint first_stage, const Tensor *stages,
    Tensor levels[MAX_LEVELS], guint *n, GError **error)
{
  Piece piece = { .plan = plan_fpn_piece, .first_stage = first_stage, .in = stages, .out = levels };
  const gboolean good = run (workspace, &piece, error);

  *n = piece.n_out;
  return good;
}

void
piece_observe (const Workspace *workspace, const char *name, const char *suffix,
    const Tensor *tensor)
{
  g_autofree char *whole = g_strconcat (name, suffix, NULL);

  if (workspace->observe != NULL)
    workspace->observe (whole, tensor, workspace->observer_data);
}

void
piece_clear (Tensor *tensor)
{
  g_free (tensor->data);
  g_free (tensor->bytes);
  tensor->data = NULL;
  tensor->bytes = NULL;
}
