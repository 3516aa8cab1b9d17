/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every geometry that a block list can ask for: refused when the model is made, or right, compared with
 * the plain reference in double, on every kernel row. The combinations are gone through, not drawn.
 */
#include <math.h>
#include <string.h>

#include "geometry.h"

#define SEED 7

/* Of the root mean square. A group norm over a few pixels that are nearly equal makes rounding large; what
 * is wrong is wrong by tenths. */
#define LIMIT 1e-3

#define N_THREADS 3 /* a row alone is run once more by so many */

typedef struct {
  Workers *alone, *several;
  guint n_right, n_refused;
} Verdicts;

static void
compare (const Tensor *found, const Reference *expected, const char *row, const char *what)
{
  const gsize n = expected->n * expected->h * expected->w * expected->c;
  double squares = 0, worst = 0;

  g_assert_true (found->n == expected->n && found->h == expected->h && found->w == expected->w
      && found->c == expected->c);
  for (gsize i = 0; i < n; i++) {
    squares += expected->data[i] * expected->data[i];
    worst = fmax (worst, fabs (found->data[i] - expected->data[i]));
  }
  /* Of a few pixels a ReLU may leave next to nothing: then what counts is the input's size, 1. */
  if (worst <= LIMIT * fmax (sqrt (squares / n), 0.1))
    return;
  g_test_message ("%s, %s: expected deviations below %g of the root mean square, found %g of %g",
      what, row, LIMIT, worst, sqrt (squares / n));
  g_test_fail ();
}

static gboolean
leaves_pixels (FbnetModel *model, gsize h, gsize w)
{
  const Block *block = &layers_stage (model->layers, ROLE_TRUNK, 1)->blocks[0];
  const ConvLayer *layer = block->kind == BLOCK_IRF ? &block->dw : &block->pwl;

  return block->kind != BLOCK_IRF && block->kind != BLOCK_CONV
      ? TRUE
      : arch_conv_output (h, layer, block->kind == BLOCK_IRF ? block->upsample : 1) > 0
          && arch_conv_output (w, layer, block->kind == BLOCK_IRF ? block->upsample : 1) > 0;
}

static void
check_size (FbnetModel *model, gsize n, gsize h, gsize w, const char *what, Verdicts *verdicts)
{
  Tensor in = { g_new (float, n *h *w * 3), n, h, w, 3 };
  GRand *random = g_rand_new_with_seed (SEED);

  for (gsize i = 0; i < n * h * w * 3; i++)
    in.data[i] = (float) g_rand_double_range (random, -2, 2);
  const Reference expected = geometry_run_plainly (model, &in);
  for (const Kernels *const *row = kernels_list (); *row != NULL; row++) {
    const Tensor one =
        geometry_run (model, &(PackOptions){ .kernels = *row }, verdicts->alone, &in);
    const Tensor many =
        geometry_run (model, &(PackOptions){ .kernels = *row }, verdicts->several, &in);
    compare (&one, &expected, (*row)->name, what);
    g_assert_cmpmem (one.data, one.n * one.h * one.w * one.c * sizeof (float), many.data,
        many.n * many.h * many.w * many.c * sizeof (float));
    g_free (one.data);
    g_free (many.data);
  }
  g_free (in.data);
  g_free (expected.data);
  g_rand_free (random);
}

static void
check_case (const GeometryCase *c, Verdicts *verdicts)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = geometry_model_new (c, SEED, &error);
  g_autofree char *what = geometry_describe (c);

  if (model == NULL) {
    /* Only what cannot be right, told by its place. */
    if (strstr (error->message, "description: architecture.trunk[") == NULL) {
      g_test_message ("%s: expected a message about the trunk, found %s", what, error->message);
      g_test_fail ();
    }
    verdicts->n_refused++;
    return;
  }
  verdicts->n_right++;
  if (leaves_pixels (model, 5, 4))
    check_size (model, 1, 5, 4, what, verdicts);
  if (leaves_pixels (model, 2, 3))
    check_size (model, 3, 2, 3, what, verdicts);
}

static const int strides[] = { 1, 2, 3, -2 };
static const guint channels[] = { 1, 2, 6 };

