/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rows beside the row c; see rows.h.
 */
#include "rows.h"

#include <math.h>

#include "network/cache.h"
#include "network/piece.h"

/* Of a part's largest number; the part may be a whole stage. */
#define LIMIT 1e-3f

typedef struct {
  FbnetModel *model;
  const char *row;
  gboolean int8;
  Workspace expected, found;
  char *difference;
} Rows;

/* --- One part --------------------------------------------------------------------------------- */

/* What squeeze and excite's floats are rounded to may be the neighbouring byte. */
static gboolean
has_floats (const Stage *stage)
{
  for (guint b = 0; b < stage->n_blocks; b++) {
    if (!stage->blocks[b].quantized || stage->blocks[b].se_squeeze.out != 0)
      return TRUE;
  }
  return FALSE;
}

/* Bytes have the same bits on every row; of floats the sums may be taken in another order, and where both mix
 * nothing holds of a single number. */
static float
allowed (const Rows *rows, const Stage *stage, float most)
{
  if (!rows->int8 || stage == NULL)
    return LIMIT * most;
  return has_floats (stage) ? INFINITY : 0;
}

static void
compare (Rows *rows, const Stage *stage, Tensor *expected, Tensor *found, const char *what,
    guint index)
{
  const gsize n = expected->data != NULL ? tensor_pixels (expected) * expected->c : 0;
  float most = 0, worst = 0;

  for (gsize i = 0; i < n && found->data != NULL; i++) {
    most = fmaxf (most, fabsf (expected->data[i]));
    /* NaN, of numbers that overflow, is equal to NaN. */
    if (expected->data[i] != found->data[i]
        && isfinite (expected->data[i]) + isfinite (found->data[i]) > 0)
      worst = fmaxf (worst, fabsf (expected->data[i] - found->data[i]));
  }
  const gboolean same = (expected->data == NULL) == (found->data == NULL);
  if (rows->difference == NULL && (!same || worst > allowed (rows, stage, most)))
    rows->difference = g_strdup_printf ("%s %u, row %s: expected numbers up to %g, found a "
                                        "deviation of %g",
        what, index, rows->row, most, worst);
  piece_clear (found);
}

/* The row c's output, in floats, for piece_clear(); without data where none is left. */
static Tensor
run_stage (Rows *rows, Role role, guint index, const Tensor *in, const char *what)
{
  Tensor expected, found;

  piece_run_stage (&rows->expected, network_stage (rows->expected.network, role, index), in, TRUE,
      &expected, NULL);
  piece_run_stage (&rows->found, network_stage (rows->found.network, role, index), in, TRUE, &found,
      NULL);
  compare (rows, layers_stage (rows->model->layers, role, index), &expected, &found, what, index);
  return expected;
}

static void
run_conv (Rows *rows, Role role, const Tensor *in, const char *what)
{
  Tensor expected, found;

  piece_run_conv (&rows->expected, network_conv (rows->expected.network, role, 0), in, &expected,
      NULL);
  piece_run_conv (&rows->found, network_conv (rows->found.network, role, 0), in, &found, NULL);
  compare (rows, NULL, &expected, &found, what, 0);
  piece_clear (&expected);
}

/* --- All of them ------------------------------------------------------------------------------ */

static void
fill (Tensor *tensor)
{
  const gsize n = tensor_pixels (tensor) * tensor->c;

  tensor->data = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    tensor->data[i] = (float) ((gint) (i * 37 % 101) - 50) / 25;
}

/* Each stage's map; FALSE where there is none in the end. */
static gboolean
run_trunk (Rows *rows, gsize h, gsize w, Tensor *maps)
{
  const guint n = layers_count (rows->model->layers, ROLE_TRUNK);
  Tensor in = { .n = 1, .h = h, .w = w, .c = 3 };

  fill (&in);
  for (guint s = 0; s < n; s++) {
    maps[s] = run_stage (rows, ROLE_TRUNK, s, s == 0 ? &in : &maps[s - 1], "trunk");
    if (maps[s].data == NULL)
      break;
  }
  piece_clear (&in);
  return maps[n - 1].data != NULL;
}

static void
run_rpn (Rows *rows, const Tensor *feature)
{
  Tensor map = run_stage (rows, ROLE_RPN, 0, feature, "rpn");

  if (map.data != NULL) {
    run_conv (rows, ROLE_RPN_LOGITS, &map, "rpn logits");
    run_conv (rows, ROLE_RPN_DELTAS, &map, "rpn deltas");
  }
  piece_clear (&map);
}

