/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Each part of the network alone: fed with what D2Go's own stage before it gave, so that what is
 * found is the deviation of this part and not of all parts before it.
 */
#include <string.h>

#include "detect/boxhead.h"
#include "compare.h"
#include "fixture.h"
#include "model/model.h"
#include "network/cache.h"
#include "network/piece.h"
#include "detect/roi.h"

/* Of the standard deviation. */
#define LIMIT 1e-4

typedef struct {
  const Fixture *fixture;
  const FbnetModel *model;
  Workspace workspace;
  Tensor feature; /* the recorded trunk3 */
  const char *kernels;
} Bench;

/* [n][c][h][w] as recorded to channels-last, in memory of its own. */
static Tensor
channels_last (const Npy *array)
{
  const Tensor t = { g_new (float, array->n_bytes / sizeof (float)), array->shape[0],
    array->shape[2], array->shape[3], array->shape[1] };
  const float *source = npy_floats (array);

  for (gsize n = 0; n < t.n; n++) {
    for (gsize c = 0; c < t.c; c++) {
      for (gsize p = 0; p < t.h * t.w; p++)
        t.data[(n * t.h * t.w + p) * t.c + c] = *source++;
    }
  }
  return t;
}

static Tensor
new_tensor (const Tensor *shape)
{
  Tensor t = *shape;

  t.data = g_new (float, t.n *t.h *t.w *t.c);
  return t;
}

static Tensor
run_stage (Bench *bench, Role role, const Tensor *in)
{
  g_autoptr (GError) error = NULL;
  Tensor out;

  piece_run_stage (&bench->workspace, network_stage (bench->workspace.network, role, 0), in, TRUE,
      &out, &error);
  g_assert_no_error (error);
  return out;
}

static Tensor
run_conv (Bench *bench, Role role, const Tensor *in)
{
  g_autoptr (GError) error = NULL;
  Tensor out;

  piece_run_conv (&bench->workspace, network_conv (bench->workspace.network, role, 0), in, &out,
      &error);
  g_assert_no_error (error);
  return out;
}

static Tensor
average (Bench *bench, const Tensor *in)
{
  g_autoptr (GError) error = NULL;
  Tensor out;

  piece_run_average (&bench->workspace, in, &out, &error);
  g_assert_no_error (error);
  return out;
}

static Tensor
pool (Bench *bench, const Npy *boxes, guint resolution)
{
  const RoiLevel level = { bench->feature, 1.0f / 16 };
  const RoiPooler pooler = { &level, 1, 4, resolution, 0 };
  const Tensor shape = { NULL, boxes->shape[0], resolution, resolution, bench->feature.c };
  g_autofree float *scratch = g_malloc (roi_scratch_size (&pooler));
  const Tensor rois = new_tensor (&shape);

  roi_align (rois.data, &pooler, (const Box *) boxes->data, rois.n,
      workspace_kernels (&bench->workspace), NULL, scratch);
  return rois;
}

static void
judge (const Bench *bench, const char *stage, Deviation deviation)
{
  const double relative = deviation.max_abs / deviation.std;

  g_test_message ("%s | %s | %s alone | %.2g | %.2g", strrchr (bench->fixture->folder, '/') + 1,
      bench->kernels, stage, relative, LIMIT);
  g_assert_cmpfloat (relative, <=, LIMIT);
}

static void
check_tensor (const Bench *bench, const char *name, const Tensor *found)
{
  g_autoptr (Npy) expected = fixture_array (bench->fixture, name);

  if (expected != NULL)
    judge (bench, name, compare_tensor (found, expected));
}

/* --- Parts ------------------------------------------------------------------------------------ */

static void
check_rpn (Bench *bench)
{
  const Tensor x = run_stage (bench, ROLE_RPN, &bench->feature);
  const Tensor logits = run_conv (bench, ROLE_RPN_LOGITS, &x);
  const Tensor deltas = run_conv (bench, ROLE_RPN_DELTAS, &x);

  check_tensor (bench, "rpn_logits_0", &logits);
  check_tensor (bench, "rpn_deltas_0", &deltas);
  g_free (x.data);
  g_free (logits.data);
  g_free (deltas.data);
}

