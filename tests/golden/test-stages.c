/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Each stage without convolutions against D2Go: stage i + 1 is computed from the saved output of
 * stage i, so that a deviation names the stage that made it. What passes here is bounded by the
 * rounding of one stage alone, far below the tolerances of the whole network.
 */
#include <math.h>
#include <string.h>

#include "detect/boxhead.h"
#include "compare.h"
#include "detect/mask.h"
#include "golden.h"
#include "detect/roi.h"
#include "detect/rpn.h"
#include "model/anchors.h"

#define BOX_TOLERANCE     2e-4 /* pixels */
#define SCORE_TOLERANCE   1e-6
#define FEATURE_TOLERANCE 2e-6 /* of the largest magnitude in the map */

/* --- A fixture's numbers ---------------------------------------------------------------------- */

static double
fixture_number (const Fixture *fixture, const char *path)
{
  const cJSON *number = fixture_config (fixture, path);

  g_assert_true (cJSON_IsNumber (number));
  return number->valuedouble;
}

/* n numbers of an array; all of them. */
static void
config_floats (const cJSON *array, float *out, gsize n)
{
  g_assert_cmpint (cJSON_GetArraySize (array), ==, (gint) n);
  for (gsize i = 0; i < n; i++)
    out[i] = (float) cJSON_GetArrayItem (array, (int) i)->valuedouble;
}

static void
fixture_size (const Fixture *fixture, const char *name, gsize *height, gsize *width)
{
  float size[2];

  config_floats (fixture_config (fixture, name), size, 2);
  *height = (gsize) size[0];
  *width = (gsize) size[1];
}

/* [1][c][h][w] as channels-last. */
static Tensor
channels_last (const Npy *npy)
{
  g_assert_cmpuint (npy->n_dims, ==, 4);
  g_assert_cmpuint (npy->shape[0], ==, 1);
  Tensor t = { .n = 1, .c = npy->shape[1], .h = npy->shape[2], .w = npy->shape[3] };
  const gsize pixels = t.h * t.w;
  t.data = g_new (float, t.c *pixels);
  for (gsize c = 0; c < t.c; c++)
    for (gsize p = 0; p < pixels; p++)
      t.data[p * t.c + c] = npy_floats (npy)[c * pixels + p];
  return t;
}

static const Box *
npy_boxes (const Npy *npy)
{
  g_assert_cmpuint (npy->n_dims, ==, 2);
  g_assert_cmpuint (npy->shape[1], ==, 4);
  return (const Box *) npy_floats (npy);
}

static const gint32 *
npy_ints (const Npy *npy)
{
  g_assert_cmpstr (npy->dtype, ==, "<i4");
  return (const gint32 *) npy->data;
}

/* NaN is as far as can be. */
static double
distance (const float *found, const float *expected, gsize n)
{
  double worst = 0.0;

  for (gsize i = 0; i < n; i++) {
    const double d = fabs ((double) found[i] - expected[i]);
    worst = d <= worst ? worst : isnan (d) ? INFINITY : d;
  }
  return worst;
}

/* --- Proposals -------------------------------------------------------------------------------- */

/* One level of saved maps under the configuration's anchors; the caller frees its arrays. */
static RpnLevel
make_level (const Fixture *config, gsize index, const Npy *logits_map, const Npy *deltas_map)
{
  const Tensor logits = channels_last (logits_map), deltas = channels_last (deltas_map);

  g_assert_cmpuint (deltas.c, ==, 4 * logits.c);
  const cJSON *anchors = cJSON_GetArrayItem (fixture_config (config, "cell_anchors"), (int) index);
  const cJSON *stride = cJSON_GetArrayItem (fixture_config (config, "anchor_strides"), (int) index);
  Box *cells = g_new (Box, logits.c);
  for (gsize a = 0; a < logits.c; a++)
    config_floats (cJSON_GetArrayItem (anchors, (int) a), (float *) &cells[a], 4);
  return (RpnLevel){ .logits = logits.data,
    .deltas = deltas.data,
    .height = logits.h,
    .width = logits.w,
    .cells = cells,
    .n_cells = logits.c,
    .stride = (float) stride->valuedouble,
    .offset = (float) fixture_number (config, "anchor_offset") };
}