/* Levels lie in the workspace until its next piece. */
static void
run_pyramid (Rows *rows, const Tensor *maps)
{
  const Description *d = rows->model->description;
  Tensor expected[MAX_LEVELS], found[MAX_LEVELS];
  guint n;

  if (!piece_run_fpn (&rows->expected, d->fpn_first_stage, maps, expected, &n, NULL)
      || !piece_run_fpn (&rows->found, d->fpn_first_stage, maps, found, &n, NULL))
    return;
  for (guint level = 0; level < n; level++) {
    const gsize size = tensor_pixels (&expected[level]) * expected[level].c * sizeof (float);
    expected[level].data = g_memdup2 (expected[level].data, size);
    found[level].data = g_memdup2 (found[level].data, size);
  }
  for (guint level = 0; level < n; level++) {
    compare (rows, NULL, &expected[level], &found[level], "level", level);
    run_rpn (rows, &expected[level]);
    piece_clear (&expected[level]);
  }
}

/* The head's blocks on two squares, and the box head's lone layers on their map's mean. (Of the mask head's a
 * frame computes single classes.) */
static void
run_head (Rows *rows, Role role, guint resolution, const char *what)
{
  const Stage *stage = layers_stage (rows->model->layers, role, 0);
  Tensor mean = { 0 }, in = { .n = 2, .h = resolution, .w = resolution };

  if (stage == NULL)
    return;
  in.c = stage->in;
  fill (&in);
  Tensor map = run_stage (rows, role, 0, &in, what);
  if (role == ROLE_BOX && map.data != NULL
      && piece_run_average (&rows->expected, &map, &mean, NULL)) {
    run_conv (rows, ROLE_CLS_SCORE, &mean, "class logits");
    run_conv (rows, ROLE_BBOX_PRED, &mean, "box deltas");
  }
  piece_clear (&mean);
  piece_clear (&map);
  piece_clear (&in);
}

static void
run_keypoints (Rows *rows)
{
  const Description *d = rows->model->description;
  const Stage *stage = layers_stage (rows->model->layers, ROLE_KEYPOINTS, 0);
  Tensor in = { .n = 2, .h = d->keypoint_resolution, .w = d->keypoint_resolution };
  Tensor expected = { 0 }, found = { 0 };

  if (stage == NULL)
    return;
  in.c = stage->in;
  fill (&in);
  Tensor map = run_stage (rows, ROLE_KEYPOINTS, 0, &in, "keypoints");
  if (map.data != NULL) {
    piece_run_heatmaps (&rows->expected, d->keypoint_predictor, &map, &expected, NULL);
    piece_run_heatmaps (&rows->found, d->keypoint_predictor, &map, &found, NULL);
    compare (rows, layers_stage (rows->model->layers, ROLE_KEYPOINT_BLOCK, 0), &expected, &found,
        "heat maps", 0);
  }
  piece_clear (&expected);
  piece_clear (&map);
  piece_clear (&in);
}

static void
run_heads (Rows *rows)
{
  const FbnetParams *p = &rows->model->description->params;

  run_head (rows, ROLE_BOX, p->box_pooler_resolution, "box head");
  run_head (rows, ROLE_MASK, p->mask_pooler_resolution, "mask head");
  run_keypoints (rows);
}

static void
run_all (Rows *rows, gsize h, gsize w)
{
  const Description *d = rows->model->description;
  const guint n = layers_count (rows->model->layers, ROLE_TRUNK);
  g_autofree Tensor *maps = g_new0 (Tensor, n);

  if (run_trunk (rows, h, w, maps) && d->task == FBNET_TASK_DETECTION) {
    if (d->has_fpn)
      run_pyramid (rows, maps);
    else
      run_rpn (rows, &maps[d->rpn_features[0]]);
    run_heads (rows);
  }
  for (guint s = 0; s < n; s++)
    piece_clear (&maps[s]);
}

char *
rows_compare (FbnetModel *model, const Kernels *row, gboolean floats, gsize h, gsize w)
{
  const gboolean int8 = model->description->quantization != NULL && !floats;
  Rows rows = { .model = model, .row = row->name, .int8 = int8 };
  const PackOptions options[] = { { .kernels = kernels_find ("c", NULL), .int8 = int8 },
    { .kernels = row, .int8 = int8 } };

  rows.expected.network = cache_get_network (model, &options[0], NULL);
  rows.found.network = cache_get_network (model, &options[1], NULL);
  if (rows.expected.network != NULL && rows.found.network != NULL)
    run_all (&rows, h, w);
  arena_clear (&rows.expected.arena);
  arena_clear (&rows.found.arena);
  return rows.difference;
}
