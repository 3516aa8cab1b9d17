/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Blocks against a plain reference in double, for every kernel row and way of running them.
 */
#include <math.h>
#include <string.h>

#include "cpu.h"
#include "model.h"
#include "randommodel.h"

#define HEADS                                                                                      \
  "\"rpn\": [[[\"ir_k3\", 16, 1, 1, {\"expansion\": 2}]]], "                                       \
  "\"bbox\": [[[\"ir_k3\", 16, 2, 1, {\"expansion\": 2}]]]"

/* --- The reference ---------------------------------------------------------------------------- */

typedef struct {
  gsize n, h, w, c;
  double *data;
} Reference;

static Reference
reference_new (gsize n, gsize h, gsize w, gsize c)
{
  return (Reference){ n, h, w, c, g_new0 (double, n *h *w *c) };
}

static double *
at (const Reference *t, gsize n, gsize y, gsize x)
{
  return t->data + ((n * t->h + y) * t->w + x) * t->c;
}

static Reference
copy (const Reference *in)
{
  Reference out = *in;
  out.data = g_memdup2 (in->data, in->n * in->h * in->w * in->c * sizeof *in->data);
  return out;
}

static double
activate (double x, Activation act)
{
  const double relu6 = fmin (fmax (x + 3, 0), 6) / 6;

  switch (act) {
    case ACT_NONE:
      return x;
    case ACT_RELU:
      return fmax (x, 0);
    case ACT_HSWISH:
      return x * relu6;
    case ACT_SWISH:
      return x / (1 + exp (-x));
    case ACT_SIGMOID:
      return 1 / (1 + exp (-x));
    case ACT_HSIGMOID:
      return relu6;
  }
  g_assert_not_reached ();
}

/* torch GroupNorm: mean and biased variance of one image's group of channels. */
static void
group_statistics (const Reference *t, gsize n, gsize first, gsize size, double *mean, double *var)
{
  const gsize pixels = t->h * t->w;
  double sum = 0, squares = 0;

  for (gsize p = 0; p < pixels; p++)
    for (gsize c = first; c < first + size; c++)
      sum += at (t, n, 0, p)[c];
  *mean = sum / (pixels * size);
  for (gsize p = 0; p < pixels; p++)
    for (gsize c = first; c < first + size; c++)
      squares += pow (at (t, n, 0, p)[c] - *mean, 2);
  *var = squares / (pixels * size);
}

static void
normalize (const FbnetModel *model, const ConvLayer *layer, Reference *t)
{
  if (layer->norm.kind == NORM_NONE)
    return;
  const Reference in = copy (t);
  const gboolean batch = layer->norm.kind == NORM_BATCH;
  g_autofree float *gamma = model_read_floats (model, layer, TRUE, "weight");
  g_autofree float *beta = model_read_floats (model, layer, TRUE, "bias");
  g_autofree float *means = batch ? model_read_floats (model, layer, TRUE, "running_mean") : NULL;
  g_autofree float *vars = batch ? model_read_floats (model, layer, TRUE, "running_var") : NULL;

  for (gsize n = 0; n < t->n; n++) {
    for (gsize c = 0; c < t->c; c++) {
      double mean = batch ? means[c] : 0, var = batch ? vars[c] : 1 - NORM_EPSILON;
      if (layer->norm.kind == NORM_GROUP) {
        const gsize size = t->c / layer->norm.n_groups;
        group_statistics (&in, n, c / size * size, size, &mean, &var);
      }
      for (gsize p = 0; p < t->h * t->w; p++)
        at (t, n, 0, p)[c] =
            (at (&in, n, 0, p)[c] - mean) / sqrt (var + NORM_EPSILON) * gamma[c] + beta[c];
    }
  }
  g_free (in.data);
}

