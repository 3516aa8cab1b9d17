/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Folded batch norms, unfolded; see unfold.h.
 */
#include "unfold.h"

#include <math.h>
#include <string.h>

#include "detect/detector.h"
#include "model/model.h"
#include "network/cache.h"
#include "support/picture.h"
#include "tensors.h"

/* So little that the stream's statistics stay what is stored, and yet enough that double precision
 * shows what was added to them. */
#define MOMENTUM 1e-6f

typedef struct {
  const double *stats; /* after the pictures */
  double stored_share; /* of what was stored in them */
  TensorList *tensors;
} Unfolding;

static FbnetDetector *
new_follower (FbnetModel *model)
{
  /* Every picture weighs 1, and so does what is stored. */
  const FbnetDetectorOptions options = { .normalization = FBNET_NORMALIZATION_NAIVE_SYNC_BN };
  g_autoptr (GError) error = NULL;
  FbnetParams params;

  FbnetDetector *detector = fbnet_detector_new (model, &options, &error);
  g_assert_no_error (error);
  fbnet_model_get_params (model, &params);
  params.norm_statistics = FBNET_NORM_STATISTICS_STREAM;
  params.norm_momentum = MOMENTUM;
  fbnet_detector_set_params (detector, &params, &error);
  g_assert_no_error (error);
  return detector;
}

static void
look_at (FbnetDetector *detector, const char *path)
{
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (Picture) picture = picture_read (path, &error);

  g_assert_no_error (error);
  const FbnetImage image = picture_image (picture);
  fbnet_detector_run (detector, &image, found, &error);
  g_assert_no_error (error);
}

static float *
field_of (const Unfolding *unfolding, const ConvLayer *layer, const char *field)
{
  g_autofree char *name = g_strconcat (layer->norm_name, ".", field, NULL);
  FbnetTensorView *view = tensor_list_find (unfolding->tensors, name);

  g_assert_nonnull (view);
  g_assert_cmpint (view->dtype, ==, FBNET_DTYPE_F32);
  return (float *) view->data;
}

/* x + β of a folded norm is (x - mean) / deviation × γ + β' with γ = deviation and β' = β + mean. */
static void
unfold_conv (const Unfolding *unfolding, const PackedConv *conv)
{
  if (!conv_has_norm (conv))
    return;
  const gsize channels = conv->layer->out;
  const double *stats = unfolding->stats + conv->norm_at, seen = 1 - unfolding->stored_share;
  float *gamma = field_of (unfolding, conv->layer, "weight");
  float *beta = field_of (unfolding, conv->layer, "bias");
  float *means = field_of (unfolding, conv->layer, "running_mean");
  float *vars = field_of (unfolding, conv->layer, "running_var");

  for (gsize c = 0; c < channels; c++) {
    const double square = stats[1 + channels + c] - unfolding->stored_share * vars[c];
    const double mean = stats[1 + c] / seen;
    const double variance = MAX (0, square / seen - mean * mean);
    g_assert_cmpfloat (gamma[c], ==, 1);
    gamma[c] = (float) sqrt (variance + NORM_EPSILON);
    beta[c] += (float) mean;
    means[c] = (float) mean;
    vars[c] = (float) variance;
  }
}

static void
unfold_stage (const Unfolding *unfolding, const PackedStage *stage)
{
  for (guint b = 0; b < stage->n_blocks; b++) {
    unfold_conv (unfolding, &stage->blocks[b].pw);
    unfold_conv (unfolding, &stage->blocks[b].dw);
    unfold_conv (unfolding, &stage->blocks[b].pwl);
  }
}

static TensorList *
copy_tensors (const FbnetModel *model)
{
  TensorList *tensors = tensor_list_new ();

  for (guint i = 0; i < fbnet_model_get_n_tensors (model); i++) {
    FbnetTensorView view;
    fbnet_model_get_tensor (model, i, &view);
    tensor_list_add_copy (tensors, &view);
  }
  return tensors;
}

FbnetModel *
unfold_norms (const FbnetModel *model, const char *const *pictures)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TensorList) tensors = copy_tensors (model);
  /* A mean of almost nothing: without it a detector would refuse to follow a stream with folded
   * norms. */
  const char *const first = "backbone.body.trunk0.fbnetv2_0_0.bn.running_mean";

  *(float *) tensor_list_find (tensors, first)->data = 1e-30f;
  g_autoptr (FbnetModel) allowed =
      tensor_list_to_model (tensors, fbnet_model_get_description (model), &error);
  g_assert_no_error (error);
  g_autoptr (FbnetDetector) detector = new_follower (allowed);
  guint n = 0;

  for (; pictures[n] != NULL; n++)
    look_at (detector, pictures[n]);
  const Kernels *kernels = kernels_find (fbnet_detector_get_kernels (detector), &error);
  g_assert_no_error (error);
  const PackOptions options = { .kernels = kernels, .follows = TRUE };
  const Network *network = cache_get_network (allowed, &options, NULL);
  const Unfolding unfolding = { detector_get_norm_stats (detector), pow (1 - (double) MOMENTUM, n),
    tensors };
  for (guint i = 0; i < network->layers->n; i++)
    unfold_stage (&unfolding, &network->entries[i].stage);
  FbnetModel *unfolded =
      tensor_list_to_model (tensors, fbnet_model_get_description (model), &error);
  g_assert_no_error (error);
  return unfolded;
}
