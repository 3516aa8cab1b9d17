/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How a detector normalises: what may be chosen for which model, and what following a stream means
 * from frame to frame.
 */
#include <math.h>
#include <string.h>

#include <fbnet/fbnet.h>

#include "drawing.h"
#include "kernels/kernels.h"
#include "tensors.h"

static FbnetModel *
load (const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.safetensors", g_getenv ("FBNET_TEST_DATA"), name);
  g_autoptr (GError) error = NULL;

  FbnetModel *model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  return model;
}

/* --- What may be chosen ----------------------------------------------------------------------- */

/* The model's own kind of normalization is accepted, and both kinds of pooling for batch
 * normalization; the rest is refused in a sentence. */
static void
test_choice (void)
{
  static const struct {
    const char *model;
    FbnetNormalization normalization;
    const char *complaint; /* or NULL */
  } cases[] = {
    { "tiny-bn", FBNET_NORMALIZATION_AUTO, NULL },
    { "tiny-bn", FBNET_NORMALIZATION_SYNC_BN, NULL },
    { "tiny-bn", FBNET_NORMALIZATION_NAIVE_SYNC_BN, NULL },
    { "tiny-bn", FBNET_NORMALIZATION_GN,
        "normalization: expected sync-bn or naive-sync-bn, as tiny-bn was trained with batch "
        "normalization, found gn" },
    { "tiny-bn", (FbnetNormalization) 99,
        "normalization: expected auto, gn, sync-bn or naive-sync-bn, found the number 99" },
    { "tiny-gn", FBNET_NORMALIZATION_AUTO, NULL },
    { "tiny-gn", FBNET_NORMALIZATION_GN, NULL },
    { "tiny-gn", FBNET_NORMALIZATION_SYNC_BN,
        "normalization: expected gn, as tiny-gn was trained with group normalization, found "
        "sync-bn" },
    { "tiny-gn", FBNET_NORMALIZATION_NAIVE_SYNC_BN,
        "normalization: expected gn, as tiny-gn was trained with group normalization, found "
        "naive-sync-bn" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const FbnetDetectorOptions options = { .n_threads = 1,
      .normalization = cases[i].normalization };
    g_autoptr (FbnetModel) model = load (cases[i].model);
    g_autoptr (GError) error = NULL;
    g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);
    g_assert_true ((detector == NULL) == (cases[i].complaint != NULL));
    if (cases[i].complaint != NULL) {
      g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
      g_assert_cmpstr (error->message, ==, cases[i].complaint);
    }
  }
}

/* The tensors and description of `name`; every string of the description that is replace[0] is
 * replace[1]. */
static FbnetModel *
rewrite (const char *name, const TensorList *tensors, const char *const replace[2])
{
  g_autoptr (FbnetModel) original = load (name);
  g_auto (GStrv) parts = g_strsplit (fbnet_model_get_description (original), replace[0], -1);
  g_autofree char *description = g_strjoinv (replace[1], parts);
  g_autoptr (GError) error = NULL;

  FbnetModel *model = tensor_list_to_model (tensors, description, &error);
  g_assert_no_error (error);
  return model;
}

static TensorList *
tensors_of (const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.safetensors", g_getenv ("FBNET_TEST_DATA"), name);
  g_autoptr (GError) error = NULL;

  TensorList *tensors = tensor_list_load (path, &error);
  g_assert_no_error (error);
  return tensors;
}

/* The description's word is what a model says of itself; frozen norms and no norms are no choice. */
static void
test_model (void)
{
  static const struct {
    const char *name;
    FbnetNormalization expected;
  } cases[] = { { "\"bn\"", FBNET_NORMALIZATION_SYNC_BN },
    { "\"sync_bn\"", FBNET_NORMALIZATION_SYNC_BN },
    { "\"naiveSyncBN\"", FBNET_NORMALIZATION_NAIVE_SYNC_BN },
    { "\"frozen_bn\"", FBNET_NORMALIZATION_AUTO } };
  g_autoptr (TensorList) tensors = tensors_of ("tiny-bn");
  g_autoptr (FbnetModel) group = load ("tiny-gn");

  g_assert_cmpint (fbnet_model_get_normalization (group), ==, FBNET_NORMALIZATION_GN);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const char *const replace[] = { "\"naiveSyncBN\"", cases[i].name };
    g_autoptr (FbnetModel) model = rewrite ("tiny-bn", tensors, replace);
    g_assert_cmpint (fbnet_model_get_normalization (model), ==, cases[i].expected);
  }
}