static RpnLevel
load_level (const Fixture *fixture, gsize index)
{
  g_autofree char *logits_name = g_strdup_printf ("rpn_logits_%" G_GSIZE_FORMAT, index);
  g_autofree char *deltas_name = g_strdup_printf ("rpn_deltas_%" G_GSIZE_FORMAT, index);
  g_autoptr (Npy) logits = fixture_array (fixture, logits_name);
  g_autoptr (Npy) deltas = fixture_array (fixture, deltas_name);

  return make_level (fixture, index, logits, deltas);
}

static void
free_level (RpnLevel *level)
{
  g_free ((gpointer) level->logits);
  g_free ((gpointer) level->deltas);
  g_free ((gpointer) level->cells);
}

/* The anchors of the configuration's sizes and ratios are D2Go's, bit for bit. */
static void
test_cell_anchors (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  const cJSON *levels = fixture_config (fixture, "cell_anchors");
  const cJSON *sizes = fixture_config (fixture, "cfg.MODEL.ANCHOR_GENERATOR.SIZES");
  const cJSON *ratios = fixture_config (fixture, "cfg.MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS");
  for (int l = 0; l < cJSON_GetArraySize (levels); l++) {
    const cJSON *level_sizes = cJSON_GetArrayItem (sizes, l);
    const cJSON *level_ratios =
        cJSON_GetArrayItem (ratios, MIN (l, cJSON_GetArraySize (ratios) - 1));
    const gsize n_sizes = (gsize) cJSON_GetArraySize (level_sizes);
    const gsize n_ratios = (gsize) cJSON_GetArraySize (level_ratios);
    double size[16], ratio[16];
    for (gsize i = 0; i < n_sizes; i++)
      size[i] = cJSON_GetArrayItem (level_sizes, (int) i)->valuedouble;
    for (gsize i = 0; i < n_ratios; i++)
      ratio[i] = cJSON_GetArrayItem (level_ratios, (int) i)->valuedouble;

    Box found[256];
    make_cell_anchors (found, size, n_sizes, ratio, n_ratios);
    const cJSON *expected = cJSON_GetArrayItem (levels, l);
    g_assert_cmpint (cJSON_GetArraySize (expected), ==, (gint) (n_sizes * n_ratios));
    for (gsize a = 0; a < n_sizes * n_ratios; a++) {
      float box[4];
      config_floats (cJSON_GetArrayItem (expected, (int) a), box, 4);
      g_assert_cmpmem (&found[a], sizeof (Box), box, sizeof box);
    }
  }
}

typedef struct {
  gsize n;
  Box *boxes;
  float *logits;
} Proposals;

/* What the levels give under the configuration's numbers, in the picture of `saved`. */
static Proposals
propose (const RpnLevel *levels, gsize n_levels, const Fixture *config, const Fixture *saved)
{
  RpnParams params = {
    .pre_nms_count = (gsize) fixture_number (config, "rpn.pre_nms_topk"),
    .post_nms_count = (gsize) fixture_number (config, "rpn.post_nms_topk"),
    .iou_threshold = (float) fixture_number (config, "rpn.nms_thresh"),
    .min_box_size = (float) fixture_number (config, "rpn.min_box_size"),
  };

  config_floats (fixture_config (config, "rpn.bbox_reg_weights"), params.weights, 4);
  gsize height, width;
  fixture_size (saved, "network_hw", &height, &width);

  Proposals found = { .boxes = g_new (Box, params.post_nms_count),
    .logits = g_new (float, params.post_nms_count) };
  g_autofree void *scratch = g_malloc (rpn_scratch_size (levels, n_levels, &params));
  found.n = rpn_proposals (found.boxes, found.logits, levels, n_levels, &params, (float) width,
      (float) height, scratch);
  return found;
}

