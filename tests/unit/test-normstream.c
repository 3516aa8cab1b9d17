/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Batch norms that follow a stream: the arithmetic by hand, then whole blocks over frames of
 * different sizes against a plain computation in double, for every kernel row.
 */
#include <math.h>
#include <string.h>

#include "blocks.h"
#include "model/model.h"
#include "network/cache.h"
#include "network/piece.h"
#include "randommodel.h"

/* Of weights and frames. The limits below are ten times what twelve other seeds gave. */
#define SEED 1

/* --- The arithmetic --------------------------------------------------------------------------- */

/* One channel's frame: `pixels` of them, alternately mean - spread and mean + spread. */
static void
set_frame (double *frame, double mean, double spread, gsize pixels, NormPooling pooling)
{
  const double sum = mean * pixels, squares = (mean * mean + spread * spread) * pixels;

  norm_stats_set (frame, &sum, &squares, pixels, 1, 1, pooling);
}

static void
check_channel (const double *running, double mean, double variance)
{
  double found_mean, found_variance;

  norm_stats_finish (running, 1, &found_mean, &found_variance);
  g_assert_cmpfloat_with_epsilon (found_mean, mean, 1e-12);
  g_assert_cmpfloat_with_epsilon (found_variance, variance, 1e-12);
}

/* Two frames, the second with three times the pixels, at momentum one half. Pixels: the stored
 * numbers weigh 10 as the first frame does; then (5 × 1 + 5 × 3) / 10 = 2, then (5 × 2 + 15 × 6) /
 * 20 = 5. Equally: 2, then 4. */
static void
test_by_hand (void)
{
  const float mean = 1, variance = 4;
  double running[3], frame[3];

  norm_stats_begin (running, &mean, &variance, 1);
  set_frame (frame, 3, 2, 10, POOL_PIXELS);
  norm_stats_follow (running, frame, 1, 0.5);
  check_channel (running, 2, (5 + 13) / 2.0 - 4);
  set_frame (frame, 6, 1, 30, POOL_PIXELS);
  norm_stats_follow (running, frame, 1, 0.5);
  check_channel (running, 5, (9 + 3 * 37) / 4.0 - 25);

  norm_stats_begin (running, &mean, &variance, 1);
  set_frame (frame, 3, 2, 10, POOL_EQUALLY);
  norm_stats_follow (running, frame, 1, 0.5);
  check_channel (running, 2, (5 + 13) / 2.0 - 4);
  set_frame (frame, 6, 1, 30, POOL_EQUALLY);
  norm_stats_follow (running, frame, 1, 0.5);
  check_channel (running, 4, (9 + 37) / 2.0 - 16);
}

/* Momentum 0 keeps what is stored and 1 takes the frame's own, whatever came before. */
static void
test_extremes (void)
{
  const float mean = -0.5f, variance = 0.25f;
  double running[3], frame[3];

  norm_stats_begin (running, &mean, &variance, 1);
  for (gsize pixels = 1; pixels < 5; pixels++) {
    set_frame (frame, 8, 3, 2 * pixels, POOL_PIXELS);
    norm_stats_follow (running, frame, 1, 0);
    check_channel (running, mean, variance);
  }
  set_frame (frame, 8, 3, 2, POOL_PIXELS);
  norm_stats_follow (running, frame, 1, 1);
  check_channel (running, 8, 9);
}

/* A frame with NaN or infinity, and one without pixels, leave everything as it was, be it the first
 * one or a later one. */
static void
test_no_say (void)
{
  static const double bad[] = { NAN, INFINITY, -INFINITY };
  const float mean = 2, variance = 3;
  double running[3], frame[3];

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    norm_stats_begin (running, &mean, &variance, 1);
    set_frame (frame, 0, 0, 0, POOL_EQUALLY);
    norm_stats_follow (running, frame, 1, 0.5);
    set_frame (frame, bad[i], 1, 4, POOL_PIXELS);
    norm_stats_follow (running, frame, 1, 0.5);
    check_channel (running, mean, variance);
    set_frame (frame, 4, 0, 4, POOL_PIXELS);
    norm_stats_follow (running, frame, 1, 0.5);
    check_channel (running, 3, (7 + 16) / 2.0 - 9);
    set_frame (frame, 1, bad[i], 4, POOL_PIXELS);
    norm_stats_follow (running, frame, 1, 1);
    set_frame (frame, 0, 0, 0, POOL_PIXELS);
    norm_stats_follow (running, frame, 1, 1);
    check_channel (running, 3, (7 + 16) / 2.0 - 9);
  }
}

/* --- Blocks: the reference -------------------------------------------------------------------- */