static void
check_box_head (Bench *bench)
{
  g_autoptr (Npy) proposals = fixture_array (bench->fixture, "proposals");
  const FbnetModel *model = bench->model;

  if (proposals == NULL)
    return;
  const Tensor rois = pool (bench, proposals, model->description->params.box_pooler_resolution);
  const Tensor map = run_stage (bench, ROLE_BOX, &rois);
  const Tensor features = average (bench, &map);
  const Tensor logits = run_conv (bench, ROLE_CLS_SCORE, &features);
  const Tensor deltas = run_conv (bench, ROLE_BBOX_PRED, &features);

  check_tensor (bench, "box_head_out", &features);
  check_tensor (bench, "box_cls_logits", &logits);
  check_tensor (bench, "box_deltas", &deltas);
  g_free (rois.data);
  g_free (map.data);
  g_free (features.data);
  g_free (logits.data);
  g_free (deltas.data);
}

/* The last layer only for the class that each detection has. */
static void
check_mask_head (Bench *bench)
{
  g_autoptr (Npy) expected = fixture_array (bench->fixture, "mask_logits_sel");
  g_autoptr (Npy) boxes = fixture_array (bench->fixture, "det_boxes_net");
  g_autoptr (Npy) classes = fixture_array (bench->fixture, "det_classes");

  if (expected == NULL || boxes == NULL || classes == NULL)
    return;
  const Tensor rois = pool (bench, boxes, bench->model->description->params.mask_pooler_resolution);
  const Tensor map = run_stage (bench, ROLE_MASK, &rois);
  const PackedConv *conv = network_conv (bench->workspace.network, ROLE_MASK_LOGITS, 0);
  const gsize side = map.h * map.w;
  g_autofree float *logits = g_new (float, map.n *side);
  for (gsize i = 0; i < map.n; i++) {
    const gint32 class_id = ((const gint32 *) classes->data)[i];
    const float *weight = (const float *) conv->weights + (gsize) class_id * map.c;
    for (gsize p = 0; p < side; p++) {
      double sum = conv->bias[class_id];
      for (gsize c = 0; c < map.c; c++)
        sum += (double) map.data[(i * side + p) * map.c + c] * weight[c];
      logits[i * side + p] = (float) sum;
    }
  }
  judge (bench, "mask_logits", compare_floats (logits, npy_floats (expected), map.n * side));
  g_free (rois.data);
  g_free (map.data);
}

static void
check_keypoint_head (Bench *bench)
{
  g_autoptr (Npy) boxes = fixture_array (bench->fixture, "det_boxes_net");
  g_autoptr (GError) error = NULL;
  Tensor heatmaps;

  if (bench->model->description->n_keypoints == 0 || boxes == NULL)
    return;
  const Tensor rois = pool (bench, boxes, bench->model->description->keypoint_resolution);
  const Tensor map = run_stage (bench, ROLE_KEYPOINTS, &rois);
  const KeypointPredictor predictor = bench->model->description->keypoint_predictor;
  piece_run_heatmaps (&bench->workspace, predictor, &map, &heatmaps, &error);
  g_assert_no_error (error);
  check_tensor (bench, "kpt_heatmaps", &heatmaps);
  g_free (rois.data);
  g_free (map.data);
  g_free (heatmaps.data);
}

/* RPN head, box head, mask head and keypoint head add next to nothing to D2Go's own rounding, with
 * every kernel set. (Of detectors without a pyramid.) */
static void
test_heads (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  g_autoptr (FbnetModel) model = fixture_model (fixture);
  g_autoptr (Npy) trunk3 = fixture_array (fixture, "trunk3");
  const Tensor feature = channels_last (trunk3);

  for (const Kernels *const *kernels = kernels_list (); *kernels != NULL; kernels++) {
    const PackOptions options = { .kernels = *kernels };
    Bench bench = { .fixture = fixture,
      .model = model,
      .workspace = { .network = cache_get_network (model, &options, NULL) },
      .feature = feature,
      .kernels = (*kernels)->name };
    check_rpn (&bench);
    check_box_head (&bench);
    check_mask_head (&bench);
    check_keypoint_head (&bench);
    workspace_close (&bench.workspace);
  }
  g_free (feature.data);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fixture_add_cases ("/heads", FIXTURE_DETECTOR, "trunk3", test_heads);
  return g_test_run ();
}