static void
free_proposals (Proposals *proposals)
{
  g_free (proposals->boxes);
  g_free (proposals->logits);
}

/* The RPN head's saved maps give D2Go's proposals in D2Go's order, their logits bit for bit. */
static void
test_proposals (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  RpnLevel levels[8];
  const gsize n_levels = (gsize) cJSON_GetArraySize (fixture_config (fixture, "anchor_strides"));
  g_assert_cmpuint (n_levels, <=, G_N_ELEMENTS (levels));
  for (gsize l = 0; l < n_levels; l++)
    levels[l] = load_level (fixture, l);
  Proposals found = propose (levels, n_levels, fixture, fixture);
  g_autoptr (Npy) boxes = fixture_array (fixture, "proposals");
  g_autoptr (Npy) logits = fixture_array (fixture, "proposal_logits");
  g_assert_cmpuint (found.n, ==, boxes->shape[0]);
  g_assert_cmpmem (found.logits, found.n * sizeof (float), logits->data, logits->n_bytes);
  const double worst = distance ((float *) found.boxes, npy_floats (boxes), 4 * found.n);
  g_test_message ("boxes within %g px", worst);
  g_assert_cmpfloat (worst, <=, BOX_TOLERANCE);
  free_proposals (&found);
  for (gsize l = 0; l < n_levels; l++)
    free_level (&levels[l]);
}

/* --- ROIAlign --------------------------------------------------------------------------------- */

typedef struct {
  RoiLevel levels[8];
  RoiPooler pooler;
} Pooler;

static void
pooler_free (Pooler *p)
{
  for (gsize l = 0; l < p->pooler.n_levels; l++)
    g_free (p->levels[l].feature.data);
  g_free (p);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pooler, pooler_free)

/* NULL, and the test skipped, where a map that it pools from is not recorded. */
static Pooler *
load_pooler (const Fixture *fixture, const char *which)
{
  g_autofree char *path = g_strdup_printf ("poolers.%s", which);
  const cJSON *config = fixture_config (fixture, path);
  const cJSON *features = fixture_config (fixture, "cfg.MODEL.ROI_HEADS.IN_FEATURES");
  g_autoptr (Pooler) p = g_new0 (Pooler, 1);
  float scales[8];

  p->pooler.n_levels = (gsize) cJSON_GetArraySize (features);
  g_assert_cmpuint (p->pooler.n_levels, <=, G_N_ELEMENTS (scales));
  config_floats (cJSON_GetObjectItem (config, "scales"), scales, p->pooler.n_levels);
  for (gsize l = 0; l < p->pooler.n_levels; l++) {
    const char *name = cJSON_GetArrayItem (features, (int) l)->valuestring;
    g_autofree char *fpn_name = g_strdup_printf ("fpn_%s", name);
    g_autoptr (Npy) map =
        fixture_array (fixture, fixture_has (fixture, fpn_name) ? fpn_name : name);
    if (map == NULL) {
      g_test_skip ("its feature maps are not recorded");
      return NULL;
    }
    p->levels[l] = (RoiLevel){ channels_last (map), scales[l] };
  }
  p->pooler.levels = p->levels;
  p->pooler.min_level = (guint) cJSON_GetObjectItem (config, "min_level")->valuedouble;
  p->pooler.resolution =
      (guint) cJSON_GetArrayItem (cJSON_GetObjectItem (config, "output"), 0)->valuedouble;
  p->pooler.sampling_ratio = (guint) cJSON_GetObjectItem (config, "sampling_ratio")->valuedouble;
  return g_steal_pointer (&p);
}

static double
largest_feature (const RoiPooler *pooler)
{
  double largest = 0.0;

  for (gsize l = 0; l < pooler->n_levels; l++) {
    const Tensor *t = &pooler->levels[l].feature;
    for (gsize i = 0; i < t->h * t->w * t->c; i++)
      largest = MAX (largest, fabs ((double) t->data[i]));
  }
  return largest;
}

