/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A plan for many images runs any smaller number of them: the last batch of regions of interest may be a
 * single one. A memory checker sees what this test cannot.
 */
#include <string.h>

#include "model/model.h"
#include "network/cache.h"
#include "network/piece.h"
#include "randommodel.h"

#define N_IMAGES 5
#define SIDE     14
#define CHANNELS 32

/* A box head whose block is fused by whole images at SIDE, where one fills most of the room that
 * a fused block may take. */
static const char architecture[] =
    "{\"name\": \"wide-head\", \"basic_args\": {\"dw_skip_bnrelu\": true}, \"width_divisor\": 8,"
    "\"norm\": {\"name\": \"bn\"},"
    "\"trunk\": [[[\"conv_k3\", 8, 2, 1], [\"conv_k3\", 32, 2, 1]]],"
    "\"rpn\": [[[\"conv_k1\", 32, 1, 1]]],"
    "\"bbox\": [[[\"ir_k3\", 32, 1, 1, {\"expansion\": 4}]]]}";

static float *
random_images (GRand *random)
{
  float *images = g_new (float, N_IMAGES *SIDE *SIDE *CHANNELS);

  for (gsize i = 0; i < N_IMAGES * SIDE * SIDE * CHANNELS; i++)
    images[i] = (float) g_rand_double_range (random, -1, 1);
  return images;
}

typedef struct {
  const PackedStage *stage;
  Tensor in, out;
  Plan plan;
} Planned;

static void
lay_out (Planner *planner, gpointer data)
{
  Planned *planned = data;

  planner_use (planner, &planned->plan);
  planned->plan.in_port = planned->in.data;
  planned->plan.out_port = planned->out.data;
  plan_stage (planner, planned->stage, &planned->in, &planned->out);
}

static void
check_kernels (FbnetModel *model, const Kernels *kernels, guint n_threads, const float *images)
{
  const PackOptions options = { .kernels = kernels };
  Workspace workspace = { .network = cache_get_network (model, &options, NULL),
    .workers = workers_new (n_threads, NULL) };
  Planned planned = { .stage = network_stage (workspace.network, ROLE_BOX, 0),
    .in = { (float *) images, N_IMAGES, SIDE, SIDE, CHANNELS } };
  g_autoptr (GError) error = NULL;

  planned.out = stage_output (planned.stage, &planned.in);
  const gsize size = planned.out.h * planned.out.w * planned.out.c;
  g_autofree float *together = planned.out.data = g_new (float, N_IMAGES *size);
  g_autofree float *fewer = g_new (float, N_IMAGES *size);
  planner_lay_out (&workspace, lay_out, &planned, &error);
  g_assert_no_error (error);
  g_assert_true (plan_run (&planned.plan, &workspace, N_IMAGES, images, together));
  for (gsize n = 1; n < N_IMAGES; n++) {
    for (gsize first = 0; first + n <= N_IMAGES; first++) {
      g_assert_true (
          plan_run (&planned.plan, &workspace, n, images + first * SIDE * SIDE * CHANNELS, fewer));
      if (!kernels->floats.split_shows)
        g_assert_cmpmem (fewer, n * size * sizeof *fewer, together + first * size,
            n * size * sizeof *fewer);
    }
  }
  plan_clear (&planned.plan);
  workspace_close (&workspace);
}

/* A plan for many images runs any number of them: each gives the bits that it gives among the others, with
 * one, two and three threads. */
static void
test_fewer_images (void)
{
  g_autofree char *description = random_model_description (architecture, 1, FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = random_model_new (description, 1, &error);

  g_assert_no_error (error);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  g_autofree float *images = random_images (random);

  for (const Kernels *const *kernels = kernels_list (); *kernels != NULL; kernels++) {
    for (guint threads = 1; threads <= 3; threads++)
      check_kernels (model, *kernels, threads, images);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plan/fewer-images", test_fewer_images);
  return g_test_run ();
}
