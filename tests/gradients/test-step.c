/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whole training steps against PyTorch's: losses, gradients of all parameters, parameters, running
 * statistics and moving averages after two steps, learning rates. What is expected was made by
 * tests/data/make-train-step.py in float64.
 */
#include <string.h>

#include "train/rcnn.h"
#include "train/classify.h"
#include "train/sgd.h"
#include "train/objectmask.h"
#include "tensors.h"

/* Largest deviations, in units of a tensor's largest number: what float32 does to PyTorch's own step
 * is a tenth of it. In float64 the fixture's float32 is what differs. */
#define LOSS_LIMIT 5e-6
#define GRADIENT_LIMIT                                                                             \
  1e-4 /* 3.2e-5 with AVX-512 on a Sapphire Rapids, 7.5e-6 elsewhere; float64: 1.3e-6 */
#define GRADIENT_NOTHING 2e-6 /* where the largest is no more, a gradient is nothing but rounding */
#define PARAM_LIMIT      3e-6
#define PARAM_NOTHING    1e-5 /* the same of what a norm takes away again, or makes 0 */

#define MAX_SAMPLES 4

/* The same of the model with keypoints in float32: after a step on its random weights sums cancel in a running
 * mean, and PyTorch's own float32 is off by 2.2e-5. */
#define KEYPOINTS_PARAM_LIMIT (sizeof (Real) == sizeof (double) ? PARAM_LIMIT : 1e-4)

typedef struct {
  FbnetModel *model;
  double param_limit;
  Safetensors *expected;
  cJSON *settings;
  Params *params;
  Group *group;
  Net net;
  guint n; /* samples */
  TrainSample samples[MAX_SAMPLES];
  const TrainSample *batch[MAX_SAMPLES];
  GPtrArray *shapes; /* of the objects, picture after picture */
  gboolean recorded; /* the step whose mask targets the fixture has */
  guint n_masks;     /* targets that were asked for */
} Step;

/* --- Fixture ---------------------------------------------------------------------------------- */

static char *
data_path (const char *name, const char *ending)
{
  return g_strconcat (g_getenv ("FBNET_TEST_DATA"), "/", name, ending, NULL);
}

static Safetensors *
load_expected (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = data_path (name, ".safetensors");
  char *data;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, &error));
  g_autoptr (GBytes) bytes = g_bytes_new_take (data, size);
  Safetensors *file = safetensors_parse (bytes, path, &error);
  g_assert_no_error (error);
  return file;
}

static const FbnetTensorView *
expected_tensor (const Step *step, const char *prefix, const char *name)
{
  g_autofree char *full = g_strconcat (prefix, name, NULL);
  const FbnetTensorView *view = safetensors_find (step->expected, full);

  if (view == NULL)
    g_error ("the fixture has no %s", full);
  return view;
}

static double
setting (const Step *step, const char *group, const char *key)
{
  const cJSON *training = cJSON_GetObjectItemCaseSensitive (step->settings, "training");
  const cJSON *item =
      cJSON_GetObjectItemCaseSensitive (cJSON_GetObjectItemCaseSensitive (training, group), key);

  g_assert_true (cJSON_IsNumber (item));
  return item->valuedouble;
}

/* The heads ask in the order in which the first step's cells were recorded. */
static void
check_recorded (Step *step, guint side, const guint8 *target)
{
  const FbnetTensorView *view = expected_tensor (step, "mask.targets", "");
  const gsize area = (gsize) side * side;

  g_assert_cmpuint (view->shape[1], ==, side);
  g_assert_cmpuint (step->n_masks, <, view->shape[0]);
  g_assert_cmpmem (target, area, (const guint8 *) view->data + step->n_masks++ * area, area);
}

static void
crop_polygons (const TrainSample *sample, const TrainObject *object, const Box *box, guint side,
    guint8 *target)
{
  Step *step = sample->data;

  object_mask_crop (object->mask, box, side, target);
  if (step->recorded)
    check_recorded (step, side, target);
}

static gboolean
is_classifier (const Step *step)
{
  return fbnet_model_get_task (step->model) == FBNET_TASK_CLASSIFICATION;
}

/* A picture's object's polygons. */
static ObjectMask *
read_shape (Step *step, guint picture, guint object)
{
  g_autoptr (GError) error = NULL;
  const cJSON *all = cJSON_GetObjectItemCaseSensitive (step->settings, "polygons");
  const cJSON *polygons =
      cJSON_GetArrayItem (cJSON_GetArrayItem (all, (int) picture), (int) object);
  guint n_left_out = 0;
  ObjectMask *shape = object_mask_read (polygons, &n_left_out, "fixture", &error);

  g_assert_no_error (error);
  g_assert_cmpuint (n_left_out, ==, 0);
  g_ptr_array_add (step->shapes, shape);
  return shape;
}

