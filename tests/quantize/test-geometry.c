/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The geometries of a block list in int8: quantised, every kernel row and number of threads gives the same
 * bits, and what comes out is what plain arithmetic makes of the same weights, but for the rounding to bytes.
 */
#include <math.h>
#include <string.h>

#include "detect/classifier.h"
#include "drawing.h"
#include "geometry.h"
#include "int8model.h"

#define SEED 7

/* Root mean square of the deviation, over that of the output. Rounding to bytes makes a hundredth or two, and a few
 * values of hswish below zero, next to which the steps of its input are large, up to 0.16; what is wrong is wrong by
 * about 1. */
#define LIMIT 0.3

typedef struct {
  Workers *alone, *several;
  Picture *picture;
  guint n_right, n_refused;
} Session;

/* The numbers that the network sees of the picture, which its ranges are learnt from. */
static Tensor
input_of (FbnetModel *model, const Picture *picture)
{
  const FbnetDetectorOptions options = { .n_threads = 1 };
  const FbnetImage image = picture_image (picture);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetClassifier) classifier = fbnet_classifier_new (model, &options, &error);
  float probabilities[2];

  g_assert_no_error (error);
  g_assert_true (fbnet_classifier_run (classifier, &image, probabilities, &error));
  Tensor input = classifier_get_pass (classifier)->input;
  input.data = g_memdup2 (input.data, input.n * input.h * input.w * input.c * sizeof (float));
  return input;
}

static gsize
count (const Tensor *t)
{
  return t->n * t->h * t->w * t->c;
}

static void
compare (const Tensor *found, const Reference *expected, const char *what)
{
  double squares = 0, deviations = 0;

  g_assert_true (found->h == expected->h && found->w == expected->w && found->c == expected->c);
  for (gsize i = 0; i < count (found); i++) {
    squares += expected->data[i] * expected->data[i];
    deviations += pow (found->data[i] - expected->data[i], 2);
  }
  if (sqrt (deviations) <= LIMIT * sqrt (squares))
    return;
  g_test_message ("%s: expected a deviation below %g, found %g", what, LIMIT,
      sqrt (deviations / squares));
  g_test_fail ();
}

/* Squeeze and excite is done in floats, whose last bit may differ from row to row. */
static gboolean
is_all_bytes (const FbnetModel *model)
{
  const Block *block = &layers_stage (model->layers, ROLE_TRUNK, 1)->blocks[0];

  return block->quantized && block->se_squeeze.out == 0;
}

/* Every row, by one thread and by several: the same bits. */
static void
run_rows (FbnetModel *model, const Tensor *in, const Reference *expected, const Session *session,
    const char *what)
{
  Tensor first = { NULL };

  for (const Kernels *const *row = kernels_list (); *row != NULL; row++) {
    const PackOptions options = { .kernels = *row, .int8 = TRUE };
    const Tensor one = geometry_run (model, &options, session->alone, in);
    const Tensor many = geometry_run (model, &options, session->several, in);
    const gsize size = count (&one) * sizeof (float);
    compare (&one, expected, what);
    g_assert_cmpmem (one.data, size, many.data, size);
    if (first.data != NULL && is_all_bytes (model))
      g_assert_cmpmem (first.data, size, one.data, size);
    g_free (many.data);
    g_free (first.data);
    first = one;
  }
  g_free (first.data);
}

static void
check_case (const GeometryCase *c, Session *session)
{
  g_autoptr (FbnetModel) model = geometry_model_new (c, SEED, NULL);
  g_autofree char *what = geometry_describe (c);

  if (model == NULL) {
    session->n_refused++;
    return;
  }
  session->n_right++;
  const FbnetImage image = picture_image (session->picture);
  g_autoptr (FbnetModel) int8 = int8_model_new (model, &image);
  g_assert_nonnull (int8);
  const Tensor in = input_of (model, session->picture);
  const Reference expected = geometry_run_plainly (int8, &in);
  run_rows (int8, &in, &expected, session, what);
  g_free (in.data);
  g_free (expected.data);
}

static void
check_shapes (GeometryCase c, Session *session)
{
  static const guint channels[] = { 1, 2, 6, 19 };
  static const int strides[] = { 1, 2, -2 };

  c.norm = GEOMETRY_BATCH;
  for (guint i = 0; i < G_N_ELEMENTS (channels); i++) {
    for (guint o = 0; o < G_N_ELEMENTS (channels); o++) {
      for (guint s = 0; s < G_N_ELEMENTS (strides); s++) {
        c.in = channels[i];
        c.out = channels[o];
        c.stride = strides[s];
        check_case (&c, session);
      }
    }
  }
}

static Session
begin (void)
{
  return (Session){ workers_new (1, NULL), workers_new (3, NULL), picture_draw (8, 8, SEED) };
}

static void
end (Session *session)
{
  g_test_message ("%u right, %u refused", session->n_right, session->n_refused);
  g_assert_cmpuint (session->n_right, >, 100);
  workers_free (session->alone);
  workers_free (session->several);
  picture_free (session->picture);
}

static void
test_convolutions (void)
{
  static const char *const ops[] = { "conv_k1", "conv_k3", "conv_k5_hs" };
  Session session = begin ();

  for (guint op = 0; op < G_N_ELEMENTS (ops); op++) {
    for (int padding = -1; padding <= (op == 0 ? 1 : 3); padding++)
      check_shapes ((GeometryCase){ .op = ops[op], .padding = padding }, &session);
  }
  end (&session);
}

/* Expanded to one channel, to as many as there are, to twice as many. */
static const double expansions[] = { 0.05, 1, 2 };

static void
test_inverted_residuals (void)
{
  static const char *const ops[] = { "ir_k3", "ir_k5", "ir_k3_se", "ir_k5_sehsig_hs" };
  Session session = begin ();

  for (guint op = 0; op < G_N_ELEMENTS (ops); op++) {
    for (guint e = 0; e < G_N_ELEMENTS (expansions); e++)
      check_shapes ((GeometryCase){ .op = ops[op], .padding = -1, .expansion = expansions[e] },
          &session);
  }
  end (&session);
}

/* Among them groups of one channel each, which are not a depthwise layer. Without the shuffle that usually
 * follows the expansion's groups, with which a block stays in floats. */
static void
test_groups (void)
{
  static const guint groups[] = { 1, 2, 6, 19 };
  Session session = begin ();

  for (guint e = 1; e < G_N_ELEMENTS (expansions); e++) {
    for (guint pw = 0; pw < G_N_ELEMENTS (groups); pw++) {
      for (guint pwl = 0; pwl < G_N_ELEMENTS (groups); pwl++)
        check_shapes ((GeometryCase){ .op = "ir_k3",
                          .padding = -1,
                          .expansion = expansions[e],
                          .pw_groups = groups[pw],
                          .pwl_groups = groups[pwl],
                          .skip_shuffle = TRUE },
            &session);
    }
  }
  end (&session);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quantize-geometry/convolutions", test_convolutions);
  g_test_add_func ("/quantize-geometry/inverted-residuals", test_inverted_residuals);
  g_test_add_func ("/quantize-geometry/groups", test_groups);
  return g_test_run ();
}
