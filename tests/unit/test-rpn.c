/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Anchors and proposals.
 */
#include "detect/rpn.h"
#include "model/anchors.h"

#include <math.h>
#include <string.h>

static const Box cell = { -8, -8, 8, 8 };

static RpnParams
default_params (void)
{
  return (RpnParams){ .pre_nms_count = 1000,
    .post_nms_count = 30,
    .iou_threshold = 0.7f,
    .weights = { 1, 1, 1, 1 } };
}

/* One cell per pixel, stride 16. */
static RpnLevel
make_level (const float *logits, const float *deltas, gsize height, gsize width)
{
  return (RpnLevel){ .logits = logits,
    .deltas = deltas,
    .height = height,
    .width = width,
    .cells = &cell,
    .n_cells = 1,
    .stride = 16 };
}

/* Runs over scratch of exactly the size asked for. */
static gsize
run (Box *boxes, float *logits, const RpnLevel *levels, gsize n_levels, const RpnParams *params,
    float width, float height)
{
  g_autofree void *scratch = g_malloc (rpn_scratch_size (levels, n_levels, params));

  return rpn_proposals (boxes, logits, levels, n_levels, params, width, height, scratch);
}

static void
assert_box (Box box, float x0, float y0, float x1, float y1)
{
  g_assert_cmpfloat (box.x0, ==, x0);
  g_assert_cmpfloat (box.y0, ==, y0);
  g_assert_cmpfloat (box.x1, ==, x1);
  g_assert_cmpfloat (box.y1, ==, y1);
}

/* Cells come size by size, of the size's area and the ratio's height over width. */
static void
test_cell_anchors (void)
{
  Box cells[4];

  make_cell_anchors (cells, (double[]){ 32, 64 }, 2, (double[]){ 0.25, 1 }, 2);
  assert_box (cells[0], -32, -8, 32, 8);
  assert_box (cells[1], -16, -16, 16, 16);
  assert_box (cells[2], -64, -16, 64, 16);
  assert_box (cells[3], -32, -32, 32, 32);
}

/* Anchors stand on the grid, shifted by the offset in strides; what leaves the picture is clipped;
 * the better logit comes first. */
static void
test_grid (void)
{
  const float logits[] = { -1, 2, 0, 1 }, deltas[16] = { 0 };
  RpnLevel level = make_level (logits, deltas, 2, 2);
  const RpnParams params = default_params ();
  Box boxes[30];
  float found[30];

  g_assert_cmpuint (run (boxes, found, &level, 1, &params, 20, 40), ==, 4);
  assert_box (boxes[0], 8, 0, 20, 8);
  assert_box (boxes[1], 8, 8, 20, 24);
  assert_box (boxes[2], 0, 8, 8, 24);
  assert_box (boxes[3], 0, 0, 8, 8);
  g_assert_cmpfloat (found[0], ==, 2);
  g_assert_cmpfloat (found[3], ==, -1);

  level.offset = 0.5f;
  g_assert_cmpuint (run (boxes, found, &level, 1, &params, 20, 40), ==, 4);
  assert_box (boxes[0], 16, 0, 20, 16);
  assert_box (boxes[3], 0, 0, 16, 16);
}

/* Cells of a pixel stand side by side in the maps, and each has its own four deltas. */
static void
test_cells_and_deltas (void)
{
  const Box cells[] = { { -8, -8, 8, 8 }, { -4, -4, 4, 4 } };
  const float logits[] = { 0, 0, 0, 5 };
  float deltas[16] = { 0 };

  deltas[3 * 4 + 0] = 0.5f; /* half of the small cell's width to the right */
  RpnLevel level = make_level (logits, deltas, 1, 2);
  level.cells = cells;
  level.n_cells = 2;
  RpnParams params = default_params ();
  params.post_nms_count = 1;
  Box box;
  float logit;
  g_assert_cmpuint (run (&box, &logit, &level, 1, &params, 100, 100), ==, 1);
  assert_box (box, 16, 0, 24, 4);
}

/* Logits and boxes that are not finite, and boxes with nothing left in the picture, make no
 * proposals. */
static void
test_dropped (void)
{
  const float logits[] = { NAN, INFINITY, 1, 1, 1, 3 };
  float deltas[24] = { 0 };

  deltas[2 * 4 + 1] = NAN;
  deltas[3 * 4 + 0] = INFINITY;
  deltas[4 * 4 + 2] = -INFINITY; /* a finite box of no width */
  deltas[5 * 4 + 0] = 3e3f;      /* far to the right of the picture */
  const RpnLevel level = make_level (logits, deltas, 1, 6);
  const RpnParams params = default_params ();
  Box boxes[30];
  float found[30];
  g_assert_cmpuint (run (boxes, found, &level, 1, &params, 96, 96), ==, 0);
}

/* A side of exactly the smallest size is too small. */
static void
test_min_box_size (void)
{
  const float logits[] = { 1, 2 }, deltas[8] = { 0 };
  const RpnLevel level = make_level (logits, deltas, 1, 2); /* 8 × 8 and 16 × 8 in the picture */
  RpnParams params = default_params ();
  Box boxes[30];
  float found[30];

  params.min_box_size = nextafterf (8, 0);
  g_assert_cmpuint (run (boxes, found, &level, 1, &params, 100, 100), ==, 2);
  params.min_box_size = 8;
  g_assert_cmpuint (run (boxes, found, &level, 1, &params, 100, 100), ==, 0);
}

/* The count before NMS holds per level, the one after over all; levels do not suppress each other;
 * equal logits keep the order of levels and anchors. */