/* expected: [n][c][resolution][resolution] */
static void
assert_pooled_by (const Kernels *kernels, const Pooler *p, const Box *boxes, gsize n,
    const Npy *expected)
{
  const gsize resolution = p->pooler.resolution, channels = p->levels[0].feature.c;
  const gsize pixels = resolution * resolution;

  g_assert_cmpuint (expected->n_bytes, ==, n * channels * pixels * sizeof (float));
  g_autofree float *out = g_new (float, n *pixels *channels);
  g_autofree void *scratch = g_malloc (roi_scratch_size (&p->pooler));
  roi_align (out, &p->pooler, boxes, n, kernels, NULL, scratch);

  double worst = 0.0;
  for (gsize i = 0; i < n; i++)
    for (gsize c = 0; c < channels; c++)
      for (gsize b = 0; b < pixels; b++)
        worst = MAX (worst,
            distance (&out[(i * pixels + b) * channels + c],
                &npy_floats (expected)[(i * channels + c) * pixels + b], 1));
  const double relative = worst / largest_feature (&p->pooler);
  g_test_message ("%s: %" G_GSIZE_FORMAT " boxes within %g of the largest feature", kernels->name,
      n, relative);
  g_assert_cmpfloat (relative, <=, FEATURE_TOLERANCE);
}

/* With every row of the kernel table that runs here. */
static void
assert_pooled (const Pooler *p, const Box *boxes, gsize n, const Npy *expected)
{
  for (const Kernels *const *row = kernels_list (); *row != NULL; row++)
    assert_pooled_by (*row, p, boxes, n, expected);
}

/* Pools the boxes that a saved index chooses. */
static void
assert_pooled_at (const Fixture *fixture, const Pooler *p, const char *boxes_name,
    const char *index_name, const char *features_name)
{
  g_autoptr (Npy) boxes = fixture_array (fixture, boxes_name);
  g_autoptr (Npy) index = fixture_array (fixture, index_name);
  g_autoptr (Npy) expected = fixture_array (fixture, features_name);
  const gsize n = index->shape[0];
  g_autofree Box *chosen = g_new (Box, n);

  for (gsize i = 0; i < n; i++)
    chosen[i] = npy_boxes (boxes)[npy_ints (index)[i]];
  assert_pooled (p, chosen, n, expected);
}

/* Proposals pooled from the saved maps are D2Go's. */
static void
test_box_pooler (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  g_autoptr (Pooler) p = load_pooler (fixture, "box_pooler");
  if (p != NULL)
    assert_pooled_at (fixture, p, "proposals", "roi_box_index", "roi_box_features");
}

/* So are boxes made up to be large, small, of every level and outside the picture, and the levels they are
 * taken from. */
static void
test_extra_pooler (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  g_autoptr (Pooler) p = load_pooler (fixture, "box_pooler");
  if (p == NULL)
    return;
  g_autoptr (Npy) boxes = fixture_array (fixture, "roi_extra_boxes");
  g_autoptr (Npy) expected = fixture_array (fixture, "roi_extra_features");
  assert_pooled (p, npy_boxes (boxes), boxes->shape[0], expected);
  if (!fixture_has (fixture, "roi_extra_levels"))
    return;
  g_autoptr (Npy) levels = fixture_array (fixture, "roi_extra_levels");
  for (gsize i = 0; i < boxes->shape[0]; i++)
    g_assert_cmpint ((gint) roi_level (&p->pooler, &npy_boxes (boxes)[i]), ==,
        npy_ints (levels)[i]);
}

/* Detections pooled for the mask head are D2Go's. */
static void
test_mask_pooler (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  g_autoptr (Pooler) p = load_pooler (fixture, "mask_pooler");
  if (p != NULL)
    assert_pooled_at (fixture, p, "det_boxes_net", "roi_mask_index", "roi_mask_features");
}

/* --- Detections ------------------------------------------------------------------------------- */

/* What the head's numbers give of the saved proposals under the configuration's numbers; free the
 * result. */
