/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Speed of the stages between the convolutions, on the sizes of a C4 detector at 224 × 320: 14 × 20
 * pixels of 15 anchors, 1000 candidates, 30 proposals, 81 classes, 112 channels. Microseconds a call,
 * least and median of the runs, on the calling thread.
 *
 *   bench-stages [RUNS]
 */
#include <stdio.h>
#include <stdlib.h>

#include "detect/boxhead.h"
#include "detect/mask.h"
#include "detect/nms.h"
#include "detect/roi.h"
#include "detect/rpn.h"
#include "model/anchors.h"
#include "timing.h"

enum {
  HEIGHT = 14,
  WIDTH = 20,
  CELLS = 15,
  ANCHORS = HEIGHT * WIDTH * CELLS,
  CANDIDATES = 1000,
  PROPOSALS = 30,
  CLASSES = 80,
  CHANNELS = 112,
  MASK_SIDE = 28,
};

static float *
random_floats (gsize n, double low, double high)
{
  float *numbers = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    numbers[i] = (float) g_random_double_range (low, high);
  return numbers;
}

/* Of 10 to 110 pixels. */
static Box *
random_boxes (gsize n)
{
  Box *boxes = g_new (Box, n);

  for (gsize i = 0; i < n; i++) {
    const float x = (float) g_random_double_range (0, 210);
    const float y = (float) g_random_double_range (0, 114);
    boxes[i] = (Box){ x, y, x + (float) g_random_double_range (10, 110),
      y + (float) g_random_double_range (10, 110) };
  }
  return boxes;
}

typedef struct {
  float *logits, *deltas, *class_logits, *class_deltas, *map, *probabilities, *pooled;
  Box *boxes, *cells, *found;
  float *found_logits;
  guint32 *order;
  guint8 *mask;
  BoxHeadDetection *detections;
  RpnLevel level;
  RpnParams rpn;
  BoxHeadParams head;
  RoiLevel roi_level;
  RoiPooler pooler;
  const Kernels *kernels;
  void *scratch;
} Bench;

static void
run_top_k (Bench *b)
{
  top_k (b->order, b->logits, ANCHORS, CANDIDATES, b->scratch);
}

static void
run_nms (Bench *b)
{
  nms (b->order, PROPOSALS, b->boxes, b->logits, NULL, CANDIDATES, 0.7f, b->scratch);
}

static void
run_nms_all (Bench *b)
{
  nms (b->order, CANDIDATES, b->boxes, b->logits, NULL, CANDIDATES, 0.7f, b->scratch);
}

static void
run_proposals (Bench *b)
{
  rpn_proposals (b->found, b->found_logits, &b->level, 1, &b->rpn, 320, 224, b->scratch);
}

static void
run_roi_align (Bench *b)
{
  roi_align (b->pooled, &b->pooler, b->boxes, PROPOSALS, b->kernels, NULL, b->scratch);
}

static void
run_detections (Bench *b)
{
  box_head_detections (b->detections, b->boxes, b->class_logits, b->class_deltas, PROPOSALS,
      &b->head, 320, 224, b->scratch);
}

static void
run_mask (Bench *b)
{
  const Box box = { 20, 20, 220, 220 };
  const MaskRect rect = mask_rect (&box, 640, 480);

  mask_paste (b->mask, &rect, b->probabilities, MASK_SIDE, &box, 0.5f, b->scratch);
}

static Bench
bench_new (void)
{
  static const double sizes[] = { 32, 64, 96, 128, 160 }, ratios[] = { 0.5, 1, 2 };
  Bench b = {
    .logits = random_floats (ANCHORS, -8, 2),
    .deltas = random_floats (ANCHORS * 4, -0.5, 0.5),
    .class_logits = random_floats (PROPOSALS * (CLASSES + 1), -4, 4),
    .class_deltas = random_floats (PROPOSALS * CLASSES * 4, -2, 2),
    .map = random_floats (HEIGHT * WIDTH * CHANNELS, -1, 1),
    .probabilities = random_floats (MASK_SIDE * MASK_SIDE, 0, 1),
    .pooled = g_new (float, PROPOSALS * 6 * 6 * CHANNELS),
    .boxes = random_boxes (CANDIDATES),
    .cells = g_new (Box, CELLS),
    .found = g_new (Box, PROPOSALS),
    .found_logits = g_new (float, PROPOSALS),
    .order = g_new (guint32, ANCHORS),
    .mask = g_malloc (640 * 480),
    .detections = g_new (BoxHeadDetection, 100),
    .rpn = { .pre_nms_count = CANDIDATES,
        .post_nms_count = PROPOSALS,
        .iou_threshold = 0.7f,
        .weights = { 1, 1, 1, 1 } },
    .head = { .n_classes = CLASSES,
        .weights = { 10, 10, 5, 5 },
        .score_threshold = 0.05f,
        .iou_threshold = 0.5f,
        .max_detections = 100 },
    .kernels = kernels_find (NULL, NULL),
    .scratch = g_malloc (1 << 20),
  };

  make_cell_anchors (b.cells, sizes, 5, ratios, 3);
  b.level = (RpnLevel){ b.logits, b.deltas, HEIGHT, WIDTH, b.cells, CELLS, 16, 0 };
  b.roi_level = (RoiLevel){ { b.map, 1, HEIGHT, WIDTH, CHANNELS }, 1.0f / 16 };
  return b;
}

static void
bench_clear (Bench *b)
{
  gpointer blocks[] = { b->logits, b->deltas, b->class_logits, b->class_deltas, b->map,
    b->probabilities, b->pooled, b->boxes, b->cells, b->found, b->found_logits, b->order, b->mask,
    b->detections, b->scratch };

  for (gsize i = 0; i < G_N_ELEMENTS (blocks); i++)
    g_free (blocks[i]);
}

static const struct {
  const char *name;
  void (*run) (Bench *);
} stages[] = {
  { "top 1000 of 4200", run_top_k },
  { "nms 1000, first 30", run_nms },
  { "nms 1000, all", run_nms_all },
  { "proposals", run_proposals },
  { "roi align 30 x 6 x 6", run_roi_align },
  { "detections", run_detections },
  { "paste 200 x 200", run_mask },
};

int
main (int argc, char *argv[])
{
  enum { CALLS = 20 }; /* a run, so that the clock's grain does not show */
  const gsize n_runs = argc > 1 ? (gsize) MAX (atoi (argv[1]), 1) : 200;
  Bench b = bench_new ();

  b.pooler = (RoiPooler){ .levels = &b.roi_level, .n_levels = 1, .min_level = 4, .resolution = 6 };
  g_autofree double *times = g_new (double, n_runs);
  for (gsize s = 0; s < G_N_ELEMENTS (stages); s++) {
    for (gsize i = 0; i < n_runs; i++) {
      const double start = timing_now ();
      for (guint call = 0; call < CALLS; call++)
        stages[s].run (&b);
      times[i] = (timing_now () - start) / CALLS;
    }
    const Timing timing = timing_of (times, (guint) n_runs);
    printf ("  %-22s min %8.2f  median %8.2f us\n", stages[s].name, timing.least, timing.median);
  }
  bench_clear (&b);
  return 0;
}