static void
check_shapes (GeometryCase c, Verdicts *verdicts)
{
  for (guint i = 0; i < G_N_ELEMENTS (channels); i++) {
    for (guint o = 0; o < G_N_ELEMENTS (channels); o++) {
      for (guint s = 0; s < G_N_ELEMENTS (strides); s++) {
        c.in = channels[i];
        c.out = channels[o];
        c.stride = strides[s];
        check_case (&c, verdicts);
      }
    }
  }
}

static Verdicts
begin (void)
{
  Verdicts verdicts = { workers_new (1, NULL), workers_new (N_THREADS, NULL), 0, 0 };

  g_assert_true (verdicts.alone != NULL && verdicts.several != NULL);
  return verdicts;
}

static void
end (Verdicts *verdicts)
{
  g_test_message ("%u right, %u refused", verdicts->n_right, verdicts->n_refused);
  workers_free (verdicts->alone);
  workers_free (verdicts->several);
}

static void
test_convolutions (void)
{
  static const char *const ops[] = { "conv_k1", "conv_k3", "conv_k5_hs", "conv_k7", "skip" };
  static const char *const norms[] = { GEOMETRY_BATCH, GEOMETRY_NONE };
  Verdicts verdicts = begin ();

  for (guint op = 0; op < G_N_ELEMENTS (ops); op++) {
    for (int padding = -1; padding <= 5; padding++) {
      for (guint norm = 0; norm < G_N_ELEMENTS (norms); norm++) {
        if (padding <= (ops[op][0] == 's' ? -1 : ops[op][6] - '0'))
          check_shapes ((GeometryCase){ .op = ops[op], .padding = padding, .norm = norms[norm] },
              &verdicts);
      }
    }
  }
  g_assert_cmpuint (verdicts.n_refused, ==, 0);
  end (&verdicts);
}

/* Even kernels among them; the ops that are named after their kernel refuse another one. */
static void
test_kernel_sizes (void)
{
  static const char *const ops[] = { "conv", "conv_hs", "irf" };
  Verdicts verdicts = begin ();

  for (guint op = 0; op < G_N_ELEMENTS (ops); op++) {
    for (guint kernel = 0; kernel <= 7; kernel++) {
      for (int padding = -1; padding <= (int) kernel; padding++)
        check_shapes ((GeometryCase){ .op = ops[op],
                          .padding = padding,
                          .kernel = kernel,
                          .norm = GEOMETRY_BATCH },
            &verdicts);
    }
  }
  g_assert_cmpuint (verdicts.n_refused, >, 0); /* residuals that would not fit */
  g_assert_cmpuint (verdicts.n_right, >, 500);
  end (&verdicts);
}

static void
compare_layers (const GeometryCase *a, const GeometryCase *b)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) one = geometry_model_new (a, SEED, &error);

  g_assert_no_error (error);
  g_autoptr (FbnetModel) other = geometry_model_new (b, SEED, &error);
  g_assert_no_error (error);
  const Block *block = &layers_stage (one->layers, ROLE_TRUNK, 1)->blocks[0];
  const Block *expected = &layers_stage (other->layers, ROLE_TRUNK, 1)->blocks[0];
  for (guint i = 0; i < N_BLOCK_LAYERS; i++) {
    const ConvLayer *layer = &block->layers[i], *as = &expected->layers[i];
    g_assert_cmpuint (layer->out, ==, as->out);
    g_assert_cmpuint (layer->kernel, ==, as->kernel);
    g_assert_cmpuint (layer->pad, ==, as->pad);
    g_assert_cmpuint (layer->groups, ==, as->groups);
    g_assert_cmpint (layer->act, ==, as->act);
    g_assert_cmpint (layer->bias, ==, as->bias);
  }
}