static BoxHeadDetection *
detect (gsize *n, const Npy *logits, const Npy *deltas, const Fixture *config, const Fixture *saved)
{
  g_autoptr (Npy) proposals = fixture_array (saved, "proposals");
  const gsize n_proposals = proposals->shape[0];

  g_assert_cmpuint (logits->shape[0], ==, n_proposals);
  g_assert_cmpuint (deltas->shape[0], ==, n_proposals);
  BoxHeadParams params = {
    .n_classes = logits->shape[1] - 1,
    .score_threshold = (float) fixture_number (config, "box.score_thresh"),
    .iou_threshold = (float) fixture_number (config, "box.nms_thresh"),
    .max_detections = (gsize) fixture_number (config, "box.topk"),
  };
  g_assert_cmpuint (deltas->shape[1], ==, 4 * params.n_classes);
  config_floats (fixture_config (config, "box.bbox_reg_weights"), params.weights, 4);
  gsize height, width;
  fixture_size (saved, "network_hw", &height, &width);

  g_autofree void *scratch = g_malloc (box_head_scratch_size (n_proposals, params.n_classes));
  BoxHeadDetection *found = g_new (BoxHeadDetection, params.max_detections);
  *n = box_head_detections (found, npy_boxes (proposals), npy_floats (logits), npy_floats (deltas),
      n_proposals, &params, (float) width, (float) height, scratch);
  return found;
}

/* The box head's saved logits and deltas give D2Go's detections: the same proposals and classes in
 * the same order. */
static void
test_detections (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  g_autoptr (Npy) logits = fixture_array (fixture, "box_cls_logits");
  g_autoptr (Npy) deltas = fixture_array (fixture, "box_deltas");
  gsize n;
  g_autofree BoxHeadDetection *found = detect (&n, logits, deltas, fixture, fixture);

  g_autoptr (Npy) boxes = fixture_array (fixture, "det_boxes_net");
  g_autoptr (Npy) scores = fixture_array (fixture, "det_scores");
  g_autoptr (Npy) classes = fixture_array (fixture, "det_classes");
  g_autoptr (Npy) from = fixture_array (fixture, "det_proposal_index");
  g_assert_cmpuint (n, ==, boxes->shape[0]);
  double worst_box = 0.0, worst_score = 0.0;
  for (gsize i = 0; i < n; i++) {
    g_assert_cmpint ((gint) found[i].class_id, ==, npy_ints (classes)[i]);
    g_assert_cmpint ((gint) found[i].proposal, ==, npy_ints (from)[i]);
    worst_box = MAX (worst_box, distance (&found[i].box.x0, &npy_boxes (boxes)[i].x0, 4));
    worst_score = MAX (worst_score, distance (&found[i].score, &npy_floats (scores)[i], 1));
  }
  g_test_message ("boxes within %g px, scores within %g", worst_box, worst_score);
  g_assert_cmpfloat (worst_box, <=, BOX_TOLERANCE);
  g_assert_cmpfloat (worst_score, <=, SCORE_TOLERANCE);
}

/* Network boxes become frame boxes as detector_postprocess makes them, bit for bit, and the same
 * ones vanish. */
static void
test_frame_boxes (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  g_autoptr (Npy) network = fixture_array (fixture, "det_boxes_net");
  g_autoptr (Npy) classes = fixture_array (fixture, "det_classes");
  g_autoptr (Npy) expected = fixture_array (fixture, "det_boxes");
  g_autoptr (Npy) expected_classes = fixture_array (fixture, "final_classes");
  gsize height, width, frame_height, frame_width;
  fixture_size (fixture, "network_hw", &height, &width);
  fixture_size (fixture, "frame_hw", &frame_height, &frame_width);

  gsize n = 0;
  for (gsize i = 0; i < network->shape[0]; i++) {
    Box box;
    if (!box_to_frame (&box, &npy_boxes (network)[i], width, height, frame_width, frame_height))
      continue;
    g_assert_cmpuint (n, <, expected->shape[0]);
    g_assert_cmpint (npy_ints (classes)[i], ==, npy_ints (expected_classes)[n]);
    g_assert_cmpmem (&box, sizeof box, &npy_boxes (expected)[n], sizeof box);
    n++;
  }
  g_assert_cmpuint (n, ==, expected->shape[0]);
}