/* NULL when the model has none. */
static const TrainKeypoint *
read_keypoints (const Step *step, const char *number, guint object)
{
  const guint n = step->model->description->n_keypoints;
  TrainKeypoint *keypoints = n > 0 ? g_new (TrainKeypoint, n) : NULL;

  for (guint i = 0; i < n; i++) {
    const FbnetTensorView *view = expected_tensor (step, "keypoints", number);
    const float *from = (const float *) view->data + 3 * (object * n + i);
    keypoints[i] = (TrainKeypoint){ from[0], from[1], from[2] > 0 };
  }
  return keypoints;
}

/* Of a detector's fixture. */
static void
fill_objects (Step *step, guint i, const char *number)
{
  const FbnetTensorView *boxes = expected_tensor (step, "boxes", number);
  TrainSample *sample = &step->samples[i];

  for (guint k = 0; k < sample->n_objects; k++) {
    sample->objects[k].box = ((const Box *) boxes->data)[k];
    sample->objects[k].mask = read_shape (step, i, k);
    sample->objects[k].keypoints = read_keypoints (step, number, k);
  }
}

static void
fill_sample (Step *step, guint i)
{
  g_autofree char *number = g_strdup_printf (".%u", i);
  const FbnetTensorView *image = expected_tensor (step, "image", number);
  const FbnetTensorView *classes = expected_tensor (step, "classes", number);
  TrainSample *sample = &step->samples[i];

  *sample = (TrainSample){ (guint) image->shape[1], (guint) image->shape[0], image->data,
    (guint) classes->shape[0], g_new0 (TrainObject, classes->shape[0]), NULL, step };
  for (guint k = 0; k < sample->n_objects; k++)
    sample->objects[k].class_id = (guint) ((const gint32 *) classes->data)[k];
  if (!is_classifier (step))
    fill_objects (step, i, number);
  if (safetensors_find (step->expected, "mask.targets") != NULL)
    sample->crop_mask = crop_polygons;
  step->batch[i] = sample;
}

static Step *
step_new (const char *model, const char *expected, Statistics statistics)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = data_path (model, ".safetensors");
  Step *step = g_new0 (Step, 1);

  step->model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  step->param_limit = PARAM_LIMIT;
  step->expected = load_expected (expected);
  step->settings = cJSON_Parse (step->expected->description);
  step->params = params_new (step->model);
  step->group = group_new (1, NULL);
  step->net = (Net){ step->params, tape_new (), step->group, 0, statistics,
    setting (step, "batch_norm", "momentum"), g_new0 (Real, step->params->n_values), TRUE };
  step->shapes = g_ptr_array_new_with_free_func ((GDestroyNotify) object_mask_free);
  step->n = is_classifier (step) ? 4 : 2;
  for (guint i = 0; i < step->n; i++)
    fill_sample (step, i);
  return step;
}

static void
step_free (Step *step)
{
  for (guint i = 0; i < step->n; i++) {
    for (guint k = 0; k < step->samples[i].n_objects; k++)
      g_free ((gpointer) step->samples[i].objects[k].keypoints);
    g_free (step->samples[i].objects);
  }
  g_ptr_array_unref (step->shapes);
  tape_free (step->net.tape);
  g_free (step->net.gradient);
  params_free (step->params);
  group_free (step->group);
  cJSON_Delete (step->settings);
  safetensors_free (step->expected);
  fbnet_model_unref (step->model);
  g_free (step);
}

static RcnnSettings
rcnn_settings (const Step *step)
{
  RcnnSettings settings = rcnn_settings_of (step->model);

  settings.rpn.batch = (guint) setting (step, "rpn", "batch_size_per_image");
  settings.rpn.fraction = setting (step, "rpn", "positive_fraction");
  settings.heads.batch = (guint) setting (step, "roi_heads", "batch_size_per_image");
  settings.heads.fraction = setting (step, "roi_heads", "positive_fraction");
  settings.pre_nms_count = (guint) setting (step, "rpn", "pre_nms_count");
  settings.post_nms_count = (guint) setting (step, "rpn", "post_nms_count");
  settings.rpn_iou_threshold = (float) setting (step, "rpn", "iou_threshold");
  return settings;
}

static TrainLosses
forward (Step *step, const RcnnSettings *settings)
{
  if (!is_classifier (step))
    return rcnn_forward (&step->net, NULL, settings, step->batch, step->n, 1, 0, 0);
  const ClassifySettings classify = { setting (step, "classify", "label_smoothing") };
  return classify_forward (&step->net, &classify, step->batch, step->n);
}