/* Convolution, norm, activation, with nearest up-sampling in front; frees the input. */
static Reference
convolve (const FbnetModel *model, const ConvLayer *layer, Reference in, guint upsample)
{
  const gsize h = conv_output (in.h, layer, upsample), w = conv_output (in.w, layer, upsample);
  const gsize in_size = layer->in / layer->groups, out_size = layer->out / layer->groups;
  Reference out = reference_new (in.n, h, w, layer->out);
  g_autofree float *weights = model_read_floats (model, layer, FALSE, "weight");
  g_autofree float *bias = layer->bias ? model_read_floats (model, layer, FALSE, "bias") : NULL;

  for (gsize n = 0; n < in.n; n++)
    for (gsize y = 0; y < h; y++)
      for (gsize x = 0; x < w; x++)
        for (gsize o = 0; o < layer->out; o++) {
          double sum = bias != NULL ? bias[o] : 0;
          for (gsize ky = 0; ky < layer->kernel; ky++)
            for (gsize kx = 0; kx < layer->kernel; kx++) {
              const gssize sy = (gssize) (y * layer->stride + ky) - layer->pad;
              const gssize sx = (gssize) (x * layer->stride + kx) - layer->pad;
              if (sy < 0 || sx < 0 || sy >= (gssize) (in.h * upsample)
                  || sx >= (gssize) (in.w * upsample))
                continue;
              const double *pixel = at (&in, n, sy / upsample, sx / upsample);
              for (gsize i = 0; i < in_size; i++)
                sum += pixel[o / out_size * in_size + i]
                    * weights[((o * in_size + i) * layer->kernel + ky) * layer->kernel + kx];
            }
          at (&out, n, y, x)[o] = sum;
        }
  normalize (model, layer, &out);
  for (gsize i = 0; i < out.n * h * w * out.c; i++)
    out.data[i] = activate (out.data[i], layer->act);
  g_free (in.data);
  return out;
}

static void
shuffle (Reference *t, gsize groups)
{
  const Reference old = copy (t);
  for (gsize p = 0; p < t->n * t->h * t->w; p++)
    for (gsize c = 0; c < t->c; c++)
      t->data[p * t->c + c] = old.data[p * t->c + c % groups * (t->c / groups) + c / groups];
  g_free (old.data);
}

static Reference
average (const Reference *in)
{
  Reference out = reference_new (in->n, 1, 1, in->c);
  for (gsize n = 0; n < in->n; n++)
    for (gsize p = 0; p < in->h * in->w; p++)
      for (gsize c = 0; c < in->c; c++)
        at (&out, n, 0, 0)[c] += at (in, n, 0, p)[c] / (in->h * in->w);
  return out;
}

static Reference
run_reference (const FbnetModel *model, const Block *block, Reference in)
{
  Reference t = copy (&in);
  if (block->kind == BLOCK_SKIP) {
    g_free (in.data);
    return t;
  }
  if (block->pw.out != 0)
    t = convolve (model, &block->pw, t, 1);
  if (block->shuffle_groups > 1)
    shuffle (&t, block->shuffle_groups);
  if (block->kind == BLOCK_POOL) {
    const Reference mean = average (&t);
    g_free (t.data);
    t = mean;
  }
  if (block->dw.out != 0)
    t = convolve (model, &block->dw, t, block->upsample);
  if (block->se_squeeze.out != 0) {
    Reference gate = average (&t);
    gate = convolve (model, &block->se_squeeze, gate, 1);
    gate = convolve (model, &block->se_excite, gate, 1);
    for (gsize n = 0; n < t.n; n++)
      for (gsize p = 0; p < t.h * t.w; p++)
        for (gsize c = 0; c < t.c; c++)
          at (&t, n, 0, p)[c] *= at (&gate, n, 0, 0)[c];
    g_free (gate.data);
  }
  t = convolve (model, &block->pwl, t, 1);
  for (gsize i = 0; block->residual && i < t.n * t.h * t.w * t.c; i++)
    t.data[i] += in.data[i];
  if (block->kind == BLOCK_CONV && block->upsample > 1) {
    const guint u = block->upsample;
    Reference large = reference_new (t.n, t.h * u, t.w * u, t.c);
    for (gsize n = 0; n < large.n; n++)
      for (gsize y = 0; y < large.h; y++)
        for (gsize x = 0; x < large.w; x++)
          memcpy (at (&large, n, y, x), at (&t, n, y / u, x / u), t.c * sizeof (double));
    g_free (t.data);
    t = large;
  }
  g_free (in.data);
  return t;
}

