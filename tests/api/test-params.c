/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * FbnetParams: what may be set, what is refused, and that what is set holds from the next frame on.
 */
#include <math.h>
#include <string.h>

#include <fbnet/fbnet.h>

#include "drawing.h"

static FbnetModel *
load (const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.safetensors", g_getenv ("FBNET_TEST_DATA"), name);
  g_autoptr (GError) error = NULL;

  FbnetModel *model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  return model;
}

static FbnetDetector *
new_detector (FbnetModel *model)
{
  const FbnetDetectorOptions options = { .n_threads = 1 };
  g_autoptr (GError) error = NULL;

  FbnetDetector *detector = fbnet_detector_new (model, &options, &error);
  g_assert_no_error (error);
  return detector;
}

static void
assert_accepted (FbnetDetector *detector, const FbnetParams *params)
{
  g_autoptr (GError) error = NULL;
  FbnetParams now;

  fbnet_detector_set_params (detector, params, &error);
  g_assert_no_error (error);
  fbnet_detector_get_params (detector, &now);
  now.class_thresholds = params->class_thresholds;
  g_assert_cmpmem (&now, sizeof now, params, sizeof *params);
}

/* Refused, by the parameter's name, and nothing has changed. */
static void
assert_refused (FbnetDetector *detector, const FbnetParams *params, const char *name)
{
  g_autoptr (GError) error = NULL;
  FbnetParams before, after;

  fbnet_detector_get_params (detector, &before);
  g_assert_false (fbnet_detector_set_params (detector, params, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, name));
  fbnet_detector_get_params (detector, &after);
  g_assert_cmpmem (&before, sizeof before, &after, sizeof after);
}

typedef struct {
  const char *name;
  gsize offset;
} Field;

/* The ratios take 0 and 1 and what lies between; not less, not more, not NaN. */
static void
test_ratios (void)
{
  static const Field fields[] = {
    { "score_threshold", G_STRUCT_OFFSET (FbnetParams, score_threshold) },
    { "iou_threshold", G_STRUCT_OFFSET (FbnetParams, iou_threshold) },
    { "rpn_iou_threshold", G_STRUCT_OFFSET (FbnetParams, rpn_iou_threshold) },
    { "mask_threshold", G_STRUCT_OFFSET (FbnetParams, mask_threshold) },
    { "norm_momentum", G_STRUCT_OFFSET (FbnetParams, norm_momentum) },
  };
  static const float good[] = { 0, 0.5f, 1 };
  static const float bad[] = { -1e-6f, 1.000001f, INFINITY, -INFINITY, NAN };
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  g_autoptr (FbnetDetector) detector = new_detector (model);

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    FbnetParams params;
    fbnet_model_get_params (model, &params);
    float *value = &G_STRUCT_MEMBER (float, &params, fields[i].offset);
    for (guint j = 0; j < G_N_ELEMENTS (good); j++) {
      *value = good[j];
      assert_accepted (detector, &params);
    }
    for (guint j = 0; j < G_N_ELEMENTS (bad); j++) {
      *value = bad[j];
      assert_refused (detector, &params, fields[i].name);
    }
  }
}

/* Counts, sizes and resolutions at their bounds, and one beyond. */
static void
test_counts (void)
{
  static const struct {
    Field field;
    guint max;
  } fields[] = {
    { { "pre_nms_count", G_STRUCT_OFFSET (FbnetParams, pre_nms_count) }, 100000 },
    { { "post_nms_count", G_STRUCT_OFFSET (FbnetParams, post_nms_count) }, 100000 },
    { { "max_detections", G_STRUCT_OFFSET (FbnetParams, max_detections) }, 100000 },
    { { "min_size", G_STRUCT_OFFSET (FbnetParams, min_size) }, 8192 },
    { { "max_size", G_STRUCT_OFFSET (FbnetParams, max_size) }, 8192 },
    { { "box_pooler_resolution", G_STRUCT_OFFSET (FbnetParams, box_pooler_resolution) }, 56 },
    { { "mask_pooler_resolution", G_STRUCT_OFFSET (FbnetParams, mask_pooler_resolution) }, 56 },
  };
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  g_autoptr (FbnetDetector) detector = new_detector (model);

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    FbnetParams params;
    fbnet_model_get_params (model, &params);
    guint *value = &G_STRUCT_MEMBER (guint, &params, fields[i].field.offset);
    *value = 1;
    assert_accepted (detector, &params);
    *value = 0;
    assert_refused (detector, &params, fields[i].field.name);
    *value = fields[i].max;
    assert_accepted (detector, &params);
    *value = fields[i].max + 1;
    assert_refused (detector, &params, fields[i].field.name);
    *value = G_MAXUINT;
    assert_refused (detector, &params, fields[i].field.name);
  }
}