/* Forward and backward from the parameters as they are; `recorded`: as they were in the model. */
static TrainLosses
run (Step *step, const RcnnSettings *settings, gboolean recorded)
{
  step->recorded = recorded;
  step->n_masks = 0;
  tape_reset (step->net.tape);
  memset (step->net.gradient, 0, step->params->n_values * sizeof (Real));
  const TrainLosses losses = forward (step, settings);
  tape_backward (step->net.tape);
  if (recorded && step->samples[0].crop_mask != NULL)
    g_assert_cmpuint (step->n_masks, ==, expected_tensor (step, "mask.targets", "")->shape[0]);
  return losses;
}

/* --- Comparing -------------------------------------------------------------------------------- */

static void
check_loss (const Step *step, const char *prefix, const char *name, double found)
{
  const FbnetTensorView *view = expected_tensor (step, prefix, name);
  const double expected = (double) tensor_element (view, 0);

  g_test_message ("%s%s: expected %.7g, found %.7g", prefix, name, expected, found);
  g_assert_cmpfloat (fabs (found - expected), <=, LOSS_LIMIT * fabs (expected));
}

static void
check_losses (const Step *step, const char *prefix, const TrainLosses *losses)
{
  check_loss (step, prefix, "cls", losses->classes);
  if (is_classifier (step))
    return;
  check_loss (step, prefix, "rpn_cls", losses->rpn_objectness);
  check_loss (step, prefix, "rpn_loc", losses->rpn_box);
  check_loss (step, prefix, "box_reg", losses->box);
  if (step->samples[0].crop_mask != NULL)
    check_loss (step, prefix, "mask", losses->mask);
  if (step->model->description->n_keypoints > 0)
    check_loss (step, prefix, "keypoint", losses->keypoint);
}

/* Every tensor of the list, in units of its own largest number. */
static void
check_vector (const Step *step, const char *prefix, const GArray *list, const Real *values,
    double limit, double nothing)
{
  double worst = 0;
  const char *where = "";

  g_assert_cmpuint (list->len, >, 0);
  for (guint i = 0; i < list->len; i++) {
    const Param *p = params_get (list, (gint) i);
    const FbnetTensorView *view = expected_tensor (step, prefix, p->name);
    double largest = 0, off = 0;
    g_assert_cmpuint (view->n_bytes, ==, p->n * sizeof (float));
    for (gsize k = 0; k < p->n; k++) {
      const double expected = (double) tensor_element (view, k);
      largest = MAX (largest, fabs (expected));
      off = MAX (off, fabs ((double) values[p->begin + k] - expected));
    }
    const double relative = off / MAX (largest, nothing);
    if (relative > (largest > nothing ? worst : 1)) {
      worst = relative;
      where = p->name;
    }
  }
  g_test_message ("%s*: %u tensors, worst %.2g of its largest: %s", prefix, list->len, worst,
      where);
  g_assert_cmpfloat (worst, <=, limit);
}

static void
check_gradients (const Step *step, const char *prefix)
{
  check_vector (step, prefix, step->params->params, step->net.gradient, GRADIENT_LIMIT,
      GRADIENT_NOTHING);
}

static void
check_params (const Step *step, const char *prefix)
{
  check_vector (step, prefix, step->params->params, step->params->values, step->param_limit,
      PARAM_NOTHING);
}

