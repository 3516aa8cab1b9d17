/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A runner made ready for many images runs any smaller number of them: the last batch of regions of
 * interest may be a single one. A memory checker sees what this test cannot.
 */
#include <string.h>

#include "model/model.h"
#include "network/cache.h"
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

static void
check_kernels (const PackedStage *stage, const Kernels *kernels, const float *images)
{
  Runner runner = { .kernels = kernels };
  const Tensor all = { (float *) images, N_IMAGES, SIDE, SIDE, CHANNELS };
  g_autoptr (GError) error = NULL;
  Tensor out;

  runner_reserve_stage (&runner, stage, &all, &out, &error);
  g_assert_no_error (error);
  const gsize size = out.h * out.w * out.c;
  g_autofree float *together = out.data = g_new (float, N_IMAGES *size);
  runner_run_stage (&runner, stage, &all, &out);

  g_autofree float *alone = g_new (float, size);
  for (gsize i = 0; i < N_IMAGES; i++) {
    const Tensor one = { tensor_pixel (&all, i, 0, 0), 1, SIDE, SIDE, CHANNELS };
    const Tensor one_out = { alone, 1, out.h, out.w, out.c };
    runner_run_stage (&runner, stage, &one, &one_out);
    if (!kernels->floats.split_shows)
      g_assert_cmpmem (alone, size * sizeof *alone, together + i * size, size * sizeof *alone);
  }
  runner_close (&runner);
}

/* Each image alone gives the bits that it gives among others, and takes no more room than was made. */
static void
test_fewer_images (void)
{
  g_autofree char *description = random_model_description (architecture, 1, FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = random_model_new (description, 1, &error);
  g_assert_no_error (error);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  g_autofree float *images = random_images (random);

  for (const Kernels *const *kernels = kernels_list (); *kernels != NULL; kernels++)
    check_kernels (&cache_get_network (model, *kernels)->box, *kernels, images);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/runner/fewer-images", test_fewer_images);
  return g_test_run ();
}
