/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The classifiers of the fbnet_v2 family against mobile_cv's own numbers: the crop, every block, the
 * logits.
 */
#include <math.h>
#include <string.h>

#include "detect/classifier.h"
#include "import/d2go/classifiers.h"
#include "fixture.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "network/cache.h"
#include "network/piece.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (cJSON, cJSON_Delete)

/* --- The model -------------------------------------------------------------------------------- */

/* Of the registry's description, which is what a user gets who imports by name. */
static FbnetModel *
load_model (const Fixture *fixture)
{
  const char *name = fixture_config (fixture, "name")->valuestring;
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) description =
      import_describe_classifier (name, CLASSIFIER_DEFAULTS_NOW, IMAGENET_CLASSES, &error);

  g_assert_no_error (error);
  /* The fixtures were resized by mobile_cv's rule even where its zoo has a number. */
  cJSON_SetNumberValue (cJSON_GetObjectItem (cJSON_GetObjectItem (description, "input"), "resize"),
      fixture_config (fixture, "resize")->valuedouble);
  g_autofree char *text = cJSON_PrintUnformatted (description);
  g_autoptr (TensorList) tensors = fixture_tensors (fixture);
  FbnetModel *model = tensor_list_to_model (tensors, text, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (fbnet_model_get_n_parameters (model), ==,
      (guint64) fixture_config (fixture, "n_params")->valuedouble);
  return model;
}

/* --- Blocks ----------------------------------------------------------------------------------- */

/* The recorded numbers of a block are in the order of channels, rows, columns. */
static double
element (const Tensor *t, gsize i)
{
  const gsize c = i / (t->h * t->w), p = i % (t->h * t->w);

  return t->data[p * t->c + c];
}

static void
check_probe (const Tensor *t, const cJSON *probe, const char *kernels)
{
  const gsize n = t->h * t->w * t->c;
  const double std = cJSON_GetObjectItem (probe, "std")->valuedouble;
  const cJSON *first = cJSON_GetObjectItem (probe, "first8");
  const cJSON *last = cJSON_GetObjectItem (probe, "last4");
  double sum = 0, worst = 0;

  for (gsize i = 0; i < n; i++)
    sum += t->data[i];
  worst = fabs (sum / n - cJSON_GetObjectItem (probe, "mean")->valuedouble);
  for (gsize i = 0; i < MIN (n, 8); i++)
    worst = fmax (worst, fabs (element (t, i) - cJSON_GetArrayItem (first, i)->valuedouble));
  for (gsize i = 0; i < MIN (n, 4); i++)
    worst = fmax (worst, fabs (element (t, n - 4 + i) - cJSON_GetArrayItem (last, i)->valuedouble));
  if (worst / std >= 1e-3)
    g_error ("%s, %s: expected within 0.001 of the spread %g, found %g", kernels,
        cJSON_GetObjectItem (probe, "block")->valuestring, std, worst);
}

/* Runs block by block, as the classifier itself does not keep what is between. */
static void
check_blocks (FbnetModel *model, const Kernels *kernels, const Tensor *input, const cJSON *probes)
{
  const PackOptions options = { .kernels = kernels };
  Workspace workspace = { .network = cache_get_network (model, &options, NULL) };
  Tensor in = *input;
  guint n = 0;

  in.data = g_memdup2 (input->data, input->h * input->w * input->c * sizeof (float));
  for (guint s = 0; s < layers_count (model->layers, ROLE_TRUNK); s++) {
    const PackedStage *stage = network_stage (workspace.network, ROLE_TRUNK, s);
    for (guint b = 0; b < stage->n_blocks; b++) {
      const PackedStage one = { 1, &stage->blocks[b] };
      Tensor out;
      g_assert_true (piece_run_stage (&workspace, &one, &in, TRUE, &out, NULL));
      g_assert_cmpint (n, <, cJSON_GetArraySize (probes));
      check_probe (&out, cJSON_GetArrayItem (probes, n++), kernels->name);
      g_free (in.data);
      in = out;
    }
  }
  g_assert_cmpint (n, ==, cJSON_GetArraySize (probes));
  g_free (in.data);
  workspace_close (&workspace);
}

/* --- The whole -------------------------------------------------------------------------------- */

static guint
winner (const float *probabilities, guint n)
{
  guint best = 0;

  for (guint i = 1; i < n; i++)
    best = probabilities[i] > probabilities[best] ? i : best;
  return best;
}

static void
check_kernels (const Fixture *fixture, FbnetModel *model, const Kernels *kernels)
{
  g_autoptr (Picture) picture = fixture_picture (fixture);
  g_autoptr (Npy) crop = fixture_array (fixture, "crop");
  g_autoptr (Npy) logits = fixture_array (fixture, "logits");
  const FbnetImage image = picture_image (picture);
  const cJSON *probes = fixture_config (fixture, "probes");
  const cJSON *top = cJSON_GetArrayItem (fixture_config (fixture, "top5"), 0);
  float probabilities[3][IMAGENET_CLASSES];
  double worst = 0;

  for (guint n_threads = 1; n_threads <= 3; n_threads++) {
    const FbnetDetectorOptions options = { n_threads, kernels->name };
    g_autoptr (GError) error = NULL;
    g_autoptr (FbnetClassifier) classifier = fbnet_classifier_new (model, &options, &error);
    g_assert_no_error (error);
    fbnet_classifier_run (classifier, &image, probabilities[n_threads - 1], &error);
    g_assert_no_error (error);
    const ClassifierPass *taps = classifier_get_pass (classifier);
    if (n_threads > 1)
      continue;
    if (crop != NULL)
      g_assert_cmpmem (taps->crop, 3 * taps->side * taps->side, crop->data, crop->n_bytes);
    for (guint i = 0; logits != NULL && i < IMAGENET_CLASSES; i++)
      worst = fmax (worst, fabs (taps->logits.data[i] - npy_floats (logits)[i]));
    if (probes != NULL)
      check_blocks (model, kernels, &taps->input, probes);
  }
  g_test_message ("%s: logits deviate by at most %.2g", kernels->name, worst);
  g_assert_cmpfloat (worst, <, 2e-3);
  g_assert_cmpmem (probabilities[0], sizeof probabilities[0], probabilities[1],
      sizeof probabilities[1]);
  g_assert_cmpmem (probabilities[0], sizeof probabilities[0], probabilities[2],
      sizeof probabilities[2]);
  if (top == NULL)
    return;
  const guint best = winner (probabilities[0], IMAGENET_CLASSES);
  g_assert_cmpuint (best, ==, (guint) cJSON_GetObjectItem (top, "cls")->valuedouble);
  g_assert_cmpfloat_with_epsilon (probabilities[0][best],
      cJSON_GetObjectItem (top, "prob")->valuedouble, 1e-3);
}

static void
test_classifier (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  g_autoptr (FbnetModel) model = load_model (fixture);

  for (const Kernels *const *kernels = kernels_list (); *kernels != NULL; kernels++)
    check_kernels (fixture, model, *kernels);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fixture_add_cases ("/classifier", FIXTURE_CLASSIFIER, "", test_classifier);
  return g_test_run ();
}