/* --- Ours against it -------------------------------------------------------------------------- */

/* Runs all trunk stages in a row; the caller frees the last output's data. */
static Tensor
run_ours (FbnetModel *model, const Kernels *kernels, guint n_threads, const Tensor *in)
{
  Workers *workers = workers_new (n_threads, NULL);
  Runner runner = { .kernels = kernels, .workers = workers };
  const Network *network = model_get_network (model, kernels);
  Tensor current = *in;
  current.data = g_memdup2 (in->data, in->n * in->h * in->w * in->c * sizeof (float));

  for (guint s = 0; s < network->n_trunk; s++) {
    Tensor next;
    GError *error = NULL;
    runner_reserve_stage (&runner, &network->trunk[s], &current, &next, &error);
    g_assert_no_error (error);
    next.data = g_new (float, next.n *next.h *next.w *next.c);
    runner_run_stage (&runner, &network->trunk[s], &current, &next);
    g_free (current.data);
    current = next;
  }
  runner_close (&runner);
  return current;
}

static void
check_output (const Tensor *found, const Reference *expected, const char *what)
{
  const gsize n = expected->n * expected->h * expected->w * expected->c;
  double squares = 0, worst = 0;

  g_assert_cmpuint (found->n, ==, expected->n);
  g_assert_cmpuint (found->h, ==, expected->h);
  g_assert_cmpuint (found->w, ==, expected->w);
  g_assert_cmpuint (found->c, ==, expected->c);
  for (gsize i = 0; i < n; i++) {
    squares += expected->data[i] * expected->data[i];
    worst = fmax (worst, fabs (found->data[i] - expected->data[i]));
  }
  const double relative = worst / sqrt (squares / n);
  g_test_message ("%s: worst deviation %.2g of the root mean square", what, relative);
  g_assert_cmpfloat (relative, <, 1e-4);
}

static gboolean
can_run (const Kernels *kernels)
{
  return (kernels->cpu_flags & ~cpu_flags ()) == 0;
}

static void
check_shape (FbnetModel *model, gsize n, gsize h, gsize w, guint32 seed)
{
  GRand *random = g_rand_new_with_seed (seed);
  Tensor in = { g_new (float, n *h *w * 3), n, h, w, 3 };
  Reference expected = reference_new (n, h, w, 3);
  for (gsize i = 0; i < n * h * w * 3; i++)
    expected.data[i] = in.data[i] = (float) g_rand_double_range (random, -2, 2);
  for (guint s = 0; s < model->trunk->n_stages; s++)
    for (guint b = 0; b < model->trunk->stages[s].n_blocks; b++)
      expected = run_reference (model, &model->trunk->stages[s].blocks[b], expected);

  for (const Kernels *const *row = kernels_list (); *row != NULL; row++) {
    if (!can_run (*row))
      continue;
    const Tensor one = run_ours (model, *row, 1, &in);
    check_output (&one, &expected, (*row)->name);
    for (guint threads = 2; threads <= 5; threads += 3) {
      const Tensor many = run_ours (model, *row, threads, &in);
      g_assert_cmpmem (one.data, one.n * one.h * one.w * one.c * sizeof (float), many.data,
          many.n * many.h * many.w * many.c * sizeof (float));
      g_free (many.data);
    }
    g_free (one.data);
  }
  g_free (in.data);
  g_free (expected.data);
  g_rand_free (random);
}

/* Every trunk is run on one tall image, one tiny one, and a batch of small ones, as heads are. */
static void
check_trunk (const char *norm, const char *trunk, guint n_stages)
{
  const guint32 seed = g_test_rand_int ();
  g_autofree char *architecture =
      g_strdup_printf ("{\"name\": \"random\", \"basic_args\": {\"dw_skip_bnrelu\": true}, "
                       "\"width_divisor\": 8, \"norm\": %s,"
                       "\"trunk\": %s, " HEADS "}",
          norm, trunk);
  g_autofree char *description = random_model_description (architecture, n_stages, FALSE);
  GError *error = NULL;
  g_autoptr (FbnetModel) model = random_model_new (description, seed, &error);

  g_test_message ("seed %u", seed);
  g_assert_no_error (error);
  check_shape (model, 1, 61, 43, seed);
  check_shape (model, 1, 3, 2, seed);
  check_shape (model, 7, 12, 9, seed);
}

