/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The network as training sees it against the engine's own: with stored statistics both must compute
 * the same, stage by stage, within the rounding of float32.
 */
#include "compare.h"
#include "fixture.h"
#include "model/model.h"
#include "network/cache.h"
#include "network/piece.h"
#include "train/net.h"
#include "detect/roi.h"

/* Of the standard deviation of what the engine gives, per stage: layers' sums in another order, which depends on
 * the kernels that OpenBLAS has for the processor (Prescott's up to 0.3e-4, SkylakeX's 1.4e-4). */
#define LIMIT 5e-4

/* Of pictures and boxes. */
#define SEED 1

typedef struct {
  const FbnetModel *model;
  Workspace workspace;
  Params *params;
  Group *group;
  Net net;
  GRand *random;
} Pair;

static Pair *
pair_new (FbnetModel *model)
{
  const FbnetDetectorOptions options = { .n_threads = 1, .kernels = "c" };
  g_autoptr (GError) error = NULL;
  Pair *pair = g_new0 (Pair, 1);

  pair->model = model;
  workspace_open (&pair->workspace, model, &options, &error);
  g_assert_no_error (error);
  pair->params = params_new (model);
  pair->group = group_new (1, NULL);
  pair->random = g_rand_new_with_seed (SEED);
  pair->net = (Net){ pair->params, tape_new (), pair->group, 0, STATISTICS_STORED, 0.1,
    g_new0 (Real, pair->params->n_values), FALSE };
  return pair;
}

