/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A plan: the steps that a part of a network takes for an input of a given size and up to n images,
 * with all its memory found. It is made once; running it decides nothing and can be cancelled between
 * two steps.
 *
 * A planner adds steps to a plan and finds memory for what lies between them in the workspace's arena,
 * so everything is planned twice (arena.h): first to learn the arena's size, then in place.
 */
#ifndef FBNET_PLAN_H
#define FBNET_PLAN_H

#include "workspace.h"

typedef struct Step Step;

/* A step that runs: its tensors have their memory and as many images as this run has. */
typedef struct {
  const Step *step;
  Workspace *workspace;
  Tensor in, out, other;
} StepCall;

typedef void (*StepFunc) (const StepCall *call);

/* How a fused block is divided (block.c). */
typedef struct {
  gboolean whole_images;
  gsize at_once;        /* images, or output rows */
  gsize ring_rows;      /* expanded source rows kept */
  gsize dw_at, room_at; /* places in a thread's scratch; the expanded rows come first */
} Tile;

struct Step {
  StepFunc run;
  Tensor in, out; /* of all images that the plan is for */
  Tensor other;   /* a residual, a depthwise output, gates: as the step's function says; or data and
                     bytes are NULL */
  const PackedConv *conv;
  const PackedBlock *block;
  Activation act;
  gpointer memory;    /* sums of pixels */
  gsize factor;       /* of up-sampling; rows of a patch */
  Tile lone, several; /* one image; two or more */
  char *name;         /* for the observer */
};

/* The two tensors whose memory a run gives, by the address that stands for them while planning: what the
 * plan reads, where it comes from elsewhere, and what it leaves behind, floats both. */
typedef struct {
  Step *steps;
  gsize n_steps, room;
  const float *in_port, *out_port;
} Plan;

void plan_clear (Plan *plan);

/* Runs all steps for n images, at most those planned for. `in` and `out` stand for the ports, or are NULL
 * where there is none. FALSE: it was cancelled, and nothing of its output means anything. */
gboolean plan_run (const Plan *plan, Workspace *workspace, gsize n, const float *in, float *out);

/* --- Planning --------------------------------------------------------------------------------- */

typedef struct {
  Workspace *workspace;
  Plan *plan;         /* that steps go to */
  gsize thread_bytes; /* of scratch per thread, so far */
  GError *error;      /* the first; steps that come after it are not to be run */
  Step spare;         /* stands for a step that there was no memory for */
} Planner;

/* Empties the plan, which may be a zeroed one, and goes on with it. */
void planner_use (Planner *planner, Plan *plan);

/* A step that the caller completes. */
Step *planner_add (Planner *planner, StepFunc run, const Tensor *in, const Tensor *out);

/* Whether both have a pixel, and the planner has not failed before; else it has now, and nothing is to be planned
 * for them. */
gboolean planner_accepts (Planner *planner, const Tensor *in, const Tensor *out);

/* Memory for the tensor's shape, which has to have an element: its bytes where it has a quantisation, else
 * its floats; or its floats. `keep`: as long as the plan, else as the arena's mark allows. */
void planner_place (Planner *planner, Tensor *tensor, gboolean keep);
void planner_place_floats (Planner *planner, Tensor *tensor, gboolean keep);

/* So many bytes of every thread's scratch. */
void planner_need_scratch (Planner *planner, gsize bytes);

/* Both layouts, by `lay_out`. FALSE with error: nothing may be run. */
typedef void (*LayOutFunc) (Planner *planner, gpointer data);
gboolean planner_lay_out (Workspace *workspace, LayOutFunc lay_out, gpointer data, GError **error);

/* --- Layers and blocks, by the file that plans them -------------------------------------------- */

/* stage.c: the output's shape, with its quantisation when it is computed as bytes; and its steps. `out` has
 * memory for its floats, its bytes if it has a quantisation, or both. */
Tensor stage_output (const PackedStage *stage, const Tensor *in);
void plan_stage (Planner *planner, const PackedStage *stage, const Tensor *in, const Tensor *out);

/* conv.c: a convolution of any kernel size and groups, not depthwise; then norm, residual (or NULL) and
 * activation. Reads floats or bytes. `out` has memory for floats, or, where the layer runs on bytes, for
 * those: its result in them if there is no residual. */
Tensor conv_output (const PackedConv *conv, const Tensor *in);
void plan_conv (Planner *planner, const PackedConv *conv, const Tensor *in, const Tensor *out,
    const Tensor *residual);

/* conv.c: what comes behind the sums of a layer whose step has left it out: norm, or for an observer the
 * activation; then the residual (or NULL). */
void plan_behind (Planner *planner, const PackedConv *conv, const Tensor *x, const Tensor *out,
    const Tensor *residual);
Activation act_within (const Planner *planner, const PackedConv *conv);

/* block.c: inverted residual block and ir_pool. */
void plan_irf (Planner *planner, const PackedBlock *block, const Tensor *in, const Tensor *out);

/* norm.c: x = act (norm (x) + residual), in place; one image's mean over all pixels, [n][h][w][c] to
 * floats [n][1][1][c]; squeeze and excite, out = in × gate (mean of in), for floats in place. */
void plan_norm (Planner *planner, const PackedConv *conv, const Tensor *x, const Tensor *residual);
void plan_average (Planner *planner, const Tensor *in, const Tensor *out);
void plan_squeeze_excite (Planner *planner, const PackedBlock *block, const Tensor *in,
    const Tensor *out);

/* convert.c: the tensor in the other form; the same where it has that form already. */
Tensor plan_as_bytes (Planner *planner, const Tensor *tensor, Quant quant);
Tensor plan_as_floats (Planner *planner, const Tensor *tensor);
void plan_dequantize (Planner *planner, const Tensor *bytes, const Tensor *floats);

/* convert.c: the rest of what stands between layers; `out` has another memory than `in`. */
void plan_copy (Planner *planner, const Tensor *in, const Tensor *out);
void plan_upsample (Planner *planner, const Tensor *in, const Tensor *out, guint factor);
void plan_shuffle (Planner *planner, const Tensor *in, const Tensor *out, guint groups);
void plan_add (Planner *planner, const PackedConv *conv, const Tensor *a, const Tensor *b,
    const Tensor *out);
void plan_activate (Planner *planner, const Tensor *x, Activation act);

/* convert.c: tells the observer, if there is one, of the tensor called name.suffix. */
void plan_observe (Planner *planner, const char *name, const char *suffix, const Tensor *tensor);

/* fpn.c: the pyramid over the trunk's stages, which have floats: levels[0 … n], the last sub-sampled from
 * the one before; they are given memory that is kept. Returns n + 1. */
guint plan_fpn (Planner *planner, guint first_stage, const Tensor *stages, Tensor *levels);

/* heatmaps.c: from the keypoint head's map to heat maps. */
Tensor heatmaps_output (const Network *network, KeypointPredictor predictor, const Tensor *in);
void plan_heatmaps (Planner *planner, KeypointPredictor predictor, const Tensor *in,
    const Tensor *out);

#endif
