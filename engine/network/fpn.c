/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Feature pyramid. Semantics: detectron2 modeling/backbone/fpn.py FPN.forward and LastLevelMaxPool
 * (SPEC section 4).
 */
#include <string.h>

#include "network.h"

gboolean
runner_reserve_fpn (Runner *runner, const Network *network, const Tensor *stages, Tensor *levels,
    Buffer *buffers, GError **error)
{
  const guint n = network->n_fpn;

  for (guint i = 0; i < n; i++) {
    Tensor lateral;
    if (!runner_reserve_conv (runner, &network->fpn_lateral[i],
            &stages[network->fpn_first_stage + i], &lateral, error)
        || !tensor_reserve (&lateral, &runner->activations[i % 2], error)
        || !runner_reserve_conv (runner, &network->fpn_output[i], &lateral, &levels[i], error)
        || !tensor_reserve (&levels[i], &buffers[i], error))
      return FALSE;
  }
  levels[n] = levels[n - 1];
  levels[n].h = (levels[n - 1].h + 1) / 2;
  levels[n].w = (levels[n - 1].w + 1) / 2;
  return tensor_reserve (&levels[n], &buffers[n], error);
}

typedef struct {
  const Tensor *small, *large;
} UpsampleJob;

/* One row of large += nearest-neighbour up-sampling of small. */
static void
add_upsampled_row (gpointer data, guint item, guint thread)
{
  const UpsampleJob *job = data;
  const gsize c = job->large->c;

  for (gsize x = 0; x < job->large->w; x++) {
    float *to = tensor_pixel (job->large, 0, item, x);
    const float *from = tensor_pixel (job->small, 0, item / 2, x / 2);
    for (gsize i = 0; i < c; i++)
      to[i] += from[i];
  }
}

/* max_pool with kernel 1 and stride 2: every second pixel. */
static void
subsample (const Tensor *in, const Tensor *out)
{
  for (gsize y = 0; y < out->h; y++) {
    for (gsize x = 0; x < out->w; x++)
      memcpy (tensor_pixel (out, 0, y, x), tensor_pixel (in, 0, 2 * y, 2 * x),
          out->c * sizeof (float));
  }
}

static void
run_layer (Runner *runner, const PackedConv *conv, const Tensor *in, const Tensor *out)
{
  runner_observe (runner, conv->layer->conv_name, ".input", in);
  runner_run_conv (runner, conv, in, out, NULL);
}

void
runner_run_fpn (Runner *runner, const Network *network, const Tensor *stages, const Tensor *levels)
{
  Tensor above = { NULL };

  for (guint i = network->n_fpn; i-- > 0;) {
    Tensor lateral = levels[i]; /* of the level's shape: the output convolution keeps it */
    lateral.data = runner->activations[i % 2].data;
    run_layer (runner, &network->fpn_lateral[i], &stages[network->fpn_first_stage + i], &lateral);
    if (above.data != NULL) {
      UpsampleJob job = { &above, &lateral };
      workers_run (runner->workers, add_upsampled_row, &job, lateral.h);
    }
    run_layer (runner, &network->fpn_output[i], &lateral, &levels[i]);
    above = lateral;
  }
  subsample (&levels[network->n_fpn - 1], &levels[network->n_fpn]);
}