static void
pair_free (Pair *pair)
{
  workspace_close (&pair->workspace);
  tape_free (pair->net.tape);
  g_free (pair->net.gradient);
  params_free (pair->params);
  group_free (pair->group);
  g_rand_free (pair->random);
  g_free (pair);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

static Tensor
tensor_of (const Var *x)
{
  return (Tensor){ x->value, x->n, x->h, x->w, x->c };
}

static void
judge (const char *what, const Var *found, const Tensor *expected)
{
  g_assert_cmpuint (found->n, ==, expected->n);
  g_assert_cmpuint (found->h, ==, expected->h);
  g_assert_cmpuint (found->w, ==, expected->w);
  g_assert_cmpuint (found->c, ==, expected->c);
  const Deviation d = compare_floats (found->value, expected->data, var_size (found));
  g_assert_cmpfloat (d.std, >, 0);
  g_test_message ("%s | %.2g | %.2g", what, d.max_abs / d.std, LIMIT);
  g_assert_cmpfloat (d.max_abs / d.std, <=, LIMIT);
}

/* Both over the same input; returns training's output. */
static Var *
check_stage (Pair *pair, const char *what, Var *x, Role role, guint index)
{
  const Tensor in = tensor_of (x);
  g_autoptr (GError) error = NULL;
  Tensor out;

  piece_run_stage (&pair->workspace, network_stage (pair->workspace.network, role, index), &in,
      TRUE, &out, &error);
  g_assert_no_error (error);
  Var *y = net_stage (&pair->net, x, layers_stage (pair->model->layers, role, index));
  judge (what, y, &out);
  piece_clear (&out);
  return y;
}

static void
check_conv (Pair *pair, const char *what, Var *x, Role role)
{
  const Tensor in = tensor_of (x);
  g_autoptr (GError) error = NULL;
  Tensor out;

  piece_run_conv (&pair->workspace, network_conv (pair->workspace.network, role, 0), &in, &out,
      &error);
  g_assert_no_error (error);
  judge (what, net_conv (&pair->net, x, layers_conv (pair->model->layers, role)), &out);
  piece_clear (&out);
}

/* A picture as numbers around 0 of about the size that mean and standard deviation leave. */
static Var *
make_picture (Pair *pair, gsize n, gsize h, gsize w)
{
  Var *x = tape_var (pair->net.tape, n, h, w, 3, FALSE);

  for (gsize i = 0; i < var_size (x); i++)
    x->value[i] = (Real) (g_rand_double_range (pair->random, -120, 120)
        / (double) pair->model->description->std[i % 3]);
  return x;
}

/* Boxes over a picture of this size, and some over its edges. */
static void
make_boxes (Box *boxes, gsize n, double h, double w, GRand *random)
{
  for (gsize i = 0; i < n; i++) {
    const double x = g_rand_double_range (random, -10, w - 5),
                 y = g_rand_double_range (random, -10, h - 5);
    boxes[i] = (Box){ (float) x, (float) y, (float) (x + g_rand_double_range (random, 2, w)),
      (float) (y + g_rand_double_range (random, 2, h)) };
  }
}

enum { N_BOXES = 5 };

/* Pools from the feature's first image, by both. */
static Var *
check_roi_align (Pair *pair, Var *feature, const Box *boxes, guint resolution, guint sampling_ratio)
{
  const double stride =
      pair->model->layers->features[pair->model->description->roi_features[0]].stride;
  const guint32 images[N_BOXES] = { 0 };
  const RoiFeature map = { feature, 1 / stride };
  const RoiArgs args = { boxes, images, NULL, N_BOXES, resolution, sampling_ratio };
  const Tensor one = { feature->value, 1, feature->h, feature->w, feature->c };
  const RoiLevel level = { one, (float) (1 / stride) };
  const RoiPooler pooler = { &level, 1, 4, resolution, sampling_ratio };
  g_autofree void *scratch = g_malloc (roi_scratch_size (&pooler));
  g_autofree float *memory = g_new (float, N_BOXES *resolution *resolution * feature->c);
  const Tensor expected = { memory, N_BOXES, resolution, resolution, feature->c };

  roi_align (memory, &pooler, boxes, N_BOXES, workspace_kernels (&pair->workspace), NULL, scratch);
  Var *found = op_roi_align (pair->net.tape, &map, 1, &args);
  judge ("ROIAlign", found, &expected);
  return found;
}

static void
check_rpn (Pair *pair, Var *feature)
{
  Var *x = check_stage (pair, "rpn", feature, ROLE_RPN, 0);

  check_conv (pair, "rpn logits", x, ROLE_RPN_LOGITS);
  check_conv (pair, "rpn deltas", x, ROLE_RPN_DELTAS);
}

/* The head and the predictor, of any type, in one. */
static void
check_keypoint_head (Pair *pair, Var *feature, const Box *boxes)
{
  const Description *d = pair->model->description;
  g_autoptr (GError) error = NULL;
  Tensor heatmaps;

  if (d->n_keypoints == 0)
    return;
  Var *pooled =
      check_roi_align (pair, feature, boxes, d->keypoint_resolution, d->keypoint_sampling_ratio);
  const Tensor map = tensor_of (check_stage (pair, "keypoints", pooled, ROLE_KEYPOINTS, 0));
  piece_run_heatmaps (&pair->workspace, d->keypoint_predictor, &map, &heatmaps, &error);
  g_assert_no_error (error);
  judge ("heat maps", net_keypoint_head (&pair->net, pooled), &heatmaps);
  piece_clear (&heatmaps);
}

static void
check_heads (Pair *pair, Var *feature, const Box *boxes)
{
  const Description *d = pair->model->description;
  Var *x = check_roi_align (pair, feature, boxes, d->params.box_pooler_resolution,
      d->box_sampling_ratio);

  x = check_stage (pair, "box", x, ROLE_BOX, 0);
  x = op_mean (pair->net.tape, x);
  check_conv (pair, "classes", x, ROLE_CLS_SCORE);
  check_conv (pair, "boxes", x, ROLE_BBOX_PRED);
  check_keypoint_head (pair, feature, boxes);
  if (!d->has_masks)
    return;
  x = check_roi_align (pair, feature, boxes, d->params.mask_pooler_resolution,
      d->mask_sampling_ratio);
  check_stage (pair, "mask", x, ROLE_MASK, 0);
}

static void
check_model (FbnetModel *model, gsize h, gsize w)
{
  g_autoptr (Pair) pair = pair_new (model);
  Var *x = make_picture (pair, 1, h, w);
  Box boxes[N_BOXES];

  for (guint s = 0; s < layers_count (model->layers, ROLE_TRUNK); s++) {
    g_autofree char *what = g_strdup_printf ("trunk%u", s);
    x = check_stage (pair, what, x, ROLE_TRUNK, s);
  }
  make_boxes (boxes, N_BOXES, (double) h, (double) w, pair->random);
  check_rpn (pair, x);
  check_heads (pair, x, boxes);
}

/* The project's own small models, of which one has batch norms and every kind of block, and the other
 * group norms and a fixed number of samples. */
static void
test_tiny (gconstpointer name)
{
  g_autofree char *path =
      g_strdup_printf ("%s/%s", g_getenv ("FBNET_TEST_DATA"), (const char *) name);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  check_model (model, 64, 96);
  check_model (model, 33, 49);
}

/* Detectors of D2Go's own code, without a pyramid; with keypoint heads of every type. */
static void
test_fixture (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  g_autoptr (FbnetModel) model = fixture_model (fixture);
  check_model (model, 96, 128);
}

/* Two pictures at once are each what they are alone. */
static void
test_batch (void)
{
  g_autofree char *path = g_strdup_printf ("%s/tiny-bn.safetensors", g_getenv ("FBNET_TEST_DATA"));
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  g_autoptr (Pair) pair = pair_new (model);
  Var *both = make_picture (pair, 2, 40, 56);

  for (guint s = 0; s < layers_count (model->layers, ROLE_TRUNK); s++)
    both = check_stage (pair, "both", both, ROLE_TRUNK, s);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/train/forward/tiny-bn", "tiny-bn.safetensors", test_tiny);
  g_test_add_data_func ("/train/forward/tiny-gn", "tiny-gn.safetensors", test_tiny);
  g_test_add_func ("/train/forward/batch", test_batch);
  fixture_add_cases ("/train/forward/detector", FIXTURE_DETECTOR, "trunk3", test_fixture);
  return g_test_run ();
}
