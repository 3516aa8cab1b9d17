/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parameters out of a model file and back into one; running statistics of batch norms.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "train/net.h"
#include "randommodel.h"
#include "model/safetensors.h"
#include "threads.h"

static FbnetModel *
load (const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s", g_getenv ("FBNET_TEST_DATA"), name);
  g_autoptr (GError) error = NULL;
  FbnetModel *model = fbnet_model_load (path, &error);

  g_assert_no_error (error);
  return model;
}

/* --- Files ------------------------------------------------------------------------------------ */

/* What writing the numbers gives when it is loaded again. */
static FbnetModel *
write_and_load (const Params *params, gint64 iteration, const FbnetTensorView *extra, guint n_extra)
{
  g_autofree char *folder = g_dir_make_tmp ("fbnet-params-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (params_write (params, params->values, params->statistics_values, iteration, FALSE,
      extra, n_extra, path, &error));
  g_assert_no_error (error);
  FbnetModel *model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_rmdir (folder);
  return model;
}

static void
assert_same_numbers (const Params *a, const Params *b)
{
  g_assert_cmpmem (a->values, a->n_values * sizeof (Real), b->values, b->n_values * sizeof (Real));
  g_assert_cmpmem (a->statistics_values, a->n_statistics * sizeof (Real), b->statistics_values,
      b->n_statistics * sizeof (Real));
}

/* Each number of a model, changed, comes back, whatever type the file had; tensors that are no
 * parameters stay, the count of batches becomes the iteration. */
static void
test_round_trip (gconstpointer name)
{
  g_autoptr (FbnetModel) model = load (name);
  Params *params = params_new (model);

  for (gsize i = 0; i < params->n_values; i++)
    params->values[i] += (Real) g_test_rand_double_range (-1, 1);
  for (gsize i = 0; i < params->n_statistics; i++)
    params->statistics_values[i] += (Real) g_test_rand_double_range (0, 1);
  g_autoptr (FbnetModel) written = write_and_load (params, 123456789012, NULL, 0);
  Params *again = params_new (written);
  assert_same_numbers (params, again);
  g_assert_cmpstr (fbnet_model_get_name (written), ==, fbnet_model_get_name (model));
  g_assert_cmpuint (written->file->n_views, ==, model->file->n_views);
  for (guint i = 0; i < written->file->n_views; i++) {
    const FbnetTensorView *view = &written->file->views[i];
    g_assert_cmpstr (view->name, ==, model->file->views[i].name);
    if (g_str_has_suffix (view->name, ".num_batches_tracked")) {
      gint64 count;
      memcpy (&count, view->data, sizeof count);
      g_assert_cmpint (count, ==, 123456789012);
    }
  }
  params_free (again);
  params_free (params);
}

/* What the training state adds is in the file, and is left out when that file is written again. */
static void
test_extra (void)
{
  static const float numbers[] = { 1, 2, 3 };
  g_autoptr (FbnetModel) model = load ("tiny-bn.safetensors");
  const FbnetTensorView extra = { .name = TRAIN_STATE_PREFIX "momentum",
    .dtype = FBNET_DTYPE_F32,
    .n_dims = 1,
    .shape = { 3 },
    .data = numbers,
    .n_bytes = sizeof numbers };
  Params *params = params_new (model);

  g_autoptr (FbnetModel) with = write_and_load (params, 1, &extra, 1);
  const FbnetTensorView *found = safetensors_find (with->file, extra.name);
  g_assert_nonnull (found);
  g_assert_cmpmem (found->data, found->n_bytes, numbers, sizeof numbers);
  params_free (params);

  params = params_new (with);
  g_autoptr (FbnetModel) without = write_and_load (params, 2, NULL, 0);
  g_assert_null (safetensors_find (without->file, extra.name));
  g_assert_cmpuint (without->file->n_views, ==, model->file->n_views);
  params_free (params);
}

/* A place that cannot be written is an error that names it. */
static void
test_unwritable (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-bn.safetensors");
  g_autoptr (GError) error = NULL;
  Params *params = params_new (model);

  g_assert_false (params_write (params, params->values, params->statistics_values, 0, FALSE, NULL,
      0, "/no-such-folder/model.safetensors", &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "/no-such-folder/model.safetensors"));
  params_free (params);
}

/* Every parameter has its own place in the vectors, and the tensor's number of elements. */
static void
test_places (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-bn.safetensors");
  Params *params = params_new (model);
  gsize next = 0;

  for (guint i = 0; i < params->params->len; i++) {
    const Param *param = params_get (params->params, (gint) i);
    const FbnetTensorView *view = safetensors_find (model->file, param->name);
    g_assert_cmpuint (param->begin, ==, next);
    g_assert_cmpuint (param->n * fbnet_dtype_size (view->dtype), ==, view->n_bytes);
    g_assert_false (param->frozen);
    next += param->n;
  }
  g_assert_cmpuint (next, ==, params->n_values);
  g_assert_cmpuint (next, ==, fbnet_model_get_n_parameters (model));
  params_free (params);
  params_free (NULL);
}