/* A kernel in the arguments is the kernel in the name; plain convolutions are not padded by themselves. */
static void
test_kernel_names (void)
{
  static const struct {
    const char *op, *named;
    guint kernel;
    int padding, named_padding;
  } pairs[] = { { "irf", "ir_k3", 0, -1, -1 }, { "irf", "ir_k5", 5, -1, -1 },
    { "irf", "ir_k5", 5, 1, 1 }, { "conv", "conv_k1", 0, -1, -1 }, { "conv", "conv_k3", 3, 1, -1 },
    { "conv", "conv_k7", 7, -1, 0 }, { "conv_hs", "conv_k5_hs", 5, 2, -1 } };
  GeometryCase c = { .in = 2, .out = 6, .stride = 2, .norm = GEOMETRY_BATCH };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    GeometryCase named = c;
    c.op = pairs[i].op;
    c.kernel = pairs[i].kernel;
    c.padding = pairs[i].padding;
    named.op = pairs[i].named;
    named.kernel = 0;
    named.padding = pairs[i].named_padding;
    compare_layers (&c, &named);
  }
  c.op = "ir_k3";
  g_assert_null (geometry_model_new (&c, SEED, &error));
  g_assert_nonnull (strstr (error->message, "kernel_size"));
}

/* Expanded to one channel, to as many as there are, to twice as many. */
static const double expansions[] = { 0.1, 1, 2 };

static void
test_inverted_residuals (void)
{
  static const char *const ops[] = { "ir_k3", "ir_k5", "ir_k3_se", "ir_k5_sehsig_hs", "ir_pool" };
  Verdicts verdicts = begin ();

  for (guint op = 0; op < G_N_ELEMENTS (ops); op++) {
    for (int padding = -1; padding <= 3; padding++) {
      for (guint e = 0; e < G_N_ELEMENTS (expansions); e++)
        check_shapes ((GeometryCase){ .op = ops[op],
                          .padding = padding,
                          .expansion = expansions[e],
                          .norm = GEOMETRY_BATCH },
            &verdicts);
    }
  }
  g_assert_cmpuint (verdicts.n_refused, >, 0); /* residuals that would not fit */
  g_assert_cmpuint (verdicts.n_right, >, 500);
  end (&verdicts);
}

/* Among them groups of one channel each, which are not a depthwise layer. */
static void
test_groups (void)
{
  static const char *const ops[] = { "ir_k3", "ir_k5_g2", "ir_k3_se", "ir_pool" };
  static const guint groups[] = { 1, 2, 3, 6 };
  Verdicts verdicts = begin ();

  for (guint op = 0; op < G_N_ELEMENTS (ops); op++) {
    for (guint pw = 0; pw < G_N_ELEMENTS (groups); pw++) {
      for (guint pwl = 0; pwl < G_N_ELEMENTS (groups); pwl++) {
        for (guint e = 1; e < G_N_ELEMENTS (expansions); e++)
          check_shapes ((GeometryCase){ .op = ops[op],
                            .padding = -1,
                            .expansion = expansions[e],
                            .pw_groups = groups[pw],
                            .pwl_groups = groups[pwl],
                            .norm = GEOMETRY_BATCH },
              &verdicts);
      }
    }
  }
  g_assert_cmpuint (verdicts.n_refused, >, 0);
  g_assert_cmpuint (verdicts.n_right, >, 500);
  end (&verdicts);
}

static void
test_norms (void)
{
  static const char *const ops[] = { "conv_k3", "ir_k3", "ir_k5_se", "ir_k3_g2", "ir_pool" };
  static const char *const norms[] = { "{\"name\": \"sync_bn\"}", "{\"name\": \"naiveSyncBN\"}",
    "{\"name\": \"frozen_bn\"}", "{\"name\": \"gn\", \"num_groups\": 1}", GEOMETRY_GROUP,
    GEOMETRY_NONE };
  Verdicts verdicts = begin ();

  for (guint op = 0; op < G_N_ELEMENTS (ops); op++) {
    for (guint norm = 0; norm < G_N_ELEMENTS (norms); norm++) {
      for (guint e = 1; e < G_N_ELEMENTS (expansions); e++) {
        const GeometryCase c = { .op = ops[op],
          .padding = -1,
          .expansion = expansions[e],
          .norm = norms[norm] };
        check_shapes (c, &verdicts);
      }
    }
  }
  end (&verdicts);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/geometry/convolutions", test_convolutions);
  g_test_add_func ("/geometry/kernel-sizes", test_kernel_sizes);
  g_test_add_func ("/geometry/kernel-names", test_kernel_names);
  g_test_add_func ("/geometry/inverted-residuals", test_inverted_residuals);
  g_test_add_func ("/geometry/groups", test_groups);
  g_test_add_func ("/geometry/norms", test_norms);
  return g_test_run ();
}