#define BATCH "{\"name\": \"naiveSyncBN\"}"
#define GROUP "{\"name\": \"gn\", \"num_groups\": 4}"

/* Inverted residuals of every kernel size, stride and up-sampling, fused. */
static void
test_plain_blocks (void)
{
  check_trunk (BATCH,
      "[[[\"conv_k3\", 16, 2, 1], [\"ir_k3\", 16, 1, 1, {\"expansion\": 1}]],"
      "[[\"ir_k5\", 24, 2, 1, {\"expansion\": 4}], [\"ir_k5\", 24, 1, 2, {\"expansion\": 3}]],"
      "[[\"ir_k3\", 32, -2, 1, {\"expansion\": 2.5}], [\"ir_k5\", 16, -2, 1, {\"expansion\": 1}]]]",
      3);
}

/* Squeeze and excite stops the fusion after the depthwise convolution. */
static void
test_squeeze_excite (void)
{
  check_trunk (BATCH,
      "[[[\"conv_k5_hs\", 16, 2, 1], [\"ir_k3_se\", 16, 1, 1, {\"expansion\": 1}]],"
      "[[\"ir_k5_se\", 24, 2, 1, {\"expansion\": 4}], [\"ir_k5_sehsig_hs\", 24, 1, 2]]]",
      2);
}

/* Group norm wants whole images: everything goes layer by layer. */
static void
test_group_norm (void)
{
  check_trunk (GROUP,
      "[[[\"conv_k3\", 16, 2, 1], [\"ir_k3\", 16, 1, 1, {\"expansion\": 1}]],"
      "[[\"ir_k5_se\", 24, 2, 1, {\"dw_skip_bnrelu\": false}], [\"ir_k5\", 24, 1, 2]]]",
      2);
}

/* Norm and activation after the depthwise convolution, biases, swish, as in the classifiers. */
static void
test_full_blocks (void)
{
  check_trunk (BATCH,
      "[[[\"conv_k3\", 16, 2, 1, {\"relu_args\": \"swish\"}], [\"skip\", 16, 1, 1]],"
      "[[\"ir_k5\", 24, 2, 1, {\"dw_skip_bnrelu\": false, \"bias\": true, \"relu_args\": "
      "\"swish\"}],"
      "[\"skip\", 40, 2, 1], [\"ir_k3\", 40, 1, 1, {\"dw_args\": {\"padding\": 1}}]]]",
      2);
}

/* Grouped products with a channel shuffle, global pooling block, up-sampling convolution. */
static void
test_rare_blocks (void)
{
  check_trunk (BATCH,
      "[[[\"conv_k3\", 16, -2, 1], [\"ir_k3_g2\", 16, 2, 1, {\"pwl_groups\": 2}]],"
      "[[\"ir_k5_g2\", 24, 1, 1], [\"ir_k5_g2\", 24, 1, 1, {\"expansion\": 1}], [\"ir_pool_hs\", "
      "32, 1, 1]]]",
      2);
}

/* The norms without statistics of their own: frozen, and none. */
static void
test_other_norms (void)
{
  check_trunk ("{\"name\": \"frozen_bn\"}", "[[[\"conv_k3\", 16, 2, 1], [\"ir_k3\", 16, 1, 1]]]",
      1);
  check_trunk ("{\"name\": \"none\"}", "[[[\"conv_k3\", 16, 2, 1], [\"ir_k3\", 16, 1, 1]]]", 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network/plain-blocks", test_plain_blocks);
  g_test_add_func ("/network/squeeze-excite", test_squeeze_excite);
  g_test_add_func ("/network/group-norm", test_group_norm);
  g_test_add_func ("/network/full-blocks", test_full_blocks);
  g_test_add_func ("/network/rare-blocks", test_rare_blocks);
  g_test_add_func ("/network/other-norms", test_other_norms);
  return g_test_run ();
}