/* --- One layer over batches ------------------------------------------------------------------- */

#define N_WORKERS 3

/* The first layer with a batch norm that reads pictures, fed with a batch per worker. */
typedef struct {
  FbnetModel *model;
  Params *params;
  const ConvLayer *layer;
  Group *group;
  guint n_workers;
  Statistics statistics;
  Real *gradients[N_WORKERS];
  double sums[N_WORKERS][3]; /* of the convolution's first channel: pixels, sum, sum of squares */
  gsize images[N_WORKERS];
} Layer;

static Layer *
layer_new (guint n_workers, Statistics statistics)
{
  Layer *layer = g_new0 (Layer, 1);

  layer->model = load ("tiny-bn.safetensors");
  layer->params = params_new (layer->model);
  layer->layer = &layers_stage (layer->model->layers, ROLE_TRUNK, 0)->blocks[0].pwl;
  layer->group = group_new (n_workers, NULL);
  layer->n_workers = n_workers;
  layer->statistics = statistics;
  for (guint t = 0; t < n_workers; t++)
    layer->gradients[t] = g_new0 (Real, layer->params->n_values);
  g_assert_cmpint (layer->layer->norm.kind, ==, NORM_BATCH);
  return layer;
}

static void
layer_free (Layer *layer)
{
  for (guint t = 0; t < layer->n_workers; t++)
    g_free (layer->gradients[t]);
  group_free (layer->group);
  params_free (layer->params);
  fbnet_model_unref (layer->model);
  g_free (layer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Layer, layer_free)

/* Numbers that differ by worker. */
static Var *
make_input (Tape *tape, guint thread)
{
  Var *x = tape_var (tape, 1 + thread, 8 + 4 * thread, 6, 3, FALSE);

  for (gsize i = 0; i < var_size (x); i++)
    x->value[i] = (Real) (sin (0.7 * (double) i + thread) + 0.3 * thread);
  return x;
}

/* The convolution alone, for the plain computation. */
static void
count_channel (Layer *layer, guint t, Tape *tape, Var *x)
{
  const Params *params = layer->params;
  const LayerParams *of = params_of_layer (params, layer->layer);
  const Weight weight = { params->values + params_get (params->params, of->weight)->begin, NULL };
  const Weight bias = {
    of->bias < 0 ? NULL : params->values + params_get (params->params, of->bias)->begin, NULL
  };
  const Var *y = op_conv (tape, x, layer->layer, weight, bias);

  layer->images[t] = x->n;
  layer->sums[t][0] = (double) var_pixels (y);
  for (gsize p = 0; p < var_pixels (y); p++) {
    const double v = (double) y->value[p * y->c];
    layer->sums[t][1] += v;
    layer->sums[t][2] += v * v;
  }
}

static void
run_worker (guint thread, gpointer data)
{
  Layer *layer = data;
  Tape *tape = tape_new ();
  Net net = { layer->params, tape, layer->group, thread, layer->statistics, 0.1,
    layer->gradients[thread], thread == 0 };
  Var *x = make_input (tape, thread);
  Var *y = net_conv (&net, x, layer->layer);

  count_channel (layer, thread, tape, x);
  for (gsize i = 0; y->wants_grad && i < var_size (y); i++)
    tape_open_gradient (tape, y)[i] = (Real) cos ((double) i);
  tape_backward (tape);
  tape_free (tape);
}

/* The batch's mean and biased variance as the mode pools them, and how many values unbias it. */
static void
pool_plainly (const Layer *layer, double *mean, double *variance, double *count)
{
  double weights = 0, sum = 0, sum_sq = 0;

  *count = 0;
  for (guint t = 0; t < (layer->statistics == STATISTICS_OWN ? 1 : layer->n_workers); t++) {
    const double n = layer->sums[t][0];
    const double weight = layer->statistics == STATISTICS_NAIVE ? 1
        : layer->statistics == STATISTICS_NAIVE_N               ? (double) layer->images[t]
                                                                : n;
    *count += n;
    weights += weight;
    sum += weight * layer->sums[t][1] / n;
    sum_sq += weight * layer->sums[t][2] / n;
  }
  *mean = sum / weights;
  *variance = sum_sq / weights - *mean * *mean;
}

/* The running statistics of the layer's first channel. */
static Real *
running (const Layer *layer, gboolean variance)
{
  const LayerParams *of = params_of_layer (layer->params, layer->layer);

  return layer->params->statistics_values
      + params_get (layer->params->statistics, variance ? of->variance : of->mean)->begin;
}

static void
check_update (guint n_workers, Statistics statistics, gboolean unbiased)
{
  g_autoptr (Layer) layer = layer_new (n_workers, statistics);
  double mean, variance, count;

  *running (layer, FALSE) = 0.25f; /* near enough that the update shows */
  *running (layer, TRUE) = 0.5f;
  threads_run (n_workers, run_worker, layer);
  pool_plainly (layer, &mean, &variance, &count);
  if (unbiased)
    variance *= count / (count - 1);
  g_assert_cmpfloat_with_epsilon (*running (layer, FALSE), 0.9 * 0.25 + 0.1 * mean,
      1e-6 * (1 + fabs (mean)));
  g_assert_cmpfloat_with_epsilon (*running (layer, TRUE), 0.9 * 0.5 + 0.1 * variance,
      1e-6 * (1 + variance));
}

/* Running statistics move by the momentum: to the unbiased variance for bn and sync_bn, to the biased
 * one for naiveSyncBN. */
static void
test_statistics (void)
{
  check_update (1, STATISTICS_OWN, TRUE);
  check_update (N_WORKERS, STATISTICS_OWN, TRUE);
  check_update (1, STATISTICS_SYNC, TRUE);
  check_update (N_WORKERS, STATISTICS_SYNC, TRUE);
  check_update (N_WORKERS, STATISTICS_NAIVE, FALSE);
  check_update (N_WORKERS, STATISTICS_NAIVE_N, FALSE);
}

/* detectron2's NaiveSyncBatchNorm is a plain batch norm when there is but one worker: then the
 * variance is the unbiased one. */
static void
test_lone_naive (void)
{
  check_update (1, STATISTICS_NAIVE, TRUE);
  check_update (1, STATISTICS_NAIVE_N, TRUE);
}

/* --- Frozen layers ---------------------------------------------------------------------------- */

static gboolean
any_gradient (const Layer *layer)
{
  for (gsize i = 0; i < layer->params->n_values; i++) {
    if (layer->gradients[0][i] != 0)
      return TRUE;
  }
  return FALSE;
}

static void
check_still (gboolean freeze, Statistics statistics)
{
  g_autoptr (Layer) layer = layer_new (1, statistics);
  const Real mean = *running (layer, FALSE), variance = *running (layer, TRUE);

  if (freeze)
    params_freeze_layer (layer->params, layer->layer);
  threads_run (1, run_worker, layer);
  g_assert_true (*running (layer, FALSE) == mean);
  g_assert_true (*running (layer, TRUE) == variance);
  g_assert_true (any_gradient (layer) == !freeze);
}

/* A frozen layer has neither gradients nor moving statistics; stored statistics stay, and their layer
 * has gradients. */
static void
test_frozen (void)
{
  check_still (TRUE, STATISTICS_SYNC);
  check_still (TRUE, STATISTICS_OWN);
  check_still (FALSE, STATISTICS_STORED);
}

/* The numbers of frozen_bn are buffers and stay; the convolutions before them learn. */
static void
test_frozen_norm (void)
{
  g_autoptr (FbnetModel) like = load ("tiny-bn.safetensors");
  g_auto (GStrv) parts = g_strsplit (like->file->description, "naiveSyncBN", -1);
  g_autofree char *description = g_strjoinv ("frozen_bn", parts);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = random_model_new (description, 1, &error);

  g_assert_no_error (error);
  Params *params = params_new (model);
  gsize n_learning = 0;

  for (guint i = 0; i < params->params->len; i++) {
    const Param *param = params_get (params->params, (gint) i);
    g_assert_true (param->frozen == param->norm);
    n_learning += param->frozen ? 0 : param->n;
  }
  g_assert_cmpuint (params->n_statistics, ==, 0);
  g_assert_cmpuint (n_learning, ==, fbnet_model_get_n_parameters (model));
  params_free (params);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/train/params/round-trip/bn", "tiny-bn.safetensors", test_round_trip);
  g_test_add_data_func ("/train/params/round-trip/gn", "tiny-gn.safetensors", test_round_trip);
  g_test_add_func ("/train/params/extra", test_extra);
  g_test_add_func ("/train/params/unwritable", test_unwritable);
  g_test_add_func ("/train/params/places", test_places);
  g_test_add_func ("/train/params/statistics", test_statistics);
  g_test_add_func ("/train/params/lone-naive", test_lone_naive);
  g_test_add_func ("/train/params/frozen", test_frozen);
  g_test_add_func ("/train/params/frozen-norm", test_frozen_norm);
  return g_test_run ();
}