/* --- Masks ------------------------------------------------------------------------------------ */

/* Pixels of the frame where the pasted rectangle differs from the packed mask (eight pixels a byte,
 * the first in the highest bit). */
static gsize
differing_pixels (const guint8 *pasted, const MaskRect *rect, const guint8 *packed, gsize height,
    gsize width)
{
  gsize n = 0;

  for (gsize y = 0; y < height; y++)
    for (gsize x = 0; x < width; x++) {
      const gsize column = x - (gsize) rect->x, row = y - (gsize) rect->y; /* wrap to huge */
      const gboolean inside = column < (gsize) rect->width && row < (gsize) rect->height;
      const gboolean found = inside && pasted[row * (gsize) rect->width + column];
      const gboolean expected = packed[y * ((width + 7) / 8) + x / 8] >> (7 - x % 8) & 1;
      n += found != expected;
    }
  return n;
}

/* The saved probabilities pasted into the saved boxes give D2Go's masks: every pixel of those that
 * were saved, and the area of all. */
static void
test_masks (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  g_autoptr (Npy) probabilities = fixture_array (fixture, "mask_probs");
  g_autoptr (Npy) boxes = fixture_array (fixture, "det_boxes");
  g_autoptr (Npy) areas = fixture_array (fixture, "mask_area");
  g_autoptr (Npy) packed = fixture_array (fixture, "masks_packed");
  const gsize n = boxes->shape[0], side = probabilities->shape[1];
  g_assert_cmpuint (probabilities->shape[0], ==, n);
  g_assert_cmpuint (areas->shape[0], ==, n);
  gsize height, width;
  fixture_size (fixture, "frame_hw", &height, &width);

  for (gsize i = 0; i < n; i++) {
    const Box *box = &npy_boxes (boxes)[i];
    const MaskRect rect = mask_rect (box, width, height);
    const gsize size = (gsize) rect.width * (gsize) rect.height;
    g_autofree guint8 *pasted = g_malloc (size);
    g_autofree void *scratch =
        g_malloc (mask_scratch_size ((gsize) rect.width, (gsize) rect.height));
    mask_paste (pasted, &rect, npy_floats (probabilities) + i * side * side, side, box, 0.5f,
        scratch);
    gint area = 0;
    for (gsize p = 0; p < size; p++)
      area += pasted[p] == 255;
    g_assert_cmpint (area, ==, npy_ints (areas)[i]);
    if (i < packed->shape[0]) {
      const guint8 *expected = packed->data + i * packed->shape[1] * packed->shape[2];
      g_assert_cmpuint (differing_pixels (pasted, &rect, expected, height, width), ==, 0);
    }
  }
}

/* --- Quantised heads -------------------------------------------------------------------------- */

/* An int8 export gives equal logits by the dozen. Which of them NMS sees first decides what stays,
 * so what stays proves the order of ties; the export then sorts what stays by a sort that is not
 * stable, so that equals are compared as sets, and a cap may cut either way among the last. */
#define RPN_HEAD  "model.proposal_generator.rpn_head.rpn_regressor."
#define PREDICTOR "model.roi_heads.box_predictor."

/* The output of the operation `op` of the export's graph as float32: (q - zero point) × scale. */
static Npy *
dequantised_array (const Fixture *graph, const Fixture *saved, const char *array, const char *op)
{
  const cJSON *node, *found = NULL;

  cJSON_ArrayForEach (node, fixture_config (graph, "ops"))
  {
    const cJSON *node_name = cJSON_GetObjectItemCaseSensitive (node, "name");
    if (node_name != NULL && g_str_equal (node_name->valuestring, op))
      found = node;
  }
  g_assert_nonnull (found);
  const float scale = (float) cJSON_GetObjectItem (found, "out_scale")->valuedouble;
  const int zero_point = cJSON_GetObjectItem (found, "out_zp")->valueint;

  Npy *npy = fixture_array (saved, array);
  g_assert_cmpstr (npy->dtype, ==, "|u1");
  float *floats = g_new (float, npy->n_bytes);
  for (gsize i = 0; i < npy->n_bytes; i++)
    floats[i] = (float) (npy->data[i] - zero_point) * scale;
  g_free (npy->data);
  npy->data = (guint8 *) floats;
  npy->n_bytes *= sizeof (float);
  strcpy (npy->dtype, "<f4");
  return npy;
}