/* One layer's running numbers, by the definition: weights, means and mean squares apart. */
typedef struct {
  double weight;
  double *means, *squares;
} Running;

typedef struct {
  const FbnetModel *model;
  GHashTable *layers; /* ConvLayer to Running */
  double momentum;
  gboolean naive;
} Follower;

static void
running_free (gpointer data)
{
  Running *running = data;

  g_free (running->means);
  g_free (running->squares);
  g_free (running);
}

static Running *
find_running (Follower *follower, const ConvLayer *layer, double weight)
{
  Running *running = g_hash_table_lookup (follower->layers, layer);

  if (running != NULL)
    return running;

  g_autofree float *mean = model_read_floats (follower->model, layer, TRUE, "running_mean", NULL);
  g_autofree float *var = model_read_floats (follower->model, layer, TRUE, "running_var", NULL);
  running = g_new0 (Running, 1);
  running->weight = weight;
  running->means = g_new (double, layer->out);
  running->squares = g_new (double, layer->out);
  for (guint c = 0; c < layer->out; c++) {
    running->means[c] = mean[c];
    running->squares[c] = var[c] + pow (mean[c], 2);
  }
  g_hash_table_insert (follower->layers, (gpointer) layer, running);
  return running;
}

static void
follow (const ConvLayer *layer, const Reference *t, double *means, double *vars, gpointer data)
{
  Follower *follower = data;
  const gsize pixels = t->n * t->h * t->w;
  const double weight = follower->naive ? 1 : pixels;
  Running *r = find_running (follower, layer, weight);
  const double old = (1 - follower->momentum) * r->weight, new = follower->momentum *weight;

  for (gsize c = 0; c < t->c; c++) {
    double sum = 0, squares = 0;
    for (gsize p = 0; p < pixels; p++) {
      sum += t->data[p * t->c + c];
      squares += pow (t->data[p * t->c + c], 2);
    }
    r->means[c] = (old * r->means[c] + new *sum / pixels) / (old + new);
    r->squares[c] = (old * r->squares[c] + new *squares / pixels) / (old + new);
    means[c] = r->means[c];
    vars[c] = r->squares[c] - pow (r->means[c], 2);
  }
  r->weight = old + new;
}

/* --- Blocks: ours against it ------------------------------------------------------------------ */

typedef struct {
  gsize n, h, w;
} Shape;

static Reference
make_frame (const Shape *shape, GRand *random)
{
  Reference frame = reference_new (shape->n, shape->h, shape->w, 3);
  /* Every frame has another brightness and contrast. */
  const double middle = g_rand_double_range (random, -1, 1);
  const double range = g_rand_double_range (random, 0.5, 3);

  for (gsize i = 0; i < shape->n * shape->h * shape->w * 3; i++)
    frame.data[i] = (float) (middle + g_rand_double_range (random, -range, range));
  return frame;
}

static Reference
run_expected (const FbnetModel *model, const Reference *frame, const ReferenceNorm *norm)
{
  const gsize size = frame->n * frame->h * frame->w * frame->c;
  Reference t = *frame;

  t.data = g_memdup2 (frame->data, size * sizeof (double));
  for (guint s = 0; s < layers_count (model->layers, ROLE_TRUNK); s++) {
    for (guint b = 0; b < layers_stage (model->layers, ROLE_TRUNK, s)->n_blocks; b++)
      t = reference_run_block (model, &layers_stage (model->layers, ROLE_TRUNK, s)->blocks[b], t,
          norm);
  }
  return t;
}

/* All trunk stages in a row; the caller frees the data. */
static Tensor
run_ours (Workspace *workspace, const Reference *frame)
{
  Tensor current = { NULL, frame->n, frame->h, frame->w, frame->c };
  const gsize size = frame->n * frame->h * frame->w * frame->c;

  current.data = g_new (float, size);
  for (gsize i = 0; i < size; i++)
    current.data[i] = (float) frame->data[i];
  for (guint s = 0; s < layers_count (workspace->network->layers, ROLE_TRUNK); s++) {
    const PackedStage *stage = network_stage (workspace->network, ROLE_TRUNK, s);
    Tensor next;
    GError *error = NULL;
    piece_run_stage (workspace, stage, &current, TRUE, &next, &error);
    g_assert_no_error (error);
    g_free (current.data);
    current = next;
  }
  return current;
}