static void
check_statistics (const Step *step, const char *prefix)
{
  if (step->params->statistics->len > 0)
    check_vector (step, prefix, step->params->statistics, step->params->statistics_values,
        step->param_limit, PARAM_NOTHING);
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void
take_step (Step *step, SgdState *state, const SgdSettings *sgd, guint number)
{
  const double norm = sgd_norm (step->net.gradient, step->params->n_values);

  sgd_step (step->params, state, sgd, step->net.gradient, norm, setting (step, "sgd", "rate"),
      number, 0, 1);
  sgd_average (step->params, state, sgd, number);
}

/* Two steps on one batch give PyTorch's losses, gradients, parameters, statistics and averages. */
static void
check_two_steps (Step *step)
{
  const RcnnSettings settings = rcnn_settings (step);
  const SgdSettings sgd = { setting (step, "sgd", "momentum"),
    setting (step, "sgd", "weight_decay"), setting (step, "sgd", "weight_decay_norm"), 0,
    setting (step, "ema", "decay"), -1 };
  SgdState state = sgd_state_new (step->params);

  TrainLosses losses = run (step, &settings, TRUE);
  check_losses (step, "loss.", &losses);
  check_gradients (step, "grad.");
  check_statistics (step, "stats1.");
  take_step (step, &state, &sgd, 1);
  check_params (step, "after1.");

  losses = run (step, &settings, FALSE);
  check_losses (step, "loss2.", &losses);
  check_gradients (step, "grad2.");
  check_statistics (step, "stats2.");
  take_step (step, &state, &sgd, 2);
  check_params (step, "after2.");
  check_vector (step, "ema2.", step->params->params, state.ema_values, step->param_limit,
      PARAM_NOTHING);
  if (step->params->statistics->len > 0)
    check_vector (step, "ema2.", step->params->statistics, state.ema_statistics, step->param_limit,
        PARAM_NOTHING);
  sgd_state_clear (&state);
}

static void
test_batch_norm (void)
{
  Step *step = step_new ("tiny-bn", "train-bn", STATISTICS_NAIVE);

  check_two_steps (step);
  step_free (step);
}

static void
test_group_norm (void)
{
  Step *step = step_new ("tiny-gn", "train-gn", STATISTICS_STORED);

  check_two_steps (step);
  step_free (step);
}

/* A pyramid's levels are one list to the RPN, and ROIs come from the level of their size. */
static void
test_pyramid (void)
{
  Step *step = step_new ("tiny-fpn", "train-fpn", STATISTICS_NAIVE);

  check_two_steps (step);
  step_free (step);
}

/* Keypoints in heat maps, some of them without a label, some outside their object's ROI. */
static void
test_keypoints (void)
{
  Step *step = step_new ("tiny-kpt", "train-kpt", STATISTICS_NAIVE);

  step->param_limit = KEYPOINTS_PARAM_LIMIT;
  check_two_steps (step);
  step_free (step);
}

/* A classifier with its pool and its last layer, and with smoothed labels. */
static void
test_classifier (void)
{
  Step *step = step_new ("tiny-cls", "train-cls", STATISTICS_OWN);

  check_two_steps (step);
  step_free (step);
}

/* Smooth L1 with a beta above 0 in both heads. */
static void
test_smooth (gconstpointer name)
{
  const gboolean bn = g_str_equal (name, "bn");
  Step *step = bn ? step_new ("tiny-bn", "train-bn", STATISTICS_OWN)
                  : step_new ("tiny-gn", "train-gn", STATISTICS_STORED);
  RcnnSettings settings = rcnn_settings (step);

  settings.rpn_beta = setting (step, "smooth", "rpn");
  settings.box_beta = setting (step, "smooth", "box_head");
  const TrainLosses losses = run (step, &settings, TRUE);
  check_losses (step, "smooth.loss.", &losses);
  check_gradients (step, "smooth.grad.");
  step_free (step);
}

/* The learning rate is fvcore's, warm-up and cosine. */
static void
test_schedules (void)
{
  Step *step = step_new ("tiny-gn", "train-gn", STATISTICS_STORED);
  const cJSON *schedule;
  guint n = 0;

  cJSON_ArrayForEach (schedule, cJSON_GetObjectItemCaseSensitive (step->settings, "schedules"))
  {
    const char *name = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (schedule, "name"));
    if (g_strcmp0 (name, "WarmupCosineLR") != 0)
      continue;
    const Schedule s = {
      (guint) cJSON_GetObjectItemCaseSensitive (schedule, "iterations")->valueint,
      cJSON_GetObjectItemCaseSensitive (schedule, "base")->valuedouble,
      cJSON_GetObjectItemCaseSensitive (schedule, "end")->valuedouble,
      (guint) cJSON_GetObjectItemCaseSensitive (schedule, "warmup_iterations")->valueint,
      cJSON_GetObjectItemCaseSensitive (schedule, "warmup_factor")->valuedouble,
    };
    const cJSON *rate;
    cJSON_ArrayForEach (rate, cJSON_GetObjectItemCaseSensitive (schedule, "rates"))
    {
      const double expected = cJSON_GetArrayItem (rate, 1)->valuedouble;
      const double found = schedule_rate (&s, (guint) cJSON_GetArrayItem (rate, 0)->valueint);
      g_assert_cmpfloat (fabs (found - expected), <=, 1e-12 * s.base_rate);
      n++;
    }
  }
  g_assert_cmpuint (n, >, 20);
  step_free (step);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/train/step/batch-norm", test_batch_norm);
  g_test_add_func ("/train/step/group-norm", test_group_norm);
  g_test_add_func ("/train/step/pyramid", test_pyramid);
  g_test_add_func ("/train/step/keypoints", test_keypoints);
  g_test_add_func ("/train/step/classifier", test_classifier);
  g_test_add_data_func ("/train/step/smooth-batch-norm", "bn", test_smooth);
  g_test_add_data_func ("/train/step/smooth-group-norm", "gn", test_smooth);
  g_test_add_func ("/train/step/schedules", test_schedules);
  return g_test_run ();
}
