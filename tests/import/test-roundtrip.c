/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A checkpoint of each kind goes through fbnet-import, the program, as D2Go's or mobile_cv's trainer
 * leaves it: the model file has the same tensors, bit for bit, and finds the same in a picture as the
 * weights themselves do.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "checkpoint-writer.h"
#include "import/d2go/classifiers.h"
#include "fixture.h"

/* --- Through the program ---------------------------------------------------------------------- */

static void
run_import (const char *checkpoint, const char *config, const char *model)
{
  const char *const argv[] = { g_getenv ("FBNET_IMPORT"), checkpoint, "-o", model, "--config",
    config, NULL };
  g_autofree char *messages = NULL;
  g_autoptr (GError) error = NULL;
  int status = 0;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &messages,
      &status, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (messages, ==, "");
  g_spawn_check_wait_status (status, &error);
  g_assert_no_error (error);
}

/* Takes the checkpoint's path and removes it. `config`: a name, or the path of a config. */
static FbnetModel *
import_checkpoint (char *checkpoint, const char *config)
{
  g_autofree char *path = g_strconcat (checkpoint, ".safetensors", NULL);
  g_autoptr (GError) error = NULL;

  run_import (checkpoint, config, path);
  FbnetModel *model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_unlink (checkpoint);
  g_free (checkpoint);
  return model;
}

/* --- Tensors ---------------------------------------------------------------------------------- */