static void
check_output (const Tensor *found, const Reference *expected)
{
  const gsize n = expected->n * expected->h * expected->w * expected->c;
  double squares = 0, worst = 0;

  g_assert_cmpuint (found->n * found->h * found->w * found->c, ==, n);
  for (gsize i = 0; i < n; i++) {
    squares += expected->data[i] * expected->data[i];
    worst = fmax (worst, fabs (found->data[i] - expected->data[i]));
  }
  g_assert_cmpfloat (worst / sqrt (squares / n), <, 1e-4);
}

/* Every layer's mean to 1e-5 of its deviation, and variance to 1e-4 of itself. */
static void
check_layer (const Workspace *workspace, const PackedConv *conv, const Follower *follower)
{
  if (!conv_has_norm (conv))
    return;
  const guint channels = conv->layer->out;
  const Running *running = g_hash_table_lookup (follower->layers, conv->layer);
  g_autofree double *means = g_new (double, channels);
  g_autofree double *vars = g_new (double, channels);

  g_assert_nonnull (running);
  norm_stats_finish (workspace->norm_stats + conv->norm_at, channels, means, vars);
  g_assert_cmpfloat_with_epsilon (workspace->norm_stats[conv->norm_at] / running->weight, 1, 1e-12);
  for (guint c = 0; c < channels; c++) {
    const double variance = running->squares[c] - pow (running->means[c], 2);
    g_assert_cmpfloat (fabs (means[c] - running->means[c]), <=, 1e-5 * sqrt (variance + 1e-3));
    g_assert_cmpfloat (fabs (vars[c] - variance), <=, 1e-4 * (variance + 1e-3));
  }
}

static void
check_statistics (const Workspace *workspace, const Follower *follower)
{
  const Network *network = workspace->network;

  for (guint s = 0; s < layers_count (network->layers, ROLE_TRUNK); s++) {
    const PackedStage *stage = network_stage (network, ROLE_TRUNK, s);
    for (guint b = 0; b < stage->n_blocks; b++) {
      for (guint i = 0; i < N_BLOCK_LAYERS; i++)
        check_layer (workspace, &stage->blocks[b].convs[i], follower);
    }
  }
}

#define N_FRAMES 5

/* Sizes that change, and with them what a frame weighs; the second is a batch, as regions are. */
static const Shape shapes[N_FRAMES] = { { 1, 61, 43 }, { 7, 12, 9 }, { 1, 20, 90 }, { 1, 61, 43 },
  { 2, 16, 16 } };

static const guint threads[] = { 1, 2, 5 };

typedef struct {
  Workspace workspace;
} Ours;

static Ours *
ours_new (FbnetModel *model, const Kernels *kernels, guint n_threads, double momentum,
    gboolean naive)
{
  Ours *ours = g_new0 (Ours, 1);

  const PackOptions options = { .kernels = kernels };
  const Network *network = cache_get_network (model, &options, NULL);

  ours->workspace = (Workspace){ .network = network,
    .stored = network,
    .workers = workers_new (n_threads, NULL),
    .norm_momentum = momentum,
    .normalization = naive ? FBNET_NORMALIZATION_NAIVE_SYNC_BN : FBNET_NORMALIZATION_SYNC_BN };
  workspace_begin_stream (&ours->workspace, model, NULL);
  return ours;
}

static void
ours_free (Ours *ours)
{
  workspace_close (&ours->workspace);
  g_free (ours);
}

static void
check_same_statistics (const Ours *a, const Ours *b)
{
  const gsize bytes = a->workspace.network->n_norm_stats * sizeof (double);

  g_assert_cmpmem (a->workspace.norm_stats, bytes, b->workspace.norm_stats, bytes);
}

/* The frames through one kernel row, with one, two and five threads: the reference's numbers, and
 * each other's bits, after every frame. */
static void
check_row (FbnetModel *model, const Kernels *kernels, double momentum, gboolean naive)
{
  GRand *random = g_rand_new_with_seed (SEED);
  Follower follower = { model, g_hash_table_new_full (NULL, NULL, NULL, running_free), momentum,
    naive };
  const ReferenceNorm norm = { follow, &follower };
  Ours *ours[G_N_ELEMENTS (threads)];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    ours[i] = ours_new (model, kernels, threads[i], momentum, naive);
  for (guint f = 0; f < N_FRAMES; f++) {
    Reference frame = make_frame (&shapes[f], random);
    Reference expected = run_expected (model, &frame, &norm);
    for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
      const Tensor found = run_ours (&ours[i]->workspace, &frame);
      check_output (&found, &expected);
      check_same_statistics (ours[0], ours[i]);
      g_free (found.data);
    }
    check_statistics (&ours[0]->workspace, &follower);
    g_free (expected.data);
    g_free (frame.data);
  }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    ours_free (ours[i]);
  g_hash_table_unref (follower.layers);
  g_rand_free (random);
}