/* The bounds of matching are the model's, may be anything from 0 to 1, and do not cross. */
static void
test_iou_bounds (void)
{
  static const float good[][2] = { { 0, 0 }, { 0, 1 }, { 0.5f, 0.5f }, { 1, 1 } };
  static const float bad[][2] = { { -0.1f, 0.5f }, { NAN, 0.5f }, { 0.6f, 0.5f },
    { 0.5f, 0.499f } };
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  g_autoptr (FbnetDetector) detector = new_detector (model);
  FbnetParams params;

  fbnet_model_get_params (model, &params);
  g_assert_cmpfloat (params.iou_lower, ==, 0.3f);
  g_assert_cmpfloat (params.iou_upper, ==, 0.7f);
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    params.iou_lower = good[i][0];
    params.iou_upper = good[i][1];
    assert_accepted (detector, &params);
  }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    params.iou_lower = bad[i][0];
    params.iou_upper = bad[i][1];
    assert_refused (detector, &params, "iou_lower");
  }
  params.iou_lower = 0.5f;
  params.iou_upper = 1.5f;
  assert_refused (detector, &params, "iou_upper");
}

/* Masks and keypoints cannot be asked of a model without such a head. */
static void
test_heads (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-gn");
  g_autoptr (FbnetDetector) detector = new_detector (model);
  FbnetParams params;

  fbnet_model_get_params (model, &params);
  g_assert_false (params.masks);
  g_assert_false (params.keypoints);
  params.masks = TRUE;
  assert_refused (detector, &params, "masks");
  params.masks = FALSE;
  params.keypoints = TRUE;
  assert_refused (detector, &params, "keypoints");
}

static guint
count_detections (FbnetDetector *detector, FbnetDetections *detections, guint class_id)
{
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);
  const FbnetImage image = picture_image (picture);
  g_autoptr (GError) error = NULL;
  guint n = 0;

  fbnet_detector_run (detector, &image, detections, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < detections->n; i++)
    n += detections->items[i].class_id == class_id;
  return n;
}

/* Thresholds by class are copied, refused when negative or NaN, and 1 switches a class off. */
static void
test_class_thresholds (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  g_autoptr (FbnetDetector) detector = new_detector (model);
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  const guint n_classes = fbnet_model_get_n_classes (model);
  float thresholds[] = { 0.3f, 0.3f, 0.3f };
  FbnetParams params;

  g_assert_cmpuint (n_classes, ==, G_N_ELEMENTS (thresholds));
  fbnet_model_get_params (model, &params);
  count_detections (detector, detections, 0);
  g_assert_cmpuint (detections->n, >, 0);
  const guint best = detections->items[0].class_id;
  const guint n_all = detections->n, n_best = count_detections (detector, detections, best);

  params.class_thresholds = thresholds;
  thresholds[best] = 1;
  assert_accepted (detector, &params);
  thresholds[best] = 0.3f; /* the detector has its own copy */
  g_assert_cmpuint (count_detections (detector, detections, best), ==, 0);
  params.class_thresholds = NULL;
  assert_accepted (detector, &params);
  g_assert_cmpuint (count_detections (detector, detections, best), ==, n_best);
  g_assert_cmpuint (detections->n, ==, n_all);

  params.class_thresholds = thresholds;
  thresholds[1] = -0.1f;
  assert_refused (detector, &params, "class_thresholds[1]");
  thresholds[1] = NAN;
  assert_refused (detector, &params, "class_thresholds[1]");
}

/* Limits on scores, numbers and sizes, and masks switched off, show in the next frame. */
static void
test_effects (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  g_autoptr (FbnetDetector) detector = new_detector (model);
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  FbnetParams original;

  fbnet_model_get_params (model, &original);
  count_detections (detector, detections, 0);
  const guint n = detections->n;
  g_assert_cmpuint (n, >, 2);
  g_assert_nonnull (detections->items[0].mask.data);
  const float second = detections->items[1].score;

  FbnetParams params = original;
  params.max_detections = 2;
  assert_accepted (detector, &params);
  count_detections (detector, detections, 0);
  g_assert_cmpuint (detections->n, ==, 2);

  params = original;
  params.score_threshold = second; /* must be greater */
  assert_accepted (detector, &params);
  count_detections (detector, detections, 0);
  g_assert_cmpuint (detections->n, ==, 1);

  params = original;
  params.masks = FALSE;
  assert_accepted (detector, &params);
  count_detections (detector, detections, 0);
  g_assert_cmpuint (detections->n, ==, n);
  g_assert_null (detections->items[0].mask.data);

  params = original;
  params.min_object_width = 30;
  params.max_object_height = 80;
  assert_accepted (detector, &params);
  count_detections (detector, detections, 0);
  for (guint i = 0; i < detections->n; i++) {
    g_assert_cmpfloat (detections->items[i].x1 - detections->items[i].x0, >=, 30);
    g_assert_cmpfloat (detections->items[i].y1 - detections->items[i].y0, <=, 80);
  }

  params = original;
  params.min_object_width = G_MAXUINT;
  assert_accepted (detector, &params);
  count_detections (detector, detections, 0);
  g_assert_cmpuint (detections->n, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/params/ratios", test_ratios);
  g_test_add_func ("/params/counts", test_counts);
  g_test_add_func ("/params/iou-bounds", test_iou_bounds);
  g_test_add_func ("/params/heads", test_heads);
  g_test_add_func ("/params/class-thresholds", test_class_thresholds);
  g_test_add_func ("/params/effects", test_effects);
  return g_test_run ();
}