/* One of the maps' channels, or of the rows' columns; 0: any number. */
static gsize
n_channels (const Fixture *saved, const char *array)
{
  g_autoptr (Npy) npy = fixture_array (saved, array);

  return npy != NULL ? npy->shape[1] : 0;
}

static gboolean
fits (const Fixture *config, gsize n_anchors, gsize n_outputs)
{
  const cJSON *levels = fixture_config (config, "cell_anchors");
  const gsize n_cells = (gsize) cJSON_GetArraySize (cJSON_GetArrayItem (levels, 0));
  const gsize n_classes = (gsize) fixture_number (config, "cfg.MODEL.ROI_HEADS.NUM_CLASSES");

  return cJSON_GetArraySize (levels) == 1 && (n_anchors == 0 || n_anchors == n_cells)
      && (n_outputs == 0 || n_outputs == n_classes + 1);
}

/* An export has no config beside it: its anchors and thresholds are those of a detector with as many anchors
 * and classes. NULL, and the test skipped, where no such one was recorded. */
static Fixture *
open_config (const Fixture *saved)
{
  const gsize n_anchors = n_channels (saved, "rpn_logits_q");
  const gsize n_outputs = n_channels (saved, "cls_score_q");
  g_auto (GStrv) names = fixture_names (FIXTURE_DETECTOR);

  for (char **name = names; *name; name++) {
    g_autoptr (Fixture) config = fixture_open (*name);
    if (fits (config, n_anchors, n_outputs))
      return g_steal_pointer (&config);
  }
  g_test_skip ("no detector with as many anchors and classes is recorded");
  return NULL;
}

typedef struct {
  Fixture *saved, *graph, *config;
} Export;

static void
export_free (Export *export)
{
  fixture_free (export->saved);
  fixture_free (export->graph);
  fixture_free (export->config);
  g_free (export);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Export, export_free)

/* NULL where the test is skipped. */
static Export *
export_open (const char *name)
{
  g_autofree char *parent = g_path_get_dirname (name);
  g_autoptr (Export) export = g_new0 (Export, 1);

  export->saved = fixture_open (name);
  export->graph = fixture_open_file (parent, "graph.json");
  export->config = open_config (export->saved);
  return export->config != NULL ? g_steal_pointer (&export) : NULL;
}

/* The export's quantised RPN maps give its proposals. */
static void
test_quantised_proposals (gconstpointer name)
{
  g_autoptr (Export) export = export_open (name);

  if (export == NULL)
    return;
  const Fixture *graph = export->graph, *config = export->config, *saved = export->saved;
  g_autoptr (Npy) logits_map =
      dequantised_array (graph, saved, "rpn_logits_q", RPN_HEAD "cls_logits");
  g_autoptr (Npy) deltas_map =
      dequantised_array (graph, saved, "rpn_deltas_q", RPN_HEAD "bbox_pred");
  RpnLevel level = make_level (config, 0, logits_map, deltas_map);
  Proposals proposals = propose (&level, 1, config, saved);

  g_autoptr (Npy) boxes = fixture_array (saved, "proposals");
  g_autoptr (Npy) logits = fixture_array (saved, "proposal_logits");
  const gsize n = boxes->shape[0];
  g_assert_cmpuint (proposals.n, ==, n);
  g_assert_cmpmem (proposals.logits, n * sizeof (float), logits->data, logits->n_bytes);
  g_autofree ComparedBox *found = g_new0 (ComparedBox, n), *expected = g_new0 (ComparedBox, n);
  for (gsize i = 0; i < n; i++) {
    found[i] = (ComparedBox){ proposals.boxes[i], proposals.logits[i], 0 };
    expected[i] = (ComparedBox){ npy_boxes (boxes)[i], npy_floats (logits)[i], 0 };
  }
  const BoxMatch match = compare_boxes (found, n, expected, n, BOX_TOLERANCE, 0);
  g_assert_cmpuint (match.n_missing, ==, match.n_at_bounds);
  g_assert_cmpfloat (match.max_score, ==, 0);
  free_proposals (&proposals);
  free_level (&level);
}