static FbnetModel *
make_model (const char *norm)
{
  g_autofree char *architecture = g_strdup_printf (
      "{\"name\": \"random\", \"width_divisor\": 8, \"norm\": {\"name\": \"%s\"},"
      "\"trunk\": [[[\"conv_k3\", 16, 2, 1], [\"ir_k3\", 16, 1, 1, {\"expansion\": 1}]],"
      "[[\"ir_k5_se\", 24, 2, 1, {\"expansion\": 3}], [\"ir_k5_g2\", 24, 1, 1, {\"bias\": true}]],"
      "[[\"ir_k3\", 32, -2, 1, {\"dw_skip_bnrelu\": true}], [\"skip\", 24, 2, 1]]],"
      "\"rpn\": [[[\"ir_k3\", 24, 1, 1]]], \"bbox\": [[[\"ir_k3\", 24, 2, 1]]]}",
      norm);
  g_autofree char *description = random_model_description (architecture, 3, FALSE);
  g_autoptr (GError) error = NULL;

  FbnetModel *model = random_model_new (description, SEED, &error);
  g_assert_no_error (error);
  return model;
}

static void
check_rows (double momentum, gboolean naive)
{
  g_autoptr (FbnetModel) model = make_model ("sync_bn");

  for (const Kernels *const *row = kernels_list (); *row != NULL; row++)
    check_row (model, *row, momentum, naive);
}

/* Every image weighs its pixels; every kind of layer, batches too. */
static void
test_sync (void)
{
  check_rows (0.1, FALSE);
  check_rows (0.6, FALSE);
}

/* Every frame weighs the same. */
static void
test_naive (void)
{
  check_rows (0.1, TRUE);
  check_rows (0.6, TRUE);
}

/* The frame's own numbers: what training would normalise with. */
static void
test_own_numbers (void)
{
  check_rows (1, FALSE);
  check_rows (1, TRUE);
}

/* Momentum 0 is the stored statistics, which a reference without any stream uses. */
static void
test_stored (void)
{
  g_autoptr (FbnetModel) model = make_model ("bn");
  GRand *random = g_rand_new_with_seed (SEED);
  Ours *ours = ours_new (model, kernels_find (NULL, NULL), 2, 0, FALSE);

  for (guint f = 0; f < N_FRAMES; f++) {
    Reference frame = make_frame (&shapes[f], random);
    Reference expected = run_expected (model, &frame, NULL);
    const Tensor found = run_ours (&ours->workspace, &frame);
    check_output (&found, &expected);
    g_free (found.data);
    g_free (expected.data);
    g_free (frame.data);
  }
  ours_free (ours);
  g_rand_free (random);
}

/* Where nobody chooses, a layer is pooled as it was trained: to the bit the same as when told so. */
static void
test_as_trained (void)
{
  for (guint naive = 0; naive < 2; naive++) {
    g_autoptr (FbnetModel) model = make_model (naive ? "naiveSyncBN" : "sync_bn");
    GRand *random = g_rand_new_with_seed (SEED);
    Ours *told = ours_new (model, kernels_find (NULL, NULL), 1, 0.3, naive);
    Ours *by_itself = ours_new (model, kernels_find (NULL, NULL), 1, 0.3, FALSE);
    by_itself->workspace.normalization = FBNET_NORMALIZATION_AUTO;
    /* Not the last block: `skip` has plain batch norm in any model. */
    const gsize end = network_stage (told->workspace.network, ROLE_TRUNK, 2)->blocks[1].pwl.norm_at;
    for (guint f = 0; f < 2; f++) {
      Reference frame = make_frame (&shapes[f], random);
      g_free (run_ours (&told->workspace, &frame).data);
      g_free (run_ours (&by_itself->workspace, &frame).data);
      g_free (frame.data);
    }
    g_assert_cmpmem (told->workspace.norm_stats, end * sizeof (double),
        by_itself->workspace.norm_stats, end * sizeof (double));
    ours_free (told);
    ours_free (by_itself);
    g_rand_free (random);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/normstream/by-hand", test_by_hand);
  g_test_add_func ("/normstream/extremes", test_extremes);
  g_test_add_func ("/normstream/no-say", test_no_say);
  g_test_add_func ("/normstream/sync", test_sync);
  g_test_add_func ("/normstream/naive", test_naive);
  g_test_add_func ("/normstream/own-numbers", test_own_numbers);
  g_test_add_func ("/normstream/stored", test_stored);
  g_test_add_func ("/normstream/as-trained", test_as_trained);
  return g_test_run ();
}