static void
fill (const FbnetTensorView *view, float value)
{
  if (view->dtype != FBNET_DTYPE_F32)
    return;
  for (gsize i = 0; i < view->n_bytes / sizeof (float); i++)
    ((float *) view->data)[i] = value;
}

/* A model whose statistics were folded into its weights, as exports have it, has none that could
 * follow anything, and says so. */
static void
test_folded (void)
{
  static const char *const nothing[] = { "\"naiveSyncBN\"", "\"naiveSyncBN\"" };
  g_autoptr (TensorList) tensors = tensors_of ("tiny-bn");
  g_autoptr (GError) error = NULL;
  FbnetParams params;

  for (guint i = 0; i < tensors->views->len; i++) {
    const FbnetTensorView *view = g_ptr_array_index (tensors->views, i);
    if (g_str_has_suffix (view->name, "running_mean"))
      fill (view, 0);
    if (g_str_has_suffix (view->name, "running_var"))
      fill (view, 0.99999f);
  }
  g_autoptr (FbnetModel) model = rewrite ("tiny-bn", tensors, nothing);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, NULL, &error);
  g_assert_no_error (error);
  fbnet_model_get_params (model, &params);
  params.norm_statistics = FBNET_NORM_STATISTICS_STREAM;
  g_assert_false (fbnet_detector_set_params (detector, &params, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_cmpstr (error->message, ==,
      "norm-statistics: expected stored, as tiny-bn was exported with its statistics folded into "
      "its weights, found stream");
  fbnet_detector_get_params (detector, &params);
  g_assert_cmpint (params.norm_statistics, ==, FBNET_NORM_STATISTICS_STORED);
}

/* --- From frame to frame ---------------------------------------------------------------------- */

typedef struct {
  guint width, height, seed;
} Frame;

/* Sizes that change: what a frame weighs does too. */
static const Frame frames[] = { { 121, 88, 7 }, { 60, 200, 3 }, { 121, 88, 8 }, { 300, 240, 5 },
  { 121, 88, 7 } };

static FbnetDetector *
new_detector (FbnetModel *model, const FbnetDetectorOptions *options,
    FbnetNormStatistics statistics, float momentum)
{
  g_autoptr (GError) error = NULL;
  FbnetParams params;

  FbnetDetector *detector = fbnet_detector_new (model, options, &error);
  g_assert_no_error (error);
  fbnet_model_get_params (model, &params);
  g_assert_cmpint (params.norm_statistics, ==, FBNET_NORM_STATISTICS_STORED);
  g_assert_cmpfloat (params.norm_momentum, ==, 0.1f);
  params.norm_statistics = statistics;
  params.norm_momentum = momentum;
  /* All that there is, so that two results have the same number of boxes. */
  params.score_threshold = 0;
  params.iou_threshold = 1;
  fbnet_detector_set_params (detector, &params, &error);
  g_assert_no_error (error);
  return detector;
}

/* What the frame gives, without pointers. */
static GArray *
look (FbnetDetector *detector, const Frame *frame)
{
  g_autoptr (Picture) picture = picture_draw (frame->width, frame->height, frame->seed);
  const FbnetImage image = picture_image (picture);
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  g_autoptr (GError) error = NULL;

  fbnet_detector_run (detector, &image, found, &error);
  g_assert_no_error (error);
  GArray *copies = g_array_new (FALSE, FALSE, sizeof (FbnetDetection));
  for (guint i = 0; i < found->n; i++) {
    FbnetDetection detection = found->items[i];
    detection.mask.data = NULL;
    detection.keypoints = NULL;
    g_array_append_val (copies, detection);
  }
  return copies;
}

#define FOUND(array, i) (&g_array_index (array, FbnetDetection, i))

static gboolean
same_bits (const GArray *a, const GArray *b)
{
  return a->len == b->len && memcmp (a->data, b->data, a->len * sizeof (FbnetDetection)) == 0;
}

static void
check_near (const GArray *a, const GArray *b, float score)
{
  g_assert_cmpuint (a->len, ==, b->len);
  for (guint i = 0; i < a->len; i++) {
    g_assert_cmpuint (FOUND (a, i)->class_id, ==, FOUND (b, i)->class_id);
    g_assert_cmpfloat_with_epsilon (FOUND (a, i)->score, FOUND (b, i)->score, score);
    g_assert_cmpfloat_with_epsilon (FOUND (a, i)->x0, FOUND (b, i)->x0, 0.02);
    g_assert_cmpfloat_with_epsilon (FOUND (a, i)->y1, FOUND (b, i)->y1, 0.02);
  }
}

/* With momentum 0 a stream's statistics stay the stored ones: the same detections within rounding,
 * however long it runs. */
static void
test_momentum_0 (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  g_autoptr (FbnetDetector) stored = new_detector (model, NULL, FBNET_NORM_STATISTICS_STORED, 0.1f);
  g_autoptr (FbnetDetector) stream = new_detector (model, NULL, FBNET_NORM_STATISTICS_STREAM, 0);

  for (guint i = 0; i < G_N_ELEMENTS (frames); i++) {
    g_autoptr (GArray) expected = look (stored, &frames[i]);
    g_autoptr (GArray) found = look (stream, &frames[i]);
    g_assert_cmpuint (found->len, >, 0);
    check_near (found, expected, 1e-4f);
  }
}

/* With momentum 1 only the frame itself counts: the first and the last frame, which are the same,
 * give the same to the bit, and something else than with stored statistics. */
static void
test_momentum_1 (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  g_autoptr (FbnetDetector) stored = new_detector (model, NULL, FBNET_NORM_STATISTICS_STORED, 0.1f);
  g_autoptr (FbnetDetector) stream = new_detector (model, NULL, FBNET_NORM_STATISTICS_STREAM, 1);
  g_autoptr (GArray) expected = look (stored, &frames[0]);
  g_autoptr (GArray) first = look (stream, &frames[0]);

  for (guint i = 1; i + 1 < G_N_ELEMENTS (frames); i++) {
    g_autoptr (GArray) other = look (stream, &frames[i]);
    g_assert_false (same_bits (first, other));
  }
  g_autoptr (GArray) last = look (stream, &frames[G_N_ELEMENTS (frames) - 1]);
  g_assert_true (same_bits (first, last));
  g_assert_false (same_bits (first, expected));
}

static void
set_statistics (FbnetDetector *detector, FbnetNormStatistics statistics)
{
  FbnetParams params;
  g_autoptr (GError) error = NULL;

  fbnet_detector_get_params (detector, &params);
  params.norm_statistics = statistics;
  fbnet_detector_set_params (detector, &params, &error);
  g_assert_no_error (error);
}

/* A reset, or a while with stored statistics, forgets the stream: the first frame gives what it
 * gave at first, to the bit. Without either it does not. Stored statistics give their own bits
 * again. */
static void
test_forgetting (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  g_autoptr (FbnetDetector) detector =
      new_detector (model, NULL, FBNET_NORM_STATISTICS_STORED, 0.3f);
  g_autoptr (GArray) stored = look (detector, &frames[0]);

  fbnet_detector_reset_norm_statistics (detector); /* nothing to forget */
  set_statistics (detector, FBNET_NORM_STATISTICS_STREAM);
  g_autoptr (GArray) first = look (detector, &frames[0]);
  g_autoptr (GArray) other = look (detector, &frames[1]);
  g_autoptr (GArray) later = look (detector, &frames[0]);
  g_assert_cmpuint (other->len, >, 0);
  g_assert_false (same_bits (later, first));

  fbnet_detector_reset_norm_statistics (detector);
  g_autoptr (GArray) after_reset = look (detector, &frames[0]);
  g_assert_true (same_bits (after_reset, first));

  set_statistics (detector, FBNET_NORM_STATISTICS_STORED);
  g_autoptr (GArray) stored_again = look (detector, &frames[0]);
  g_assert_true (same_bits (stored_again, stored));
  set_statistics (detector, FBNET_NORM_STATISTICS_STREAM);
  g_autoptr (GArray) after_stored = look (detector, &frames[0]);
  g_assert_true (same_bits (after_stored, first));
}

/* The two ways of pooling give different detections once frames of different sizes have been seen.
 * What the model was trained with, naiveSyncBN, is what is taken unasked. */
static void
test_pooling (void)
{
  const FbnetDetectorOptions sync = { .normalization = FBNET_NORMALIZATION_SYNC_BN };
  const FbnetDetectorOptions naive = { .normalization = FBNET_NORMALIZATION_NAIVE_SYNC_BN };
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  g_autoptr (FbnetDetector) a = new_detector (model, &sync, FBNET_NORM_STATISTICS_STREAM, 0.3f);
  g_autoptr (FbnetDetector) b = new_detector (model, &naive, FBNET_NORM_STATISTICS_STREAM, 0.3f);
  g_autoptr (FbnetDetector) c = new_detector (model, NULL, FBNET_NORM_STATISTICS_STREAM, 0.3f);

  for (guint i = 0; i < G_N_ELEMENTS (frames); i++) {
    g_autoptr (GArray) pixels = look (a, &frames[i]);
    g_autoptr (GArray) equally = look (b, &frames[i]);
    g_autoptr (GArray) unasked = look (c, &frames[i]);
    if (i == 0) /* nothing of another size yet */
      check_near (pixels, equally, 1e-4f);
    else
      g_assert_cmpfloat (fabsf (FOUND (pixels, 0)->score - FOUND (equally, 0)->score), >, 1e-4f);
    g_assert_true (same_bits (unasked, equally));
  }
}

/* Any number of threads gives the same bits on every frame of a stream, with every kernel row. */
static void
test_threads (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-bn");

  for (const Kernels *const *row = kernels_list (); *row != NULL; row++) {
    FbnetDetector *detectors[4];
    for (guint t = 0; t < G_N_ELEMENTS (detectors); t++) {
      const FbnetDetectorOptions options = { .n_threads = t + 1, .kernels = (*row)->name };
      detectors[t] = new_detector (model, &options, FBNET_NORM_STATISTICS_STREAM, 0.2f);
    }
    for (guint i = 0; i < G_N_ELEMENTS (frames); i++) {
      g_autoptr (GArray) alone = look (detectors[0], &frames[i]);
      g_assert_cmpuint (alone->len, >, 0);
      for (guint t = 1; t < G_N_ELEMENTS (detectors); t++) {
        g_autoptr (GArray) together = look (detectors[t], &frames[i]);
        g_assert_true (same_bits (together, alone));
      }
    }
    for (guint t = 0; t < G_N_ELEMENTS (detectors); t++)
      fbnet_detector_free (detectors[t]);
  }
}

/* Group norm is of the frame itself either way, frozen norm of none: a stream changes no bit. */
static void
test_other_norms (void)
{
  static const char *const frozen[] = { "\"naiveSyncBN\"", "\"frozen_bn\"" };
  g_autoptr (TensorList) tensors = tensors_of ("tiny-bn");
  g_autoptr (FbnetModel) group = load ("tiny-gn");
  g_autoptr (FbnetModel) fixed = rewrite ("tiny-bn", tensors, frozen);
  FbnetModel *const models[] = { group, fixed };

  for (guint m = 0; m < G_N_ELEMENTS (models); m++) {
    g_autoptr (FbnetDetector) stored =
        new_detector (models[m], NULL, FBNET_NORM_STATISTICS_STORED, 0.1f);
    g_autoptr (FbnetDetector) stream =
        new_detector (models[m], NULL, FBNET_NORM_STATISTICS_STREAM, 0.5f);
    for (guint i = 0; i < G_N_ELEMENTS (frames); i++) {
      g_autoptr (GArray) expected = look (stored, &frames[i]);
      g_autoptr (GArray) found = look (stream, &frames[i]);
      g_assert_cmpuint (found->len, >, 0);
      g_assert_true (same_bits (found, expected));
    }
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/normalization/choice", test_choice);
  g_test_add_func ("/normalization/model", test_model);
  g_test_add_func ("/normalization/folded", test_folded);
  g_test_add_func ("/normalization/momentum-0", test_momentum_0);
  g_test_add_func ("/normalization/momentum-1", test_momentum_1);
  g_test_add_func ("/normalization/forgetting", test_forgetting);
  g_test_add_func ("/normalization/pooling", test_pooling);
  g_test_add_func ("/normalization/threads", test_threads);
  g_test_add_func ("/normalization/other-norms", test_other_norms);
  return g_test_run ();
}