static void
test_counts (void)
{
  const float logits[] = { 1, 1, 1 }, deltas[12] = { 0 };
  const RpnLevel one = make_level (logits, deltas, 1, 3);
  const RpnLevel levels[] = { one, one };
  RpnParams params = default_params ();

  params.pre_nms_count = 2;
  Box boxes[30];
  float found[30];
  g_assert_cmpuint (run (boxes, found, levels, 2, &params, 100, 100), ==, 4);
  assert_box (boxes[0], 0, 0, 8, 8);
  assert_box (boxes[1], 8, 0, 24, 8);
  assert_box (boxes[2], 0, 0, 8, 8);
  params.post_nms_count = 3;
  g_assert_cmpuint (run (boxes, found, levels, 2, &params, 100, 100), ==, 3);
  g_assert_cmpuint (run (boxes, found, levels, 0, &params, 100, 100), ==, 0);
}

/* --- Against the definition ------------------------------------------------------------------- */

typedef struct {
  Box box;
  float logit;
  gsize level;
} Candidate;

static gint
by_logit (gconstpointer a, gconstpointer b, gpointer unused)
{
  const Candidate *ca = a, *cb = b;

  return ca->logit < cb->logit ? 1 : ca->logit > cb->logit ? -1 : 0;
}

/* find_top_rpn_proposals word by word: sort everything (stable), cut, decode, clip, drop, suppress. */
static gsize
propose_plainly (Candidate *out, const RpnLevel *levels, gsize n_levels, const RpnParams *params,
    float width, float height)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (Candidate));

  for (gsize l = 0; l < n_levels; l++) {
    const RpnLevel *level = &levels[l];
    g_autoptr (GArray) mine = g_array_new (FALSE, FALSE, sizeof (Candidate));
    for (gsize y = 0; y < level->height; y++)
      for (gsize x = 0; x < level->width; x++)
        for (gsize a = 0; a < level->n_cells; a++) {
          const gsize i = (y * level->width + x) * level->n_cells + a;
          const float sx = (float) x * level->stride, sy = (float) y * level->stride;
          const Box *c = &level->cells[a];
          const Box anchor = { sx + c->x0, sy + c->y0, sx + c->x1, sy + c->y1 };
          const Box decoded = box_decode (level->deltas + 4 * i, &anchor, params->weights);
          const Candidate candidate = { box_clip (&decoded, width, height), level->logits[i], l };
          g_array_append_val (mine, candidate);
        }
    g_array_sort_with_data (mine, by_logit, NULL); /* a merge sort: stable */
    g_array_append_vals (all, mine->data, (guint) MIN (mine->len, params->pre_nms_count));
  }
  g_array_sort_with_data (all, by_logit, NULL);

  gsize n = 0;
  for (guint i = 0; i < all->len && n < params->post_nms_count; i++) {
    const Candidate *c = &g_array_index (all, Candidate, i);
    gboolean stays = c->box.x1 - c->box.x0 > 0 && c->box.y1 - c->box.y0 > 0;
    for (gsize j = 0; j < n; j++)
      if (out[j].level == c->level && box_iou (&out[j].box, &c->box) > params->iou_threshold)
        stays = FALSE;
    if (stays)
      out[n++] = *c;
  }
  return n;
}

static float *
random_floats (gsize n, double bound, double step)
{
  float *values = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    values[i] = (float) (rint (g_test_rand_double_range (-bound, bound) / step) * step);
  return values;
}

/* Random maps of one to three levels, with many equal logits, make the proposals of the definition,
 * bit for bit. */
static void
test_random (void)
{
  Box cells[6];

  make_cell_anchors (cells, (double[]){ 16, 40 }, 2, (double[]){ 0.5, 1, 2 }, 3);
  for (guint round = 0; round < 40; round++) {
    RpnLevel levels[3];
    const gsize n_levels = (gsize) g_test_rand_int_range (1, 4);
    for (gsize l = 0; l < n_levels; l++) {
      const gsize height = (gsize) g_test_rand_int_range (1, 9);
      const gsize width = (gsize) g_test_rand_int_range (1, 9);
      const gsize n = height * width * 6;
      levels[l] = (RpnLevel){ .logits = random_floats (n, 3, round % 2 ? 0.25 : 1e-6),
        .deltas = random_floats (4 * n, 1.5, 1e-6),
        .height = height,
        .width = width,
        .cells = cells,
        .n_cells = 6,
        .stride = (float) (8 << l) };
    }
    RpnParams params = default_params ();
    params.pre_nms_count = (gsize) g_test_rand_int_range (1, 300);
    params.post_nms_count = (gsize) g_test_rand_int_range (1, 100);
    Candidate expected[100];
    Box boxes[100];
    float logits[100];
    const gsize n = run (boxes, logits, levels, n_levels, &params, 61, 47);
    g_assert_cmpuint (n, ==, propose_plainly (expected, levels, n_levels, &params, 61, 47));
    for (gsize i = 0; i < n; i++) {
      g_assert_cmpmem (&boxes[i], sizeof (Box), &expected[i].box, sizeof (Box));
      g_assert_cmpfloat (logits[i], ==, expected[i].logit);
    }
    for (gsize l = 0; l < n_levels; l++) {
      g_free ((gpointer) levels[l].logits);
      g_free ((gpointer) levels[l].deltas);
    }
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rpn/cell-anchors", test_cell_anchors);
  g_test_add_func ("/rpn/grid", test_grid);
  g_test_add_func ("/rpn/cells-and-deltas", test_cells_and_deltas);
  g_test_add_func ("/rpn/dropped", test_dropped);
  g_test_add_func ("/rpn/min-box-size", test_min_box_size);
  g_test_add_func ("/rpn/counts", test_counts);
  g_test_add_func ("/rpn/random", test_random);
  return g_test_run ();
}