/* The export's quantised predictor gives its detections. */
static void
test_quantised_detections (gconstpointer name)
{
  g_autoptr (Export) export = export_open (name);

  if (export == NULL)
    return;
  const Fixture *graph = export->graph, *config = export->config, *saved = export->saved;
  g_autoptr (Npy) logits = dequantised_array (graph, saved, "cls_score_q", PREDICTOR "cls_score");
  g_autoptr (Npy) deltas = dequantised_array (graph, saved, "bbox_pred_q", PREDICTOR "bbox_pred");
  gsize n;
  g_autofree BoxHeadDetection *detections = detect (&n, logits, deltas, config, saved);

  g_autoptr (Npy) boxes = fixture_array (saved, "boxes");
  g_autoptr (Npy) scores = fixture_array (saved, "scores");
  g_autoptr (Npy) classes = fixture_array (saved, "classes");
  g_assert_cmpuint (n, ==, boxes->shape[0]);
  g_autofree ComparedBox *found = g_new0 (ComparedBox, n), *expected = g_new0 (ComparedBox, n);
  for (gsize i = 0; i < n; i++) {
    found[i] = (ComparedBox){ detections[i].box, detections[i].score, detections[i].class_id };
    expected[i] = (ComparedBox){ npy_boxes (boxes)[i], npy_floats (scores)[i],
      (guint) npy_ints (classes)[i] };
  }
  const BoxMatch match = compare_boxes (found, n, expected, n, BOX_TOLERANCE, 0);
  g_assert_cmpuint (match.n_missing, ==, 0);
  g_assert_cmpfloat (match.max_score, <=, SCORE_TOLERANCE);
}

/* --- All of it -------------------------------------------------------------------------------- */

static void
add (const char *stage, FixtureKind kind, const char *arrays, GTestDataFunc func)
{
  g_autofree char *prefix = g_strconcat ("/stages/", stage, NULL);

  fixture_add_cases (prefix, kind, arrays, func);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  add ("cell-anchors", FIXTURE_DETECTOR, "", test_cell_anchors);
  add ("proposals", FIXTURE_DETECTOR, "rpn_logits_0 rpn_deltas_0 proposals proposal_logits",
      test_proposals);
  add ("box-pooler", FIXTURE_DETECTOR, "proposals roi_box_index roi_box_features", test_box_pooler);
  add ("extra-pooler", FIXTURE_DETECTOR, "roi_extra_boxes roi_extra_features", test_extra_pooler);
  add ("detections", FIXTURE_DETECTOR,
      "proposals box_cls_logits box_deltas det_boxes_net det_scores det_classes det_proposal_index",
      test_detections);
  add ("frame-boxes", FIXTURE_DETECTOR, "det_boxes_net det_classes det_boxes final_classes",
      test_frame_boxes);
  add ("mask-pooler", FIXTURE_DETECTOR, "det_boxes_net roi_mask_index roi_mask_features",
      test_mask_pooler);
  add ("masks", FIXTURE_DETECTOR, "mask_probs det_boxes mask_area masks_packed", test_masks);
  add ("quantised-proposals", FIXTURE_INT8, "rpn_logits_q rpn_deltas_q proposals proposal_logits",
      test_quantised_proposals);
  add ("quantised-detections", FIXTURE_INT8,
      "cls_score_q bbox_pred_q proposals boxes scores classes", test_quantised_detections);
  return g_test_run ();
}