static gboolean
find_tensor (const FbnetModel *model, const char *name, FbnetTensorView *view)
{
  for (guint i = 0; i < fbnet_model_get_n_tensors (model); i++) {
    fbnet_model_get_tensor (model, i, view);
    if (strcmp (view->name, name) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Every expected tensor, bit for bit, and no other. */
static void
check_tensors (const FbnetModel *model, const TensorList *expected)
{
  g_assert_cmpuint (fbnet_model_get_n_tensors (model), ==, expected->views->len);
  for (guint i = 0; i < expected->views->len; i++) {
    const FbnetTensorView *e = expected->views->pdata[i];
    FbnetTensorView found;
    if (!find_tensor (model, e->name, &found))
      g_error ("expected a tensor %s", e->name);
    g_assert_cmpint (found.dtype, ==, e->dtype);
    g_assert_cmpmem (found.shape, found.n_dims * sizeof (gsize), e->shape,
        e->n_dims * sizeof (gsize));
    g_assert_cmpmem (found.data, found.n_bytes, e->data, e->n_bytes);
  }
}

/* --- Detectors -------------------------------------------------------------------------------- */

static FbnetDetections *
detect (FbnetModel *model, const FbnetImage *image)
{
  const FbnetDetectorOptions options = { .n_threads = 1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);

  g_assert_no_error (error);
  FbnetDetections *found = fbnet_detections_new ();
  fbnet_detector_run (detector, image, found, &error);
  g_assert_no_error (error);
  return found;
}

static void
check_detection (const FbnetDetection *found, const FbnetDetection *expected, guint n_keypoints)
{
  g_assert_cmpuint (found->class_id, ==, expected->class_id);
  g_assert_cmpfloat (found->score, ==, expected->score);
  g_assert_cmpfloat (found->x0, ==, expected->x0);
  g_assert_cmpfloat (found->y0, ==, expected->y0);
  g_assert_cmpfloat (found->x1, ==, expected->x1);
  g_assert_cmpfloat (found->y1, ==, expected->y1);
  g_assert_cmpmem (found->mask.data, (gsize) found->mask.width * found->mask.height,
      expected->mask.data, (gsize) expected->mask.width * expected->mask.height);
  g_assert_cmpmem (found->keypoints, n_keypoints * sizeof (FbnetKeypoint), expected->keypoints,
      n_keypoints * sizeof (FbnetKeypoint));
}

static void
check_outputs (FbnetModel *model, FbnetModel *expected_model, const FbnetImage *image)
{
  g_autoptr (FbnetDetections) found = detect (model, image);
  g_autoptr (FbnetDetections) expected = detect (expected_model, image);
  const guint n_keypoints = fbnet_model_get_n_keypoints (expected_model);

  g_assert_cmpuint (fbnet_model_get_n_keypoints (model), ==, n_keypoints);
  g_assert_cmpuint (expected->n, >, 0);
  g_assert_cmpuint (found->n, ==, expected->n);
  for (guint i = 0; i < found->n; i++)
    check_detection (&found->items[i], &expected->items[i], n_keypoints);
}

/* The resolved config in a file, as D2Go writes it beside a checkpoint. JSON is YAML. */
static char *
write_config (const Fixture *fixture)
{
  g_autofree char *text = cJSON_Print (fixture_config (fixture, "cfg"));
  g_autoptr (GError) error = NULL;
  char *path = NULL;

  g_close (g_file_open_tmp ("fbnet-XXXXXX.yaml", &path, &error), NULL);
  g_assert_no_error (error);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

/* A D2Go checkpoint with its config: C4, mask, keypoint, group norm, pyramid. */
static void
test_detector (gconstpointer name)
{
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  g_autoptr (TensorList) tensors = fixture_tensors (fixture);
  g_autoptr (Picture) picture = fixture_picture (fixture);
  g_autofree char *config = write_config (fixture);
  const CheckpointMember member = { "model", tensors, "" };
  g_autoptr (FbnetModel) model = import_checkpoint (save_checkpoint (&member, 1), config);
  g_unlink (config);
  check_tensors (model, tensors);
  g_autoptr (FbnetModel) expected = fixture_model (fixture);
  const FbnetImage image = picture_image (picture);
  check_outputs (model, expected, &image);
}

/* --- Classifiers ------------------------------------------------------------------------------ */

static FbnetModel *
model_of (const char *name, const TensorList *tensors)
{
  g_autoptr (GError) error = NULL;
  cJSON *description =
      import_describe_classifier (name, CLASSIFIER_DEFAULTS_NOW, IMAGENET_CLASSES, &error);

  g_assert_no_error (error);
  g_autofree char *text = cJSON_PrintUnformatted (description);
  cJSON_Delete (description);
  FbnetModel *model = tensor_list_to_model (tensors, text, &error);
  g_assert_no_error (error);
  return model;
}

static void
classify (FbnetModel *model, const FbnetImage *image, float *probabilities)
{
  const FbnetDetectorOptions options = { .n_threads = 1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetClassifier) classifier = fbnet_classifier_new (model, &options, &error);

  g_assert_no_error (error);
  fbnet_classifier_run (classifier, image, probabilities, &error);
  g_assert_no_error (error);
}

/* A mobile_cv checkpoint: names prefixed by DistributedDataParallel, the averaged weights, which are
 * the fixture's, beside others. */
static void
test_classifier (gconstpointer path)
{
  g_autoptr (Fixture) fixture = fixture_open (path);

  if (fixture == NULL)
    return;
  const char *name = cJSON_GetStringValue (fixture_config (fixture, "name"));
  g_autoptr (TensorList) averaged = fixture_tensors (fixture);
  g_autoptr (TensorList) last = fixture_tensors (fixture);
  ((float *) tensor_list_find (last, "head.conv.bias")->data)[0] += 100;
  const CheckpointMember members[] = { { "state_dict", last, "module." },
    { "model_ema", averaged, "module." } };
  g_autoptr (FbnetModel) model =
      import_checkpoint (save_checkpoint (members, G_N_ELEMENTS (members)), name);
  check_tensors (model, averaged);

  g_autoptr (FbnetModel) expected_model = model_of (name, averaged);
  g_autoptr (Picture) picture = fixture_picture (fixture);
  const FbnetImage image = picture_image (picture);
  float found[IMAGENET_CLASSES], expected[IMAGENET_CLASSES];
  classify (model, &image, found);
  classify (expected_model, &image, expected);
  g_assert_cmpmem (found, sizeof found, expected, sizeof expected);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fixture_add_cases ("/import/roundtrip/detector", FIXTURE_DETECTOR, "", test_detector);
  fixture_add_cases ("/import/roundtrip/classifier", FIXTURE_CLASSIFIER, "", test_classifier);
  return g_test_run ();
}
